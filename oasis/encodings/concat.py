"""Several encodings concatenated."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from oasis.encodings.base import Encoding, Generators
from oasis.encodings.one_hot_plus import OneHotPlus
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace


class Concat(OneHotPlus):
    """One-hot classes once, then the extra channels of each part, in the order of the parts.

    Args:
        label_space: the classes, the same as the parts'.
        parts: at least one encoding that adds channels to plain one-hot classes, each kind at most once. The parts of
            a `Concat` count as if they were listed here.

    Raises:
        ConfigurationError: no part; one without extra channels, such as `Semantic`; one whose classes are not plain,
            such as `InstanceIds`; a repeated one; one of another label space.
    """

    def __init__(self, label_space: LabelSpace, parts: Sequence[Encoding]) -> None:
        super().__init__(label_space)
        flat = [leaf for part in parts for leaf in (part.layers() if isinstance(part, Concat) else [part])]
        for position, part in enumerate(flat):
            _require_fitting(part, flat[:position], label_space)
        if not flat:
            raise ConfigurationError("encoding.parts is empty: give Concat at least one part, or use encoding=semantic")
        self.parts = nn.ModuleList(flat)
        self.order_sensitivity = max(part.order_sensitivity for part in flat)

    @property
    def extra_channels(self) -> int:
        """The sum over the parts."""
        return sum(part.extra_channels for part in self.layers())

    def layers(self) -> list[OneHotPlus]:
        """The parts, typed."""
        return [cast(OneHotPlus, part) for part in self.parts]

    def fill(self, canvas: Tensor, label: Tensor, instance: Tensor, generators: Generators) -> None:
        """Fill each part's channels of the canvas; see `OneHotPlus.fill`."""
        sizes = [part.extra_channels for part in self.layers()]
        for part, share in zip(self.layers(), canvas.split_with_sizes(sizes, dim=1), strict=True):
            part.fill(share, label, instance, generators)

    def measurements(self) -> dict[str, Tensor]:
        """The measurements of all parts."""
        return {name: value for part in self.layers() for name, value in part.measurements().items()}


def _require_fitting(part: Encoding, before: Sequence[Encoding], label_space: LabelSpace) -> None:
    name = type(part).__name__
    if not isinstance(part, OneHotPlus):
        raise ConfigurationError(
            f"encoding.parts: {name} cannot be joined. Concat puts the one-hot classes of `semantic` in front by "
            f"itself, and takes only parts that add channels behind them; remove {name}."
        )
    if any(type(other) is type(part) for other in before):
        raise ConfigurationError(f"encoding.parts: {name} is listed twice; remove one of them.")
    if part.label_space != label_space:
        raise ConfigurationError(
            f"encoding.parts: {name} has another label space ({part.label_space.num_classes} classes) than the Concat "
            f"({label_space.num_classes} classes); give both label_space: ${{label_space}}."
        )
