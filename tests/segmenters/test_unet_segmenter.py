"""The project's own segmenter: its predictions and its files."""

import io
from dataclasses import replace

import pytest
import torch
from segmenting import random_pictures, varied_unet
from torch import nn

from oasis.errors import CheckpointError, ConfigurationError, MissingWeightsError
from oasis.labels import LabelSpace
from oasis.segmenters import UNetSegmenter
from oasis.segmenters.grouping import Grouping
from oasis.segmenters.panoptic_unet import PanopticUNet, _Normalized

FACTS = {"dataset": "streets", "height": 32, "scores": {"miou": 0.5, "classes": [1, 2]}}


@pytest.fixture(params=[LabelSpace.cityscapes_ids(), LabelSpace.cityscapes_train_ids()], ids=["ids", "train_ids"])
def space(request):
    return request.param


@pytest.fixture
def segmenter(space):
    return varied_unet(space, FACTS)


def test_evaluated_classes_and_many_instances_are_found(segmenter, space):
    prediction = segmenter(random_pictures())
    named = set(prediction.label.unique().tolist())
    assert len(named) > 3  # else the contract test says nothing
    assert named <= space.evaluated - {space.ignore_index}
    assert prediction.instance.max() > 3


def test_the_ignored_class_is_never_named_even_where_it_is_evaluated(space):
    odd = replace(space, evaluated=space.evaluated | {space.ignore_index})
    assert UNetSegmenter(odd, channels=2, depth=1).named.tolist() == sorted(space.evaluated)


def test_a_mirrored_picture_has_the_mirrored_verdict(segmenter):
    photos = random_pictures()
    verdict, mirrored = segmenter(photos), segmenter(photos.flip(-1))
    assert not torch.equal(segmenter.network(photos).logits, segmenter.network(photos.flip(-1)).logits.flip(-1))
    assert torch.equal(mirrored.label.flip(-1), verdict.label)
    # The pixels are those of the same instances; which of two equally certain ones comes first is another matter.
    for one, other in zip(verdict.instance, mirrored.instance.flip(-1), strict=True):
        pairs = {(int(a), int(b)) for a, b in zip(one.flatten(), other.flatten(), strict=True)}
        assert len(pairs) == len(one.unique()) == len(other.unique())


@pytest.mark.parametrize(("views", "seen"), [(4, "plain shifted mirrored both"), (2, "plain both"), (1, "plain")])
def test_views_are_averaged(segmenter, tmp_path, views, seen):
    segmenter.save(tmp_path / "segmenter.pt")
    photos = random_pictures()

    def shifted(image):
        return torch.cat([image[..., :1, :], image[..., :-1, :]], 2)[..., [0, *range(image.shape[3] - 1)]]

    def back(logits):
        return torch.roll(logits, (-1, -1), (2, 3))

    see = segmenter.network
    by_hand = {
        "plain": see(photos).logits,
        "shifted": back(see(shifted(photos)).logits),
        "mirrored": see(photos.flip(-1)).logits.flip(-1),
        "both": back(see(shifted(photos.flip(-1))).logits).flip(-1),
    }
    found = UNetSegmenter.from_file(tmp_path / "segmenter.pt", views)._look(photos).logits
    inside = (..., slice(2, -2), slice(2, -2))  # without the edges, which are repeated
    expected = torch.stack([by_hand[each] for each in seen.split()]).mean(0)
    torch.testing.assert_close(found[inside], expected[inside])


@pytest.mark.parametrize("views", [4, 2, 1])
def test_how_many_pixels_are_seen_at_once_makes_no_difference(segmenter, tmp_path, monkeypatch, views):
    segmenter.save(tmp_path / "segmenter.pt")
    again, photos = UNetSegmenter.from_file(tmp_path / "segmenter.pt", views), random_pictures(5)
    passes = []
    again.network.register_forward_pre_hook(lambda module, given: passes.append(len(given[0])))
    verdicts = []
    for pixels in (1, 2 * 48 * 80, 1_000_000):  # one picture in one view; two pictures; all
        monkeypatch.setattr("oasis.segmenters.unet._PIXELS_AT_ONCE", pixels)
        verdicts.append(again(photos))
    two = {4: [2] * 8 + [1] * 4, 2: [2] * 5, 1: [2, 2, 1]}[views]  # both views of the fifth picture fit together
    assert passes == [1] * 5 * views + two + [5 * views]
    for verdict in verdicts[1:]:
        assert torch.equal(verdict.label, verdicts[0].label)
        assert torch.equal(verdict.instance, verdicts[0].instance)
        torch.testing.assert_close(verdict.score, verdicts[0].score)


def test_instances_are_voted_for_by_the_probabilities_of_all_classes(segmenter, space):
    photos = random_pictures()
    seen = segmenter._look(photos)
    votes = torch.zeros(len(photos), space.num_classes, *photos.shape[2:])
    votes[:, segmenter.named] = seen.logits.softmax(dim=1)
    plain = segmenter.named[seen.logits.argmax(dim=1)]
    label, instance, _ = segmenter.grouping(plain, seen.center, seen.offset, segmenter.things, votes)
    verdict = segmenter(photos)
    assert not torch.equal(label, plain)  # some pixels were outvoted
    assert torch.equal(verdict.label, label)
    assert torch.equal(verdict.instance, instance)


def test_folded_batch_norm_changes_nothing(segmenter, monkeypatch):
    photos = random_pictures()
    folded = segmenter.network(photos)
    monkeypatch.setattr(_Normalized, "forward", nn.Sequential.forward)
    for one, other in zip(folded, segmenter.network(photos), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_scores_of_other_views_are_told_apart(segmenter, tmp_path):
    segmenter.save(tmp_path / "segmenter.pt")
    one, two, four = (UNetSegmenter.from_file(tmp_path / "segmenter.pt", views) for views in (1, 2, 4))
    assert len({one.fingerprint, two.fingerprint, four.fingerprint}) == 3
    assert four.fingerprint == segmenter.fingerprint
    with pytest.raises(ConfigurationError, match=r"segmenter\.views=3: .* 4, 2 or 1"):
        UNetSegmenter.from_file(tmp_path / "segmenter.pt", 3)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 13), (31, 64), (33, 8), (40, 72)])
def test_any_size(segmenter, height, width):
    photos = random_pictures(2, height, width)
    assert segmenter(photos).instance.shape == (2, height, width)
    assert segmenter.features(photos).shape == (2, segmenter.num_features)
    assert segmenter.features(photos).isfinite().all()


def test_beyond_the_border_the_border_goes_on(segmenter):
    photo = random_pictures(1, 40, 65)
    larger = torch.cat([photo, photo[..., -1:].expand(-1, -1, -1, 7)], dim=3)
    with torch.no_grad():
        for seen, expected in zip(segmenter.network(photo), segmenter.network(larger), strict=True):
            torch.testing.assert_close(seen, expected[..., :65])


def test_features_are_mean_and_deviation_of_the_deepest_scale(segmenter):
    photos = random_pictures(2)
    deepest = segmenter.network.scales(photos)[-1]
    assert deepest.shape[-2:] == (6, 10)
    expected = torch.cat([deepest.mean((2, 3)), deepest.var((2, 3), correction=0).sqrt()], dim=1)
    torch.testing.assert_close(segmenter.features(photos), expected, rtol=1e-4, atol=1e-5)
    assert segmenter.features(photos).dtype == torch.float32


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
    assert torch.equal(again(random_pictures()).label, segmenter(random_pictures()).label)
    assert torch.equal(again(random_pictures()).instance, segmenter(random_pictures()).instance)
    assert torch.equal(again.features(random_pictures()), segmenter.features(random_pictures()))
    assert [file.name for file in path.parent.iterdir()] == ["segmenter.pt"]


def test_files_of_when_segmenters_were_called_judges_are_read(segmenter, tmp_path):
    """By name, and in the folder of the cache where they were put."""
    former, default = tmp_path / "judges" / "streets.pt", tmp_path / "segmenters" / "streets.pt"
    segmenter.save(former)
    torch.save({**torch.load(former, weights_only=True), "kind": "panoptic-oasis unet judge 2"}, former)
    assert UNetSegmenter.from_file(former).fingerprint == segmenter.fingerprint
    assert UNetSegmenter.for_dataset(default).fingerprint == segmenter.fingerprint
    newer = varied_unet(segmenter.label_space)
    newer.grouping = Grouping(threshold=0.3)
    newer.save(default)
    assert UNetSegmenter.for_dataset(default).fingerprint == newer.fingerprint


def test_without_a_segmenter_of_this_dataset(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"No segmenter was trained for this dataset.*oasis train-segmenter"):
        UNetSegmenter.for_dataset(tmp_path / "segmenters" / "streets.pt")


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
    with pytest.raises(CheckpointError, match="cannot be read, it is corrupt or no segmenter"):
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
