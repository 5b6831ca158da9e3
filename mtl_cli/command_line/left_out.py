"""Parts and tasks that a command line leaves out: ``embedding=null``, ``'~tasks.cvr'``."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, open_dict

TASK = re.compile(r"~(?:task@)?tasks\.([^.=@]+)(?:=.*)?")
PART = re.compile(r"\+{0,2}(embedding|logger|diagnostic|experiment|study)=(null|none)")


def without_parts(words: Iterable[str], folders: Sequence[Path]) -> list[str]:
    """The words with ``~embedding`` where ``embedding=null`` was typed, or ``none``.

    Hydra takes null for no choice of a group that has one as it is; what a run may go without is
    in the pattern above.

    Args:
        words: as they were typed.
        folders: of YAMLs, where ``none`` may be a choice of somebody's own.
    """

    def left_out(word: str) -> str:
        found = PART.fullmatch(word)
        if found is None or any((own / found[1] / f"{found[2]}.yaml").is_file() for own in folders):
            return word
        return f"~{found[1]}"

    return [left_out(word) for word in words]


def leave_out_targets(cfg: DictConfig, words: Iterable[str]) -> None:
    """Takes out the targets of tasks that were left out, which would bring them back.

    Their columns stay no inputs, unless ``dataset.columns`` speaks of them: from what is bought, a
    click is known. Of texts, their labels go too, and a source that has no others.

    Args:
        cfg: as it was composed; it is changed.
        words: of the command line.
    """
    dataset = cfg.get("dataset")
    found = [own[1] for word in words if (own := TASK.fullmatch(word)) is not None]
    gone = [task for task in found if task not in (cfg.get("tasks") or {})]
    targets = dataset.get("targets") if isinstance(dataset, DictConfig) else None
    if not isinstance(targets, DictConfig):
        return
    with open_dict(cfg):
        for task in (task for task in gone if task in targets):
            columns = columns_of(task, targets.pop(task), targets)
            if "not_inputs" in dataset:
                free = [own for own in columns if own not in (dataset.get("columns") or {})]
                known = [*(dataset.not_inputs or ())]
                dataset.not_inputs = list(dict.fromkeys([*known, *free]))
            leave_out_labels(dataset.get("sources"), task)


def columns_of(task: str, said: Any, others: Container[Any]) -> list[str]:
    """The columns that a target is made of and weighed by, and its space, where that is none of the
    other targets."""
    own = said if isinstance(said, DictConfig) else {}
    names = own.get("columns") or [own.get("column") or task]
    more = [own.get("weight"), None if own.get("where") in others else own.get("where")]
    return [str(name) for name in [*names, *more] if name is not None]


def leave_out_labels(sources: Any, task: str) -> None:
    """Takes a task out of sources of texts."""
    for name in list(sources) if isinstance(sources, DictConfig) else []:
        labels = sources[name].get("labels") or {}
        if [*labels] == [task] or (name == task and not labels):
            del sources[name]
        elif task in labels:
            del labels[task]
