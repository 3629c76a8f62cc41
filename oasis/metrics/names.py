"""Metadata of each metric by its name: title, meaning, better direction, format."""

from collections.abc import Iterable
from dataclasses import replace

from oasis.metrics.distance_names import DISTANCES, measured_from, split_reference
from oasis.metrics.metric_info import MetricInfo
from oasis.metrics.usefulness import USEFULNESS

_SEGMENTER = "What the segmenter sees in the pictures"
_INSTANCES = "How much the instances of one picture differ"
_DIVERSITY = "How much the samples of one label map differ"
_OTHER = "Other"


def _share(title: str, meaning: str) -> MetricInfo:
    """A score from 0 to 1 of the segmenter's predictions, printed in percent."""
    return MetricInfo(title, meaning, _SEGMENTER, higher_is_better=True, factor=100, unit="%", decimals=2)


def _diversity(title: str, meaning: str) -> MetricInfo:
    return MetricInfo(title, meaning, _DIVERSITY, higher_is_better=True, decimals=4)


# In the order in which they are shown.
_KNOWN = {
    **DISTANCES,
    "segmenter/miou": _share(
        "mIoU",
        "Mean intersection over union, over classes, of the label map and the segmenter's prediction for the picture; "
        "void is ignored.",
    ),
    "segmenter/pq": _share(
        "PQ",
        "Panoptic quality: how well the segments that the segmenter predicts match those of the label map (IoU above "
        "0.5), averaged over classes. SQ times RQ in each class.",
    ),
    "segmenter/sq": _share("SQ", "Segmentation quality: the mean IoU of matched segments."),
    "segmenter/rq": _share("RQ", "Recognition quality: the F1 score of detecting segments."),
    "segmenter/pq_things": _share("PQ things", "PQ over the classes that have instances, such as cars and persons."),
    "segmenter/sq_things": _share("SQ things", "SQ over the classes that have instances."),
    "segmenter/rq_things": _share("RQ things", "RQ over the classes that have instances."),
    "segmenter/pq_stuff": _share("PQ stuff", "PQ over the classes without instances, such as road and sky."),
    "segmenter/sq_stuff": _share("SQ stuff", "SQ over the classes without instances."),
    "segmenter/rq_stuff": _share("RQ stuff", "RQ over the classes without instances."),
    "segmenter/touching_recall": _share(
        "Touching found",
        "Recall of the instances that touch another one of their class: the share that an instance predicted by the "
        "segmenter matches (IoU above 0.5). They show what a panoptic label map adds over a semantic one.",
    ),
    "segmenter/touching_count": MetricInfo(
        "Touching instances",
        "How many instances touch another one of their class.",
        _SEGMENTER,
        higher_is_better=None,
        decimals=0,
    ),
    "segmenter/ap": _share(
        "AP",
        "COCO's average precision of the segmenter's instances against the label map's: over recalls, the IoU "
        "thresholds 0.5, 0.55, ..., 0.95 of masks, and classes of things. It also asks how sure the segmenter is.",
    ),
    "segmenter/ap50": _share("AP50", "COCO's average precision of instances at the IoU threshold 0.5 of masks."),
    "segmenter/box_ap": _share("AP of boxes", "COCO's average precision of the bounding boxes of instances."),
    "segmenter/box_ap50": _share(
        "AP50 of boxes", "COCO's average precision of the bounding boxes of instances at the IoU threshold 0.5."
    ),
    "instances/color": MetricInfo(
        "Instance colours",
        "Distance between the mean colours of two instances of one class in one picture, from 0 (the same) to 1 "
        "(black and white). Compare it with the value of real photos: beyond that, higher is not better.",
        _INSTANCES,
        higher_is_better=True,
        decimals=4,
    ),
    "diversity/ms_ssim": _diversity(
        "1 − MS-SSIM",  # noqa: RUF001, a minus sign
        "Structural difference between two samples of one label map, averaged over pairs; 0 = all are the same. "
        "Noise is diverse too: read it together with the distances.",
    ),
    "diversity/lpips": _diversity(
        "LPIPS",
        "Perceptual difference (AlexNet features) between two samples of one label map, averaged over pairs; 0 = all "
        "are the same. Noise is diverse too: read it together with the distances.",
    ),
}
_KNOWN |= {name: replace(_share(title, meaning), group=group) for name, (title, meaning, group) in USEFULNESS.items()}
# Metrics of one class: its name is appended to these.
_FAMILIES = {
    "segmenter/iou": _share("IoU", "Intersection over union of one class."),
    "segmenter/pq": _share("PQ", "Panoptic quality of one class."),
    "segmenter/ap": _share("AP", "COCO's average precision of the masks of one class of things."),
    "instances/color": replace(
        _KNOWN["instances/color"], meaning="Distance between the mean colours of two instances of one class."
    ),
    "diversity/ms_ssim": replace(
        _KNOWN["diversity/ms_ssim"],
        meaning="1 − MS-SSIM of two samples that differ only where the label map has the class.",  # noqa: RUF001
    ),
    "diversity/lpips": replace(
        _KNOWN["diversity/lpips"],
        meaning="LPIPS of two samples that differ only where the label map has the class.",
    ),
    **{
        f"segmenter/{touching}{kind}_by_{name}": replace(
            info, title=f"Touching {info.title.lower()}" if touching else info.title
        )
        for name in ("area", "fill", "contact")
        for touching in ("", "touching_")
        for kind, info in (
            ("recall", _share("Found", "The share of instances of one kind that the segmenter finds (IoU above 0.5).")),
            ("count", replace(_KNOWN["segmenter/touching_count"], title="Instances", meaning="How many there are.")),
        )
    },
}


def describe(name: str) -> MetricInfo:
    """The `MetricInfo` of a metric; of an unknown one, with its name only.

    Args:
        name: such as `fid`, `segmenter/pq` or `segmenter/iou/car`.
    """
    family, class_name = split_class(name)
    if class_name is None:
        base, reference = split_reference(name)
        known = _KNOWN.get(base, MetricInfo(base, "", _OTHER, higher_is_better=None))
        return known if reference is None else measured_from(known, reference)
    known = _FAMILIES.get(family, MetricInfo(family, "", _OTHER, higher_is_better=None))
    return replace(known, title=f"{known.title} {class_name}")


def describe_family(family: str) -> MetricInfo:
    """The `MetricInfo` of the metrics of single classes with this prefix, such as `segmenter/iou`."""
    return _FAMILIES.get(family, MetricInfo(family, "", _OTHER, higher_is_better=None))


def higher_is_better(name: str) -> bool | None:
    """Which direction of a metric is better; None if neither is, or the metric is unknown."""
    return describe(name).higher_is_better


def known_names() -> list[str]:
    """Names of the metrics over all classes that training may log, in the order of reports."""
    return [name for name in _KNOWN if name not in USEFULNESS]


def split_class(name: str) -> tuple[str, str | None]:
    """`segmenter/iou/car` to (`segmenter/iou`, `car`); a metric over all classes to itself and None.

    Names of classes may contain slashes.
    """
    source, *rest = name.split("/", 2)
    return (f"{source}/{rest[0]}", rest[1]) if len(rest) == 2 else (name, None)


def in_order(names: Iterable[str]) -> list[str]:
    """Metrics over all classes before those of single ones, known ones in the order in which they are shown."""

    def place(name: str) -> tuple[bool, int]:
        family, class_name = split_class(name)
        known = list(_KNOWN if class_name is None else _FAMILIES)
        family = split_reference(family)[0] if class_name is None else family
        return class_name is not None, known.index(family) if family in known else len(known)

    return sorted(names, key=place)
