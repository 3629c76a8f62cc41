"""Draws docs/touching.png: what the recall on touching instances counts; `python experiments/pictures/touching.py`.

The numbers under the panels are measured on the very maps that are shown.
"""

from pathlib import Path

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from oasis.labels import LabelSpace
from oasis.metrics.panoptic_scores import PanopticScores
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import match_all
from oasis.visualize import colorize_instances, to_bytes

PICTURE = Path(__file__).parents[2] / "docs" / "touching.png"
HEIGHT, WIDTH, GAP, CAPTION = 150, 290, 8, 46
ROAD, CAR = 0, 13
TOUCHING = (12, 96)  # left edges: the bumpers of these two meet
APART = 194


def car(canvas: ImageDraw.ImageDraw, left: int, number: int) -> None:
    """Body, cabin and wheels from the side, 84 pixels long."""
    canvas.rectangle((left, 70, left + 83, 99), fill=number)
    canvas.polygon([(left + 14, 70), (left + 26, 46), (left + 58, 46), (left + 70, 70)], fill=number)
    for wheel in (left + 8, left + 54):
        canvas.ellipse((wheel, 88, wheel + 22, 110), fill=number)


def street(numbers: tuple[int, int, int], shift: int = 0) -> tuple[Tensor, Tensor]:
    """Label and instance, (HEIGHT, WIDTH) int64 each, of three cars that bear these numbers."""
    picture = Image.new("L", (WIDTH, HEIGHT))
    canvas = ImageDraw.Draw(picture)
    for left, number in zip((*TOUCHING, APART), numbers, strict=True):
        car(canvas, left + shift, number)
    instance = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).long().view(HEIGHT, WIDTH)
    return torch.where(instance > 0, CAR, ROAD), instance


def found(predicted: tuple[Tensor, Tensor], target: tuple[Tensor, Tensor]) -> str:
    """The score in words."""
    classes = ScoredClasses(LabelSpace.cityscapes_train_ids())
    metric = PanopticScores(classes)
    matchings = match_all(classes, *(maps.unsqueeze(0) for maps in (*predicted, *target)))
    metric.update(torch.zeros(1, dtype=torch.int64), matchings)
    scores = metric.compute()
    count = int(scores["touching_count"])
    return (
        f"{round(float(scores['touching_recall']) * count)} of {count}, touching recall {scores['touching_recall']:.0%}"
    )


def main() -> None:
    """Draw."""
    target = street((1, 2, 3))
    merged, apart = street((1, 1, 3), shift=3), street((1, 2, 3), shift=3)
    panels = {
        "the label map: two cars touch, one does not": (target, "2 to be found"),
        "a segmentation that merges them": (merged, found(merged, target)),
        "a segmentation that separates them": (apart, found(apart, target)),
    }
    sheet = Image.new("RGB", (len(panels) * (WIDTH + GAP) - GAP, HEIGHT + CAPTION), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for i, (title, ((_, instance), score)) in enumerate(panels.items()):
        left = i * (WIDTH + GAP)
        colors = colorize_instances(instance, torch.full((3, HEIGHT, WIDTH), -0.4), opacity=1.0)
        sheet.paste(Image.fromarray(to_bytes(colors).permute(1, 2, 0).numpy()), (left, CAPTION // 2))
        draw.text((left + 2, 4), title, fill="black", font=font)
        draw.text((left + 2, HEIGHT + CAPTION // 2 + 4), score, fill="black", font=font)
    sheet.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
