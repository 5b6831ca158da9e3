"""The options of a YAML, with their usual values and their meanings: the comments beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

COMMENT = re.compile(r"\s*#\s?(.*)$")
ENTRY = re.compile(r"\s+- (?:override )?/?([\w/@.]+): ([^#]*?)\s*(?:#\s?(.*))?$")
WITHIN = re.compile(r"""("[^"\n]*"|'[^'\n]*')|(?<!\S)#.*""")  # text in quotes, or a comment
TECHNICAL = ("_target_", "_partial_", "_convert_", "_recursive_")


@dataclass(frozen=True)
class Option:
    """One of them.

    Args:
        path: where it stands in the YAML: ``split.val``.
        value: as it is written there; empty where further options stand below it.
        meaning: in words.
    """

    path: str
    value: str
    meaning: str


def headline(text: str) -> str:
    """What a YAML says of itself before its first option."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            lines.append(line.lstrip("# ").rstrip())
    return " ".join(lines)


def targets(text: str) -> list[str]:
    """The classes that a YAML names, each once."""
    found = re.findall(r"^ *_target_: ([\w.]+)", text, re.MULTILINE)
    return [name for name in dict.fromkeys(found) if name != "null"]


def begins_with(text: str) -> list[Option]:
    """The choices that a YAML makes of other groups, in its defaults list."""
    block = re.search(r"^defaults:.*\n((?:[ #].*\n|\n)*)", text, re.MULTILINE)
    lines = block[1].splitlines() if block else []
    entries = [found for line in lines if (found := ENTRY.match(line))]
    return [Option(own[1], own[2], own[3] or "") for own in entries]


def options(text: str) -> list[Option]:
    """All other options, in their order."""
    root = yaml.compose(text)
    return list(below(root, "", Comments(text))) if isinstance(root, yaml.MappingNode) else []


def below(node: yaml.MappingNode, path: str, comments: Comments) -> Iterator[Option]:
    for key, value in node.value:
        name = f"{path}{key.value}"
        if key.value in TECHNICAL or name in ("defaults", "hydra"):
            continue
        above = comments.above(key.start_mark)
        if isinstance(value, yaml.MappingNode) and value.value and not value.flow_style:
            beside = comments.beside(key.end_mark.line, key.end_mark.column + 1)
            if above or beside:
                yield Option(name, "", f"{above} {beside}".strip())
            yield from below(value, f"{name}.", comments)
            continue
        written = comments.text[value.start_mark.index : value.end_mark.index].strip()
        block = not getattr(value, "flow_style", True) and "\n" in written
        last = (key if block or not written else value).end_mark
        beside = comments.beside(last.line, last.column)
        shown = " ".join(WITHIN.sub(r"\1", written).split())
        yield Option(name, shown or "null", f"{above} {beside}".strip())


class Comments:
    """The comments of a YAML, each taken once.

    Args:
        text: the YAML.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = text.splitlines()
        self.taken: set[int] = set()  # lines that are comments and nothing else

    def beside(self, line: int, column: int) -> str:
        """What stands behind a value, and in the lines below it, as far to the right."""
        found = COMMENT.match(self.lines[line][column:].removeprefix(":"))
        if found is None:
            return ""
        place, words = self.lines[line].index("#", column), [found[1]]
        for number in range(line + 1, len(self.lines)):
            own = self.lines[number]
            if not own.lstrip().startswith("#") or own.index("#") != place:
                break
            words.append(own.strip().lstrip("# "))
            self.taken.add(number)
        return " ".join(words)

    def above(self, key: yaml.Mark) -> str:
        """What stands in the lines before an option, indented as it is."""
        words: list[str] = []
        for number in range(key.line - 1, -1, -1):
            own = self.lines[number]
            mine = own.lstrip().startswith("#") and own.index("#") == key.column
            if not mine or number in self.taken or self.is_headline(number):
                break
            words.insert(0, own.strip().lstrip("# "))
            self.taken.add(number)
        return " ".join(words)

    def is_headline(self, number: int) -> bool:
        """Whether nothing but comments stands before."""
        return all(line.startswith("#") for line in self.lines[: number + 1])
