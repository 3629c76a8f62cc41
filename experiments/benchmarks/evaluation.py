"""Where the time of an evaluation goes: generator, extractor, and everything else.

    python -m experiments.benchmarks.evaluation [--images 500] [--channels 64] [--device cuda] [--json FILE]

Synthetic streets painted by a generator that nobody trained, measured by the Inception network under both protocols:
untrained networks take as long as trained ones, so nothing is downloaded.
"""

import argparse
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch
from rich.console import Console
from rich.table import Table
from torch_fidelity import feature_extractor_inceptionv3 as fidelity

from experiments.benchmarks.measuring import arguments, report
from oasis.data import LabelMapDataModule, Streets
from oasis.encodings import Semantic
from oasis.evaluation import EvaluatedModel, Evaluation
from oasis.labels import LabelSpace
from oasis.metrics import FeatureExtractor, inception_extractors
from oasis.models import OASISGenerator
from oasis.scoring import MetricNetworks
from oasis.segmenters import UNetSegmenter
from oasis.streets import SyntheticStreets

GOAL = 0.10
NETWORKS = ("generator", "extractor")


def main(given: Sequence[str] | None = None) -> None:
    """Measure and print; the last line is `ratio evaluation SHARE`, of the time outside generator and extractor."""
    parser = arguments(__doc__)
    parser.add_argument("--images", type=int, default=500, help="label maps (default: %(default)s)")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--channels", type=int, default=64, help="generator's base width (default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1, help="processes that read (default: %(default)s)")
    parser.add_argument("--diversity-images", type=int, default=50)
    parser.add_argument("--segmenter", action="store_true", help="also have an untrained unet segmenter segmenter")
    options = parser.parse_args(given)

    model = untrained_painter(options)
    segmenter = UNetSegmenter(model.data.label_space) if options.segmenter else None
    metric_networks = MetricNetworks(random_inception(), segmenter)
    evaluation = Evaluation(metric_networks, torch.device(options.device), diversity_images=options.diversity_images)
    seconds = evaluation.run([model]).seconds
    real = seconds.pop("real photos")  # once for all evaluations of a dataset; the cache keeps it
    total = sum(seconds.values())
    outside = sum(value for part, value in seconds.items() if part not in NETWORKS) / total
    Console().print(_table(seconds, total, options))
    print(f"real photos, once and then cached: {real:.1f} s")
    print(f"goal: at most {GOAL:.0%} outside generator and extractor; {'met' if outside <= GOAL else 'missed'}")
    rows = [{"part": part, "seconds": value} for part, value in {**seconds, "real photos": real}.items()]
    report("evaluation", outside, rows, options)


def untrained_painter(options: argparse.Namespace) -> EvaluatedModel:
    """A generator on as many streets as are wanted."""
    labels = LabelSpace.cityscapes_ids()
    encoding = Semantic(labels)
    streets = SyntheticStreets(train=options.images, val=options.images, height=options.height, width=options.width)
    data = LabelMapDataModule(
        Streets(streets),
        encoding,
        labels,
        height=options.height,
        width=options.width,
        batch_size=options.batch_size,
        num_workers=options.workers,
    )
    data.prepare_data()
    torch.manual_seed(0)
    generator = OASISGenerator(encoding.channels, channels=options.channels, init_gain=1.0).eval()
    return EvaluatedModel("untrained", "made here", {}, generator, data, {})


def random_inception() -> list[FeatureExtractor]:
    """Both extractors over a network of random weights, by way of the project's own loading."""
    with patch.object(fidelity, "load_state_dict_from_url"), patch.object(torch.nn.Module, "load_state_dict"):
        network = fidelity.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "random.pth"
        torch.save(network.state_dict(), path)
        return partial(inception_extractors, sha256=None)(str(path))


def _table(seconds: dict[str, float], total: float, options: argparse.Namespace) -> Table:
    table = Table(
        title=f"{options.images} label maps of {options.height}x{options.width}, 3 draws each, on {options.device}"
    )
    for name in ("part", "seconds", "share"):
        table.add_column(name, justify="left" if name == "part" else "right")
    for part, value in sorted(seconds.items(), key=lambda item: -item[1]):
        table.add_row(part, f"{value:.1f}", f"{value / total:.1%}")
    return table


if __name__ == "__main__":
    main()
