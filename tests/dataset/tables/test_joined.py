"""Columns of another file stand beside each row as pandas' left join puts them, ever after."""

import json
import logging

import numpy as np
import pandas
import pytest
from omegaconf import OmegaConf

import mtl_cli
from mtl_cli.basis.batch import Fields
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.places import CONF
from mtl_cli.dataset.files.held import held
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.dataset.table import Table
from mtl_cli.disk.older_datasets import state_of_today

DEFAULTS = OmegaConf.to_container(OmegaConf.load(CONF / "dataset" / "table.yaml").dataset)
DEFAULTS.pop("_target_")
DEFAULTS["split"] |= {"seed": 0, "val": 0, "test": 0}
COLUMNS = {"genres": {"type": "list"}, "title": {"type": "drop"}}
N = 60


def films() -> pandas.DataFrame:
    genres = ["Action|Comedy", "Drama", "Comedy", None, "Action", "Drama|Action"]
    frame = pandas.DataFrame({"film": range(1, 7), "genres": genres, "length": [90.5, *range(5)]})
    return frame.assign(title="a film").iloc[::-1]


def ratings() -> pandas.DataFrame:
    draw = np.random.default_rng(0)
    frame = pandas.DataFrame({"film": draw.integers(1, 8, N), "user": draw.integers(0, 4, N)})
    return frame.assign(rating=draw.integers(1, 6, N).astype(float))  # nobody knows film 7


def write(folder, name, frame) -> str:
    path = folder / name
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return str(path)


def make(path, join=None, **options) -> Table:
    options = {"targets": {"rating": "regression"}, "columns": COLUMNS, "min_count": 1} | options
    return Table.of(**DEFAULTS | options | {"path": str(path), "join": join})


def through_json(reader) -> TableReader:
    return TableReader.from_state(json.loads(json.dumps(reader.state(), allow_nan=False)))


def content(rows) -> list:
    assert isinstance(rows, Fields)
    found = [rows.numbers.tolist(), rows.codes.tolist()]
    return [*found, *([own.indices.tolist(), own.offsets.tolist()] for own in rows.lists)]


@pytest.mark.parametrize("name", ["films.csv", "films.tsv", "films.parquet"])
@pytest.mark.parametrize("main", ["ratings.csv", "ratings.parquet"])
def test_a_join_is_a_left_join_in_training_and_ever_after(tmp_path, name, main):
    merged = (
        ratings().astype({"film": str}).merge(films().astype({"film": str}), how="left", on="film")
    )
    plain = make(write(tmp_path, "merged.parquet", merged))
    path = write(tmp_path, main, ratings())
    own = make(path, {"film": write(tmp_path, name, films())})
    assert [c.name for c in own.reader.columns] == [c.name for c in plain.reader.columns]
    expected = content(plain.splits["train"].inputs["row"])
    assert content(own.splits["train"].inputs["row"]) == expected
    lacking = (ratings().film == 7).sum()
    said = f"joined      {name} gives genres, length, title by film, and lacks {lacking} of {N}"
    assert said in own.notes
    reader = through_json(own.reader)
    batches = reader.read(tmp_path / main, "row", N, ["rating"])
    assert [content(batch.inputs["row"]) for batch in batches] == [expected]
    new = write(tmp_path, "new.csv", ratings()[["film", "user"]].iloc[:9])
    (few,) = reader.read(tmp_path / "new.csv", "row", N)
    (alike,) = plain.reader.read(
        tmp_path / write(tmp_path, "alike.csv", merged.drop(columns="rating").iloc[:9]), "row", N
    )
    assert content(few.inputs["row"]) == content(alike.inputs["row"])
    assert new.endswith(few.names["file"][0])


def test_values_are_one_however_they_are_written(tmp_path):
    rows = "film,y\n5,1\n5.0,2\n 5,3\n05,4\n,5\n"
    (tmp_path / "rows.csv").write_text(rows)
    (tmp_path / "films.csv").write_text('film,length\n"5",90\n?,10\n05,30\n')
    own = make(
        tmp_path / "rows.csv",
        {"film": str(tmp_path / "films.csv")},
        columns=None,
        targets={"y": "regression"},
    )
    length = own.splits["train"].inputs["row"].numbers[:, 0]
    assert len(set(length[:3].tolist())) == 1
    assert length[3] < length[0]
    assert own.splits["train"].inputs["row"].numbers[4, 1] == 1  # missing


def test_files_and_columns_that_cannot_be_joined_are_refused(tmp_path):
    path = write(tmp_path, "ratings.csv", ratings())
    twice = write(tmp_path, "twice.csv", pandas.concat([films(), films()]))
    with pytest.raises(Problem, match=r"one row for each film.*\n.*'6' in row 1 .* in row 7"):
        make(path, {"film": twice})
    both = write(tmp_path, "both.csv", films().assign(user=1))
    with pytest.raises(Problem, match=r"dataset\.join\.film .*\n.*user in both"):
        make(path, {"film": both})
    with pytest.raises(Problem, match=r"dataset\.join\.movie .*there: film"):
        make(path, {"movie": both})
    with pytest.raises(Problem, match=r"dataset\.join\.film=.*both\.csv"):
        make(path, {"film": str(tmp_path / "bot.csv")})
    (tmp_path / "broken.csv").write_text("film,length\n1,2,3\n2,3\n")
    with pytest.raises(Problem, match=r"broken\.csv[^$]*dataset\.on_bad_row=skip"):
        make(path, {"film": str(tmp_path / "broken.csv")})
    with pytest.raises(Problem, match=r"dataset\.join is \{column: path\}"):
        make(path, ["film"])


def test_a_file_that_changed_is_said_and_one_that_is_gone_is_refused(tmp_path, caplog):
    path = write(tmp_path, "ratings.csv", ratings())
    other = write(tmp_path, "films.csv", films())
    reader = through_json(make(path, {"film": other}).reader)
    write(tmp_path, "films.csv", films().assign(length=1.0))
    with caplog.at_level(logging.WARNING):
        list(reader.read(tmp_path / "ratings.csv", "row", N))
    assert "films.csv is not as in training" in caplog.text
    (tmp_path / "films.csv").unlink()
    with pytest.raises(Problem, match=r"must still be there: it gives genres, .* by film"):
        list(reader.read(tmp_path / "ratings.csv", "row", N))


def test_one_file_may_be_joined_by_what_another_gave(tmp_path):
    path = write(tmp_path, "ratings.csv", ratings())
    makers = pandas.DataFrame({"maker": ["a", "b"], "size": [3.5, 8.25]})
    joins = {
        "film": write(tmp_path, "films.csv", films().assign(maker=list("abbaab"))),
        "maker": write(tmp_path, "makers.csv", makers),
    }
    own = make(path, joins)
    (batch,) = through_json(own.reader).read(tmp_path / "ratings.csv", "row", N)
    assert content(batch.inputs["row"]) == content(own.splits["train"].inputs["row"])
    assert "size" in [column.name for column in own.reader.columns]


def test_frames_are_joined_and_a_run_of_before_knows_no_join(tmp_path):
    words = ["dataset=table", "dataset.path=memory:ratings", "dataset.join.film=memory:films"]
    words += ["dataset.targets={rating: regression}", "dataset.columns.genres={type: list}"]
    words += [f"hydra.run.dir={tmp_path}/run", "trainer.max_steps=2", "dataset.reference=0"]
    mtl_cli.train(words, {"ratings": ratings(), "films": films()})
    run = mtl_cli.load_run(tmp_path / "run")
    with pytest.raises(Problem, match="must be handed over too: it gives genres"):
        run.predict(ratings())
    with held({"films": films()}):
        assert len(run.predict(ratings())) == N
    before = make(write(tmp_path, "ratings.csv", ratings()), columns=None).reader.state()
    del before["joins"]
    state = state_of_today("mtl_cli.dataset.readers.table.TableReader", before)
    assert TableReader.from_state(state).joins == []
