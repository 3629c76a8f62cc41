"""Compiled networks that are kept for later runs, with a fallback to plain ones."""

import json
import os
import time
import warnings
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.utilities import rank_zero_only
from torch import Tensor, nn

from oasis.files import cache_folder, write_json

_FOLDER = "TORCHINDUCTOR_CACHE_DIR"
_RECORD = "seconds.json"


class Compiled:
    """A function, compiled when it is first called with inputs of a shape; if that fails, the function itself.

    A line tells that compiling begins, and how long it took the last time. What is compiled is kept in the project's
    cache, in a folder for each version of torch; a `TORCHINDUCTOR_CACHE_DIR` that is set has precedence. After a
    failure there is one warning.

    It is not a module: names in the state dict do not change, and a copy of a network is a plain one.

    Args:
        function: such as a network.
        name: in the messages.

    Attributes:
        folder: where torch keeps what it compiles.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name
        own = cache_folder() / "compiled" / f"torch-{torch.__version__}"
        self.folder = Path(os.environ.setdefault(_FOLDER, str(own)))  # torch reads it whenever it compiles
        # Pictures of a run have one size; for any size, code would be slower and take longer to compile.
        self._compiled: Callable[..., Any] | None = torch.compile(function, dynamic=False)
        self._known: set[Hashable] = set()

    def __call__(self, *inputs: Any) -> Any:
        """Call the function."""
        if self._compiled is None:
            return self.function(*inputs)
        try:
            kind = _kind(inputs)
            return self._compiled(*inputs) if kind in self._known else self._first_call(kind, inputs)
        except Exception as error:  # torch has no common class of compilation errors
            result = self.function(*inputs)  # an error of the function itself is raised again here
            self._compiled = None
            cause = getattr(error, "inner_exception", error)  # torch's own begins with the name of the backend
            reason = next(iter(str(cause).strip().splitlines()), "") or type(cause).__name__
            warnings.warn(
                f"model.compile=true: torch.compile cannot compile the {self.name} here ({reason}); it runs as it is. "
                f"If a file in {self.folder} is damaged, delete the folder. model.compile=false spares the attempt.",
                stacklevel=2,
            )
            return result

    def _first_call(self, kind: Hashable, inputs: Any) -> Any:
        from torch._functorch import config as functorch

        assert self._compiled is not None
        record, text = self.folder / _RECORD, f"{self._title()}, {kind}"
        before = _seconds(record).get(text)
        expected = "which may take minutes" if before is None else f"which took {before:.0f} s the last time"
        _say(f"model.compile=true: compiling the {self.name}, {expected}. Its code is kept in {self.folder}.")
        start = time.perf_counter()
        # With its gradient, which torch otherwise compiles in the backward pass, where nothing catches an error.
        with functorch.patch(force_non_lazy_backward_lowering=True):
            result = self._compiled(*inputs)
        self._known.add(kind)
        with suppress(OSError):  # the record is a courtesy
            _remember(record, text, round(time.perf_counter() - start, 1))
        return result

    def _title(self) -> str:
        weights = self.function.parameters() if isinstance(self.function, nn.Module) else ()
        return f"{type(self.function).__name__} of {sum(each.numel() for each in weights)} weights"


def _kind(inputs: tuple[Any, ...]) -> Hashable:
    """What torch compiles anew for: shapes and types, and whether there are gradients."""
    kinds = tuple(
        (tuple(each.shape), each.dtype, each.device.type, each.requires_grad)
        if isinstance(each, Tensor)
        else type(each).__name__
        for each in inputs
    )
    return kinds, torch.is_grad_enabled()


@rank_zero_only
def _say(line: str) -> None:
    print(line, flush=True)


@rank_zero_only
def _remember(record: Path, text: str, seconds: float) -> None:
    write_json(record, {**_seconds(record), text: seconds})


def _seconds(record: Path) -> dict[str, float]:
    """Seconds that each compilation took; none if the file is missing or unreadable."""
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        return {str(text): float(seconds) for text, seconds in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
