"""Made-up runs of two arms of the preregistered experiment."""

from made_up_runs import make_run

from experiments.panoptic_networks import plan
from oasis.studies.stages import PLAN, STAGE

AWARE, SEMANTIC = "panoptic_networks/panoptic_aware", plan.BASELINE


def planned_run(arm, seed, found, stage="confirmation", frechet=0.3, **settings):
    """A finished run; its encoding is called like the arm."""
    common = {"data.height": 64, "data.width": 128, "data.batch_size": 1, "batches": 1800}
    return make_run(
        {AWARE: "aware", SEMANTIC: "semantic"}.get(arm, arm),
        seed,
        origin=f"{arm}/seed_{seed}",
        settings={**common, PLAN: plan.NAME, STAGE: stage, **settings},
        metrics={plan.PRIMARY: found, "segmenter/frechet": frechet},
        real_photos={plan.PRIMARY: 0.4, "segmenter/frechet": 0.02},
        facts={"arm": arm},
    )


def two_arms(semantic, aware, first=0, **changes):
    runs = [planned_run(SEMANTIC, seed, value, **changes) for seed, value in enumerate(semantic, first)]
    return [*runs, *(planned_run(AWARE, seed, value, **changes) for seed, value in enumerate(aware, first))]
