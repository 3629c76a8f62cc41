"""Helpful out-of-memory errors."""

import errno
import os

import pytest
import torch

from oasis.errors import CheckpointError, LowMemoryError
from oasis.training.memory import memory_advice

SETTINGS = {
    "data": {"batch_size": 20, "height": 256, "width": 512},
    "model": {"recompute": False},
    "trainer": {"precision": "32-true"},
    "generator": {"channels": 64},
}


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        MemoryError(),
        OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_all_kinds_are_told_in_one_way(error):
    words = (r"batch_size \(now 20\).*model\.recompute=true.*trainer=mixed.*channels \(now 64\).*"
             r"height and data\.width \(now 256 and 512\)")  # fmt: skip
    with pytest.raises(LowMemoryError, match=words) as raised, memory_advice(SETTINGS):
        raise error
    assert raised.value.__cause__ is error


def test_a_true_one():
    """Independent of torch's messages."""
    with pytest.raises(LowMemoryError, match="Memory ran out"), memory_advice(SETTINGS):
        torch.empty(2**60, dtype=torch.uint8)


def test_what_is_done_already_is_not_advised():
    settings = {**SETTINGS, "model": {"recompute": True}, "trainer": {"precision": "bf16-mixed"}}
    with pytest.raises(LowMemoryError) as raised, memory_advice(settings):
        raise MemoryError
    assert "recompute" not in str(raised.value)
    assert "trainer=mixed" not in str(raised.value)


def test_what_many_segments_cost(composed):
    """The settings as they are composed, so that a renamed key is noticed."""
    chosen = {name: composed(f"generator={name}") for name in ("segment_tokens", "oasis")}
    chosen["aware"] = composed("generator/panoptic=aware")
    told = {}
    for name, settings in chosen.items():
        with pytest.raises(LowMemoryError) as raised, memory_advice(settings):
            raise MemoryError
        told[name] = str(raised.value)
    assert "generator.token_heads (now 4)" in told["segment_tokens"]
    assert "generator/panoptic=plain" in told["aware"]
    assert not any(each in told["oasis"] for each in ("token_heads", "panoptic"))


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), OSError(errno.ENOSPC, "full"), CheckpointError("x")])
def test_other_errors_pass(error):
    with pytest.raises(type(error)) as raised, memory_advice(SETTINGS):
        raise error
    assert raised.value is error


def test_a_run_says_so(fit, monkeypatch):
    def starved(self, batch, batch_idx):
        return torch.empty(2**60, dtype=torch.uint8)

    monkeypatch.setattr("oasis.training.GANModule.training_step", starved)
    with pytest.raises(LowMemoryError, match=r"data\.batch_size \(now 2\).*generator\.channels \(now 2\)"):
        fit("run", "trainer.max_epochs=1")
