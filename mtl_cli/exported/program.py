"""The program: from what is given of an input to what `mtl-predict` writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from mtl_cli.exported.answers import Answer, answer, answers
from mtl_cli.exported.entry import Entry, Given
from mtl_cli.model.model import Model


class Program(nn.Module):
    """``forward({name: tensor}) -> {name: tensor}``.

    Args:
        entry: what it is given of the input.
        model: trained, in evaluation mode.
        input: its name.
        tasks: those that answer, all of which read this input.
        names: ``{task: the names of its classes or numbers}``.

    Attributes:
        answers: what it gives.
        inputs: what it is given; see `inputs_of`.
    """

    def __init__(
        self,
        entry: Entry,
        model: Model,
        input: str,
        tasks: Sequence[str],
        names: Mapping[str, Sequence[str]],
    ) -> None:
        super().__init__()
        self.entry = entry
        self.model = model
        self.input = input
        self.tasks = list(tasks)
        self.answers: list[Answer] = [
            own for task in tasks for own in answers(model.tasks[task], names.get(task, []))
        ]
        self.inputs = inputs_of(entry, model, names)
        self.eval().requires_grad_(False)

    def forward(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        pairs = zip(self.entry.tensors, self.inputs, strict=True)
        x = self.entry({own.name: given[called.name] for own, called in pairs})
        outputs = self.model({self.input: x}, self.tasks)
        found: list[Tensor] = []
        for name in self.tasks:
            task = self.model.tasks[name]
            found += answer(task, task.predict(outputs[name].float()))
        names = [own.name for own in self.answers]
        return dict(zip(names, found, strict=True))

    def called(self, given: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What the entry is given, under the names of `inputs`."""
        pairs = zip(self.entry.tensors, self.inputs, strict=True)
        return {called.name: given[own.name] for own, called in pairs}


def inputs_of(entry: Entry, model: Model, names: Mapping[str, Sequence[str]]) -> list[Given]:
    """What an entry is given, under names that no answer of the model's tasks has: the same ones
    for each program of a run.

    Args:
        entry: of the input.
        model: whose tasks answer.
        names: ``{task: the names of its classes or numbers}``.
    """
    tasks = [task for task in model.tasks.values() if task.has_labels]
    taken = {own.name for task in tasks for own in answers(task, names.get(task.name, []))}
    found = []
    for own in entry.tensors:
        name = own.name
        while name in taken:
            name += "_in"
        taken.add(name)
        found.append(replace(own, name=name))
    return found
