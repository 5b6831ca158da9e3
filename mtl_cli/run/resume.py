"""``resume=``: what goes on with a run, or with a sweep, and what may be given beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from mtl_cli.basis.errors import problem
from mtl_cli.basis.shell import as_word, without_quotes
from mtl_cli.command_line.grammar import typed_value
from mtl_cli.command_line.options import as_value
from mtl_cli.command_line.own_parts import find_packages
from mtl_cli.command_line.sweep import is_sweep, read_words, resumed_words, sweep_of
from mtl_cli.disk.run_folder import find_run
from mtl_cli.trust.trusted import trusted_packages

# What may be given with resume.
LENGTHS = ("max_epochs", "max_steps", "max_examples", "time_limit")
EXTENDS = ("device", *(f"trainer.{name}" for name in LENGTHS), "runtime.processes")
ALLOWED = ("unlock", "changed_data")  # =true: its writer elsewhere is dead; its data is another


def asks_to_resume(words: list[str]) -> bool:
    return any(word.startswith("resume=") and word != "resume=null" for word in words)


def resumed_sweep(words: list[str]) -> list[str] | None:
    """The command line that goes on with the sweep that is to be resumed; None where none is."""
    if not asks_to_resume(words):
        return None
    given = dict(word.partition("=")[::2] for word in words)
    name, root = folders(given["resume"], given.get("runs", "runs"))
    path = Path(name).expanduser()
    if name == "latest":
        path = sweep_of(find_run(name, root).path) or path
    if not is_sweep(path) or (name == "latest" and read_words(path) is None):
        return None
    others = [w for w in words if w.partition("=")[0] not in ("resume", "runs", "trust")]
    trust = trusted_packages(as_value("trust", given.get("trust", "[]"), []))
    return resumed_words(path, others, trust)


def folders(name: str, root: str) -> tuple[str, Path]:
    """What was typed as the run, and as the folder of all runs."""
    return without_quotes(name), Path(without_quotes(root))


def resume(words: list[str]) -> dict[str, Any]:
    """Goes on with a run, in its folder and by its own config.

    Raises:
        ValueError: where that is no run, or other settings are given than may change.
    """
    given = {key: value for key, _, value in (w.partition("=") for w in find_packages(words))}
    name, root = folders(given.pop("resume"), given.pop("runs", "runs"))
    trust = as_value("trust", given.pop("trust", "[]"), [])  # of the folder's classes
    allowed = [word for word in ALLOWED if as_value(word, given.pop(word, "false"), False)]
    for key in given:
        if key not in EXTENDS:
            rule = (
                f"runs by the folder's own config; only {', '.join(EXTENDS)} may be given with it"
            )
            raise problem("resume", rule, key, f"mtl-train {as_word('resume', name)}")
    from mtl_cli.run.session import run
    from mtl_cli.trust.run_config import read_config

    folder = find_run(name, root)
    folder.check_writable(f"{as_word('init', name)}, in a new folder")
    cfg = read_config(folder, trust)
    for key, value in given.items():
        OmegaConf.update(cfg, key, typed_value(key, value))
    return run(cfg, folder, words, resumed=True, allowed=allowed)
