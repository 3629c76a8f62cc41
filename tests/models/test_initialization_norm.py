"""The spectral norm against torch's own, and in float32 whatever the precision of the rest."""

import pytest
import torch
from torch.nn.utils import parametrizations
from torch.overrides import TorchFunctionMode

from oasis.models.initialization import SpectralNorm, convolution, initialize


def pair():
    layers = []
    for ours in (True, False):
        torch.manual_seed(0)
        if ours:
            layers.append(convolution(3, 8, spectral_norm=True))
        else:
            layer = torch.nn.Conv2d(3, 8, 3, padding=1)
            initialize(layer)
            layers.append(parametrizations.spectral_norm(layer))
    return layers


def test_bit_for_bit_that_of_torch():
    ours, theirs = pair()
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    x = torch.randn(2, 3, 8, 8)
    for training in (True, True, False):
        for layer in (ours.train(training), theirs.train(training)):
            layer.zero_grad()
            (layer(x).sum() + layer(2 * x).square().sum()).backward()  # two uses before one gradient
        for name, value in theirs.state_dict().items():
            assert value.equal(ours.state_dict()[name]), name
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert p.grad.equal(q.grad)
    theirs.load_state_dict(ours.state_dict())


def test_largest_singular_value_is_found():
    layer = convolution(4, 6, spectral_norm=True)
    for _ in range(100):
        weight = layer.weight
    assert torch.linalg.matrix_norm(weight.detach().flatten(1), ord=2).item() == pytest.approx(1, abs=1e-4)


class AutocastAt(TorchFunctionMode):
    """Writes down whether autocast is on where a product is computed: on a GPU it would be one of 8 bits."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        if getattr(function, "__name__", "") in ("mv", "vdot"):
            self.seen.append(torch.is_autocast_enabled("cpu"))
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_estimated_in_float32_under_autocast(dtype):
    layer, torchs = pair()
    expected = {name: value.clone() for name, value in layer.state_dict().items()}
    recorders = []
    for each in (layer, torchs):
        with torch.autocast("cpu", dtype=dtype), AutocastAt() as recorder:
            weight = each.weight
        recorders.append(recorder.seen)
    assert recorders[0] == [False] * 4  # u, v, and the two products of sigma
    assert any(recorders[1])  # the test can fail: torch's own is under autocast
    assert weight.dtype == torch.float32
    other = SpectralNorm(torch.randn(8, 3, 3, 3))
    other.load_state_dict({k: expected[f"parametrizations.weight.0.{k}"] for k in ("_u", "_v")})
    assert layer.eval().weight.equal(other.train()(expected["parametrizations.weight.original"]))


def test_channels_last_changes_nothing_but_rounding():
    ours, _ = pair()
    plain = ours.eval().weight.detach()
    last = ours.to(memory_format=torch.channels_last).eval().weight.detach()
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, plain)
