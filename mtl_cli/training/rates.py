"""Learning rates by part: which parameters an optimizer's groups hold, and their factors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import nn

from mtl_cli.basis.errors import nearest, problem

WEIGHTING = "weighting"  # the part of the weights that a weighting learns


def parameter_groups(
    named: Iterable[tuple[str, nn.Parameter]],
    learned: Sequence[nn.Parameter],
    factors: Mapping[str, float],
) -> tuple[list[dict[str, Any]], list[float]]:
    """Groups for an optimizer, and the factor on the learning rate of each.

    Args:
        named: the model's parameters by name.
        learned: the weighting's, which never decay.
        factors: ``{part: factor}``; of several parts that a name begins with, the longest counts.
    """
    by_factor: dict[float, list[nn.Parameter]] = {}
    for name, parameter in named:
        parts = [part for part in factors if is_in(name, part)]
        factor = factors[max(parts, key=len)] if parts else 1.0
        by_factor.setdefault(factor, []).append(parameter)
    groups: list[dict[str, Any]] = [{"params": own} for own in by_factor.values()]
    rates = list(by_factor)
    if learned:
        groups.append({"params": list(learned), "weight_decay": 0.0})
        rates.append(factors.get(WEIGHTING, 1.0))
    return groups, rates


def is_in(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def check_factors(factors: Mapping[str, float], names: Sequence[str]) -> None:
    """Refuses a part that no parameter belongs to.

    Args:
        factors: ``{part: factor}``.
        names: of all parameters, with ``weighting`` where that learns any.
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
