"""Train a model: `python train.py data.root=DIR encoding=NAME`. Everything that can be set stands in conf/."""

from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from oasis.checkpoint import find_to_resume
from oasis.training import (
    ConfigInCheckpoint,
    list_files,
    memory_advice,
    print_networks,
    quiet,
    report_errors,
    telling_how_to_go_on,
)


def train(cfg: DictConfig) -> None:
    """Compose -> instantiate -> fit."""
    quiet()
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    config: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    checkpoint = find_to_resume(cfg.resume, Path(cfg.paths.runs, cfg.name), config)
    OmegaConf.save(OmegaConf.create(config), Path(cfg.paths.output_dir, "config.yaml"))
    with telling_how_to_go_on(HydraConfig.get().overrides.task), memory_advice(config):
        encoding = instantiate(cfg.encoding)
        data = instantiate(cfg.data, encoding=encoding)
        model = instantiate(cfg.model, condition_channels=encoding.channels)
        model.check_size(data.height, data.width)
        if cfg.summary:
            print_networks(model, data.height, data.width)
        callbacks, loggers = (
            [instantiate(part) for part in (cfg.get(group) or {}).values() if part is not None]
            for group in ("callbacks", "logger")
        )
        trainer = instantiate(cfg.trainer, callbacks=[*callbacks, ConfigInCheckpoint(config)], logger=loggers)
        trainer.fit(model, data, ckpt_path=checkpoint, weights_only=True)
    list_files(Path(cfg.paths.output_dir))


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> None:
    """One run, or one job of a sweep."""
    cfg.paths.output_dir = HydraConfig.get().runtime.output_dir  # absolute, and the job's own in a sweep
    train(cfg)


if __name__ == "__main__":
    report_errors(main)
