"""How large everything is, on a GPU and in a dry run."""

import os
from dataclasses import dataclass

_CORES = os.cpu_count() or 1


@dataclass(frozen=True)
class Sizes:
    """How large everything is.

    Attributes:
        height: H of pictures.
        width: W of pictures.
        batches: samples of a training step; the first one compares.
        pictures: that are painted at a time.
        channels: of the generator that paints.
        suffix: of models' names.
        streets: that are drawn to train on.
        rounds: of a measurement, if they take no more than a few seconds.
        product: rows of the square matrices whose product is the ceiling.
        limit: seconds that a line has.
        compiling: seconds that torch.compile has.
        training: seconds that a real training takes at most.
        ending: seconds kept for starting and ending it.
    """

    height: int = 256
    width: int = 512
    batches: tuple[int, int] = (8, 20)
    pictures: tuple[int, int] = (1, 16)
    channels: int = 64
    suffix: str = ""
    streets: int = min(1200, 60 * _CORES)
    rounds: int = 7
    product: int = 8192
    limit: float = 60
    compiling: float = 75
    training: float = 3600
    ending: float = 30


TINY = Sizes(32, 64, (2, 3), (1, 2), 4, "_tiny", 24, 1, 256, 600, 3, 3, 0)


def settings(sizes: Sizes) -> list[str]:
    """What `oasis train` would be given for the data."""
    return [
        f"data.streets.train={sizes.streets}",
        f"data.streets.val={max(sizes.pictures)}",
        f"data.height={sizes.height}",
        f"data.width={sizes.width}",
        "data.num_workers=0",
        "paths.output_dir=unused",
    ]
