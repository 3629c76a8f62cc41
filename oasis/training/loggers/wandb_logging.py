"""The logger for Weights & Biases, online or offline."""

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pytorch_lightning.loggers.logger import Logger
from pytorch_lightning.utilities import rank_zero_only

from oasis.errors import ConfigurationError
from oasis.metrics import higher_is_better
from oasis.run_names import BEST, LAST
from oasis.training.loggers.pictures import Pictures
from oasis.training.loggers.wandb_access import obstacle, require_room, wanted_mode
from oasis.training.loggers.wandb_pictures import as_wandb
from oasis.training.runs.provenance import commit

STEP = "batches_seen"
_ANSWER_SECONDS = 5.0
_BEGIN_SECONDS = 30.0


class WandbLogger(Logger):
    """Logs to one W&B run: online if possible, else to files for `wandb sync`.

    Never prompts, and waits a bounded time. The run begins with `begin`, usually called by `WandbRun`, or with the
    first logged value. Lightning's own `WandbLogger` prompts for a login, counts optimizer steps, and uses one run for
    all jobs of a sweep.

    Args:
        folder: the run folder; W&B's files are in its subfolder `wandb`.
        project: the W&B project.
        name: of the run.
        group: of the runs that belong together, such as a sweep.
        job_type: the difference between runs of one group, other than the seed.
        tags: of the run; the git commit is added.
        entity: the team or user; None = that of the login.
        offline: do not try to go online. `WANDB_MODE` is respected too.
        checkpoints: upload `last.ckpt` and `best.ckpt` as artifacts when training ends.
        upload_seconds: the longest time to wait for uploads at the end.
    """

    def __init__(
        self,
        folder: str,
        project: str = "panoptic-oasis",
        name: str | None = None,
        group: str | None = None,
        job_type: str | None = None,
        tags: Sequence[str] = (),
        entity: str | None = None,
        offline: bool = False,
        checkpoints: bool = False,
        upload_seconds: float = 300.0,
    ) -> None:
        super().__init__()
        self.folder = Path(folder).absolute()
        self.project = project
        self.run_name = name
        self.group = group
        self.job_type = job_type
        self.tags = list(tags)
        self.entity = entity
        self.offline = offline
        self.checkpoints = checkpoints
        self.upload_seconds = upload_seconds
        self.run_id: str | None = None
        self._run: Any = None
        self._disabled = False
        self._known: set[str] = set()
        self._photos_shown = False

    @property
    def name(self) -> str:
        """The project."""
        return self.project

    @property
    def version(self) -> str | None:
        """The id of the run; None before it begins."""
        return self.run_id

    @property
    def save_dir(self) -> str:
        """The run folder."""
        return str(self.folder)

    @rank_zero_only
    def begin(self, config: Mapping[str, Any] | None = None, run_id: str | None = None) -> None:
        """Begin or resume the run.

        Args:
            config: all settings, plain containers.
            run_id: of the run to resume; None = a new one. `WANDB_RUN_ID` takes precedence.

        Raises:
            ConfigurationError: the run folder cannot be written; or `WANDB_MODE=online`, but W&B cannot be reached.
        """
        # W&B reports its own errors to a third party, even offline, unless disabled before the import.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb

        self.run_id = os.environ.get("WANDB_RUN_ID") or run_id or self.run_id or secrets.token_hex(4)
        settings = wandb.setup().settings
        mode = wanted_mode(self.offline, settings.mode)
        self._disabled = mode == "disabled"
        if self._disabled:
            return
        require_room(self.folder / "wandb")
        why = None if mode == "offline" else obstacle(settings.base_url, _ANSWER_SECONDS)
        if why is None and mode != "offline":
            try:
                self._run = self._begin("online", config)
            except (wandb.Error, TimeoutError) as error:
                why = str(error).splitlines()[0]
                wandb.teardown()  # releases the run that failed to begin
        if self._run is None and mode == "online":
            raise ConfigurationError(f"WANDB_MODE=online: {why}. Without WANDB_MODE the run goes offline by itself.")
        if self._run is None:
            self._run = self._begin("offline", config)
            print(f"W&B: offline{f' ({why})' if why else ''}. To send this run: wandb sync {self.run_folder}")
        self._run.define_metric(STEP, hidden=True)

    def _begin(self, mode: str, config: Mapping[str, Any] | None) -> Any:
        import wandb

        settings = wandb.Settings(
            init_timeout=_BEGIN_SECONDS, finish_timeout=self.upload_seconds, silent=mode == "offline"
        )
        code = commit()
        return wandb.init(
            mode=mode,  # type: ignore[arg-type, unused-ignore]
            dir=str(self.folder),
            id=self.run_id,
            resume="allow",
            project=self.project,
            entity=self.entity,
            name=self.run_name,
            group=self.group,
            job_type=self.job_type,
            tags=[*self.tags, *([_short(code)] if code else [])],
            config=None if config is None else dict(config),
            settings=settings,
        )

    @property
    def run(self) -> Any:
        """W&B's own object; begins the run if necessary. None if `WANDB_MODE` disables W&B."""
        if self._run is None and not self._disabled:
            self.begin()
        return self._run

    @property
    def run_folder(self) -> Path:
        """The folder of W&B's files of this run, or of this part of a resumed one."""
        return Path(self.run.dir).parent

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Add settings to the configuration."""
        if self.run is not None:
            self.run.config.update(dict(params), allow_val_change=True)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Log numbers; one row per batch.

        Args:
            metrics: by name.
            step: batches seen.
        """
        if self.run is None:
            return
        for name in sorted(metrics.keys() - self._known):
            self.run.define_metric(name, step_metric=STEP, summary=_summary(name))
        self._known |= metrics.keys()
        self._log(dict(metrics), step)

    @rank_zero_only
    def log_pictures(self, pictures: Pictures, step: int) -> None:
        """Log the grid, and each sample with classes and instances as masks; photos once."""
        if self.run is None:
            return
        logged = as_wandb(pictures, photos=not self._photos_shown)
        self._photos_shown = True
        self._log(logged, step)

    def _log(self, row: dict[str, Any], step: int | None) -> None:
        if step is None:
            self.run.log(row)
        elif step >= self.run.starting_step:  # W&B has the earlier rows of a resumed run
            self.run.log({**row, STEP: step}, step=step)

    @rank_zero_only
    def log_checkpoints(self, folder: Path) -> None:
        """Upload `last.ckpt` and `best.ckpt` of a folder as versions of one artifact.

        Args:
            folder: of checkpoints; may have none.
        """
        import wandb

        for alias, file in (("last", LAST), ("best", BEST)):
            if self.run is not None and (folder / file).is_file():
                artifact = wandb.Artifact(f"checkpoint-{self.run_id}", type="model", metadata={"file": file})
                artifact.add_file(str(folder / file), name=file)
                self.run.log_artifact(artifact, aliases=[alias])

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """End the run, so that this process can begin another one."""
        if self._run is not None:
            self._run.finish(exit_code=0 if status == "success" else 1)
            self._run, self._known = None, set()


def _summary(name: str) -> str | None:
    """W&B's summary of a curve: the last value and, if one direction is better, the best; None = only the last."""
    higher = False if name.startswith("val/") else higher_is_better(name)  # losses
    return None if higher is None else f"{'max' if higher else 'min'},last"


def _short(code: str) -> str:
    """`0123456789ab+changes`: W&B allows 64 characters."""
    digits, plus, changes = code.partition("+")
    return digits[:12] + plus + changes
