"""The model: an architecture and the head of each task, and which parameters the tasks share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from mtl_cli.arch.base import Architecture
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.naming import module_key
from mtl_cli.model.derivation import Derivation
from mtl_cli.model.embedded import EmbeddedInputs
from mtl_cli.model.groups import Group, joined, owners_of
from mtl_cli.model.heads import make_head
from mtl_cli.model.last_layer import last_layer
from mtl_cli.model.reach import Reach, find_reach, measured_with
from mtl_cli.task.base import Task
from mtl_cli.task.two_classes import TwoClasses
from mtl_cli.weighting.jacobian import all_pass


class Model(nn.Module):
    """``forward(inputs, tasks) -> {task: [B, O]}``; of tasks whose labels are maps [B, O, H, W].

    Args:
        arch: gives each task its features.
        tasks: the tasks, in the order of the architecture's.
        maps_by: what to type for an encoder that gives maps, for an error; None: another encoder.
        embedded: makes of the inputs what the architecture reads; None: it reads them as they are.
    """

    def __init__(
        self,
        arch: Architecture,
        tasks: Sequence[Task],
        maps_by: str | None = None,
        embedded: EmbeddedInputs | None = None,
    ) -> None:
        super().__init__()
        self.embedded = embedded
        self.arch = arch
        self.task_modules = nn.ModuleDict({module_key(task.name): task for task in tasks})
        self._tasks = {task.name: task for task in tasks}
        self.derivation = Derivation(tasks)
        headed = [task for task in tasks if task.name not in self.derivation.tasks]
        self.heads = nn.ModuleDict(
            {module_key(task.name): make_head(task, arch, maps_by) for task in headed}
        )
        whole = [task for task in headed if task.name not in self.derivation.parts]
        self._logits = [task.name for task in whole if isinstance(task, TwoClasses)]
        self._reach: Reach | None = None
        self._part_at_tensors = False

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks by name."""
        return self._tasks

    @property
    def trained(self) -> list[str]:
        """Those of the tasks that have a loss."""
        return [name for name, task in self.tasks.items() if task.trained]

    @property
    def representations(self) -> list[Tensor]:
        """The tensors of the last forward pass at which the tasks part; empty: at no single one."""
        return self.arch.representations

    def forward(
        self, inputs: Mapping[str, Examples], tasks: Collection[str] | None = None
    ) -> dict[str, Tensor]:
        """The outputs of ``tasks`` (all, where None) whose input is present."""
        features = self.arch(self.embed(inputs), self.derivation.needed(tasks))
        given = {task: self.heads[module_key(task)](f) for task, f in features.items()}
        outputs = {task: self.tasks[task].calibrated(output) for task, output in given.items()}
        self.arch.see({task: outputs[task] for task in self._logits if task in outputs})
        return self.derivation.add(outputs, self.tasks, tasks)

    @property
    def inputs(self) -> dict[str, InputSpec]:
        """``{input name: its spec}``."""
        return self.arch.inputs if self.embedded is None else self.embedded.inputs

    def embed(self, inputs: Mapping[str, Examples]) -> Mapping[str, Examples]:
        """The inputs as the architecture reads them."""
        return inputs if self.embedded is None else self.embedded(inputs)

    def shared_parameters(self) -> list[nn.Parameter]:
        """The parameters with an entry that the losses of several tasks reach."""
        reached = self.reached()
        shared = self._reach is not None and self._reach.slices_are_shared
        stacked = set() if shared else {id(p) for p in self.arch.stacked_over_tasks()}
        return [
            p for n, p in self.named_parameters() if len(reached[n]) > 1 and id(p) not in stacked
        ]

    def specific_parameters(self) -> list[nn.Parameter]:
        """All other parameters: of one task, or with a slice for each."""
        shared = {id(p) for p in self.shared_parameters()}
        return [p for p in self.parameters() if id(p) not in shared]

    def last_shared_parameters(self) -> list[nn.Parameter]:
        """Those of the last shared layer, of the last one that each task reaches where they differ.

        Where that is to be looked for, `Architecture.last_shared_layer` says.
        """
        names = {id(p): name for name, p in self.named_parameters()}
        shared = [p for p in self.shared_parameters() if p.requires_grad]
        found: dict[int, nn.Parameter] = {}
        for task in self.tasks:
            mine = {id(p) for p in shared if task in self.reached()[names[id(p)]]}
            layer = last_layer(self.arch.last_shared_layer() or self.arch, mine)
            found |= {id(p): p for p in layer}
        return list(found.values())

    def zero_shared_grad(self) -> None:
        """Forgets the gradients of the shared parameters."""
        for parameter in self.shared_parameters():
            parameter.grad = None

    def tasks_part_at_tensors(self) -> bool:
        """Whether all that the tasks share lies before `representations`."""
        self.reached()
        return self._part_at_tensors

    def groups(self) -> list[Group]:
        """The tasks in groups that share no parameter with each other.

        Tasks of one group are connected by a tensor that both reach, or by a chain of such, so
        training the groups together is training each of them alone.
        """
        reached = self.reached()
        assert self._reach is not None
        measured = measured_with(self.tasks, self.derivation, self._reach)
        linked = [*reached.values(), *(own | {task} for task, own in measured.items())]
        own = {
            task: f"task_modules.{key}."
            for key, task in zip(self.task_modules, self.tasks, strict=True)
        }
        owners = owners_of(self.state_dict(), reached, own)
        return [self._group(tasks, owners) for tasks in joined(linked, list(self.tasks))]

    def _group(self, tasks: list[str], owners: Mapping[str, frozenset[str]]) -> Group:
        mine = [name for name, own in owners.items() if not own.isdisjoint(tasks)]
        shared = {id(p) for p in self.shared_parameters()}
        parameters = [p for n, p in self.named_parameters() if n in mine and p.requires_grad]
        ids = {id(p) for p in parameters}
        assert self._reach is not None
        towers = [self._reach.leaves[t] for t in tasks if t not in self.derivation.tasks]
        return Group(
            tasks=tasks,
            trained=[task for task in tasks if self.tasks[task].trained],
            is_apart=len(tasks) > 1 and sum(map(len, towers)) == len(set().union(*towers)),
            shared=[p for p in parameters if id(p) in shared],
            specific=[p for p in parameters if id(p) not in shared],
            last_shared=[p for p in self.last_shared_parameters() if id(p) in ids],
            state_names=mine,
        )

    def reached(self) -> dict[str, frozenset[str]]:
        """For each parameter, the tasks whose loss reaches it.

        Found once, by walking the graphs of made-up losses, so that an architecture has nothing to
        declare but the parameters that it stacks over tasks.
        """
        if self._reach is None:
            headed = [name for name in self.tasks if name not in self.derivation.tasks]
            heads = {name: self.heads[module_key(name)] for name in headed}
            reach = find_reach(self, self.arch, self.inputs, self.tasks, heads)
            ends, parting = reach.losses, reach.representations
            self._reach = replace(reach, losses=[], representations=[])  # whose graphs are large
            self._part_at_tensors = all_pass(parting, ends, self.shared_parameters())
        return self._reach.parameters
