"""What words of earlier versions are called today: an old word is answered with the new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hydra.core.override_parser.types import Override

from mtl_cli.command_line.grammar import parsed, value

# {an option as it was called: as it is called today}, where that is all that changed
RENAMED: Mapping[str, str] = {
    "dataset.val_fraction": "dataset.split.val",
    "dataset.test_fraction": "dataset.split.test",
    "dataset.seed": "dataset.split.seed",
    "trainer.compile": "runtime.compile",
    "logger.flush_seconds": "logger.tensorboard.flush_seconds",
    "weights": "checkpoint",  # of mtl-diagnose
}
# {an option of all targets: what it is called with each}
OF_TARGETS: Mapping[str, str] = {
    "dataset.target_columns": "column",
    "dataset.label_columns": "columns",
    "dataset.label_maps": "map",
}


def of_types(types: Any) -> str:
    return (
        f"dataset.columns={value({name: {'type': kind} for name, kind in (types or {}).items()})}"
    )


def of_split(column: Any) -> str:
    by = "fraction" if column is None else "column"
    return f"dataset.split={value({'by': by, 'column': column})}"


# {an option as it was called: its value in the words of today}
REWRITTEN: Mapping[str, Callable[[Any], str]] = {
    "dataset.types": of_types,
    "dataset.drop": lambda columns: of_types(dict.fromkeys(columns or [], "drop")),
    "dataset.split_column": of_split,
}


def todays(words: list[str]) -> list[str]:
    """The words with those of earlier versions as they are said today."""
    said: dict[str, Any] = {}  # {target: what is said of it}
    gathered, renewed = False, []
    pairs = [(word, *key_and_value(word, override)) for word, override in parsed(words)]
    for _, key, own in pairs:
        said |= targets_in(key, own)
    for word, key, own in pairs:
        option, _, inner = key.rpartition(".")
        if old := next((name for name in (key, option) if name in OF_TARGETS), None):
            for task, new in ((own or {}) if old == key else {inner: own}).items():
                if task not in said:
                    renewed.append(f"dataset.targets.{task}.{OF_TARGETS[old]}={value(new)}")
                    continue
                before = said[task] if isinstance(said[task], dict) else {"kind": said[task]}
                said[task] = {**before, OF_TARGETS[old]: new}
                gathered = True
        elif key in RENAMED:
            renewed.append(f"{RENAMED[key]}={value(own)}")
        elif key in REWRITTEN:
            renewed.append(REWRITTEN[key](own))
        elif option in REWRITTEN:
            renewed.append(REWRITTEN[option]({inner: own}))
        else:
            renewed.append(word)
    if gathered:
        kept = [word for word, key, own in pairs if not targets_in(key, own)]
        renewed = [word for word in renewed if word in kept or word not in words]
        renewed.append(f"dataset.targets={value(said)}")
    return renewed


def key_and_value(word: str, override: Override | None) -> tuple[str, Any]:
    """What a word sets, and to what; nothing of a flag, a deletion or a sweep."""
    if override is None or override.is_delete() or override.is_sweep_override():
        return "", None
    return override.key_or_group, override.value()


def targets_in(key: str, own: Any) -> dict[str, Any]:
    """The targets that a word names, each with what it says of them."""
    if key == "dataset.targets" and isinstance(own, dict):
        return own
    task = key.removeprefix("dataset.targets.")
    return {task: own} if key.startswith("dataset.targets.") and "." not in task else {}


def is_old(key: str) -> bool:
    """Whether an option was one of an earlier version."""
    old = (*RENAMED, *OF_TARGETS, *REWRITTEN)
    return any(f"{key}.".startswith(f"{option}.") for option in old)
