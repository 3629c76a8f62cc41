"""Clusters of features, and their file."""

import numpy as np
import pytest
import torch

from oasis.checkpoint.clusters import cluster_features, clusters_file, read_clusters, write_clusters
from oasis.encodings import Semantic
from oasis.errors import CheckpointError
from oasis.models import Pix2PixHDFeatureGenerator


def test_clusters_are_the_heaps_of_each_class_largest_first():
    random = torch.Generator().manual_seed(0)
    heaps = torch.rand(10, 3, generator=random) * 2 - 1
    sizes = torch.arange(100, 0, -10)
    rows = heaps.repeat_interleave(sizes, 0)
    rows = (rows + 1e-4 * torch.randn(rows.shape, generator=random))[torch.randperm(len(rows), generator=random)]
    few = torch.tensor([[0.1, 0.2, 0.3]] * 2 + [[0.5, 0.5, 0.5]] * 5)
    found = cluster_features([rows, torch.empty(0, 3), few])
    assert found.counts.tolist() == [10, 0, 2]
    torch.testing.assert_close(found.centers[0], heaps, atol=1e-3, rtol=0)
    assert found.centers[1].eq(0).all()
    torch.testing.assert_close(found.centers[2, :2], few[[2, 0]])


def test_k_means_is_no_worse_than_a_slow_one():
    random = torch.Generator().manual_seed(1)
    rows = torch.rand(300, 3, generator=random)
    found = cluster_features([rows])
    centers = found.centers[0, : found.counts[0]].numpy()

    def loss(centers):
        return ((rows.numpy()[:, None] - centers[None]) ** 2).sum(2).min(1).mean()

    slow = rows[:10].numpy().copy()
    for _ in range(30):
        nearest = ((rows.numpy()[:, None] - slow[None]) ** 2).sum(2).argmin(1)
        slow = np.stack([rows.numpy()[nearest == k].mean(0) for k in range(10)])
    assert loss(centers) < 1.05 * loss(slow)
    again = cluster_features([rows])
    assert again.centers.equal(found.centers)


@pytest.fixture
def model(ids):
    torch.manual_seed(0)
    encoding = Semantic(ids)
    sizes = {"channels": 2, "num_halvings": 1, "num_blocks": 1, "encoder_channels": 2, "encoder_halvings": 1}
    return encoding, Pix2PixHDFeatureGenerator(encoding.channels, ids.num_classes, **sizes)


def test_the_file(model, tmp_path):
    checkpoint = tmp_path / "last.ckpt"
    path = clusters_file(checkpoint)
    with pytest.raises(CheckpointError, match=r"no clusters.*oasis styles .*last\.ckpt"):
        read_clusters(*model, checkpoint)
    clusters = cluster_features([torch.rand(20, 3)])
    write_clusters(clusters, *model, path)
    again = read_clusters(*model, checkpoint)
    assert again.centers.equal(clusters.centers)
    assert again.counts.equal(clusters.counts)
    with torch.no_grad():
        next(model[1].parameters()).add_(1e-3)
    with pytest.raises(CheckpointError, match=r"last\.styles\.npz: clusters of another checkpoint.*oasis styles"):
        read_clusters(*model, checkpoint)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(CheckpointError, match=r"last\.styles\.npz: not a file of clusters.*oasis styles"):
        read_clusters(*model, checkpoint)
