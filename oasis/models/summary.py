"""Summaries of networks: output shapes, parameters and multiply-adds, on the meta device."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from rich.table import Table
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, type_before_parametrizations
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class SummaryRow:
    """One layer, or a block of layers.

    Attributes:
        name: as in `named_modules`.
        type: the class's name.
        output_shape: of the tensor it returned last; empty if it returned anything else, or did not run.
        parameters: number of learnt values, including nested layers.
        multiply_adds: of the convolutions and matrix products, including nested layers.
    """

    name: str
    type: str
    output_shape: tuple[int, ...]
    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class ModelSummary:
    """The disjoint rows of a network, and its totals. `rich.print` shows it as a table."""

    name: str
    rows: tuple[SummaryRow, ...]
    parameters: int
    multiply_adds: int

    def __rich__(self) -> Table:
        table = Table(title=self.name, show_footer=True)
        table.add_column("layer", "total")
        table.add_column("type")
        table.add_column("output shape")
        table.add_column("parameters", f"{self.parameters:,}", justify="right")
        table.add_column("multiply-adds", _giga(self.multiply_adds), justify="right")
        for row in self.rows:
            shape = "x".join(map(str, row.output_shape)) or "-"
            table.add_row(row.name, row.type, shape, f"{row.parameters:,}", _giga(row.multiply_adds))
        return table


def summarize(module: nn.Module, *inputs: Tensor | None, depth: int = 1) -> ModelSummary:
    """Count a network's parameters and its multiply-adds on given inputs.

    A copy of the network runs on PyTorch's meta device, which computes shapes only. Network and inputs may be on the
    meta device: `torch.empty(shape, device="meta")`.

    Args:
        module: the network; not changed.
        *inputs: its arguments: tensors of any device, or None.
        depth: 1 = one row per direct child of the network, 2 = per grandchild, and so on.

    Returns:
        The rows in the order of `named_modules`, and totals. The totals are those of the entire network, including
        parameters outside of the rows.
    """
    network = copy.deepcopy(module).to("meta")
    layers = dict(_layers(network, depth))
    shapes: dict[str, tuple[int, ...]] = {}
    for name, layer in layers.items():
        layer.register_forward_hook(_shape_recorder(shapes, name))
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network(*(None if tensor is None else tensor.to("meta") for tensor in inputs))
    root = type(network).__name__
    flops = {name: sum(by_operation.values()) for name, by_operation in counter.get_flop_counts().items()}
    rows = tuple(
        SummaryRow(
            name=name,
            type=type_before_parametrizations(layer).__name__,
            output_shape=shapes.get(name, ()),
            parameters=_parameters(layer),
            multiply_adds=flops.get(f"{root}.{name}", 0) // 2,
        )
        for name, layer in layers.items()
    )
    return ModelSummary(root, rows, _parameters(network), counter.get_total_flops() // 2)


def _layers(module: nn.Module, depth: int, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    for name, layer in module.named_children():
        path = prefix + name
        if isinstance(layer, nn.ModuleList | nn.ModuleDict):  # never called itself, so not a level
            yield from _layers(layer, depth, path + ".")
        elif depth > 1 and not is_parametrized(layer) and any(True for _ in layer.children()):
            yield from _layers(layer, depth - 1, path + ".")
        else:
            yield path, layer


def _shape_recorder(shapes: dict[str, tuple[int, ...]], name: str) -> Callable[[nn.Module, object, object], None]:
    def record(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            shapes[name] = tuple(output.shape)

    return record


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _giga(count: int) -> str:
    return f"{count / 1e9:.2f} G"
