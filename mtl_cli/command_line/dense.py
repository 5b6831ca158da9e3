"""What a configuration has otherwise where a task has a label for every pixel."""

from collections.abc import Collection
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
    if not isinstance(encoder, DictConfig) or OF_MAPS not in encoder:
        return
    with open_dict(encoder):
        options: Any = encoder.pop(OF_MAPS)
    if not any(isinstance(task, DictConfig) and "size" in task for task in tasks.values()):
        return
    said = {word.lstrip("+").partition("=")[0] for word in typed}
    for option, (usual, of_maps) in options.items():
        if f"encoder.{option}" not in said and encoder[option] == usual:
            encoder[option] = of_maps
