"""Notebooks: as Markdown for the site, and run anew: `python -m experiments.site.notebook docs/quickstart.ipynb`."""

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def as_markdown(path: Path) -> str:
    """A notebook's text, code and outputs; pictures stand in the text as data."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join(block for cell in cells for block in _blocks(cell)) + "\n"


def _blocks(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data:
            yield f"![What the cell shows](data:image/png;base64,{data['image/png'].replace(chr(10), '')})"
        else:
            yield f"```text\n{''.join(output.get('text') or data['text/plain']).rstrip()}\n```"


def run(path: Path, folder: Path) -> Any:
    """Run all cells of a notebook in a folder.

    Args:
        path: of the notebook, which stays as it is.
        folder: where its relative paths lead.

    Returns:
        The notebook of nbformat, with outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(notebook, timeout=1200, record_timing=False, resources={"metadata": {"path": str(folder)}})
    return client.execute()


def tidied(outputs: list[Any], folder: str) -> list[Any]:
    """Outputs of a cell, what was printed as one plain text: no colours, no progress, no path of `folder`."""
    shown = [output for output in outputs if "text" not in output]
    printed = [output for output in outputs if output.get("name") == "stdout"]
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "".join(output["text"] for output in printed))
    bars = ("━", "it/s")
    lines = [line.rsplit("\r")[-1].rstrip() for line in text.replace(f"{folder}/", "").split("\n")]
    lines = [line for line in lines if not any(bar in line for bar in bars)]
    for output in printed[:1]:
        output["text"] = "\n".join(lines).strip("\n") + "\n"
    return printed[:1] + shown


def rewrite(path: Path) -> None:
    """Run a notebook in an empty folder, with an empty cache, and write its outputs into the file."""
    import nbformat

    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(PANOPTIC_OASIS_CACHE=f"{folder}/cache", COLUMNS="110")
        notebook = run(path, Path(folder))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = tidied(cell.outputs, folder)
    nbformat.write(notebook, path)


if __name__ == "__main__":
    rewrite(Path(sys.argv[1]))
