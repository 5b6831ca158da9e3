"""What holds for every logger."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import checked, compose_run
from mtl_cli.command_line.help import show_help
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.silent_folder import SilentFolder
from mtl_cli.logger.tensorboard import TensorBoard
from mtl_cli.run.build import make_loggers
from mtl_cli.trust.run_config import read_config

CONF = Path(__file__).parents[2] / "conf"
LOGGERS = sorted(path.stem for path in (CONF / "logger").glob("*.yaml"))
EXTRAS = ["mlflow", "wandb"]  # named as their packages are


def test_of_several_processes_one_shows_the_run(tmp_path: Path) -> None:
    words = [f"hydra.run.dir={tmp_path / 'run'}", "logger=tensorboard"]
    cfg, path = compose_run("train", words)
    assert len(make_loggers(cfg, RunFolder(path))) == 1
    assert make_loggers(cfg, SilentFolder(path)) == []


@pytest.mark.parametrize("logger", EXTRAS)
def test_a_package_that_is_not_installed_is_named(
    logger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, logger, None)
    cfg, path = compose_run("train", [f"hydra.run.dir={tmp_path / 'run'}", f"logger={logger}"])
    with pytest.raises(Problem, match=rf"logger={logger} needs the package {logger}") as found:
        make_loggers(cfg, RunFolder(path))
    assert f"pip install 'mtl-cli[{logger}]'" in str(found.value)


def test_every_other_logger_needs_no_extra() -> None:
    assert set(LOGGERS) - set(EXTRAS) == {"tensorboard"}


def test_several_show_a_run_at_once(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    folder = tmp_path / "run"
    words = ["logger=[tensorboard,mlflow]", f"logger.mlflow.store={tmp_path / 'store'}"]
    mtl_cli.train([f"hydra.run.dir={folder}", "trainer=smoke", *words])
    assert list((folder / "tensorboard").iterdir())
    assert json.loads((folder / "mlflow.json").read_text())["store"] == str(tmp_path / "store")
    values = yaml.safe_load((folder / "config.yaml").read_text())
    assert list(values["logger"]) == ["tensorboard", "mlflow"]
    assert values["choices"]["logger"] == "[tensorboard,mlflow]"
    mtl_cli.train([f"resume={folder}", "trainer.max_epochs=3"])  # its config is read
    [line] = (tmp_path / "run" / "train.log").read_text().splitlines()[-1:]
    assert str(folder) in line


def test_a_run_of_an_earlier_version_has_its_logger(tmp_path: Path) -> None:
    """Its configuration has the logger in place of loggers by their names."""
    folder = tmp_path / "run"
    words = ["logger=tensorboard", "logger.tensorboard.flush_seconds=7"]
    mtl_cli.train([f"hydra.run.dir={folder}", "trainer=smoke", *words])
    text = (folder / "config.yaml").read_text()
    now = text[text.index("\nlogger:") :].partition("\ntasks:")[0]
    before = now.replace("  tensorboard:\n", "").replace("\n    ", "\n  ")
    assert "\nlogger:\n  _target_: mtl_cli.logger.tensorboard.TensorBoard\n" in before
    (folder / "config.yaml").write_text(text.replace(now, before))
    [logger] = make_loggers(read_config(RunFolder(folder)), RunFolder(folder))
    assert isinstance(logger, TensorBoard)
    assert logger.flush_seconds == 7
    mtl_cli.train([f"resume={folder}", "trainer.max_epochs=3"])
    assert (folder / "config.yaml").read_text().count("  tensorboard:\n") == 1


def test_a_logger_of_the_users_own_needs_no_place(tmp_path: Path) -> None:
    cfg, path = compose_run("train", [f"hydra.run.dir={tmp_path / 'run'}"])
    node = {"_target_": f"{TensorBoard.__module__}.TensorBoard", "flush_seconds": 9}
    OmegaConf.update(cfg, "logger", node, force_add=True)
    [logger] = make_loggers(cfg, RunFolder(path))
    assert isinstance(logger, TensorBoard)


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (["logger=[tensorbord,mlflow]"], "'logger=[tensorboard,mlflow]'"),
        (["logger.mlflow.store=x"], "logger=mlflow logger.mlflow.store=x"),
        (
            ["logger=tensorboard", "logger.flush_seconds=5"],
            "logger=tensorboard logger.tensorboard.flush_seconds=5",
        ),
        (
            ["logger=[tensorboard]", "logger.tensorboard.flush_seconds=abc"],
            "logger.tensorboard.flush_seconds=30",
        ),
    ],
)
def test_a_word_for_a_logger_that_is_wrong_is_mended(words: list[str], fix: str) -> None:
    with pytest.raises(Problem) as found:
        checked("train", words)
    assert fix in str(found.value)


def test_help_has_the_options_of_several(capsys: pytest.CaptureFixture[str]) -> None:
    show_help(CONF, "train", ["logger=[tensorboard,mlflow]"])
    said = capsys.readouterr().out
    assert "flush_seconds: 30" in said
    assert "experiment: mtl-cli" in said
    assert "@package" not in said
