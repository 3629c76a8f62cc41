"""Building a network from a factory."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from oasis.errors import ConfigurationError

_Network = TypeVar("_Network", bound=nn.Module)


def build_network(factory: Callable[..., _Network], kind: type[_Network], offered: Mapping[str, int]) -> _Network:
    """Call a factory with the offered arguments that it has parameters for.

    Args:
        factory: a class, or a `functools.partial` of one.
        kind: the required base class.
        offered: available arguments: `condition_channels`, `num_classes` and, for discriminators, `num_things`.

    Raises:
        ConfigurationError: the result is of another class, or the factory has invalid settings.
    """
    parameters = _parameters(factory, kind)
    anything = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    network = factory(**{name: value for name, value in offered.items() if anything or name in parameters})
    if not isinstance(network, kind):
        raise ConfigurationError(
            f"{kind.__name__.lower()}._target_ makes a {type(network).__name__}, which is no "
            f"oasis.models.{kind.__name__}: derive it from that class, see docs/extending.md."
        )
    return network


def plan_network(factory: Callable[..., _Network], kind: type[_Network], offered: Mapping[str, int]) -> _Network:
    """`build_network` without memory: on the device `meta`, for weights that are loaded afterwards.

    Raises:
        ConfigurationError: see `build_network`.
    """
    with torch.device("meta"), _NoInitialization():
        return build_network(factory, kind, offered)


class _NoInitialization(TorchFunctionMode):
    """Leaves tensors as they are where they would be drawn at random.

    Drawing normal numbers without memory, torch loads its compiler first, which takes seconds.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (torch.Tensor.normal_, torch.Tensor.uniform_):
            return args[0]
        return func(*args, **(kwargs or {}))


def _parameters(factory: Callable[..., Any], kind: type) -> Mapping[str, inspect.Parameter]:
    """The parameters of a factory, or of the class that it is a partial of.

    Raises:
        ConfigurationError: the partial has settings that the class does not have.
    """
    made = factory.func if isinstance(factory, functools.partial) else factory
    parameters = inspect.signature(made).parameters
    if not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values()):
        given = factory.keywords if isinstance(factory, functools.partial) else {}
        unknown = [name for name in given if name not in parameters]
        if unknown:
            raise ConfigurationError(
                f"{kind.__name__.lower()}: {made.__name__} has no setting {unknown[0]!r}; it has "
                f"{', '.join(parameters)}. "
                "Was it set for another class, by an experiment or a preset?"
            )
    return parameters
