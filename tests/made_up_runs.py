"""Runs with made-up numbers, for the tests of reports."""

from oasis.studies import Run


def make_run(encoding="semantic", seed=0, pq=0.3, *, discriminator="oasis", origin=None, choices=None, **changes):
    """A finished run with one metric."""
    facts = {
        "origin": origin or f"{encoding}/{discriminator}/seed_{seed}",
        "choices": {"encoding": encoding, "discriminator": discriminator, **(choices or {})},
        "seed": seed,
        "batches": 20,
        "finished": True,
        "metrics": {"segmenter/pq": pq},
        "settings": {"data.height": 64, "data.width": 128, "data.batch_size": 4, "batches": 20},
    }
    return Run(**facts | changes)
