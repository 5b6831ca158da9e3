"""Several diagnostics of one training, each as it would be alone."""

import json
import shlex
from pathlib import Path

import pytest
import torch
from omegaconf import OmegaConf

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.diagnose import diagnose
from mtl_cli.study.report import make_report
from mtl_cli.study.report_words import read_words

SMALL = ["dataset.num_samples=400", "encoder.hidden=[8]", "device=cpu", "scheduler=none"]
WORDS = ["arch=mmoe", *SMALL, "dataset.batch_size=40", "trainer.max_epochs=2"]
THREE = "diagnostic=[conflict,gates,gradient_norm]"
EACH = {"conflict": 2, "gates": 3, "gradient_norm": 5}  # steps from one look to the next


def train(folder: Path, *words: str) -> dict:
    return mtl_cli.train([f"hydra.run.dir={folder}", *words])


def saved(folder: Path) -> dict:
    return torch.load(folder / "checkpoints/last.pt", weights_only=True)["observer"]


def figures(folder: Path, name: str) -> bytes:
    return (folder / f"diagnostics/{name}.csv").read_bytes()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training without diagnostics, one with three of them, and one with each."""
    runs = tmp_path_factory.mktemp("runs")
    train(runs / "plain", *WORDS)
    options = [f"diagnostic.{name}.every={every}" for name, every in EACH.items()]
    train(runs / "three", *WORDS, THREE, *options)
    for name, every in EACH.items():
        train(runs / name, *WORDS, f"diagnostic={name}", f"diagnostic.every={every}")
    return runs


def test_the_training_goes_the_same_way(runs):
    both = [(runs / run / "metrics.csv").read_bytes() for run in ("plain", "three")]
    assert both[0] == both[1]


@pytest.mark.parametrize("name", EACH)
def test_each_sees_and_leaves_what_it_would_alone(runs, name):
    assert figures(runs / "three", name) == figures(runs / name, name)
    assert (runs / f"three/plots/{name}.png").is_file()
    assert f"\n{name}: " in (runs / "three/train.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", EACH)
def test_a_single_one_has_the_configuration_and_the_checkpoint_that_it_always_had(runs, name):
    one, three = OmegaConf.load(runs / name / "config.yaml"), saved(runs / "three")
    assert one.diagnostic == {"_target_": one.diagnostic._target_, "every": EACH[name]}
    assert one.choices.diagnostic == name
    assert {"looks"} < set(saved(runs / name))
    assert str(saved(runs / name)) == str(three[name])
    assert list(three) == list(EACH)


def test_a_resumed_run_has_seen_all(runs, tmp_path):
    options = [f"diagnostic.{name}.every={every}" for name, every in EACH.items()]
    train(tmp_path / "run", *WORDS, THREE, *options, "trainer.max_epochs=1")
    mtl_cli.train([f"resume={tmp_path / 'run'}", "trainer.max_epochs=2"])
    for name in EACH:
        assert figures(tmp_path / "run", name) == figures(runs / "three", name)
    mtl_cli.train([f"resume={tmp_path / 'run'}"])  # with nothing left to train
    assert figures(tmp_path / "run", "gates") == figures(runs / "three", "gates")


def test_what_was_seen_in_training_is_not_overwritten_by_several(runs):
    before = figures(runs / "three", "gates")
    text = diagnose([f"run={runs / 'three'}", "diagnostic=[gates,attribution]", "looks=1"])
    assert text.startswith("gates: ")
    assert "\n\nattribution: " in text
    assert figures(runs / "three", "gates") == before
    left = {file.name for file in (runs / "three/diagnostics").iterdir()}
    assert {"gates_best.csv", "attribution.csv"} <= left
    log = (runs / "three/diagnose.log").read_text(encoding="utf-8")
    assert log.count("(seed 0, best weights)\n") == 2


def test_before_training_several_look_one_after_the_other(tmp_path):
    words = [f"hydra.run.dir={tmp_path / 'new'}", "diagnostic=[attribution,conflict]", *SMALL]
    text = diagnose([*words, "looks=1"])
    assert "\n\nconflict: " in text
    left = {file.name for file in (tmp_path / "new/diagnostics").iterdir()}
    assert {"attribution.csv", "conflict.csv"} <= left


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([THREE, "diagnostic.gates.every=0"], "diagnostic.gates.every must be an integer"),
        (["diagnostic=[conflict,attribution]"], "found: attribution\n  try:   mtl-diagnose diag"),
        ([THREE, "diagnostic.gates._target_=torch.nn.Linear"], "diagnostic.gates._target_ must"),
        ([THREE, "+diagnostic.more=3"], "diagnostic.more must be a whole part"),
    ],
)
def test_an_error_is_of_the_one_that_makes_it(words, said, tmp_path):
    with pytest.raises(Problem) as found:
        train(tmp_path / "run", *WORDS, *words)
    assert said in str(found.value)
    if "0" in words[-1]:
        assert found.value.fix == "diagnostic.gates.every=50"


def test_a_diagnosis_needs_a_diagnostic(runs):
    with pytest.raises(Problem, match=r"diagnostic must be given"):
        diagnose([f"run={runs / 'plain'}", "diagnostic=null"])


def test_a_report_has_what_all_saw_and_the_words_that_repeat_it(runs, tmp_path):
    out = tmp_path / "out"
    make_report(*read_words([str(runs / "three"), f"out={out}"]))
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "diagnostic=[conflict,gates,gradient_norm]" in page
    words = json.loads((runs / "three/summary.json").read_text())["overrides"]
    again = [word for word in shlex.split(shlex.join(words)) if not word.startswith("hydra")]
    train(tmp_path / "again", *again)
    assert figures(tmp_path / "again", "gates") == figures(runs / "three", "gates")


def test_a_sweep_may_go_over_lists(tmp_path, monkeypatch, capfd):
    words = ["diagnostic=[conflict,gates],conflict", "trainer=smoke", "arch=mmoe", *SMALL]
    line = ["mtl-train", "-m", *words, f"hydra.sweep.dir={tmp_path / 'sweep'}"]
    monkeypatch.setattr("sys.argv", line)
    mtl_cli.train.main()
    left = [
        {file.stem for file in (tmp_path / f"sweep/{job}/diagnostics").iterdir()}
        for job in range(2)
    ]
    assert left == [{"conflict", "gates"}, {"conflict"}]
    said = json.loads((tmp_path / "sweep/0/summary.json").read_text())
    assert "diagnostic=[conflict,gates]" in said["overrides"]
    assert "diagnostic=[conflict,gates]" in capfd.readouterr().out
