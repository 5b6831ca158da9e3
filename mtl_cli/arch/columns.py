"""Modules side by side for several inputs: the columns of a level's experts, and its gates."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from torch import Tensor, nn

from mtl_cli.arch.experts import Rows, stack
from mtl_cli.arch.loop import run_pausing
from mtl_cli.arch.trunk import Trunk
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec

Group = TypeVar("Group")


class ByInput(nn.Module):
    """A module for each group of inputs.

    Args:
        groups: ``{input name: its group}``.
        make: makes the module of a group.
    """

    def __init__(self, groups: Mapping[str, Group], make: Callable[[Group], nn.Module]) -> None:
        super().__init__()
        distinct = list(dict.fromkeys(groups.values()))
        self.which = {name: distinct.index(group) for name, group in groups.items()}
        self.choices = nn.ModuleList(map(make, distinct))

    def of(self, input: str) -> nn.Module:
        """The one of this input's group."""
        return self.choices[self.which[input]]

    def forward(self, x: Examples, input: str, rows: Rows = None) -> Tensor:
        return self.of(input)(x, rows)


class Columns(nn.Module):
    """The stages of one level, of experts side by side: [E, B, *shape] after some and the last.

    Args:
        encoders: the experts; each of its stages is a list of copies.
        stages: which of them.
        inputs: the names of the inputs that come here.
        shared_input: whether all copies read the same ``x`` [B, ...], else each its own.
    """

    def __init__(
        self, encoders: Trunk, stages: range, inputs: Iterable[str], shared_input: bool
    ) -> None:
        super().__init__()
        names = list(inputs)

        def stage(s: int) -> ByInput:
            def side_by_side(group: int) -> nn.Module:
                copies = encoders.stages[s][group]  # type: ignore[index]
                return stack(list(copies), shared_input and s == stages.start)

            return ByInput({name: encoders.which[s][name] for name in names}, side_by_side)

        self.stages = nn.ModuleList(map(stage, stages))

    def forward(
        self, x: Examples, input: str, rows: Rows = None, stops: Sequence[int] = ()
    ) -> list[Tensor]:
        stages = [stage.of(input) for stage in self.stages]  # type: ignore[operator]
        return run_pausing(stages, stops, x, rows)


class LevelGates(nn.Module):
    """Gates side by side, the same for inputs of equal spec: ``W x + b`` as [G, B, E].

    Args:
        specs: ``{input name: the spec of what the gates read}``.
        num_gates: G.
        num_experts: E.
        bias: whether they have a ``b``.
        shared_input: whether all gates read the same ``x`` [B, ...], else each its own.
    """

    def __init__(
        self,
        specs: Mapping[str, InputSpec],
        num_gates: int,
        num_experts: int,
        bias: bool,
        shared_input: bool,
    ) -> None:
        super().__init__()

        def side_by_side(spec: InputSpec) -> nn.Module:
            return stack([spec.linear(num_experts, bias) for _ in range(num_gates)], shared_input)

        self.linears = ByInput(specs, side_by_side)

    def forward(self, x: Examples, input: str, rows: Rows = None) -> Tensor:
        return self.linears(x, input, rows)
