"""The slots of a config: what stands in one is checked before anything of it is called.

A config is not a program: each slot takes only classes of its kind, which is checked on the
resolved object before it is called; functions are refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torchjd.linalg import DualConeProjector

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.command_line.own_parts import known
from mtl_cli.trust.foreign import leaves

PARTS = ("experts", "layers", "heads", "columns")  # what a model is made of, in options num_*
MOST_PARTS = 10_000
OTHER = re.compile(r"\$\{(?:oc\.select:)?([a-z]\w*(?:\.\w+)*)\}")  # an option, in another's place
MISSING = re.compile(r"missing \d+ required [\w-]+ arguments?: .*")  # as Python says it
A_METRIC = "{_target_: mtl_cli.metric.gauc.GAUC, by: <column>, weighted_by: rows}"
RESERVED = ("_target_", "_partial_", "_recursive_", "_convert_", "_args_")


class Factory:
    """A class and the config's values for it, checked; calling it adds the live objects.

    Args:
        slot: where in the config it stands.
        node: the config.
        advice: what to do where the class refuses the values.
        by: the name of the class method that takes them; None: the class itself does.
        from_others: ``{option: the one whose value it has}``, as far as the config says so.
    """

    def __init__(
        self,
        slot: str,
        node: dict[str, Any],
        advice: str,
        by: str | None = None,
        from_others: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.slot = slot
        self.by = by
        self.advice = advice
        self.from_others = dict(from_others)
        self.target = node["_target_"]
        self.values = {key: value for key, value in node.items() if not key.startswith("_")}

    @property
    def kind(self) -> Any:
        """The class."""
        return get_object(self.target)

    def __call__(self, *args: Any, **live: Any) -> Any:
        try:
            maker = self.kind if self.by is None else getattr(self.kind, self.by)
            return maker(*args, **(built(self.values) | live))
        except Problem as error:
            raise self.placed(error) from error
        except Exception as error:
            if isinstance(error, TypeError) and (missing := MISSING.search(str(error))):
                raise self.lacks(re.findall(r"'(\w+)'", missing[0])) from error
            given = ", ".join(f"{key}={value!r}" for key, value in self.values.items())
            found = f"{type(error).__name__}: {error}\n          from {given or 'no values'}"
            rule = f"must be values that {self.target} takes"
            raise problem(self.slot, rule, found, self.advice) from error

    def placed(self, error: Problem) -> Problem:
        """What a class says of its own option, which cannot know where in the config it stands:
        ``by``, or ``loss.least`` of ``tasks.cvr.loss``; or of one whose value another option is."""
        for option, other in self.from_others.items():
            if error.thing == (path := f"{self.slot}.{option}") and self.values.get(option):
                return error.at(path, other)
        around, _, part = self.slot.rpartition(".")
        option = error.thing.removeprefix(f"{part}.")
        if not around or option not in self.values:
            return error
        path = f"{self.slot}.{option}"
        mends = error.fix.startswith(f"{error.thing}=")
        fix = f"{path}{error.fix.removeprefix(error.thing)}" if mends else error.fix
        return Problem(path, error.rule, error.found, fix)

    def lacks(self, missing: list[str]) -> Problem:
        """Of options that have no default, and that nobody said."""
        said = {"_target_": self.target, **self.values} | {name: f"<{name}>" for name in missing}
        fix = f"'{self.slot}={{{', '.join(f'{key}: {own}' for key, own in said.items())}}}'"
        return problem(self.slot, f"must say {' and '.join(missing)}", "nothing of it", fix)


def built(node: Any) -> Any:
    """Plain data, with the objects that it describes, whose classes have been checked.

    Hydra's ``instantiate`` would resolve the texts in it once more, and they are only texts.
    """
    if isinstance(node, list):
        return [built(item) for item in node]
    if not isinstance(node, dict):
        return node
    values = {key: built(item) for key, item in node.items() if key not in RESERVED}
    if "_target_" not in node:
        return values
    make_it = partial(get_object(node["_target_"]), *built(node.get("_args_", [])), **values)
    return make_it if node.get("_partial_") else make_it()


def make(
    cfg: DictConfig,
    slot: str,
    kind: type,
    group: str | None = None,
    leave_out: Collection[str] = (),
    by: str | None = None,
) -> Factory:
    """The factory of what stands at ``slot``, once all its classes are found to be of their kind.

    Raises:
        ValueError: where it is no part, or a target in it is no class of its slot's kind.
    """
    node = OmegaConf.select(cfg, slot)
    if not isinstance(node, DictConfig) or "_target_" not in node:
        word = node if isinstance(node, str) else "<choice>"
        fix = f"'{slot}={A_METRIC}', say" if group == "metrics" else f"{slot}={word}"
        raise problem(slot, "must be a whole part, not a word or a number", node, fix)
    values: Any = OmegaConf.to_container(node, resolve=True)
    plain = {str(key): value for key, value in values.items() if key not in leave_out}
    check_target(slot, plain["_target_"], kind)
    for path, target in nested_targets(plain, slot):
        check_target(path, target, (nn.Module, DualConeProjector))
    check_counts(slot, plain)
    choice = cfg.choices.get(slot if group in (None, slot) else f"{group}@{slot}")
    options = f"; mtl-train {slot}={choice} --help lists the options" if choice else ""
    return Factory(slot, plain, f"another value{options}", by, from_others(node))


def from_others(node: DictConfig) -> dict[str, str]:
    """``{option: the one whose value it has}``, of those that say just that: ``${seed}``."""
    written: Any = OmegaConf.to_container(node, resolve=False)
    found = {key: OTHER.fullmatch(own) for key, own in written.items() if isinstance(own, str)}
    return {str(key): own[1] for key, own in found.items() if own is not None}


def check_counts(slot: str, values: Mapping[str, Any]) -> None:
    """Refuses more parts than any model has, which would be made one by one without an end."""
    for option, value in values.items():
        if not (option.startswith("num_") and option.endswith(PARTS)):
            continue
        for path, number in leaves(value, f"{slot}.{option}"):  # some are one number a task
            if isinstance(number, int | float) and number > MOST_PARTS:
                rule = f"must be at most {MOST_PARTS:,}"
                raise problem(path, rule, number, f"{path}=8")


def check_target(slot: str, target: Any, kind: type | tuple[type, ...]) -> None:
    """Refuses a target that is not a class of the slot's kind, before anything calls it."""
    kinds = kind if isinstance(kind, tuple) else (kind,)
    rule = f"must be a class of the kind {' or '.join(one.__name__ for one in kinds)}"
    fix = "a _target_ of that kind; the choices are in --help"
    if target is None:
        raise problem(f"{slot}._target_", "must be given", "no class", f"{slot}._target_=my.Class")
    if not isinstance(target, str):
        raise problem(f"{slot}._target_", rule, target, fix)
    try:
        found = get_object(target)
    except Exception as error:
        if not known(target.partition(".")[0]):
            fix = "--config-dir=<a folder beside the package>, or install it"
        raise problem(f"{slot}._target_", rule, f"{target}, which cannot be found", fix) from error
    if not isinstance(found, type) or not issubclass(found, kind):
        what = "a class of another kind" if isinstance(found, type) else "no class"
        raise problem(f"{slot}._target_", rule, f"{target}, which is {what}", fix)


def nested_targets(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All targets inside a node, at any depth, with their paths."""
    items: Any = node.items() if isinstance(node, dict) else enumerate(node)
    for key, value in items:
        if isinstance(value, dict | list):
            if isinstance(value, dict) and "_target_" in value:
                yield f"{path}.{key}", value["_target_"]
            yield from nested_targets(value, f"{path}.{key}")
