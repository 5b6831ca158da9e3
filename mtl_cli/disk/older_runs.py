"""Configurations of older versions as of today: parts by their names, and options that came later.

A run's ``config.yaml`` holds every option of the version that made it. Opened by a newer one, an
option that it lacks takes the value by which the part does what it did before there was that
option, which need not be today's default. So runs are compared by what they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_cli.disk.older_datasets import PICTURES, TEXTS, dataset_of_today

READERS = "mtl_cli.dataset.readers"
# {a class by the name that it had: by its name of today}
RENAMED: Mapping[str, str] = {
    "mtl_cli.settings.Settings": "mtl_cli.training.settings.Settings",
    "mtl_cli.dataset.digit_reader.DigitReader": f"{READERS}.digits.DigitReader",
    "mtl_cli.dataset.number_reader.NumberReader": f"{READERS}.numbers.NumberReader",
    "mtl_cli.dataset.table_reader.TableReader": f"{READERS}.table.TableReader",
    "mtl_cli.dataset.text_reader.TextReader": f"{READERS}.text.TextReader",
}
NO_EMBEDDING = {
    "_target_": "mtl_cli.embedding.shared.SharedEmbedding",
    "_partial_": True,
    "width": None,
    "optimizer": None,
}
# {a part by its name of today, or "" for the configuration's own options: {option: value}}
LATER: Mapping[str, Mapping[str, Any]] = {
    "": {"embedding": NO_EMBEDDING},
    "mtl_cli.dataset.table.Table": {
        "reference": 0,  # nothing but the model was trained
        "max_vocabulary": 2**31 - 1,
        "decimal": ".",
        "thousands": None,
        "date_format": None,
        "downsample": None,
        "group_columns": None,
        "join": None,
        "origin": None,
        "not_inputs": None,
        "vectorizer": TEXTS,
        "decoding": PICTURES,
        "offline": False,
    },
    "mtl_cli.dataset.arrays.Arrays": dict.fromkeys(("not_inputs", "downsample", "group_columns")),
    "mtl_cli.arch.lora.LoRA": {"own_stages": None, "attention": False},
    "mtl_cli.encoder.hf_text.HFText": {"cache": False},
    "mtl_cli.encoder.torchvision.Torchvision": {"freeze": False, "cache": False},
    "mtl_cli.encoder.resnet.ResNet": {"output_stride": None},
    "mtl_cli.encoder.transformer.Transformer": {"pool": True},
    "mtl_cli.training.settings.Settings": {
        "batch_norm": None,
        "max_examples": None,
        "time_limit": None,
        "stop": "select",
    },
    "mtl_cli.weighting.excess_mtl.ExcessMTL": {"weigh_heads": False},
    "mtl_cli.weighting.nash_mtl.NashMTL": {"weigh_heads": False},
}
KINDS = ["binary.Binary", "count.Count", "depth.Depth", "edges.Edges", "function.Function"]
KINDS += ["multiclass.Multiclass", "multilabel.Multilabel", "normals.Normals", "ordinal.Ordinal"]
KINDS += ["regression.Regression", "segmentation.Segmentation"]
# {a part that has its options from elsewhere: {option of all such: value}}
OF_ALL = {f"mtl_cli.task.{kind}": {"weight_decay": 1.0} for kind in KINDS}
OF_ALL["mtl_cli.task.binary.Binary"] |= {"shift": 0.0}
PICTURES = {
    "curves": True,
    "metrics": True,
    "examples": 4,
    "most_tasks": 12,
    "format": "png",
    "width": None,
}
RUNTIME = {
    "threads": "auto",
    "compile": False,
    "channels_last": False,
    "matmul": "highest",
    "processes": 1,
    "wait": 600,
}
# {the beginning of a parameter's name that it had: that of today}
PARAMETERS: Mapping[str, str] = {}


def weights_of_today(
    weights: Mapping[str, Any], renamed: Mapping[str, str] = PARAMETERS
) -> dict[str, Any]:
    """A model's weights by the names that they have today, in their order."""

    def name_of(name: str) -> str:
        old = max((o for o in renamed if f"{name}.".startswith(f"{o}.")), key=len, default=None)
        return name if old is None else renamed[old] + name[len(old) :]

    return {name_of(name): value for name, value in weights.items()}


def of_today(target: Any) -> Any:
    """The name that a class has today."""
    return RENAMED.get(target, target) if isinstance(target, str) else target


def as_of_today(values: Any, later: Mapping[str, Mapping[str, Any]] = LATER) -> Any:
    """A whole configuration, plain data, as today's version would have written it."""
    found = with_later_options(values, later)
    if isinstance(found, dict) and isinstance(trainer := found.get("trainer"), dict):
        compiled = trainer.pop("compile", False)  # an option of the trainer's until there were more
        found["runtime"] = {**RUNTIME, "compile": compiled, **(found.get("runtime") or {})}
        found["pictures"] = {**PICTURES, **(found.get("pictures") or {})}
    if isinstance(found, dict) and isinstance(logger := found.get("logger"), dict):
        found["logger"] = loggers_of_today(logger)
    return {**later.get("", {}), **found} if isinstance(found, dict) else found


def loggers_of_today(logger: dict[str, Any]) -> dict[str, Any]:
    """Loggers by their names; there was one, in their place, until there could be several."""
    target = str(logger.get("_target_", ""))
    if not target.startswith("mtl_cli.logger."):  # one of the user's own may still stand there
        return logger
    return {target.split(".")[2]: logger}


def with_later_options(node: Any, later: Mapping[str, Mapping[str, Any]]) -> Any:
    """The same for a node and all that is in it."""
    if isinstance(node, list):
        return [with_later_options(item, later) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: with_later_options(value, later) for key, value in node.items()}
    if not isinstance(target := of_today(found.get("_target_")), str):
        return found
    usual = {**OF_ALL.get(target, {}), **later.get(target, {})}
    return dataset_of_today({**usual, **found, "_target_": target})
