"""Run folders with made-up numbers."""

import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

CONFIG = {
    "name": "study",
    "seed": 0,
    "data": {"root": None, "streets": {"train": 40, "seed": 0}, "height": 64, "width": 128, "batch_size": 4},
    "encoding": {"_target_": "oasis.encodings.Semantic"},
    "generator": {"channels": 16},
    "discriminator": {"_target_": "oasis.models.OASISDiscriminator"},
    "model": {"label_mix_weight": 5.0},
    "trainer": {"max_epochs": 2, "max_steps": -1, "limit_train_batches": None},
}
REAL = {"segmenter/pq": 0.8, "segmenter/frechet": 0.1}
UNTRAINED = {"segmenter/pq": 0.01, "segmenter/frechet": 9.0}


class RunFolders:
    """Writes folders as a training leaves them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def config(self, folder: Path, changes: dict) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        config = OmegaConf.merge(CONFIG, changes)
        (folder / "config.yaml").write_text(OmegaConf.to_yaml(config))

    def summarized(self, name, encoding="semantic", seed=0, pq=0.3, *, config=None, **changes) -> Path:
        folder = self.root / name
        self.config(folder, config or {})
        content = {
            "version": 1,
            "name": "study",
            "encoding": encoding,
            "discriminator": "oasis",
            "dataset": {"class": "LabelMapDataModule", "height": 64, "width": 128},
            "seed": seed,
            "batches": 20,
            "images": 80,
            "batch_size": 4,
            "max": {"epochs": 2},
            "finished": True,
            "metrics": {"segmenter/pq": pq, "segmenter/frechet": 2.0, "val/generator_adversarial": 3.0},
            "real_photos": REAL,
            "untrained": UNTRAINED,
            "parameters": {"generator": 3_000_000, "discriminator": 2_000_000},
            "images_per_second": 7.5,
            "peak_memory_mib": 900.0,
            "seconds": 120.0,
            "device": "cpu",
            "commit": "abcdef",
            "fingerprint": "f" * 64,
        }
        (folder / "summary.json").write_text(json.dumps(content | changes))
        return folder

    def plain(self, name, rows, *, config=None) -> Path:
        """Without a summary: configuration and metrics alone; rows are dictionaries."""
        folder = self.root / name
        self.config(folder, config or {})
        names = sorted({key for row in rows for key in row})
        lines = [",".join(names), *(",".join(str(row.get(key, "")) for key in names) for row in rows)]
        (folder / "metrics.csv").write_text("\n".join(lines) + "\n")
        return folder


@pytest.fixture
def folders(tmp_path) -> RunFolders:
    return RunFolders(tmp_path / "runs")
