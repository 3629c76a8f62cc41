import json
import shutil
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.segmenters.mask2former import Mask2FormerSegmenter

transformers = pytest.importorskip("transformers")
huggingface_hub = pytest.importorskip("huggingface_hub")
safetensors = pytest.importorskip("safetensors.torch")

ROAD, SIDEWALK, SKY, CAR = 0, 1, 10, 13
NAME = "facebook/mask2former-swin-tiny-cityscapes-panoptic"


@pytest.fixture
def checkpoint(mask2former):
    return mask2former


@pytest.fixture
def segmenter(checkpoint):
    return Mask2FormerSegmenter.from_pretrained(checkpoint)


@pytest.fixture
def copy(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy")


def pictures(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def says(segmenter, monkeypatch, queries, height, width):
    """Make the network return queries of (class, score, (height, width) probabilities) for any input."""
    classes = torch.full((1, len(queries), 20), 1e-6)
    for i, (found, score, _) in enumerate(queries):
        classes[0, i, 19] = 1 - score
        classes[0, i, found] = score
    masks = torch.stack([mask for _, _, mask in queries]).view(1, len(queries), height, width)
    answer = SimpleNamespace(
        class_queries_logits=classes.log(), masks_queries_logits=masks.clamp(1e-4, 1 - 1e-4).logit()
    )
    monkeypatch.setattr(segmenter.model, "forward", lambda pixel_values: answer)
    return answer


def box(top, bottom, left, right, inside=0.99, outside=0.01, size=(32, 64)):
    mask = torch.full(size, outside)
    mask[top:bottom, left:right] = inside
    return mask


def street():
    """Sky, a road in two queries, one between two cars that touch: in this order, numbers get lost in transformers."""
    return [
        (ROAD, 0.95, box(16, 32, 0, 32)),
        (CAR, 0.9, box(10, 22, 10, 24)),
        (ROAD, 0.95, box(16, 32, 32, 64)),
        (CAR, 0.92, box(10, 22, 24, 40)),
        (SKY, 0.97, box(0, 16, 0, 64)),
    ]


def only(*boxes):
    """Which pixels are left of the first box when the others are taken out of it."""
    left = box(*boxes[0], inside=1, outside=0).bool()
    for other in boxes[1:]:
        left &= ~box(*other, inside=1, outside=0).bool()
    return left


def test_two_touching_cars_on_a_road_in_two_parts(segmenter, monkeypatch):
    queries = street()
    cars = [(10, 22, 10, 24), (10, 22, 24, 40)]
    for i, area in ((0, (16, 32, 0, 32)), (2, (16, 32, 32, 64)), (4, (0, 16, 0, 64))):
        queries[i] = (*queries[i][:2], torch.where(only(area, *cars), 0.99, 0.01))
    says(segmenter, monkeypatch, queries, 32, 64)
    verdict = segmenter(pictures(1, 3, 32, 64))
    label, instance = torch.full((32, 64), ROAD), torch.zeros(32, 64, dtype=torch.long)
    label[:16] = SKY
    label[10:22, 10:40] = CAR
    instance[10:22, 10:24] = 1
    instance[10:22, 24:40] = 2
    assert torch.equal(verdict.label[0], label)
    assert torch.equal(verdict.instance[0], instance)
    assert verdict.label.dtype == verdict.instance.dtype == torch.int64


def test_agrees_with_transformers_where_that_is_sound(segmenter, monkeypatch):
    cars = [(10, 22, 10, 24), (10, 22, 24, 40)]
    queries = [
        (ROAD, 0.95, torch.where(only((16, 32, 0, 64), *cars), 0.99, 0.01)),
        (CAR, 0.9, box(*cars[0])),
        (CAR, 0.92, box(*cars[1])),
        (SKY, 0.97, torch.where(only((0, 16, 0, 64), *cars), 0.99, 0.01)),
    ]
    answer = says(segmenter, monkeypatch, queries, 32, 64)
    verdict = segmenter(pictures(1, 3, 32, 64))
    theirs = segmenter.processor.post_process_panoptic_segmentation(
        answer, threshold=0.8, label_ids_to_fuse=set(range(11)), target_sizes=[(32, 64)]
    )[0]
    label = torch.full((32, 64), -1)
    for segment in theirs["segments_info"]:
        label[theirs["segmentation"] == segment["id"]] = segment["label_id"]
    cars_theirs = [theirs["segmentation"] == s["id"] for s in theirs["segments_info"] if s["label_id"] == CAR]
    # Theirs goes by way of 384 x 384: edges may differ by a pixel.
    assert (label == verdict.label[0]).float().mean() > 0.97
    assert len(cars_theirs) == verdict.instance.max() == 2
    for number, mask in enumerate(cars_theirs, 1):
        ours = verdict.instance[0] == number
        assert (ours & mask).sum() / (ours | mask).sum() > 0.9


def test_one_sure_car_does_not_become_all_of_a_doubtful_picture(segmenter, monkeypatch):
    says(segmenter, monkeypatch, [(CAR, 0.95, box(10, 20, 10, 20)), (ROAD, 0.6, box(0, 32, 0, 64, 0.9))], 32, 64)
    verdict = segmenter(pictures(1, 3, 32, 64))
    inside = box(10, 20, 10, 20, 1, 0).bool()
    assert torch.equal(verdict.instance[0] == 1, inside)
    assert (verdict.label[0][~inside] == ROAD).all()  # of no segment: the likeliest class of all queries


def test_a_car_hidden_by_a_surer_one_is_no_instance(segmenter, monkeypatch):
    """The second car holds 60 % of its mask, less than 80 %; the third 90 %."""
    queries = [(CAR, 0.95, box(10, 20, 4, 14)), (CAR, 0.9, box(10, 20, 10, 20)), (CAR, 0.9, box(10, 20, 40, 50))]
    says(segmenter, monkeypatch, queries, 32, 64)
    verdict = segmenter(pictures(1, 3, 32, 64))
    expected = torch.zeros(32, 64, dtype=torch.long)
    expected[10:20, 4:14] = 1
    expected[10:20, 40:50] = 2
    assert torch.equal(verdict.instance[0], expected)


def test_nothing_sure_gives_classes_without_instances(segmenter, monkeypatch):
    says(segmenter, monkeypatch, [(CAR, 0.5, box(0, 32, 0, 30)), (SIDEWALK, 0.4, box(0, 32, 30, 64))], 32, 64)
    verdict = segmenter(pictures(1, 3, 32, 64))
    assert verdict.instance.max() == 0
    assert (verdict.label[0, :, :30] == CAR).all()
    assert (verdict.label[0, :, 30:] == SIDEWALK).all()


def slow_verdict(queries, height, width):
    """The paper's inference, pixel by pixel, from probabilities."""
    kept = [query for query in queries if query[1] > 0.8]
    winner = np.full((height, width), -1)
    label, instance = np.zeros((height, width), np.int64), np.zeros((height, width), np.int64)
    for y in range(height):
        for x in range(width):
            votes = np.zeros(19)
            for found, score, mask in queries:
                votes[found] += score * float(mask[y, x])
            label[y, x] = votes.argmax()
            if kept:
                winner[y, x] = np.argmax([score * float(mask[y, x]) for _, score, mask in kept])
    number = 0
    for i, (found, _, mask) in enumerate(kept):
        own = (winner == i) & (mask.numpy() >= 0.5)
        if own.sum() == 0 or (winner == i).sum() < 0.8 * (mask.numpy() >= 0.5).sum():
            continue
        label[own] = found
        if found >= 11:
            number += 1
            instance[own] = number
    return label, instance


def random_answer(seed):
    rng = torch.Generator().manual_seed(seed)
    queries = []
    for _ in range(9):
        top, left = (int(torch.randint(0, n, (), generator=rng)) for n in (12, 24))
        mask = torch.rand(16, 32, generator=rng) * 0.45
        mask[top : top + 6, left : left + 9] += 0.4
        score = 0.6 + 0.39 * float(torch.rand((), generator=rng))
        queries.append((int(torch.randint(8, 19, (), generator=rng)), score, mask.clamp(0.001, 0.999)))
    return queries


def test_equals_a_slow_loop_on_random_answers(segmenter, monkeypatch):
    instances, several = 0, 0
    for seed in range(10):
        queries = random_answer(seed)
        says(segmenter, monkeypatch, queries, 16, 32)
        verdict = segmenter(pictures(1, 3, 16, 32))
        label, instance = slow_verdict(queries, 16, 32)
        assert np.array_equal(verdict.label[0], label)
        assert np.array_equal(verdict.instance[0], instance)
        instances, several = instances + instance.max(), several + (instance.max() > 1)
    assert 0 < several < instances  # there was something to compare


def test_masks_are_resized_to_the_picture(segmenter, monkeypatch):
    coarse = torch.full((8, 16), 0.01)
    coarse[:, :8] = 0.99
    says(segmenter, monkeypatch, [(CAR, 0.95, coarse), (ROAD, 0.95, 1 - coarse)], 8, 16)
    verdict = segmenter(pictures(1, 3, 40, 80))
    assert torch.equal(verdict.instance[0], (torch.arange(80) < 40).long().expand(40, 80))


@pytest.mark.parametrize(
    ("height", "tolerance"),
    [(64, 1e-5), (48, 1 / 255 / 0.224 + 1e-4)],  # resizing bytes, the processor rounds: one step at most
)
def test_input_is_what_the_processor_makes_of_bytes(segmenter, monkeypatch, height, tolerance):
    generator = torch.Generator().manual_seed(0)
    photo = torch.randint(0, 256, (3, height, 2 * height), dtype=torch.uint8, generator=generator)
    shown = []
    answer = says(segmenter, monkeypatch, street(), 32, 64)
    monkeypatch.setattr(segmenter.model, "forward", lambda pixel_values: shown.append(pixel_values) or answer)
    segmenter(photo.unsqueeze(0) / 127.5 - 1)
    expected = segmenter.processor(images=photo, return_tensors="pt").pixel_values
    assert shown[0].shape == expected.shape == (1, 3, 64, 128)
    torch.testing.assert_close(shown[0], expected, atol=tolerance, rtol=0)


def test_features_are_the_pooled_backbone(segmenter):
    image = pictures(2, 3, 64, 128)
    features = segmenter.features(image)
    pixels = segmenter.processor(images=(image + 1) / 2, do_rescale=False, return_tensors="pt").pixel_values
    whole = segmenter.model(pixel_values=pixels, output_hidden_states=True).encoder_last_hidden_state
    torch.testing.assert_close(features, whole.mean(dim=(2, 3)))
    assert features.shape == (2, segmenter.num_features)
    assert features.dtype == torch.float32


def test_fingerprint_follows_weights_and_preprocessing(segmenter, checkpoint, copy):
    assert Mask2FormerSegmenter.from_pretrained(str(copy)).fingerprint == segmenter.fingerprint
    settings = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").write_text(json.dumps({**settings, "image_mean": [0.5, 0.5, 0.5]}))
    resized = Mask2FormerSegmenter.from_pretrained(copy).fingerprint
    weights = safetensors.load_file(copy / "model.safetensors")
    weights["class_predictor.bias"] += 1
    safetensors.save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    assert len({segmenter.fingerprint, resized, Mask2FormerSegmenter.from_pretrained(copy).fingerprint}) == 3


def test_without_transformers(checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'panoptic-oasis\[transformers\]'"):
        Mask2FormerSegmenter.from_pretrained(checkpoint)


def test_pickled_weights_are_not_read(copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ConfigurationError, match=r"has no \*\.safetensors.*pickle may run any code"):
        Mask2FormerSegmenter.from_pretrained(copy)


def test_weights_cut_short(copy):
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigurationError, match="cannot be loaded as a Mask2Former checkpoint"):
        Mask2FormerSegmenter.from_pretrained(copy)


def test_weights_that_lack_some(copy):
    weights = safetensors.load_file(copy / "model.safetensors")
    del weights["class_predictor.weight"], weights["class_predictor.bias"]
    safetensors.save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigurationError, match=r"lack class_predictor\.bias and 1 more"):
        Mask2FormerSegmenter.from_pretrained(copy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s["id2label"].update({"2": "house"}), "number 2 is 'house' where Cityscapes has 'building'"),
        (lambda s: s["id2label"].update({"19": "tree"}), "20 classes, of which number 19 is 'tree' .* has nothing"),
        (lambda s: s["id2label"].pop("18"), "18 classes, of which number 18 is nothing .* has 'bicycle'"),
        (lambda s: s.update(model_type="maskformer"), "settings of a 'maskformer' model"),
        (lambda s: s.pop("id2label"), "not the settings of a segmenting checkpoint"),
    ],
)
def test_checkpoints_of_something_else(copy, change, message):
    settings = json.loads((copy / "config.json").read_text())
    change(settings)
    (copy / "config.json").write_text(json.dumps(settings))
    with pytest.raises(ConfigurationError, match=message):
        Mask2FormerSegmenter.from_pretrained(copy)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(MissingWeightsError, match=r"segmenter\.weights=.*nowhere: no such folder"):
        Mask2FormerSegmenter.from_pretrained(tmp_path / "nowhere")


@pytest.fixture
def hub(monkeypatch):
    """An unreachable hub, with an empty cache; records every request."""
    asked = []

    def model_info(self, name, timeout):
        asked.append(timeout)
        raise OSError("Name or service not known")

    def snapshot_download(name, **settings):
        if not settings.get("local_files_only"):
            pytest.fail("asked for files of a hub that does not answer")
        raise huggingface_hub.errors.LocalEntryNotFoundError("nothing in the cache")

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", model_info)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return asked


def test_offline_is_noticed_soon(hub):
    with pytest.raises(MissingWeightsError, match=r"(?s)Name or service not known.*segmenter\.weights=FOLDER"):
        Mask2FormerSegmenter.from_pretrained(NAME)
    assert max(hub) <= 10


def test_the_cache_is_used_without_a_network(hub, monkeypatch, checkpoint, segmenter):
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **settings: str(checkpoint))
    assert Mask2FormerSegmenter.from_pretrained(NAME).fingerprint == segmenter.fingerprint
    assert hub == []


def test_a_download_that_has_pickles_only(monkeypatch, copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda self, name, timeout: SimpleNamespace(sha="0" * 40))
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda name, **settings: str(copy))
    with pytest.raises(MissingWeightsError, match=r"it has no \*\.safetensors"):
        Mask2FormerSegmenter.from_pretrained(NAME)
