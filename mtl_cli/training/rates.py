"""Learning rates by part: which parameters an optimizer's groups hold, and their factors."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from mtl_cli.basis.errors import check_number, nearest, problem

WEIGHTING = "weighting"  # the part of the weights that a weighting learns
ENCODER = "encoder"  # the part of the layers of encoders, wherever an architecture has them
DECAY = re.compile(r"decay (\S+)")  # by layer: of l of L, the factor is this to the L - l
Factors = Mapping[str, float | str]


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]],
    learned: Sequence[nn.Parameter],
    factors: Factors,
    above: Mapping[nn.Parameter, int],
) -> tuple[list[dict[str, Any]], list[float]]:
    """Groups for an optimizer, and the factor on the learning rate of each.

    Args:
        named: the model's parameters by name.
        learned: the weighting's, which never decay.
        factors: ``{part: factor}``; of several parts that a name begins with, the longest counts,
            and times that what ``encoder`` says of its layers.
        above: how many layers come after each parameter of an encoder with layers.
    """
    by_factor: dict[float, list[nn.Parameter]] = {}
    for name, parameter in named:
        parts = [part for part in factors if is_in(name, part)]
        factor = float(factors[max(parts, key=len)]) if parts else 1.0
        if parameter in above:
            factor *= by_layer(factors.get(ENCODER, 1.0), above[parameter])
        by_factor.setdefault(factor, []).append(parameter)
    groups: list[dict[str, Any]] = [{"params": own} for own in by_factor.values()]
    rates = list(by_factor)
    if learned:
        groups.append({"params": list(learned), "weight_decay": 0.0})
        rates.append(float(factors.get(WEIGHTING, 1.0)))
    return groups, rates


def by_layer(factor: float | str, above: int) -> float:
    """The factor of a layer after which some more come."""
    decay = DECAY.fullmatch(factor) if isinstance(factor, str) else None
    return float(factor) if decay is None else float(decay[1]) ** above


def check_factor(part: str, factor: Any) -> None:
    """Refuses what is no factor of a part."""
    thing = f"trainer.lr_factors.{part}"
    if not isinstance(factor, str) or part != ENCODER:
        check_number(thing, factor, f"{{{part}: 0.1}}", 0)
        return
    decay, fix = DECAY.fullmatch(factor), "'trainer.lr_factors={encoder: decay 0.9}'"
    try:
        value = float("nan" if decay is None else decay[1])
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise problem(thing, "must be a factor, or decay and a number up to 1", factor, fix)


def is_in(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def check_factors(factors: Factors, names: Sequence[str]) -> None:
    """Refuses a part that no parameter belongs to.

    Args:
        factors: ``{part: factor}``.
        names: of all parameters, with ``weighting`` where that learns any, and ``encoder`` where
            one has layers.
    """
    known = {name.rpartition(".")[0] or name for name in names}
    known |= {part.partition(".")[0] for part in known}
    for part, factor in factors.items():
        if not any(is_in(name, part) for name in names):
            shown = ", ".join(sorted(known))
            close = nearest(part, sorted(known)) or "heads"
            rule = f"must name a part of the model: {shown}"
            fix = f"'trainer.lr_factors={{{close}: {factor}}}'"
            raise problem("trainer.lr_factors", rule, part, fix)
