"""Makes the extraction levels of CGC and PLE out of whole encoders, and checks their options."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from torch import nn

from mtl_cli.arch.columns import Columns, LevelGates
from mtl_cli.arch.extraction import Level
from mtl_cli.arch.task_experts import TaskExperts
from mtl_cli.arch.trunk import MakeEncoder, Trunk
from mtl_cli.basis.errors import check_boolean, check_integer, problem
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.base import Shape

NumTaskExperts = int | Sequence[int] | Mapping[str, int]


def make_levels(
    make_encoder: MakeEncoder,
    inputs: Mapping[str, InputSpec],
    tasks: Mapping[str, str],
    num_shared_experts: int,
    num_task_experts: NumTaskExperts,
    gate_bias: bool,
    num_levels: int | None,
) -> tuple[list[Level], dict[str, list[Shape]]]:
    """The levels, and ``{input name: the shape of its features after each stage}``.

    Inputs share the stages of an expert as in a `Trunk`. What only the tasks of one input need (at
    the last level their own experts, at the last two their gates) is made for that input alone.
    """
    check_integer("arch.num_shared_experts", num_shared_experts, 1, "arch.num_shared_experts=4")
    check_boolean("arch.gate_bias", gate_bias)
    counts = count_experts(num_task_experts, list(tasks))

    def encoders(names: Iterable[str], copies: int) -> Trunk:
        specs = {name: inputs[name] for name in names}
        return Trunk(make_encoder, specs, copies, lambda stages, first: nn.ModuleList(stages))

    shared = encoders(inputs, num_shared_experts)
    levels = split_stages(shared.num_stages, num_levels)
    groups: dict[tuple[str, int], list[str]] = {}  # {(input, own experts of a task): tasks}
    for task, name in tasks.items():
        groups.setdefault((name, counts[task]), []).append(task)
    own = {
        (name, count): encoders([name] if len(levels) == 1 else inputs, count * len(members))
        for (name, count), members in groups.items()
        if count
    }
    made = []
    for level, stages in enumerate(levels):
        is_first, is_last = level == 0, level == len(levels) - 1
        mixes_all = level < len(levels) - 2
        in_shapes = {name: shapes[stages.start - 1] for name, shapes in shared.stage_shapes.items()}
        reads = {
            name: spec if is_first else Dense(in_shapes[name][:1]) for name, spec in inputs.items()
        }
        parts = []
        for (name, count), members in groups.items():
            at_work = [name] if is_last else list(inputs)
            experts = Columns(own[name, count], stages, at_work, is_first) if count else None
            specs = reads if mixes_all else {name: reads[name]}
            num_experts = count + num_shared_experts
            gates = LevelGates(specs, len(members), num_experts, gate_bias, is_first)
            parts.append(TaskExperts(members, count, experts, gates))
        num_experts = sum(counts.values()) + num_shared_experts
        made.append(
            Level(
                shared=Columns(shared, stages, inputs, shared_input=True),
                tasks=parts,
                gate=None if is_last else LevelGates(reads, 1, num_experts, gate_bias, True),
                in_shapes=None if is_first else in_shapes,
                mixes_all=mixes_all,
                stages=stages,
            )
        )
    return made, shared.stage_shapes


def split_stages(num_stages: int, num_levels: int | None) -> list[range]:
    """The stages of each level: consecutive, and as equally many as can be."""
    if num_levels is None:
        num_levels = min(2, num_stages)
    check_integer("arch.num_levels", num_levels, 1, "arch.num_levels=2")
    if num_levels > num_stages:
        rule = f"must be at most the number of the encoder's stages, {num_stages}"
        fix = f"arch.num_levels={num_stages}, or more stages ('encoder.hidden=[128,128]')"
        raise problem("arch.num_levels", rule, num_levels, fix)
    bounds = [num_stages * level // num_levels for level in range(num_levels + 1)]
    return [range(*ends) for ends in pairwise(bounds)]


def count_experts(num_task_experts: NumTaskExperts, tasks: list[str]) -> dict[str, int]:
    """How many experts of its own each task has.

    Raises:
        ValueError: where that is no number, nor one for each task.
    """
    thing = "arch.num_task_experts"
    given = num_task_experts
    if isinstance(given, Mapping):
        fix = "'arch.num_task_experts={" + ", ".join(f"{task}: 2" for task in tasks) + "}'"
        if set(given) != set(tasks):
            rule = f"must name each task once: {', '.join(tasks)}"
            raise problem(thing, rule, ", ".join(map(str, given)) or "none", fix)
        counts = {task: given[task] for task in tasks}
    elif isinstance(given, list | tuple):
        fix = f"'arch.num_task_experts=[{','.join('2' for _ in tasks)}]'"
        if len(given) != len(tasks):
            rule = f"must have a number for each task: {', '.join(tasks)}"
            raise problem(thing, rule, given, fix)
        counts = dict(zip(tasks, given, strict=True))
    else:
        check_integer(thing, given, 0, "arch.num_task_experts=2")
        assert isinstance(given, int)
        return dict.fromkeys(tasks, given)
    for task, count in counts.items():
        check_integer(f"{thing} of {task}", count, 0, fix)
    return counts
