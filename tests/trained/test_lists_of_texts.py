"""Texts that Python holds: predicted as their file is, and refused where an example is more."""

from pathlib import Path

import pandas as pd
import pytest

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.trained.loaded_run import LoadedRun

NEW = ["leather sole", "late and broken", ""]
QUICK = ["trainer=smoke", "pictures.curves=false", "encoder.hidden=[4]"]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("shop")
    texts = ["warm leather", "broken sole", "late", "lovely and warm"] * 10
    good = [int("warm" in text) for text in texts]
    rows = pd.DataFrame({"price": range(40), "review": texts, "good": good})
    rows.to_csv(place / "shop.csv", index=False)
    return place / "shop.csv"


@pytest.fixture(scope="module")
def of_texts(shop: Path) -> LoadedRun:
    source = f"{{path: {shop}, text: review, labels: {{shop: good}}}}"
    words = [
        "dataset=text",
        f"dataset.sources={{shop: {source}}}",
        "dataset.targets={shop: binary}",
    ]
    mtl_cli.train([f"hydra.run.dir={shop.parent / 'texts'}", *words, *QUICK])
    return mtl_cli.load_run(shop.parent / "texts")


def test_texts_in_a_list_or_a_frame_are_predicted_as_those_of_a_file(
    of_texts: LoadedRun, tmp_path: Path
) -> None:
    frame = pd.DataFrame({"review": NEW}, index=[7, 8, 9])
    frame.to_csv(tmp_path / "new.csv", index=False)
    expected = of_texts.predict(tmp_path / "new.csv").drop(columns="file")
    pd.testing.assert_frame_equal(of_texts.predict(NEW), expected)
    pd.testing.assert_frame_equal(of_texts.predict([*NEW[:2], None]), expected)
    pd.testing.assert_frame_equal(of_texts.predict(frame), expected.set_index(frame.index))


def test_a_list_of_texts_is_no_rows_of_a_table(shop: Path) -> None:
    words = ["dataset=table", f"dataset.path={shop}", "dataset.targets={good: binary}"]
    words += ["dataset.columns={review: {type: text}}", "dataset.reference=0"]
    mtl_cli.train([f"hydra.run.dir={shop.parent / 'table'}", *words, *QUICK])
    run = mtl_cli.load_run(shop.parent / "table")
    said = r"columns that the model reads: price, review(?s:.*)a list of texts, as 'leather sole'"
    with pytest.raises(Problem, match=said) as wrong:
        run.predict(NEW)
    assert wrong.value.fix == "pandas.DataFrame({'price': [...], 'review': [...]})"
    assert len(run.predict([{"price": 1, "review": text} for text in NEW])) == len(NEW)
