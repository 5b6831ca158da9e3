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
from torch import nn

import mtl_cli
import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.overrides import composed, differing
from mtl_cli.disk.literal import literal
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict
from mtl_cli.trust.slots import built, make
from mtl_cli.trust.trusted import TRUSTED

MARK = "MTL_WAS_EXECUTED"
EVIL = f"""
import os
os.environ["{MARK}"] = "1"

from mtl_cli.encoder.mlp import MLP
from mtl_cli.dataset.readers.numbers import NumberReader

class Theirs(MLP):
    pass

class Pretrained(MLP):
    first_weights = ("weights",)

    def __init__(self, spec, weights, **options):
        super().__init__(spec, **options)
        if weights is not None:
            raise ConnectionError(f"it asked the network for {{weights}}")

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
    "${x}{oc.env:MTL_SECRET}",
    "\\\\${oc.env:MTL_SECRET}",
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", LEAKS)
def test_an_interpolation_is_text_wherever_it_stands(run: Path, text: str, way: str) -> None:
    config = run / "config.yaml"
    change(run, "x", "$")
    for path in ("name", "somewhere.note", "choices.optimizer"):
        change(run, path, text)
    said = str(WAYS[way](run))
    kept = OmegaConf.to_container(OmegaConf.load(config))
    assert kept["name"] == kept["choices"]["optimizer"] == text
    files = [path for path in run.parent.rglob("*") if path.suffix in (".json", ".yaml", ".csv")]
    assert not [path for path in files if "the secret" in path.read_text()]
    assert "the secret" not in said


def test_no_weights_are_fetched_that_a_checkpoint_replaces(run: Path) -> None:
    change(run, "encoder._target_", "evil_package.Pretrained")
    change(run, "encoder.weights", "DEFAULT")
    trust = "trust=[evil_package]"
    evaluate([f"run={run}", trust])
    mtl_cli.load_run(run, trust=["evil_package"])
    mtl_cli.train([f"resume={run}", "trainer.max_epochs=3", trust])
    (run / "checkpoints" / "last.pt").unlink()
    with pytest.raises(Problem, match="it asked the network for DEFAULT"):
        mtl_cli.train([f"resume={run}", "trainer.max_epochs=4", trust])


@pytest.mark.parametrize("place", ["encoder.hidden", "dataset.noise", "tasks.sin.loss", "seed"])
def test_an_interpolation_where_another_value_belongs_is_not_evaluated(
    run: Path, place: str
) -> None:
    change(run, place, "${oc.env:MTL_SECRET}")
    with pytest.raises(Problem) as error:
        mtl_cli.train([f"resume={run}", "trainer.max_epochs=3"])
    assert "the secret" not in str(error.value)


@pytest.mark.parametrize("text", LEAKS)
def test_a_part_gets_its_texts_as_they_are(text: str) -> None:
    cfg = OmegaConf.create(
        literal({"x": "$", "choices": {}, "part": {"_target_": "torch.nn.Identity", "a": text}})
    )
    assert make(cfg, "part", nn.Module).values == {"a": text}
    assert built({"b": [{"_target_": "builtins.dict", "a": text}]}) == {"b": [{"a": text}]}


def test_the_words_of_a_configuration_do_not_resolve_its_texts() -> None:
    config = composed(["+dataset.note=1"])[0]
    for text in LEAKS:
        [word] = differing(config | {"dataset.note": text}, config)
        assert composed([f"+{word}"])[0]["dataset.note"] == text


def test_a_name_that_was_resolved_is_text_in_the_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("MTL_SECRET", "the secret")
    words = ["trainer=smoke", "dataset.num_samples=200", "encoder.hidden=[4]", "+x=$"]
    summary = mtl_cli.train(
        [f"hydra.run.dir={tmp_path / 'run'}", *words, "name='${x}{oc.env:MTL_SECRET}'"]
    )
    assert summary["name"] == "${oc.env:MTL_SECRET}"
    mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.max_epochs=3"])
    assert OmegaConf.to_container(OmegaConf.load(tmp_path / "run" / "config.yaml"))["name"] == (
        "${oc.env:MTL_SECRET}"
    )
    assert "the secret" not in (tmp_path / "run" / "summary.json").read_text()


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


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "target",
    [
        "torchmetrics.image.lpip.LearnedPerceptualImagePatchSimilarity",
        "torchmetrics.text.BERTScore",
        "torchmetrics.image.FrechetInceptionDistance",
        "torchmetrics.Nothing",
    ],
)
def test_a_metric_that_may_ask_the_network_is_refused(run: Path, target: str, way: str) -> None:
    change(run, "tasks.sin.metrics.mse", {"_target_": target})
    with pytest.raises(Problem, match="which ask no network"):
        WAYS[way](run)
