"""Pictures of all arms of a group from the same label maps and the same noise."""

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image
from torch import Tensor
from torch.utils.data import default_collate

from oasis.batch import Batch
from oasis.checkpoint.own_data import own_data
from oasis.data.sample import Sample, Split
from oasis.errors import OasisError
from oasis.evaluation import EvaluatedModel, open_models
from oasis.labels import LabelSpace
from oasis.report import Picture
from oasis.studies.arms import Arm
from oasis.studies.study import RunGroup
from oasis.visualize import colorize, sample_grid

NOISE_SEED = 0
SPLIT: Split = "val"


@dataclass(frozen=True)
class Generated:
    """Pictures of several arms from the same label maps and the same noise.

    Attributes:
        batch: the label maps and photos.
        label_space: of the label maps.
        fakes: arm -> (B, 3, H, W) in [-1, 1].
    """

    batch: Batch
    label_space: LabelSpace
    fakes: Mapping[Arm, Tensor]


def generate_with(
    group: RunGroup, arms: Sequence[Arm], choose: Callable[[EvaluatedModel], Sequence[int]], notes: list[str]
) -> Generated | None:
    """Generate pictures with one run of each arm; one generator at a time is in memory.

    Args:
        group: its runs.
        arms: the arms, in order.
        choose: picks samples of the validation split for the first model.
        notes: appended to for each arm without pictures.

    Returns:
        None if no arm has a checkpoint.
    """
    chosen: Sequence[int] | None = None
    batches: list[tuple[Batch, LabelSpace]] = []
    fakes: dict[Arm, Tensor] = {}
    for arm in arms:
        model = open_arm(group, arm, notes)
        if model is not None:
            chosen = choose(model) if chosen is None else chosen
            samples: Sample = default_collate([model.data.dataset(SPLIT)[place] for place in chosen])
            batch, fakes[arm] = model.generate(samples, NOISE_SEED)
            batches.append((batch, model.data.label_space))
    return Generated(*batches[0], fakes) if batches else None


def open_arm(group: RunGroup, arm: Arm, notes: list[str]) -> EvaluatedModel | None:
    """The generator of the arm's run with the lowest seed whose checkpoint exists.

    Args:
        group: its runs.
        arm: the arm.
        notes: appended to if there is none.
    """
    paths = [run.checkpoint for run in group.of(arm) if run.checkpoint is not None]
    if not paths:
        notes.append(f"No pictures of {arm}: its runs have no checkpoint here.")
        return None
    try:
        (model,) = open_models(paths[:1], own_data)
        model.data.dataset(SPLIT)
    except (OasisError, OSError) as error:
        notes.append(f"No pictures of {arm}: {error}")
        return None
    return model


def sample_pictures(group: RunGroup, count: int, prefix: str, notes: list[str]) -> list[Picture]:
    """One grid for each discriminator or other choice: photo, label map, and each encoding's generated picture.

    Args:
        group: whose arms are shown.
        count: label maps, the first of the validation split; 0 = no pictures.
        prefix: of the files' names.
        notes: appended to for each arm without pictures.
    """

    def first(model: EvaluatedModel) -> Sequence[int]:
        return range(min(count, len(model.data.dataset(SPLIT))))

    pictures = []
    for arms in group.contexts if count else ():
        generated = generate_with(group, arms, first, notes)
        if generated is not None:
            shown = {
                "photo": generated.batch.image,
                "label map": colorize(generated.batch.label, generated.label_space.palette),
                **{arm.encoding: fake for arm, fake in generated.fakes.items()},
            }
            context = ", ".join(f"{part} {chosen}" for part, chosen in arms[0].context)
            caption = f"{context.capitalize()}: the same label maps, the same noise, one run of each encoding"
            file = f"{prefix}_samples_{_in_a_path('_'.join(chosen for _, chosen in arms[0].context))}.png"
            pictures.append(Picture(caption, png(sample_grid(shown)), file=file))
    return pictures


def png(picture: Image.Image) -> bytes:
    """A picture as the bytes of a PNG."""
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return file.getvalue()


def _in_a_path(name: str) -> str:
    """A name without characters that are special to Markdown, shells or file systems."""
    return re.sub(r"[^\w.=+-]+", "_", name)
