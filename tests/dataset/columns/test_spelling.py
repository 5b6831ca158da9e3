"""Names that differ in capitals alone."""

import pandas
import pytest

from mtl_cli import load_run, train
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.columns.label_checks import check_kind
from mtl_cli.dataset.columns.part_hint import part_hint
from mtl_cli.dataset.columns.spelling import remark_on, spelled_alike
from mtl_cli.dataset.columns.vocabulary import Vocabulary


def test_names_are_alike_where_capitals_and_spaces_alone_differ():
    names = ["Shoe", "shoe", "bag", "T shirt", "T Shirt", "t-shirt"]
    assert spelled_alike(names) == [["Shoe", "shoe"], ["T shirt", "T Shirt"]]
    assert spelled_alike(["a", "b"]) == []


def test_a_remark_has_the_map_where_it_is_short():
    said = remark_on("kind", ["Shoe", "bag", "shoe"])
    assert said == (
        "kind: 'Shoe' and 'shoe' count as classes of their own; "
        "map: {'Shoe': 'Shoe', 'bag': 'bag', 'shoe': 'Shoe'} in dataset.targets.kind makes them one"
    )
    assert "one spelling in the file" in str(remark_on("kind", [*"abcdefghijkl", "A"]))
    assert remark_on("kind", ["Shoe", "bag"]) is None


def test_a_column_says_it_too():
    about = Vocabulary(["North", "north", "south"], None).about(["North", "north", "south"])
    assert about.endswith("; 'North' and 'north' count as categories of their own")


def test_the_map_of_the_remark_makes_them_one(tmp_path, capfd):
    kinds = ["Shoe", "shoe", "bag", "hat"] * 10
    pandas.DataFrame({"x": range(40), "kind": kinds}).to_csv(tmp_path / "rows.csv", index=False)
    words = ["dataset=table", f"dataset.path={tmp_path}/rows.csv", "trainer.max_epochs=1"]
    words += [f"runs={tmp_path}/runs", "encoder.hidden=[4]"]
    train([*words, "dataset.targets={kind: multiclass}"])
    (said,) = [line for line in capfd.readouterr().out.splitlines() if "of their own" in line]
    given = said[said.index("map:") : said.index(" in dataset.targets")]
    train([*words, f"dataset.targets={{kind: {{kind: multiclass, {given}}}}}", "name=mapped"])
    assert "of their own" not in capfd.readouterr().out
    run = load_run(next((tmp_path / "runs").glob("*/*_mapped")))
    assert run.tasks["kind"].num_classes == 3


def test_two_labels_in_several_spellings_are_answered_with_their_map():
    with pytest.raises(Problem, match="must have two labels") as caught:
        check_kind("back", "binary", ["No", "Yes", "no", "yes"], 40)
    expected = "map: {'No': 'No', 'Yes': 'Yes', 'no': 'No', 'yes': 'Yes'} in dataset.targets.back"
    assert expected in str(caught.value)


def test_texts_that_nobody_said_are_shown_with_the_words_that_read_them():
    texts = ["warm and soft shoes", "broken on day one", "fine"]
    assert part_hint("note", texts).startswith("texts?")
    assert part_hint("file", ["a/1.png", "a/2.JPG", "x"]).startswith("pictures?")
    assert part_hint("code", ["a17", "b42 x", "c"]) == ""
