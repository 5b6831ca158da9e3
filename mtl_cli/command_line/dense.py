"""What a configuration has otherwise where a task has a label for every pixel."""

from collections.abc import Collection, Iterator
from typing import Any

from omegaconf import DictConfig, open_dict

OF_MAPS = "_of_maps_"  # in an encoder's YAML: {option: [its usual value, the one that gives maps]}


def give_maps(cfg: DictConfig, typed: Collection[str]) -> None:
    """Lets the encoder give maps where a task's labels are maps, unless the option was said.

    Args:
        cfg: the composed config, whose encoder loses `OF_MAPS`.
        typed: the words of the command line.
    """
    encoder, tasks = cfg.get("encoder"), cfg.get("tasks") or {}
    if not isinstance(encoder, DictConfig):
        return
    maps = any(isinstance(task, DictConfig) and "size" in task for task in tasks.values())
    said = {word.lstrip("+").partition("=")[0] for word in typed}
    for path, own in within(encoder, "encoder"):
        with open_dict(own):
            options: Any = own.pop(OF_MAPS, {})
        for option, (usual, of_maps) in options.items():
            if maps and f"{path}.{option}" not in said and own[option] == usual:
                own[option] = of_maps


def within(node: DictConfig, path: str) -> Iterator[tuple[str, DictConfig]]:
    """A part, and those in its options, with their paths."""
    yield path, node
    for key in map(str, node):
        if isinstance(inner := node._get_node(key), DictConfig) and not inner._is_none():
            yield from within(inner, f"{path}.{key}")
