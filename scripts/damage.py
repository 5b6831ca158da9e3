"""Damages run folders in many ways, and sees that every command answers in plain words.

    python scripts/damage.py [count] [seed]

Each try takes a copy of one small run, damages one of its files, and evaluates, predicts,
diagnoses, reports and resumes it in this process. It must work, or raise a `Problem`; and where
resuming is refused, no byte of the folder may have changed. So of a run that trains all its
weights, and of one that does not. Prints what was otherwise, last.
"""

from __future__ import annotations

import contextlib
import io
import json
import random
import shutil
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import yaml

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.diagnose import diagnose
from mtl_cli.disk import checkpoint
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict
from mtl_cli.report import read_words, report

WORDS = ["trainer=smoke", "dataset.num_samples=60", "encoder.hidden=[3]", "arch=mmoe"]
WORDS += ["arch.num_experts=2", "weighting=uw", "trainer.log_every=2", "trainer.ema_decay=0.9"]
FILES = ["config.yaml", "reader.json", "summary.json", "metrics.csv", "train.log"]
FILES += ["checkpoints/best.pt", "checkpoints/last.pt", "checkpoints/frozen.pt"]
FROZEN = [w for w in WORDS if "arch" not in w] + ["arch=lora", "arch.rank=1"]  # whose base stays
TARGET = {"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 1}
STRANGE: list[Any] = [None, True, -1, 0, 1e300, float("nan"), "", "x", "${x}", [], {}, [[1]]]
STRANGE += [TARGET, [TARGET], {"a": 1}, 3.5]
TENSORS = [torch.zeros(()), torch.zeros(0), torch.zeros(7), torch.ones(2, dtype=torch.long)]

COMMANDS: dict[str, Callable[[Path], Any]] = {
    "evaluate": lambda run: evaluate([f"run={run}"]),
    "predict": lambda run: predict(
        [f"run={run}", f"input={run.parent / 'new.csv'}", f"out={run.parent / 'out.csv'}"]
    ),
    "diagnose": lambda run: diagnose([f"run={run}", "diagnostic=conflict", "looks=1"]),
    "report": lambda run: report(*read_words([str(run), f"out={run.parent / 'report'}"])),
    "resume": lambda run: mtl_cli.train([f"resume={run}", "trainer.max_epochs=3"]),
}


def make(folder: Path, words: list[str] = WORDS) -> Path:
    """A run, beside new data for it."""
    (folder / "new.csv").write_text("x\n0.5\n1.5\n", encoding="utf-8")
    mtl_cli.train([f"hydra.run.dir={folder / 'run'}", *words])
    return folder / "run"


def damage(run: Path, draw: random.Random) -> str:
    """Damages one file of the run; says how."""
    name = draw.choice([file for file in FILES if (run / file).is_file()])
    path = run / name
    structured = path.suffix in (".yaml", ".json", ".pt")
    way = draw.choice(BYTES if not structured or draw.random() < 0.4 else [strange_value])
    return f"{name}: {way(path, draw)}"


def truncated(path: Path, draw: random.Random) -> str:
    data = path.read_bytes()
    length = draw.randrange(len(data))
    path.write_bytes(data[:length])
    return f"truncated to {length}"


def flipped(path: Path, draw: random.Random) -> str:
    data = bytearray(path.read_bytes())
    place, bit = draw.randrange(len(data)), draw.randrange(8)
    data[place] ^= 1 << bit
    path.write_bytes(data)
    return f"bit {bit} of byte {place} flipped"


def emptied(path: Path, draw: random.Random) -> str:
    path.write_bytes(b"")
    return "empty"


def noise(path: Path, draw: random.Random) -> str:
    path.write_bytes(draw.randbytes(500))
    return "random bytes"


def deleted(path: Path, draw: random.Random) -> str:
    path.unlink()
    return "deleted"


def folder(path: Path, draw: random.Random) -> str:
    path.unlink()
    path.mkdir()
    return "a folder"


def nested(path: Path, draw: random.Random) -> str:
    path.write_text("[" * 100_000, encoding="utf-8")
    return "brackets"


def strange_value(path: Path, draw: random.Random) -> str:
    """Puts another value, or none, somewhere into what the file says."""
    if path.suffix == ".pt":
        whole: Any = checkpoint.load(path)
    else:
        whole = yaml.safe_load(path.read_text(encoding="utf-8"))
    node, said = whole, ""
    while True:
        key = draw.choice(list(node) if isinstance(node, dict) else range(len(node)))
        said += f"[{key!r}]"
        if not isinstance(node[key], dict | list) or not node[key] or draw.random() < 0.4:
            break
        node = node[key]
    value = draw.choice(STRANGE + (TENSORS if path.suffix == ".pt" else []))
    if draw.random() < 0.15:
        del node[key]
        said += " left out"
    else:
        node[key] = value
        said += f" = {value!r}"
    if path.suffix == ".pt":
        checkpoint.save(path, whole)
    elif path.suffix == ".json":
        path.write_text(json.dumps(whole), encoding="utf-8")
    else:
        path.write_text(yaml.safe_dump(whole), encoding="utf-8")
    return said


BYTES = [truncated, flipped, emptied, noise, deleted, folder, nested]


def contents(run: Path) -> dict[str, bytes | None]:
    """Every file of a folder with its bytes, and every folder in it."""
    return {
        str(path.relative_to(run)): path.read_bytes() if path.is_file() else None
        for path in run.rglob("*")
    }


def attempt(command: str, run: Path) -> str | None:
    """What is wrong with how a command answers; None where nothing is."""
    before = contents(run)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            COMMANDS[command](run)
    except Problem as error:
        if command == "resume" and contents(run) != before:
            after = contents(run)
            changed = [n for n in {*before, *after} if before.get(n, 0) != after.get(n, 0)]
            return f"refused, but changed {', '.join(sorted(changed))}: {error}"
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)
        own = [f"{Path(f.filename).name}:{f.lineno}" for f in place if "mtl_cli" in f.filename]
        return f"{type(error).__name__}: {str(error)[:150]} at {' < '.join(own[:-6:-1])}"
    return None


def tries(original: Path, count: int, seed: int) -> list[str]:
    """What was otherwise than it must be, of so many damaged copies."""
    found = []
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        with TemporaryDirectory() as scratch:
            shutil.copytree(original.parent, scratch, dirs_exist_ok=True)
            run = Path(scratch) / original.name
            how = damage(run, draw)
            kept = Path(scratch) / "kept"
            shutil.copytree(run, kept)
            for command in COMMANDS:
                shutil.rmtree(run)
                shutil.copytree(kept, run)
                if wrong := attempt(command, run):
                    found.append(f"{number} {how}: {command}: {wrong}")
    return found


def main() -> None:
    """The command line."""
    count, seed = (int(word) for word in [*sys.argv[1:], "300", "0"][:2])
    found = []
    for words in (WORDS, FROZEN):
        with TemporaryDirectory() as scratch:
            found += tries(make(Path(scratch), words), count, seed)
    number = 2 * count * len(COMMANDS)
    sys.stdout.write("\n".join(["", *found, f"{len(found)} of {number} wrong\n"]))
    raise SystemExit(bool(found))


if __name__ == "__main__":
    main()
