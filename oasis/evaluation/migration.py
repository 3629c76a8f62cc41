"""What earlier versions wrote, in today's names; the only place that knows them."""

from collections.abc import Mapping
from typing import Any, TypeVar

_OLD, _NEW = "judge", "segmenter"
Value = TypeVar("Value")


def current_name(metric: str) -> str:
    """Today's name of a metric: `judge/miou` was written before `segmenter/miou`, also in `real_photos/judge/miou`."""
    *before, last = metric.split(f"{_OLD}/", 1)
    known = before in ([""], ["real_photos/"], ["untrained/"], ["metrics/"])
    return f"{before[0]}{_NEW}/{last}" if known else metric


def current_names(values: Mapping[str, Value]) -> dict[str, Value]:
    """The same values under today's names of their metrics."""
    return {current_name(name): value for name, value in values.items()}


def current_keys(content: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration or a file of results whose entry `judge` is now `segmenter`."""
    return {_NEW if name == _OLD else name: value for name, value in content.items()}


def current_choices(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    """The choices of a run's summary, which once named the encoding and the discriminator alone.

    Raises:
        KeyError: a summary without either.
    """
    choices: Mapping[str, Any] | None = summary.get("choices")
    return choices or {part: summary[part] for part in ("encoding", "discriminator")}
