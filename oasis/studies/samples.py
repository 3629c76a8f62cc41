"""The same label maps and the same noise, painted by all arms of a setting."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image
from torch import Tensor
from torch.utils.data import default_collate

from oasis.batch import Batch
from oasis.data.samples import Sample, Split
from oasis.errors import OasisError
from oasis.evaluation import EvaluatedModel, open_painters, own_data
from oasis.labels import LabelSpace
from oasis.report import Picture
from oasis.studies.study import Arm, Setting
from oasis.visualize import colorize, sample_grid

NOISE_SEED = 0
SPLIT: Split = "val"


@dataclass(frozen=True)
class Painted:
    """What several arms paint of the same label maps with the same noise.

    Attributes:
        batch: the label maps and photos.
        label_space: of the label maps.
        fakes: arm -> (B, 3, H, W) in [-1, 1].
    """

    batch: Batch
    label_space: LabelSpace
    fakes: Mapping[Arm, Tensor]


def paint_arms(
    setting: Setting, arms: Sequence[Arm], choose: Callable[[EvaluatedModel], Sequence[int]], notes: list[str]
) -> Painted | None:
    """Let one run of each arm paint; one generator at a time is in memory.

    Args:
        setting: which runs there are.
        arms: wanted, in order.
        choose: says of the first model which places of the validation split are painted.
        notes: takes what to tell of arms that cannot paint.

    Returns:
        None where none of them can.
    """
    chosen: Sequence[int] | None = None
    batches: list[tuple[Batch, LabelSpace]] = []
    fakes: dict[Arm, Tensor] = {}
    for arm in arms:
        model = open_arm(setting, arm, notes)
        if model is not None:
            chosen = choose(model) if chosen is None else chosen
            samples: Sample = default_collate([model.data.dataset(SPLIT)[place] for place in chosen])
            batch, fakes[arm] = model.paint(samples, NOISE_SEED)
            batches.append((batch, model.data.label_space))
    return Painted(*batches[0], fakes) if batches else None


def open_arm(setting: Setting, arm: Arm, notes: list[str]) -> EvaluatedModel | None:
    """The generator of the arm's run with the lowest seed of those whose checkpoint is there.

    Args:
        setting: which runs there are.
        arm: wanted.
        notes: takes why there is none.
    """
    paths = [run.checkpoint for run in setting.of(arm) if run.checkpoint is not None]
    if not paths:
        notes.append(f"No pictures of {arm}: its runs have no checkpoint here.")
        return None
    try:
        (model,) = open_painters(paths[:1], own_data)
        model.data.dataset(SPLIT)
    except (OasisError, OSError) as error:
        notes.append(f"No pictures of {arm}: {error}")
        return None
    return model


def sample_pictures(setting: Setting, count: int, prefix: str, notes: list[str]) -> list[Picture]:
    """One grid a discriminator: photo, label map, and what each encoding's generator makes of it.

    Args:
        setting: whose arms are shown.
        count: label maps, the first of the validation split; 0 = no pictures.
        prefix: of the files' names.
        notes: takes what to tell of arms without pictures.
    """

    def first(model: EvaluatedModel) -> Sequence[int]:
        return range(min(count, len(model.data.dataset(SPLIT))))

    pictures = []
    for discriminator in dict.fromkeys(arm.discriminator for arm in setting.arms) if count else ():
        arms = [arm for arm in setting.arms if arm.discriminator == discriminator]
        painted = paint_arms(setting, arms, first, notes)
        if painted is not None:
            shown = {
                "photo": painted.batch.image,
                "label map": colorize(painted.batch.label, painted.label_space.palette),
                **{arm.encoding: fake for arm, fake in painted.fakes.items()},
            }
            caption = f"Discriminator {discriminator}: the same label maps, the same noise, one run of each encoding"
            file = f"{prefix}_samples_{_in_a_path(discriminator)}.png"
            pictures.append(Picture(caption, png(sample_grid(shown)), file=file))
    return pictures


def png(picture: Image.Image) -> bytes:
    """A picture as the bytes of a file."""
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _in_a_path(name: str) -> str:
    """A name without what Markdown, shells or file systems take for something else."""
    return re.sub(r"[^\w.=+-]+", "_", name)
