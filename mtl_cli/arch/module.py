"""A torch module of the user's own, as it is, in the place of encoder, architecture and heads."""

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture, Features
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples, num_examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec


class Module(Architecture):
    """``f(x)_k = model(x)[k]``.

    Which parameters the tasks share is found as for every architecture, by walking the graph. Where
    the tasks part inside the module nobody knows, so no weighting works on features.

    Args:
        make_encoder: unused: the module reads the input itself.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        model: called with the examples, [B, ...]; where there are several inputs, with ``{input:
            its examples}`` of those that a batch has. It gives ``{task: [B, ...]}`` at least for
            the tasks that read these; of one output a task, [B] does too.

    Raises:
        ValueError: where it gives anything else.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        model: nn.Module,
    ) -> None:
        super().__init__(inputs, tasks)
        self.model = model
        with torch.no_grad():  # in evaluation, where no statistics move
            model.eval()
            outputs = self({name: spec.example(2) for name, spec in inputs.items()})
            model.train()
        self.out_shapes = {task: tuple(output.shape[1:]) for task, output in outputs.items()}

    def forward(
        self, inputs: Mapping[str, Examples], tasks: Collection[str] | None = None
    ) -> dict[str, Features]:
        present = {name: x for name, x in inputs.items() if self.readers(name)}
        wanted = [task for task, name in self.tasks.items() if name in present]
        wanted = [task for task in wanted if tasks is None or task in tasks]
        given = self.give(present, wanted) if wanted else {}
        return {task: self.of_taps(task, output) for task, output in given.items()}

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        return self.give({input: x}, tasks)

    def give(self, inputs: Mapping[str, Examples], tasks: list[str]) -> dict[str, Tensor]:
        """The outputs of some tasks, [B, ...]."""
        several = len(self.inputs) > 1
        outputs = self.model(dict(inputs) if several else next(iter(inputs.values())))
        rule = f"must give {{task: tensor}} for {', '.join(tasks)}"
        fix = f"a dict of tensors: {{{', '.join(f'{task!r}: [B, ...]' for task in tasks)}}}"
        if not isinstance(outputs, Mapping):
            raise problem("arch.model", rule, f"a {type(outputs).__name__}", fix)
        if missing := [task for task in tasks if task not in outputs]:
            found = f"none for {', '.join(missing)}: {', '.join(map(str, outputs)) or 'nothing'}"
            raise problem("arch.model", rule, found, fix)
        return {task: self.rows_of(outputs[task], inputs[self.tasks[task]], task) for task in tasks}

    def rows_of(self, output: Any, x: Examples, task: str) -> Tensor:
        """An output with a row for each example; a number an example becomes a column."""
        size = num_examples(x)
        if not isinstance(output, Tensor) or not output.dim() or output.shape[0] != size:
            found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            rule = f"must give a tensor with a row for each of the {size} examples"
            raise problem(f"arch.model: {task!r}", rule, found, "[B, outputs of the task]")
        return output[:, None] if output.dim() == 1 else output
