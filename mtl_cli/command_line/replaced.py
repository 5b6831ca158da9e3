"""An experiment's options of a part that the command line replaces by another one."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from mtl_cli.command_line.lists import GROUPS, check_lists, is_list
from mtl_cli.command_line.places import ENTRY

NOT_PARTS = ("dataset", "experiment", "study")  # what sets values of several parts


def leave_out_replaced(cfg: DictConfig, typed: Collection[str], folders: Collection[Path]) -> None:
    """Takes out what the typed choices have not: ``experiment=scenes_hps encoder=cnn`` is without
    the depth that the experiment says of its own encoder.

    Nothing else can have put it there: Hydra takes no option that a choice has not from the command
    line, but with a ``+``, and such stay. An experiment alone, with an option that is mistyped in
    it, is refused as ever.

    Args:
        cfg: the composed config of an experiment.
        typed: the words of the command line.
        folders: of YAMLs.
    """
    check_lists(list(typed), folders)
    said = {word.lstrip("+").partition("=")[0] for word in typed}
    for word in typed:
        leave_out_of_lists(cfg, word, said)
        group, _, choice = word.partition("=")
        node = cfg.get(group) if group.isidentifier() and group not in NOT_PARTS else None
        files = [folder / group / f"{choice}.yaml" for folder in folders]
        file = next((file for file in files if file.is_file()), None)
        if file is None or not isinstance(node, DictConfig):
            continue
        text = file.read_text(encoding="utf-8")
        own: Any = OmegaConf.create(text)
        if text.startswith("# @package _global_") or own.get("_target_") != node.get("_target_"):
            continue
        known = {*map(str, own), *(place for _, place, _ in ENTRY.findall(text))}
        with open_dict(node):
            for key in [str(key) for key in node]:
                if key not in known and f"{group}.{key}" not in said:
                    del node[key]


def leave_out_of_lists(cfg: DictConfig, word: str, said: Collection[str]) -> None:
    """The same of a group of which several may stand by their names, or none: ``~diagnostic``, and
    ``diagnostic="[conflict,gates]"`` where the experiment has an option of a third one.

    Args:
        cfg: the composed config; it is changed.
        word: chooses them, or leaves them out.
        said: the paths of all words.
    """
    key, _, choice = word.lstrip("~").partition("=")
    node = cfg.get(key) if key in GROUPS else None
    if not isinstance(node, DictConfig) or not (word.startswith("~") or is_list(choice)):
        return
    with open_dict(cfg):
        for name in [name for name in map(str, node) if name != "_target_"]:
            own = node[name]
            whole = isinstance(own, DictConfig) and "_target_" in own
            if not whole and not any(f"{path}.".startswith(f"{key}.{name}.") for path in said):
                del node[name]
        if not node:
            del cfg[key]
