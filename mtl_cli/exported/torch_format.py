"""Programs as `torch.export` saves them: run by torch alone, in Python or C++."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from mtl_cli.exported.entry import BATCH, Given
from mtl_cli.exported.program import Program

FILE = "model.pt2"
Run = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]


def traced(program: Program, given: Mapping[str, Tensor]) -> ExportedProgram:
    """The program for a batch of any size, as a graph of torch's operations.

    Args:
        program: of a trained model.
        given: an example, of two rows or more.
    """
    sizes: dict[str, Dim] = {}
    shapes = {own.name: dims_of(own, sizes) for own in program.inputs}
    with torch.no_grad():
        found = torch.export.export(program, (dict(given),), dynamic_shapes=(shapes,))
    found.graph_module.graph.eliminate_dead_code()  # of which some could not be loaded again
    forget_unused(found)
    return found


def forget_unused(found: ExportedProgram) -> None:
    """Leaves out the weights that no answer is made of: those of other tasks."""
    nodes = {own.name: own for own in found.graph.nodes if own.op == "placeholder"}
    for spec in list(found.graph_signature.input_specs):
        if spec.target is not None and not nodes[spec.arg.name].users:
            found.graph.erase_node(nodes[spec.arg.name])
            found.graph_signature.input_specs.remove(spec)
            found.state_dict.pop(spec.target, None)
    found.graph_module.recompile()


def dims_of(given: Given, sizes: dict[str, Dim]) -> dict[int, Dim]:
    """The dimensions of a tensor that differ from call to call; those of one name are one."""
    found = {}
    for place, word in enumerate(given.shape):
        if isinstance(word, str):
            key = "".join(letter if letter.isalnum() else "_" for letter in word)
            most = None if word == BATCH else given.most
            sizes.setdefault(key, Dim(key, min=1, max=most))
            found[place] = sizes[key]
    return found


def check_there() -> None:
    """There is nothing that it needs beside torch."""


def save(traced: ExportedProgram, inputs: list[str], outputs: list[str], path: Path) -> None:
    """Writes it; it holds the names of its tensors."""
    torch.export.save(traced, path)


def load(path: Path) -> Run:
    """What runs it."""
    module = torch.export.load(path).module()

    def run(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        with torch.no_grad():
            found: dict[str, Tensor] = module(dict(given))
        return found

    return run
