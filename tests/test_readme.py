"""What the README says is true: its commands run, its tables name what is there, its part works."""

import re
import sys
from pathlib import Path

import pytest

import mtl_cli.train

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def words_of(line: str) -> list[str]:
    import shlex

    return shlex.split(line, comments=True)[1:]


def run(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    mtl_cli.train.main()


def test_its_commands_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert len(lines) >= 12
    for line in lines:
        words = words_of(line)
        if "resume=latest" not in words:
            words += ["trainer=smoke"]
        if "dataset=parity_mnist" in words:
            words += ["dataset.source=digits"]
        run(monkeypatch, [word for word in words if not word.startswith("trainer.max_epochs")])
    assert len(list(tmp_path.glob("runs/*/*"))) == len(lines) - 1


def test_its_part_is_found_by_its_yaml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [yaml] = blocks("yaml")
    [code] = [block for block in blocks("python") if "class TwoSteps" in block]
    (tmp_path / "my_conf/arch").mkdir(parents=True)
    (tmp_path / "my_conf/arch/two_steps.yaml").write_text(yaml)
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package/two_steps.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    [line] = [block for block in blocks("sh") if "two_steps" in block]
    run(monkeypatch, [*words_of(line), "trainer=smoke", "dataset.source=digits"])
    [run_folder] = tmp_path.glob("runs/*/*two_steps*")
    assert (run_folder / "summary.json").is_file()


def test_its_table_names_every_choice() -> None:
    table = README.partition("## What is there")[2].partition("## Where")[0]
    for group in (
        "arch",
        "encoder",
        "dataset",
        "head",
        "task",
        "loss",
        "weighting",
        "diagnostic",
        "logger",
        "embedding",
        "row_optimizer",
        "optimizer",
        "scheduler",
    ):
        names = [path.stem for path in (ROOT / "conf" / group).glob("*.yaml")]
        assert names
        for name in names:
            assert f"`{name}`" in table, f"{group}={name}"


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 200
