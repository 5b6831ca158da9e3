"""What a step asks of the device: a number read there makes the host wait for it.

On the CPU nothing waits, but the operations are the same ones: a value that becomes a number, and
a mask whose ones have to be counted before there is a result. With an accelerator,
`scripts/check_device.py` counts the waits themselves.
"""

import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import mtl_cli
from mtl_cli.training import step_log
from mtl_cli.training.updates import Updates

CONF = Path(__file__).parents[2] / "conf" / "weighting"
# Methods that look at their losses, or gradients, before they go on, and how often.
ALLOWED = {"si": 1, "gradnorm": 1, "db_mtl": 1, "gls": 3, "famo": 2}


class Waits(TorchDispatchMode):
    """Counts what would wait for a device, by the line of ours that asks for it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func._schema.name.removeprefix("aten::")
        masked = name in ("index", "index_put", "index_put_") and any(
            i is not None and i.dtype == torch.bool for i in args[1]
        )
        if masked or name in ("_local_scalar_dense", "nonzero", "masked_select"):
            own = [f for f in traceback.extract_stack() if "mtl_cli/" in f.filename]
            self.lines[f"{Path(own[-1].filename).name}:{own[-1].lineno}"] += 1
        return func(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Numbers, classes and zeros and ones, of which some miss, in rows that count differently."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame({"x": draw.normal(size=90), "kind": draw.choice(["a", "b", "c"], 90)})
    frame["price"] = np.where(draw.random(90) < 0.2, np.nan, frame.x.abs() + 1)
    frame["sold"] = np.where(draw.random(90) < 0.2, np.nan, frame.x > 0)
    frame["much"] = draw.choice([0, 1, 2], 90)
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    frame.to_csv(path, index=False)
    return path


def waits(monkeypatch: pytest.MonkeyPatch, path: Path, *words: str) -> Counter[str]:
    """Of the last step of a short training."""
    take, seen = Updates.take, Waits()

    def watched(updates: Updates, *args: Any) -> None:
        seen.lines.clear()
        with seen:
            take(updates, *args)

    monkeypatch.setattr(Updates, "take", watched)
    # Reading a loss is free on the CPU, and not done elsewhere before an epoch's end.
    monkeypatch.setattr(step_log, "scalar", lambda value: getattr(value, "detach", float)())
    targets = "dataset.targets={price: regression, kind: multiclass, sold: binary}"
    own = ["dataset=table", f"dataset.path={path}", targets, "dataset.weight_column=much"]
    own += ["encoder.hidden=[4]", "trainer.max_steps=3"]
    mtl_cli.train([f"hydra.run.dir={path.parent / 'run'}", *own, "dataset.reference=0", *words])
    return seen.lines


@pytest.mark.parametrize("weighting", sorted(path.stem for path in CONF.glob("*.yaml")))
def test_a_step_with_missing_labels_and_weights_reads_no_number(
    weighting: str, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = waits(monkeypatch, rows, f"weighting={weighting}")
    assert sum(found.values()) <= ALLOWED.get(weighting, 0), found


def test_a_number_that_is_read_is_seen(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = waits(monkeypatch, rows, "weighting=si")
    assert list(found) == [line for line in found if line.startswith("positive.py:")]
    assert sum(found.values()) == 1
