"""Programs in ONNX: run by ONNX Runtime, in Python, C++, C#, Java or a browser."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.export import ExportedProgram

from mtl_cli.basis.hub import library
from mtl_cli.exported.quiet import quiet

FILE = "model.onnx"
NEEDS = ("onnx", "onnxscript", "onnxruntime")


def cumprod(x: Tensor, dim: int) -> Tensor:
    """Step by step along a dimension, which is short."""
    return torch.cat(list(accumulate(x.split(1, dim), torch.mul)), dim)


def cos(x: Tensor) -> Tensor:
    """By ``1 - 2 sin^2(x / 2)`` in double precision, where ONNX Runtime 1.23 has sines alone."""
    return 1 - 2 * torch.sin(x / 2) ** 2 if x.dtype == torch.float64 else NotImplemented


# What ONNX, or its runtime, has no operation for, in others.
LACKING: dict[Any, Callable[..., Any]] = {
    torch.ops.aten.cumprod.default: cumprod,
    torch.ops.aten.cos.default: cos,
}


def check_there() -> None:
    """Refuses what lacks a package, before any work.

    Raises:
        ValueError: where one of the extra is not installed.
    """
    for name in NEEDS:
        library(name, "format=onnx")


def save(traced: ExportedProgram, inputs: list[str], outputs: list[str], path: Path) -> None:
    """Writes it, with its weights in the same file.

    Args:
        traced: for a batch of any size.
        inputs: names of its tensors, in their order.
        outputs: likewise.
        path: of the file.
    """
    with quiet():
        found: Any = torch.onnx.export(
            traced.run_decompositions(LACKING), dynamo=True, verbose=False
        )
        rename(found.model.graph, inputs, outputs)
        found.save(path, external_data=False)


def rename(graph: Any, inputs: list[str], outputs: list[str]) -> None:
    """Names what goes in and comes out; values between get names that no task or column has."""
    for i, value in enumerate(own for node in graph.all_nodes() for own in node.outputs):
        value.name = f"value {i}"
    for values, names in ((graph.inputs, inputs), (graph.outputs, outputs)):
        for value, name in zip(values, names, strict=True):
            value.name = name


def load(path: Path) -> Any:
    """What runs it, on the CPU."""
    onnxruntime = library("onnxruntime", "format=onnx")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [own.name for own in session.get_outputs()]

    def run(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        found = session.run(None, {name: x.numpy() for name, x in given.items()})
        return {name: torch.from_numpy(x) for name, x in zip(names, found, strict=True)}

    return run
