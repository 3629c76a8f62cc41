"""The project's own segmenter: what its verdicts keep to, and its files."""

import io
from dataclasses import replace

import pytest
import torch

from oasis.errors import CheckpointError, ConfigurationError
from oasis.labels import LabelSpace
from oasis.segmenters import UNetSegmenter
from oasis.segmenters.grouping import Grouping
from oasis.segmenters.panoptic_unet import PanopticUNet

FACTS = {"dataset": "streets", "height": 32, "scores": {"miou": 0.5, "classes": [1, 2]}}


@pytest.fixture(params=[LabelSpace.cityscapes_ids(), LabelSpace.cityscapes_train_ids()], ids=["ids", "train_ids"])
def space(request):
    return request.param


@pytest.fixture
def segmenter(space):
    """Untrained, but of many opinions."""
    torch.manual_seed(0)
    segmenter = UNetSegmenter(space, channels=8, depth=3, grouping=Grouping(threshold=0.2), facts=FACTS)
    heads = (segmenter.network.semantic[-1], segmenter.network.instances[-2])
    with torch.no_grad():
        for parameter in (parameter for head in heads for parameter in head.parameters()):
            parameter.normal_()
        segmenter.network.train()
        for seed in range(20):  # BatchNorm statistics that fit, else one class drowns all others
            segmenter.network(images(seed=seed))
        segmenter.network.eval()
    return segmenter


def images(count=3, height=48, width=80, seed=0):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_verdicts_name_evaluated_classes_and_number_things(segmenter, space):
    verdict = segmenter(images())
    assert verdict.label.shape == verdict.instance.shape == (3, 48, 80)
    assert verdict.label.dtype == verdict.instance.dtype == torch.int64
    named = set(verdict.label.unique().tolist())
    assert len(named) > 3  # else the rest says nothing
    assert named <= space.evaluated - {space.ignore_index}
    assert verdict.instance.max() > 3
    for label, instance in zip(verdict.label, verdict.instance, strict=True):
        numbers = instance.unique().tolist()
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        assert set(label[instance > 0].tolist()) <= space.things
        for number in range(1, numbers[-1] + 1):
            assert len(label[instance == number].unique()) == 1


def test_the_ignored_class_is_never_named_even_where_it_is_evaluated(space):
    odd = replace(space, evaluated=space.evaluated | {space.ignore_index})
    assert UNetSegmenter(odd, channels=2, depth=1).named.tolist() == sorted(space.evaluated)


def test_the_batch_makes_no_difference(segmenter):
    photos = images(4)
    together = segmenter(photos)
    features = segmenter.features(photos)
    for i in range(4):
        alone = segmenter(photos[i : i + 1])
        assert torch.equal(alone.label[0], together.label[i])
        assert torch.equal(alone.instance[0], together.instance[i])
        torch.testing.assert_close(segmenter.features(photos[i : i + 1])[0], features[i], rtol=1e-4, atol=1e-5)


def test_a_mirrored_picture_has_the_mirrored_verdict(segmenter):
    photos = images()
    verdict, mirrored = segmenter(photos), segmenter(photos.flip(-1))
    assert not torch.equal(segmenter.network(photos).logits, segmenter.network(photos.flip(-1)).logits.flip(-1))
    assert torch.equal(mirrored.label.flip(-1), verdict.label)
    # The pixels are those of the same instances; which of two equally certain ones comes first is another matter.
    for one, other in zip(verdict.instance, mirrored.instance.flip(-1), strict=True):
        pairs = {(int(a), int(b)) for a, b in zip(one.flatten(), other.flatten(), strict=True)}
        assert len(pairs) == len(one.unique()) == len(other.unique())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 13), (31, 64), (33, 8), (40, 72)])
def test_any_size(segmenter, height, width):
    photos = images(2, height, width)
    assert segmenter(photos).instance.shape == (2, height, width)
    assert segmenter.features(photos).shape == (2, segmenter.num_features)
    assert segmenter.features(photos).isfinite().all()


def test_beyond_the_border_the_border_goes_on(segmenter):
    photo = images(1, 40, 65)
    larger = torch.cat([photo, photo[..., -1:].expand(-1, -1, -1, 7)], dim=3)
    with torch.no_grad():
        for seen, expected in zip(segmenter.network(photo), segmenter.network(larger), strict=True):
            torch.testing.assert_close(seen, expected[..., :65])


def test_features_are_mean_and_deviation_of_the_deepest_scale(segmenter):
    photos = images(2)
    deepest = segmenter.network.scales(photos)[-1]
    assert deepest.shape[-2:] == (6, 10)
    expected = torch.cat([deepest.mean((2, 3)), deepest.var((2, 3), correction=0).sqrt()], dim=1)
    torch.testing.assert_close(segmenter.features(photos), expected, rtol=1e-4, atol=1e-5)
    assert segmenter.features(photos).dtype == torch.float32


def test_a_segmenter_learns_nothing_from_what_it_sees(segmenter):
    before = segmenter.fingerprint
    holder = torch.nn.ModuleList([segmenter]).train()
    assert not any(module.training for module in holder[0].modules())
    first = segmenter(images())
    segmenter(images(seed=1) * 5)
    assert segmenter.fingerprint == before
    assert torch.equal(segmenter(images()).instance, first.instance)
    assert not any(parameter.requires_grad for parameter in segmenter.parameters())


def test_autocast_changes_no_verdict(segmenter):
    plain, features = segmenter(images()), segmenter.features(images())
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(segmenter(images()).label, plain.label)
        assert torch.equal(segmenter.features(images()), features)


def test_the_fingerprint_follows_what_shapes_a_verdict(segmenter, space):
    prints = {segmenter.fingerprint}
    for name, tensor in segmenter.network.state_dict().items():
        if name in ("stem.0.weight", "stem.1.running_var", "semantic.1.bias"):
            tensor[(0,) * tensor.dim()] += 1
            prints.add(segmenter.fingerprint)
    segmenter.grouping = Grouping(threshold=0.3)
    prints.add(segmenter.fingerprint)
    assert len(prints) == 5


def test_round_trip(segmenter, tmp_path):
    path = tmp_path / "new folder" / "segmenter.pt"
    segmenter.save(path)
    again = UNetSegmenter.from_file(path)
    assert again.facts == FACTS
    assert again.label_space == segmenter.label_space
    assert again.grouping == segmenter.grouping
    assert again.fingerprint == segmenter.fingerprint
    assert torch.equal(again(images()).label, segmenter(images()).label)
    assert torch.equal(again(images()).instance, segmenter(images()).instance)
    assert torch.equal(again.features(images()), segmenter.features(images()))
    assert [file.name for file in path.parent.iterdir()] == ["segmenter.pt"]


def test_a_failed_save_leaves_the_segmenter_before(segmenter, tmp_path, monkeypatch):
    path = tmp_path / "segmenter.pt"
    segmenter.save(path)
    before = path.read_bytes()

    def full_disk(parts, file):
        file.write_bytes(before[:100])
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", full_disk)
    with pytest.raises(OSError, match="No space"):
        segmenter.save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def written(value):
    file = io.BytesIO()
    torch.save(value, file)
    return file.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"torn",
        b"not a torch file",
        b"PK\x03\x04 torn",
        written([1, 2]),
        written({"kind": "another"}),
        written(FACTS),
    ],
)
def test_files_that_are_no_segmenter(content, tmp_path):
    path = tmp_path / "segmenter.pt"
    path.write_bytes(content)
    with pytest.raises(
        CheckpointError, match=r"segmenter\.pt: (cannot be read|not a segmenter).*oasis train-segmenter"
    ):
        UNetSegmenter.from_file(path)


def test_torn_and_missing_files(segmenter, tmp_path):
    path = tmp_path / "segmenter.pt"
    with pytest.raises(CheckpointError, match=r"segmenter\.pt: no such segmenter.*oasis train-segmenter"):
        UNetSegmenter.from_file(path)
    segmenter.save(path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(CheckpointError, match="cannot be read, it is torn or no segmenter"):
        UNetSegmenter.from_file(path)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("network", {"channels": 16, "depth": 3}),
        ("network", {"width": 16}),
        ("network", None),
        ("grouping", {"threshold": 0.1, "window": -1.0}),
        ("label_space", {"names": ["a"]}),
        ("weights", {}),
    ],
)
def test_parts_that_do_not_fit(part, value, segmenter, tmp_path):
    path = tmp_path / "segmenter.pt"
    segmenter.save(path)
    torch.save({**torch.load(path, weights_only=True), part: value}, path)
    with pytest.raises(
        CheckpointError, match=r"segmenter\.pt: the parts of this segmenter do not fit.*oasis train-segmenter"
    ):
        UNetSegmenter.from_file(path)


def test_impossible_networks(space):
    with pytest.raises(ConfigurationError, match="channels=7: must be even"):
        PanopticUNet(3, channels=7)
    with pytest.raises(ConfigurationError, match="depth=0: the picture must be halved"):
        UNetSegmenter(space, depth=0)
    with pytest.raises(ConfigurationError, match=r"label_space\.evaluated names no class"):
        UNetSegmenter(replace(space, evaluated=frozenset({space.ignore_index})))
