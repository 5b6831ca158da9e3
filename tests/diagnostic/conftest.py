"""What is diagnosed in these tests: small models as the command would build them."""

import csv
from collections.abc import Callable
from pathlib import Path

import hydra
import pytest
import torch

from mtl_cli.command_line.cli import CONF, job_config
from mtl_cli.diagnostic.base import Subject
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.build import build
from mtl_cli.run.look import without_lookers
from mtl_cli.training.trainer import Trainer

SMALL = ["dataset.num_samples=300", "dataset.batch_size=20", "encoder.hidden=[8,6]"]


@pytest.fixture
def make_subject(tmp_path: Path) -> Callable[..., Subject]:
    """The subject of some words of a command line, on the sine and cosine set, kept small."""

    def make(*words: str, num_steps: int = 3) -> Subject:
        with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
            given = words if any(w.startswith("experiment") for w in words) else [*SMALL, *words]
            cfg = hydra.compose("diagnose", list(given), return_hydra_config=True)
            cfg = without_lookers(job_config(cfg, cfg.hydra))
        folder = RunFolder(tmp_path)

        def make_trainer() -> Trainer:
            return build(cfg, folder, torch.device("cpu")).trainer

        return Subject(make_trainer, 0, num_steps, folder, "a title")

    return make


@pytest.fixture
def read_csv(tmp_path: Path) -> Callable[[str], list[dict[str, str]]]:
    """The rows of ``diagnostics/<name>.csv``."""

    def read(name: str) -> list[dict[str, str]]:
        with open(tmp_path / "diagnostics" / f"{name}.csv", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    return read


@pytest.fixture(params=sorted({p.stem for p in (CONF / "arch").glob("*.yaml")} - {"module"}))
def arch(request: pytest.FixtureRequest) -> str:
    """Every architecture in turn, but the one that is the user's own."""
    return request.param
