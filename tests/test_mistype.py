"""Wrong command lines of all commands are answered in plain words."""

import importlib.util
import random
from pathlib import Path

import pytest

import mtl_cli.predict

PATH = Path(__file__).parent.parent / "scripts" / "mistype.py"
spec = importlib.util.spec_from_file_location("mistype", PATH)
mistype = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mistype)


def test_some_of_the_mistakes_that_the_script_makes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert mistype.tries(30, 7) == []


def test_each_command_and_every_option_of_it_is_among_the_mistakes() -> None:
    keys = {command: mistype.keys_of(command) for command in mistype.LINES}
    assert {"trust", "batch_size", "tasks", "out", "inputs"} <= set(keys["predict"])
    assert {"seed", "name", "tasks.sin.loss._target_", "tasks", "arch"} <= set(keys["train"])
    assert {"format", "out", "per_task", "inputs", "checkpoint"} <= set(keys["export"])
    assert keys["export to ONNX"] == keys["export"]
    made = [mistype.mistyped(random.Random(k), keys) for k in range(400)]
    commands = {command for command, _ in made}
    assert commands == {"train", "evaluate", "predict", "export", "diagnose", "report"}


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(2), SystemExit(1)])
def test_what_is_not_answered_is_seen(monkeypatch, error: BaseException) -> None:
    def broken() -> None:
        raise error

    monkeypatch.setattr(mtl_cli.predict, "main", broken)
    assert mistype.attempt("predict", ["run=x"])
