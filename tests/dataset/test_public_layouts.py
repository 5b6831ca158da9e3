"""Experiments on public data read its layout, train, and say where people get what is missing."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Row
from mtl_cli.command_line.cli import compose_run
from mtl_cli.command_line.places import CONF
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.build import build

N = 200
ASSAYS = ["NR-AR", "NR-AR-LBD", "NR-AhR", "NR-Aromatase", "NR-ER", "NR-ER-LBD", "NR-PPAR-gamma"]
ASSAYS += ["SR-ARE", "SR-ATAD5", "SR-HSE", "SR-MMP", "SR-p53"]


def movielens(folder: Path) -> None:
    draw = np.random.default_rng(0)
    data = {"userId": draw.integers(1, 9, N), "movieId": draw.integers(1, 30, N)}
    data |= {"rating": draw.integers(1, 11, N) / 2, "timestamp": 964_982_703 + np.arange(N)}
    films = {"movieId": range(1, 30), "title": [f"Film, The ({i})" for i in range(1, 30)]}
    films["genres"] = [["Action|Comedy", "Drama", "(no genres listed)"][i % 3] for i in range(29)]
    (folder / "movielens").mkdir()
    pandas.DataFrame(data).to_csv(folder / "movielens/ratings.csv", index=False)
    pandas.DataFrame(films).to_csv(folder / "movielens/movies.csv", index=False)


def ali_express(folder: Path) -> None:
    (folder / "AliExpress_NL").mkdir()
    for seed, name in enumerate(["train.csv", "test.csv"]):
        draw = np.random.default_rng(seed)
        data = {"search_id": draw.integers(0, 40, N)}
        data |= {f"categorical_{i}": draw.integers(0, 5, N) for i in range(1, 17)}
        data |= {f"numerical_{i}": draw.random(N).round(6) for i in range(1, 64)}
        data["click"] = draw.integers(0, 2, N)
        data["conversion"] = data["click"] * draw.integers(0, 2, N)
        pandas.DataFrame(data).to_csv(folder / "AliExpress_NL" / name, index=False)


def tox21(folder: Path) -> None:
    draw = np.random.default_rng(0)
    data = {name: draw.choice(["0", "1", ""], N) for name in ASSAYS}
    data["mol_id"] = [f"TOX{i}" for i in range(N)]
    data["smiles"] = ["".join(draw.choice(list("CNOc1(=)"), 12)) for _ in range(N)]
    (folder / "extras/tox21").mkdir(parents=True)
    pandas.DataFrame(data).to_csv(folder / "extras/tox21/tox21.csv.gz", index=False)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MTL_DATA", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("layout", [movielens, ali_express, tox21])
def test_an_experiment_trains_on_its_layout(folder, layout):
    layout(folder)
    words = [f"experiment={layout.__name__}", f"hydra.run.dir={folder}/run", "trainer.max_steps=2"]
    words += ["pictures={curves: false, metrics: false}", "device=cpu"]
    words += ["dataset.vectorizer.min_df=1"] if layout is tox21 else ["dataset.batch_size=32"]
    summary = mtl_cli.train(words)
    assert summary["steps"] == 2, summary


def test_films_have_genres_and_the_last_ratings_are_test(folder):
    movielens(folder)
    cfg, _ = compose_run("train", ["experiment=movielens", "dataset.min_count=1"])
    data = build(cfg, RunFolder(folder / "run"), torch.device("cpu")).dataset
    spec = data.inputs["row"]
    assert isinstance(spec, Row)
    assert spec.lists == (5,)  # unknown, Action, Comedy, Drama, (no genres listed)
    ratings = pandas.read_csv(folder / "movielens/ratings.csv")
    liked = np.sort(ratings.rating[-20:]) >= 4
    assert np.array_equal(np.sort(data.targets("test")["liked"].numpy()), liked)
    assert np.allclose(data.targets("test")["rating"], ratings.rating[-20:])


def test_ali_express_has_16_categories_and_63_numbers(folder):
    ali_express(folder)
    cfg, _ = compose_run("train", ["experiment=ali_express"])
    spec = build(cfg, RunFolder(folder / "run"), torch.device("cpu")).dataset.inputs["row"]
    assert isinstance(spec, Row)
    assert (len(spec.categories), spec.numbers) == (16, 63)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("movielens", ["movielens/ratings.csv", "movielens/movies.csv"]),
        ("ali_express", ["AliExpress_NL/train.csv", "AliExpress_NL/test.csv"]),
    ],
)
def test_a_missing_file_is_told_with_its_folder_and_where_people_get_it(folder, name, files):
    {"movielens": movielens, "ali_express": ali_express}[name](folder)
    origin = {"movielens": "grouplens.org", "ali_express": "tianchi.aliyun.com"}[name]
    text = (CONF / "experiment" / f"{name}.yaml").read_text(encoding="utf-8")
    for file in reversed(files):
        assert Path(file).name in text
        (folder / file).rename(folder / "elsewhere")
        with pytest.raises(Problem) as error:
            mtl_cli.train([f"experiment={name}", f"hydra.run.dir={folder}/{Path(file).stem}"])
        assert str(folder / file) in error.value.found
        assert origin in error.value.fix
        (folder / "elsewhere").rename(folder / file)
