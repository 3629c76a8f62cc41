"""Uploading a model to the Hugging Face hub."""

import tempfile
from pathlib import Path

from oasis.checkpoint.finding import HUB_FILE
from oasis.errors import ConfigurationError
from oasis.export import export
from oasis.hub_files import import_hub, is_repository, reason
from oasis.publishing.model_card import write_card
from oasis.synthesis import Synthesizer


def push(checkpoint: str | Path, repository: str, *, private: bool = False, half: bool = False) -> str:
    """Upload a checkpoint's generator with a model card; `hf://OWNER/NAME` then reads it.

    Args:
        checkpoint: see `find_checkpoint`.
        repository: `OWNER/NAME`; made if it does not exist, else its files are replaced in a new commit.
        private: only its owner can read it; an existing repository stays as it is.
        half: store the weights as float16.

    Returns:
        The address of the repository.

    Raises:
        CheckpointError: see `Synthesizer.from_checkpoint`.
        ConfigurationError: huggingface_hub is not installed; not such a name; nobody is logged in; a model whose styles
            are in another file; or the hub refuses.
    """
    hub = import_hub("oasis push")
    if not is_repository(repository):
        raise ConfigurationError(f"{repository}: no name on the hub; give OWNER/NAME.")
    if hub.get_token() is None:
        raise ConfigurationError(
            f"{repository}: nobody is logged in to the Hugging Face hub. Run `hf auth login`, or set the variable "
            "HF_TOKEN, with a token that may write: https://huggingface.co/settings/tokens"
        )
    synthesizer = Synthesizer.from_checkpoint(checkpoint, device="cpu")
    source = synthesizer.checkpoint
    if source is None or synthesizer.generator.style_per_segment:
        raise ConfigurationError(
            f"{source}: {synthesizer.name} draws the styles of segments from a file beside it, which a repository does "
            "not have. Share both files in another way."
        )
    with tempfile.TemporaryDirectory(prefix="oasis_push_") as name:
        folder = Path(name)
        export(source, folder / HUB_FILE, half=half)
        write_card(folder, synthesizer, repository)
        try:
            address = hub.HfApi().create_repo(repository, private=private or None, exist_ok=True)
            hub.HfApi().upload_folder(
                repo_id=repository, folder_path=folder, commit_message=f"{synthesizer.name} by panoptic-oasis"
            )
        except Exception as error:  # the hub's own errors, or those of its HTTP client, which depends on its release
            raise ConfigurationError(f"{repository}: the hub did not take it ({reason(error)}).") from error
    return str(address)
