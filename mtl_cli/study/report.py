"""A report on the runs of some folders: what the words ask for, and what is written."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from omegaconf import OmegaConf

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.command_line.cli import CONF
from mtl_cli.command_line.overrides import train_command, words_of
from mtl_cli.command_line.python_call import compare_call
from mtl_cli.command_line.sweep import sweep_of
from mtl_cli.comparison.answers import answers
from mtl_cli.comparison.baseline import BASELINE, FREE
from mtl_cli.comparison.compare import FORMATS, Options, compare
from mtl_cli.comparison.files import Report, is_report, not_counted
from mtl_cli.comparison.group import Group
from mtl_cli.comparison.notes import not_answered
from mtl_cli.comparison.remarks import remarks
from mtl_cli.comparison.saved_run import find_runs, read_run
from mtl_cli.comparison.size import sizes
from mtl_cli.comparison.verdict import ENOUGH
from mtl_cli.dataset.files.held import is_held
from mtl_cli.disk.new_file import check_new
from mtl_cli.disk.run_folder import find_run, from_here
from mtl_cli.drawing.front import find_pairs
from mtl_cli.drawing.page import drawing_on, read_page
from mtl_cli.drawing.pictures import draw, forget_pictures, pictures_in

YAML = CONF / "report.yaml"
SHARING = ("arch", "weighting", "diagnostic")  # what a baseline has of its own, or not at all
LEFT_OUT = re.compile(rf"{FREE.pattern}|diagnostic(\.|$)")
PAIRS_IN_WORDS = 3  # of each data set; pareto.png has more


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


def make_report(folders: Sequence[Path], options: Options) -> tuple[Report, str]:
    """A report on all runs in some folders, and which files it wrote, in words.

    Raises:
        ValueError: where there are none, or the files cannot be written.
    """
    paths = {path.resolve(): path for folder in folders for path in find_runs(folder)}
    comparison = compare([read_run(path) for path in paths.values()], options)
    out = make_folder(folders, options)
    forget_pictures(out)
    with drawing_on(read_page(options.pictures_format, options.pictures_width)):
        pictures, damaged = draw(comparison, out)
    fronts = [
        pair.in_words
        for table in comparison.tables
        for pair in find_pairs(table, options.metric)[:PAIRS_IN_WORDS]
    ]
    notes = {
        "Does sharing help?": answers(comparison),
        "Sizes": sizes(comparison),
        "Not answered": not_answered(comparison, command),
        "Not counted": not_counted(comparison.left_out),
        "Remarks": [*remarks(comparison), *fronts, *damaged],
    }
    found = Report(comparison, {heading: [*dict.fromkeys(said)] for heading, said in notes.items()})
    files = [path.relative_to(out) for path in (*found.write(out), *pictures)]
    return found, f"report      {from_here(out)}: {', '.join(map(str, files))}"


def width() -> int:
    """Of the terminal, in characters."""
    return max(60, shutil.get_terminal_size((100, 24)).columns)


def make_folder(folders: Sequence[Path], options: Options) -> Path:
    """The folder of the files."""
    if options.out is not None:
        out = Path(options.out).expanduser()
    elif len(folders) == 1:
        out = folders[0] / "report"
    else:
        out = Path(os.path.commonpath([folder.absolute() for folder in folders])) / "report"
    for path in in_the_way(out, options):
        check_new(path, options.overwrite)
    try:
        out.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=out).close()
    except OSError as error:
        rule = "must be a folder that can be made and written to"
        found = error.strerror or str(error)
        raise problem(str(out), rule, found, "out=<another folder>") from error
    return out


def in_the_way(out: Path, options: Options) -> list[Path]:
    """The files that a report would replace; an older report in its usual place is none."""
    tables = [out / f"report.{name}" for name in FORMATS]
    older = options.out is None and any(map(is_report, tables))
    named = [path for path in tables if path.suffix[1:] in options.formats]
    found = [path for path in named if path.exists() and not (older and is_report(path))]
    return found if older else [*found, *pictures_in(out)]


def command(group: Group, seeds: Sequence[int], baseline: bool) -> str:
    """The command line that trains a setting, or its single-task baseline; a call in Python on rows
    that this holds."""
    config, choices = group.runs[0].config, group.choices
    if is_held(str(config.get("dataset.path"))):  # the call trains single-task, too
        alone = choices.get("arch") == BASELINE
        number = max(*seeds, *group.seeds, ENOUGH - 1) + 1
        return "" if alone else compare_call(words_of(config, choices), choices["arch"], number)
    if not baseline:
        return train_command(config, choices, seeds)
    kept = {key: value for key, value in choices.items() if root_of(key) not in SHARING}
    return train_command(config, {"arch": BASELINE, **kept}, seeds, LEFT_OUT)


def root_of(group: str) -> str:
    """The first part of the place where a choice stands: weighting of ``weighting.losses``."""
    return (group.partition("@")[2] or group).partition(".")[0]
