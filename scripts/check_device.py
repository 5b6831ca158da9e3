"""Every architecture, encoder and weighting once on a device, against the CPU.

    python scripts/check_device.py [device]   # cuda, cuda:1, mps, xpu; by default what auto finds

For each: a few steps from the same seed there and on the CPU, and how far apart the figures are;
whether a run that was stopped goes on to the bit; how often a step makes the host wait for the
device (CUDA tells), and where; and how long a step takes. Exits with 1 where something is wrong.
"""

from __future__ import annotations

import contextlib
import csv
import io
import random
import signal
import statistics
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

import mtl_cli
from mtl_cli.basis.device import find_device
from mtl_cli.command_line.cli import CONF
from mtl_cli.comparison.table import text_table
from mtl_cli.training.updates import Updates

SEED = random.Random(0)
POINTS = ["dataset.num_samples=240", "dataset.batch_size=20", "encoder.hidden=[16,8]"]
EPOCHS = ["trainer.max_epochs=2", "scheduler=none", "trainer.log_every=1", "deterministic=true"]
# How far figures may be from the CPU's, relatively; what follows a step's last digits, and
# those that draw on the device, go further.
TOLERANCE = 1e-3
LOOSE = {"weighting famo": 0.05, "arch adatt": 0.01, "weighting nash_mtl": 0.01}
LOOSE |= {"digits resnet": 0.2}  # eighteen layers, each normalised by its batch
DRAWS = {"arch ltb", "weighting graddrop", "weighting moco", "weighting rlw"}


def choices(group: str) -> list[str]:
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def parts(data: Path) -> dict[str, list[str]]:
    """``{what: its words}``."""
    table = ["dataset=table", f"dataset.path={data / 'rows.csv'}", "encoder.hidden=[16]"]
    table += ["dataset.targets={price: regression, kind: multiclass, sold: binary}"]
    chain = "{ctr: {kind: binary, column: sold}, cvr: {kind: binary, column: again, where: ctr}, "
    chain += "ctcvr: {kind: binary, column: again}}"
    of_tasks = [*table[:-1], f"dataset.targets={chain}", "dataset.downsample={ctr: {0: 0.5}}"]
    of_tasks += ["tasks.ctcvr=product", "tasks.ctcvr.of=[ctr,cvr]", "tasks.error=tower"]
    of_tasks += ["tasks.cvr.loss=escm_dr", "tasks.cvr.loss.propensity=ctr"]
    of_tasks += ["tasks.cvr.loss.imputation=error", "arch=aitm", "weighting=upgrad"]
    texts = ["dataset=text", "dataset.cache=false", "dataset.targets={kind: multiclass}"]
    texts += [f"dataset.sources={{a: {{path: {data / 'rows.csv'}, labels: {{kind: kind}}}}}}"]
    digits = ["dataset=parity_mnist", "dataset.source=digits", "trainer.max_batches=2"]
    bags = ["encoder=mlp", "encoder.hidden=[16]"]
    tokens = ["dataset.read_as=tokens"]
    found = {f"arch {name}": [f"arch={name}", *POINTS] for name in choices("arch")}
    del found["arch module"]  # the user's own
    for name in choices("weighting"):
        found[f"weighting {name}"] = [f"weighting={name}", "arch=mmoe", *POINTS]
    found["digits cnn"] = ["encoder=cnn", "encoder.dropout=0", *digits]
    found["digits resnet"] = ["encoder=resnet", *digits]
    found["table"] = table
    found["table, weights"] = [*table, "dataset.weight_column=much"]
    found["table, accumulate"] = [*table, "trainer.accumulate=2", "weighting=mgda"]
    found["table, tasks of tasks"] = of_tasks
    found["bags of words"] = [*texts, *bags]
    still = ["encoder.dropout=0"]  # which would draw on the device
    for name in ("text_cnn", "transformer"):
        found[f"tokens {name}"] = [*texts, *tokens, f"encoder={name}", *still]
    found["average"] = ["trainer.ema_decay=0.9", "trainer.grad_clip=1.0", *POINTS]
    return found


def write_data(folder: Path) -> None:
    """A table whose labels miss here and there."""
    words = ["red", "green", "blue", "one", "two"]
    lines = ["x,text,price,kind,sold,much,again"]
    for i in range(200):
        x, text = SEED.gauss(0, 1), " ".join(SEED.choices(words, k=4))
        sold = "" if i % 7 == 0 else int(x > 0)
        price, again = 100 * x + SEED.gauss(0, 9), int(x > 0 and i % 2)
        cells = [f"{x:.4f}", f"the {text}", f"{price:.2f}", "abc"[i % 3], sold, 1 + i % 3, again]
        lines.append(",".join(map(str, cells)))
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@dataclass
class Watch:
    """What the steps of a training do to the host.

    Args:
        device: where it trains.
    """

    device: torch.device
    seconds: list[float] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)
    places: Counter[str] = field(default_factory=Counter)

    @contextlib.contextmanager
    def steps(self) -> Iterator[None]:
        """Watches all updates in the block."""
        take, cuda = Updates.take, self.device.type == "cuda"

        def watched(updates: Updates, *args: Any) -> int:
            begin = time.perf_counter()
            if cuda:
                torch.cuda.synchronize()
                torch.cuda.set_sync_debug_mode("warn")
            with warnings.catch_warnings(record=True) as said:
                warnings.simplefilter("always")
                examples = take(updates, *args)
            if cuda:
                torch.cuda.set_sync_debug_mode("default")
                torch.cuda.synchronize()
            self.seconds.append(time.perf_counter() - begin)
            found = [w for w in said if str(w.message).startswith("called a synchronizing")]
            if len(self.seconds) > 2:  # the first steps set up
                self.waits.append(len(found))
                self.places.update(f"{Path(w.filename).name}:{w.lineno}" for w in found)
            return examples

        Updates.take = watched  # type: ignore
        try:
            yield
        finally:
            Updates.take = take  # type: ignore


@contextlib.contextmanager
def stopped(step: int) -> Iterator[None]:
    """Asks the training in the block to stop after a step, as Ctrl-C does."""
    take = Updates.take

    def taken(updates: Updates, *args: Any) -> int:
        examples = take(updates, *args)
        if updates.step == step:
            signal.raise_signal(signal.SIGINT)
        return examples

    Updates.take = taken  # type: ignore
    try:
        with contextlib.suppress(SystemExit):
            yield
    finally:
        Updates.take = take  # type: ignore


def train(folder: Path, *words: str) -> dict[tuple[str, ...], float]:
    """The figures of a training, from its ``metrics.csv``."""
    where = [] if words[0].startswith("resume=") else [f"hydra.run.dir={folder}"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        mtl_cli.train([*words, *where])
    with (folder / "metrics.csv").open(encoding="utf-8") as file:
        return {tuple(row[:-1]): float(row[-1]) for row in list(csv.reader(file))[1:]}


def apart(one: dict[tuple[str, ...], float], other: dict[tuple[str, ...], float]) -> float:
    """The largest relative difference between losses."""
    assert one.keys() == other.keys()
    losses = [key for key in one if key[4] == "loss"]
    return max(abs(one[k] - other[k]) / max(abs(one[k]), abs(other[k]), 1e-9) for k in losses)


def check(
    what: str, words: list[str], folder: Path, device: torch.device
) -> tuple[list[str], bool]:
    """A row of the table, and whether all is well."""
    own, watch = [*words, *EPOCHS, f"device={device}"], Watch(device)
    cpu = train(folder / "cpu", *words, *EPOCHS, "device=cpu")
    with watch.steps():
        there = train(folder / "there", *own)
    with stopped(len(watch.seconds) // 2):
        train(folder / "part", *own)
    train(folder / "part", f"resume={folder / 'part'}")
    files = [(folder / name / "metrics.csv").read_bytes() for name in ("there", "part")]
    distance, goes_on = apart(cpu, there), files[0] == files[1]
    near = what in DRAWS or distance <= LOOSE.get(what, TOLERANCE)
    waits = statistics.median(watch.waits) if device.type == "cuda" else None
    places = ", ".join(f"{p} ({n / len(watch.waits):.1f})" for p, n in watch.places.most_common(4))
    shown = f"{distance:.0e}" + (" (draws on the device)" if what in DRAWS else "")
    row = [what, shown, "yes" if goes_on else "NO", "–" if waits is None else f"{waits:g}"]
    return [*row, f"{1000 * statistics.median(watch.seconds[2:]):.2f}", places], near and goes_on


def main() -> None:
    """The command line."""
    device = find_device(sys.argv[1] if len(sys.argv) > 1 else "auto")
    torch.backends.cudnn.allow_tf32 = False  # whose convolutions have three digits
    begin, rows, wrong = time.perf_counter(), [], []
    with TemporaryDirectory() as place:
        write_data(Path(place))
        found = parts(Path(place))
        for what in [w for w in found if not sys.argv[2:] or w in sys.argv[2:]]:
            try:
                row, well = check(
                    what, found[what], Path(place) / what.replace(",", "").replace(" ", "_"), device
                )
            except Exception as error:
                row, well = [what, f"{type(error).__name__}: {error}"[:60], "", "", "", ""], False
            rows.append(row)
            wrong += [] if well else [what]
    header = ["what", "from CPU", "resumes", "waits a step", "step [ms]", "where it waits (a step)"]
    sys.stdout.write(text_table(header, rows) + "\n")
    took = time.perf_counter() - begin
    sys.stdout.write(f"\n{device}: {len(rows)} parts in {took:.0f} s, {len(wrong)} wrong\n")
    if wrong:
        sys.stdout.write(f"wrong: {', '.join(wrong)}\n")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
