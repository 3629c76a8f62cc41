"""How fast does the generator generate, and how much memory does it take?

    python -m experiments.benchmarks.inference [--root DIR] [--encoding NAME] [--device cuda] [--json FILE]

The plain path against the fast one, dense and sparse, on the same label maps and noise: EMA-like weights in eval mode,
float32. Label maps are those of a dataset in the layout of Cityscapes (--root), or synthetic streets. Prints how much
of each scale differs, and how far the pictures are from those of the plain path.
"""

from argparse import Namespace
from collections.abc import Callable, Sequence

import torch
from hydra.utils import instantiate
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from experiments.benchmarks.measuring import arguments, interleaved, peak_memory, report
from oasis.batch import Batch
from oasis.cli.conf import load_config
from oasis.models import OASISGenerator
from oasis.models.patch_guide import PatchGuide
from oasis.models.pyramid import GuidePyramid

KINDS = {"reference": (False, None), "fast, dense": (True, False), "fast": (True, None), "fast, sparse": (True, True)}
GOALS = {"times": 2.5, "memory": 0.5, "difference": 1e-4}


def main(arguments_given: Sequence[str] | None = None) -> None:
    """Measure and print."""
    options = parsed(arguments_given)
    if options.threads:
        torch.set_num_threads(options.threads)
    batch = label_maps(options)
    generator = new_generator(options, batch.condition.shape[1]).to(options.device)
    noise = torch.randn(len(batch.label), generator.noise_dim, generator=torch.Generator().manual_seed(0)).to(
        options.device
    )
    rows = compare(generator, batch.condition, noise, options)
    Console().print(shares(batch.condition, noise), _table(rows))
    fast, reference = (next(row for row in rows if row["path"] == name) for name in ("fast", "reference"))
    ratio = float(reference["seconds"]) / float(fast["seconds"])
    memory = float(fast["peak_mib"]) / float(reference["peak_mib"])
    print(f"goal: at least {GOALS['times']} times as fast: {ratio:.2f}")
    print(f"goal: at most {GOALS['memory']} of the memory: {memory:.2f}")
    print(f"goal: no pixel further than {GOALS['difference']}: {fast['difference']:.1e}")
    report("inference", ratio, rows, options)


def compare(
    generator: OASISGenerator, condition: Tensor, noise: Tensor, options: Namespace
) -> list[dict[str, str | float]]:
    """Each path's median time, peak memory, and largest distance from the plain one's picture."""

    def model(fast: bool, sparse: bool | None) -> Callable[[], Tensor]:
        def picture() -> Tensor:
            generator.fast, generator.sparse = fast, sparse
            with torch.inference_mode():
                image: Tensor = generator(condition, noise)
            return image

        return picture

    models = {name: model(*settings) for name, settings in KINDS.items()}
    pictures = {name: picture() for name, picture in models.items()}
    seconds = interleaved(models, options.rounds, options.device)
    rows: list[dict[str, str | float]] = []
    for name, picture in models.items():
        peak = min(peak_memory(picture, options.device) for _ in range(3))
        difference = (pictures[name] - pictures["reference"]).abs().max().item()
        rows.append({"path": name, "seconds": seconds[name], "peak_mib": peak / 2**20, "difference": difference})
    return rows


def label_maps(options: Namespace) -> Batch:
    """The first maps of the validation split, on the device."""
    where = [f"data.root={options.root}"] if options.root else ["data.streets.train=1", "data.streets.val=8"]
    size = [f"data.height={options.height}", f"data.width={options.width}", "data.batch_size=1", "data.num_workers=0"]
    cfg = load_config([f"encoding={options.encoding}", *where, *size])
    data = instantiate(cfg.data, encoding=instantiate(cfg.encoding))
    data.prepare_data()
    found: Batch = data.first_samples("val", options.batch_size, torch.device(options.device))
    return found


def new_generator(options: Namespace, condition_channels: int) -> OASISGenerator:
    """A generator that looks trained: gain 1, and BatchNorm statistics that are not those it starts with."""
    torch.manual_seed(0)
    generator = OASISGenerator(condition_channels, channels=options.channels, init_gain=1.0).eval()
    for layer in generator.modules():
        if isinstance(layer, nn.BatchNorm2d):
            for name, buffer in layer.named_buffers():
                if name.startswith("running"):
                    nn.init.uniform_(buffer, 0.5, 2.0)
    return generator


def shares(condition: Tensor, noise: Tensor) -> Table:
    """How many of the 3x3 and 5x5 neighbourhoods differ at each scale."""
    table = Table("scale", "3x3 that differ %", "5x5 that differ %", title="What differs in the label maps")
    pyramid = GuidePyramid(condition, noise, sparse=True)
    height, width = condition.shape[-2:]
    for scale in (32, 16, 8, 4, 2, 1):
        guide = pyramid.at(height // scale, width // scale)
        pixels = len(condition) * (height // scale) * (width // scale)
        found = [guide.small, guide.large.table] if isinstance(guide, PatchGuide) else []
        shown = [f"{100 * len(rows) / pixels:.1f}" for rows in found] or ["dense", "dense"]
        table.add_row(f"{height // scale}x{width // scale}", *shown)
    return table


def parsed(arguments_given: Sequence[str] | None) -> Namespace:
    """The command line."""
    parser = arguments(__doc__, rounds=7)
    parser.add_argument("--root", help="of a dataset in the layout of Cityscapes; synthetic streets without")
    parser.add_argument("--encoding", default="semantic")
    parser.add_argument("--height", type=int, default=256)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--batch-size", type=int, default=1)
    parser.add_argument("--channels", type=int, default=64, help="base width of the generator")
    parser.add_argument("--threads", type=int, help="of torch; its own choice without")
    return parser.parse_args(arguments_given)


def _table(rows: Sequence[dict[str, str | float]]) -> Table:
    table = Table("path", "ms", "times reference", "peak MiB", "of reference", "largest difference")
    reference = rows[0]
    for row in rows:
        times = float(reference["seconds"]) / float(row["seconds"])
        memory = float(row["peak_mib"]) / float(reference["peak_mib"])
        values = f"{1000 * float(row['seconds']):.0f}", f"{times:.2f}", f"{row['peak_mib']:.0f}", f"{memory:.2f}"
        table.add_row(str(row["path"]), *values, f"{row['difference']:.1e}")
    return table


if __name__ == "__main__":
    main()
