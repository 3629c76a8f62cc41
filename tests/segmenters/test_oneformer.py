"""OneFormer, compared with transformers' own processor of words, pictures and outputs."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
import torch.nn.functional as F
from checkpoints_of_transformers import change_settings, save_checkpoint
from segmenting import random_pictures

from oasis.errors import ConfigurationError, MissingWeightsError
from oasis.labels import LabelSpace
from oasis.segmenters import TransformersSegmenter

transformers = pytest.importorskip("transformers")
huggingface_hub = pytest.importorskip("huggingface_hub")

NAME = "shi-labs/oneformer_cityscapes_swin_large"
SPACES = {
    "cityscapes": LabelSpace.cityscapes_train_ids(),
    "ade20k": LabelSpace.built_in("ade20k"),
    "coco": LabelSpace.built_in("coco_panoptic"),
}


def saved(space, folder):
    """A checkpoint of the evaluated classes, and which of them are things."""
    evaluated = sorted(space.evaluated)
    save_checkpoint("oneformer", [space.names[c] for c in evaluated], folder)
    return folder, [i for i, c in enumerate(evaluated) if c in space.things]


@pytest.fixture(scope="module")
def cityscapes(tmp_path_factory):
    return saved(SPACES["cityscapes"], tmp_path_factory.mktemp("oneformer"))[0]


@pytest.fixture
def copy(cityscapes, tmp_path):
    return shutil.copytree(cityscapes, tmp_path / "copy")


@pytest.fixture(autouse=True)
def no_hub(monkeypatch):
    monkeypatch.setattr(huggingface_hub.HfApi, "hf_hub_download", lambda *_, **__: pytest.fail("a download"))


def reference(folder, pictures, task):
    """The processor of transformers, and the network's answers to it, one a picture, with masks of that size."""
    processor = transformers.OneFormerProcessor(
        transformers.OneFormerImageProcessor.from_pretrained(folder, class_info_file=None),
        transformers.CLIPTokenizer.from_pretrained(folder),
    )
    model = transformers.OneFormerForUniversalSegmentation.from_pretrained(folder).eval()
    answers = []
    for picture in pictures:
        inputs = processor((picture + 1) / 2, [task], do_rescale=False, return_tensors="pt")
        with torch.no_grad():
            outputs = model(**inputs)
        outputs.masks_queries_logits = F.interpolate(outputs.masks_queries_logits, picture.shape[1:], mode="bilinear")
        answers.append(outputs)
    return processor, answers


@pytest.mark.parametrize("classes", SPACES)
def test_segments_are_those_of_transformers(classes, tmp_path):
    """Less the pixels outside of the mask of the query that wins them, which transformers gives to it all the same."""
    folder, things = saved(SPACES[classes], tmp_path)
    change_settings(folder / "preprocessor_config.json", metadata={"thing_ids": things})
    pictures = torch.cat([random_pictures(6, 50, 90), F.interpolate(random_pictures(4, 3, 5), (50, 90))])
    prediction = TransformersSegmenter.from_pretrained(folder)(pictures)
    processor, answers = reference(folder, pictures, "panoptic")
    counts = {True: 0, False: 0}
    for label, instance, outputs in zip(prediction.label, prediction.instance, answers, strict=True):
        [theirs] = processor.post_process_panoptic_segmentation(
            outputs, threshold=0.8, label_ids_to_fuse=set(), target_sizes=[label.shape]
        )
        score, found = outputs.class_queries_logits[0].softmax(1).max(1)
        kept = (score > 0.8) & (found < len(SPACES[classes].evaluated))
        masks = outputs.masks_queries_logits[0, kept].sigmoid()
        inside = masks.gather(0, (score[kept].view(-1, 1, 1) * masks).argmax(0, keepdim=True))[0] >= 0.5
        instances = 0
        for segment in theirs["segments_info"]:
            mask = (theirs["segmentation"] == segment["id"]) & inside
            is_thing = segment["label_id"] in things
            counts[is_thing] += 1
            assert (label[mask] == segment["label_id"]).all()
            [number] = instance[mask].unique().tolist()
            assert (number > 0) == is_thing
            if is_thing:
                instances += 1
                assert torch.equal(instance == number, mask)
        assert instance.max() == instances
    assert min(counts.values()) > 1  # there was something to compare


@pytest.mark.parametrize("classes", SPACES)
def test_classes_are_those_of_transformers(classes, tmp_path):
    folder, _ = saved(SPACES[classes], tmp_path)
    pictures = random_pictures(3, 50, 90)
    segmenter = TransformersSegmenter.from_pretrained(folder, finds_instances=False)
    processor, answers = reference(folder, pictures, "semantic")
    wanted = [processor.post_process_semantic_segmentation(outputs, [(50, 90)])[0] for outputs in answers]
    label = segmenter(pictures).label
    assert torch.equal(label, torch.stack(wanted))
    assert not segmenter.finds_instances
    assert not torch.equal(label, TransformersSegmenter.from_pretrained(folder)(pictures).label)  # of another task


@pytest.mark.parametrize(("finds_instances", "task"), [(None, "panoptic"), (True, "panoptic"), (False, "semantic")])
def test_the_network_gets_what_the_processor_makes(cityscapes, finds_instances, task, monkeypatch):
    segmenter, picture = TransformersSegmenter.from_pretrained(cityscapes, finds_instances), random_pictures(1, 50, 90)
    processor, [answer] = reference(cityscapes, picture, task)
    shown = {}
    monkeypatch.setattr(segmenter.model, "forward", lambda **inputs: shown.update(inputs) or answer)
    segmenter(picture)
    wanted = processor((picture + 1) / 2, [task], do_rescale=False, return_tensors="pt")
    torch.testing.assert_close(shown["pixel_values"], wanted["pixel_values"])
    assert torch.equal(shown["task_inputs"], wanted["task_inputs"])


def test_a_tokenizer_in_one_file(copy):
    before = TransformersSegmenter.from_pretrained(copy)
    transformers.CLIPTokenizer.from_pretrained(copy).save_pretrained(copy)
    for file in ("vocab.json", "merges.txt"):
        (copy / file).unlink()
    after = TransformersSegmenter.from_pretrained(copy)
    assert torch.equal(after.task, before.task)
    assert after.fingerprint == before.fingerprint


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("vocab.json", r"vocab\.json or tokenizer\.json"),
        ("merges.txt", r"merges\.txt or tokenizer\.json"),
        ("tokenizer_config.json", r"tokenizer_config\.json"),
    ],
)
def test_a_folder_without_the_tokenizer(copy, file, named):
    (copy / file).unlink()
    with pytest.raises(
        ConfigurationError, match=rf"copy: has no {named}\. A checkpoint is a folder with config\.json, "
    ):
        TransformersSegmenter.from_pretrained(copy)


def test_a_corrupt_tokenizer(copy):
    (copy / "vocab.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"copy: its tokenizer cannot be read .*fetch .*merges\.txt"):
        TransformersSegmenter.from_pretrained(copy)


def test_a_tokenizer_of_other_words(copy):
    words = json.loads((copy / "vocab.json").read_text())
    del words["k</w>"]
    (copy / "vocab.json").write_text(json.dumps(words))
    with pytest.raises(ConfigurationError, match="its tokenizer does not know the words 'the task is panoptic'"):
        TransformersSegmenter.from_pretrained(copy)


def thing_names(folder, **settings):
    space = TransformersSegmenter.from_pretrained(folder, **settings).label_space
    return {space.names[c] for c in space.things}


def test_things_are_those_of_the_class_file_or_its_copy_or_all(copy):
    names = SPACES["cityscapes"].names[:19]
    assert thing_names(copy) == set(names)
    change_settings(copy / "preprocessor_config.json", metadata={"thing_ids": [13, 18]})
    assert thing_names(copy) == {"car", "bicycle"}
    classes = {str(i): {"name": name, "isthing": int(name == "bus")} for i, name in enumerate(names)}
    (copy / "classes.json").write_text(json.dumps(classes))
    assert thing_names(copy) == {"bus"}
    assert thing_names(copy, finds_instances=False) == set()


def test_without_things_the_task_is_semantic(copy):
    change_settings(copy / "preprocessor_config.json", metadata={"thing_ids": []})
    segmenter = TransformersSegmenter.from_pretrained(copy)
    assert not segmenter.finds_instances
    assert torch.equal(segmenter.task, TransformersSegmenter.from_pretrained(copy, finds_instances=False).task)


@pytest.mark.parametrize(
    ("listing", "message"),
    [
        ("[]", r"classes\.json: does not say which classes are things"),
        ('{"0": {"name": "road"}}', r"classes\.json: does not say .*isthing"),
        ('{"19": {"isthing": 1}}', r"classes\.json: class 19 is a thing, and config\.json has 19 classes"),
    ],
)
def test_class_files_of_something_else(copy, listing, message):
    (copy / "classes.json").write_text(listing)
    with pytest.raises(ConfigurationError, match=message):
        TransformersSegmenter.from_pretrained(copy)


def test_the_fingerprint_follows_task_and_things(copy):
    prints = [
        TransformersSegmenter.from_pretrained(copy, finds_instances).fingerprint for finds_instances in (True, False)
    ]
    (copy / "merges.txt").write_text("#version: 0.2\nt h\n")
    prints.append(TransformersSegmenter.from_pretrained(copy).fingerprint)
    assert len(set(prints)) == 3


def test_a_checkpoint_saved_while_it_trained(copy):
    picture = random_pictures(1)
    before = TransformersSegmenter.from_pretrained(copy)(picture)
    change_settings(copy / "config.json", is_training=True)
    assert torch.equal(TransformersSegmenter.from_pretrained(copy)(picture).label, before.label)


@pytest.fixture
def hub(monkeypatch):
    """A hub that has what `folder` has, with an empty cache; lists the patterns of each download."""
    asked = []

    def serve(folder):
        def snapshot_download(name, allow_patterns, **settings):
            if settings.get("local_files_only"):
                raise huggingface_hub.errors.LocalEntryNotFoundError("nothing in the cache")
            asked.append(set(allow_patterns))
            return str(folder)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
        return asked

    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda self, name, timeout: SimpleNamespace(sha="0" * 40))
    return serve


def test_the_tokenizer_is_downloaded_for_it_alone(hub, cityscapes, mask2former):
    asked = hub(cityscapes)
    TransformersSegmenter.from_pretrained(NAME)
    files = {"tokenizer_config.json", "tokenizer.json", "vocab.json", "merges.txt"}
    assert [files & patterns for patterns in asked] == [set(), files]
    asked = hub(mask2former)
    TransformersSegmenter.from_pretrained("facebook/mask2former-swin-tiny-cityscapes-panoptic")
    assert not any(files & patterns for patterns in asked[2:])
    assert len(asked) == 3


def test_a_hub_without_the_tokenizer(hub, copy):
    (copy / "merges.txt").unlink()
    hub(copy)
    with pytest.raises(
        MissingWeightsError, match=r"no merges\.txt or tokenizer\.json.* Fetch .* give segmenter.weights="
    ):
        TransformersSegmenter.from_pretrained(NAME)


def test_pickled_weights_are_to_be_converted_with_all_of_the_network(hub, copy):
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    hub(copy)
    with pytest.raises(MissingWeightsError, match=rf"OneFormerForUniversalSegmentation.from_pretrained\('{NAME}'\)"):
        TransformersSegmenter.from_pretrained(NAME)
