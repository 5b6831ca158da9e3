"""A mistyped command line is answered with one that works, however many words of it are wrong."""

import shlex
import sys
from pathlib import Path

import pytest

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.command_line.kind_in_file import kind_in_file

TABLE = "height,ill,age,group\n" + "".join(
    f"{n}.5,{n % 2 == 0},{n * 1.25},{'abc'[n % 3]}\n" for n in range(30)
)
FILE = "dataset.path=my.csv"
BOTH = "dataset.targets={ill: binary, age: regression}"


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my.csv").write_text(TABLE, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("target=ill", f"dataset=table dataset.targets={{ill:binary}} {FILE}"),
        ("path=my.csv targets=ill", f"dataset=table {FILE} dataset.targets={{ill:binary}}"),
        ("path=my.csv targets=age lr=0.1 epochs=3", "optimizer.lr=0.1 trainer.max_epochs=3"),
        (f"dataset=table {FILE} dataset.targets=gruop", "dataset.targets={group:multiclass}"),
        (f"dataset=table {FILE} 'dataset.targets=[ill,age]'", "{ill:binary,age:regression}"),
        (f"dataset=table {FILE} 'dataset.targets={{ill=binary}}'", "{ill:binary}"),
        (f"dataset=table {FILE} 'targets={{ill=binary}}' epoch=2", "{ill: binary}"),
        (f"dataset=table {FILE} 'dataset.targets={{ill: binary, age: regression'", BOTH),
        (f"dataset=table {FILE} {BOTH} seed=1", BOTH),  # without quotes: a shell cuts at blanks
        (
            f"dataset=table {FILE} dataset.targets=ill:binary dataset.targets=age:regression",
            BOTH,
        ),
        ("path=my.csv targets=ill,age", f"{FILE} dataset.targets={{ill:binary,age:regression}}"),
        ("dataset=my.csv targets=age lr=1", "{age:regression} optimizer.lr=1"),
        ("my.csv targets=age", f"dataset=table {FILE} dataset.targets={{age:regression}}"),
        ("seed=0,1,2", "--multirun seed=0,1,2"),
        ("seed=0,1 arch=mmo", "--multirun seed=0,1 arch=mmoe"),
        ("mmoe seed=1", "arch=mmoe seed=1"),
        (
            f"dataset=table {FILE} '{BOTH}' 'dataset.split={{test: 0,3}}'",
            "dataset.split={test: 0.3}",
        ),
        (f"dataset=table dataset.path=my own.csv '{BOTH}'", 'dataset.path="my own.csv"'),
        (f"dataset=table '{BOTH}' dataset.path=my own '(1).csv'", 'dataset.path="my own (1).csv"'),
        (f"dataset=table '{BOTH}' dataset.path=my ow.csv", 'dataset.path="my ow.csv"'),
        (
            f"dataset=table {FILE} '{BOTH}' seed=1 "
            "'dataset.targets={group: {kind: multiclass}}'",
            "dataset.targets={ill:binary,age:regression,group:{kind:multiclass}} seed=1",
        ),
        (f"dataset=table {FILE} '{BOTH}' tasks.ill.loss=null", "tasks.ill.loss=none"),
        (
            f"dataset=table {FILE} '{BOTH}' embedding.optimizer=sgd",
            "embedding.optimizer=rowwise_adagrad",
        ),
        (f"dataset=table {FILE} '{BOTH}' embedding=16", "embedding.width=16"),
        (f"dataset=table {FILE} '{BOTH}' embedding.dim=8 seed=x", "embedding.width=8 seed=0"),
        ("arch=mmo optimizer.lr=abc weightin=uw", "arch=mmoe optimizer.lr=0.001 weighting=uw"),
    ],
)
def test_the_line_that_is_offered_has_all_mended(here, monkeypatch, capsys, typed, offered):
    monkeypatch.setattr(sys, "argv", ["mtl-train", *shlex.split(typed)])
    for name in ("my own.csv", "my own (1).csv") if "=my o" in typed else ():
        (here / name).write_text(TABLE, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        mtl_cli.train.main()
    assert end.value.code == 1
    fix = capsys.readouterr().err.partition("try:   ")[2].strip()
    words = shlex.split(fix)
    if words[0] != "mtl-train":  # one word alone was wrong
        key = words[0].partition("=")[0]
        kept = [word for word in shlex.split(typed) if word.partition("=")[0] != key]
        words = ["mtl-train", *kept, words[0]]
    assert " ".join(words).endswith(offered) or offered in " ".join(words)
    single = [w.replace("seed=0,1,2", "seed=0").replace("seed=0,1", "seed=0") for w in words[1:]]
    cfg = compose("train", [word for word in single if word != "--multirun"])
    assert job_config(cfg, cfg.hydra).tasks


def test_a_decimal_comma_is_answered_with_a_point_too(here):
    with pytest.raises(Problem) as error:
        compose("train", ["optimizer.lr=0,01"])
    assert error.value.fix.endswith("; or optimizer.lr=0.01, where it is one number")


SWEPT = "is several values, each for a run of its own"
NO_TRANER = "traner.max_epochs must be an option of the configuration"


@pytest.mark.parametrize("seeds", ["seed=1,2,3", "seed=1,2", "seed=range(2)", "'seed=choice(1,2)'"])
@pytest.mark.parametrize("study", ["study=baselines", "study=folds"])
def test_a_mistake_beside_the_seeds_of_a_study_is_told_as_without_them(
    here, monkeypatch, capsys, seeds, study
):
    words = [study, *shlex.split(seeds), "arch=mmoe", "traner.max_epochs=2"]
    mended = shlex.join(["mtl-train", *words[:3], "trainer.max_epochs=2"])
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    with pytest.raises(SystemExit):
        mtl_cli.train.main()
    said = f"error: {NO_TRANER}.\n  found: no traner there\n  try:   {mended}\n"
    assert capsys.readouterr().err == said


def test_of_several_mistakes_beside_the_seeds_of_a_study_all_are_mended(here, monkeypatch, capsys):
    words = ["study=baselines", "seed=1,2", "arch=mmo", "traner.max_epochs=2", "optimizer.lr=abc"]
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    with pytest.raises(SystemExit):
        mtl_cli.train.main()
    said = capsys.readouterr().err
    assert said.endswith(
        f"mmo; and {NO_TRANER}; and optimizer.lr must be a number, by default 0.001\n  try:   "
        "mtl-train study=baselines seed=1,2 arch=mmoe trainer.max_epochs=2 optimizer.lr=0.001\n"
    )


@pytest.mark.parametrize(
    ("swept", "way"),
    [
        ("seed=1,2", "; or seed=1.2, where it is one number"),
        ("seed=1,2,3", ""),
        ("'seed=range(2)'", ""),
        ("diagnostic=conflict,gates", ""),  # its other way is a line with the same mistake
    ],
)
def test_a_mistake_beside_a_sweep_is_mended_where_another_way_is_offered(
    here, monkeypatch, capsys, swept, way
):
    monkeypatch.setattr(sys, "argv", ["mtl-train", *shlex.split(swept), "traner.max_epochs=2"])
    with pytest.raises(SystemExit):
        mtl_cli.train.main()
    [word] = shlex.split(swept)
    assert capsys.readouterr().err == (
        f"error: {word} {SWEPT}.\n  found: {word}; and {NO_TRANER}\n"
        f"  try:   mtl-train --multirun {swept} trainer.max_epochs=2{way}\n"
    )


def test_a_kind_is_what_the_column_looks_like(here):
    kinds = {name: kind_in_file("my.csv", name) for name in ("height", "ill", "age", "group", "x")}
    assert kinds == {
        "height": "regression",
        "ill": "binary",
        "age": "regression",
        "group": "multiclass",
        "x": "KIND",
    }
    assert kind_in_file("nowhere.csv", "x") == "KIND"


def test_true_and_false_are_offered_as_binary(here, monkeypatch, capsys):
    words = ["dataset=table", FILE, "dataset.targets={ill: regression}", "trainer.max_epochs=1"]
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    with pytest.raises(SystemExit):
        mtl_cli.train.main()
    assert "try:   dataset.targets.ill=binary" in capsys.readouterr().err
