from pathlib import Path

import pytest
import torch
import torchvision.transforms.functional as tvf
from segmenting import random_pictures
from torch import nn

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.labels import LabelSpace
from oasis.segmenters import DRNSegmenter
from oasis.segmenters.drn_layers import DRN

NOWHERE = Path("no default")


@pytest.fixture(scope="module")
def empty():
    """A state dict of the right shapes, whose file holds one number for each tensor."""
    with torch.device("meta"):
        state = DRN().state_dict()
    return {name: torch.zeros((), dtype=tensor.dtype).expand(tensor.shape) for name, tensor in state.items()}


@pytest.fixture
def saved(tmp_path):
    def save(state, **settings):
        torch.save(state, tmp_path / "weights.pth", **settings)
        return tmp_path / "weights.pth"

    return save


def test_a_copy_from_several_gpus_in_the_format_of_2017(drn_d_105, saved):
    """Names with a prefix, no counters, no fixed interpolation, and no zip file."""
    state = torch.load(drn_d_105, weights_only=True)
    kept = {n: t for n, t in state.items() if not n.endswith("num_batches_tracked") and n != "up.weight"}
    old = saved({f"module.{name}": tensor for name, tensor in kept.items()}, _use_new_zipfile_serialization=False)
    picture = random_pictures(1)
    ours, theirs = (DRNSegmenter.from_file(path) for path in (old, drn_d_105))
    assert torch.equal(ours.features(picture), theirs.features(picture))
    assert torch.equal(ours(picture).label, theirs(picture).label)
    assert len(theirs(picture).label.unique()) > 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seg.weight": (11, 512, 1, 1)}, r"seg.weight is \(11, 512, 1, 1\) there, and should be \(19, 512, 1, 1\)"),
        ({"base.6.2.conv3.weight": None}, r"base.6.2.conv3.weight is missing there, and should be \(2048, 512, 1, 1\)"),
        ({"fc.weight": (1000, 512)}, r"fc.weight is \(1000, 512\) there, and should be missing"),
        ({"up.weight": (11, 1, 16, 16)}, r"up.weight is \(11, 1, 16, 16\) there"),
    ],
)
def test_weights_of_another_network_are_refused_by_name_and_shape(empty, saved, change, message):
    changed = {name: None if shape is None else torch.zeros(shape) for name, shape in change.items()}
    state = {name: tensor for name, tensor in {**empty, **changed}.items() if tensor is not None}
    with pytest.raises(ConfigurationError, match=rf"weights.pth: not the weights of DRN-D-105 .*{message}"):
        DRNSegmenter.from_file(saved(state))


def test_files_that_hold_something_else(tmp_path, saved):
    with pytest.raises(ConfigurationError, match=r"gone.pth: no such file.*drn-d-105_ms_cityscapes.pth"):
        DRNSegmenter.for_dataset(NOWHERE, str(tmp_path / "gone.pth"))
    with pytest.raises(ConfigurationError, match="holds a list"):
        DRNSegmenter.from_file(saved([1]))
    with pytest.raises(ConfigurationError, match="missing there"):
        DRNSegmenter.from_file(saved({}))


def test_without_a_file_it_is_that_in_the_cache(empty, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(MissingWeightsError, match=r"hub/checkpoints/drn-d-105_ms_cityscapes.pth does not exist. Fetch"):
        DRNSegmenter.for_dataset(NOWHERE)
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    torch.save(empty, tmp_path / "hub" / "checkpoints" / "drn-d-105_ms_cityscapes.pth")
    assert DRNSegmenter.for_dataset(NOWHERE).size is None


@pytest.mark.parametrize(("height", "width"), [(1024, None), (None, 2048), (0, 2048), (1024, -1)])
def test_half_a_size_is_refused(height, width):
    with pytest.raises(ConfigurationError, match=rf"segmenter.height={height} segmenter.width={width}: give both"):
        DRNSegmenter.for_dataset(NOWHERE, "weights.pth", height, width)


class Colors(nn.Module):
    """Keeps what it sees; its logits are the colours, as 19 classes."""

    def forward(self, image):
        self.seen = image
        return image.repeat(1, 7, 1, 1)[:, :19]

    features = forward


def test_pictures_are_normalised_as_in_training():
    segmenter = DRNSegmenter(Colors())
    picture = random_pictures(1)
    segmenter(picture)
    wanted = tvf.normalize((picture + 1) / 2, [0.2901, 0.3281, 0.2870], [0.1830, 0.1866, 0.1845])
    torch.testing.assert_close(segmenter.network.seen, wanted)


def test_upsampled_pictures_are_segmented_at_that_size(drn_d_105):
    small, picture = DRNSegmenter.from_file(drn_d_105), random_pictures(1, 20, 36)
    large = DRNSegmenter(small.network, small.fingerprint, (40, 72))
    upsampled = nn.functional.interpolate(picture, scale_factor=2, mode="bilinear")
    assert torch.equal(large(picture).label, small(upsampled).label)
    assert large(picture).label.shape == (1, 40, 72)
    torch.testing.assert_close(large.features(picture), small.features(upsampled))
    assert large.fingerprint != small.fingerprint


def test_features_are_the_mean_of_the_last_maps(drn_d_105):
    segmenter, picture = DRNSegmenter.from_file(drn_d_105), random_pictures(1, 40, 72)
    maps = []
    segmenter.network.seg.register_forward_hook(lambda module, arguments, output: maps.append(arguments[0]))
    segmenter(picture)
    assert maps[0].shape == (1, 512, 5, 9)
    torch.testing.assert_close(segmenter.features(picture), maps[0].mean(dim=(2, 3)))


def test_it_knows_the_19_classes_and_no_instances():
    segmenter = DRNSegmenter(Colors())
    assert segmenter.label_space == LabelSpace.cityscapes_train_ids()
    assert not segmenter.finds_instances
