"""What people type from habit of other tools, and what it is called here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from mtl_cli.command_line.grammar import value

# An option of the same name, wherever it stands, is found without: patience is trainer.patience.
NAMES = {
    "lr": "optimizer.lr",
    "batch_size": "dataset.batch_size",
    "max_epochs": "trainer.max_epochs",
    "epochs": "trainer.max_epochs",
    "epoch": "trainer.max_epochs",
    "num_epochs": "trainer.max_epochs",
    "max_time": "trainer.time_limit",
    "early_stopping": "trainer.patience",
    "learning_rate": "optimizer.lr",
    "model": "arch",
    "backbone": "encoder",
    "decoder": "head",
    "data": "dataset",
    "path": "dataset.path",
    "file": "dataset.path",
    "csv": "dataset.path",
    "target": "dataset.targets",
    "targets": "dataset.targets",
    "metric": "trainer.select",
    "random_state": "seed",
}
CHOICES = {"classification": "multiclass", "classes": "multiclass", "numeric": "regression"}
CHOICES |= {"poisson": "count", "counts": "count", "rating": "ordinal", "ordered": "ordinal"}
CHOICES |= dict.fromkeys(["spend", "ziln", "duration", "watch_time", "dwell", "revenue"], "amount")
CHOICES |= dict.fromkeys(["ctr", "cvr", "click", "conversion", "rate"], "ranking")
# Options that are said at another place: the word for them, where `...` is the value.
A_COLUMN = "dataset.columns={<column>: {type: category, %s: ...}}"
ELSEWHERE = {
    **{f"dataset.{name}": A_COLUMN % name for name in ("hash", "vocabulary_of", "width")},
    **dict.fromkeys(["dataset.hash_bucket_size", "dataset.num_buckets"], A_COLUMN % "hash"),
    **dict.fromkeys(
        ["dataset.negative_sampling", "dataset.negative_ratio", "dataset.undersample"],
        "dataset.downsample={<target>: {0: ...}}",
    ),
    **dict.fromkeys(
        [
            f"embedding{name}"
            for name in ("", ".dim", ".size", ".embedding_dim", "_dim", ".embed_dim")
        ],
        "embedding.width=...",
    ),
}
# Methods that are no part of ours, but a few words.
PRODUCT = "tasks.ctcvr=product 'tasks.ctcvr.of=[ctr,cvr]'"
METHODS = dict.fromkeys(["esmm", "ESMM"], f"{PRODUCT} tasks.cvr.loss=none")
METHODS |= dict.fromkeys(
    ["escm", "escm2", "ESCM2", "ESCM"],
    f"{PRODUCT} tasks.cvr.loss=escm_ips tasks.cvr.loss.propensity=ctr",
)
SAY_TARGETS = ("target", "targets", "dataset.targets")
OF_TABLES = ("dataset.path", "dataset.targets")
TABLE = re.compile(r"\.(csv|tsv|jsonl?|parquet|npz|gz|txt)$", re.IGNORECASE)


def meant(word: str, config: DictConfig) -> str | None:
    """The word for ``key=value`` where the key is called otherwise here; None for any other.

    Args:
        word: as it was typed.
        config: the whole configuration, which has no such key.
    """
    key, equals, text = word.lstrip("+").partition("=")
    if key == "metric":
        text = f"{task_with(text, config)}/{text}" if text else "loss"
    path = NAMES.get(key) or next(
        (f"{group}.{key}" for group in map(str, config) if has(config, group, key)), None
    )
    return f"{path}{equals}{text}" if path else None


def with_table(words: Sequence[str], key: str) -> list[str]:
    """The words with ``dataset=table``, where they say a table's option and no dataset."""
    chosen = any(re.match(r"\+?(dataset|experiment)=", word) for word in words)
    needed = key.startswith(OF_TABLES) and not chosen
    return [*(["dataset=table"] if needed else []), *words]


def has(config: DictConfig, group: str, key: str) -> bool:
    """Whether a part has an option of this name."""
    part = None if group in ("hydra", "tasks") else config._get_node(group)
    return isinstance(part, DictConfig) and key in part


def task_with(metric: str, config: DictConfig) -> str:
    """A task that has a metric; where none has it, any."""
    tasks: Mapping[Any, Any] = config.get("tasks") or {}
    having = (name for name, task in tasks.items() if metric in (task.get("metrics") or {}))
    return str(next(having, next(iter(tasks), "<task>")))


def of_file(path: str, words: Sequence[str]) -> list[str] | None:
    """The words that read a file that was typed as a dataset; None where it is none."""
    if not TABLE.search(path) and not Path(path).expanduser().is_file():
        return None
    named = any(re.match(r"\+*(dataset\.)?targets?\b", word) for word in words)
    targets = [] if named else ["dataset.targets={<column>: regression}"]
    return ["dataset=table", f"dataset.path={value(path)}", *targets]
