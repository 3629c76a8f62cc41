"""What was written down before the runs of an experiment."""

from collections.abc import Mapping, Sequence

from oasis.errors import ConfigurationError

_LONGEST = 12  # seeds that a message lists


class Preregistration:
    """The plan that a run belongs to.

    The stage of a run follows from its seed, so that nobody can choose it after seeing the scores.

    Args:
        name: of the plan.
        arm: of the run.
        stages: stage -> the seeds of its runs. A stage without seeds has no runs yet.

    Raises:
        ConfigurationError: a seed of two stages.
    """

    def __init__(self, name: str, arm: str, stages: Mapping[str, Sequence[int]]) -> None:
        self.name = name
        self.arm = arm
        self.stages = stages
        owners: dict[int, str] = {}
        for stage, seeds in stages.items():
            for seed in seeds:
                if owners.setdefault(seed, stage) != stage:
                    raise ConfigurationError(
                        f"preregistration.stages: seed {seed} of the plan {name} is of {owners[seed]} and of {stage}. "
                        "What is confirmed must not have been seen before: give each stage seeds of its own."
                    )

    def stage_of(self, seed: int) -> str:
        """The stage of the run with this seed.

        Raises:
            ConfigurationError: the plan has no such seed.
        """
        for stage, seeds in self.stages.items():
            if seed in seeds:
                return stage
        known = "; ".join(f"{stage}: {_listed(seeds)}" for stage, seeds in self.stages.items())
        raise ConfigurationError(
            f"seed={seed}: the plan {self.name} has no such seed ({known}). Take one of these, write the seed into "
            "preregistration.stages before its first run, or train outside of the plan with preregistration=null."
        )

    def record(self, seed: int) -> dict[str, str]:
        """`name`, `arm` and `stage` of the run with this seed, as its summary tells them.

        Raises:
            ConfigurationError: see `stage_of`.
        """
        return {"name": self.name, "arm": self.arm, "stage": self.stage_of(seed)}


def _listed(seeds: Sequence[int]) -> str:
    shown = ", ".join(map(str, seeds[:_LONGEST]))
    return (shown + (", ..." if len(seeds) > _LONGEST else "")) or "none yet"
