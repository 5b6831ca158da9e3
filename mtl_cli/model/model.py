"""The model: an architecture and the head of each task, and which parameters the tasks share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from mtl_cli.arch.base import Architecture, Features
from mtl_cli.basis.backward_graph import leaf_ids
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.naming import module_key
from mtl_cli.model.heads import make_head
from mtl_cli.model.last_layer import last_layer
from mtl_cli.model.mode import mode
from mtl_cli.task.base import Task
from mtl_cli.weighting.jacobian import all_pass


@dataclass(frozen=True)
class Group:
    """Tasks that share a parameter, directly or through others, and all that belongs to them."""

    tasks: list[str]
    shared: list[nn.Parameter]
    specific: list[nn.Parameter]
    last_shared: list[nn.Parameter]  # those of the last shared layer
    state_names: list[str]  # keys of the model's state_dict

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [*self.shared, *self.specific]


class Model(nn.Module):
    """``forward(inputs, tasks) -> {task: [B, O]}``; of tasks whose labels are maps [B, O, H, W].

    Args:
        arch: gives each task its features.
        tasks: the tasks, in the order of the architecture's.
        maps_by: what to type for an encoder that gives maps, for an error; None: another encoder.
    """

    def __init__(
        self, arch: Architecture, tasks: Sequence[Task], maps_by: str | None = None
    ) -> None:
        super().__init__()
        self.arch = arch
        self.task_modules = nn.ModuleDict({module_key(task.name): task for task in tasks})
        self._tasks = {task.name: task for task in tasks}
        self.heads = nn.ModuleDict(
            {module_key(task.name): make_head(task, arch, maps_by) for task in tasks}
        )
        self._reached: dict[str, frozenset[str]] | None = None
        self._part_at_tensors = False

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks by name."""
        return self._tasks

    @property
    def representations(self) -> list[Tensor]:
        """The tensors of the last forward pass at which the tasks part; empty: at no single one."""
        return self.arch.representations

    def forward(
        self, inputs: Mapping[str, Examples], tasks: Collection[str] | None = None
    ) -> dict[str, Tensor]:
        """The outputs of ``tasks`` (all, where None) whose input is present."""
        features = self.arch(inputs, tasks)
        return {task: self.heads[module_key(task)](f) for task, f in features.items()}

    def shared_parameters(self) -> list[nn.Parameter]:
        """The parameters with an entry that the losses of several tasks reach."""
        stacked = {id(p) for p in self.arch.stacked_over_tasks()}
        reached = self.reached()
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
        groups: list[set[str]] = []
        for tasks in map(set, self.reached().values()):
            joined = [group for group in groups if group & tasks]
            groups = [group for group in groups if not group & tasks]
            groups += [set.union(tasks, *joined)] if tasks else []
        position = {task: k for k, task in enumerate(self.tasks)}
        ordered = [sorted(group, key=position.__getitem__) for group in groups]
        return [self._group(tasks) for tasks in sorted(ordered, key=lambda g: position[g[0]])]

    def _group(self, tasks: list[str]) -> Group:
        mine = [name for name, owners in self._owners().items() if not owners.isdisjoint(tasks)]
        shared = {id(p) for p in self.shared_parameters()}
        parameters = [p for n, p in self.named_parameters() if n in mine and p.requires_grad]
        own = {id(p) for p in parameters}
        return Group(
            tasks=tasks,
            shared=[p for p in parameters if id(p) in shared],
            specific=[p for p in parameters if id(p) not in shared],
            last_shared=[p for p in self.last_shared_parameters() if id(p) in own],
            state_names=mine,
        )

    def _owners(self) -> dict[str, frozenset[str]]:
        """For each key of ``state_dict``, the tasks that it belongs to.

        A buffer (batch norm's statistics, say) belongs to the tasks of the parameters of the
        smallest module around it that has some.
        """
        reached = self.reached()
        owners = {}
        for name in self.state_dict():
            module = name
            while name not in reached and module:
                module = module.rpartition(".")[0]
                around = [tasks for n, tasks in reached.items() if n.startswith(f"{module}.")]
                if around:
                    owners[name] = frozenset.union(*around)
                    break
            owners.setdefault(name, reached.get(name, frozenset(self.tasks)))
        for key, task in zip(self.task_modules, self.tasks, strict=True):
            prefix = f"task_modules.{key}."
            owners |= {name: frozenset([task]) for name in owners if name.startswith(prefix)}
        return owners

    def reached(self) -> dict[str, frozenset[str]]:
        """For each parameter, the tasks whose loss reaches it.

        Found once, by walking the graph of a forward pass on made-up examples, so that an
        architecture has nothing to declare but the parameters that it stacks over tasks.
        """
        if self._reached is None:
            features, representations = self._try_arch()
            roots = {t: own if isinstance(own, list) else [own] for t, own in features.items()}
            leaves = {task: leaf_ids(own) for task, own in roots.items()}
            for key, task in zip(self.heads, self.tasks, strict=True):
                leaves[task] |= {id(p) for p in self.heads[key].parameters()}
            self._reached = {
                name: frozenset(task for task in leaves if id(p) in leaves[task])
                for name, p in self.named_parameters()
            }
            ends = [own for each in roots.values() for own in each]
            self._part_at_tensors = all_pass(representations, ends, self.shared_parameters())
        return self._reached

    def _try_arch(self) -> tuple[dict[str, Features], list[Tensor]]:
        """Features and representations of a training forward pass that leaves no trace."""
        device = next(self.parameters()).device
        buffers = {name: buffer.clone() for name, buffer in self.arch.named_buffers()}
        before = self.arch.representations
        others = [] if device.type == "cpu" else [device.index or 0]
        with (
            torch.random.fork_rng(others, device_type="cuda" if not others else device.type),
            torch.enable_grad(),
            mode(self.arch, training=True),
        ):
            examples = {n: spec.example(2).to(device) for n, spec in self.arch.inputs.items()}
            features = functional_call(self.arch, buffers, (examples,))  # writes to the copies
        representations, self.arch.representations = self.arch.representations, before
        return features, representations
