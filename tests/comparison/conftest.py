"""Run folders as a training leaves them, made by hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mtl_cli.comparison.compare import Options
from mtl_cli.disk.run_folder import RunFolder

HIGHER = {"accuracy": True, "mse": False, "mae": False}


def leave_run(
    path: Path,
    figures: dict[str, dict[str, float | None]],
    arch: str = "hps",
    seed: int = 0,
    status: str = "completed",
    epochs: int = 2,
    source: str | None = "generated",
    options: dict[str, Any] | None = None,
    arch_options: dict[str, Any] | None = None,
    weighting: str = "fixed",
    weights: dict[str, float] | None = None,
    summary: dict[str, Any] | None = None,
) -> Path:
    """A run folder with its figures on test, and the same plus 1 / epoch as its history."""
    (path / "checkpoints").mkdir(parents=True)
    folder = RunFolder(path)
    config: dict[str, Any] = {
        "name": "made",
        "seed": seed,
        "device": "auto",
        "runs": "runs",
        "tasks": {task: {"weight": 1.0, "head": {"hidden": []}} for task in figures},
        "dataset": {"_target_": "made.Up", "noise": 0.1, "seed": 0, "batch_size": 8},
        "encoder": {"_target_": "made.MLP", "hidden": [8, 8]},
        "arch": {"_target_": f"made.{arch}", **(arch_options or {})},
        "weighting": {"_target_": f"made.{weighting}"},
        "optimizer": {"_target_": "torch.optim.Adam", "lr": 0.001},
        "trainer": {"max_epochs": epochs, "max_steps": None, "max_batches": None},
    }
    for key, value in (options or {}).items():
        node = config
        *places, last = key.split(".")
        for part in places:
            node = node.setdefault(part, {})
        node[last] = value
    config["choices"] = {
        "dataset": "made",
        "encoder": "mlp",
        "arch": arch,
        "weighting": weighting,
        "optimizer": "adam",
    }
    folder.config.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")
    folder.cut_metrics(0)
    for epoch in range(1, epochs + 1):
        for split in ("train", "val"):
            values = {
                task: {metric: (v or 0.0) + 1 / epoch for metric, v in own.items()}
                for task, own in figures.items()
            }
            folder.append_figures(epoch, 10 * epoch, split, values | {"": {"loss": 1.0}})
        if weights is not None:
            shown = {task: {"weight": w / epoch} for task, w in weights.items()}
            folder.append_figures(epoch, 10 * epoch, "train", shown)
    said = {
        "status": status,
        "error": None,
        "dataset": {"name": "made", "source": source, "sizes": {"train": 80, "val": 8, "test": 8}},
        "metrics": {
            task: {m: {"higher_is_better": HIGHER[m]} for m in own if m in HIGHER}
            for task, own in figures.items()
        },
        "parameters": {"total": 1234},
        "timing": {"train_seconds": 1.5},
        "seed": seed,
        "device": "cpu",
        "epochs": epochs,
        "versions": {"mtl-cli": "0.0.1"},
        "best": figures,
        "test": figures,
    }
    folder.write_json(folder.summary, said | (summary or {}))
    return path


def set_options(**values: Any) -> Options:
    usual: dict[str, Any] = {
        "out": None,
        "overwrite": False,
        "formats": ["csv", "md", "tex", "html"],
        "pictures": True,
        "pictures_format": "png",
        "pictures_width": None,
        "split": "test",
        "metric": None,
        "as_published": None,
        "baseline": None,
        "confidence": 0.95,
        "negligible": 0.0,
        "runs": "runs",
        "silence": [],
    }
    return Options(**(usual | values))


@pytest.fixture
def leave() -> Callable[..., Path]:
    """Makes a run folder."""
    return leave_run


@pytest.fixture
def options() -> Callable[..., Options]:
    """Makes a report's options."""
    return set_options


@pytest.fixture
def edit() -> Callable[[Path, dict[str, Any]], None]:
    """Changes a run's summary."""

    def change(path: Path, values: dict[str, Any]) -> None:
        file = path / "summary.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change
