"""Pictures for W&B: single samples with their label maps as overlays."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from oasis.training.loggers.pictures import Pictures
from oasis.visualize import to_bytes

_NUMBERS = 255  # masks are 8-bit pictures, and 0 stands for no instance


def as_wandb(pictures: Pictures, photos: bool) -> dict[str, Any]:
    """The argument of `wandb.Run.log`: `samples/grid`, `samples/generated`, and `samples/photo`.

    Args:
        pictures: the generated pictures.
        photos: whether to include the photos, which are always the same.

    Returns:
        `wandb.Image`s; samples have two masks, `classes` and `instances`.
    """
    import wandb

    masks = _masks(pictures)
    groups = {"generated": pictures.fake, **({"photo": pictures.batch.image} if photos else {})}
    samples = {
        f"samples/{group}": [
            wandb.Image(picture, caption=name, masks=mask)
            for picture, name, mask in zip(_pictures(images), pictures.batch.name, masks, strict=True)
        ]
        for group, images in groups.items()
    }
    return {"samples/grid": wandb.Image(pictures.grid), **samples}


def instance_mask(instance: Tensor) -> NDArray[np.uint8]:
    """Instance numbers as a W&B mask.

    Args:
        instance: (H, W) int64, 0 = no instance.

    Returns:
        (H, W) uint8; numbers above 255 start over at 1, never at 0.
    """
    numbers = instance.cpu().numpy()
    wrapped = np.where(numbers > 0, (numbers - 1) % _NUMBERS + 1, 0)
    return wrapped.astype(np.uint8)


def _pictures(images: Tensor) -> list[Image.Image]:
    return [Image.fromarray(image) for image in to_bytes(images).cpu().permute(0, 2, 3, 1).contiguous().numpy()]


def _masks(pictures: Pictures) -> list[dict[str, Any]]:
    batch = pictures.batch
    classes = dict(enumerate(pictures.label_space.names))
    instances = {0: "no instance"} | {number: f"instance {number}" for number in range(1, _NUMBERS + 1)}
    return [
        {
            "classes": {"mask_data": label.cpu().numpy().astype(np.uint8), "class_labels": classes},
            "instances": {"mask_data": instance_mask(instance), "class_labels": instances},
        }
        for label, instance in zip(batch.label, batch.instance, strict=True)
    ]
