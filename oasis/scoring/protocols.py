"""How numbers were measured, in a line that stands beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from oasis.data import LabelMapDataModule
from oasis.data.sample import Split
from oasis.metrics import FeatureExtractor, ScoredClasses, against, describe
from oasis.scoring.metric_networks import MetricNetworks
from oasis.scoring.segmenter_scores import SEGMENTER_PREFIX
from oasis.segmenters import Segmenter

_SHOWN = 4  # metrics that a line names


@dataclass(frozen=True)
class Protocols:
    """The protocol of every score: two numbers of one name may be compared if their protocols are the same.

    Attributes:
        pictures: what was scored, in words.
        reference: the split of the photos that distances are measured from.
        photos: their number.
        classes: number of scored classes.
        extractors: of distances.
        segmenter: None if there is none.
        diversity: what diversity was measured on, in words.
    """

    pictures: str
    reference: Split
    photos: int
    classes: int
    extractors: Sequence[FeatureExtractor] = ()
    segmenter: Segmenter | None = None
    diversity: str = ""

    @classmethod
    def on(
        cls,
        data: LabelMapDataModule,
        networks: MetricNetworks,
        split: Split = "val",
        reference: Split | None = None,
        maps: int | None = None,
        diversity: str = "",
    ) -> "Protocols":
        """Those of scores on a dataset.

        Args:
            data: the dataset.
            networks: what measures.
            split: of the label maps.
            reference: see the class; None = `split`.
            maps: number of label maps that are scored; None = all of the split.
            diversity: see the class.
        """
        count = len(data.dataset(split)) if maps is None else maps
        others = reference or split
        return cls(
            f"{count} label maps of {split}, a picture of {data.height}x{data.width} of each a draw",
            others,
            count if others == split else len(data.dataset(others)),
            len(ScoredClasses(data.label_space).names),
            tuple(networks.extractors),
            networks.segmenter,
            diversity,
        )

    def of(self, metric: str) -> str:
        """The protocol of a metric; empty if it is not known here.

        Args:
            metric: such as `fid` or `segmenter/iou/car`.
        """
        for extractor in self.extractors:
            if metric in {against(name, self.reference) for name in extractor.distances}:
                return f"{extractor.protocol}; {self.pictures}, against {self.photos} photos of {self.reference}"
        if metric.startswith(SEGMENTER_PREFIX) and self.segmenter is not None:
            return f"{self.segmenter.protocol}, {self.classes} classes; {self.pictures}"
        if metric.startswith("instances/"):
            return f"{self.classes} classes; {self.pictures}"
        return self.diversity if metric.startswith("diversity/") else ""

    def of_all(self, metrics: Iterable[str]) -> dict[str, str]:
        """Metric -> its protocol, without those that have none."""
        return {metric: line for metric in metrics if (line := self.of(metric))}


def protocol_lines(protocols: Mapping[str, str]) -> list[str]:
    """Protocols for people, a line for each: `FID, KID: Inception of 2015 ...`.

    Args:
        protocols: metric -> its protocol.
    """
    titles: dict[str, list[str]] = {}
    for metric, line in protocols.items():
        titles.setdefault(line, []).append(describe(metric).title)
    return [f"{_listed(names)}: {line}." for line, names in titles.items()]


def _listed(names: Sequence[str]) -> str:
    """Some names; of many, the first ones and the number of the others."""
    shown = ", ".join(names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN} more"
