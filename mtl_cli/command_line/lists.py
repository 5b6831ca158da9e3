"""Several choices of a group at once, ``diagnostic=[conflict,gates]``: each under its name.

Hydra lays the YAMLs of a list over each other, which leaves the last one. So a list is one choice,
whose YAML nobody wrote: it puts each of the named ones at ``diagnostic.<name>``. The YAMLs of
loggers say the same of themselves, since a logger stands under its name also alone.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigResult, ConfigSource
from omegaconf import OmegaConf

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.grammar import parsed
from mtl_cli.command_line.names import names_in

GROUPS = ("diagnostic",)  # whose YAMLs stand in the group's place, where one is chosen
TOGETHER = (*GROUPS, "logger")  # of which a run may have several
NOTHING = ("none", "null")  # in a list
LIST = re.compile(r"""(["']?)(\[[^\[\]]*\])\1""")  # as it is typed, or as Hydra is to read it
IN_YAML = re.compile(rf"(((?:override )?/({'|'.join(GROUPS)}): *)(\[.*\]))")  # a default
SCHEME = "lists"


class Lists(ConfigSource):
    """Where Hydra finds ``diagnostic/[conflict,gates]``."""

    @staticmethod
    def scheme() -> str:
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        names = names_in(config_path.removesuffix(".yaml").partition("/")[2])
        node = OmegaConf.create({"defaults": [f"{name}@{name}" for name in names]})
        return ConfigResult(self.provider, self.full_path(), node, header={"package": None})

    def available(self) -> bool:
        return True

    def is_group(self, config_path: str) -> bool:
        return False

    def is_config(self, config_path: str) -> bool:
        group, _, choice = config_path.removesuffix(".yaml").partition("/")
        return group in GROUPS and is_list(choice)

    def list(self, config_path: str, results_filter: ObjectType | None) -> list[str]:
        return []


def with_lists(words: Sequence[str]) -> list[str]:
    """The words with each list as one choice, ``diagnostic="[conflict,gates]"``; in sweeps too.

    A name that is said twice counts once, and ``none`` for nothing. A list of one is that one, and
    an empty one is null.
    """
    return [
        with_choice(word) if own is not None and own.key_or_group in GROUPS else word
        for word, own in parsed(words)
    ]


def with_choice(word: str) -> str:
    """A word with each list in it as one choice; of lists in lists, from the inner ones."""
    after = LIST.sub(as_choice, word)
    return word if after == word else with_choice(after)


def as_choice(said: re.Match[str]) -> str:
    """A list as one choice in Hydra's grammar."""
    named = [name.strip("\"' ") for name in names_in(said[2])]
    names = [name for name in dict.fromkeys(named) if name not in NOTHING]
    return f'"[{",".join(names)}]"' if len(names) > 1 else "".join(names) or "null"


def check_lists(words: Sequence[str], folders: Collection[Path]) -> None:
    """Refuses a list in the YAML of an experiment, which is Hydra's: it would leave the last one.

    Args:
        words: of the command line, which may choose something else.
        folders: of YAMLs.
    """
    said = dict(word.lstrip("+~").partition("=")[::2] for word in words)
    files = [
        own / f"experiment/{e}.yaml" for e in names_in(said.get("experiment")) for own in folders
    ]
    for file in (file for file in files if file.is_file()):
        for whole, before, group, names in IN_YAML.findall(file.read_text(encoding="utf-8")):
            if group not in said and len(names_in(names)) > 1:
                rule = "must have a list of several in quotes, so that each stands under its name"
                raise problem(str(file), rule, whole, f'{before}"{names}"')


def is_list(choice: str | None) -> bool:
    """Whether a choice is a list of several."""
    return choice is not None and LIST.fullmatch(choice) is not None


def as_list(word: str) -> str:
    """A word whose choice is a list, as it is typed: without Hydra's quotes around the list."""
    key, _, choice = word.partition("=")
    found = LIST.fullmatch(choice) if key.lstrip("+") in TOGETHER else None
    return f"{key}={found[2]}" if found else word
