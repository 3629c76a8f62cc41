"""A generator as one graph of plain operators."""

import torch
import torch.nn.functional as F
from hydra.utils import instantiate
from torch import Tensor, nn
from torch._dynamo.exc import Unsupported, UserError
from torch.export import Dim, ExportedProgram
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from oasis.checkpoint import Restored
from oasis.errors import ConfigurationError
from oasis.instances import segment_ids
from oasis.models import Exportable, Generator
from oasis.models.building import plan_network

_ROWS, _COLUMNS = 4, 8  # of the made-up label map


def capture(restored: Restored, inputs: dict[str, Tensor]) -> ExportedProgram:
    """The generator as a graph: eval mode, spectral norms divided into the weights, every pixel computed.

    Args:
        restored: the restored checkpoint.
        inputs: see `made_up_inputs`, of at least two pictures; the number of pictures is dynamic, their size is not.

    Returns:
        A program from the inputs, by name, to the picture (B, 3, H, W) float32 in [-1, 1].

    Raises:
        ConfigurationError: the generator cannot be written as a graph.
    """
    batch = Dim("batch", min=1, max=1024)
    generator = fold_spectral_norms(restored)
    try:
        with torch.no_grad():
            return torch.export.export(generator, (), inputs, dynamic_shapes={name: {0: batch} for name in inputs})
    except (GuardOnDataDependentSymNode, UserError, Unsupported) as error:
        raise ConfigurationError(
            f"{type(generator).__name__} computes what depends on its inputs' values, which a program cannot "
            f"({str(error).splitlines()[0]}). Export it as .safetensors, which every command reads."
        ) from error


def fold_spectral_norms(restored: Restored) -> Generator:
    """The same generator with plain weights, already divided by their spectral norms, on the plain path.

    A generator that is not `Exportable` is exported as it is.

    It is rebuilt: removing a parametrization from a copy would remove it from the original too, since both share one
    class.

    Returns:
        A generator in eval mode that shares memory with the restored one.
    """
    generator = restored.generator.eval()
    if not isinstance(generator, Exportable):
        return generator.requires_grad_(False)
    weights = {name: value for name, value in generator.state_dict().items() if ".parametrizations." not in name}
    for name, layer in generator.named_modules():
        if isinstance(layer, nn.Conv2d):
            weights[f"{name}.weight"] = layer.weight.detach()
    config = {**restored.config["generator"], **generator.export_settings}
    offered = {"condition_channels": restored.encoding.channels, "num_classes": restored.label_space.num_classes}
    folded = plan_network(instantiate(config), Generator, offered)
    # Without those of a style encoder, which a program does not need.
    folded.load_state_dict({name: weights[name] for name in folded.state_dict()}, assign=True)
    return folded.eval().requires_grad_(False)


def made_up_inputs(restored: Restored, batch_size: int, height: int, width: int) -> dict[str, Tensor]:
    """Example inputs: blocks of classes in the checkpoint's own encoding, each with its own noise.

    Args:
        restored: the restored checkpoint.
        batch_size: B.
        height: H, of a size that the generator supports.
        width: W.

    Returns:
        `condition` (B, K, H, W) float32; `noise` (B, Z, H, W), or (B, Z) for a generator with one vector per picture,
        (B, S, Z) with one per segment, unless Z is 0; `segments` (B, H, W) int64 if it needs them. The same every time.
    """
    source = torch.Generator().manual_seed(0)
    blocks = torch.randint(restored.label_space.num_classes, (batch_size, _ROWS, _COLUMNS), generator=source)
    is_thing = torch.tensor([index in restored.label_space.things for index in range(restored.label_space.num_classes)])
    numbers = is_thing[blocks].flatten(1).cumsum(1).view_as(blocks) * is_thing[blocks]
    label, instance = (
        F.interpolate(ids[:, None].double(), size=(height, width), mode="nearest")[:, 0].long()
        for ids in (blocks, numbers)
    )
    with torch.no_grad():
        inputs = {"condition": restored.encoding(label, instance, [source] * batch_size)}
    generator = restored.generator
    if generator.noise_dim:
        vectors = (batch_size, *generator.noise_shape)
        if generator.noise_per_pixel:
            noise = torch.randn(*vectors, _ROWS, _COLUMNS, generator=source)
            inputs["noise"] = F.interpolate(noise, size=(height, width), mode="nearest")
        else:
            inputs["noise"] = torch.randn(vectors, generator=source)
    if generator.needs_segments:
        inputs["segments"] = segment_ids(label, instance, restored.label_space.num_classes)
    return inputs
