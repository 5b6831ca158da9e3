"""Hydra's grammar: words that it reads, and values as it writes them.

Its mappings have no quoted keys: ``{>50K: rich}``, ``{"is ill": binary}`` and ``{年齢: drop}`` it
cannot read. So the mappings of `MAPPINGS` go through it as text, and are read afterwards.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict

from mtl_cli.basis.errors import problem
from mtl_cli.basis.numerals import is_number
from mtl_cli.basis.shell import OTHER_KINDS, in_quotes
from mtl_cli.disk.literal import literal

PLAIN_KEY = re.compile(r"[\w./%+$*@?|-]+", re.ASCII)
MAPPINGS = ("targets", "columns", "sources", "join")  # of a dataset, whose keys people's files name
MAPPING = re.compile(
    rf"(\+{{0,2}}dataset\.(?:{'|'.join(MAPPINGS)})[\w.]*)=(\{{.*\}})", re.ASCII | re.DOTALL
)
KEY = re.compile(r"\+{0,2}[a-z][\w.]*", re.ASCII)  # of a single value
BARE_KEY = re.compile(r"""([{,]\s*)([^\s"'{}\[\],:](?:[^{},:\n]*[^\s{},:])?)\s*:(?=[\s{\["'])""")


class Loader(yaml.SafeLoader):
    """YAML in which ``yes`` and ``2020-01-01`` are words, as in Hydra's grammar, and keys are text
    as it is written."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, "no key", key.start_mark)
        return {key.value: self.construct_object(item, deep=True) for key, item in node.value}


Loader.yaml_implicit_resolvers = {
    first: [(tag, regex) for tag, regex in found if not tag.endswith((":bool", ":timestamp"))]
    for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), list("tf"))


def parsed(words: Sequence[str]) -> list[tuple[str, Override | None]]:
    """The words, each with what it overrides; None for what is no override."""
    parser = OverridesParser.create()
    pairs: list[tuple[str, Override | None]] = []
    for word in words:
        override = None
        if not word.startswith("-"):
            with suppress(HydraException):  # which is said where the words are composed
                override = parser.parse_override(word)
        pairs.append((word, override))
    return pairs


def as_texts(words: Sequence[str]) -> list[str]:
    """The words, with text in place of mappings and paths that Hydra cannot read."""
    return [word if override is not None else as_text(word) for word, override in parsed(words)]


def as_text(word: str) -> str:
    """A word that Hydra cannot read, with text for its value where it is a mapping of `MAPPINGS`,
    or a path that leads somewhere."""
    typed = MAPPING.fullmatch(word)
    if typed is not None and read_mapping(typed[2]) is not None:
        return f"{typed[1]}={value(typed[2])}"
    key, _, text = word.partition("=")
    is_path = KEY.fullmatch(key) is not None and os.path.exists(os.path.expanduser(text))
    return f"{key}={value(text)}" if is_path else word


def read_mapping(text: Any) -> dict[str, Any] | None:
    """The mapping that a text is, its keys as they are written; None where it is none."""
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    quoted = BARE_KEY.sub(lambda key: f"{key[1]}{json.dumps(key[2], ensure_ascii=False)}: ", text)
    for written in (text, quoted):
        with suppress(yaml.YAMLError):
            read = yaml.load(written, Loader)
            return read if isinstance(read, dict) else None
    return None


def read_texts(cfg: DictConfig) -> None:
    """Puts the mappings that came as text in their places."""
    dataset = cfg.get("dataset")
    if not isinstance(dataset, DictConfig):
        return
    for name in (name for name in MAPPINGS if name in dataset):
        node = dataset[name]
        said = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node
        read = with_mappings(said)
        if read != said:
            with open_dict(cfg):
                dataset[name] = literal(read)


def with_mappings(node: Any) -> Any:
    """Plain data with mappings in place of the texts that are some."""
    if isinstance(node, dict):
        return {key: with_mappings(item) for key, item in node.items()}
    read = read_mapping(node)
    return node if read is None else read


def typed_value(key: str, text: str) -> Any:
    """The value of a ``key=value`` word, read as YAML, as it can stand in a configuration."""
    try:
        read: Any = OmegaConf.to_container(OmegaConf.from_dotlist([f"value={text}"]), resolve=True)
    except Exception as error:  # whatever YAML's reader stumbles over
        raise problem(key, "must have a value in YAML", text, f"'{key}=<value>'") from error
    return literal(read["value"])


def keys_of(data: Any) -> Iterable[Any]:
    """All keys of a mapping and of those in it."""
    if isinstance(data, Mapping):
        for key, item in data.items():
            yield key
            yield from keys_of(item)


def is_plain(key: Any) -> bool:
    """Whether Hydra reads a key as it is: one of blanks, quotes or ``>`` it does not, and takes
    ``2020`` and ``null`` for no words."""
    if not isinstance(key, str):
        return True
    return bool(PLAIN_KEY.fullmatch(key)) and not is_number(key) and key.lower() not in OTHER_KINDS


def value(data: Any) -> str:
    """A value in Hydra's grammar, or one of `MAPPINGS` with keys that this cannot hold, as JSON."""
    if data is None:
        return "null"
    if isinstance(data, bool):
        return str(data).lower()
    if isinstance(data, list | tuple):
        return f"[{','.join(map(value, data))}]"
    if isinstance(data, Mapping) and not all(map(is_plain, keys_of(data))):
        return json.dumps(data, ensure_ascii=False)
    if isinstance(data, Mapping):
        return f"{{{','.join(f'{key}:{value(item)}' for key, item in data.items())}}}"
    return in_quotes(literal(data)) if isinstance(data, str) else str(literal(data))
