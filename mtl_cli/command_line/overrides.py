"""From a configuration back to words: a short command line that composes it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from omegaconf import OmegaConf

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose, explained, job_config
from mtl_cli.command_line.grammar import value
from mtl_cli.command_line.lists import as_list
from mtl_cli.command_line.places import CONF
from mtl_cli.command_line.targets import with_tasks

Flat = Mapping[str, Any]  # {"arch.num_experts": 8}
Known = dict[tuple[str, ...], tuple[Flat, dict[str, str | None]]]  # what some words compose

NOT_SET = ("name", "seed", "resume", "objective", "choices")  # given anew, or made of the others
EXPERIMENTS = {path.stem for path in (CONF / "experiment").glob("*.yaml")}
NOT_OF_A_RUN = ("experiment", "study")  # a word before all others; and how to sweep


def train_command(
    config: Flat,
    choices: Mapping[str, str | None],
    seeds: Sequence[int],
    usual: re.Pattern[str] | None = None,
    known: Known | None = None,
) -> str:
    """The ``mtl-train`` command line that trains a configuration by some seeds.

    Args:
        config: flat.
        choices: ``{"arch": "mmoe", "loss@tasks.y.loss": "l1"}``.
        seeds: as many runs.
        usual: matches the keys that stay as the choices have them.
        known: what words were found to compose, of a caller that asks for many configurations:
            each composition takes a tenth of a second.
    """
    words = [*words_of(config, choices, usual, known), f"seed={','.join(map(str, seeds))}"]
    return shlex.join(["mtl-train", *(["--multirun"] if len(seeds) > 1 else []), *words])


def words_of(
    config: Flat,
    choices: Mapping[str, str | None],
    usual: re.Pattern[str] | None = None,
    known: Known | None = None,
) -> list[str]:
    """The words that compose a configuration: choices that are no default, then single values.

    An experiment of our own is a word, too, and what differs from it follows. A choice that is not
    among our own YAMLs goes in unseen.
    """
    seen: Known = {} if known is None else known
    experiment = choices.get("experiment")
    words = [f"experiment={experiment}"] if experiment in EXPERIMENTS else []
    there = composed(words, seen)[1]
    for _, together in groupby(sorted(choices, key=order), key=order):
        groups = [g for g in together if g not in NOT_OF_A_RUN and choices[g] != there.get(g)]
        words += [as_list(f"{typed(group, there)}={value(choices[group])}") for group in groups]
        try:
            there = composed(words, seen)[1] if groups else there
        except Problem:
            there = {**there, **{group: choices[group] for group in groups}}
    try:
        own = differing(config, composed(words, seen)[0], usual)
        implied = [word.partition("@")[2] for word in with_tasks(own) if word not in own]
        return [*(word for word in words if word not in implied), *own]
    except Problem:
        return [*words, "--config-dir=<of these choices>"]


def typed(group: str, known: Mapping[str, str | None]) -> str:
    """A group as one types it: ``tasks.y.loss`` of ``loss@tasks.y.loss``."""
    place = group.partition("@")[2]
    return place or (group if group in known else f"+{group}")


def order(group: str) -> tuple[bool, bool, bool]:
    """The dataset brings groups of its own, its tasks; and these, their losses and heads."""
    return "@" in group, group != "dataset", not group.startswith("task@")


def composed(words: list[str], known: Known | None = None) -> tuple[Flat, dict[str, str | None]]:
    """The configuration of some words, and its choices; it is kept in ``known``."""
    if known is not None and tuple(words) in known:
        return known[tuple(words)]
    cfg = compose("train", words)
    with explained(words):
        own = OmegaConf.to_container(job_config(cfg, cfg.hydra), resolve=True)
    assert isinstance(own, dict)
    choices = own.pop("choices")
    found = flat({str(key): node for key, node in own.items()}), dict(choices)
    if known is not None:
        known[tuple(words)] = found
    return found


def flat(node: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Nested mappings as one, with keys such as ``arch.num_experts``."""
    values: dict[str, Any] = {}
    for key, below in node.items():
        inner = flat(below, f"{path}{key}.") if isinstance(below, Mapping) and below else None
        values |= {f"{path}{key}": below} if inner is None else inner
    return values


def differing(config: Flat, other: Flat, usual: re.Pattern[str] | None = None) -> list[str]:
    """The words that turn another configuration into this one."""
    words = []
    done: tuple[str, ...] = ()  # mappings that stand whole in a word
    for key in [*other, *(key for key in config if key not in other)]:
        if (
            key.partition(".")[0] in NOT_SET
            or key.startswith(done)
            or (usual is not None and usual.match(key))
        ):
            continue
        below = {k.removeprefix(f"{key}."): v for k, v in config.items() if k.startswith(f"{key}.")}
        if below:  # where the other has nothing, or an empty mapping
            words.append(f"{key}={value(nested(below))}")
            done += (f"{key}.",)
        elif key not in config:
            words.append(f"~{highest(key, config)}")
        elif key not in other or not same(other[key], config[key]):
            there = key in other or any(k.startswith(f"{key}.") for k in other)
            words.append(f"{'' if there else '+'}{key}={value(config[key])}")
    return list(dict.fromkeys(words))


def nested(values: Flat) -> dict[str, Any]:
    """The mappings whose `flat` these values are."""
    whole: dict[str, Any] = {}
    for key, item in values.items():
        *path, last = key.split(".")
        there = whole
        for name in path:
            there = there.setdefault(name, {})
        there[last] = item
    return whole


def same(one: Any, other: Any) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def highest(key: str, config: Flat) -> str:
    """The highest part of a path that a configuration has nothing of."""
    parts = key.split(".")
    for length in range(1, len(parts)):
        place = ".".join(parts[:length])
        if not any(f"{other}.".startswith(f"{place}.") for other in config):
            return place
    return key
