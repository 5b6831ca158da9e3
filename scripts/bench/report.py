"""``mtl-report`` on many runs: its seconds and its memory."""

from __future__ import annotations

import copy
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from bench.measure import Row
from mtl_cli.command_line.cli import compose_run
from mtl_cli.disk.run_folder import RunFolder

RUNS, EPOCHS, SEEDS = 200, 100, 5
ARCHS = ("single_task", "hps", "mmoe", "cgc", "ple")
TASKS = ("sin", "cos")

PROCESS = """
import sys
from mtl_cli.report import main
main()
assert "torch" not in sys.modules
lines = open("/proc/self/status").read().splitlines()
print("KiB", next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")))
"""


def report_rows() -> Iterator[Row]:
    """A process that reports on 200 runs of 100 epochs, pictures and page included; then the page
    in a browser."""
    with tempfile.TemporaryDirectory() as folder:
        leave_runs(Path(folder))
        seconds = []
        for _ in range(3):
            begin = time.perf_counter()
            words = [sys.executable, "-c", PROCESS, f"{folder}/runs"]
            done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True)
            seconds.append(time.perf_counter() - begin)
        page = Path(folder, "runs", "report", "report.html")
        megabytes = page.stat().st_size / 1e6
        opened = ready(page)
        took, mebibytes = sorted(seconds)[1], float(done.stdout.rpartition("KiB")[2]) / 1024
    name = f"mtl-report: {RUNS} runs of {EPOCHS} epochs"
    yield Row(name, "limit", [took, 10.0], took / 10, "at most 1")
    yield Row(f"{name}, MiB", "limit", [mebibytes, 500.0], mebibytes / 500, "at most 1")
    yield Row(f"its page of {RUNS} runs, MB", "limit", [megabytes, 3.0], megabytes / 3, "at most 1")
    if opened is not None:
        yield Row(
            "its page in Chromium, after an empty one",
            "limit",
            [opened, 2.0],
            opened / 2,
            "at most 1",
        )


def ready(page: Path) -> float | None:
    """The seconds until a browser has made all of a page, beyond those for an empty one, which are
    its start; None where there is no browser."""
    program = shutil.which("chromium")
    if program is None:
        return None
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    took: dict[str, list[float]] = {"about:blank": [], page.as_uri(): []}
    for place in 3 * list(took):
        with tempfile.TemporaryDirectory() as home:
            words = [program, *flags, f"--user-data-dir={home}", "--dump-dom", place]
            begin = time.perf_counter()
            done = subprocess.run(words, check=True, capture_output=True, text=True)
            took[place].append(time.perf_counter() - begin)
    assert 'data-ready="true"' in done.stdout
    empty, whole = (sorted(seconds)[1] for seconds in took.values())
    return whole - empty


def leave_runs(folder: Path) -> None:
    """Makes run folders as ``mtl-train`` leaves them: settings times seeds, with weights."""
    rng = random.Random(0)
    configs = [config(folder, arch) for arch in ARCHS]
    for number in range(RUNS):
        setting, seed = divmod(number, SEEDS)
        width, arch = divmod(setting, len(ARCHS))
        own = copy.deepcopy(configs[arch])
        own.seed, own.encoder.hidden = seed, [32 * (width + 1)] * 2
        leave_run(folder / "runs" / str(number), own, rng)


def config(folder: Path, arch: str) -> DictConfig:
    return compose_run("train", [f"arch={arch}", f"runs={folder / 'made'}"])[0]


def leave_run(path: Path, cfg: DictConfig, rng: random.Random) -> None:
    path.mkdir(parents=True)
    folder = RunFolder(path)
    OmegaConf.save(cfg, folder.config, resolve=True)
    folder.cut_metrics(0)
    figures: dict[str, dict[str, float]] = {}
    for epoch in range(1, EPOCHS + 1):
        loss = {task: 1 / epoch + rng.random() / 10 for task in TASKS}
        figures = {task: {"loss": v, "mse": v, "mae": v**0.5} for task, v in loss.items()}
        total = {"": {"loss": sum(loss.values())}}
        folder.append_figures(epoch, epoch, "train", {t: {"loss": v} for t, v in loss.items()})
        folder.append_figures(epoch, epoch, "train", {t: {"weight": v} for t, v in loss.items()})
        folder.append_figures(epoch, epoch, "val", figures | total)
    summary: dict[str, Any] = {
        "status": "completed",
        "dataset": {"name": "sincos", "source": "generated", "sizes": {"train": 14000}},
        "metrics": {
            task: {metric: {"higher_is_better": False} for metric in ("mse", "mae")}
            for task in TASKS
        },
        "parameters": {"total": 1000},
        "timing": {"train_seconds": 1.0},
        "best": figures,
        "test": figures,
    }
    folder.write_json(folder.summary, summary)
