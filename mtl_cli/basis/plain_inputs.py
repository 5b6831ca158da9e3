"""Input specs as plain words and numbers, as a file holds them."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, cast

from mtl_cli.basis.inputs import InputSpec, Joined


def as_plain(spec: InputSpec) -> dict[str, Any]:
    """A spec as words and numbers, for a file: without what is as usual, or what equal specs may
    differ in."""
    if isinstance(spec, Joined):
        return {"kind": spec.kind, "parts": {name: as_plain(part) for name, part in spec.parts}}
    own = cast(Any, spec)
    usual = {option.name: option.default for option in fields(own) if option.compare}
    values = {name: value for name, value in asdict(own).items() if name in usual}
    return {"kind": spec.kind} | {k: v for k, v in values.items() if v != usual[k]}


def from_plain(values: dict[str, Any]) -> InputSpec:
    """The spec that `as_plain` gave these words and numbers of, after a way through JSON."""
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    kinds = {spec.kind: spec for spec in InputSpec.__subclasses__()}
    kind = options.pop("kind", None)
    if kind not in kinds:
        raise ValueError(f"no kind of input is called {kind!r}; there are {', '.join(kinds)}")
    if kind == Joined.kind:
        return Joined(tuple((name, from_plain(part)) for name, part in values["parts"].items()))
    return kinds[kind](**options)
