"""A profile of a training step in a dozen readable lines."""

import re
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from rich.table import Table
from torch.profiler import ProfilerActivity, profile

# The first pattern that is found in an operator's or a kernel's name.
_KINDS = (
    ("optimizers and average", r"adam|lerp|multi_tensor"),
    ("convolutions, backward", r"convolution_backward|dgrad|wgrad|bprop"),
    ("convolutions", r"conv|cudnn|xmma|implicit_gemm|fprop"),
    ("batch norm", r"batch_norm|bn_fw|bn_bw"),
    ("matrix products", r"mm$|mv$|matmul|gemm|gemv|dot|linear"),
    ("losses: softmax and logs", r"softmax|nll|log_?sum_?exp|mse|exp$|log$"),
    ("activations", r"leaky_relu|relu|tanh|threshold"),
    ("resizing and pooling", r"upsample|pool|interpolate"),
    ("gather and scatter", r"gather|scatter|index|embedding"),
    ("copies, casts and layouts", r"copy|clone|contiguous|to_copy|cat|memcpy|fill|zero|memset|reorder|split"),
    ("sums and norms", r"sum|norm|mean|reduce"),
    ("arithmetic", r"add|mul|div|sub|sqrt|where|neg|elementwise|pow|eq|ge$|gt$|lt$|clamp|bitwise|triton"),
)


def where_the_time_goes(
    title: str, around: Callable[[AbstractContextManager[Any]], None], device: torch.device
) -> Table:
    """Profile one step.

    Args:
        title: of the table.
        around: does the step within a context.
        device: that it works on; on a GPU its own time counts, else the processor's.
    """
    on_gpu = device.type == "cuda"
    profiler = profile(activities=[ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])])
    around(profiler)
    spent: Counter[str] = Counter()
    for event in profiler.key_averages():
        spent[_kind(event.key)] += event.self_device_time_total if on_gpu else event.self_cpu_time_total
    total = sum(spent.values())
    table = Table(title=f"{title}: where the time goes")
    for heading in ("part", "ms", "share"):
        table.add_column(heading, justify="left" if heading == "part" else "right")
    for kind, microseconds in spent.most_common():
        table.add_row(kind, f"{microseconds / 1000:.1f}", f"{microseconds / max(total, 1):.1%}")
    return table


def _kind(name: str) -> str:
    return next((kind for kind, pattern in _KINDS if re.search(pattern, name.lower())), "the rest")
