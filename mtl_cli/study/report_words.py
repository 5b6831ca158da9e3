"""The words of ``mtl-report``: which folders, and which options."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.checks.checks import check_codes
from mtl_cli.command_line.cli import CONF
from mtl_cli.command_line.sweep import sweep_of
from mtl_cli.comparison.compare import Options
from mtl_cli.disk.run_folder import find_run
from mtl_cli.drawing.page import read_page

YAML = CONF / "report.yaml"


def read_words(words: Sequence[str]) -> tuple[list[Path], Options]:
    """The folders and the options that a command line names.

    Raises:
        ValueError: where a word is neither.
    """
    values: dict[str, Any] = OmegaConf.to_container(OmegaConf.load(YAML))  # type: ignore[assignment]
    named = []
    for word in words:
        key, is_option, _ = word.partition("=")
        if not is_option or (key not in values and Path(word).is_dir()):
            named.append(word)
        elif key not in values:
            rule = f"must be one of {', '.join(values)}"
            close = nearest(key, list(values))
            if key in ("run", "folder"):
                rule = "is no option: folders are named as they are"
                raise problem(key, rule, word, again(word, words))
            fix = word.replace(key, close, 1) if close else "mtl-report --help"
            raise problem(key, rule, "no such option", fix)
        else:
            values |= option(word)
    options = Options(**{key.replace(".", "_"): value for key, value in values.items()})
    read_page(options.pictures_format, options.pictures_width)
    check_codes(options.silence)
    flag = next((word for word in named if word.startswith("-")), None)
    if flag is not None:
        key, _, value = flag.lstrip("-").partition("=")
        fix = f"{key}={value or '<value>'}" if key in values else "mtl-report --help"
        raise problem(flag, "must be a folder or key=value", "a flag", fix)
    if not named:
        raise problem("mtl-report", "needs a folder with runs", "none", "mtl-report latest")
    return [place(name, Path(options.runs)) for name in named], options


def again(word: str, words: Sequence[str]) -> str:
    """The command line with a folder where ``run=<folder>`` was typed."""
    return shlex.join(["mtl-report", *(w.partition("=")[2] if w == word else w for w in words)])


def option(word: str) -> dict[str, Any]:
    """One ``key=value``, its value read as YAML; paths and settings stay as they were typed."""
    key, _, text = word.partition("=")
    if key in ("out", "baseline", "runs", "metric", "pictures.width"):
        return {key: None if text == "null" else text}
    try:
        read = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]))
        return {key: read["value"]}  # type: ignore[index, call-overload]
    except Exception as error:  # whatever YAML's reader stumbles over
        fix = f"'{key}=<value>', lists as [a,b]"
        raise problem(key, "must have a value in YAML", text, fix) from error


def place(name: str, root: Path) -> Path:
    """The folder of a word; ``latest`` is the newest run, or the sweep that it is of."""
    if name != "latest":
        return Path(name).expanduser()
    run = find_run(name, root).path
    return sweep_of(run) or run
