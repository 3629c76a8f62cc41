"""Training gives the golden losses."""

import json

import pytest
from loss_fingerprint import GOLDEN, losses


def test_losses_of_three_steps():
    expected, found = json.loads(GOLDEN.read_text()), losses()
    assert len(found) == len(expected) == 3
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3)
