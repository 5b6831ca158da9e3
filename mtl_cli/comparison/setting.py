"""What a run was a run of: its data, its setting, and the words that tell settings apart.

Runs of one setting differ in the seed alone. All of ``config.yaml`` counts but what cannot change a
result: names, places, and what is only watched or written.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mtl_cli.comparison.saved_run import SavedRun, is_number, mapping

# Keys that change no result, alone or with all that is below them.
UNIMPORTANT = {"name", "seed", "runs", "resume", "offline", "objective", "device", "trust"}
UNIMPORTANT |= {"deterministic", "choices", "experiment", "logger", "diagnostic", "dataset.root"}
UNIMPORTANT |= {"dataset.eval_batch_size", "dataset.num_workers", "trainer.checkpoint_every"}
UNIMPORTANT |= {
    "pictures",
    "runtime",
    "trainer.log_every",
    "trainer.watch_test",
    "dataset.cache",
    "dataset.cache_gb",
    "dataset.offline",
    "dataset.group_columns",
    "dataset.max_vocabulary",
}

# Of the dataset's options, how its examples are dealt out and read; the others are the data.
DEALING = {"dataset.batch_size", "dataset.shuffle", "dataset.drop_last", "dataset.sampling"}
DEALING |= {"dataset.temperature", "dataset.read_as", "dataset.vectorizer", "dataset.max_length"}


def folds_of(run: SavedRun) -> int | None:
    """How many folds there are, of which a run's seed says its own; None: it is no fold."""
    folds = run.config.get("dataset.split.folds")
    return (
        folds if isinstance(folds, int) and run.config.get("dataset.split.fold") is None else None
    )


def deals_anew(run: SavedRun, split: str) -> bool:
    """Whether each seed deals the rows of a split anew, or is a fold of its own."""
    if folds_of(run) is not None:
        return True
    drawn = mapping(run.summary.get("dataset")).get("drawn")
    anew = None in (run.config.get(key, 0) for key in ("dataset.split.seed", "dataset.seed"))
    return anew and isinstance(drawn, list) and split in drawn


def data_of(run: SavedRun) -> dict[str, Any]:
    """What data a run's figures are of: runs that differ here cannot be compared.

    The source that was found counts (``mnist``), not the one that was asked for (``auto``). Where
    seeds deal the rows anew, splits of whole groups differ in size, and the rows are those of all.
    """
    said = mapping(run.summary.get("dataset"))
    data = {"name": said.get("name"), "source": said.get("source")}
    sizes = mapping(said.get("sizes"))
    if folds_of(run) is not None and run.config.get("dataset.split.by") == "time":
        sizes = {}  # folds read more and more of the rows
    if any(deals_anew(run, split) for split in sizes) and all(map(is_number, sizes.values())):
        sizes = {"all": sum(sizes.values())}
    data |= {f"{split} examples": n for split, n in sizes.items()}
    left_out = UNIMPORTANT | DEALING | {"dataset.source"}
    data |= {
        key: value
        for key, value in run.config.items()
        if below(key, {"dataset"}) and not below(key, left_out)
    }
    if run.config.get("trainer.max_batches") is not None:  # then it is a part of each split
        for key in ("trainer.max_batches", "dataset.eval_batch_size"):
            data[key] = run.config.get(key)
    return data


def setting_of(run: SavedRun) -> dict[str, Any]:
    """What else a run was made of, the seed apart."""
    return {
        key: value
        for key, value in run.config.items()
        if not below(key, UNIMPORTANT | {"dataset"}) or below(key, DEALING)
    }


def below(key: str, places: set[str]) -> bool:
    """Whether a key is one of some places, or an option of one."""
    parts = key.split(".")
    return any(".".join(parts[:length]) in places for length in range(1, len(parts) + 1))


def identity(values: Mapping[str, Any]) -> str:
    """A text that is equal for equal values."""
    return json.dumps(values, sort_keys=True, default=str)


def tell_apart(
    settings: Sequence[Mapping[str, Any]], choices: Sequence[Mapping[str, str | None]]
) -> list[list[str]]:
    """For each of several settings, the words of a command line in which it differs from others.

    Options of a choice are named where they differ among the settings of that choice:
    ``arch=mmoe arch.num_experts=4``. The architecture is always named.
    """
    keys = list(dict.fromkeys(key for setting in settings for key in setting))
    groups = list(dict.fromkeys(["arch", *(key for chosen in choices for key in chosen)]))
    chosen_words: list[list[str]] = [[] for _ in settings]
    option_words: list[list[str]] = [[] for _ in settings]
    owners = {key: owner(key, groups) for key in keys}
    different = {key for key in keys if len({shown(s, key) for s in settings}) > 1}
    for group in groups:
        matters = any(owners[key] == group for key in different)
        if group == "arch" or (matters and len({c.get(group) for c in choices}) > 1):
            for words, chosen in zip(chosen_words, choices, strict=True):
                if chosen.get(group) is not None:
                    words.append(f"{place_of(group)}={chosen[group]}")
    for key in (key for key in keys if key in different and not key.endswith("._partial_")):
        for i, setting in enumerate(settings):
            holder = owners[key]
            peers = [
                shown(other, key)
                for other, chosen in zip(settings, choices, strict=True)
                if holder is None or choice_of(chosen, holder) == choice_of(choices[i], holder)
            ]
            if len(set(peers)) > 1:
                option_words[i].append(
                    f"{key}={shown(setting, key)}" if key in setting else f"~{key}"
                )
    return [[*first, *then] for first, then in zip(chosen_words, option_words, strict=True)]


def owner(key: str, groups: Sequence[str]) -> str | None:
    """The group of whose choice a key is an option: of ``loss@tasks.y.loss`` all below it."""
    places = {group: place_of(group) for group in groups}
    holders = [group for group, place in places.items() if f"{key}.".startswith(f"{place}.")]
    return max(holders, key=lambda group: len(places[group]), default=None)


def place_of(group: str) -> str:
    """Where a choice stands, and how it is typed: ``tasks.y.loss`` of ``loss@tasks.y.loss``."""
    return group.partition("@")[2] or group


def choice_of(chosen: Mapping[str, str | None], group: str) -> tuple[bool, str | None]:
    """A choice; none where null is one differs from a place that is not there."""
    return group in chosen, chosen.get(group)


def shown(setting: Mapping[str, Any], key: str) -> str | None:
    """A value as one types it; None where there is none."""
    if key not in setting:
        return None
    value = setting[key]
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), default=str)
