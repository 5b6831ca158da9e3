"""``mtl-diagnose`` and the diagnostics of ``mtl-train``, on whole runs."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import CONF
from mtl_cli.diagnose import diagnose, help_text

SMALL = ["dataset.num_samples=400", "encoder.hidden=[8]", "device=cpu", "scheduler=none"]
SMOKE = ["trainer=smoke", *SMALL]
ALL = sorted(path.stem for path in (CONF / "diagnostic").glob("*.yaml"))
WATCHERS = ["conflict", "gates", "gradient_norm"]


def train(folder: Path, *words: str) -> dict:
    return mtl_cli.train([f"hydra.run.dir={folder}", *words])


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from mtl_cli.diagnose import main; main()"]
    return subprocess.run([*program, *words], cwd=folder, capture_output=True, text=True)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a mixture of experts, which nobody changes."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(folder, "arch=mmoe", *SMOKE)
    return folder


def test_every_diagnostic_was_found():
    assert set(WATCHERS) < set(ALL)
    assert len(ALL) >= 6


@pytest.mark.parametrize("name", ALL)
def test_before_training_each_leaves_text_figures_and_pictures_in_a_folder_of_its_own(
    name: str, tmp_path: Path
) -> None:
    words = [f"hydra.run.dir={tmp_path / 'new'}", f"diagnostic={name}", "arch=mmoe", *SMALL]
    text = diagnose([*words, "looks=2"])
    left = files(tmp_path / "new")
    assert {"diagnose.log", "diagnosis.yaml", f"diagnostics/{name}.csv"} <= left
    assert name == "determinism" or f"plots/{name}.png" in left
    assert text.startswith(f"{name}: ")
    assert text in (tmp_path / "new" / "diagnose.log").read_text(encoding="utf-8")
    kept = OmegaConf.load(tmp_path / "new" / "diagnosis.yaml")
    assert kept.choices.diagnostic == name
    assert not left & {"config.yaml", "summary.json", "train.log"}  # it is no run


@pytest.mark.parametrize("name", ALL)
def test_a_run_is_looked_at_with_its_weights_in_its_own_folder(name, trained, tmp_path):
    before = {file: (trained / file).read_bytes() for file in files(trained)}
    text = diagnose([f"run={trained}", f"diagnostic={name}", "looks=2"])
    assert text.startswith(f"{name}: ")
    assert f"diagnostics/{name}.csv" in files(trained)
    for file, content in before.items():
        if file.partition("/")[0] not in ("diagnostics", "plots", "diagnose.log"):
            assert (trained / file).read_bytes() == content
    if name in WATCHERS:  # the steps with which training would go on, the weights as they are
        looks = rows(trained / "diagnostics" / f"{name}.csv")
        steps = json.loads((trained / "summary.json").read_text(encoding="utf-8"))["steps"]
        assert {row["epoch"] for row in looks} == {"3"}
        assert {int(row["step"]) for row in looks} == {steps + 1, steps + 2}


def test_the_weights_of_the_run_are_the_ones_that_are_looked_at(trained, tmp_path):
    """Its gates, which the training moved, are not those that it began with."""
    first = tmp_path / "first"
    diagnose([f"hydra.run.dir={first}", "diagnostic=gates", "arch=mmoe", *SMOKE, "looks=1"])
    found = []
    for weights in ("best", "last"):
        diagnose([f"run={trained}", "diagnostic=gates", "looks=1", f"checkpoint={weights}"])
        found.append(rows(trained / "diagnostics" / "gates.csv"))
    shares = [
        [row["share"] for row in one] for one in (rows(first / "diagnostics/gates.csv"), *found)
    ]
    assert shares[0] != shares[1]
    assert len(shares[0]) == len(shares[1]) == len(shares[2])


def test_the_word_that_it_had_for_a_checkpoint_is_answered_with_that_of_all_commands(trained):
    with pytest.raises(Problem, match=r"try: .*diagnostic=gates checkpoint=last$"):
        diagnose([f"run={trained}", "diagnostic=gates", "weights=last"])


def test_the_latest_run_is_found(trained):
    text = diagnose(["run=latest", f"runs={trained.parent}", "diagnostic=attribution"])
    assert "gates.linears" in text


@pytest.mark.parametrize("name", WATCHERS)
def test_training_is_watched_and_goes_the_same_way(name, tmp_path):
    words = ["arch=cgc", "weighting=uw", *SMALL, "dataset.batch_size=40", "trainer.max_epochs=2"]
    train(tmp_path / "plain", *words)
    train(tmp_path / "watched", *words, f"diagnostic={name}", "diagnostic.every=3")
    plain, watched = tmp_path / "plain", tmp_path / "watched"
    assert (plain / "metrics.csv").read_bytes() == (watched / "metrics.csv").read_bytes()
    looks = {
        (int(row["epoch"]), int(row["step"])) for row in rows(watched / f"diagnostics/{name}.csv")
    }
    assert looks == {(1, 1), (1, 4), (1, 7), (2, 10), (2, 13)}
    assert (watched / "plots" / f"{name}.png").is_file()
    assert f"\n{name}: " in (watched / "train.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WATCHERS)
def test_a_resumed_run_has_seen_all(name, tmp_path):
    words = [
        f"diagnostic={name}",
        "diagnostic.every=2",
        "arch=mmoe",
        *SMALL,
        "dataset.batch_size=40",
    ]
    train(tmp_path / "whole", *words, "trainer.max_epochs=2")
    train(tmp_path / "parts", *words, "trainer.max_epochs=1")
    mtl_cli.train([f"resume={tmp_path / 'parts'}", "trainer.max_epochs=2"])
    whole, parts = (tmp_path / run / "diagnostics" / f"{name}.csv" for run in ("whole", "parts"))
    assert whole.read_text() == parts.read_text()


def test_what_was_seen_in_training_is_not_overwritten_afterwards(tmp_path):
    train(tmp_path / "run", *SMOKE, "diagnostic=gates", "arch=mmoe")
    before = (tmp_path / "run" / "diagnostics" / "gates.csv").read_bytes()
    diagnose([f"run={tmp_path / 'run'}", "diagnostic=gates"])
    assert (tmp_path / "run" / "diagnostics" / "gates.csv").read_bytes() == before
    assert (tmp_path / "run" / "diagnostics" / "gates_best.csv").is_file()
    assert (tmp_path / "run" / "plots" / "gates_best.png").is_file()


@pytest.mark.parametrize("name", sorted(set(ALL) - set(WATCHERS)))
def test_what_looks_at_one_moment_cannot_watch_a_training(name, tmp_path):
    with pytest.raises(Problem, match=r"diagnostic.* must be .*\n.*found:(.|\n)*try:"):
        train(tmp_path / "run", *SMOKE, f"diagnostic={name}")


def test_a_run_keeps_its_configuration(trained):
    with pytest.raises(Problem, match=r"only .* can be given\.\n  found: arch=hps"):
        diagnose([f"run={trained}", "arch=hps"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run=nowhere"], "no such folder"),
        (["run=latest", "runs=nowhere"], "none below nowhere"),
        (["diagnostic=confict"], "conflict"),
        (["looks=0"], "looks must be an integer of at least 1"),
        (["diagnostic.every=0"], "diagnostic.every must be an integer"),
        (["diagnostic.ever=1"], "diagnostic.every"),
        (["diagnostic=gates"], "needs tasks that weigh experts"),
        (["arch=single_task"], "needs parameters that tasks share"),
        (["diagnostic._target_=torch.nn.Linear"], "must be a class of the kind Diagnosis"),
    ],
)
def test_bad_input_is_said_in_four_parts(words, said, tmp_path):
    done = (
        command(tmp_path, *SMOKE, *words) if "run=" not in words[0] else command(tmp_path, *words)
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert "\n  found: " in done.stderr
    assert "\n  try:   " in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_run_of_a_newer_version_or_of_somebody_elses_package_is_refused(trained, tmp_path):
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    cfg = OmegaConf.load(trained / "config.yaml")
    cfg.encoder._target_ = "elsewhere.Encoder"
    OmegaConf.save(cfg, folder / "config.yaml")
    with pytest.raises(Problem, match=r"trust=\[elsewhere\]"):
        diagnose([f"run={folder}"])


def test_the_command_prints_what_it_found(tmp_path):
    words = ["experiment=embedding_notebook", "diagnostic=attribution", "device=cpu"]
    done = command(tmp_path, *words)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "trunk.stages.0.0.weight[3, 0]  -9.25   -1.88   -11.13" in done.stdout
    assert "first 85.5625, second 22.0900" in done.stdout
    assert list(tmp_path.glob("runs/*/*_embedding_notebook_diagnosis/diagnostics/attribution.csv"))


def test_the_notebook_trains(tmp_path):
    """What was diagnosed by hand is a run like any other."""
    words = ["experiment=embedding_notebook", "device=cpu", "trainer.max_epochs=200"]
    summary = train(tmp_path / "run", *words)
    assert summary["train"]["first"]["loss"] < 0.1


def test_help_names_every_diagnostic_and_option():
    text = help_text()
    for name in ALL:
        assert f"  {name}" in text
    assert "  conflict*" in text
    for option in ("run", "checkpoint", "trust", "looks"):
        assert f"  {option}: " in text


def test_help_of_a_diagnostic_shows_its_options(tmp_path):
    done = command(tmp_path, "diagnostic=gradient_tree", "--help")
    assert "max_depth: 8" in done.stdout
    assert "usage: mtl-diagnose" in command(tmp_path, "--help").stdout
