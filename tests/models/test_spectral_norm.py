"""The spectral norm against torch's own, and in float32 whatever the precision of the rest."""

import pytest
import torch
from torch.nn.utils import parametrizations
from torch.overrides import TorchFunctionMode

from oasis.models.initialization import convolution, initialize
from oasis.models.spectral_norm import SpectralNorm, iterate_norms, undivided


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


def test_what_torch_computes():
    ours, theirs = (layer.double() for layer in pair())
    assert ours.state_dict().keys() == theirs.state_dict().keys()
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    for training in (True, True, False):
        for layer in (ours.train(training), theirs.train(training)):
            layer.zero_grad()
            (layer(x).sum() + layer(2 * x).square().sum()).backward()  # two uses before one gradient
        for name, value in theirs.state_dict().items():
            assert value.equal(ours.state_dict()[name]), name  # to the bit: weights and singular vectors
        for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(p.grad, q.grad)
    theirs.load_state_dict(ours.state_dict())


def test_gradient_of_the_estimate():
    layer = convolution(256, 256, 1, spectral_norm=True).double().eval()
    original = layer.parametrizations.weight.original
    weight, divisor = undivided(layer)
    torch.testing.assert_close(weight / divisor, layer.weight)
    factor = torch.randn_like(weight)
    torch.testing.assert_close(
        torch.autograd.grad((factor * layer.weight).sum(), original),
        torch.autograd.grad((factor * weight / divisor).sum(), original, retain_graph=True),
    )
    norm, matrix = layer.parametrizations.weight[0], original.detach().flatten(1).requires_grad_()
    expected = torch.autograd.grad(norm._u @ matrix @ norm._v, matrix)[0]
    torch.testing.assert_close(torch.autograd.grad(divisor, original)[0].flatten(1), expected)


def test_several_iterations_at_once():
    one, other = convolution(3, 8, spectral_norm=True), convolution(3, 8, spectral_norm=True)
    other.load_state_dict(one.state_dict())
    iterate_norms(one, times=2)
    for _ in range(2):
        iterate_norms(other)
    for name, value in one.state_dict().items():
        assert value.equal(other.state_dict()[name]), name


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
        if getattr(function, "__name__", "") == "mv":
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
    assert recorders[0] == [False] * 2  # u and v
    assert any(recorders[1])  # the test can fail: torch's own is under autocast
    assert weight.dtype == torch.float32
    other = SpectralNorm(torch.randn(8, 3, 3, 3))
    other.load_state_dict({k: expected[f"parametrizations.weight.0.{k}"] for k in ("_u", "_v")})
    torch.testing.assert_close(layer.eval().weight, other.train()(expected["parametrizations.weight.original"]))


def test_channels_last_changes_nothing_but_rounding():
    ours, _ = pair()
    plain = ours.eval().weight.detach()
    last = ours.to(memory_format=torch.channels_last).eval().weight.detach()
    assert last.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(last, plain)
