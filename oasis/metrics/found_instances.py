"""How many instances are found, by their properties."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from oasis.metrics.per_matching import PerMatching
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import Matching

_AREAS = (16, 64, 256, 1024, 4096, 16384)  # pixels; from each to the next both sides double
_FILLS = (0.25, 0.5, 0.75)
BINS = {
    "area": (
        f"below {_AREAS[0]} pixels",
        *(f"{low} to {high - 1} pixels" for low, high in pairwise(_AREAS)),
        f"from {_AREAS[-1]} pixels",
    ),
    "fill": ("below a quarter", "a quarter to half", "half to three quarters", "from three quarters"),
    "contact": ("touching", "apart"),
}


class FoundInstances(PerMatching):
    """The recall of instances, and of those that touch another one of their class, by what they look like.

    An instance is found if a predicted one of its class overlaps it with an IoU above 0.5, as in `PanopticScores`. The
    recall is that over all classes and images. Instances are told apart by

    - `area`, in pixels,
    - `fill`: the share of its bounding box that an instance covers. A label map does not say how much of a thing is
      hidden; things that are cut by others, thin or slanted fill little of their box, so this is a hint at most,
    - `contact`: whether they touch another one of their class, see `PanopticScores`.

    Source: this project.
    """

    def __init__(self, classes: ScoredClasses, **settings: Any) -> None:
        super().__init__(classes, **settings)
        self.register_buffer("areas", torch.tensor(_AREAS), persistent=False)
        self.register_buffer("fills", torch.tensor(_FILLS, dtype=torch.float64), persistent=False)

    def count(self, matching: Matching) -> Tensor:
        """One image: (4, bins) float64 of all, of all found, of touching, and of touching found instances."""
        target = matching.target
        instances = self.is_thing[target.label] & (target.instance > 0)
        fill = target.area.double() / target.boxes[:, 2:].prod(1)
        bins = (
            torch.bucketize(target.area, self.get_buffer("areas"), right=True),
            torch.bucketize(fill, self.get_buffer("fills"), right=True),
            (~target.touching).long(),
        )
        inside = torch.cat(
            [
                one.unsqueeze(1) == torch.arange(len(names), device=one.device)
                for one, names in zip(bins, BINS.values(), strict=True)
            ],
            dim=1,
        )
        touching, found = instances & target.touching, matching.found
        return torch.stack([instances, instances & found, touching, touching & found]).double() @ inside.double()

    def compute(self) -> dict[str, Tensor]:
        """The scores.

        Returns:
            `recall_by_PROPERTY/BIN` and `count_by_PROPERTY/BIN` of each property and bin of `BINS`, and both again with
            `touching_` in front, except by contact. float64, nan where there is no instance.

        Raises:
            MetricError: nothing was measured.
        """
        counts = self.collected().sum(0)
        scores: dict[str, Tensor] = {}
        for by, names in BINS.items():
            of_bins, counts = counts[:, : len(names)], counts[:, len(names) :]
            for kind, (total, found) in (("", of_bins[:2]), ("touching_", of_bins[2:])):
                if kind and by == "contact":
                    continue
                recall, count = found / total, torch.where(total > 0, total, torch.nan)
                scores |= {f"{kind}recall_by_{by}/{name}": value for name, value in zip(names, recall, strict=True)}
                scores |= {f"{kind}count_by_{by}/{name}": value for name, value in zip(names, count, strict=True)}
        return scores
