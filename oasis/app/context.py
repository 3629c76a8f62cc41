"""The context that all tabs share."""

import functools
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from oasis.app.limits import Limits
from oasis.app.markup import problem
from oasis.app.model_pool import ModelPool
from oasis.app.uploads import in_the_page
from oasis.errors import ConfigurationError, MissingInstancesError, OasisError, message
from oasis.synthesis.examples import Example

_LOG = logging.getLogger(__name__)
_MOST_SEED = 2**31 - 1
NO_MAP = "Choose a map in the first tab"

Updates = dict[Any, Any]  # component -> new value; those left out stay as they are
NO_UPDATES: Updates = gr.skip()  # Gradio refuses an empty dict


@dataclass(frozen=True)
class AppContext:
    """Everything that the tabs share.

    Attributes:
        pool: the models.
        limits: on visitors.
        examples: synthetic streets to start from, if the first model knows their classes.
        session: holds a `Session` for each visitor.
        model: the name of the model in use.
    """

    pool: ModelPool
    limits: Limits
    examples: list[Example]
    session: gr.State
    model: gr.Dropdown


# All events share one queue and are handled one at a time: in parallel they would only compete for the cores.
EVENT: dict[str, Any] = {"concurrency_id": "generate", "concurrency_limit": 1, "api_visibility": "private"}


def explained(error: OasisError) -> str:
    """The message of an error, with advice for the page."""
    if isinstance(error, MissingInstancesError):
        return (
            f"{error.what} Upload its instance map too, or a map that holds both; or choose a model that does without."
        )
    return in_the_page(message(error))


def telling(where: gr.HTML) -> Callable[[Callable[..., Updates]], Callable[..., Updates]]:
    """Decorates an event handler: an error is shown in the page, and everything else there stays as it is."""

    def decorate(answer: Callable[..., Updates]) -> Callable[..., Updates]:
        @functools.wraps(answer)
        def told(*arguments: Any) -> Updates:
            try:
                return answer(*arguments)
            except OasisError as error:
                return {where: problem(explained(error))}
            except Exception:
                _LOG.exception("The app has a bug")
                return {where: problem("This is a bug in the app; its terminal shows the details.")}

        return told

    return decorate


def seed_of(value: float | None) -> int:
    """The value of a field for seeds.

    Raises:
        ConfigurationError: it is no seed.
    """
    if value is None or not 0 <= value <= _MOST_SEED or value != int(value):
        raise ConfigurationError(f"A seed is a whole number from 0 to {_MOST_SEED}; the field holds {value}.")
    return int(value)


def seed_field(label: str = "Seed", value: int = 0, elem_id: str | None = None) -> gr.Number:
    """A field for a seed."""
    return gr.Number(
        value, label=label, precision=0, minimum=0, maximum=_MOST_SEED, elem_id=elem_id, min_width=110, scale=0
    )


def sent(event: gr.EventData, name: str) -> object:
    """The data of this name that a component sent with an event, of any type; None if it is missing."""
    try:
        value: object = getattr(event, name)
    except (AttributeError, TypeError):
        return None
    return value
