"""The words of a command whose options are plain values: ``key=value``, as its YAML lists them.

Nothing here imports torch, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import yaml

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.basis.shell import without_quotes
from mtl_cli.command_line.cli import CONF


def read_options(command: str, words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """The value of each option of ``conf/<command>.yaml``, and the words that are none of them.

    A value is read as YAML where the usual one is a number, a list, a mapping, true or false;
    texts and paths stay as they were typed, without quotes around them. ``key.name=value`` sets
    one value of a mapping.

    Raises:
        ValueError: where a value is of another kind than the usual one.
    """
    text = (CONF / f"{command}.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = yaml.safe_load(text)
    others = []
    for word in words:
        key, equals, value = word.partition("=")
        group, _, name = key.partition(".")
        if equals and name and isinstance(values.get(group), dict):
            values[group] = values[group] | {name: without_quotes(value)}
        elif equals and key in values:
            values[key] = as_value(key, value, values[key])
        else:
            others.append(word)
    return values, others


def as_value(key: str, text: str, usual: Any) -> Any:
    """The value of an option that is usually ``usual``."""
    if usual is None or isinstance(usual, str):
        return None if text == "null" and usual is None else without_quotes(text)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        found, fix = text, f"{key}={yaml.safe_dump(usual, default_flow_style=True).strip()}"
        raise problem(key, "must have a value in YAML", found, fix) from error
    if isinstance(usual, list) and not isinstance(value, list):
        value = [] if value is None else [value]
    if isinstance(usual, list) and not all(isinstance(item, str) for item in value):
        raise problem(key, "must be a list of words", text, f"'{key}=[word,word]'")
    if type(value) is not type(usual):
        kinds = {bool: "true or false", int: "a whole number", list: "a list", dict: "a mapping"}
        shown = f"'{key}={{name: value}}'" if isinstance(usual, dict) else f"{key}={usual}"
        raise problem(key, f"must be {kinds[type(usual)]}", text, shown.replace("F", "f"))
    return value


def refuse(command: str, words: Sequence[str], known: Sequence[str]) -> None:
    """Refuses words that are no options, and names the nearest one.

    Raises:
        ValueError: where there is one.
    """
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            if word.startswith("-"):
                raise problem(word, "must be key=value", "no such flag", f"mtl-{command} --help")
            raise problem(word, "must be key=value", "no = in it", f"run={word}")
        close = nearest(key, list(known))
        fix = f"{close}={value}" if close else f"mtl-{command} --help"
        raise problem(key, f"must be one of {', '.join(known)}", "no such option", fix)


def show_help(command: str, usage: str, notes: Sequence[str], examples: Sequence[str]) -> None:
    """Prints what a command does, its options with their meaning, and examples."""
    text = (CONF / f"{command}.yaml").read_text(encoding="utf-8")
    first, _, options = text.partition("\n")
    lines = [first.lstrip("# "), "", f"usage: mtl-{command} {usage}", "", *notes, "", "options"]
    lines += [f"  {line}" for line in options.rstrip().splitlines()]
    lines += ["", "examples", *(f"  {example}" for example in examples)]
    sys.stdout.write("\n".join(lines) + "\n")


def required(command: str, values: dict[str, Any], key: str, fix: str) -> Any:
    """The value of an option that has to be given."""
    if values[key] is None:
        raise problem(f"mtl-{command}", f"needs {key}=", "none", f"mtl-{command} {fix}")
    return values[key]


def sources_of(values: dict[str, Any]) -> tuple[str | None, dict[str, str]]:
    """What ``input=`` and ``inputs.<name>=`` give: one path for the only input, or one for each.

    Raises:
        ValueError: where both are given.
    """
    if values["input"] is not None and values["inputs"]:
        rule, found = "must not stand beside inputs.<name>=", values["input"]
        raise problem("input", rule, found, "inputs.<name>= for each")
    return values["input"], {name: str(path) for name, path in values["inputs"].items()}
