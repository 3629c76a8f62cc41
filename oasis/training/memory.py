"""Advice when memory runs out."""

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from oasis.errors import LowMemoryError, OasisError

_SIGNS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory", "_alloc_failed",
          "std::bad_alloc")  # fmt: skip


@contextmanager
def memory_advice(settings: Mapping[str, Any]) -> Iterator[None]:
    """Turn an out-of-memory error of any device into one that says what to lower.

    Args:
        settings: of the run, as nested containers; for their current values in the message.

    Raises:
        LowMemoryError: memory ran out.
    """
    try:
        yield
    except (RuntimeError, MemoryError, OSError) as error:
        if not ran_out(error):
            raise
        raise LowMemoryError(advice(error, settings)) from error


def ran_out(error: BaseException) -> bool:
    """Whether an error means that memory ran out: torch has a class for it on GPUs only."""
    if isinstance(error, OasisError):
        return False
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return any(sign in str(error).lower() for sign in _SIGNS)


def advice(error: BaseException, settings: Mapping[str, Any]) -> str:
    """The error in one line, and the settings to lower, the most effective first, with their current values."""
    data, model, trainer, generator = (settings.get(group) or {} for group in ("data", "model", "trainer", "generator"))
    remedies = [f"a lower data.batch_size (now {data.get('batch_size')})"]
    if not model.get("recompute"):
        remedies.append("model.recompute=true (now false: slower, half the memory)")
    if trainer.get("precision") in (None, "32-true", 32, "32"):
        remedies.append(f"trainer=mixed (now trainer.precision={trainer.get('precision')})")
    remedies.append(f"a lower generator.channels (now {generator.get('channels')})")
    if "token_heads" in generator:
        remedies.append(f"fewer generator.token_heads (now {generator['token_heads']}): all segments attend to all")
    if "PanopticSurroundings" in str((generator.get("panoptic") or {}).get("_target_")):
        remedies.append("generator/panoptic=plain (now aware: convolutions keep copies where segments meet)")
    remedies.append(f"lower data.height and data.width (now {data.get('height')} and {data.get('width')})")
    said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
    return f"Memory ran out ({said[:300]}). What helps: {', '.join(remedies)}."
