"""One value per image: repeats, order, and two processes."""

import json
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import distributed

from oasis.errors import MetricError
from oasis.labels import LabelSpace
from oasis.metrics.feature_distances import FeatureDistances, frechet_and_kernel
from oasis.metrics.panoptic_scores import PanopticScores
from oasis.metrics.per_image import PerImage
from oasis.metrics.pixel_scores import PixelScores
from oasis.metrics.scored_classes import ScoredClasses
from oasis.metrics.segments import match_all

IMAGES = 7
# Which images each of two processes sees.
DEALT = {
    "padded": ([0, 2, 4, 6], [1, 3, 5, 0]),  # 7 do not divide: a sampler deals image 0 again
    "one_rank_is_empty": (range(IMAGES), []),
    "first_rank_is_empty": ([], range(IMAGES)),
    "both_are_empty": ([], []),
}


class Mean(PerImage):
    """The mean of one number per image."""

    def update(self, index, values):
        self.keep(index, values)

    def compute(self):
        return self.collected().double().mean()


def maps():
    """Predicted and target label and instance of 7 images, (7, 8, 16) each, all classes of Cityscapes."""
    draw = torch.Generator().manual_seed(0)
    label = torch.randint(0, 20, (IMAGES, 2, 4), generator=draw)
    instance = torch.randint(0, 4, (IMAGES, 2, 4), generator=draw)
    target = [blocks.repeat_interleave(4, 1).repeat_interleave(4, 2) for blocks in (label, instance)]
    shifted = [blocks.roll(1, 2) for blocks in target]
    return *shifted, *target


def scores(images, batch_size=3):
    """All scores of some of the images, and the number of images that counted; None where there was none."""
    classes = ScoredClasses(LabelSpace.cityscapes_train_ids())
    pixel, panoptic = PixelScores(classes), PanopticScores(classes)
    features = torch.randn(2, IMAGES, 3, generator=torch.Generator().manual_seed(1))  # real ones, and generated ones
    distances = FeatureDistances(features[0], frechet_and_kernel("frechet", "kernel", subset_size=3))
    for index in torch.tensor(list(images), dtype=torch.int64).split(batch_size):
        if len(index) > 0:
            predicted_label, predicted_instance, label, instance = (m[index] for m in maps())
            pixel.update(index, predicted_label, label)
            panoptic.update(index, match_all(classes, predicted_label, predicted_instance, label, instance))
            distances.update(index, features[1][index])
    try:
        found = pixel.compute() | panoptic.compute() | distances.compute()
        return {name: float(value) for name, value in found.items()}
    except MetricError as error:
        return {"error": str(error)}


def run_rank(rank, folder):
    """One of two processes: all cases one after the other, the results in a file."""
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    results = {name: scores(dealt[rank]) for name, dealt in DEALT.items()}
    (Path(folder) / f"{rank}.json").write_text(json.dumps(results))
    distributed.destroy_process_group()


@pytest.fixture(scope="module")
def of_two_processes(run_two_ranks):
    folder = run_two_ranks(__file__)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("case", ["padded", "one_rank_is_empty", "first_rank_is_empty"])
def test_two_processes_give_the_numbers_of_one(of_two_processes, case):
    expected = scores(range(IMAGES))
    assert 0 < expected["miou"] < 1
    assert 0 < expected["pq"] < 1
    assert expected["frechet"] > 0
    for rank in of_two_processes:
        assert rank[case] == pytest.approx(expected, rel=1e-12, nan_ok=True)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_without_any_image_both_processes_say_so(of_two_processes):
    for rank in of_two_processes:
        assert rank["both_are_empty"] == {"error": "PixelScores: there is no image to measure; is the split empty?"}
    with pytest.raises(MetricError, match="Mean: there is no image to measure; is the split empty"):
        Mean().compute()


@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(1, 7))
def test_each_image_counts_once_in_any_order(images, batch_size):
    values = torch.arange(10.0) ** 2
    metric = Mean()
    for index in torch.tensor(images).split(batch_size):
        metric.update(index, values[index])
    assert float(metric.compute()) == pytest.approx(sum(i**2 for i in set(images)) / len(set(images)))


def test_the_order_of_images_and_the_size_of_batches_change_nothing():
    expected = scores(range(IMAGES))
    assert scores([3, 1, 6, 0, 5, 2, 4], batch_size=7) == pytest.approx(expected, nan_ok=True)
    assert scores([*range(IMAGES), 2, 2], batch_size=1) == pytest.approx(expected, nan_ok=True)
    assert scores([0, 1, 2]) != pytest.approx(expected, nan_ok=True)  # it could have


def test_reset_forgets():
    metric = Mean()
    metric.update(torch.arange(2), torch.tensor([5.0, 7.0]))
    metric.reset()
    metric.update(torch.arange(1), torch.ones(1))
    assert metric.compute() == 1


def test_a_position_for_each_image():
    with pytest.raises(MetricError, match=r"Mean: positions of shape \(1,\) for 2 images; give each image its"):
        Mean().update(torch.zeros(1).long(), torch.ones(2))


if __name__ == "__main__":
    run_rank(int(sys.argv[1]), sys.argv[2])
