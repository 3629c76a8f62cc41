"""What a training has written to metrics.csv, for the tests."""

import csv


def csv_rows(run):
    """All rows, as text."""
    with (run / "metrics.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def csv_column(run, name):
    """The numbers in a column, without its empty cells."""
    return [float(row[name]) for row in csv_rows(run) if row.get(name)]


def training_losses(run):
    """Step and loss terms of every training batch."""
    batches = [row for row in csv_rows(run) if row["discriminator/real"]]
    names = ["step", *(name for name in batches[0] if name.startswith(("generator/", "discriminator/")))]
    return [{name: float(row[name]) for name in names} for row in batches]
