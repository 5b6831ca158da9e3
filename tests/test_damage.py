"""A damaged run folder is answered in plain words, and a refused resume leaves it as it was."""

import importlib.util
import json
import random
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

from mtl_cli.disk import checkpoint
from mtl_cli.disk.kinds import CHECKPOINT, misfit, unlike

PATH = Path(__file__).parent.parent / "scripts" / "damage.py"
spec = importlib.util.spec_from_file_location("damage", PATH)
damage = importlib.util.module_from_spec(spec)
spec.loader.exec_module(damage)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return damage.make(tmp_path_factory.mktemp("whole"))


def test_some_of_the_damages_that_the_script_does(run: Path) -> None:
    assert damage.tries(run, 2, 2) == []


@pytest.mark.parametrize("way", damage.BYTES, ids=lambda way: way.__name__)
def test_damage_of_what_checkpoints_have_in_common(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, way
) -> None:
    whole = tmp_path_factory.getbasetemp() / "frozen"
    if not whole.exists():
        whole.mkdir()
        damage.make(whole, damage.FROZEN)
    for command in ("evaluate", "resume"):
        damage.shutil.copytree(whole / "run", tmp_path / command / "run")
        way(tmp_path / command / "run/checkpoints/frozen.pt", random.Random(1))
        before = damage.contents(tmp_path / command)
        with pytest.raises(damage.Problem, match=r"frozen\.pt"):
            damage.COMMANDS[command](tmp_path / command / "run")
        assert damage.contents(tmp_path / command) == before


def test_what_is_whole_is_found_whole_and_what_raises_is_seen(run: Path, monkeypatch) -> None:
    assert misfit(checkpoint.load(run / "checkpoints/last.pt"), CHECKPOINT) == ""
    monkeypatch.setitem(damage.COMMANDS, "resume", lambda run: 1 / 0)
    assert "ZeroDivisionError" in damage.attempt("resume", run)


STATES = {
    ("epoch",): 1e300,
    ("train_loss",): torch.zeros(7),
    ("seconds",): {},
    ("epoch_seconds",): "x",
    ("step",): -1,
    ("learners",): "x",
    ("learners", 0, "optimizer", "state", 0, "exp_avg"): torch.zeros(7),
    ("learners", 0, "scheduler"): {"optimizer": 3},
    ("learners", 0, "stopped"): "no",
    ("generators", "torch"): None,
    ("losses", "values"): [[1]],
    ("average",): {"x": 3},
    ("average", "arch.experts.stages.0.0.0.bias"): 1e300,
    ("metrics_length",): 10**9,
    ("model", "x"): "y",
    ("best",): None,
    ("best", "model"): [damage.TARGET],
    ("best", "model", "x"): torch.zeros(7),
    ("best", "learners", 0, "epoch"): "x",
}


@pytest.mark.parametrize("place", STATES, ids=str)
def test_a_state_of_another_kind_is_refused_before_anything_changes(
    run: Path, tmp_path: Path, place: tuple
) -> None:
    damage.shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run/checkpoints/last.pt"
    node = state = checkpoint.load(path)
    for key in place[:-1]:
        node = node[key]
    node[place[-1]] = STATES[place]
    checkpoint.save(path, state)
    before = damage.contents(tmp_path / "run")
    with pytest.raises(damage.Problem, match="must"):
        damage.COMMANDS["resume"](tmp_path / "run")
    assert damage.contents(tmp_path / "run") == before


@pytest.mark.parametrize("place", ["seed", "name", "choices.arch", "trainer.max_batches", "device"])
@pytest.mark.parametrize("command", ["evaluate", "predict", "resume"])
def test_a_target_where_a_word_or_a_number_belongs(
    run: Path, tmp_path: Path, place: str, command: str
) -> None:
    damage.shutil.copytree(run.parent, tmp_path / "all")
    config = tmp_path / "all/run/config.yaml"
    cfg = OmegaConf.load(config)
    OmegaConf.update(cfg, place, damage.TARGET, merge=False, force_add=True)
    OmegaConf.save(cfg, config)
    with pytest.raises(damage.Problem, match=f"kinds(.|\n)*{place} is dict"):
        damage.COMMANDS[command](config.parent)


@pytest.mark.parametrize("name", ["train.log", "summary.json", "reader.json", "metrics.csv"])
def test_a_folder_in_a_files_place_is_refused(run: Path, tmp_path: Path, name: str) -> None:
    damage.shutil.copytree(run, tmp_path / "run")
    damage.folder(tmp_path / "run" / name, random.Random())
    assert damage.attempt("resume", tmp_path / "run") is None


@pytest.mark.parametrize("command", damage.COMMANDS)
@pytest.mark.parametrize("name", ["reader.json", "summary.json", "config.yaml"])
def test_brackets_without_end(run: Path, tmp_path: Path, name: str, command: str) -> None:
    damage.shutil.copytree(run.parent, tmp_path / "all")
    damage.nested(tmp_path / "all/run" / name, random.Random())
    assert damage.attempt(command, tmp_path / "all/run") is None


def test_a_direction_that_is_none_has_no_arrow(run: Path, tmp_path: Path) -> None:
    damage.shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run/summary.json"
    said = json.loads(path.read_text())
    said["metrics"]["cos"]["mse"]["higher_is_better"] = {"a": 1}
    path.write_text(json.dumps(said))
    assert damage.attempt("report", tmp_path / "run") is None


def test_a_configuration_whose_end_is_missing_is_refused(run: Path, tmp_path: Path) -> None:
    damage.shutil.copytree(run, tmp_path / "run")
    path = tmp_path / "run/config.yaml"
    text = path.read_text()
    for end in range(text.index("\nchoices:"), len(text) - 20, 40):
        path.write_text(text[:end])
        with pytest.raises(damage.Problem, match="must be a run's configuration"):
            damage.COMMANDS["resume"](tmp_path / "run")


def test_states_are_compared_by_names_kinds_and_shapes() -> None:
    own = {"a": 1, "b": torch.zeros(2), "c": None, "d": [True]}
    assert not unlike({"a": 2.5, "b": torch.ones(2), "c": "x", "d": []}, own)
    for key, value in {"a": "1", "b": torch.zeros(3), "d": {}}.items():
        assert unlike(own | {key: value}, own)
    assert unlike({"a": 1}, own)
    assert unlike(own | {"b": torch.zeros(2, dtype=torch.long)}, own)
    assert misfit({"a": {"b": True}}, {"a": {"b": int}}) == "a.b is bool"
