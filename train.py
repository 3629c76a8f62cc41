"""Train a model: `python train.py data.root=DIR encoding=NAME`. Everything that can be set stands in conf/."""

import os
import sys
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pytorch_lightning.utilities.exceptions import MisconfigurationException  # type: ignore[attr-defined]

from oasis.checkpoint import find_to_resume
from oasis.errors import OasisError, message
from oasis.training import ConfigInCheckpoint, list_files, print_networks, quiet


def train(cfg: DictConfig) -> None:
    """Compose -> instantiate -> fit."""
    quiet()
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    config: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    checkpoint = find_to_resume(cfg.resume, Path(cfg.paths.runs, cfg.name), config)
    output_dir = Path(cfg.paths.output_dir)
    OmegaConf.save(OmegaConf.create(config), output_dir / "config.yaml")
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
    list_files(output_dir)


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(cfg: DictConfig) -> None:
    """One run, or one job of a sweep."""
    cfg.paths.output_dir = HydraConfig.get().runtime.output_dir  # absolute, and the job's own in a sweep
    train(cfg)


if __name__ == "__main__":
    debugging = os.environ.setdefault("HYDRA_FULL_ERROR", "0") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra hands errors on; they are printed here, all in one way
    try:
        main()
    except (OasisError, HydraException, OmegaConfBaseException, MisconfigurationException, OSError) as error:
        if debugging:
            raise
        sys.exit(f"error: {message(error)}")
