"""Each architecture, each encoder on what it reads, and each kind of task once, as a program.

All cells: ``scripts/check_export.py``.
"""

import importlib.util
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).parent.parent.parent / "scripts" / "check_export.py"
spec = importlib.util.spec_from_file_location("check_export", PATH)
assert spec is not None
assert spec.loader is not None
check_export = importlib.util.module_from_spec(spec)
spec.loader.exec_module(check_export)

FORMATS = ["torch", "onnx"]
CASES = check_export.test_cases()


def some_cases() -> list[Any]:
    """A case for each encoder and kind of input, so that each architecture is in one."""
    cells = list(dict.fromkeys((c.encoder, c.kind, c.of_maps) for c in CASES))
    archs = list(dict.fromkeys(c.arch for c in CASES))
    left, found = list(archs), []
    for cell in cells:
        own = [c for c in CASES if (c.encoder, c.kind, c.of_maps) == cell]
        new = [c for c in own if c.arch in left] or own
        found.append(new[0])
        left = [arch for arch in left if arch != new[0].arch]
    return found


def test_every_architecture_and_encoder_is_among_them() -> None:
    for name in ("arch", "encoder", "kind"):
        assert {getattr(c, name) for c in some_cases()} == {getattr(c, name) for c in CASES}


@pytest.mark.parametrize(("case", "form"), list(zip(some_cases(), cycle(FORMATS))), ids=str)
def test_a_model_gives_the_same_as_a_program(case: Any, form: str, tmp_path: Path) -> None:
    assert check_export.export_case(case, form, tmp_path) <= 1e-5


@pytest.mark.parametrize(("what", "form"), list(zip(check_export.RUNS, cycle(FORMATS))))
def test_a_run_of_each_kind_of_task_does(what: str, form: str, tmp_path: Path) -> None:
    check_export.write_rows(tmp_path)
    words = check_export.RUNS[what]
    assert check_export.export_run(words, form, tmp_path / "place") <= 1e-5
