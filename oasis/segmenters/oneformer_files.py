"""What checkpoints of OneFormer hold besides a network of queries: words of tasks, and which classes are things."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from oasis.errors import ConfigurationError
from oasis.hub_files import PREPROCESSING, settings_of

TOKENIZER = ("tokenizer_config.json", "vocab.json|tokenizer.json", "merges.txt|tokenizer.json")  # patterns of files
_TOKENS = 77  # of a task, unless the settings say otherwise


def task_tokens(folder: Path, task: str) -> Tensor:
    """What tells a OneFormer its task: the tokens of "the task is ...", by the checkpoint's own tokenizer.

    Source: Jain et al. 2023 (OneFormer), section 3.1; transformers' `OneFormerProcessor` for the padding.

    Args:
        folder: of the checkpoint.
        task: "panoptic" or "semantic".

    Returns:
        (1, L) int64, 0 behind the last token.

    Raises:
        ConfigurationError: the tokenizer cannot be read, or does not know the words.
    """
    from transformers import CLIPTokenizer

    length = int(settings_of(folder, "OneFormer").get("task_seq_len", _TOKENS))
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
        tokens = tokenizer(f"the task is {task}", truncation=True, max_length=length).input_ids
    except Exception as error:  # the package tokenizers raises this very class
        raise ConfigurationError(
            f"{folder}: its tokenizer cannot be read ({error}); fetch {', '.join(TOKENIZER).replace('|', ' or ')} anew"
        ) from error
    if tokenizer.unk_token_id in tokens[1:-1]:
        raise ConfigurationError(
            f"{folder}: its tokenizer does not know the words 'the task is {task}'; fetch vocab.json and merges.txt of "
            "the same checkpoint"
        )
    return F.pad(torch.tensor([tokens]), (0, length - len(tokens)))


def thing_classes(folder: Path, classes: int) -> frozenset[int]:
    """The classes that are things; all of them if the files do not say.

    The file that `class_info_file` of `preprocessor_config.json` names says so, if it is in the folder, or else the
    `metadata` that `preprocessor_config.json` has of it.

    Args:
        folder: of the checkpoint.
        classes: the number of classes.

    Raises:
        ConfigurationError: these files cannot be read, or tell of other classes.
    """
    file = folder / PREPROCESSING
    try:
        settings = json.loads(file.read_text())
        listing = folder / Path(settings.get("class_info_file") or "").name
        if listing.is_file():
            file = listing
            things = frozenset(int(c) for c, entry in json.loads(file.read_text()).items() if entry["isthing"])
        elif settings.get("metadata"):
            things = frozenset(int(c) for c in settings["metadata"]["thing_ids"])
        else:
            return frozenset(range(classes))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigurationError(
            f"{file}: does not say which classes are things ({error!r}); fetch that of the checkpoint anew"
        ) from error
    if not things <= set(range(classes)):
        raise ConfigurationError(
            f"{file}: class {max(things)} is a thing, and config.json has {classes} classes, from 0: fetch both files "
            "of the same checkpoint"
        )
    return things
