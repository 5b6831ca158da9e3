"""The command lines of a report: what trains a setting, or its single-task baseline."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from mtl_cli.command_line.overrides import Known, train_command, words_of
from mtl_cli.command_line.python_call import compare_call
from mtl_cli.comparison.baseline import BASELINE, FREE
from mtl_cli.comparison.group import Group
from mtl_cli.comparison.verdict import ENOUGH
from mtl_cli.dataset.files.held import is_held

SHARING = ("arch", "weighting", "diagnostic")  # what a baseline has of its own, or not at all
LEFT_OUT = re.compile(rf"{FREE.pattern}|diagnostic(\.|$)")
OF_ONE_RUN = re.compile(r"(seed|runs|resume|name|study|hydra\..*)=")  # words that no other run has


def command(group: Group, seeds: Sequence[int], baseline: bool, known: Known | None = None) -> str:
    """The command line that trains a setting, or its single-task baseline; a call in Python on rows
    that this holds."""
    config, choices = group.runs[0].config, group.choices
    if is_held(str(config.get("dataset.path"))):  # the call trains single-task, too
        alone = choices.get("arch") == BASELINE
        number = max(*seeds, *group.seeds, ENOUGH - 1) + 1
        return "" if alone else compare_call(words_of(config, choices), choices["arch"], number)
    if not baseline:
        return train_command(config, choices, seeds, known=known)
    kept = {key: value for key, value in choices.items() if root_of(key) not in SHARING}
    return train_command(config, {"arch": BASELINE, **kept}, seeds, LEFT_OUT)


def repeated(group: Group, known: Known) -> str:
    """The command line that trains a setting again: the words that its runs were trained with,
    where these are the same; else those that compose its configuration."""
    typed = [
        [word for word in run.summary.get("overrides") or [] if not OF_ONE_RUN.match(str(word))]
        for run in group.runs
    ]
    if (
        is_held(str(group.runs[0].config.get("dataset.path")))
        or not typed[0]
        or any(own != typed[0] for own in typed)
    ):
        return command(group, group.seeds, False, known)
    seeds = ",".join(map(str, group.seeds))
    several = ["--multirun"] * (len(group.seeds) > 1)
    return shlex.join(["mtl-train", *several, *typed[0], f"seed={seeds}"])


def root_of(group: str) -> str:
    """The first part of the place where a choice stands: weighting of ``weighting.losses``."""
    return (group.partition("@")[2] or group).partition(".")[0]
