"""The tables that `oasis data-check` prints."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from oasis.data.survey import Survey

_EXAMPLES = 5  # of each kind of fault; --json has all
_BARS, _BAR_WIDTH = 16, 40


def print_survey(console: Console, survey: Survey, slots: int | None) -> None:
    """Print all tables of a split.

    Args:
        console: the output.
        survey: the results.
        slots: K of `per_instance_masks`; None = another encoding is used.
    """
    console.print(files_table(survey))
    print_faults(console, survey)
    if survey.foreign_ids():
        console.print(_pairs("ids outside the label space", "id", survey.foreign_ids()))
    if survey.groups():
        console.print(_pairs("group regions: things without separate instances", "class", survey.groups()))
    if survey.instances:
        console.print(f"\ninstances an image, {survey.split}", markup=False)
        for line in histogram(survey.instances):
            console.print(line, markup=False)
        console.print(slots_advice(survey.most_instances, slots), markup=False)
    else:
        console.print("No instance maps: only encodings that need none can be trained, such as encoding=semantic.")
    console.print(classes_table(survey))
    if survey.links_out:
        console.print(f"{survey.links_out} files are links that lead out of the dataset's folder; they are followed.")
    if survey.passed_over:
        console.print(f"{survey.passed_over} files are hidden or no pictures; they are passed over.")


def files_table(survey: Survey) -> Table:
    """Files by city, and the sizes of the photos."""
    sizes = ", ".join(f"{count} of {size}" for size, count in survey.sizes.most_common(4))
    more = f" and {len(survey.sizes) - 4} other sizes" if len(survey.sizes) > 4 else ""
    table = Table(title=f"{survey.split}: {survey.samples} samples", caption=f"photos: {sizes}{more}")
    kinds = ("photos", "label maps", "instance maps")
    for heading in ("city", *kinds):
        table.add_column(heading, justify="left" if heading == "city" else "right")
    for city, counts in survey.files.items():
        table.add_row(escape(city), *(str(counts[kind]) for kind in kinds))
    table.add_section()
    table.add_row("all", *(str(sum(counts[kind] for counts in survey.files.values())) for kind in kinds))
    return table


def print_faults(console: Console, survey: Survey) -> None:
    """Print the number of faults and the first few messages of each kind."""
    for kind, reasons in survey.faults.items():
        if reasons:
            console.print(f"[bold red]{kind}[/]: {len(reasons)} in {survey.split}")
        for reason in reasons[:_EXAMPLES]:
            console.print(f"  {reason}", markup=False)
        if len(reasons) > _EXAMPLES:
            console.print(f"  ... and {len(reasons) - _EXAMPLES} more (all of them: --json FILE)", markup=False)


def histogram(values: Sequence[int]) -> list[str]:
    """A bar chart in text: the number of images by their number of instances.

    Args:
        values: 0 or above, at least one.

    Returns:
        One line per bar, from the lowest value to the largest.
    """
    width = math.ceil((max(values) - min(values) + 1) / _BARS)
    bins = Counter(value // width for value in values)
    tallest = max(bins.values())
    lines = []
    for number in range(min(bins), max(bins) + 1):
        first, last = number * width, (number + 1) * width - 1
        name = f"{first}" if width == 1 else f"{first}-{last}"
        bar = "█" * math.ceil(_BAR_WIDTH * bins[number] / tallest)
        lines.append(f"{name:>9} {bar} {bins[number]}")
    return lines


def slots_advice(needed: int, slots: int | None) -> str:
    """Advice on K of `per_instance_masks`."""
    if slots is None:
        return (
            f"The most is {needed}: encoding=per_instance_masks encoding.slots={needed} gives each a slot of its own."
        )
    if needed > slots:
        return (
            f"The most is {needed}, more than the {slots} slots of per_instance_masks: the smallest would share the "
            f"last one. Set encoding.slots={needed}."
        )
    return f"The most is {needed}: the {slots} slots of per_instance_masks (encoding.slots) give each one of its own."


def classes_table(survey: Survey) -> Table:
    """Share of the pixels and of the images of each class."""
    classes = survey.classes()
    pixels = max(sum(count for count, _ in classes.values()), 1)
    table = Table(title=f"classes, {survey.split}")
    for heading in ("class", "pixels", "images"):
        table.add_column(heading, justify="left" if heading == "class" else "right")
    for name, (count, images) in sorted(classes.items(), key=lambda item: -item[1][0]):
        if count:
            table.add_row(name, f"{100 * count / pixels:.3f} %", f"{images}")
    absent = [name for name, (count, _) in classes.items() if not count]
    if absent:
        table.caption = f"never: {', '.join(absent)}"
    return table


def _pairs(title: str, what: str, rows: Mapping[int, tuple[int, int]] | Mapping[str, tuple[int, int]]) -> Table:
    table = Table(title=title)
    for heading in (what, "pixels", "images"):
        table.add_column(heading, justify="left" if heading == what else "right")
    for name, (pixels, images) in rows.items():
        table.add_row(str(name), str(pixels), str(images))
    return table
