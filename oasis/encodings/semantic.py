"""The baseline: classes alone."""

import torch
from torch import Tensor

from oasis.encodings.base import Encoding, Generators


class Semantic(Encoding):
    """One-hot classes, without instances.

    Source: Park et al. 2019 (SPADE), Sushko et al. 2021 (OASIS).
    """

    @property
    def channels(self) -> int:
        """C, the number of classes."""
        return self.label_space.num_classes

    def forward(self, label: Tensor, instance: Tensor, generators: Generators = None) -> Tensor:
        """Encode a batch; see `Encoding.forward`. `instance` is ignored. Not random."""
        batch, height, width = label.shape
        one_hot = torch.zeros(batch, self.channels, height, width, dtype=torch.float32, device=label.device)
        return one_hot.scatter_(1, label.unsqueeze(1), 1.0)
