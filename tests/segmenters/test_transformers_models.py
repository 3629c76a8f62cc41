import shutil
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from checkpoints_of_transformers import change_settings, save_checkpoint
from segmenting import random_pictures

from oasis.errors import ConfigurationError
from oasis.segmenters import Mask2FormerSegmenter, TransformersSegmenter

pytest.importorskip("transformers")


@pytest.fixture
def copy(transformers, tmp_path):
    return shutil.copytree(transformers, tmp_path / "copy")


def test_mask2former_predicts_what_its_own_segmenter_does(mask2former):
    ours, own = TransformersSegmenter.from_pretrained(mask2former), Mask2FormerSegmenter.from_pretrained(mask2former)
    picture = random_pictures(2)
    assert torch.equal(ours(picture).label, own(picture).label)
    torch.testing.assert_close(ours.features(picture), own.features(picture))
    assert ours.label_space.names[:19] == own.label_space.names[:19]


def test_semantic_logits_are_those_of_transformers_resized(transformers):
    from transformers import SegformerForSemanticSegmentation, SegformerImageProcessor

    picture = random_pictures(1, 50, 90)
    processor = SegformerImageProcessor.from_pretrained(transformers)
    model = SegformerForSemanticSegmentation.from_pretrained(transformers).eval()
    with torch.no_grad():
        outputs = model(
            **processor((picture + 1) / 2, do_rescale=False, return_tensors="pt"), output_hidden_states=True
        )
    wanted = processor.post_process_semantic_segmentation(outputs, [(50, 90)])[0]
    segmenter = TransformersSegmenter.from_pretrained(transformers)
    assert torch.equal(segmenter(picture).label[0], wanted)
    assert not segmenter.finds_instances
    torch.testing.assert_close(
        segmenter.features(picture), F.adaptive_avg_pool2d(outputs.hidden_states[-1], 1)[..., 0, 0]
    )


def test_segments_of_a_semantic_checkpoint_are_no_instances(mask2former, tmp_path):
    folder = shutil.copytree(mask2former, tmp_path / "mask2former-tiny-semantic")
    assert not TransformersSegmenter.from_pretrained(folder).finds_instances
    assert TransformersSegmenter.from_pretrained(folder, finds_instances=True).finds_instances
    assert not TransformersSegmenter.from_pretrained(mask2former, finds_instances=False).finds_instances


def test_a_semantic_network_is_not_asked_for_instances(transformers):
    with pytest.raises(
        ConfigurationError, match=r"segmenter.finds_instances=true.*'segformer' model, which finds none"
    ):
        TransformersSegmenter.from_pretrained(transformers, finds_instances=True)


def test_networks_that_do_not_segment(copy):
    change_settings(copy / "config.json", model_type="bert")
    with pytest.raises(ConfigurationError, match=r"a 'bert' model cannot be used to segment; .*mask2former.*segformer"):
        TransformersSegmenter.from_pretrained(copy)


def test_pictures_must_not_be_cropped(copy):
    change_settings(copy / "preprocessor_config.json", do_center_crop=True, crop_size={"height": 32, "width": 32})
    with pytest.raises(ConfigurationError, match="do_center_crop"):
        TransformersSegmenter.from_pretrained(copy)


def test_weights_of_other_classes(copy):
    change_settings(copy / "config.json", id2label={"0": "road", "1": "car"}, label2id={"road": 0, "car": 1})
    with pytest.raises(ConfigurationError, match=r"cannot be loaded as a segformer checkpoint|its weights lack"):
        TransformersSegmenter.from_pretrained(copy)


def test_without_weights_or_transformers(transformers, monkeypatch):
    with pytest.raises(ConfigurationError, match=r"segmenter.weights=null: name a checkpoint"):
        TransformersSegmenter.for_dataset(Path("no default"))
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'panoptic-oasis\[transformers\]'"):
        TransformersSegmenter.from_pretrained(transformers)


@pytest.mark.parametrize("kind", ["upernet", "maskformer", "oneformer"])
def test_features_have_the_length_it_says(kind, tmp_path):
    save_checkpoint(kind, ["road", "car"], tmp_path)
    segmenter = TransformersSegmenter.from_pretrained(tmp_path)
    assert segmenter.features(random_pictures(2, 40, 70)).shape == (2, segmenter.num_features)
