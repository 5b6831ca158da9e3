"""Of a word that Hydra cannot read: what may have been meant."""

from __future__ import annotations

import re
import shlex

from hydra.errors import OverrideParseException

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.shell import in_quotes
from mtl_cli.command_line.braces import with_mapping
from mtl_cli.command_line.corrected import command, corrected
from mtl_cli.command_line.grammar import KEY
from mtl_cli.command_line.habits import of_file
from mtl_cli.command_line.names import quoted


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
        fix = quoted(word) or as_typed_text(word, words) or fix
        if caret is not None:  # it stands below the word, behind the name of Hydra's own exception
            rest = lines[0][caret:] or "its end"
            return problem(word, "must be key=value", f"what cannot be read, at {rest}", fix)
        said = next((line for line in lines if "Error parsing" not in line), lines[0])
        return problem(word, "must be key=value", said, fix)
    place = words.index(word)
    following = words[place + 1 : place + 2]
    if read := of_file(word, words):
        others = [other for other in words if other != word and not other.startswith("dataset=")]
        fix = shlex.join([command(), *read, *others])
    elif word in ("latest", "best", "last"):
        key = "checkpoint" if word in ("best", "last") else "run"
        fix = shlex.join([command(), *words[:place], f"{key}={word}", *words[place + 1 :]])
    elif ":" in word:
        fix = corrected(words, word, word.replace(":", "=", 1))
    elif following and re.fullmatch(r"[\w.]+", following[0]):
        joined = f"{word}={following[0]}"
        fix = shlex.join([command(), *words[:place], joined, *words[place + 2 :]])
    return problem(word, "must be key=value", "no = in it", fix)


def as_typed_text(word: str, words: list[str]) -> str | None:
    """The command line with the value of a word in quotes; None where that is no text."""
    key, equals, text = word.partition("=")
    if not equals or word not in words or not KEY.fullmatch(key) or text[:1] in ("", *"[{(\"'"):
        return None
    mended = f"{key}={in_quotes(text)}"
    return shlex.join([command(), *(mended if typed == word else typed for typed in words)])
