"""Diversity of the draws of one source of pictures."""

from collections.abc import Sequence

import torch
from torch import Tensor

from oasis.batch import Batch
from oasis.errors import MissingWeightsError
from oasis.evaluation.results import Score
from oasis.evaluation.sources import PictureSource
from oasis.metrics import Diversity, LPIPSDistance, ScoredClasses, split_class


class DiversityOf:
    """Diversity of a source of several draws.

    Args:
        source: the source.
        maps: positions of the label maps that count; none = no scores.
        lpips: second measure; None = MS-SSIM alone.
        device: where the pictures are.
    """

    def __init__(
        self, source: PictureSource, maps: Sequence[int], lpips: LPIPSDistance | None, device: torch.device
    ) -> None:
        self.space = source.data.label_space
        self.classes = ScoredClasses(self.space)
        self.maps = maps
        self.device = device
        self.metric = Diversity(self.classes.names, lpips).to(device)

    def update(self, batch: Batch, draws: Tensor) -> None:
        """Add those label maps of a batch that are among the chosen, and their draws (S, B, 3, H, W)."""
        chosen = among(batch.index, self.maps)
        if chosen.any():
            target = self.classes.lookup(self.space).to(self.device)[batch.label]
            self.metric.update(batch.index[chosen], draws[:, chosen], target[chosen])

    def compute(self) -> dict[str, Score]:
        """The scores, one value per draw: its distance from the others. Two draws have one distance, and no spread."""
        if not self.maps:
            return {}
        return {
            name: Score(values[:1] if len(values) == 2 and split_class(name)[1] is None else values)
            for name, values in self.metric.compute().items()
        }


def among(index: Tensor, positions: Sequence[int]) -> Tensor:
    """(B,) bool, which of the positions (B,) are among others."""
    return torch.isin(index, torch.as_tensor(positions, dtype=index.dtype, device=index.device))


def load_lpips(notes: list[str]) -> LPIPSDistance | None:
    """LPIPS if its weights are available; otherwise a note that says how to get them."""
    try:
        return LPIPSDistance()
    except MissingWeightsError as error:
        notes.append(f"No LPIPS: {error}.")
        return None
