"""What the importers of the releases share: files, networks, and the tensors of one under the names of the other."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from oasis.checkpoint.official.datasets import DATASETS, Dataset
from oasis.checkpoint.official.reading import StateDict, read_state_dict
from oasis.errors import CheckpointError

_MOST_NAMED = 4  # of the tensors that do not fit
_Network = TypeVar("_Network", bound=nn.Module)
_HYDRA = ("_target_", "_partial_", "_convert_")
_MOMENTS = (".running_mean", ".running_var", ".num_batches_tracked")


@dataclass(frozen=True)
class File:
    """An official file.

    Attributes:
        path: of the file.
        state: its tensors.
    """

    path: Path
    state: StateDict

    @classmethod
    def read(cls, path: str | Path | None) -> "File | None":
        """None without a path; see `read_state_dict`."""
        return None if path is None else cls(Path(path), read_state_dict(Path(path)))

    def tensor(self, name: str, what: str, dims: int = 4) -> Tensor:
        """A tensor from whose shape sizes are inferred.

        Args:
            name: of the tensor.
            what: the network that the file should hold, for the error.
            dims: its number of dimensions.

        Raises:
            CheckpointError: missing, or of other dimensions.
        """
        if name not in self.state or self.state[name].dim() != dims:
            shape = f"is of shape {tuple(self.state[name].shape)}" if name in self.state else "is missing"
            raise CheckpointError(
                f"{self.path}: not an official {what}: {name} {shape}. It holds {', '.join(list(self.state)[:3])}, ..."
            )
        return self.state[name]

    def has(self, prefix: str) -> bool:
        """Whether a name starts so."""
        return any(name.startswith(prefix) for name in self.state)

    def parts(self, prefix: str) -> list[str]:
        """The different names between a prefix and the next dot, in the order of the file."""
        return list(
            dict.fromkeys(name.removeprefix(prefix).split(".")[0] for name in self.state if name.startswith(prefix))
        )

    @property
    def has_spectral_norm(self) -> bool:
        """Whether a weight has a spectral norm."""
        return any(name.endswith(".weight_orig") for name in self.state)


@dataclass(frozen=True)
class Files:
    """The files of one model.

    Attributes:
        generator: `*_EMA.pth`, `*_G.pth` or `*_net_G.pth`.
        discriminator: `*_D.pth` or `*_net_D.pth`, if there is one.
        encoder: `*_net_E.pth`, if there is one.
    """

    generator: File
    discriminator: File | None
    encoder: File | None


@dataclass(frozen=True)
class Wishes:
    """What the files do not say, or the user knows better; None = as inferred or published.

    Attributes:
        height: rows of the pictures.
        width: their columns.
        noise_dim: channels of the noise of OASIS.
        more_upsampling: whether SPADE starts at 1/64 of the size.
    """

    height: int | None = None
    width: int | None = None
    noise_dim: int | None = None
    more_upsampling: bool | None = None

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width, by default those given."""
        return self.height or height, self.width or width


@dataclass(frozen=True)
class Contents:
    """What an importer makes of official files.

    Attributes:
        release: its name.
        num_classes: N, one of `DATASETS`.
        encoding: class of `oasis.encodings`.
        size: height and width of the pictures.
        configs: `generator`, and `discriminator` if there is one.
        networks: the same, without memory for their weights.
        weights: of all, by our names.
        notes: what was assumed.
    """

    release: str
    num_classes: int
    encoding: str
    size: tuple[int, int]
    configs: dict[str, dict[str, Any]]
    networks: dict[str, nn.Module]
    weights: StateDict
    notes: tuple[str, ...] = ()

    @property
    def dataset(self) -> Dataset:
        """The dataset that the model was trained on."""
        return DATASETS[self.num_classes]


def require_generator(file: File, discriminator: str, encoder: str | None) -> None:
    """Refuse a file of another network in place of the generator's.

    Args:
        file: given as the generator.
        discriminator: how names of the release's discriminator start.
        encoder: the same of its encoder; None = it has none of its own names.

    Raises:
        CheckpointError: the message says as what the file should be given.
    """
    for prefix, what in ((discriminator, "discriminator"), (encoder, "encoder")):
        if prefix is not None and file.has(prefix):
            article = "an" if what == "encoder" else "a"
            raise CheckpointError(
                f"{file.path}: {article} {what}. Give the generator first (of OASIS, *_EMA.pth is the best; else "
                f"*_net_G.pth), and this file as --{what}."
            )


def config_of(kind: type[nn.Module], **settings: Any) -> dict[str, Any]:
    """The configuration of a network, in the form of a run's."""
    return {"_target_": f"oasis.models.{kind.__name__}", "_partial_": True, "_convert_": "all", **settings}


def planned(kind: type[_Network], config: Mapping[str, Any], **sizes: int) -> _Network:
    """The network that a state dict belongs to, without memory for its weights."""
    settings = {name: value for name, value in config.items() if name not in _HYDRA}
    with torch.device("meta"):
        return kind(**sizes, **settings)


def renamed(
    network: nn.Module,
    file: File,
    what: str,
    official_names: Callable[[Iterable[str]], dict[str, str]],
) -> StateDict:
    """The official tensors of a network under our names.

    Moments of instance norms, which torch before 0.4 saved without using them, are left out.

    Args:
        network: ours, see `planned`.
        file: theirs.
        what: release and network, for the error.
        official_names: maps names of ours to theirs.

    Raises:
        CheckpointError: tensors are missing, left over, or of another shape.
    """
    ours = network.state_dict()
    theirs = official_names(ours)
    known = set(theirs.values())
    state = {name: value for name, value in file.state.items() if name in known or not name.endswith(_MOMENTS)}
    missing = [official for official in theirs.values() if official not in state]
    left_over = [official for official in state if official not in known]
    unlike = [
        f"{official} is {tuple(state[official].shape)}, not {tuple(ours[name].shape)}"
        for name, official in theirs.items()
        if official in state and state[official].shape != ours[name].shape
    ]
    problems = [
        f"{len(names)} {word}: {', '.join(names[:_MOST_NAMED])}{', ...' if len(names) > _MOST_NAMED else ''}"
        for names, word in ((missing, "missing"), (left_over, "left over"), (unlike, "of another shape"))
        if names
    ]
    if problems:
        raise CheckpointError(
            f"{file.path}: not quite an official {what}; of its tensors are\n  " + "\n  ".join(problems)
        )
    return {name: state[official] for name, official in theirs.items()}


def prefixed(weights: StateDict, prefix: str) -> StateDict:
    """The weights with a prefix before each name."""
    return {f"{prefix}.{name}": value for name, value in weights.items()}
