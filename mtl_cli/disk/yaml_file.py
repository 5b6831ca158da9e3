"""YAML that somebody else may have written: plain values alone, within bounds, or clear words.

A few lines with aliases of aliases stand for more values than any machine holds, and brackets in
brackets for more depth than any reader has; what this program writes has neither.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

MOST_BYTES = 10_000_000
MOST_VALUES = 100_000
MOST_DEPTH = 50
PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("null", "bool", "int", "float", "str")}
PLAIN |= {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Makes plain values; libyaml's reader is ten times as fast. A date stays a text."""

    yaml_implicit_resolvers = {  # noqa: RUF012, which is yaml's own
        first: [(tag, pattern) for tag, pattern in resolvers if tag in PLAIN]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


Loader.add_implicit_resolver(  # 1e-3, which YAML 1.1 takes for a text
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


def read_yaml(path: Path) -> Any:
    """The plain values in a file.

    Raises:
        ValueError: where they cannot be read, or are beyond the bounds; it says why, in one line.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise yaml.YAMLError(f"more than {MOST_BYTES:,} bytes")
        loader = Loader(path.read_text(encoding="utf-8"))
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            check(node)
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except (OSError, yaml.YAMLError, OverflowError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from error


def check(root: yaml.Node) -> None:
    """Refuses what is no plain value or beyond the bounds, before any value is made."""
    seen: set[int] = set()
    todo = [(root, 1)]
    while todo:
        node, depth = todo.pop()
        line = f"in line {node.start_mark.line + 1}"
        if id(node) in seen:
            raise yaml.YAMLError(f"an alias of what stands {line}")
        seen.add(id(node))
        if len(seen) > MOST_VALUES:
            raise yaml.YAMLError(f"more than {MOST_VALUES:,} values")
        if depth > MOST_DEPTH:
            raise yaml.YAMLError(f"values nested more than {MOST_DEPTH} deep, {line}")
        if node.tag not in PLAIN:
            raise yaml.YAMLError(f"{node.tag}, which is no plain value, {line}")
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            if len(keys) < len(node.value):
                raise yaml.YAMLError(f"a key that is no word, {line}")
            if len(set(keys)) < len(keys):
                raise yaml.YAMLError(f"a key that stands there twice, {line}")
            todo += [(part, depth + 1) for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            todo += [(part, depth + 1) for part in node.value]
