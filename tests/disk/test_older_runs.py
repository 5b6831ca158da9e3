"""Run folders that earlier versions left are resumed, evaluated, used and reported.

``tests/kept/<version>/`` holds the table ``people.csv``, a run on it of two epochs as that version
left it, and the ``metrics.csv`` to which that version itself resumed it for a third one. Where one
version wrote several formats, the folder names the format too.
"""

import csv
import inspect
import json
import shutil
from pathlib import Path

import pytest
from hydra.utils import get_class

import mtl_cli
from mtl_cli.comparison.compare import compare
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.dataset.base import options_of
from mtl_cli.disk.older_runs import LATER, RENAMED, as_of_today, weights_of_today
from mtl_cli.evaluate import evaluate
from mtl_cli.report import read_words, report

WORDS = [
    "dataset=table",
    "dataset.path=people.csv",
    "dataset.split.seed=0",
    "dataset.batch_size=16",
]
WORDS += ["dataset.targets={income: regression, happy: binary}", "tasks.income.standardize=false"]
WORDS += ["dataset.reference=0", "arch=mmoe", "weighting=uw", "trainer=default", "optimizer=adam"]
WORDS += ["scheduler=plateau", "trainer.max_epochs=2", "arch.num_experts=2", "encoder.hidden=[3]"]
KEPT = sorted(Path(__file__).parent.parent.joinpath("kept").iterdir())


@pytest.fixture(params=KEPT, ids=lambda path: path.name)
def kept(request, tmp_path, monkeypatch) -> Path:
    """The folder of a version, copied to where it can be written to, as the working directory."""
    folder = tmp_path / request.param.name
    shutil.copytree(request.param, folder)
    monkeypatch.chdir(folder)
    return folder


def figures(path: Path) -> dict[tuple[str, ...], float]:
    with path.open() as file:
        return {tuple(row[:-1]): float(row[-1]) for row in list(csv.reader(file))[1:]}


def test_there_are_kept_runs():
    assert len(KEPT) >= 2


def test_it_resumes_as_the_version_that_made_it_did(kept):
    mtl_cli.train(["resume=run", "trainer.max_epochs=3"])
    ours, theirs = figures(kept / "run/metrics.csv"), figures(kept / "resumed_metrics.csv")
    common = ours.keys() & theirs.keys()
    assert common == theirs.keys()
    for row in theirs:
        # Version 0.1 took the mean of its batches' means, where the labels' mean stands now.
        same = 0.05 if row[2:5:2] == ("train", "loss") else 1e-5
        assert ours[row] == pytest.approx(theirs[row], rel=same), row


def test_it_is_evaluated_and_reported_as_it_says_itself(kept, capsys):
    said = json.loads((kept / "run/summary.json").read_text())["test"]
    found = evaluate(["run=run", "split=test"])["figures"]
    for task, values in said.items():
        for metric, value in values.items():
            assert found[task][metric] == pytest.approx(value, rel=1e-5), (task, metric)
    report(*read_words(["run"]))
    assert f"{said['income']['mae']:.4f}" in capsys.readouterr().out


def test_it_predicts(kept):
    run = mtl_cli.load_run("run")
    assert len(run.predict(kept / "people.csv")["income"]) == 80


def test_it_is_compared_with_a_run_of_today_as_the_same_setting(kept):
    """And not by the version that made it."""
    mtl_cli.train(["hydra.run.dir=today", "seed=1", *WORDS])
    runs = [read_run(Path(name)) for name in ("run", "today")]
    [table] = compare(runs, read_words(["run"])[1]).tables
    assert [[run.seed for run in group.runs] for group in table.groups] == [[0, 1]]


def test_options_that_came_later_take_the_value_that_keeps_what_a_part_did():
    values = {"tasks": {"a": {"_target_": "x.A", "old": 1}, "b": {"_target_": "x.B"}}, "l": [{}]}
    found = as_of_today(values, {"": {"root": None}, "x.A": {"old": 2, "new": {"deep": 3}}})
    assert found == {
        "tasks": {"a": {"_target_": "x.A", "old": 1, "new": {"deep": 3}}, "b": {"_target_": "x.B"}},
        "l": [{}],
        "root": None,
    }


@pytest.mark.parametrize("name", [name for name in LATER if name])
def test_options_that_came_later_are_options_of_the_part(name):
    part = get_class(name)
    known = set(inspect.signature(part).parameters)
    for kind in getattr(part, "shared", {}).values():
        known |= set(options_of(kind))
    assert LATER[name].keys() <= known


def test_the_weights_of_tasks_did_not_fall():
    old = {"tasks": {"a": {"_target_": "mtl_cli.task.binary.Binary", "weight": 2.0}}}
    assert as_of_today(old)["tasks"]["a"]["weight_decay"] == 1.0


@pytest.mark.parametrize("old", RENAMED)
def test_a_class_is_found_by_the_name_that_it_had(old):
    assert as_of_today({"a": [{"_target_": old, "b": 1}]}, {}) == {
        "a": [{"_target_": RENAMED[old], "b": 1}]
    }
    assert get_class(RENAMED[old])
    with pytest.raises(ImportError):
        get_class(old)


@pytest.mark.parametrize("text", ["x", 3, None, [], ["x"]])
def test_what_is_no_configuration_stays_as_it_is(text):
    assert as_of_today(text) == text


def test_parameters_are_found_by_the_names_that_they_had():
    weights = {"heads.a.weight": 1, "arch.trunk.stages.0.weight": 2, "arch.trunks.x": 3}
    renamed = {"arch.trunk": "arch.encoder", "arch.trunk.stages.0": "arch.first", "heads": "top"}
    assert weights_of_today(weights, renamed) == {
        "top.a.weight": 1,
        "arch.first.weight": 2,
        "arch.trunks.x": 3,
    }
    assert weights_of_today(weights) == weights
