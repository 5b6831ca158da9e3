"""Settings that a search has tuned: what it chose for each is no difference between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.saved_run import mapping


def search_of(group: Group) -> dict[str, Any]:
    """What all runs of a setting say of the search that they are winners of; empty: of none."""
    said = [mapping(run.summary.get("study")) for run in group.runs]
    same = all(own == said[0] for own in said) and isinstance(said[0].get("tuned"), list)
    return said[0] if same else {}


def tuned_alike(group: Group, other: Group) -> tuple[str, ...]:
    """The options that one search chose for both settings, with as many trials for each."""
    own, its = search_of(group), search_of(other)
    if not own or any(own.get(key) != its.get(key) for key in ("search", "trials")):
        return ()
    return tuple(dict.fromkeys([*own["tuned"], *its["tuned"]]))


def is_below(key: str, places: tuple[str, ...]) -> bool:
    """Whether a key is one of some options, or stands in one."""
    return any(f"{key}.".startswith(f"{place}.") for place in places)


def tuned_in_words(table: Table) -> Iterator[str]:
    """Which settings were tuned, how, and against which that is no fair comparison."""
    by_search: dict[Any, list[Group]] = {}
    for group in table.groups:
        if own := search_of(group):
            by_search.setdefault((own["search"], own.get("trials")), []).append(group)
    for (_, trials), groups in by_search.items():
        keys = list(dict.fromkeys(key for group in groups for key in search_of(group)["tuned"]))
        names = "; ".join(group.words for group in groups)
        yield f"tuned on val by {trials} trials each, over {', '.join(keys)}: {names}"
