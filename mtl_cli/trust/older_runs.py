"""Configurations of older versions: the options that came later, with what keeps their behaviour.

A run's ``config.yaml`` holds every option of the version that made it. Opened by a newer one, an
option that it lacks takes the value by which the part does what it did before there was that
option, which need not be today's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf, open_dict

# {the class of a part, or "" for the configuration's own options: {option: value}}
LATER: Mapping[str, Mapping[str, Any]] = {
    "mtl_cli.dataset.table.Table": {"reference": 0},  # nothing but the model was trained
    "mtl_cli.weighting.excess_mtl.ExcessMTL": {"weigh_heads": False},
    "mtl_cli.weighting.nash_mtl.NashMTL": {"weigh_heads": False},
}


def add_later_options(cfg: DictConfig, later: Mapping[str, Mapping[str, Any]] = LATER) -> None:
    """Gives the parts of a configuration, at any depth, the options that it does not know yet."""
    with open_dict(cfg):
        add_to(cfg, later.get("", {}))
    add_to_parts(cfg, later)


def add_to_parts(node: Any, later: Mapping[str, Mapping[str, Any]]) -> None:
    """The same for a node and all that is in it."""
    if isinstance(node, DictConfig) and not node._is_none():
        add_to(node, later.get(str(node.get("_target_")), {}))
        for key in node:
            add_to_parts(node._get_node(key), later)
    elif isinstance(node, ListConfig) and not node._is_none():
        for index in range(len(node)):
            add_to_parts(node._get_node(index), later)


def add_to(node: DictConfig, options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        if name not in node:
            OmegaConf.update(node, name, value, force_add=True)
