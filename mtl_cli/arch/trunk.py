"""An encoder for several inputs, or copies of it side by side, whose stages are run one by one."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from torch import Tensor, nn

from mtl_cli.arch.loop import Each, run_pausing, run_stages, together
from mtl_cli.basis.batch import Encoded, Examples
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.encoder.base import Encoder

MakeEncoder = Callable[[InputSpec], Encoder]


class Trunk(nn.Module):
    """An encoder for several inputs, or ``copies`` of it side by side, stage by stage.

    Inputs of equal spec share every stage. Inputs of different specs have a first stage of their
    own, and share the later ones whose input and output shapes agree.

    Args:
        make_encoder: makes an encoder for a spec.
        inputs: ``{input name: its spec}``.
        combine: how the same stage of the encoders made for one spec becomes one module;
            called with a list of ``copies`` stages and whether it is the first.
        copies: how many encoders to make for each spec.

    Raises:
        ValueError: where inputs of different specs can share no stage.
    """

    def __init__(
        self,
        make_encoder: MakeEncoder,
        inputs: Mapping[str, InputSpec],
        copies: int = 1,
        combine: Callable[[list[nn.Module], bool], nn.Module] = lambda stages, first: stages[0],
    ) -> None:
        super().__init__()
        specs = list(dict.fromkeys(inputs.values()))
        encoders = {spec: [make_encoder(spec) for _ in range(copies)] for spec in specs}
        shapes = {spec: encoders[spec][0].shapes for spec in specs}
        self.num_stages = len(shapes[specs[0]])
        self.shapes = shapes[specs[0]]
        self.stages = nn.ModuleList()  # by stage: one module for each group of specs
        self.which: list[dict[str, int]] = []  # by stage: {input: its module}
        for s in range(self.num_stages):
            signatures = {
                spec: (shapes[spec][s - 1], shapes[spec][s]) if s else spec for spec in specs
            }
            groups = list(dict.fromkeys(signatures.values()))
            owners = [next(sp for sp in specs if signatures[sp] == group) for group in groups]
            stage = [combine([e.stages[s] for e in encoders[owner]], s == 0) for owner in owners]
            self.stages.append(nn.ModuleList(stage))
            self.which.append({name: groups.index(signatures[sp]) for name, sp in inputs.items()})
        if len(specs) > 1 and all(len(stage) == len(specs) for stage in self.stages):  # type: ignore[arg-type]
            found = ", ".join(f"{name}: {spec}" for name, spec in inputs.items())
            rule = "needs a stage after the first whose shapes agree, to share between inputs"
            fix = "an encoder with more stages ('encoder.hidden=[128,128]'), or arch=single_task"
            raise problem("encoder", rule, found, fix)
        self.stage_shapes = {name: shapes[spec] for name, spec in inputs.items()}
        self.out_shapes = {name: own[-1] for name, own in self.stage_shapes.items()}

    def of_input(self, input: str) -> list[nn.Module]:
        """The stages that an input goes through."""
        pairs = zip(self.stages, self.which, strict=True)
        return [list(stage.children())[own[input]] for stage, own in pairs]

    def run(self, stages: Iterable[int], x: Each, input: str) -> Tensor | list[Tensor]:
        """These stages (from 0) on what the stage before gave for this input: see `run_stages`."""
        return run_stages([self.stages[s][self.which[s][input]] for s in stages], x)  # type: ignore[index]

    def stage(self, s: int, x: Examples, input: str) -> Tensor:
        return together(self.run([s], x, input))

    def forward(self, x: Examples, input: str) -> Tensor:
        return together(self.run(range(self.num_stages), x, input))

    def pausing(
        self, stops: Sequence[int], x: Each, input: str, within: range | None = None
    ) -> list[Tensor]:
        """What comes after each of ``stops``, stages before the last, and after the last.

        Args:
            stops: in order.
            x: what the first stage reads.
            input: the name of the input.
            within: the stages that are run; None: all.
        """
        if isinstance(x, Encoded):
            return [x.features]
        run = range(self.num_stages) if within is None else within
        stages = [self.stages[s][self.which[s][input]] for s in run]  # type: ignore[index]
        return run_pausing(stages, [stop - run.start for stop in stops], x)
