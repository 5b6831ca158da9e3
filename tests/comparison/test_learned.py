"""A task that its first metric and its loss call unlearned, and another metric does not."""

import re
import shlex

import pytest

from mtl_cli.command_line.cli import compose_run
from mtl_cli.comparison.answers import answers
from mtl_cli.comparison.compare import compare
from mtl_cli.comparison.remarks import remarks
from mtl_cli.comparison.saved_run import read_run

ORDER = ("accuracy", "f1", "auroc")
FLOOR = {"y": {"accuracy": 0.9, "f1": 0.9, "auroc": 0.5, "loss": 0.3}, "z": {"mse": 9.0}}
FLOOR["z"]["loss"] = 9.0


@pytest.fixture
def study(leave, edit, tmp_path, options):
    """Seeds of both sides, on rare positives: no accuracy above the floor's, but an order."""

    def make(auroc=0.75, **wishes):
        paths, known = [], {m: {"higher_is_better": True} for m in ORDER}
        for arch in ("single_task", "hps"):
            for seed in range(5):
                wave = 0.01 * (-1) ** seed
                own = {"accuracy": 0.9 - abs(wave), "f1": 0.2, "auroc": auroc + wave, "loss": 0.3}
                figures = {"y": own, "z": {"mse": 1.0 + wave, "loss": 1.0 + wave}}
                metrics = {"y": known, "z": {"mse": {"higher_is_better": False}}}
                said = {"floor": FLOOR, "floor_split": "test", "metrics": metrics}
                folder = tmp_path / str(auroc) / f"{arch}{seed}"
                paths += [folder if folder.exists() else leave(folder, figures, arch, seed)]
                edit(folder, said)
        return compare([read_run(path) for path in paths], options(**wishes))

    return make


def test_another_metric_above_the_floor_is_said_and_how_it_counts(study) -> None:
    comparison = study()
    assert "neither side learned y" in answers(comparison)[0]  # the rule stays as it is
    [note] = [own for own in remarks(comparison) if "not learned" in own]
    assert note == (
        "arch=hps: y counts as not learned, by accuracy and loss, though its auroc is better than "
        "the floor's on all 5 seeds. To judge by that: mtl-report <folder> metric=auroc; to put it "
        "first when training: '~tasks.y.metrics.accuracy' '~tasks.y.metrics.f1'"
    )
    judged = study(metric="auroc")
    assert "neither side learned" not in answers(judged)[0]
    assert not [own for own in remarks(judged) if "not learned" in own]


def test_where_no_metric_beats_the_floor_nothing_is_said(study) -> None:
    assert not [own for own in remarks(study(auroc=0.5)) if "not learned" in own]


def test_the_words_that_it_says_put_the_metric_first(study, tmp_path) -> None:
    [note] = [own for own in remarks(study()) if "not learned" in own]
    words = shlex.split(re.split("when training: ", note)[1])
    (tmp_path / "rows.csv").write_text("a,y\n1,0\n2,1\n")
    table = ["dataset=table", f"dataset.path={tmp_path}/rows.csv", "dataset.targets={y: binary}"]
    place = f"hydra.run.dir={tmp_path}/run"
    assert next(iter(compose_run("train", [place, *table])[0].tasks.y.metrics)) == "accuracy"
    assert next(iter(compose_run("train", [place, *table, *words])[0].tasks.y.metrics)) == "auroc"
