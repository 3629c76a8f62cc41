"""`oasis push`: a model on the Hugging Face hub."""

from typing import Annotated

import typer
from rich.console import Console


def push(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="A checkpoint file, or a run folder (its last checkpoint).")
    ],
    repository: Annotated[
        str, typer.Argument(metavar="OWNER/NAME", help="On the hub; made if it does not exist, else written anew.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Make it private; by default, a new repository can be read by all.")
    ] = False,
    half: Annotated[bool, typer.Option("--half", help="Store weights as float16, see `oasis export`.")] = False,
) -> None:
    """Upload a generator to the Hugging Face hub, with a model card; hf://OWNER/NAME is then a checkpoint."""
    from oasis.publishing import push as run

    address = run(checkpoint, repository, private=private, half=half)
    Console(soft_wrap=True, highlight=False, markup=False).print(
        f"Pushed: {address}\nTo use it: oasis generate hf://{repository} LABELMAP --output photos"
    )
