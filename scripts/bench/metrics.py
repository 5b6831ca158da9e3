"""What metrics of rankings add to an evaluation."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas

from bench import measure
from bench.measure import Row, in_turn, made
from mtl_cli.training.evaluation import Figures, evaluate

ROWS, NUMBERS, PER_GROUP = 200_000, 20, 20
GAUC = "{_target_: mtl_cli.metric.gauc.GAUC, by: user, weighted_by: rows}"
ADDED = {
    "GAUC": f"+tasks.click.metrics.gauc={GAUC}",
    "XAUC": "+tasks.watch.metrics.xauc={_target_: mtl_cli.metric.xauc.XAUC}",
}
REPEATS = 15


def write_rows(path: Path) -> None:
    """Numbers, a click and a watch time; a tenth of the rows is to train on."""
    draw = np.random.default_rng(0)
    count = ROWS * 10 // 9
    x = draw.normal(size=(count, NUMBERS)).astype(np.float32)
    columns: dict[str, np.ndarray] = {f"x{i}": x[:, i] for i in range(NUMBERS)}
    columns["user"] = draw.integers(0, ROWS // PER_GROUP, count)
    columns["click"] = (x[:, 0] + draw.normal(size=count) > 1).astype(int)
    columns["watch"] = draw.lognormal(x[:, 1]).round(1)
    pandas.DataFrame(columns).to_parquet(path)


def evaluation(path: Path, *own: str) -> Callable[[], Figures]:
    """One evaluation of val by a small net of two tasks."""
    told = ["dataset=table", f"dataset.path={path}", "dataset.columns={user: {type: drop}}"]
    told += ["dataset.targets={click: binary, watch: regression}", "encoder.hidden=[64]"]
    run = made(*told, "dataset.split={val: 0.9, test: 0}", "dataset.reference=0", *own)
    loader, tasks = run.trainer.loaders["val"], list(run.model.tasks)
    return lambda: evaluate(run.model, loader, tasks, measure.DEVICE)


def metrics_rows() -> Iterator[Row]:
    """An evaluation with each metric against the same one without."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x.parquet")
        write_rows(path)
        calls = [evaluation(path, *own) for own in ([], *([word] for word in ADDED.values()))]
        bare, *others = in_turn(calls, REPEATS)
    for name, seconds in zip(ADDED, others, strict=True):
        title = f"metrics: {name}, evaluation of {ROWS:,} rows"
        yield Row(title, "without it", [seconds, bare], seconds / bare, "at most 1.05")
