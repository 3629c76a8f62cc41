"""The implementation of `oasis train` and `python train.py`: compose -> instantiate -> fit."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import hydra
import pytorch_lightning as pl
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from oasis import plugins, training
from oasis.checkpoint.resuming import find_to_resume, require_something_left
from oasis.checkpoint.starting import start_from
from oasis.cli.conf import conf_dir, read_label_space, setting_names
from oasis.errors import NothingToTrainError
from oasis.pretrained import weights_in_checkpoint
from oasis.randomness import require_seed


def train(cfg: DictConfig) -> dict[str, float | None]:
    """Compose -> instantiate -> fit; returns the scores of the last validation."""
    training.filter_warnings()
    if HydraConfig.get().mode == RunMode.RUN:
        training.require_sweep(_choices())
    read_label_space(cfg)
    training.keep_off(cfg.get("callbacks") or {}, _callbacks())
    if cfg.get("segmenter") is not None and "_target_" not in cfg.segmenter:
        cfg.segmenter = None  # segmenter=none beside an experiment that names weights
    config: dict[str, Any] = OmegaConf.to_container(cfg, resolve=True)  # type: ignore[assignment]
    plugins.trust(cfg.trust)
    training.require_own_presets(_choices())
    training.require_trusted_parts(config)
    require_seed(cfg.seed)
    if cfg.preregistration:
        instantiate(cfg.preregistration).stage_of(cfg.seed)  # which refuses a seed that is not of the plan
    folder = Path(cfg.paths.output_dir)
    with training.alone_in(folder):
        if not training.finished_before(folder, config, cfg.resume):
            try:
                _fit(cfg, config, folder)
            except NothingToTrainError as finished:
                training.discard(folder)
                if cfg.resume != "auto":
                    raise
                print(f"Skipped: {finished}")
    return training.final_metrics(folder)


def _fit(cfg: DictConfig, config: dict[str, Any], folder: Path) -> None:
    pl.seed_everything(cfg.seed, workers=True, verbose=False)
    job = folder.name if HydraConfig.get().mode == RunMode.MULTIRUN else None
    checkpoint = find_to_resume(cfg.resume, Path(cfg.paths.runs, cfg.name), config, job, folder)
    if checkpoint:
        require_something_left(checkpoint, config, folder)
    training.write_config(folder, config)
    with (
        training.advice(config, HydraConfig.get().overrides.task),
        training.explaining_arguments(_choices(), _models()),
    ):
        encoding = instantiate(cfg.encoding)
        data = instantiate(cfg.data, encoding=encoding)
        with weights_in_checkpoint() if checkpoint else nullcontext():
            model = instantiate(cfg.model, condition_channels=encoding.channels)
        model.check_size(data.height, data.width)
        if cfg.init_from and checkpoint is None:
            start_from(cfg.init_from, model)
        if cfg.summary:
            training.print_networks(model, data.height, data.width)
        callbacks, loggers = (
            [instantiate(part) for part in (cfg.get(group) or {}).values() if part is not None]
            for group in ("callbacks", "logger")
        )
        trainer = instantiate(cfg.trainer, callbacks=[*callbacks, training.ConfigInCheckpoint(config)], logger=loggers)
        trainer.fit(model, data, ckpt_path=checkpoint, weights_only=True)
    training.list_files(folder)


def _choices() -> dict[str, str | None]:
    return dict(HydraConfig.get().runtime.choices)


def _models() -> list[str]:
    return [path.stem for path in (conf_dir() / "model").glob("*.yaml")]


def _callbacks() -> list[str]:
    return [str(name) for name in OmegaConf.load(conf_dir() / "callbacks" / "default.yaml")]


def run_job(cfg: DictConfig) -> dict[str, float | None]:
    """One run, or one job of a sweep; launchers import it by its name."""
    cfg.paths.output_dir = HydraConfig.get().runtime.output_dir  # absolute, and the job's own in a sweep
    one_of_many = HydraConfig.get().mode == RunMode.MULTIRUN
    with training.telling_errors(cfg.paths.output_dir) if one_of_many else nullcontext():
        return train(cfg)


def main() -> None:
    """Run the command line; errors that the user can fix are printed without a traceback."""
    training.report_errors(
        lambda: hydra.main(str(conf_dir()), "train", version_base="1.3")(run_job)(), lambda: setting_names(sys.argv[1:])
    )
