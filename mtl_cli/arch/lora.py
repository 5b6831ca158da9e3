"""Low-rank adaptation: one encoder, often pretrained and frozen, that each task changes a little.

Agiza, Neseem & Reda, "MTLoRA: A Low-Rank Adaptation Approach for Efficient Multi-Task Learning",
CVPR 2024, https://arxiv.org/abs/2403.20320, sections 3.2 and 3.3.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mtl_cli.arch.adapted import adapt, has_own, is_adapted, names_before
from mtl_cli.arch.base import Architecture
from mtl_cli.arch.low_rank import Ranks, Turn
from mtl_cli.arch.trunk import MakeEncoder, Trunk
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_boolean, check_integer, check_number, problem
from mtl_cli.basis.inputs import InputSpec


class LoRA(Architecture):
    """``f_k(x) = E_k(x)``, where each linear map of the encoder is ``W x + s (B A x + B_k A_k x)``.

    From the first map with additions of tasks on, the rows of all go through the encoder together,
    one task after the other; before it they have one pass, as in `HPS`.

    Departures: the paper has the tasks' own additions in the last block of each stage, and common
    ones elsewhere; here every map of the last stages has both. Its weights of tasks and its
    decoders are other parts.

    Args:
        make_encoder: makes the encoder, for an input's spec.
        inputs: ``{input name: its spec}``.
        tasks: ``{task: the input that it reads}``.
        rank: of the addition that all tasks share, at least 0; 0: there is none.
        per_task: rank of each task's own, likewise. With ``rank`` 0 these are separate adapters on
            the same encoder, which share nothing that is trained where that is frozen.
        own_stages: in how many of the encoder's last stages the tasks have their own; None: in all.
        scale: s, above 0.
        attention: whether also maps whose weights attention reads itself, instead of calling them.
        freeze: whether the encoder's own weights stay as they are.

    Raises:
        ValueError: where an input's encoder has no linear map.
    """

    adapts = nn.Linear

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
        rank: int,
        per_task: int,
        own_stages: int | None,
        scale: float,
        attention: bool,
        freeze: bool,
    ) -> None:
        super().__init__(inputs, tasks)
        check_integer("arch.rank", rank, 0, "arch.rank=8")
        check_integer("arch.per_task", per_task, 0, "arch.per_task=4")
        check_number("arch.scale", scale, "arch.scale=1.0", 0)
        check_boolean("arch.attention", attention)
        check_boolean("arch.freeze", freeze)
        self.order = {task: number for number, task in enumerate(tasks)}
        self.trunk = Trunk(make_encoder, inputs)
        self.trunk.requires_grad_(not freeze)
        self.turn = Turn()
        own_stages = self.check_stages(own_stages)
        first_own = self.trunk.num_stages - own_stages
        ranks = [
            Ranks(rank, per_task if s >= first_own else 0, scale, len(tasks))
            for s in range(self.trunk.num_stages)
        ]
        for name, spec in inputs.items():
            stages = self.trunk.of_input(name)
            if rank or per_task:
                adapt(self.trunk, stages, spec, ranks, self.turn, attention)
                if not any(map(is_adapted, self.trunk.of_input(name))):
                    rule = "needs an encoder with linear maps, as of attention, or of an MLP"
                    fix = "encoder=mlp with two layers, encoder=transformer, or arch=hps"
                    raise problem("arch=lora", rule, f"none for input {name}", fix)
        self.first = {name: self.first_adapted(name) for name in inputs}
        self.at_stages(self.trunk.stage_shapes)

    def check_stages(self, own_stages: int | None) -> int:
        """In how many of the last stages tasks have their own."""
        there = self.trunk.num_stages
        if own_stages is None:
            return there
        fix = f"arch.own_stages={there}, or null"
        check_integer("arch.own_stages", own_stages, 1, fix)
        if own_stages > there:
            rule = f"must be at most the stages of the encoder: {there}"
            raise problem("arch.own_stages", rule, own_stages, fix)
        return own_stages

    def first_adapted(self, input: str) -> int:
        """The first stage whose features are each task's own; their number, where none are."""
        stages = self.trunk.of_input(input)
        return min((s for s, own in enumerate(stages) if has_own(own)), default=len(stages))

    def encode(self, x: Examples, input: str, tasks: list[str]) -> dict[str, Tensor]:
        self.turn.tasks = [self.order[task] for task in tasks]
        first, number = self.first[input], len(tasks)
        features: Any = x
        for s in range(self.trunk.num_stages):
            if s == first and number > 1:
                features = features.repeat(number, *[1] * (features.dim() - 1))
            features = self.trunk.stage(s, features, input)
            if s + 1 == self.trunk.num_stages:
                break
            if s in self.stops(tasks):
                self.tap(s, self.by_task(features, tasks, s >= first))
        if first == self.trunk.num_stages:
            features = self.mark_representation(features)
        return self.by_task(features, tasks, first < self.trunk.num_stages)

    def by_task(self, features: Tensor, tasks: list[str], apart: bool) -> dict[str, Tensor]:
        """What each task has of the rows of all."""
        if not apart:
            return dict.fromkeys(tasks, features)
        each = features.unflatten(0, (len(tasks), -1))
        return dict(zip(tasks, each.unbind(), strict=True))

    def stacked_over_tasks(self) -> list[nn.Parameter]:
        """The tasks' own additions."""
        return [p for name, p in self.named_parameters() if ".own_" in name]

    def taken_over(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Those of the encoder without additions, as `HPS` trains it; additions begin anew."""
        before = names_before(self)
        if weights.keys() != {name for name in before.values() if name is not None}:
            return dict(weights)
        own = self.state_dict()
        return {n: own[n] if plain is None else weights[plain] for n, plain in before.items()}
