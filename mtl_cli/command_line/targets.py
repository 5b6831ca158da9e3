"""A task for each target: words that bring it, or it is composed where no word does.

Targets of a YAML of one's own bring their tasks so, and those of a long list: Hydra's time for
composing grows with the square of the choices, and 200 tasks are 600 of them.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig, OmegaConf, open_dict

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.command_line.braces import in_one
from mtl_cli.command_line.corrected import command
from mtl_cli.command_line.grammar import as_texts, parsed
from mtl_cli.command_line.kind_in_file import file_with, first_rows, kind_in_file
from mtl_cli.command_line.kinds import typed
from mtl_cli.command_line.names import check_names, kind_of, targets_in
from mtl_cli.command_line.names import word as typed_word
from mtl_cli.command_line.own_parts import composable, installed_folders
from mtl_cli.command_line.places import CONF

OPEN = re.compile(  # each is new by its name
    r"dataset\.(targets|columns|join)\.[^=]+=|tasks\.[^=.]+\.(metrics|plots)(\.[^=.]+)?=\{"
)
NAMED = re.compile(r"\btasks\.([\w-]+)")
LOOKS = ("--cfg", "-c", "--info", "-i")  # flags by which Hydra shows what it composes


def with_tasks(words: list[str], most: int = sys.maxsize) -> list[str]:
    """The words, and a task for each target that they name.

    ``dataset.targets={age: regression}`` says what the data holds, as ``dataset.targets.age=...``
    does, and ``{kind: regression, ...}`` in either; ``task@tasks.age=regression`` brings the task's
    settings, so that ``tasks.age.weight=2`` can stand on the same line.

    Args:
        words: as they were typed.
        most: of more targets, those get their tasks here that other words speak of; the others are
            added to what is composed (`targets.add_tasks`).
    """
    if (line := in_one("dataset.targets", words)) is not None:
        rule, found = "must be one mapping in quotes", "several words, as a shell makes of braces"
        raise problem("dataset.targets", rule, found, shlex.join([command(), *line]))
    words = [f"++{word}" if OPEN.match(word) else word for word in words]
    tasks: dict[str, str] = {}
    for _, override in parsed(as_texts([word for word in words if "dataset.targets" in word])):
        if override is not None and override.key_or_group.startswith("dataset.targets"):
            path = override.key_or_group.removeprefix("dataset.targets").split(".")[1:]
            said = targets_in(path, override.value())
            check_names(said)
            kinds = {task: kind_of(own) for task, own in said.items()}
            tasks |= {task: kind for task, kind in kinds.items() if kind}  # else the data says it
    if len(tasks) > most and not any(word.startswith(LOOKS) for word in words):
        named = {name for word in words for name in NAMED.findall(word)}
        tasks = {task: kind for task, kind in tasks.items() if task in named}
    given = {word.partition("=")[0].lstrip("+") for word in words}
    wanted = {f"task@tasks.{task}": kind for task, kind in tasks.items()}
    added = [f"+{key}={kind}" for key, kind in wanted.items() if key not in given]
    return [*added, *words]  # before the flags, after which argparse takes no more of them


def add_tasks(cfg: DictConfig, chosen: Mapping[str, str | None], folders: Sequence[Path]) -> Any:
    """Adds the tasks of targets that have none; gives all choices, theirs too.

    Tasks stand in the order of their targets then, after those that are no targets. What the
    configuration says of such a task already, ``tasks.age.weight``, goes before its kind's default.

    Args:
        cfg: without Hydra's own part; it is changed.
        chosen: the choices that it was composed of.
        folders: of configurations, as ``--config-dir`` names them.
    """
    if not isinstance(tasks := cfg.get("tasks"), DictConfig):
        fix = "tasks.<name>=regression, a word a task, or leave it out"
        raise problem("tasks", "must be a mapping from names to tasks", typed(tasks), fix)
    targets = cfg.dataset.get("targets") if isinstance(cfg.get("dataset"), DictConfig) else None
    if "targets" in (cfg.get("dataset") or {}):
        check_kinds_said(targets, cfg.dataset.get("path"))
    said = OmegaConf.to_container(targets) if isinstance(targets, DictConfig) else {}
    assert isinstance(said, dict)
    check_names(said)
    kinds = {str(task): kind for task, own in said.items() if (kind := kind_of(own))}
    there = {task for task in cfg.tasks if f"task@tasks.{task}" in chosen}
    missing = {task: kind for task, kind in kinds.items() if task not in there}
    if not missing:
        return chosen
    check_kinds(missing, folders)
    usual = compose_kinds(sorted(set(missing.values())), folders)
    tasks = {task: own for task, own in cfg.tasks.items() if task not in kinds}
    added: dict[str, str | None] = {}
    for task, kind in kinds.items():
        own = cfg.tasks.get(task)
        if task in missing:
            node, choices = usual[kind]
            own = node if own is None else OmegaConf.merge(node, own)
            at = f"tasks.{task}"
            added |= {f"{group}@{at}{below}": choice for (group, below), choice in choices.items()}
        tasks[task] = own
    with open_dict(cfg):
        cfg.tasks = tasks
    return {**chosen, **added}


def check_kinds(kinds: Mapping[str, str], folders: Sequence[Path]) -> None:
    """Refuses a kind of task that there is not.

    Args:
        kinds: ``{task: its kind}``.
        folders: of configurations, beside ours and those of installed packages.
    """
    places = [CONF, *installed_folders(), *folders]
    known = sorted({file.stem for place in places for file in place.glob("task/*.yaml")})
    for task, kind in kinds.items():
        if kind not in known:
            rule = f"must be a kind of task: {', '.join(known)}"
            fix = f"dataset.targets.{task}={nearest(kind, known) or known[0]}"
            raise problem(f"dataset.targets.{task}", rule, kind, fix)


def begun_hydra() -> AbstractContextManager[Any]:
    """In which something can be composed; where Hydra is running it lets nobody begin anew."""
    running = GlobalHydra.instance().is_initialized()
    return nullcontext() if running else hydra.initialize_config_dir(str(CONF), version_base="1.3")


def compose_kinds(
    kinds: Sequence[str], folders: Sequence[Path]
) -> dict[str, tuple[Any, dict[tuple[str, str], str | None]]]:
    """``{kind: (its task, {("loss", ".loss"): "bce"})}``: what one task of each is composed to."""
    words = [f"--config-dir={folder}" for folder in folders]
    words += [f"+task@tasks.{kind}={kind}" for kind in kinds]
    with begun_hydra():
        cfg = hydra.compose("train", composable(words), return_hydra_config=True)
    made = {}
    for kind in kinds:
        choices = {}
        for key, choice in cfg.hydra.runtime.choices.items():
            group, _, place = key.partition("@")
            if f"{place}.".startswith(f"tasks.{kind}."):
                choices[group, place.removeprefix(f"tasks.{kind}")] = choice
        made[kind] = OmegaConf.to_container(cfg.tasks[kind]), choices
    return made


def check_kinds_said(targets: Any, path: Any) -> None:
    """Refuses targets without their kinds, and offers those that the data may be of.

    Args:
        targets: of a dataset's options.
        path: of its file.
    """
    said = OmegaConf.to_container(targets) if OmegaConf.is_config(targets) else targets
    names = without_kinds(said)
    if not names:
        return
    file = path if isinstance(path, str) else file_with([*names])
    header = next(iter(first_rows(file)), [])
    columns = {name: name if name in header else nearest(name, header) or name for name in names}
    kinds = {own: names[name] or kind_in_file(file, own) for name, own in columns.items()}
    found = f"dataset.targets={targets}, without kinds"
    fix = typed_word("dataset.targets", kinds)
    raise problem("dataset.targets", "must say the kind of each target, {target: kind}", found, fix)


def without_kinds(said: Any) -> dict[str, str | None]:
    """``{target: its kind, where that is said}`` of targets that are no mapping to kinds; empty
    where they are one."""
    names = said.split(",") if isinstance(said, str) else said
    if isinstance(said, dict) and all(own is None for own in said.values()):
        names = list(said)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return {}
    pairs = [re.split(r"[=:]", name, maxsplit=1) for name in names if name.strip()]
    return {pair[0].strip(): pair[1].strip() if len(pair) > 1 else None for pair in pairs}


def check_path_said(cfg: DictConfig) -> None:
    """Refuses a table whose file is not said, and offers the only one that has its targets."""
    if cfg.choices.get("dataset") == "table" and cfg.dataset.path is None:
        file = file_with([str(name) for name in cfg.dataset.get("targets") or ()])
        fix = f"dataset.path={file or '<file>'}"
        raise problem("dataset.path", "must be given", "no value", fix)
