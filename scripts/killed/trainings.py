"""Trainings of every kind that a kill can hurt in its own way, and whether two left the same."""

from __future__ import annotations

from pathlib import Path

import torch

from mtl_cli.command_line.sweep import FILE
from mtl_cli.comparison.saved_run import DONE
from mtl_cli.disk import checkpoint
from mtl_cli.disk.one_writer import HOLDER, has_writer
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import PART

TINY = ["dataset.batch_size=10", "encoder.hidden=[4]", "encoder.dropout=0.1", "optimizer.lr=0.3"]
TINY += ["trainer.max_epochs=3", "scheduler=none"]
FEW = "dataset.num_samples=40"
SOURCES = [f"dataset.sources.{s}={{path: DATA/rows.csv, label: sort}}" for s in "ab"]
TEXTS = ["dataset=text", *(f"+{word}" for word in SOURCES), "dataset.cache=false"]
TEXTS += ["dataset.targets={a: multiclass, b: multiclass}", "trainer.checkpoint_every=2"]
TABLE = ["dataset=table", "dataset.path=DATA/rows.csv", "dataset.columns.text={type: drop}"]
TABLE += ["dataset.targets={price: regression, sort: multiclass}", "trainer.max_epochs=null"]
KINDS = {  # of trainings; DATA is where `write_data` has written
    "plateau": [FEW, "scheduler=plateau", "scheduler.patience=1", "optimizer.lr=1.0"],
    "patience": [FEW, "trainer.patience=1", "arch=single_task", "optimizer.lr=1.0"],
    "stop": [FEW, "trainer.patience=1", "trainer.stop=first", "trainer.max_examples=60"],
    "inside an epoch": [FEW, "trainer.max_epochs=null", "trainer.max_steps=7", "scheduler=cosine"],
    "accumulate": [
        FEW,
        "trainer.accumulate=3",
        "trainer.log_every=1",
        "trainer.checkpoint_every=2",
    ],
    "average": [FEW, "trainer.ema_decay=0.9", "weighting=uw", "scheduler=step"],
    "diagnostic": [FEW, "diagnostic=conflict", "diagnostic.every=2", "trainer.max_epochs=2"],
    "weighting": [FEW, "weighting=dwa", "arch=mmoe", "arch.num_experts=2", "trainer.max_epochs=2"],
    "temperature": [*TEXTS, "dataset.sampling=temperature", "trainer.max_epochs=2"],
    "cycles": [*TEXTS, "dataset.sampling=max_size_cycle", "trainer.max_steps=9"],
    "table": [*TABLE, "trainer.max_steps=13", "trainer.checkpoint_every=2"],
}
SWEEP = ["--multirun", FEW, "seed=0,1", "weighting=fixed,uw"]
LONGER = "trainer.max_epochs=5"  # of a run of three, when it is resumed


def write_data(folder: Path) -> None:
    """Sixty rows of numbers and words, and what partly depends on them."""
    rows = ["x,text,price,sort"]
    for i in range(60):
        text, sort = ["red", "green", "blue"][i % 3], "no" if i % 4 else "yes"
        rows.append(f"{i * 7 % 13},the {text} one {i % 5},{i * i % 31},{sort}")
    (folder / "rows.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def words_of(kind: str, data: Path) -> list[str]:
    """The words of a training, or of the sweep."""
    words = SWEEP if kind == "sweep" else KINDS.get(kind, [FEW])
    return [*TINY, *(word.replace("DATA", str(data)) for word in words)]


def same(one: Path, other: Path) -> bool:
    """Whether two runs left the same: figures, weights, what was selected, what was seen."""
    return not differing(one, other)


def differing(one: Path, other: Path) -> list[str]:
    """What two runs did not leave alike: files, keys of the summary, checkpoints."""
    files = ["metrics.csv", *(str(p.relative_to(other)) for p in other.glob("diagnostics/*"))]
    found = [file for file in files if (one / file).read_bytes() != (other / file).read_bytes()]
    left, right = RunFolder(one).read_summary(), RunFolder(other).read_summary()
    keys = (
        "status",
        "ended_by",
        "steps",
        "examples",
        "best_epoch",
        "best",
        "test",
        "train",
        "loss",
    )
    found += [key for key in keys if left[key] != right[key]]
    for name in ("best.pt", "last.pt"):
        if not equal(*(checkpoint.load(f / "checkpoints" / name) for f in (one, other))):
            found.append(name)
    return found


def equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if isinstance(one, dict):
        assert isinstance(other, dict)
        timed = {"seconds", "epoch_seconds", "spent"}
        return one.keys() == other.keys() and all(
            equal(one[key], other[key]) for key in one.keys() - timed
        )
    if isinstance(one, list | tuple):
        assert isinstance(other, list | tuple)
        return len(one) == len(other) and all(map(equal, one, other))
    return one == other


def begun(folder: Path) -> bool:
    """Whether there is a run or a sweep to go on with."""
    return (folder / FILE).exists() or (folder / "config.yaml").exists()


def runs(folder: Path) -> list[Path]:
    """The runs in a folder, or the folder where it is one."""
    return sorted(path.parent for path in folder.rglob("config.yaml"))


def ended(run: Path) -> bool:
    """Whether a run has a result, and nobody was killed at its pictures."""
    return RunFolder(run).read_summary().get("status") in DONE and not has_writer(run)


def unlike(one: Path, other: Path) -> str | None:
    """What differs between two runs or sweeps; None where nothing does."""
    names = [[str(path.relative_to(place)) for path in runs(place)] for place in (one, other)]
    if names[0] != names[1]:
        return f"runs {names[0]}"
    if left := [*one.rglob(f"{PART}*"), *one.rglob(HOLDER)]:
        return f"left: {', '.join(path.name for path in left)}"
    pairs = {name: differing(one / name, other / name) for name in names[1]}
    wrong = {name: found for name, found in pairs.items() if found}
    return f"ends otherwise: {wrong}" if wrong else None
