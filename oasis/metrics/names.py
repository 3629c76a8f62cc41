"""What is known of each metric by its name: what to call it, what it means, which way is better, how to print it."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

_PHOTOS = "Distance from the real photos"
_SEGMENTER_FEATURES = "Distance from the real photos, in the segmenter's features"
_VERDICT = "What the segmenter sees in the pictures"
_INSTANCES = "How much the instances of one picture differ"
_DIVERSITY = "How much the draws of one label map differ"
_OTHER = "Other"
_DECIMALS = 2  # of a value that stands alone and whose metric sets none


@dataclass(frozen=True)
class MetricInfo:
    """How a metric is told to people.

    Attributes:
        title: a few words, for a table.
        meaning: what it measures, in one sentence or two.
        group: what kind of metric it is; those of one group stand together.
        higher_is_better: None where neither way is better, or nothing is known.
        factor: values are printed times this.
        unit: what `factor` does, as it stands behind the title, such as `%`.
        decimals: of printed values; None = as many as the values need.
    """

    title: str
    meaning: str
    group: str
    higher_is_better: bool | None = None
    factor: float = 1.0
    unit: str = ""
    decimals: int | None = None

    @property
    def arrow(self) -> str:
        """Up or down, whichever is better, or nothing."""
        return {True: "↑", False: "↓", None: ""}[self.higher_is_better]

    def show(self, value: float) -> str:
        """One value as it is printed where it stands alone; `-` for nan."""
        decimals = _DECIMALS if self.decimals is None else self.decimals
        return "-" if math.isnan(value) else f"{self.factor * value:.{decimals}f}"

    @property
    def heading(self) -> str:
        """Title, unit and direction in one line."""
        return " ".join(part for part in (self.title, self.unit, self.arrow) if part)


def _share(title: str, meaning: str) -> MetricInfo:
    """A score from 0 to 1 of the segmenter's verdicts, printed in percent."""
    return MetricInfo(title, meaning, _VERDICT, higher_is_better=True, factor=100, unit="%", decimals=2)


def _diversity(title: str, meaning: str) -> MetricInfo:
    return MetricInfo(title, meaning, _DIVERSITY, higher_is_better=True, decimals=4)


def _kernel(title: str, meaning: str, group: str, higher_is_better: bool | None = False) -> MetricInfo:
    return MetricInfo(title, meaning, group, higher_is_better, factor=1000, unit="×1000", decimals=2)  # noqa: RUF001, a multiplication sign


# In the order in which they are told.
_KNOWN = {
    "fid": MetricInfo(
        "FID",
        "Fréchet distance in the features of the 2015 Inception network; 8-bit pictures, antialiased when resized "
        "(torchmetrics' protocol). Few images make it much too large: compare it only with an FID of as many images, "
        "and with that of real photos.",
        _PHOTOS,
        higher_is_better=False,
        decimals=2,
    ),
    "fid_oasis": MetricInfo(
        "FID (OASIS)",
        "The same distance by the protocol behind the OASIS paper's 47.7: pictures in float, resized bilinearly "
        "without antialiasing. Another number than FID.",
        _PHOTOS,
        higher_is_better=False,
        decimals=2,
    ),
    "kid": _kernel(
        "KID",
        "Kernel distance (squared maximum mean discrepancy, cubic kernel) in the same features as FID. Unbiased: few "
        "images do not make it larger, and it may fall a little below 0.",
        _PHOTOS,
    ),
    "kid_std": _kernel(
        "KID, subsets' std",
        "Standard deviation of KID over random subsets of the images: how noisy a KID of so few images is.",
        _PHOTOS,
        None,
    ),
    "segmenter/frechet": MetricInfo(
        "Segmenter Fréchet",
        "Fréchet distance in the features of the segmenter: a stand-in where Inception weights are not available. Not "
        "an FID; comparable only under the same segmenter and with as many images.",
        _SEGMENTER_FEATURES,
        higher_is_better=False,
    ),
    "segmenter/kernel": _kernel(
        "Segmenter kernel",
        "Kernel distance in the features of the segmenter: a stand-in where Inception weights are not available. Not "
        "a KID; comparable only under the same segmenter.",
        _SEGMENTER_FEATURES,
    ),
    "segmenter/kernel_std": _kernel(
        "Segmenter kernel, subsets' std",
        "Standard deviation of the segmenter's kernel distance over random subsets of the images.",
        _SEGMENTER_FEATURES,
        None,
    ),
    "segmenter/miou": _share(
        "mIoU",
        "Intersection over union of the classes in the label map and those that the segmenter sees in the picture, "
        "averaged over classes; void is ignored.",
    ),
    "segmenter/pq": _share(
        "PQ",
        "Panoptic quality: how well the segments that the segmenter sees match those of the label map (IoU above 0.5), "
        "averaged over classes. SQ times RQ, class by class.",
    ),
    "segmenter/sq": _share("SQ", "Segmentation quality: the mean IoU of matched segments."),
    "segmenter/rq": _share("RQ", "Recognition quality: the F1 score of finding segments."),
    "segmenter/pq_things": _share("PQ things", "PQ over the classes that have instances, such as cars and persons."),
    "segmenter/sq_things": _share("SQ things", "SQ over the classes that have instances."),
    "segmenter/rq_things": _share("RQ things", "RQ over the classes that have instances."),
    "segmenter/pq_stuff": _share("PQ stuff", "PQ over the classes without instances, such as road and sky."),
    "segmenter/sq_stuff": _share("SQ stuff", "SQ over the classes without instances."),
    "segmenter/rq_stuff": _share("RQ stuff", "RQ over the classes without instances."),
    "segmenter/touching_recall": _share(
        "Touching found",
        "Of the instances that touch another one of their class, the share that the segmenter finds as an "
        "instance of its own (IoU above 0.5). Isolated objects hide what a panoptic label map is good for; these "
        "do not.",
    ),
    "segmenter/touching_count": MetricInfo(
        "Touching instances", "How many instances touch another one of their class.", _VERDICT, decimals=0
    ),
    "instances/color": MetricInfo(
        "Instances' colours",
        "How far apart the mean colours of two instances of one class in one picture are, from 0 (the same) to 1 "
        "(black and white). Real photos have a value of their own: more than theirs is no better.",
        _INSTANCES,
        higher_is_better=True,
        decimals=4,
    ),
    "diversity/ms_ssim": _diversity(
        "1 − MS-SSIM",  # noqa: RUF001, a minus sign
        "Structural difference between two draws of one label map, averaged over pairs; 0 = all draws are the same. "
        "Noise is diverse too: read it beside the distances.",
    ),
    "diversity/lpips": _diversity(
        "LPIPS",
        "Perceptual difference (AlexNet features) between two draws of one label map, averaged over pairs; 0 = all "
        "draws are the same. Noise is diverse too: read it beside the distances.",
    ),
}
# Of one class each: the name of the class stands behind these.
_FAMILIES = {
    "segmenter/iou": _share("IoU", "Intersection over union of one class."),
    "segmenter/pq": _share("PQ", "Panoptic quality of one class."),
    "instances/color": replace(
        _KNOWN["instances/color"], meaning="How far apart the mean colours of two instances of one class are."
    ),
    "diversity/ms_ssim": replace(
        _KNOWN["diversity/ms_ssim"],
        meaning="1 − MS-SSIM of two draws that differ only where the label map has the class.",  # noqa: RUF001
    ),
    "diversity/lpips": replace(
        _KNOWN["diversity/lpips"],
        meaning="LPIPS of two draws that differ only where the label map has the class.",
    ),
}


def describe(name: str) -> MetricInfo:
    """What is known of a metric; of an unknown one, its name.

    Args:
        name: such as `fid`, `segmenter/pq` or `segmenter/iou/car`.
    """
    family, class_name = split_class(name)
    if class_name is None:
        return _KNOWN.get(name, MetricInfo(name, "", _OTHER))
    known = _FAMILIES.get(family, MetricInfo(family, "", _OTHER))
    return replace(known, title=f"{known.title} {class_name}")


def describe_family(family: str) -> MetricInfo:
    """What is known of the metrics of single classes that begin so, such as `segmenter/iou`."""
    return _FAMILIES.get(family, MetricInfo(family, "", _OTHER))


def higher_is_better(name: str) -> bool | None:
    """Which way a metric is better; None where neither way is, or nothing is known."""
    return describe(name).higher_is_better


def known_names() -> list[str]:
    """Names of the metrics over all classes, in the order in which they are told."""
    return list(_KNOWN)


def split_class(name: str) -> tuple[str, str | None]:
    """`segmenter/iou/car` to (`segmenter/iou`, `car`); a metric over all classes to itself and None.

    Names of classes may hold slashes.
    """
    source, *rest = name.split("/", 2)
    return (f"{source}/{rest[0]}", rest[1]) if len(rest) == 2 else (name, None)


def in_order(names: Iterable[str]) -> list[str]:
    """Metrics of all classes before those of single ones, known ones in the order in which they are told."""

    def place(name: str) -> tuple[bool, int]:
        family, class_name = split_class(name)
        known = list(_KNOWN if class_name is None else _FAMILIES)
        return class_name is not None, known.index(family) if family in known else len(known)

    return sorted(names, key=place)
