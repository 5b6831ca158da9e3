"""A run folder from somebody else is data: nothing in it is executed, nor imported."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

import mtl_cli
import mtl_cli.train
from mtl_cli.errors import Problem
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict
from mtl_cli.trust import TRUSTED, check_foreign

MARK = "MTL_WAS_EXECUTED"
EVIL = f"""
import os
os.environ["{MARK}"] = "1"

from mtl_cli.encoder.mlp import MLP
from mtl_cli.dataset.number_reader import NumberReader

class Theirs(MLP):
    pass

class TheirReader(NumberReader):
    pass
"""


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "new.csv").write_text("x\n0.5\n1.5\n")
    words = ["trainer=smoke", "dataset.num_samples=200", "encoder.hidden=[4]"]
    mtl_cli.train([f"hydra.run.dir={folder / 'run'}", *words])
    return folder


@pytest.fixture
def run(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the run, beside a package whose import leaves a mark."""
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    (tmp_path / "evil_package.py").write_text(EVIL)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv(MARK, raising=False)
    monkeypatch.setenv("MTL_SECRET", "the secret")
    yield tmp_path / "run"
    sys.modules.pop("evil_package", None)


WAYS: dict[str, Callable[..., object]] = {
    "load_run": lambda run, *words: mtl_cli.load_run(run, trust=["evil_package"] if words else []),
    "mtl-evaluate": lambda run, *words: evaluate([f"run={run}", *words]),
    "mtl-predict": lambda run, *words: predict(
        [f"run={run}", f"input={run.parent / 'new.csv'}", f"out={run.parent / 'out.csv'}", *words]
    ),
    "mtl-train resume": lambda run, *words: mtl_cli.train(
        [f"resume={run}", "trainer.max_epochs=3", *words]
    ),
}
TRUST = "trust=[evil_package]"


def change(run: Path, path: str, value: object) -> None:
    cfg = OmegaConf.load(run / "config.yaml")
    OmegaConf.update(cfg, path, value, force_add=True, merge=False)
    OmegaConf.save(cfg, run / "config.yaml")


def executed() -> bool:
    return MARK in os.environ or "evil_package" in sys.modules


HIDING_PLACES = {
    "encoder._target_": "evil_package.Theirs",
    "optimizer._target_": "evil_package.Theirs",
    "encoder.hidden": [[{"_target_": "evil_package.Theirs", "_partial_": True}]],
    "tasks.sin.metrics.mse": {"_target_": "torchmetrics.MeanSquaredError", "a": [{"b": [
        {"_target_": "evil_package.Theirs", "_partial_": True, "_args_": [1]}]}]},
    "somewhere.else": {"_target_": "evil_package.Theirs"},
    "trainer.select": [{"x": {"_target_": "evil_package.nothing"}}],
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", HIDING_PLACES)
def test_a_class_of_another_package_is_refused_before_its_import(
    run: Path, place: str, way: str
) -> None:
    change(run, place, HIDING_PLACES[place])
    with pytest.raises(Problem, match=r"trusted[\s\S]*trust=\[evil_package\]"):
        WAYS[way](run)
    assert not executed()


@pytest.mark.parametrize("way", WAYS)
def test_a_package_that_the_user_trusts_is_imported(run: Path, way: str) -> None:
    change(run, "encoder._target_", "evil_package.Theirs")
    WAYS[way](run, TRUST)
    assert executed()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "target", ["torch.hub.load", "torch.save", "torch.os.system", "torch.nn.functional.relu"]
)
@pytest.mark.parametrize("place", ["encoder", "tasks.sin.loss", "arch"])
def test_functions_are_refused_in_every_slot(
    run: Path, place: str, target: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[str] = []
    for function in ("torch.hub.load", "torch.save", "torch.os.system"):
        if function != "torch.save":  # which checkpoints need
            monkeypatch.setattr(function, lambda *a, **k: called.append("called"))
    change(run, place, {"_target_": target, "repo_or_dir": "x", "model": "y", "f": "z"})
    with pytest.raises(Problem, match="must be a class of the kind"):
        WAYS[way](run)
    assert called == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("target", ["builtins.exec", "os.system", "subprocess.run", "hydra.x"])
def test_what_python_itself_can_do_is_refused(run: Path, target: str, way: str) -> None:
    change(run, "encoder", {"_target_": target, "_args_": [f"import os; os.environ['{MARK}']='1'"]})
    with pytest.raises(Problem, match="trusted"):
        WAYS[way](run)
    assert not executed()


@pytest.mark.parametrize("way", WAYS)
def test_a_partial_function_hidden_deep_in_a_list_is_refused(run: Path, way: str) -> None:
    hidden = [[1, {"x": [{"_target_": "torch.save", "_partial_": True, "f": "stolen"}]}]]
    change(run, "encoder.hidden", hidden)
    with pytest.raises(Problem, match="must be a class of the kind"):
        WAYS[way](run)


LEAKS = [
    "${oc.env:MTL_SECRET}",
    "a${oc.env:MTL_SECRET}b",
    "${oc.decode:${oc.env:MTL_SECRET}}",
    "${${name}:MTL_SECRET}",
    "$${name}{oc.env:MTL_SECRET}",
    "${run_name:}",
    "${oc.select: seed}",
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", LEAKS)
def test_an_interpolation_that_does_anything_is_refused_and_not_evaluated(
    run: Path, text: str, way: str
) -> None:
    change(run, "name", text)
    with pytest.raises(Problem, match="may only name another value") as error:
        WAYS[way](run)
    assert "the secret" not in str(error.value)


def test_an_interpolation_that_names_another_value_is_resolved() -> None:
    cfg = OmegaConf.create({"a": {"b": 3}, "c": "${a.b}", "d": {"e": "${..c}"}})
    check_foreign(cfg, [], "config.yaml")
    assert OmegaConf.to_container(cfg) == {"a": {"b": 3}, "c": 3, "d": {"e": 3}}


@pytest.mark.parametrize("text", ["${nothing.there}", "${b}"])
def test_an_interpolation_that_leads_nowhere_is_damage(text: str) -> None:
    cfg = OmegaConf.create({"b": text})
    with pytest.raises(Problem, match="must be whole"):
        check_foreign(cfg, [], "config.yaml")


def test_a_target_that_an_interpolation_makes_up_is_seen() -> None:
    cfg = OmegaConf.create({"a": "evil_", "encoder": {"_target_": "${a}package.Theirs"}})
    with pytest.raises(Problem, match=r"evil_package\.Theirs, which was not imported"):
        check_foreign(cfg, [], "config.yaml")


def test_only_these_packages_are_trusted_unasked() -> None:
    assert set(TRUSTED) == {
        "mtl_cli",
        "torch",
        "torchvision",
        "torchmetrics",
        "torchjd",
        "sklearn",
    }


@pytest.mark.parametrize("way", ["load_run", "mtl-evaluate", "mtl-predict"])
def test_the_class_of_a_reader_is_looked_at_before_its_import(run: Path, way: str) -> None:
    said = json.loads((run / "reader.json").read_text())
    for target, message in [
        ("evil_package.TheirReader", "trusted"),
        ("builtins.exec", "trusted"),
        ("torch.hub.load", "must be a class of the kind Reader"),
        ("torch.nn.Linear", "must be a class of the kind Reader"),
        (["evil_package"], "trusted"),
    ]:
        (run / "reader.json").write_text(json.dumps(said | {"target": target}))
        with pytest.raises(Problem, match=message):
            WAYS[way](run)
        assert not executed()
    (run / "reader.json").write_text(json.dumps(said | {"target": "evil_package.TheirReader"}))
    if way == "mtl-evaluate":  # the run's own dataset is then found to read in another way
        with pytest.raises(Problem, match="must read its data as the run's was read"):
            WAYS[way](run, TRUST)
    else:
        WAYS[way](run, TRUST)
    assert executed()


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, (f"import os; os.environ['{MARK}'] = '1'",)


@pytest.mark.parametrize("way", WAYS)
def test_code_in_a_checkpoint_is_not_run(run: Path, way: str) -> None:
    for name in ("best.pt", "last.pt"):
        torch.save({"model": Evil()}, run / "checkpoints" / name)
    with pytest.raises(Problem, match="it was not loaded, nor any code in it run"):
        WAYS[way](run)
    assert not executed()
