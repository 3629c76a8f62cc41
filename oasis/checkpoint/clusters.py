"""The file of feature clusters beside a checkpoint, which `oasis styles` writes."""

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oasis.checkpoint.fingerprint import fingerprint
from oasis.encodings import Encoding
from oasis.errors import CheckpointError
from oasis.files import replacing
from oasis.models import FeatureClusters, Generator
from oasis.models.feature_clusters import MOST_CLUSTERS

_ROUNDS = 30  # of k-means


def clusters_file(checkpoint: Path) -> Path:
    """The file of a checkpoint's clusters: `last.ckpt` has `last.styles.npz`."""
    return checkpoint.with_suffix(".styles.npz")


def cluster_features(features: Sequence[Tensor], seed: int = 0) -> FeatureClusters:
    """k-means clusters of each class.

    Args:
        features: of each class, (N, D) float: one row for each segment of it; N may be 0.
        seed: of the first centres.

    Source: Arthur and Vassilvitskii 2007 (k-means++).
    """
    centers = torch.zeros(len(features), MOST_CLUSTERS, features[0].shape[1])
    counts = torch.zeros(len(features), dtype=torch.int64)
    for index, rows in enumerate(features):
        found = _k_means(rows.double().numpy(), seed)
        centers[index, : len(found)] = torch.from_numpy(found).float()
        counts[index] = len(found)
    return FeatureClusters(centers, counts)


def write_clusters(clusters: FeatureClusters, encoding: Encoding, generator: Generator, path: Path) -> None:
    """Write clusters with the fingerprint of the model that they belong to.

    Raises:
        OSError: a full disk, or no permission.
    """
    with replacing(path) as unfinished, unfinished.open("wb") as file:
        np.savez(
            file,
            centers=clusters.centers.numpy(),
            counts=clusters.counts.numpy(),
            model=np.array(fingerprint(encoding, generator)),
        )


def read_clusters(encoding: Encoding, generator: Generator, checkpoint: Path) -> FeatureClusters:
    """The clusters of a checkpoint.

    Args:
        encoding: the checkpoint's.
        generator: the checkpoint's.
        checkpoint: its file.

    Raises:
        CheckpointError: there are none, they belong to other weights, or the file is damaged; the message has the
            command that computes them.
    """
    path = clusters_file(checkpoint)
    again = f"Compute them: oasis styles {checkpoint}"
    if not path.is_file():
        raise CheckpointError(
            f"{checkpoint}: no clusters of features were computed, from which segments draw their looks. {again}"
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            centers, counts = torch.from_numpy(file["centers"]), torch.from_numpy(file["counts"])
            owner = str(file["model"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path}: not a file of clusters ({error}). {again}") from error
    if owner != fingerprint(encoding, generator):
        raise CheckpointError(
            f"{path}: clusters of another checkpoint than {checkpoint}, whose numbers mean other looks; was it trained "
            f"on since? {again}"
        )
    return FeatureClusters(centers, counts)


def _k_means(rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    """(N, D) to at most 10 centres (M, D), the most frequent first."""
    if not len(rows):
        return rows
    distinct = np.unique(rows, axis=0)
    if len(distinct) <= MOST_CLUSTERS:
        centers = distinct
    else:
        from scipy.cluster.vq import kmeans2  # loading it takes a moment, which no other command need wait for

        first = _spread_out(distinct, np.random.default_rng(seed))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a cluster that loses its last row is left out below
            centers, _ = kmeans2(rows, first, iter=_ROUNDS, minit="matrix")
    nearest = ((rows[:, None] - centers[None]) ** 2).sum(2).argmin(1)
    sizes = np.bincount(nearest, minlength=len(centers))
    order = np.argsort(-sizes, kind="stable")
    return np.asarray(centers[order[sizes[order] > 0]])


def _spread_out(distinct: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """First centres by k-means++: each with a probability of its squared distance to those before."""
    chosen = [distinct[random.integers(len(distinct))]]
    while len(chosen) < MOST_CLUSTERS:
        distance = ((distinct[:, None] - np.stack(chosen)[None]) ** 2).sum(2).min(1)
        chosen.append(distinct[random.choice(len(distinct), p=distance / distance.sum())])
    return np.stack(chosen)
