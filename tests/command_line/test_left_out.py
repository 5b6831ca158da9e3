"""What a command line leaves out is gone: parts, and tasks with their targets."""

from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose_run
from mtl_cli.command_line.words import as_typed, begins_as, for_hydra, with_choices
from mtl_cli.run.build import make_dataset

TABLE = ["dataset=table", "dataset.split={val: 4, test: 4}"]
BUY = "{kind: binary, where: click, weight: price}"
BOTH = f"dataset.targets={{click: binary, buy: {BUY}, seen: count}}"


def composed(folder: Path, *words: str) -> Any:
    cfg, _ = compose_run("train", [f"hydra.run.dir={folder / 'run'}", *words])
    return cfg


def table(folder: Path, **more: list[Any]) -> str:
    columns = {"x": range(40), "click": [0, 1, 1, 0] * 10, "buy": [0, 1, 0, 0] * 10}
    columns |= {"price": [1, 2] * 20, "seen": [1, 2, 3, 4] * 10, **more}
    rows = zip(*columns.values(), strict=True)
    lines = [",".join(columns), *(",".join(map(str, row)) for row in rows)]
    (folder / "t.csv").write_text("\n".join(lines))
    return f"dataset.path={folder / 't.csv'}"


@pytest.mark.parametrize(
    ("group", "word"), [("embedding", "null"), ("embedding", "none"), ("study", "null")]
)
def test_a_part_that_may_be_gone_is_left_out(group: str, word: str, tmp_path: Path) -> None:
    cfg = composed(tmp_path, f"{group}={word}")
    assert cfg.get(group) is None
    plain = composed(tmp_path, f"~{group}")
    assert OmegaConf.to_container(cfg) == OmegaConf.to_container(plain)
    assert begins_as([f"~{group}"], [f"{group}={word}"])


def test_a_choice_of_that_name_stays_one(tmp_path: Path) -> None:
    assert with_choices(["scheduler=none", "arch=null"]) == ["scheduler=none", "arch=null"]
    (tmp_path / "conf/logger").mkdir(parents=True)
    (tmp_path / "conf/logger/none.yaml").write_text("_target_: x.Y\n")
    words = [f"--config-dir={tmp_path / 'conf'}", "logger=none"]
    assert with_choices(words) == words


def test_a_task_goes_with_its_target(tmp_path: Path) -> None:
    words = [*TABLE, table(tmp_path), BOTH, "tasks.click=ranking"]
    cfg = composed(tmp_path, *words, "~tasks.buy")
    assert set(cfg.tasks) == set(cfg.dataset.targets) == {"click", "seen"}
    whole = make_dataset(composed(tmp_path, *words))
    kept = make_dataset(cfg)
    assert set(kept.tasks) == {"click", "seen"}
    columns = [[own.name for own in d.reader.columns] for d in (whole, kept)]  # type: ignore
    assert columns == [["x"], ["x"]]  # what was bought tells what was clicked


def test_what_the_user_says_of_its_column_counts(tmp_path: Path) -> None:
    said = ["~tasks.buy", "~tasks.seen", "dataset.columns={seen: {type: number}}"]
    cfg = composed(tmp_path, *TABLE, table(tmp_path), BOTH, *said)
    assert cfg.dataset.not_inputs == ["buy", "price"]
    assert {own.name for own in make_dataset(cfg).reader.columns} == {"x", "seen"}  # type: ignore


def test_a_sample_space_goes_with_the_last_target_that_has_it(tmp_path: Path) -> None:
    targets = "dataset.targets={seen: count, buy: {kind: binary, where: click, column: b}}"
    cfg = composed(tmp_path, *TABLE, targets, "~tasks.buy")
    assert cfg.dataset.not_inputs == ["b", "click"]


def test_labels_of_texts_go_too(tmp_path: Path) -> None:
    cfg = composed(tmp_path, "dataset=reviews", "~tasks.yelp")
    assert (list(cfg.tasks), list(cfg.dataset.targets)) == (["movie"], ["movie"])
    assert list(cfg.dataset.sources) == ["movie"]
    sources = "dataset.sources={films: {path: x.csv, labels: {stars: s, good: g}}}"
    targets = "dataset.targets={stars: regression, good: binary}"
    cfg = composed(tmp_path, "dataset=text", sources, targets, "~tasks.good")
    assert cfg.dataset.sources.films.labels == {"stars": "s"}


def test_of_many_targets_one_may_go(tmp_path: Path) -> None:
    targets = ", ".join(f"t{i}: regression" for i in range(30))
    cfg = composed(tmp_path, "dataset=table", f"dataset.targets={{{targets}}}", "~tasks.t7")
    assert len(cfg.tasks) == 29
    assert "t7" not in cfg.tasks


@pytest.mark.parametrize("left_out", ["~tasks.seen", "~tasks.buy"])
def test_a_job_of_a_sweep_is_known_by_what_was_typed(left_out: str) -> None:
    typed = ["dataset=table", BOTH, left_out, "embedding=null", "seed=0"]
    ready = for_hydra(typed)
    assert sorted(as_typed(ready, typed)) == sorted(typed)
    assert begins_as(ready, typed)
    assert not begins_as(ready, [*typed[:2], "~tasks.click", *typed[3:]])


CONSTANT = {
    "regression": [1.5] * 40,
    "binary": ["yes"] * 40,
    "multiclass": [f"word {i}" for i in range(40)],
}


@pytest.mark.parametrize("kind", CONSTANT)
def test_the_words_that_leave_out_a_target_work(kind: str, tmp_path: Path) -> None:
    path = table(tmp_path, odd=CONSTANT[kind])
    words = [*TABLE, path, f"dataset.targets={{click: binary, odd: {kind}}}"]
    with pytest.raises(Problem) as error:
        make_dataset(composed(tmp_path, *words))
    assert error.value.fix == "'~tasks.odd'"
    assert set(make_dataset(composed(tmp_path, *words, "~tasks.odd")).tasks) == {"click"}
