"""`python train.py -m hparams_search=optuna`: a Hydra sweeper whose next jobs depend on what came out of those before.

Hydra loads what lies in a folder of this name; hydra-optuna-sweeper, as released, wants an Optuna from 2022.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf

if TYPE_CHECKING:
    from oasis.training.search import Search, Trial


class SearchSweeper(Sweeper):
    """Runs a `Search`, each trial a job of whatever launcher Hydra was told to use.

    Args:
        search: the arguments of `oasis.training.search.Search`.
    """

    def __init__(self, **search: Any) -> None:
        self.arguments = search
        self.launcher: Launcher | None = None
        self.errors: list[Exception] = []

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Hydra says what to run, and how."""
        from hydra.core.plugins import Plugins

        self.hydra_context = hydra_context
        self.config = config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> "list[Trial]":
        """Search.

        Args:
            arguments: the settings that all trials share.

        Raises:
            ConfigurationError: more than one value for one of them; see `Search`; the metric is not measured.
        """
        from oasis.training.search import Search  # Hydra loads this file at every start; torch is slow to load

        assert self.config is not None
        self._require_single(arguments)
        search = Search(**OmegaConf.to_container(OmegaConf.create(self.arguments), resolve=True))  # type: ignore[arg-type]
        self.errors = []
        trials = search.run(lambda proposed: self._launch(search, proposed, arguments))
        path = search.write(Path(self.config.hydra.sweep.dir), trials)
        best = search.best(trials)
        if best is not None:
            settings = " ".join(f"{name}={value}" for name, value in best.settings.items())
            print(
                f"\nBest {search.objective} of {len(trials)} trials: {best.value:.6g}, with {settings}\nAll in {path}"
            )
        if self.errors:
            raise self.errors[0]
        return trials

    def _launch(self, search: "Search", trials: "Sequence[Trial]", shared: Sequence[str]) -> list[float | None]:
        """Run some trials; the objective of each, None where it failed."""
        assert self.launcher is not None
        jobs = [[*shared, *trial.overrides, f"hydra.sweep.subdir={trial.folder}"] for trial in trials]
        self.validate_batch_is_legal(jobs)
        returned = self.launcher.launch(jobs, initial_job_idx=trials[0].number)
        return [self._objective(search.objective, one) for one in returned]

    def _objective(self, name: str, job: JobReturn) -> float | None:
        from oasis.errors import ConfigurationError

        if job.status != JobStatus.COMPLETED:
            try:
                _ = job.return_value
            except Exception as error:  # told where it happened; the search goes on
                self.errors.append(error)
            return None
        metrics: dict[str, float | None] = job.return_value or {}
        if name not in metrics:
            raise ConfigurationError(
                f"hydra.sweeper.objective={name}: the first trial measured no such metric, only "
                f"{', '.join(sorted(metrics)) or 'none'}. Scores that begin with segmenter/ need segmenter=unet."
            )
        return metrics[name]

    def _require_single(self, arguments: Sequence[str]) -> None:
        from oasis.errors import ConfigurationError

        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        for override in parser.parse_overrides(list(arguments)):
            if override.is_sweep_override():
                raise ConfigurationError(
                    f"{override.input_line}: a search takes one value of each setting; put it into "
                    "hydra.sweeper.space as choices, or start a search for each value."
                )
