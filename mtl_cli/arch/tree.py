"""A fixed tree: tasks share the first stages of their paths and part where the paths do.

It trains anew what ``arch=ltb`` learned, as in Guo, Lee & Ulbricht, "Learning to Branch for
Multi-Task Learning", ICML 2020, https://arxiv.org/abs/2006.01895, or a tree drawn by hand.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.branches import Branches, check_tree, read_tree, renumber
from mtl_cli.arch.experts import stack
from mtl_cli.arch.loop import Loop
from mtl_cli.arch.trunk import MakeEncoder, Trunk
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec


class Tree(Architecture):
    """``f_k(x) = E_S,c_kS(... E_1,c_k1(x))``, where ``c_ks`` is task k's column at stage s.

    A column is there for the tasks that take it and has its parameters once. With neither
    ``learned_in`` nor ``branches``, the tasks share all stages but the last, of which each has its
    own; where that would leave nothing to share (one stage, say), they share the last one too.

    Args:
        make_encoder: makes a column, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        learned_in: the folder of a run that learned a tree, or None.
        branches: the tree itself, ``{task: its column at each stage}``, or None.

    Raises:
        ValueError: where both are given, or what is given is no tree of these tasks and stages.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        learned_in: str | None,
        branches: Branches | None,
    ) -> None:
        super().__init__(inputs, tasks)
        if learned_in is not None and branches is not None:
            fix = "arch.branches=null, or arch.learned_in=null"
            raise problem("arch", "takes learned_in or branches, not both", "both", fix)
        trunk = Trunk(make_encoder, inputs)
        given = read_tree(learned_in) if learned_in is not None else branches
        slot = "arch.branches" if learned_in is None else f"arch.learned_in={learned_in}"
        if given is None:
            given = default_tree(trunk, list(tasks))
        check_tree(slot, given, list(tasks), trunk.num_stages)
        self.paths = renumber({task: given[task] for task in tasks})
        widths = [max(columns) + 1 for columns in zip(*self.paths.values(), strict=True)]
        columns = [trunk, *(Trunk(make_encoder, inputs) for _ in range(1, max(widths)))]
        self.at_stages(trunk.stage_shapes)
        self.stages = nn.ModuleList(self.make_stage(s, columns) for s in range(len(widths)))
        # The stage after which the tasks part, where they all do so at once; else -1.
        self.parting = widths.count(1) - 1 if set(widths) <= {1, len(tasks)} else -1

    def make_stage(self, s: int, columns: list[Trunk]) -> nn.ModuleList:
        """The columns of stage s, those in one part that can be computed as one.

        Columns that share nothing stay apart, and so do those of one task and those of several.
        """
        takers: dict[tuple[int, int], list[str]] = {}  # {(group of specs, column): its tasks}
        for task, path in self.paths.items():
            takers.setdefault((columns[0].which[s][self.tasks[task]], path[s]), []).append(task)
        alike: dict[tuple[frozenset[str], int, bool], list[tuple[int, int]]] = {}
        for key, own in takers.items():
            names = frozenset(self.tasks[task] for task in own)
            alike.setdefault((names, self.paths[own[0]][0], len(own) == 1), []).append(key)
        parts = nn.ModuleList()
        for (names, _, is_own), keys in alike.items():
            modules = [columns[c].stages[s][group] for group, c in keys]  # type: ignore[index]
            parents = [self.paths[takers[key][0]][s - 1] if s > 0 else 0 for key in keys]
            numbers = [c for _, c in keys]
            together = stack(modules, len(set(parents)) == 1) if len(keys) > 1 else None
            if together is None or isinstance(together, Loop):
                each = zip(modules, numbers, parents, strict=True)
                parts.extend(Part(m, [c], [parent], names, is_own) for m, c, parent in each)
            else:
                parts.append(Part(together, numbers, parents, names, is_own))
        return parts

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        features: dict[int, Any] = {0: x}  # of the stage before, by column
        for s, stage in enumerate(self.stages):
            wanted = {self.paths[task][s] for task in tasks}
            parts = [part for part in stage.children() if isinstance(part, Part)]
            outputs = [part(features, wanted) for part in parts if input in part.inputs]
            features = {column: y for output in outputs for column, y in output.items()}
            if tapping := self.tapping(s, tasks):
                self.tap(s, {task: features[self.paths[task][s]] for task in tapping})
            if s == self.parting:
                features[0] = self.mark_representation(features[0])
        return {task: features[self.paths[task][-1]] for task in tasks}

    def stacked_over_tasks(self) -> Iterable[nn.Parameter]:
        parts = [part for part in self.modules() if isinstance(part, Part) and part.is_own]
        return [parameter for part in parts for parameter in part.parameters()]


class Part(nn.Module):
    """Columns of one stage that are computed as one.

    Args:
        module: computes them.
        columns: their numbers; where there are several, ``module`` is a stack of them.
        parents: for each, the column of the stage before that it reads.
        inputs: the names of the inputs that come through them.
        is_own: whether each belongs to one task alone.
    """

    def __init__(
        self,
        module: nn.Module,
        columns: list[int],
        parents: list[int],
        inputs: frozenset[str],
        is_own: bool,
    ) -> None:
        super().__init__()
        self.columns = columns
        self.parents = parents
        self.inputs = inputs
        self.is_own = is_own
        self.reads_one = len(set(parents)) == 1
        self.module = module

    def forward(self, features: dict[int, Any], wanted: set[int]) -> dict[int, Tensor]:
        """What those of the columns that are wanted make of the stage before."""
        rows = [i for i, column in enumerate(self.columns) if column in wanted]
        if not rows:
            return {}
        x = features[self.parents[rows[0]]]
        if len(self.columns) == 1:
            return {self.columns[0]: self.module(x)}
        if not self.reads_one:
            x = torch.stack([features[self.parents[i]] for i in rows])
        y = self.module(x, None if len(rows) == len(self.columns) else rows)
        return {self.columns[i]: h for i, h in zip(rows, y, strict=True)}


def default_tree(trunk: Trunk, tasks: list[str]) -> dict[str, list[int]]:
    """All stages but the last shared, where that leaves the tasks one to share; else all."""
    num_specs = max(len(set(which.values())) for which in trunk.which)
    shared = [num_specs == 1 or len(set(w.values())) < num_specs for w in trunk.which[:-1]]
    return {t: [0] * (trunk.num_stages - 1) + [k * any(shared)] for k, t in enumerate(tasks)}
