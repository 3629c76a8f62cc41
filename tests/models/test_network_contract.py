"""What every generator and discriminator of conf/ must do; the folders say which there are."""

import inspect
from functools import cache

import pytest
import torch
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.utils import instantiate
from model_sizes import CONF, sizes
from torch import Tensor

from oasis.checkpoint import Restored
from oasis.errors import ConfigurationError
from oasis.export.program import capture, made_up_inputs
from oasis.instances import segment_ids
from oasis.models import Discriminator, Generator
from oasis.models.building import build_network

HEIGHT, WIDTH = 32, 64
GENERATORS = sorted(path.stem for path in (CONF / "generator").glob("*.yaml"))
DISCRIMINATORS = sorted(path.stem for path in (CONF / "discriminator").glob("*.yaml"))
INSTANCES = (0, 1, 50, 300)
CHOICES = {"pretrained": ("discriminator.backbone.random_weights=true",)}  # what a network cannot do without here
NO_PROGRAM: frozenset[str] = frozenset()  # generators that cannot be exported as a program


@cache
def config(group: str, name: str):
    choices = (f"{group}={name}", "encoding=boundary", *CHOICES.get(name, ()))
    overrides = [*choices, *sizes(*choices), "data.height=32", "data.width=64"]
    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", overrides=overrides)


def made(group: str, name: str, seed: int = 0):
    """The network of a yaml, made small, and its encoding."""
    torch.manual_seed(seed)
    cfg = config(group, name)
    encoding = instantiate(cfg.encoding)
    space = encoding.label_space
    offered = {"condition_channels": encoding.channels, "num_classes": space.num_classes}
    if group == "generator":
        network = build_network(instantiate(cfg[group]), Generator, offered)
    else:
        network = build_network(instantiate(cfg[group]), Discriminator, {**offered, "num_things": len(space.things)})
    return network, encoding


def built(group: str, name: str):
    """The same, with weights under which differences can be seen."""
    network, encoding = made(group, name)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad and parameter.dim() == 4:
                parameter.normal_(0, (2 / parameter[0].numel()) ** 0.5)
    return network, encoding


def settled(network, **inputs: Tensor):
    """In eval mode, with statistics and singular vectors of these weights."""
    network.train()
    with torch.no_grad():
        for _ in range(20):
            network(**inputs)
    return network.eval()


def street(count: int, batch: int = 2, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Label and instance maps (B, H, W): a road, a sky, a group of cars, and this many cars of one pixel and more."""
    source = torch.Generator().manual_seed(seed)
    label = torch.full((batch, HEIGHT, WIDTH), 23)
    label[:, HEIGHT // 2 :] = 7
    label[:, -4:] = 26  # a group
    label[:, 0, :5] = 0  # void
    instance = torch.zeros_like(label)
    for image in range(batch):
        for number in range(1, count + 1):
            y, x = (int(torch.randint(1, size - 8, (), generator=source)) for size in (HEIGHT, WIDTH))
            tall, wide = (int(torch.randint(1, 7, (), generator=source)) for _ in range(2))
            label[image, y : y + tall, x : x + wide] = 26
            instance[image, y : y + tall, x : x + wide] = number
    return label, instance


def inputs_of(generator: Generator, encoding, label: Tensor, instance: Tensor) -> dict[str, Tensor]:
    sources = [torch.Generator().manual_seed(i) for i in range(len(label))]
    inputs = {"condition": encoding(label, instance, sources)}
    if generator.noise_dim:
        shape = (*generator.noise_shape, *label.shape[1:]) if generator.style_per_segment else generator.noise_shape
        inputs["noise"] = torch.stack([torch.randn(shape, generator=source) for source in sources])
    if generator.needs_segments:
        inputs["segments"] = segment_ids(label, instance, encoding.label_space.num_classes)
    return inputs


def first(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value[:1] for name, value in inputs.items()}


@pytest.fixture(params=GENERATORS)
def generating(request):
    """A generator in eval mode, and its encoding."""
    generator, encoding = built("generator", request.param)
    return settled(generator, **inputs_of(generator, encoding, *street(20, batch=4, seed=1))), encoding


@pytest.fixture(params=DISCRIMINATORS)
def discriminating(request):
    """A discriminator, and the pictures and conditions that it takes."""
    network, encoding = built("discriminator", request.param)
    source = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, HEIGHT, WIDTH, generator=source) * 2 - 1
    condition = encoding(*street(5))
    names = inspect.signature(network.forward).parameters
    inputs = dict(zip(names, (image, condition), strict=False))
    return settled(network, **inputs), tuple(inputs.values())


def tensors(output) -> list[Tensor]:
    """All tensors of an output, in order."""
    if isinstance(output, Tensor):
        return [output]
    return [each for part in (output.values() if isinstance(output, dict) else output) for each in tensors(part)]


@pytest.mark.parametrize(
    ("group", "name"),
    [*(("generator", name) for name in GENERATORS), *(("discriminator", name) for name in DISCRIMINATORS)],
)
def test_a_seed_decides_all_weights(group, name):
    (ours, _), (same, _), (other, _) = (made(group, name, seed) for seed in (3, 3, 4))
    for weight, again in zip(ours.parameters(), same.parameters(), strict=True):
        assert weight.equal(again)
    assert any(not weight.equal(another) for weight, another in zip(ours.parameters(), other.parameters(), strict=True))


# Generators


@pytest.mark.parametrize("count", INSTANCES)
def test_generates_pictures_of_any_number_of_instances(generating, count):
    generator, encoding = generating
    inputs = inputs_of(generator, encoding, *street(count))
    with torch.no_grad():
        image = generator(**inputs)
    assert (image.shape, image.dtype) == ((2, 3, HEIGHT, WIDTH), torch.float32)
    assert image.isfinite().all()
    assert image.abs().max() <= 1
    assert image.std() > 0.01


def test_generates_a_picture_of_one_pixel_per_segment(generating):
    generator, encoding = generating
    size = (1, 32, 32)
    label, instance = torch.full(size, 26), torch.arange(32 * 32).view(size)  # 1023 instances and a group region
    with torch.no_grad():
        image = generator(**inputs_of(generator, encoding, label, instance))
    assert image.shape == (1, 3, 32, 32)
    assert image.isfinite().all()


def test_is_a_function_of_its_inputs(generating):
    generator, encoding = generating
    inputs = inputs_of(generator, encoding, *street(5))
    with torch.no_grad():
        image = generator(**inputs)
        assert image.equal(generator(**inputs))
        alone = generator(**first(inputs))
        torch.testing.assert_close(alone, image[:1], rtol=0, atol=1e-5)  # pictures of a batch are independent
        for name in inputs.keys() - {"segments"}:
            changed = generator(**{**inputs, name: inputs[name].flip(0)})
            assert not changed.allclose(image, atol=1e-3), name


def test_draws_noise_from_the_global_state(generating):
    generator, encoding = generating
    inputs = inputs_of(generator, encoding, *street(5))
    if inputs.pop("noise", None) is None or generator.style_per_segment:
        pytest.skip("takes no normally distributed noise")
    pictures = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        with torch.no_grad():
            pictures.append(generator(**inputs))
    assert pictures[0].equal(pictures[1])
    assert not pictures[0].allclose(pictures[2], atol=1e-3)


def test_every_weight_learns(generating):
    generator, encoding = generating
    label, instance = street(5)
    inputs = inputs_of(generator.train(), encoding, label, instance)
    image = generator(**inputs)
    (image * torch.randn(image.shape, generator=torch.Generator().manual_seed(0))).sum().backward()
    encoder = getattr(generator, "style_encoder", None)
    outside = set() if encoder is None else {id(parameter) for parameter in encoder.parameters()}
    for name, parameter in generator.named_parameters():
        if id(parameter) not in outside:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
    moved = [name for name, each in generator.named_parameters() if each.grad is not None and each.grad.any()]
    assert len(moved) > 0.8 * len([each for each in generator.parameters() if id(each) not in outside])


def test_renumbering_instances_changes_nothing(generating):
    """Their noise goes with them."""
    generator, encoding = generating
    label, instance = street(20)
    inputs = inputs_of(generator, encoding, label, instance)
    order = torch.cat(
        [torch.zeros(1, dtype=torch.int64), 1 + torch.randperm(20, generator=torch.Generator().manual_seed(0))]
    )
    again = inputs_of(generator, encoding, label, order[instance])
    if generator.noise_per_segment:
        classes = encoding.label_space.num_classes
        again["noise"] = inputs["noise"].clone()
        again["noise"][:, classes + order] = inputs["noise"][:, classes : classes + len(order)]
    with torch.no_grad():
        torch.testing.assert_close(generator(**again), generator(**inputs), rtol=0, atol=1e-5)


def test_computes_in_bfloat16(generating):
    generator, encoding = generating
    inputs = inputs_of(generator, encoding, *street(5))
    with torch.no_grad():
        exact = generator(**inputs)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = generator(**inputs).float()
    assert rounded.isfinite().all()
    assert (rounded - exact).abs().mean() < 0.1 * exact.std()


def test_refuses_sizes_that_it_cannot_halve(generating):
    generator, encoding = generating
    label, instance = street(5)
    inputs = inputs_of(generator, encoding, label, instance)
    odd = {name: value[..., : WIDTH - 1] if value.dim() > 2 and value.shape[-1] == WIDTH else value
           for name, value in inputs.items()}  # fmt: skip
    with pytest.raises(ConfigurationError, match="height x width"):
        generator(**odd)


def test_needs_what_it_says_that_it_needs(generating):
    generator, encoding = generating
    inputs = inputs_of(generator, encoding, *street(5))
    if inputs.pop("segments", None) is None:
        pytest.skip("does without segments")
    with pytest.raises(ConfigurationError, match="segments"):
        generator(**inputs)


def test_compiles(generating):
    """As a graph without its code, which takes minutes."""
    generator, encoding = generating
    inputs = inputs_of(generator, encoding, *street(5))
    with torch.no_grad():
        expected = generator(**inputs)
        found = torch.compile(generator, backend="eager")(**inputs)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_becomes_a_program_or_says_why_not(generating, request):
    generator, encoding = generating
    name = request.node.callspec.params["generating"]
    cfg = config("generator", name)
    restored = Restored({"generator": cfg.generator}, encoding.label_space, encoding, generator, 0)
    inputs = made_up_inputs(restored, 2, HEIGHT, WIDTH)
    with torch.no_grad():
        expected = generator(**inputs)
        if name in NO_PROGRAM:
            with pytest.raises(ConfigurationError, match="safetensors"):
                capture(restored, inputs)
            return
        found = capture(restored, inputs).module()(**inputs)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


# Discriminators


def test_judges_each_picture_by_itself(discriminating):
    discriminator, inputs = discriminating
    with torch.no_grad():
        both = tensors(discriminator(*inputs))
        again = tensors(discriminator(*inputs))
        alone = tensors(discriminator(*(value[:1] for value in inputs)))
    assert both
    for output, same, first in zip(both, again, alone, strict=True):
        assert output.dtype == torch.float32
        assert output.isfinite().all()
        assert output.equal(same)
        torch.testing.assert_close(first, output[:1], rtol=1e-4, atol=1e-4 * float(output.abs().max()))


def test_tells_the_generator_and_itself_what_to_change(discriminating):
    discriminator, (image, *condition) = discriminating
    image.requires_grad_()
    outputs = tensors(discriminator.train()(image, *condition))
    sum(output.float().square().mean() for output in outputs).backward()
    assert image.grad.isfinite().all()
    assert (image.grad != 0).any(dim=1).float().mean() > 0.5
    for name, parameter in discriminator.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


def test_judges_in_bfloat16(discriminating):
    discriminator, inputs = discriminating
    with torch.no_grad():
        exact = tensors(discriminator(*inputs))
        with torch.autocast("cpu", torch.bfloat16):
            rounded = tensors(discriminator(*inputs))
    for one, other in zip(exact, rounded, strict=True):
        assert other.isfinite().all()
        torch.testing.assert_close(other.float(), one, rtol=0.1, atol=0.1 * float(one.std()) + 1e-3)


def test_discriminators_compile(discriminating):
    discriminator, inputs = discriminating
    with torch.no_grad():
        expected = tensors(discriminator(*inputs))
        found = tensors(torch.compile(discriminator, backend="eager")(*inputs))
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4 * float(one.abs().max()))


def test_refuses_pictures_that_it_cannot_halve(discriminating):
    discriminator, inputs = discriminating
    if discriminator.size_divisor == 1:
        pytest.skip("takes any size")
    with pytest.raises(ConfigurationError, match=str(discriminator.size_divisor)):
        discriminator(*(value[..., : WIDTH - 1] for value in inputs))
