"""Compiled networks that fall back to plain ones where compiling fails."""

import warnings
from collections.abc import Callable
from typing import Any

import torch


class Compiled:
    """A function, compiled at its first call; where that fails, the function itself, after one warning.

    Whoever holds it holds no module: names in the state dict stay as they are, and a copy of a network is a plain one.

    Args:
        function: such as a method of a network.
        name: what to call it in the warning.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name
        self._compiled: Callable[..., Any] | None = torch.compile(function)

    def __call__(self, *inputs: Any) -> Any:
        """What the function returns."""
        if self._compiled is None:
            return self.function(*inputs)
        try:
            return self._compiled(*inputs)
        except Exception as error:  # torch has dozens of ways to fail to compile, and no common class for them
            result = self.function(*inputs)  # an error of the function's own comes again here
            self._compiled = None
            reason = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
            warnings.warn(
                f"model.compile=true: torch.compile cannot compile the {self.name} here ({reason}); it runs as it is. "
                "model.compile=false spares the attempt.",
                stacklevel=2,
            )
            return result
