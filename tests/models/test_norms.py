"""Batch norms over processes, against one process with the whole batch."""

import sys

import pytest
import torch
import torch.distributed as dist
from torch import nn

from oasis.models.norms import SyncBatchNorm, build_norm

SHAPE = (4, 3, 5, 6)
MOMENTA = (0.1, None)


def whole() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(SHAPE, generator=generator) * 3 + 100  # far from 0: a difference of squares would be lost
    image[2:] += 5  # the two halves have other moments
    return image


def passes(norm: nn.Module, x: torch.Tensor, weight: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """Two batches forward and backward, then one in eval mode."""
    x = x.clone().requires_grad_()
    out = norm(x)
    (out * weight).sum().backward()
    norm(x.detach() * 2)
    return out.detach(), x.grad, *(buffer.double() for buffer in norm.buffers()), norm.eval()(x.detach()).detach()


def run_rank(rank: int, folder: str) -> None:
    """One of two processes, with one half of the batch: all results in a file."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    half = slice(2 * rank, 2 * rank + 2)
    weight = torch.linspace(-1, 1, whole().numel()).view(SHAPE)
    found = {str(m): passes(SyncBatchNorm(3, affine=False, momentum=m), whole()[half], weight[half]) for m in MOMENTA}
    torch.save(found, f"{folder}/{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def of_two_processes(run_two_ranks):
    folder = run_two_ranks(__file__)
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.parametrize("momentum", MOMENTA)
def test_two_processes_normalise_as_one(of_two_processes, momentum):
    weight = torch.linspace(-1, 1, whole().numel()).view(SHAPE)
    expected = passes(nn.BatchNorm2d(SHAPE[1], affine=False, momentum=momentum), whole(), weight)
    for position, one in enumerate(expected):
        parts = [rank[str(momentum)][position] for rank in of_two_processes]
        if one.dim() == 4:
            torch.testing.assert_close(torch.cat(parts), one, rtol=1e-4, atol=2e-5)
        else:
            for part in parts:
                torch.testing.assert_close(part, one, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [True, False])
def test_one_process_has_torch_s_own_to_the_bit(training):
    ours, theirs = build_norm("sync_batch", SHAPE[1]).train(training), build_norm("batch", SHAPE[1]).train(training)
    weight = torch.linspace(-1, 1, whole().numel()).view(SHAPE)
    for found, expected in zip(passes(ours, whole(), weight), passes(theirs, whole(), weight), strict=True):
        assert torch.equal(found, expected)
    assert ours.state_dict().keys() == theirs.state_dict().keys()


if __name__ == "__main__":
    run_rank(int(sys.argv[1]), sys.argv[2])
