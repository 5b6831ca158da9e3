"""Mappings that were mistyped: no quotes in a shell, a brace that lacks, ``=`` where ``:`` is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mtl_cli.command_line.grammar import parsed, read_mapping

CLOSERS = {"{": "}", "[": "]"}
NAMED = re.compile(r"([{,]\s*[^{}\[\],:=]+?)\s*=\s*")  # a key that = follows


def with_mapping(word: str, words: Sequence[str]) -> list[str] | None:
    """The words with a mapping that can be read; None where one is not all that is wrong.

    Args:
        word: that cannot be read, ``dataset.targets={age:`` where a shell cut it at the blanks.
        words: of the command line.
    """
    key, equals, text = word.partition("=")
    if not equals or "{" not in text or word not in words:
        return None
    place = list(words).index(word)
    rest = list(words[place + 1 :])
    while rest and unclosed(text) and not re.match(r"[\w.+~-]+=", rest[0]):
        text = f"{text} {rest.pop(0)}"
    text = NAMED.sub(r"\1: ", text.rstrip(",: ") + unclosed(text))
    mended = f"{key}={text}"
    [(_, readable)] = parsed([mended])
    if mended == word or (readable is None and read_mapping(text) is None):
        return None
    return [*words[:place], mended, *rest]


def unclosed(text: str) -> str:
    """The brackets that are lacking at the end."""
    open_ones: list[str] = []
    for letter in text:
        if letter in CLOSERS:
            open_ones.append(CLOSERS[letter])
        elif open_ones and letter == open_ones[-1]:
            open_ones.pop()
    return "".join(reversed(open_ones))


def in_one(key: str, words: Sequence[str]) -> list[str] | None:
    """The words with one mapping for several words of a key, as a shell makes them of braces
    without quotes: ``dataset.targets=ill:binary dataset.targets=age:regression``."""
    own = [word for word in words if word.lstrip("+").partition("=")[0] == key]
    pairs = [re.fullmatch(r"([^:{]+):\s*(.+)", word.partition("=")[2]) for word in own]
    if len(own) < 2 or None in pairs:
        return None
    inner = ", ".join(f"{found[1]}: {found[2]}" for found in pairs if found)
    mended = {own[0]: f"{key}={{{inner}}}"}
    return [mended.get(word, word) for word in words if word not in own[1:]]
