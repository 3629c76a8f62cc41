"""How a metric is presented."""

import math
from dataclasses import dataclass

_DIGITS, _MOST_DECIMALS = 4, 6  # of a metric that does not set its decimals


@dataclass(frozen=True)
class MetricInfo:
    """How a metric is presented.

    Attributes:
        title: short title for tables.
        meaning: what it measures, in one or two sentences.
        group: metrics of one group are shown together.
        higher_is_better: None if neither direction is better, or the metric is unknown.
        factor: values are printed times this.
        unit: the effect of `factor`, shown after the title, such as `%`.
        decimals: of printed values; None = four significant digits.
    """

    title: str
    meaning: str
    group: str
    higher_is_better: bool | None
    factor: float = 1.0
    unit: str = ""
    decimals: int | None = None

    @property
    def arrow(self) -> str:
        """The arrow of the better direction, or nothing."""
        return {True: "↑", False: "↓", None: ""}[self.higher_is_better]

    def show(self, value: float, decimals: int | None = None, *, signed: bool = False) -> str:
        """Format a value for tables, plots and text; `-` for nan.

        Args:
            value: in the metric's own scale, such as 0.31 for 31 %.
            decimals: of the printed number; None = those of `decimals_of`.
            signed: whether to print a plus.
        """
        if math.isnan(value):
            return "-"
        digits = self.decimals_of(value) if decimals is None else decimals
        # + 0.0 turns -0.0, a result of rounding, into 0.0.
        return f"{round(self.factor * value, digits) + 0.0:{'+' if signed else ''}.{digits}f}"

    def decimals_of(self, value: float) -> int:
        """Number of decimals of a printed value and of its spread."""
        if self.decimals is not None:
            return self.decimals
        size = abs(self.factor * value)
        if not 0 < size < math.inf:
            return 0
        return min(_MOST_DECIMALS, max(0, _DIGITS - 1 - math.floor(math.log10(size))))

    @property
    def heading(self) -> str:
        """Title, unit and direction in one line."""
        return " ".join(part for part in (self.title, self.unit, self.arrow) if part)
