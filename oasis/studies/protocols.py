"""How the numbers of a group of runs were measured."""

from oasis.metrics.names import describe
from oasis.scoring.protocols import protocol_lines
from oasis.studies.study import RunGroup


def protocols_of(group: RunGroup) -> dict[str, list[str]]:
    """Metric -> its protocols in the runs of a group: one, unless its values cannot be compared; none if unknown."""
    return {
        name: list(dict.fromkeys(run.protocols[name] for run in group.runs if name in run.protocols))
        for name in group.metrics
    }


def told_protocols(group: RunGroup) -> list[str]:
    """The same for people: lines of `protocol_lines`, and a warning for each metric of several protocols."""
    known = protocols_of(group)
    lines = protocol_lines({name: found[0] for name, found in known.items() if len(found) == 1})
    mixed = [
        f"{describe(name).title} was measured in {len(found)} ways, so that runs cannot be compared by it: "
        f"{'; or: '.join(found)}."
        for name, found in known.items()
        if len(found) > 1
    ]
    return [*mixed, *lines]
