"""Made-up segments, and numbers."""

import torch
from torch import Tensor


def maps(seed: int, height: int = 6, width: int = 8, batch: int = 2) -> Tensor:
    """Segments with holes, specks and touching ones: (B, H, W) int64 with gaps between the numbers."""
    random = torch.Generator().manual_seed(seed)
    segments = torch.randint(2, (batch, height, width), generator=random) * 7  # specks
    for image in segments:
        for number in (3, 1057):
            y, x = (int(torch.randint(size, (), generator=random)) for size in (height // 2, width // 2))
            image[y : y + height // 2, x : x + width // 2] = number
    return segments


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
