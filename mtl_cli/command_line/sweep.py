"""A sweep's folder: it keeps the words that the sweep goes on by, and one sweep alone."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from mtl_cli.basis.errors import problem
from mtl_cli.basis.shell import as_word
from mtl_cli.command_line.grammar import value
from mtl_cli.command_line.launchers import is_of_launcher, sets_launcher
from mtl_cli.command_line.own_parts import split_config_dirs
from mtl_cli.comparison.best import rank_on_val
from mtl_cli.disk.new_folder import create_folder
from mtl_cli.disk.run_folder import RunFolder, find_run, from_here
from mtl_cli.disk.writing import forget_parts

FILE = "sweep.json"  # the words, as they were typed
HYDRAS = "multirun.yaml"  # what Hydra leaves in every sweep, ours of older versions too
PLACE = "hydra.sweep.dir="
OF_A_RUN = "hydra.run.dir="

KEY = re.compile(r"[+~]*\w[\w@./-]*")
PATHS = ("runs", "init", "name")  # options of ours without a group that may hold any text


def is_sweep(path: Path) -> bool:
    return (path / FILE).is_file() or (path / HYDRAS).is_file()


def sweep_of(path: Path) -> Path | None:
    """The sweep that a folder is or belongs to: the outermost, for a baseline lies in its own."""
    return next((one for one in [*reversed(path.parents), path] if is_sweep(one)), None)


def chosen_run(name: str, root: Path) -> RunFolder:
    """The run folder called ``name``; of a sweep, and of ``latest`` after one, the best on val.

    Says which one that is.

    Raises:
        ValueError: where there is none.
    """
    path = Path(name).expanduser()
    if name == "latest":
        newest = find_run(name, root).path
        path = sweep_of(newest) or newest
    holds_runs = is_sweep(path) or (path / "0" / "config.yaml").is_file()  # mtl_cli.compare's
    if holds_runs and not (path / "config.yaml").is_file():
        ranking = rank_on_val(path)
        sys.stderr.write(f"the best on val of {from_here(path)}: {ranking.in_words}\n")
        return ranking.run.folder
    if name == "latest":
        sys.stderr.write(f"latest is {from_here(path)}\n")
        return RunFolder(path)
    return find_run(name, root)


def place_sweep(path: Path, words: Sequence[str], named: bool, trains: bool) -> Path:
    """The folder of a sweep that begins, or goes on.

    A sweep without a named folder has a new one. A named folder is new or empty, or holds what is
    there of a sweep by the same words, which then goes on.

    Args:
        path: of the folder.
        words: as they were typed.
        named: whether the user named the folder.
        trains: whether the sweep's jobs are runs, which can go on.

    Raises:
        ValueError: where the folder holds anything else, or cannot be made.
    """
    own = [word for word in words if not word.startswith(PLACE)]
    if not named and (place := next((w for w in own if w.startswith(OF_A_RUN)), None)):
        rule, fix = "is of one run, and these are several", place.replace(OF_A_RUN, PLACE, 1)
        raise problem("hydra.run.dir", rule, place.removeprefix(OF_A_RUN), f"{fix} in its place")
    if named and path.is_dir():
        forget_parts(path)  # killed before its words were there, it has not begun
    if named and path.is_dir() and any(path.iterdir()):
        known = read_words(path) if trains else None
        if known is None or settings(known) != settings(own):
            raise refused(path, known)
        sys.stdout.write(f"the sweep in {from_here(path)} goes on\n")
        return path
    if not (named and path.is_dir()):
        path = create_folder(path)
    if trains:
        RunFolder(path).write_json(path / FILE, {"words": own})
    return path


def settings(words: Sequence[str]) -> list[str]:
    """The words that make the jobs, in some order: not where parts are found, nor who runs them."""
    return sorted(word for word in split_config_dirs(words)[1] if not is_of_launcher(word))


def refused(path: Path, known: Sequence[str] | None) -> Exception:
    """Of a named folder that holds something else."""
    rule = "must be a new folder, or of a sweep by the same words"
    other = as_word(PLACE.removesuffix("="), f"{path}_new")
    if known is None:
        return problem(f"{PLACE}{path}", rule, "a folder with files", other)
    found = f"a sweep by other words: {shlex.join(known)}"
    return problem(f"{PLACE}{path}", rule, found, f"{other}, or {resumed(path)}")


def resumed(path: Path) -> str:
    """The command line that goes on with a run or a sweep."""
    return f"mtl-train {as_word('resume', path)}"


def read_words(path: Path) -> list[str] | None:
    """The words of the sweep in a folder; None where it holds none."""
    file = path / FILE
    if not file.is_file():
        return None
    try:
        words = json.loads(file.read_text(encoding="utf-8"))["words"]
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return words
        found = type(words).__name__
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        found = str(error).splitlines()[0]
    fix = "the sweep's own command line with a new folder"
    raise problem(str(file), "must hold the words of a sweep", found, fix)


def resumed_words(path: Path, given: Sequence[str], trusted: Collection[str] = ()) -> list[str]:
    """The command line that goes on with a sweep: its own words, in its folder.

    The folder may come from anywhere: words that could run something are for the user to type.

    Args:
        path: of the sweep.
        given: the other words of the command line; ``--config-dir`` stands for the sweep's own, and
            so do words of the launcher.
        trusted: packages whose classes its words may name.

    Raises:
        ValueError: where the folder does not say how to go on, or other words are given.
    """
    words = read_words(path)
    if words is None:
        rule, found = f"must hold {FILE}, which says how it goes on", "a sweep of an older version"
        raise problem(str(path), rule, found, f"{resumed(path / '0')}, run by run")
    theirs, words = split_config_dirs(words)
    own, others = split_config_dirs(given)
    launcher = [word for word in others if is_of_launcher(word)]
    others = [word for word in others if word not in launcher]
    if launcher:
        words = [word for word in words if not is_of_launcher(word)]
    if others:
        rule = "of a sweep goes on by the sweep's own words; a single run can be trained longer"
        fix = f"{resumed(path)}, or {resumed(path / '0')} {others[0]}"
        raise problem("resume", rule, others[0], fix)
    flags = [word for folder in own or theirs for word in ("--config-dir", str(folder))]
    if theirs and not own:
        rule = "goes on with the parts of a folder that the command line names"
        fix = f"{shlex.join(['mtl-train', *flags])} {as_word('resume', path)}"
        raise problem(str(path), rule, "none on it", f"{fix}, if you trust what is there")
    whole = [*flags, *words, *launcher, f"{PLACE}{value(str(path))}"]
    for word in words:
        if not only_sets(word, trusted):
            rule = "goes on by words that set values alone, since its folder may come from anywhere"
            fix = f"{shlex.join(['mtl-train', *whole])}, if you know these words"
            raise problem(str(path), rule, word, fix)
    RunFolder(path).check_writable("a copy of it")
    return whole


def only_sets(word: str, trusted: Collection[str] = ()) -> bool:
    """Whether a word chooses a part or sets a value, and can run only what is trusted."""
    key, equals, text = word.partition("=")
    if word in ("-m", "--multirun") or sets_launcher(word):
        return True
    names = key.endswith("._target_") and re.fullmatch(r"[\w.]+(,[\w.]+)*", text)
    if "$" in word or not KEY.fullmatch(key) or ("_target_" in word and not names):
        return False
    if not equals and not key.startswith("~"):
        return False
    if re.search(r"\bhydra\b", key) and not key.startswith("hydra.sweeper.params."):
        return False
    if names:
        return all(target.partition(".")[0] in trusted for target in text.split(","))
    chooses = "@" in key or "." not in key
    return not (chooses and key not in PATHS and ".." in text)  # a YAML of another folder
