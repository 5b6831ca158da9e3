"""How a model is computed: what changes the time of a step, and no result beyond rounding."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.cores import threads_said
from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, problem
from mtl_cli.basis.inputs import Dense, InputSpec, Row

MODES = ("reduce-overhead", "max-autotune")
ALL_THREADS = torch.get_num_threads()  # as torch, or OMP_NUM_THREADS, has them
SMALL = 10_000_000  # products of a forward pass; measured: 20 000 weights x 256 rows lose by two


@dataclass(frozen=True)
class Runtime:
    """What ``runtime.*`` sets.

    Args:
        threads: of torch on the CPU; ``auto``: one for a small model on rows of numbers, whose
            steps are shorter than what threads wait for each other, else as many as torch has.
        compile: whether torch compiles the model, or the mode in which it does.
        channels_last: whether convolutions and images lie in memory with their channels last.
        matmul: products of matrices in single precision: ``highest``, or ``high``, in TF32 where
            the device has it.
        processes: that train together on this machine, each with its part of every batch.
        wait: seconds that a process waits for another one before it gives up.
    """

    threads: int | str
    compile: bool | str
    channels_last: bool
    matmul: str
    processes: int
    wait: int

    def __post_init__(self) -> None:
        if self.threads != "auto":
            check_integer("runtime.threads", self.threads, 1, "runtime.threads=auto")
        if not isinstance(self.compile, bool) and self.compile not in MODES:
            rule = f"must be false, true, {' or '.join(MODES)}"
            raise problem("runtime.compile", rule, self.compile, "runtime.compile=true")
        check_boolean("runtime.channels_last", self.channels_last)
        check_choice("runtime.matmul", self.matmul, ["highest", "high"], "runtime.matmul=highest")

    def set_up(self) -> None:
        """Sets what torch has for the whole process."""
        torch.set_num_threads(self.threads if isinstance(self.threads, int) else ALL_THREADS)
        with warnings.catch_warnings():
            # torch 2.9 warns that this is deprecated, and 2.14 no longer does.
            warnings.filterwarnings("ignore", message="Please use the new API settings")
            torch.set_float32_matmul_precision(self.matmul)

    def set_threads(self, model: nn.Module, inputs: Iterable[InputSpec], batch_size: int) -> None:
        """Takes one thread, where the user leaves it open and a step is a small one."""
        rows = all(
            isinstance(spec, Row) or (isinstance(spec, Dense) and len(spec.shape) == 1)
            for spec in inputs
        )
        products = batch_size * sum(parameter.numel() for parameter in model.parameters())
        if self.threads == "auto" and not threads_said():
            torch.set_num_threads(1 if rows and products < SMALL else ALL_THREADS)

    def prepared(self, model: nn.Module) -> Callable[..., Any]:
        """The model as it is called in training; its weights are laid out as is set."""
        if self.channels_last:
            for module in model.modules():
                if isinstance(module, nn.Conv2d):  # stacked weights have other shapes
                    module.to(memory_format=torch.channels_last)
        if not self.compile:
            return model.__call__
        # The names of submodules are cached, which the compiler warns of: they never change.
        warnings.filterwarnings("ignore", message="Dynamo detected a call to a `functools")
        # A gradient method asks a compiled graph for several gradients.
        torch._functorch.config.donated_buffer = False
        if self.compile is True:
            return torch.compile(model)
        call = torch.compile(model, mode=str(self.compile))

        def anew(*args: Any) -> Any:
            torch.compiler.cudagraph_mark_step_begin()
            return call(*args)

        return anew

    def laid_out(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        """The inputs of a step, images as is set."""
        if not self.channels_last:
            return inputs
        last = torch.channels_last
        return {
            name: x.contiguous(memory_format=last) if isinstance(x, Tensor) and x.dim() == 4 else x
            for name, x in inputs.items()
        }
