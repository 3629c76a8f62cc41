"""Ways to spoil a checkpoint, by accident and on purpose."""

import io
import math
import os
import pickle
import random
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

Mutation = Callable[[bytes, random.Random, Path], bytes]


class Canary:
    """Touches a file when it is unpickled by whoever unpickles without looking.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.path}",)


def cut(content: bytes, chance: random.Random, canary: Path) -> bytes:
    """A write that was interrupted."""
    return content[: chance.randrange(len(content))]


def flip(content: bytes, chance: random.Random, canary: Path) -> bytes:
    """One to eight bits changed."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def blank(content: bytes, chance: random.Random, canary: Path) -> bytes:
    """A block of zeros, as a file system leaves it after a loss of power."""
    start = chance.randrange(len(content))
    size = min(chance.choice([512, 4096, 65536]), len(content) - start)
    return content[:start] + bytes(size) + content[start + size :]


def shift(content: bytes, chance: random.Random, canary: Path) -> bytes:
    """Bytes lost or doubled in the middle."""
    start = chance.randrange(len(content))
    stop = min(len(content), start + chance.randrange(1, 5000))
    return content[:start] + (content[stop:] if chance.random() < 0.5 else content[start:stop] + content[start:])


def foreign(content: bytes, chance: random.Random, canary: Path) -> bytes:
    """Something else under a checkpoint's name: other formats, and those that run code when they are read."""
    harmful = Canary(canary)
    parts = {"config": harmful, "progress": {"batches_seen": 1}, "state_dict": {}}
    kind = chance.randrange(7)
    if kind == 0:
        return pickle.dumps(harmful)
    if kind == 1:
        return b"" if chance.random() < 0.5 else chance.randbytes(chance.randrange(10_000))
    if kind == 2:
        return _saved(parts)
    if kind == 3:
        return _saved(parts, _use_new_zipfile_serialization=False)
    if kind == 4:
        return _saved({"state_dict": {"weight": torch.zeros(2)}})
    if kind == 5:  # small here, huge there
        return _repacked(content, {"data.pkl": bytes(200_000_000)}, zipfile.ZIP_DEFLATED)
    return _repacked(content, {"data.pkl": pickle.dumps(harmful)}, zipfile.ZIP_STORED)


def structure(content: bytes, chance: random.Random, canary: Path) -> bytes:
    """A whole file in which some value is another one, or gone."""
    checkpoint = _loaded(content)
    for _ in range(chance.randint(1, 3)):
        _spoil(
            checkpoint, chance, chance.choice([None, "config", "progress", "loops", "callbacks", "optimizer_states"])
        )
    return _saved(checkpoint)


def config(content: bytes, chance: random.Random, canary: Path) -> bytes:
    """A whole file whose configuration asks for what it should not."""
    checkpoint = _loaded(content)
    name = chance.choice(["label_space", "encoding", "generator"])
    target = chance.choice(
        ["os.system", "subprocess.run", "builtins.eval", "pathlib.Path.touch", "oasis.labels.np.save", 7, ["os.system"],
         "hydra.utils.call", "oasis.training.train_segmenter", "oasis.models.generator.torch.load",
         {"_target_": "os.system"}]
    )  # fmt: skip
    call: dict[str, Any] = {"_target_": target, "_args_": [f"touch {canary}"]}
    call.update(chance.choice([{}, {"_partial_": True}, {"_convert_": "object"}, {"_recursive_": False}]))
    endless: list[Any] = []
    endless.append(endless)
    vast: Any = 1
    for _ in range(30):
        vast = [vast] * 10
    sneaked = chance.choice(
        [call, [call], {"x": call}, {"_target_": "oasis.encodings.Semantic", "label_space": call}, "${oc.env:HOME}",
         {"_args_": [call]}, "${oc.decode:${oc.env:HOME}}", "\\\\${oc.env:HOME}", "???", endless, vast, 10**9, 10**30,
         -1, math.nan, "x" * 1_000_000, torch.zeros(3), {3: 4}, None]
    )  # fmt: skip
    part = checkpoint["config"][name]
    if chance.random() < 0.3 or not isinstance(part, dict):
        checkpoint["config"][name] = sneaked
    else:
        part[chance.choice([*part, "channels", "num_blocks", "slots", "dim", "noise_dim", "spade_kernel"])] = sneaked
    return _saved(checkpoint)


BY_ACCIDENT: tuple[Mutation, ...] = (cut, flip, blank, shift)
MUTATIONS: tuple[Mutation, ...] = (*BY_ACCIDENT, foreign, structure, config)


def _loaded(content: bytes) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(io.BytesIO(content), weights_only=True)
    return checkpoint


def _saved(value: object, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, **settings)
    return buffer.getvalue()


def _repacked(content: bytes, replaced: dict[str, bytes], method: int) -> bytes:
    """The same archive with other parts, whose checksums are right."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(buffer, "w", method) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, replaced.get(Path(entry.filename).name, old.read(entry)))
    return buffer.getvalue()


def _spoil(tree: Any, chance: random.Random, first: str | None) -> None:
    """Replace or remove a value at a random place."""
    tensors = [torch.zeros(0), torch.ones(3, 3), torch.zeros(1).expand(10**12)]
    odd: list[Any] = [None, -1, 10**9, 10**30, math.nan, "x", "", [], {}, (), set(), True, b"x", *tensors]
    place: Any = tree
    key: Any = first if first in tree else chance.choice(list(tree))
    while isinstance(place[key], dict | list) and len(place[key]) and chance.random() < 0.85:
        place = place[key]
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
    if chance.random() < 0.3:
        del place[key]
    else:
        place[key] = chance.choice(odd)
