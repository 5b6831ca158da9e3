"""Groups of tasks that are trained together, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Group:
    """Tasks that share a parameter, directly or through others, and all that belongs to them."""

    tasks: list[str]
    trained: list[str]  # those of them that have a loss
    is_apart: bool  # whether what their heads read shares nothing: a derived task alone joins them
    shared: list[nn.Parameter]
    specific: list[nn.Parameter]
    last_shared: list[nn.Parameter]  # those of the last shared layer
    state_names: list[str]  # keys of the model's state_dict

    @property
    def parameters(self) -> list[nn.Parameter]:
        return [*self.shared, *self.specific]


def joined(linked: Iterable[frozenset[str]], order: Sequence[str]) -> list[list[str]]:
    """The tasks in groups without a link between them.

    Args:
        linked: tasks that belong together.
        order: of all tasks.
    """
    groups: list[set[str]] = []
    for tasks in map(set, linked):
        touched = [group for group in groups if group & tasks]
        groups = [group for group in groups if not group & tasks]
        groups += [set.union(tasks, *touched)] if tasks else []
    position = {task: k for k, task in enumerate(order)}
    ordered = [sorted(group, key=position.__getitem__) for group in groups]
    return sorted(ordered, key=lambda group: position[group[0]])


def owners_of(
    names: Iterable[str], reached: Mapping[str, frozenset[str]], own: Mapping[str, str]
) -> dict[str, frozenset[str]]:
    """For each key of a model's ``state_dict``, the tasks that it belongs to.

    A buffer (batch norm's statistics, say) belongs to the tasks of the parameters of the smallest
    module around it that has some.

    Args:
        names: the keys.
        reached: ``{parameter: the tasks whose loss reaches it}``.
        own: ``{task: the beginning of the keys that are its own}``.
    """
    owners = {}
    for name in names:
        module = name
        while name not in reached and module:
            module = module.rpartition(".")[0]
            around = [tasks for n, tasks in reached.items() if n.startswith(f"{module}.")]
            if around:
                owners[name] = frozenset[str]().union(*around)
                break
        owners.setdefault(name, reached.get(name, frozenset(own)))
    for task, prefix in own.items():
        owners |= {name: frozenset([task]) for name in owners if name.startswith(prefix)}
    return owners
