"""The line that says how a number was measured."""

from types import SimpleNamespace

import pytest

from oasis.labels import LabelSpace
from oasis.metrics import frechet_and_kernel
from oasis.scoring import MetricNetworks, Protocols, protocol_lines

SPLITS = {"train": range(2975), "val": range(500)}
DATA = SimpleNamespace(height=256, width=512, label_space=LabelSpace.cityscapes_ids(), dataset=SPLITS.__getitem__)
INCEPTION = SimpleNamespace(distances=frechet_and_kernel("fid", "kid"), protocol="Inception (6726825d), bytes")
SEGMENTER = SimpleNamespace(protocol="UNetSegmenter 0123456789ab, 4 views")


def protocols(**changes):
    return Protocols.on(DATA, MetricNetworks([INCEPTION], SEGMENTER), **changes)


def test_what_each_number_depends_on():
    of = protocols(diversity="50 label maps").of
    pictures = "500 label maps of val, a picture of 256x512 of each a draw"
    assert of("fid") == of("kid_std") == f"Inception (6726825d), bytes; {pictures}, against 500 photos of val"
    assert of("segmenter/miou") == of("segmenter/iou/car") == f"{SEGMENTER.protocol}, 19 classes; {pictures}"
    assert of("instances/color") == f"19 classes; {pictures}"
    assert of("diversity/ms_ssim") == "50 label maps"
    assert of("generator/adversarial") == ""


def test_the_reference_is_told():
    of = protocols(reference="train").of
    assert of("fid_train").endswith("against 2975 photos of train")
    assert of("fid") == ""  # which was not measured


def test_fewer_label_maps_are_told():
    assert (
        protocols(maps=12)
        .of("fid")
        .endswith("12 label maps of val, a picture of 256x512 of each a draw, against 12 photos of val")
    )


def test_metrics_of_one_protocol_share_a_line():
    known = protocols().of_all(["fid", "kid", "segmenter/miou", "generator/adversarial"])
    assert list(known) == ["fid", "kid", "segmenter/miou"]
    first, second = protocol_lines(known)
    assert first.startswith("FID, KID: Inception")
    assert second.startswith("mIoU: UNetSegmenter")


@pytest.mark.parametrize("count", [4, 6])
def test_long_lists_are_cut(count):
    lines = protocol_lines(dict.fromkeys([f"segmenter/iou/{k}" for k in range(count)], "here"))
    assert lines == [
        "IoU 0, IoU 1, IoU 2, IoU 3: here." if count == 4 else "IoU 0, IoU 1, IoU 2, IoU 3 and 2 more: here."
    ]
