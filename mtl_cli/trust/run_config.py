"""The configuration of a run, read from its folder: as data, whoever wrote it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mtl_cli import __version__
from mtl_cli.basis.errors import Problem, problem
from mtl_cli.comparison.saved_run import mapping, version_numbers
from mtl_cli.disk.formats import without_format
from mtl_cli.disk.kinds import misfit
from mtl_cli.disk.literal import literal
from mtl_cli.disk.older_runs import as_of_today
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.yaml_file import read_yaml
from mtl_cli.trust.foreign import check_foreign, leaves

WORD, SOME = (str, type(None)), (int, type(None))
PARTS = ("choices", "dataset", "tasks", "encoder", "arch", "head", "trainer")  # mappings, in all
KINDS: dict[str, Any] = {"seed": int, "name": WORD, "choices": {str: WORD}, "runs": str}
KINDS |= {"deterministic": bool, "device": str, "init": WORD, "resume": WORD}
KINDS |= {"trainer": {"max_batches": SOME}}
CHOSEN = ("dataset", "encoder", "arch", "weighting")  # among the choices of every run
KEPT = 2  # numbers of a version (0.1 of 0.1.3) that say what a run leaves


def read_config(folder: RunFolder, trust: Collection[str] = ()) -> DictConfig:
    """The whole configuration of a run; ``${...}`` in it is text, which nothing resolves.

    Args:
        folder: of the run.
        trust: packages whose classes it may name, beside those that are always trusted.

    Raises:
        ValueError: where it is damaged, of a newer version, or names what is not trusted.
    """
    try:
        values = as_of_today(without_format(read_yaml(folder.config), str(folder.config)))
        found = lacking(values)
    except Problem:
        raise
    except ValueError as error:
        values, found = {}, str(error)
    if found:
        fix = "another run, or the file as the run wrote it"
        raise problem(str(folder.config), "must be a run's configuration", found, fix)
    check_version(folder)
    check_foreign(values, trust)
    check_kinds(values, folder)
    return OmegaConf.create(literal(values))


def lacking(values: Any) -> str:
    """What a run's configuration has and this one has not, in words; empty: it has everything."""
    if not isinstance(values, dict):
        return "something else"
    gone = [part for part in PARTS if not isinstance(values.get(part), dict)]
    gone += [] if "seed" in values else ["seed"]
    choices = mapping(values.get("choices"))
    gone += [f"choices.{group}" for group in CHOSEN if group not in choices]
    tasks = mapping(values.get("tasks"))
    gone += [f"tasks.{name}" for name, own in tasks.items() if not isinstance(own, dict)]
    return f"no {', '.join(gone)} in it" if gone else ""


def check_kinds(values: dict[str, Any], folder: RunFolder) -> None:
    """Refuses another kind of value where a word or a number belongs."""
    found = misfit(values, KINDS) or next(
        (f"{path} is ???, which means no value" for path, v in leaves(values) if v == "???"), ""
    )
    if found:
        fix = "another run, or the file as the run wrote it"
        raise problem(str(folder.config), "must hold values of their kinds", found, fix)


def check_version(folder: RunFolder) -> None:
    """Refuses a run of a newer version, whose files may say what this one does not know."""
    made_by = str(mapping(read_summary(folder).get("versions")).get("mtl-cli", ""))
    if version_numbers(made_by)[:KEPT] > version_numbers(__version__)[:KEPT]:
        rule = f"must be a run of this version ({__version__}) or an older one"
        fix = f"pip install 'mtl-cli>={made_by}'"
        raise problem(str(folder.path), rule, f"a run of version {made_by}", fix)


def read_summary(folder: RunFolder) -> dict[str, Any]:
    """The summary of a run; empty where there is none, or a damaged one."""
    try:
        return mapping(folder.read_summary())
    except (OSError, ValueError, RecursionError):  # nothing depends on it
        return {}
