"""Compiled networks with a fallback to plain ones."""

import warnings
from collections.abc import Callable
from typing import Any

import torch


class Compiled:
    """A function, compiled at its first call; if that fails, the function itself, after one warning.

    It is not a module: names in the state dict do not change, and a copy of a network is a plain one.

    Args:
        function: such as a method of a network.
        name: in the warning.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name
        self._compiled: Callable[..., Any] | None = torch.compile(function)

    def __call__(self, *inputs: Any) -> Any:
        """Call the function."""
        if self._compiled is None:
            return self.function(*inputs)
        try:
            return self._compiled(*inputs)
        except Exception as error:  # torch has no common class of compilation errors
            result = self.function(*inputs)  # an error of the function itself is raised again here
            self._compiled = None
            reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
            warnings.warn(
                f"model.compile=true: torch.compile cannot compile the {self.name} here ({reason}); it runs as it is. "
                "model.compile=false spares the attempt.",
                stacklevel=2,
            )
            return result
