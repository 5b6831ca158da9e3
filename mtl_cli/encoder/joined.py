"""An encoder of inputs that are made of inputs: each part by an encoder of its own kind.

Late fusion by concatenation is what a picture beside a row is usually read by; see Baltrušaitis,
Ahuja & Morency, "Multimodal Machine Learning: A Survey and Taxonomy", TPAMI 2019,
https://arxiv.org/abs/1705.09406, section 6.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any, cast

from torch import nn

from mtl_cli.basis.errors import Problem, check_choice, nearest, problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.inputs import Joined as JoinedSpec
from mtl_cli.encoder.base import Encoder, Shape
from mtl_cli.encoder.side_by_side import SideBySide, beside

JOINS = ["concat", "add"]


class Joined(Encoder):
    """``[e_1(x_1), ..., e_P(x_P)]``, or their sum.

    Where the parts' encoders have as many stages, it has a stage for each after which their
    features fit side by side: vectors, or maps of one height and width. Between stages they are
    concatenated, and each part's next stage reads its own. Else all is one stage.

    A part that an example lacks counts as a learned vector in place of what its first stage gives,
    at every position of a map; it begins at zero. What stands in the part's place goes through the
    encoder too, and counts in the statistics of a batch norm of that stage.

    Args:
        spec: the input, of parts.
        parts: ``{part: makes its encoder}``, one for each.
        join: ``concat`` or ``add``, of the last stage's features.

    Raises:
        ValueError: where a part has no encoder, an encoder no part, or features do not fit.
    """

    reads = (JoinedSpec,)

    def __init__(
        self, spec: InputSpec, parts: Mapping[str, Callable[..., Encoder]], join: str
    ) -> None:
        self.check_reads(spec)
        assert isinstance(spec, JoinedSpec)
        check_choice("encoder.join", join, JOINS, "encoder.join=concat")
        check_parts(spec, parts)
        names = [name for name, _ in spec.parts]
        encoders = [made(name, parts[name], own) for name, own in spec.parts]
        ends = [fit([own.shapes[-1] for own in encoders], names, join)]
        cuts = [0]
        depth = len(encoders[0].shapes)
        if all(len(own.shapes) == depth for own in encoders):
            after = [[own.shapes[s] for own in encoders] for s in range(depth - 1)]
            fitting = [s for s, shapes in enumerate(after) if beside(shapes) is not None]
            cuts += [s + 1 for s in fitting]
            ends = [*(cast(Shape, beside(after[s])) for s in fitting), *ends]
        stages = []
        for number, (first, end) in enumerate(pairwise([*cuts, None])):
            own = [nn.Sequential(*encoder.stages[first:end]) for encoder in encoders]
            widths = [
                encoder.shapes[first - 1 if first else (end or 0) - 1] for encoder in encoders
            ]
            is_last = number == len(cuts) - 1
            stages.append(
                SideBySide(
                    names, own, [w[0] for w in widths], not number, is_last and join == "add"
                )
            )
        super().__init__(stages, ends)

    @classmethod
    def kept(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        own = {name: kind_of(part).kept(part) for name, part in options["parts"].items()}
        if not any(own.values()):
            return {}
        return {"parts": {name: {**part, **own[name]} for name, part in options["parts"].items()}}

    @classmethod
    def to_be_loaded(cls, options: Mapping[str, Any]) -> dict[str, Any]:
        parts = options["parts"].items()
        return {
            **options,
            "parts": {name: kind_of(part).to_be_loaded(part) for name, part in parts},
        }

    @classmethod
    def widened(cls, options: Mapping[str, Any], factor: float) -> dict[str, Any]:
        wider = {
            f"parts.{name}.{option}": value
            for name, part in options["parts"].items()
            for option, value in kind_of(part).widened(part, factor).items()
        }
        return wider


def fit(shapes: Sequence[Shape], names: Sequence[str], join: str) -> Shape:
    """The shape of what comes out of the last stages.

    Raises:
        ValueError: where these cannot be concatenated, or added.
    """
    found = ", ".join(f"{name}: {shape}" for name, shape in zip(names, shapes, strict=True))
    together = beside(shapes)
    if together is None:
        rule = "needs encoders whose last features are all vectors, or all maps of one size"
        raise problem("encoder=joined", rule, found, "encoder.parts.<part>.pool=true")
    if join == "concat":
        return together
    if len(set(shapes)) > 1:
        rule = "needs encoders that give features of one shape"
        raise problem("encoder.join=add", rule, found, "encoder.join=concat")
    return shapes[0]


def check_parts(spec: JoinedSpec, parts: Any) -> None:
    """Refuses parts without an encoder, and encoders of what is no part."""
    names = [name for name, _ in spec.parts]
    whole = f"'encoder.parts={{{', '.join(f'{n}: {usual(own)}' for n, own in spec.parts)}}}'"
    if not isinstance(parts, Mapping):
        raise problem("encoder.parts", "must be {part: encoder}", parts, whole)
    for name in parts:
        if name not in names:
            rule = f"must be of a part of the input: {', '.join(names)}"
            close = nearest(str(name), names)
            said = {close if own == name else own: chosen(make) for own, make in parts.items()}
            renamed = ", ".join(f"{own}: {kind}" for own, kind in said.items())
            fix = f"'encoder.parts={{{renamed}}}'" if close else whole
            raise problem(f"encoder.parts.{name}", rule, f"no part {name}", fix)
    if lacking := [name for name in names if name not in parts]:
        rule = f"must say an encoder for each part: {', '.join(names)}"
        raise problem("encoder.parts", rule, f"none for {', '.join(lacking)}", whole)
    for name, make in parts.items():
        if isinstance(make, partial) and make.keywords.get("cache"):
            rule = "must be false: features are kept of an input, and not of a part of one"
            raise problem(
                f"encoder.parts.{name}.cache", rule, True, f"encoder.parts.{name}.cache=false"
            )
        kind = make.func if isinstance(make, partial) else make
        if not (isinstance(kind, type) and issubclass(kind, Encoder)):
            fix = f"encoder.parts.{name}=mlp"
            raise problem(f"encoder.parts.{name}", "must be an encoder", str(make), fix)


def usual(spec: InputSpec) -> str:
    """An encoder that reads an input of a kind, for an error."""
    if spec.kind == "subword ids":
        return "hf_text"
    return "resnet" if len(getattr(spec, "shape", ())) == 3 else "mlp"


def chosen(make: Any) -> str:
    """The word that chooses an encoder, as it stands in a configuration."""
    kind = make.func if isinstance(make, partial) else make
    return str(getattr(kind, "__module__", "mlp")).rpartition(".")[2]


def made(name: str, make: Callable[..., Encoder], spec: InputSpec) -> Encoder:
    """The encoder of a part; what it says of its options is said of the part's."""
    try:
        return make(spec)
    except Problem as error:
        here = f"encoder.parts.{name}"
        said = error.at("encoder", here)
        if said.thing == error.thing:
            said = problem(f"{here}: {said.thing}", said.rule, said.found, said.fix)
        raise said from error


def kind_of(part: Mapping[str, Any]) -> type[Encoder]:
    """The class of a part's encoder, of its options."""
    module, _, name = part["_target_"].rpartition(".")  # which the slot has checked
    return cast(type[Encoder], getattr(import_module(module), name))
