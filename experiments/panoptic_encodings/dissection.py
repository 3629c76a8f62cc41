"""The computations of `dissect.py`: an encoding in the first layers, and their gradients."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oasis.batch import Batch
from oasis.encodings import Encoding, Semantic
from oasis.labels import LabelSpace
from oasis.losses import NPlusOneLoss
from oasis.models import OASISDiscriminator, OASISGenerator

GROUPS = ("noise", "one-hot", "instance part")


@dataclass(frozen=True)
class Variant:
    """A variant of an encoding.

    Attributes:
        name: what to call it.
        encoding: what makes the condition.
        shuffled: number the instances of each picture in a random order first.
        warm_up: let the instance part come in little by little, over all steps.
    """

    name: str
    encoding: Encoding
    shuffled: bool = False
    warm_up: bool = False

    def condition(self, label: Tensor, instance: Tensor, share: float = 1.0) -> tuple[Tensor, Tensor]:
        """The condition as a sum of two.

        Args:
            label: (B, H, W) int64 class indices.
            instance: (B, H, W) int64, 0 = none.
            share: of the instance part, in 0..1.

        Returns:
            The one-hot classes, and whatever the encoding adds to them or makes of them: (B, K, H, W) both.
        """
        if self.shuffled:
            instance = shuffle_instances(instance, torch.Generator().manual_seed(0))
        whole = self.encoding(label, instance, [torch.Generator().manual_seed(0)] * len(label))
        one_hot = torch.zeros_like(whole)
        one_hot[:, : self.encoding.label_space.num_classes] = Semantic(self.encoding.label_space)(label, instance)
        return one_hot, share * (whole - one_hot)


def shuffle_instances(instance: Tensor, generator: torch.Generator) -> Tensor:
    """The same instances under other numbers.

    Args:
        instance: (B, H, W) int64, 0 = none, 1..N in each picture.
        generator: draws the new order of each picture.

    Returns:
        (B, H, W) int64 with the same numbers in use, 0 where it was 0.
    """
    shuffled = []
    for one in instance:
        numbers = one.unique()
        numbers = numbers[numbers > 0]
        table = torch.arange(int(one.max()) + 1)
        table[numbers] = numbers[torch.randperm(len(numbers), generator=generator)]
        shuffled.append(table[one])
    return torch.stack(shuffled)


def input_groups(variant: Variant, batch: Batch, noise: Tensor) -> dict[str, Tensor]:
    """What a generator takes in, as a sum of three: noise, one-hot classes, instance part.

    Args:
        variant: makes the condition.
        batch: of B label maps.
        noise: (B, Z).

    Returns:
        Group -> (B, Z + K, H, W); their sum is the noise at every pixel with the condition behind it.
    """
    one_hot, instances = variant.condition(batch.label, batch.instance)
    spread = noise[:, :, None, None].expand(-1, -1, *batch.label.shape[-2:])
    empty = torch.zeros_like(spread)
    pairs = ((spread, torch.zeros_like(one_hot)), (empty, one_hot), (empty, instances))
    return {group: torch.cat(pair, dim=1) for group, pair in zip(GROUPS, pairs, strict=True)}


def magnitudes(groups: Mapping[str, Tensor]) -> dict[str, tuple[float, float]]:
    """Root mean square over pixels of the length of a pixel's channels, and the largest entry, of each group."""
    return {
        name: (value.square().sum(1).mean().sqrt().item(), value.abs().max().item()) for name, value in groups.items()
    }


def variance_shares(convolution: nn.Conv2d, groups: Mapping[str, Tensor], size: tuple[int, int]) -> dict[str, float]:
    """How much of the variance of a convolution's output each group of its input accounts for.

    The convolution is linear: its output is the sum of what it makes of the groups. A group's share is the covariance
    of its part with the whole, over pixels and pictures, summed over output channels, divided by the whole's variance.
    Shares add up to 1; a group that works against the others has a negative one.

    Args:
        convolution: its bias plays no part.
        groups: (B, K, H, W) each.
        size: (height, width) at which the convolution works; the input is resized to it as the generator does.

    Source: Pratt 1987, the product measure of importance in a linear model.
    """
    outputs = {
        name: F.conv2d(F.interpolate(value, size, mode="nearest"), convolution.weight, padding=convolution.padding)
        for name, value in groups.items()
    }
    centered = {name: one - one.mean((0, 2, 3), keepdim=True) for name, one in outputs.items()}
    whole = torch.stack(list(centered.values())).sum(0).double()
    variance = whole.square().sum().item()
    return {name: (one.double() * whole).sum().item() / variance for name, one in centered.items()}


def layer_of(parameter: str) -> str:
    """The layer that a parameter of a generator counts to: `stem`, `block 0 SPADE`, `block 0 convolutions`, ..."""
    first, *rest = parameter.split(".")
    if first != "blocks":
        return first.replace("_", " ")
    return f"block {rest[0]} {'SPADE' if rest[1].startswith('spade') else 'convolutions'}"


def gradient_norms(network: nn.Module) -> dict[str, float]:
    """The norm of the gradient of each layer, all its parameters together."""
    squares: dict[str, float] = defaultdict(float)
    for name, parameter in network.named_parameters():
        if parameter.grad is not None:
            squares[layer_of(name)] += parameter.grad.square().sum().item()
    return {layer: square**0.5 for layer, square in squares.items()}


@dataclass
class FirstSteps:
    """What the first steps of a training were like.

    Attributes:
        losses: name of a loss term -> its value in each step.
        norms: layer of the generator -> norm of its gradient in each step.
    """

    losses: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    norms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def first_steps(
    variant: Variant,
    batches: Sequence[Batch],
    generator: OASISGenerator,
    discriminator: OASISDiscriminator,
    label_space: LabelSpace,
    learning_rate: float = 1e-3,
) -> FirstSteps:
    """Train both networks on each batch once, by the adversarial terms alone, without LabelMix and average.

    Args:
        variant: makes the condition.
        batches: one a step.
        generator: as it was initialised; is trained.
        discriminator: the same.
        label_space: of the label maps.
        learning_rate: of Adam, for both.
    """
    loss = NPlusOneLoss(label_space.num_classes, label_space.ignore_index)
    optimizers = [torch.optim.Adam(net.parameters(), learning_rate, (0.0, 0.999)) for net in (generator, discriminator)]
    record, source = FirstSteps(), torch.Generator().manual_seed(0)
    for step, batch in enumerate(batches):
        share = min(1.0, step / max(1, len(batches) - 1)) if variant.warm_up else 1.0
        condition = torch.stack(variant.condition(batch.label, batch.instance, share)).sum(0)
        fake = generator(condition, torch.randn(len(batch), generator.noise_dim, generator=source))
        terms = {"generator": loss.real(discriminator(fake).logits, batch.label)}
        _update(optimizers[0], terms["generator"])
        for layer, norm in gradient_norms(generator).items():
            record.norms[layer].append(norm)
        terms["photos"] = loss.real(discriminator(batch.image).logits, batch.label)
        terms["fakes"] = loss.fake(discriminator(fake.detach()).logits)
        _update(optimizers[1], terms["photos"] + terms["fakes"])
        for name, value in terms.items():
            record.losses[name].append(value.item())
    return record


def _update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
