"""Instances that touch, by going through all pixels."""

import numpy as np


def touching_pairs(instance: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of different instances of one class with a common border, by going through all neighbours."""
    pairs = set()
    height, width = instance.shape
    for y in range(height):
        for x in range(width):
            here = int(instance[y, x])
            for dy, dx in ((0, 1), (1, 0)):
                if here >= 1000 and y + dy < height and x + dx < width:
                    there = int(instance[y + dy, x + dx])
                    if there >= 1000 and there != here and there // 1000 == here // 1000:
                        pairs.add((min(here, there), max(here, there)))
    return pairs
