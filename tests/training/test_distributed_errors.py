"""Errors of a process when another one of the same run dies."""

import time
from pathlib import Path

import pytest
import torch

from oasis.errors import DatasetError, LostProcessError
from oasis.training.distributed_errors import partner_advice

ROOT = Path(__file__).parents[2]
RESET = (
    "[/pytorch/third_party/gloo/gloo/transport/tcp/pair.cc:545] Read error [127.0.0.1]:33411: Connection reset by "
    "peer. This is typically caused by a remote worker hanging"
)
ORPHAN = """
import os, sys, time
from oasis.training import distributed_errors
distributed_errors._LOOK = distributed_errors._GRACE = 0.05
distributed_errors.lead()
if os.fork():
    time.sleep(0.5)
    os._exit(0)
os.environ["LOCAL_RANK"] = sys.argv[1]
distributed_errors.follow()
time.sleep(2)
print("still here", flush=True)
"""


@pytest.mark.parametrize("error", [RuntimeError(RESET), torch.distributed.DistBackendError("NCCL: aborted")])
def test_a_lost_process_is_told(error):
    words = r"Another process of this run is gone \(.*resume=last"
    with pytest.raises(LostProcessError, match=words) as told, partner_advice():
        raise error
    assert told.value.__cause__ is error
    assert "typically" not in str(told.value)
    assert "pair.cc" not in str(told.value)


@pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), DatasetError("gloo.png: torn"), ValueError("gloo")])
def test_other_errors_are_left_alone(error):
    with pytest.raises(type(error)) as told, partner_advice():
        raise error
    assert told.value is error


@pytest.mark.parametrize(("rank", "stays"), [("1", False), ("0", True)], ids=["started by another", "by the user"])
def test_a_process_follows_the_one_that_started_it(python, rank, stays):
    """The launcher is killed before the rendezvous, which nothing else would notice."""
    started = python.start("-c", ORPHAN, rank)
    started.end()
    end = time.monotonic() + 60
    while not (started.stdout or started.stderr) and time.monotonic() < end:
        time.sleep(0.05)
    assert ("still here" in started.stdout) == stays
    assert ("error: the process that started this one is gone" in started.stderr) != stays
