"""The classes of a segmenter among those of the data."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from oasis.data.panoptic.class_names import MERGED
from oasis.errors import ConfigurationError
from oasis.labels import LabelSpace
from oasis.metrics import ScoredClasses
from oasis.segmenters import Segmenter


@dataclass(frozen=True)
class ClassMatching:
    """What a segmenter's predictions and the data's label maps are scored by.

    Attributes:
        classes: those that both know.
        from_data: (C,) int64, the scored index of each class of the data.
        from_prediction: (C',) int64, the scored index of each class of the segmenter.
        unknown: scored classes of the data that the segmenter does not know.
        unused: classes of the segmenter that are none of the data.
    """

    classes: ScoredClasses
    from_data: Tensor
    from_prediction: Tensor
    unknown: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()

    @property
    def note(self) -> str | None:
        """What a reader of the scores should know; None if both have the same classes."""
        if not self.unknown and not self.unused:
            return None
        total = len(self.classes.names) + len(self.unknown)
        left_out = f": {', '.join(self.unknown)} are left out of its scores, their pixels are void" * bool(self.unknown)
        wrong = f" Those that the data lacks count as wrong: {', '.join(self.unused)}." * bool(self.unused)
        return f"The segmenter knows {len(self.classes.names)} of the {total} scored classes{left_out}.{wrong}"


def match_classes(label_space: LabelSpace, segmenter: Segmenter) -> ClassMatching:
    """Find the classes of a segmenter among the data's.

    A segmenter of the project must have the same classes. One that `matches_by_name` may have others: names are equal
    but for case, hyphens and underscores; each of several synonyms with commas between them counts; and the classes of
    COCO panoptic stand for the first of those they were merged from. Scored classes that it does not know are left out
    of all its scores; a prediction of a class that the data does not have is wrong wherever it stands.

    Args:
        label_space: of the data.
        segmenter: the segmenter.

    Raises:
        ConfigurationError: other classes; or by name, fewer than half of them.
    """
    if not segmenter.matches_by_name:
        classes = ScoredClasses(label_space)
        return ClassMatching(classes, classes.lookup(label_space), classes.lookup(segmenter.label_space))
    every = ScoredClasses(label_space).names
    theirs = segmenter.label_space
    partners = _partners(every, {c: theirs.names[c] for c in sorted(theirs.evaluated)})
    known = frozenset(partners.values())
    unknown = tuple(name for name in every if name not in known)
    if 2 * len(known) < len(every):
        raise ConfigurationError(
            f"the segmenter knows {len(known)} of the {len(every)} scored classes of the data, fewer than half. Not "
            f"known: {', '.join(unknown)}. Choose one that was trained on such pictures"
        )
    evaluated = frozenset(c for c in label_space.evaluated if label_space.names[c] in known)
    classes = ScoredClasses(replace(label_space, evaluated=evaluated))
    table = torch.full((theirs.num_classes,), classes.void)
    for index, name in partners.items():
        table[index] = classes.names.index(name)
    unused = tuple(theirs.names[c] for c in sorted(theirs.evaluated) if c not in partners)
    from_data = classes.lookup(replace(label_space, evaluated=evaluated))
    return ClassMatching(classes, from_data, table, unknown, unused)


def _partners(ours: tuple[str, ...], theirs: Mapping[int, str]) -> dict[int, str]:
    """Index of each of their classes -> its name here, for those that exist here."""
    here = {form: name for name in reversed(ours) for form in _forms(name)}
    here |= {_plain(name): name for name in ours}  # a whole name goes before another's synonym
    merged = {_plain(whole): _plain(parts[0]) for whole, parts in MERGED.items()}
    others = {**merged, **{part: whole for whole, part in merged.items()}}
    found: dict[int, str] = {}
    for index, name in theirs.items():
        forms = _forms(name)
        candidates = [*forms, *(others[form] for form in forms if form in others)]
        partner = next((here[form] for form in candidates if form in here), None)
        if partner is not None:
            found[index] = partner
    return found


def _forms(name: str) -> list[str]:
    """`Car, auto_mobile` to `car` and `auto mobile`, after the whole."""
    return list(dict.fromkeys(_plain(each) for each in (name, *name.split(","))))


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", name).strip().lower()
