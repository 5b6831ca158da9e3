"""Every model that can be put together, as a program: each against the model itself, to 1e-5.

    python scripts/check_export.py            # all, by torch and by ONNX Runtime
    python scripts/check_export.py mmoe onnx  # those whose line has all of these words

Lines are architectures on each encoder and kind of input, as the tests draw them small; and a run
of each kind of task, which is trained for a few steps. Exits with 1 where one differs, or cannot be
exported.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import logging
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from omegaconf import OmegaConf

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.table import text_table
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.export import export
from mtl_cli.exported.as_read import by_spec
from mtl_cli.exported.program import Program
from mtl_cli.exported.ship import FORMATS, ship_one
from mtl_cli.exported.tried import made_up
from mtl_cli.run.run_data import RunData
from mtl_cli.trained.loaded_run import LoadedRun

ROOT = Path(__file__).parent.parent
ARRANGEMENTS = ("one input", "maps of one input")
ROWS = 7  # made-up examples of a cell

QUICK = "trainer=smoke pictures.curves=false pictures.metrics=false"
TABLE = f"dataset=table dataset.path={{data}}/rows.csv dataset.reference=0 {QUICK}"
RUNS = {  # {what: the words of its training}
    "plain_regression": f"dataset=sincos {QUICK}",
    "regression": f"dataset=correlated {QUICK}",
    "inputs of their own": f"dataset=sincos dataset.inputs=per_task {QUICK}",
    "function": f"dataset=toy {QUICK}",
    "binary, product, truth": f"dataset=clicks {QUICK} arch=aitm",
    "multiclass": f"dataset=parity_mnist dataset.source=digits arch=mmoe {QUICK}",
    "segmentation, depth, normals": "dataset=scenes dataset.num_train=8 dataset.num_val=4 "
    f"dataset.num_test=4 dataset.size=[16,24] {QUICK}",
    "words": f"dataset=reviews {QUICK}",
    "token ids": f"dataset=reviews dataset.read_as=tokens encoder=text_cnn {QUICK}",
    "ordinal": f"{TABLE} dataset.targets={{{{n:ordinal}}}}",
    "count, amount": f"{TABLE} dataset.targets={{{{n:count,x:amount}}}}",
    "multilabel": f"{TABLE} dataset.targets={{{{y:{{{{kind:multilabel,columns:[a,b]}}}}}}}}",
    "ranking, tower": f"{TABLE} dataset.targets={{{{a:binary,b:binary}}}} tasks.a=ranking "
    "tasks.t=tower tasks.b.loss=escm_dr tasks.b.loss.propensity=a tasks.b.loss.imputation=t",
}


def test_cases() -> list[Any]:
    """The cells that the tests know, of one input each."""
    spec = importlib.util.spec_from_file_location("conftest", ROOT / "tests" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    sys.modules["conftest"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return [case for case in module.CASES if case.arrangement in ARRANGEMENTS]


def export_case(case: Any, form: str, folder: Path) -> float:
    """The largest difference between a model of made-up weights and its program.

    Args:
        case: an architecture on an encoder, with a kind of input.
        form: ``torch`` or ``onnx``.
        folder: for the program.
    """
    model = case.model()
    [(input, spec)] = model.inputs.items()
    config = OmegaConf.create({"name": str(case), "seed": 0})
    data = RunData({input: spec}, dict(case.reads), {}, None)
    run = LoadedRun(RunFolder(folder), config, model.eval(), data, torch.device("cpu"))
    entry = by_spec(spec, input)
    tried = made_up(run, input, entry, ROWS)
    program = Program(entry, model, input, list(run.tasks), {})
    return ship_one(run, program, form, folder, tried).difference


def export_run(words: str, form: str, folder: Path) -> float:
    """The largest difference between `mtl-predict` and the programs of a run of a few steps."""
    run = folder / "run"
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        if not run.exists():
            mtl_cli.train([f"hydra.run.dir={run}", *words.format(data=folder.parent).split()])
        shipped = export([f"run={run}", f"format={form}", f"out={folder / form}"])
    return max(own.difference for own in shipped)


def write_rows(folder: Path) -> None:
    """A table with a target of every kind."""
    lines = ["c,n,x,a,b"]
    for i in range(120):
        lines.append(f"{'rgb'[i % 3]},{i % 5},{(i * 7 % 11) * (i % 2)},{i % 2},{i // 2 % 2}")
    (folder / "rows.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def checks(folder: Path) -> Iterator[tuple[list[str], Callable[[], float]]]:
    """What is checked, in words, and the check."""
    write_rows(folder)
    for form in FORMATS:
        for what, words in RUNS.items():
            place = folder / what.replace(", ", "_").replace(" ", "_")
            yield [form, "a run", what], lambda a=words, b=form, c=place: export_run(a, b, c)  # type: ignore[misc]
        for case in test_cases():
            kind = "maps" if case.of_maps else case.kind.kind
            place = folder / form / str(case)
            name = [form, case.arch, f"{case.encoder}, {kind}"]
            yield name, lambda a=case, b=form, c=place: export_case(a, b, c)  # type: ignore[misc]


def main() -> None:
    """The command line."""
    logging.getLogger("mtl_cli").setLevel(logging.ERROR)
    words, rows, wrong = sys.argv[1:], [], 0
    begin = time.perf_counter()
    with TemporaryDirectory() as place:
        for name, check in checks(Path(place)):
            if any(word not in " ".join(name) for word in words):
                continue
            start = time.perf_counter()
            try:
                said, well = f"{check():.0e}", True
            except Problem as error:
                said, well = f"{error.rule}: {error.found}"[:150], False
            except Exception as error:
                said, well = f"{type(error).__name__}: {error}".splitlines()[0][:150], False
            wrong += not well
            rows.append([*name, said, f"{time.perf_counter() - start:.1f}"])
            if not well:
                sys.stderr.write(f"{' '.join(name)}: {said}\n")
    sys.stdout.write(text_table(["format", "model", "of", "away", "seconds"], rows) + "\n")
    took = time.perf_counter() - begin
    sys.stdout.write(f"\n{len(rows)} programs in {took:.0f} s, {wrong} wrong\n")
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
