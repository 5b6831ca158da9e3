"""Datasets of older configurations, and what older runs knew of their data, as of today.

What says one thing stood apart: ``types`` and ``drop``, ``target_columns``, ``label_columns`` and
``label_maps``, ``split_column``, ``val_fraction``, ``test_fraction`` and ``seed``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Node = dict[str, Any]

PLAIN_NUMBERS: Mapping[str, Any] = {"decimal": ".", "thousands": None}
TARGET: Mapping[str, Any] = {"where": None}
VECTORIZER: Mapping[str, Any] = {"analyzer": "word"}
LATER: Mapping[str, Any] = {"folds": None, "fold": None, "date_format": None}  # came later
SUBWORDS: Mapping[str, Any] = {"tokenizer": None, "buckets": False}  # which texts had not
# Of columns of texts and of pictures, which tables had not: what they were then as they came.
TEXTS: Mapping[str, Any] = {
    **{"kind": "tfidf", "analyzer": "word", "ngram_range": [1, 1], "min_df": 1, "max_df": 1.0},
    **{"max_features": None, "num_features": 65536, "lowercase": True, "stop_words": None},
    **{"token_pattern": r"(?u)\b\w\w+\b", "binary": False, "sublinear_tf": False, "norm": "l2"},
}
PICTURES: Mapping[str, Any] = {
    **{"size": None, "fit": "resize", "channels": None, "max_pixels": 100_000_000},
    **{"on_bad_picture": "error", "workers": None, "normalise": [0.6, 0.2]},
    **{"cache": True, "cache_gb": 20, "augment": None},
}
BOUND = 20  # of the cache, in gigabytes, which had none
READERS = "mtl_cli.dataset.readers"


def dataset_of_today(node: Node) -> Node:
    """A dataset's node as of today; one that is already stays as it is."""
    target = str(node.get("_target_"))
    if target in CHANGED and "split" not in node:
        node = CHANGED[target](dict(node))
    if CHANGED.get(target) is texts:
        node = {"cache_gb": BOUND, **SUBWORDS, **node}
    if CHANGED.get(target) is texts and isinstance(node.get("vectorizer"), dict):
        node = node | {"vectorizer": {**VECTORIZER, **node["vectorizer"]}}
    if isinstance(node.get("decoding"), dict):
        node = node | {"decoding": {**PICTURES, **node["decoding"]}}
    split = node.get("split")
    if target.startswith("mtl_cli.dataset.") and isinstance(split, dict) and "by" in split:
        return node | {"split": {**LATER, **split}}
    return node


def table(node: Node) -> Node:
    columns = {name: {"type": kind} for name, kind in mapping(node.pop("types", None)).items()}
    columns |= {name: {"type": "drop"} for name in node.pop("drop", None) or ()}
    names = node.pop("columns", None)
    return with_split(with_targets(node)) | {"columns": columns or None, "names": names}


def texts(node: Node) -> Node:
    node = with_split(with_targets(node))
    column = node["split"]["column"]
    sources = {name: source(own, column) for name, own in mapping(node.get("sources")).items()}
    return node | {"sources": sources or None, "names": node.pop("columns", None)}


def mapping(value: Any) -> Node:
    """The value, where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def source(own: Any, common: Any) -> Any:
    """A source of texts, which had options of its own.

    Args:
        own: they.
        common: the column of all sources that says the split.
    """
    if not isinstance(own, dict):
        return own
    own = dict(own)
    split: Node = {}
    if own.get("split_column") is not None:
        split = {"by": "column", "column": own["split_column"]}
    elif "split_column" in own and common is not None:
        split = {"by": "fraction", "column": None}
    split |= {key: own[f"{key}_fraction"] for key in ("val", "test") if f"{key}_fraction" in own}
    for key in ("split_column", "val_fraction", "test_fraction"):
        own.pop(key, None)
    if "columns" in own:
        own["names"] = own.pop("columns")
    return own | ({"split": split} if split else {})


def digits(node: Node) -> Node:
    return node | {"split": {"val": node.pop("val_fraction", 0.1), "seed": node.pop("seed", 0)}}


def with_split(node: Node) -> Node:
    """With the options of the split in one place."""
    column = node.pop("split_column", None)
    split = {
        "by": "fraction" if column is None else "column",
        "column": column,
        "val": node.pop("val_fraction", 0.1),
        "test": node.pop("test_fraction", 0.2),
        "seed": node.pop("seed", 0),
    }
    return node | {"split": split}


def with_targets(node: Node) -> Node:
    """With all that is said of a target in one place; a kind alone stays a word."""
    said = {
        option: mapping(node.pop(f"{option_then}s", None))
        for option, option_then in (
            ("column", "target_column"),
            ("columns", "label_column"),
            ("map", "label_map"),
        )
    }
    targets: Node = {}
    for task, kind in mapping(node.get("targets")).items():
        own = {option: by_task[task] for option, by_task in said.items() if by_task.get(task)}
        if "columns" in own:
            own.pop("column", None)
        targets[task] = {"kind": kind, **own} if own else kind
    return node | {"targets": targets or None}


CHANGED: Mapping[str, Callable[[Node], Node]] = {
    "mtl_cli.dataset.table.Table": table,
    "mtl_cli.dataset.text.Text": texts,
    "mtl_cli.dataset.reviews.Reviews": texts,
    "mtl_cli.dataset.reviews_hub.ReviewsHub": texts,
    "mtl_cli.dataset.parity_mnist.ParityMNIST": digits,
}


def state_of_today(target: Any, state: Any) -> Any:
    """What a reader of data has learned, as ``reader.json`` holds it, as of today.

    Args:
        target: the reader's class, by its name of today.
        state: what it held.
    """
    if not isinstance(state, dict):
        return state
    if target == f"{READERS}.table.TableReader" and "columns" not in state:
        state = table_state(dict(state))
    if target == f"{READERS}.table.TableReader":
        columns = [{**PLAIN_NUMBERS, **c} if c["type"] == "number" else c for c in state["columns"]]
        targets = {task: {**TARGET, **own} for task, own in state["targets"].items()}
        now = {"columns": columns, "targets": targets}
        later = {"writing": {**PLAIN_NUMBERS}, "group_columns": [], "joins": []}
        return {**later, **state, **now}
    if target == f"{READERS}.text.TextReader":
        sources = {name: with_names(own) for name, own in state["sources"].items()}
        targets = {
            task: {**TARGET, "weight": None, **own} for task, own in state["targets"].items()
        }
        fitted = mapping(state.get("vectorizer"))
        if "tokenizer" not in fitted:  # of subwords, which has no options
            fitted = {**fitted, "options": {**VECTORIZER, **mapping(fitted.get("options"))}}
        return {**state, "sources": sources, "targets": targets, "vectorizer": fitted}
    return state


def table_state(state: Node) -> Node:
    weight = state.pop("weight_column", None)
    columns = [{"type": "number", **own} for own in state.pop("numbers")]
    columns += [{"type": "category", **own} for own in state.pop("categories")]
    return {
        **state,
        "columns": columns,
        "options": with_names(state["options"]),
        "targets": {name: {"weight": weight, **own} for name, own in state["targets"].items()},
    }


def with_names(options: Mapping[str, Any]) -> Node:
    """Options of reading files, in which the names of columns were ``columns``."""
    return {"names" if key == "columns" else key: value for key, value in options.items()}
