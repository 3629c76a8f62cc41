"""Learning-rate schedules: pure functions of the epoch, without state."""

from typing import Protocol

from oasis.errors import ConfigurationError


class Schedule(Protocol):
    """A factor on the learning rate by epoch."""

    def __call__(self, epoch: int, max_epochs: int) -> float:
        """The factor.

        Called for epoch 0 before anything is trained, too, so that errors come early.

        Args:
            epoch: counted from 0.
            max_epochs: of the run; -1 = unlimited.
        """


class Constant:
    """A constant rate, as in OASIS."""

    def __call__(self, epoch: int, max_epochs: int) -> float:
        """1."""
        return 1.0


class LinearDecay:
    """A constant rate, then a linear decay over the last epochs: n/n, (n-1)/n, ..., 1/n of the rate.

    Args:
        epochs: n, the length of the decay; 100 of 200 as published for pix2pixHD and SPADE.

    Raises:
        ConfigurationError: epochs below 1; or, when called, a run without an end, or one shorter than the decay.

    Source: Wang et al. 2018, appendix; Park et al. 2019, section 4.
    """

    def __init__(self, epochs: int = 100) -> None:
        if not isinstance(epochs, int) or epochs < 1:
            raise ConfigurationError(f"model.schedule.epochs={epochs}: at least 1, or schedule=constant.")
        self.epochs = epochs

    def __call__(self, epoch: int, max_epochs: int) -> float:
        """See `Schedule`."""
        if max_epochs < 1:
            raise ConfigurationError("schedule=linear_decay falls towards the end of the run: set trainer.max_epochs.")
        if self.epochs > max_epochs:
            raise ConfigurationError(
                f"schedule.epochs={self.epochs}: the decay is longer than the run, trainer.max_epochs={max_epochs}, so "
                f"the first rate would be {max_epochs}/{self.epochs} of the one that is set. Lower it, to "
                f"schedule.epochs={max(1, max_epochs // 2)} for the second half of the run, or set schedule=constant."
            )
        return min(1.0, (max_epochs - epoch) / self.epochs)
