"""Distances from real photos: how they are named and presented, also when measured from other photos than usual."""

from dataclasses import replace

from oasis.metrics.metric_info import MetricInfo

_PHOTOS = "Distance from the real photos"
_SEGMENTER_FEATURES = "Distance from the real photos, in the segmenter's features"
_USUAL = "val"  # the split whose photos distances without a suffix are measured from
_OTHERS = ("train", "test")


def against(name: str, reference: str) -> str:
    """The name of a distance from the photos of a split: `fid` from those of val, `fid_train` from those of train."""
    return name if reference == _USUAL else f"{name}_{reference}"


def split_reference(name: str) -> tuple[str, str | None]:
    """`fid_train` to (`fid`, `train`); a name without a suffix, or of no distance, to itself and None."""
    base, _, reference = name.rpartition("_")
    return (base, reference) if reference in _OTHERS and base in DISTANCES else (name, None)


def measured_from(info: MetricInfo, reference: str) -> MetricInfo:
    """How a distance is presented that is measured from the photos of train or test."""
    photos = {"train": "training photos", "test": "test photos"}[reference]
    meaning = f"Against all {photos}, where {info.title} alone means the validation photos. {info.meaning}"
    return replace(info, title=f"{info.title}, {photos}", meaning=meaning)


def _distance(title: str, meaning: str, decimals: int = 2, group: str = _PHOTOS) -> MetricInfo:
    return MetricInfo(title, meaning, group, higher_is_better=False, decimals=decimals)


def _kernel(title: str, meaning: str, group: str, higher_is_better: bool | None) -> MetricInfo:
    return MetricInfo(title, meaning, group, higher_is_better, factor=1000, unit="×1000", decimals=2)  # noqa: RUF001, a multiplication sign


# In the order in which they are shown.
DISTANCES = {
    "fid": MetricInfo(
        "FID",
        "Fréchet distance in the features of the 2015 Inception network; 8-bit pictures, resized with antialiasing "
        "(the protocol of torchmetrics). It is biased upwards for few images: compare it only with an FID of as many "
        "images, and with that of real photos.",
        _PHOTOS,
        higher_is_better=False,
        decimals=2,
    ),
    "fid_oasis": MetricInfo(
        "FID (OASIS)",
        "The same distance by the protocol behind the OASIS paper's 47.7: pictures in float, resized bilinearly "
        "without antialiasing. Not comparable with FID.",
        _PHOTOS,
        higher_is_better=False,
        decimals=2,
    ),
    "kid": _kernel(
        "KID",
        "Kernel distance (squared maximum mean discrepancy, cubic kernel) in the same features as FID. Unbiased "
        "for few images, so it may fall a little below 0.",
        _PHOTOS,
        higher_is_better=False,
    ),
    "kid_std": _kernel(
        "KID, std of subsets",
        "Standard deviation of KID over random subsets of the images: how noisy KID is with so few images.",
        _PHOTOS,
        higher_is_better=None,
    ),
    "frechet_dinov2": _distance(
        "Fréchet DINOv2",
        "Fréchet distance in the features of DINOv2 ViT-L/14 (class token; 8-bit pictures, stretched to 224x224), the "
        "FD-DINOv2 of Stein et al. 2023. It agrees better with people than FID does. Not an FID, and biased upwards "
        "for few images as one is.",
    ),
    "kernel_dinov2": _distance(
        "Kernel DINOv2",
        "Kernel distance (squared maximum mean discrepancy, cubic kernel) in the same features as Fréchet DINOv2, not "
        "scaled. Unbiased for few images, so it may fall a little below 0.",
        decimals=4,
    ),
    "kernel_dinov2_std": MetricInfo(
        "Kernel DINOv2, std of subsets",
        "Standard deviation of Kernel DINOv2 over random subsets of the images.",
        _PHOTOS,
        higher_is_better=None,
        decimals=4,
    ),
    "cmmd": _distance(
        "CMMD",
        "1000 times the squared maximum mean discrepancy (Gaussian kernel, sigma 10, biased estimate) of the "
        "embeddings of CLIP ViT-L/14 at 336x336, as Jayasumana et al. 2024 define it. It sees the central square of "
        "each 8-bit picture, so that the sides of a wide one do not count. Few images raise it.",
        decimals=3,
    ),
    "segmenter/frechet": MetricInfo(
        "Segmenter Fréchet",
        "Fréchet distance in the features of the segmenter: a stand-in where Inception weights are not available. Not "
        "an FID; comparable only under the same segmenter and with as many images.",
        _SEGMENTER_FEATURES,
        higher_is_better=False,
        decimals=2,
    ),
    "segmenter/kernel": _kernel(
        "Segmenter kernel",
        "Kernel distance in the features of the segmenter: a stand-in where Inception weights are not available. Not "
        "a KID; comparable only under the same segmenter.",
        _SEGMENTER_FEATURES,
        higher_is_better=False,
    ),
    "segmenter/kernel_std": _kernel(
        "Segmenter kernel, std of subsets",
        "Standard deviation of the segmenter's kernel distance over random subsets of the images.",
        _SEGMENTER_FEATURES,
        higher_is_better=None,
    ),
}
