"""Words of a command line as they are typed: one way of quoting, in a shell and for all commands.

A value with blanks, brackets or letters beyond ASCII stands in double quotes, which every command
takes off, and the word in single ones, which the shell takes: ``'input="my data/wine.csv"'``.
"""

import re
import shlex

PLAIN = re.compile(r"[A-Za-z_./-][\w./:%+-]*", re.ASCII)  # as Hydra reads texts
OTHER_KINDS = {"null", "true", "false", "nan", "inf", "-inf"}  # words that are no texts for it
WHOLE = re.compile(r"""(["'])(.*)\1""", re.DOTALL)


def in_quotes(text: str) -> str:
    """A text that Hydra's grammar reads as this text."""
    if PLAIN.fullmatch(text) and text.lower() not in OTHER_KINDS:
        return text
    mark = "'" if '"' in text and "'" not in text else '"'
    escaped = re.sub(rf"\\+(?={mark}|$)", lambda found: found[0] * 2, text)
    return mark + escaped.replace(mark, f"\\{mark}") + mark


def without_quotes(text: str) -> str:
    """The text that was typed with such quotes around it, or without."""
    found = WHOLE.fullmatch(text)
    if found is None:
        return text
    mark, inner = found.groups()
    return re.sub(rf"(\\+)(?={mark}|$)", lambda run: run[0][: len(run[0]) // 2], inner)


def as_word(key: str, text: object) -> str:
    """``key=text`` as it can be pasted into a shell, whichever command takes it."""
    return shlex.quote(f"{key}={in_quotes(str(text))}")
