"""An option that is said of several choices at once, or by the name of the only one.

``diagnostic.every`` is of one diagnostic; of ``diagnostic=[conflict,gates]`` each has its own,
``diagnostic.conflict.every``.
"""

from __future__ import annotations

import shlex

from omegaconf import DictConfig, OmegaConf

from mtl_cli.basis.errors import Problem, nearest, problem
from mtl_cli.command_line.corrected import command
from mtl_cli.command_line.lists import GROUPS
from mtl_cli.command_line.own_parts import conf_folders
from mtl_cli.command_line.places import CONF


def of_which(key: str, wrong: str, there: DictConfig, words: list[str]) -> Problem | None:
    """What is wrong with a path that leads to nothing; None where it is something else.

    Args:
        key: the path.
        wrong: its first part that is not there.
        there: what there is in its place.
        words: of the command line.
    """
    group, _, option = key.partition(".")
    word = next((w for w in words if w.lstrip("+").partition("=")[0] == key), None)
    if group not in GROUPS or word is None or option.partition(".")[0] != wrong:
        return None
    said = word.partition("=")[2]
    targets = targets_of(group, words)
    if "_target_" not in there and "." not in option:
        return of_several(key, option, said, there, [w if w != word else "" for w in words])
    name, _, inner = option.partition(".")
    if "_target_" not in there or not inner or name not in targets:
        return None
    chosen = next((one for one, target in targets.items() if target == there["_target_"]), name)
    rule = f"must be without the name, since there is {group}={chosen} alone"
    if chosen == name:
        line = [f"{group}.{inner}={said}" if w == word else w for w in words]
    else:
        rule = f"must be of one that is chosen; {group}={chosen} is chosen alone"
        both = f"{group}=[{chosen},{name}]"
        line = [both if w.startswith(f"{group}=") else w for w in words]
        line = line if both in line else [both, *line]
    return problem(key, rule, word, shlex.join([command(), *line]))


def of_several(
    key: str, option: str, said: str, there: DictConfig, words: list[str]
) -> Problem | None:
    """Of an option that several may have.

    Args:
        key: the path.
        option: its last part, which may be mistyped.
        said: the value.
        there: the several, by their names.
        words: of the command line, empty in place of this one.
    """
    several = {str(name): own for name, own in there.items() if isinstance(own, DictConfig)}
    known = {str(inner) for own in several.values() for inner in own if inner != "_target_"}
    meant = option if option in known else nearest(option, sorted(known))
    group = key.partition(".")[0]
    having = [f"{group}.{name}.{meant}" for name, own in several.items() if meant in own]
    if meant is None or not having:
        return None
    each = [f"{path}={said}" for path in having]
    line = [new for word in words for new in ([word] if word else each)]
    rule = f"must say of which one: {' or '.join(having)}"
    return problem(key, rule, f"{group}=[{','.join(several)}]", shlex.join([command(), *line]))


def targets_of(group: str, words: list[str]) -> dict[str, str]:
    """The class of each choice of a group."""
    files = [file for own in conf_folders(CONF, words) for file in own.glob(f"{group}/*.yaml")]
    nodes = {file.stem: OmegaConf.load(file) for file in files}
    targets = {name: OmegaConf.select(node, "_target_") for name, node in nodes.items()}
    return {name: target for name, target in targets.items() if isinstance(target, str)}
