"""Of a word that Hydra cannot read: what may have been meant."""

from __future__ import annotations

import re
import shlex
from glob import escape
from pathlib import Path

from hydra.errors import OverrideParseException

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.shell import in_quotes
from mtl_cli.command_line.braces import with_mapping
from mtl_cli.command_line.corrected import command, corrected
from mtl_cli.command_line.grammar import KEY, parsed
from mtl_cli.command_line.habits import of_file
from mtl_cli.command_line.names import quoted
from mtl_cli.command_line.places import CONF


def unreadable(error: OverrideParseException, words: list[str]) -> Problem:
    """Of a word that is no ``key=value``; the next word may be its value."""
    word = str(error.override)
    if (line := with_mapping(word, words)) is not None:
        rule = "must be a mapping in quotes, {name: value, name: value}"
        return problem(word, rule, "what cannot be read as one", shlex.join([command(), *line]))
    fix = "key=value, quoted where it has brackets or blanks: 'encoder.hidden=[64,64]'"
    if "=" in word or word.startswith("~") or word not in words:
        lines = str(error).splitlines()
        caret = next((line.index("^") for line in lines if line.strip() == "^"), None)
        fix = quoted(word) or as_typed_text(word, words) or with_points(word, words) or fix
        if caret is not None:  # it stands below the word, behind the name of Hydra's own exception
            rest = lines[0][caret:] or "its end"
            return problem(word, "must be key=value", f"what cannot be read, at {rest}", fix)
        return problem(word, "must be key=value", "what cannot be read", fix)
    place = words.index(word)
    following = words[place + 1 : place + 2]
    if whole := with_blanks(place, words):
        fix = whole
    elif read := of_file(word, words):
        others = [other for other in words if other != word and not other.startswith("dataset=")]
        fix = shlex.join([command(), *read, *others])
    elif word in ("latest", "best", "last"):
        key = "checkpoint" if word in ("best", "last") else "run"
        fix = shlex.join([command(), *words[:place], f"{key}={word}", *words[place + 1 :]])
    elif len(groups := [file.parent.name for file in CONF.glob(f"*/{escape(word)}.yaml")]) == 1:
        fix = shlex.join([command(), *words[:place], f"{groups[0]}={word}", *words[place + 1 :]])
    elif ":" in word:
        fix = corrected(words, word, word.replace(":", "=", 1))
    elif following and re.fullmatch(r"[\w.]+", following[0]):
        joined = f"{word}={following[0]}"
        fix = shlex.join([command(), *words[:place], joined, *words[place + 2 :]])
    return problem(word, "must be key=value", "no = in it", fix)


def with_blanks(place: int, words: list[str]) -> str | None:
    """The command line with a path in one word that the shell cut at its blanks; None where the
    words before and after this one give none together, and nothing speaks for a mistyped one."""
    first = next((i for i in range(place - 1, -1, -1) if "=" in words[i]), place)
    key, _, begun = words[first].partition("=")
    if first == place or not KEY.fullmatch(key) or Path(begun).expanduser().exists():
        return None
    told = place + 1 if key.rpartition(".")[2] == "path" else None
    for end in range(len(words), place, -1):
        text = " ".join([begun, *words[first + 1 : end]])
        if end == told or Path(text).expanduser().exists():
            whole = [*words[:first], f"{key}={in_quotes(text)}", *words[end:]]
            return shlex.join([command(), *whole])
    return None


def with_points(word: str, words: list[str]) -> str | None:
    """The command line with points for the decimal commas of a word; None where it cannot be read
    then either."""
    mended = re.sub(r"(?<=[\s:\[,]\d),(?=\d)", ".", word)
    if word not in words or mended == word or parsed([mended])[0][1] is None:
        return None
    return shlex.join([command(), *(mended if typed == word else typed for typed in words)])


def as_typed_text(word: str, words: list[str]) -> str | None:
    """The command line with the value of a word in quotes; None where that is no text."""
    key, equals, text = word.partition("=")
    if not equals or word not in words or not KEY.fullmatch(key) or text[:1] in ("", *"[{(\"'"):
        return None
    mended = f"{key}={in_quotes(text)}"
    return shlex.join([command(), *(mended if typed == word else typed for typed in words)])
