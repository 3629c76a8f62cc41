"""From official files to a checkpoint of this project."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from oasis.checkpoint.official import oasis, pix2pixhd, spade
from oasis.checkpoint.official.networks import Contents, File, Files, Wishes
from oasis.checkpoint.official.reading import read_state_dict
from oasis.errors import CheckpointError, ConfigurationError
from oasis.files import put_in_place
from oasis.migration import FORMAT
from oasis.models import Generator
from oasis.models.sizes import require_divisible
from oasis.training.runs.durable import DurableIO

_RELEASES = (oasis, spade, pix2pixhd)


@dataclass(frozen=True)
class Imported:
    """The contents of official files.

    Attributes:
        config: the written configuration, in the form of a run's.
        num_classes: N.
        parameters: of each network, by name.
        notes: what was assumed.
    """

    config: dict[str, Any]
    num_classes: int
    parameters: dict[str, int]
    notes: tuple[str, ...]


def import_official(
    generator: str | Path,
    output: str | Path,
    discriminator: str | Path | None = None,
    encoder: str | Path | None = None,
    *,
    height: int | None = None,
    width: int | None = None,
    noise_dim: int | None = None,
    more_upsampling: bool | None = None,
    force: bool = False,
) -> Imported:
    """Write a checkpoint that generates the same pictures as an official generator.

    Args:
        generator: `*_EMA.pth` or `*_G.pth` of OASIS, `*_net_G.pth` of SPADE or pix2pixHD.
        output: the checkpoint to write, `*.ckpt`.
        discriminator: `*_D.pth` of the same model, for training on from it.
        encoder: `*_net_E.pth` of the same SPADE or pix2pixHD, for the style of photos.
        height: rows of the pictures it was trained on; None = as published for its number of classes.
        width: their columns.
        noise_dim: channels of noise of OASIS, if they do not follow from the number of classes.
        more_upsampling: whether SPADE starts at 1/64 of the size; None = as inferred, else 1/32.
        force: overwrite a file.

    Raises:
        CheckpointError: see `read_state_dict`; a file of another network; or tensors missing, left over or of another
            shape.
        ConfigurationError: the output file exists; a size the generator does not support; settings of another release.
        NoRoomError: the disk is full.
    """
    target = Path(output)
    if target.suffix != ".ckpt":
        raise ConfigurationError(f"--output {target}: a checkpoint's name ends in .ckpt.")
    if target.exists() and not force:
        raise ConfigurationError(f"{target} is there already. Give another --output, or --force to overwrite it.")
    file = File(Path(generator), read_state_dict(Path(generator)))
    files = Files(file, File.read(discriminator), File.read(encoder))
    contents = _read(files, Wishes(height, width, noise_dim, more_upsampling))
    model = contents.networks["generator"]
    assert isinstance(model, Generator)
    require_divisible(torch.empty(1, 3, *contents.size, device="meta"), model.size_divisor, type(model).__name__)
    progress = {"batches_seen": 0, "images_seen": 0}  # the files do not say
    run = _run_config(contents)
    _write({"config": run, "progress": progress, "state_dict": contents.weights}, target)
    parameters = {name: _count(network) for name, network in contents.networks.items()}
    return Imported(run, contents.num_classes, parameters, contents.notes)


def _read(files: Files, wishes: Wishes) -> Contents:
    """The contents, by the release that the names in the generator's file belong to."""
    file = files.generator
    release = next((each for each in _RELEASES if each.recognizes(file)), None)
    if release is None:
        raise CheckpointError(
            f"{file.path}: not a generator of the official OASIS, SPADE or pix2pixHD. It holds "
            f"{', '.join(list(file.state)[:3])}, ..."
        )
    if wishes.noise_dim is not None and release is not oasis:
        raise ConfigurationError(f"--noise-dim {wishes.noise_dim}: {file.path} is not of OASIS. Leave it out.")
    if wishes.more_upsampling is not None and release is not spade:
        raise ConfigurationError(f"--more-upsampling: {file.path} is not of SPADE. Leave it out.")
    contents: Contents = release.read(files, wishes)
    return contents


def _run_config(contents: Contents) -> dict[str, Any]:
    """The part of a run's configuration that rebuilding and evaluating need."""
    dataset = contents.dataset
    release = "" if contents.release == "OASIS" else f"{contents.release.lower()}_"
    classes = {"_target_": f"oasis.labels.LabelSpace.{dataset.label_space}"}
    return {
        "name": f"official_{release}{dataset.name}",
        "format": FORMAT,
        "seed": 0,
        "label_space": classes,
        "encoding": {"_target_": f"oasis.encodings.{contents.encoding}", "label_space": classes},
        **contents.configs,
        "data": {
            "_target_": "oasis.data.build_data_module",
            "dataset": {"_target_": f"oasis.data.{dataset.reader}", "_partial_": True},
            "root": None,
            "label_space": classes,
            "height": contents.size[0],
            "width": contents.size[1],
            "batch_size": 1,
        },
    }


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _write(checkpoint: dict[str, Any], target: Path) -> None:
    unfinished = target.with_name(f"{target.name}.part")
    try:
        DurableIO().save_checkpoint(checkpoint, unfinished)
        put_in_place(unfinished, target, keep=0)
    except OSError as error:
        raise ConfigurationError(f"--output {target}: cannot be written ({error}).") from error
