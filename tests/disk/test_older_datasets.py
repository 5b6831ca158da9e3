"""Options of datasets, as they once stood apart, say the same as today's."""

import pytest
from omegaconf import OmegaConf

from mtl_cli.disk.older_datasets import dataset_of_today, state_of_today
from tests.test_conf import CONF

NO_FOLDS = {"folds": None, "fold": None, "date_format": None}

TABLE = {
    "_target_": "mtl_cli.dataset.table.Table",
    "targets": {"a": "binary", "b": "regression", "c": "multilabel"},
    "target_columns": {"a": "x", "c": "lost"},
    "label_columns": {"c": ["u", "v"]},
    "label_maps": {"a": {"yes": 1, "*": 0}},
    "types": {"zip": "category"},
    "drop": ["id"],
    "split_column": "fold",
    "columns": ["a", "b"],
    "val_fraction": 0.3,
    "test_fraction": 0.4,
    "seed": None,
    "min_count": 3,
}


def test_a_table():
    assert dataset_of_today(TABLE) == {
        "_target_": "mtl_cli.dataset.table.Table",
        "targets": {
            "a": {"kind": "binary", "column": "x", "map": {"yes": 1, "*": 0}},
            "b": "regression",
            "c": {"kind": "multilabel", "columns": ["u", "v"]},
        },
        "columns": {"zip": {"type": "category"}, "id": {"type": "drop"}},
        "names": ["a", "b"],
        "split": {"by": "column", "column": "fold", "val": 0.3, "test": 0.4, "seed": None}
        | NO_FOLDS,
        "min_count": 3,
    }


def test_texts_and_their_sources():
    found = dataset_of_today(
        {
            "_target_": "mtl_cli.dataset.text.Text",
            "sources": {
                "m": {"path": "m.csv", "split_column": "fold", "columns": ["text", "label"]},
                "n": {"split_column": None, "val_fraction": 0.3},
                "o": {"path": "o.csv"},
            },
            "targets": {"m": "binary"},
            "label_maps": {"m": None},
            "split_column": None,
            "val_fraction": 0.1,
            "test_fraction": 0.2,
            "seed": 4,
            "columns": None,
        }
    )
    assert found == {
        "_target_": "mtl_cli.dataset.text.Text",
        "sources": {
            "m": {
                "path": "m.csv",
                "split": {"by": "column", "column": "fold"},
                "names": ["text", "label"],
            },
            "n": {"split": {"val": 0.3}},
            "o": {"path": "o.csv"},
        },
        "targets": {"m": "binary"},
        "split": {"by": "fraction", "column": None, "val": 0.1, "test": 0.2, "seed": 4} | NO_FOLDS,
        "names": None,
        "cache_gb": 20,
        "tokenizer": None,
        "buckets": False,
    }


def test_a_source_may_be_without_the_column_of_the_others():
    sources = {"m": {"split_column": None}, "n": {}}
    old = {"_target_": "mtl_cli.dataset.text.Text", "sources": sources, "split_column": "fold"}
    assert dataset_of_today(old)["sources"] == {
        "m": {"split": {"by": "fraction", "column": None}},
        "n": {},
    }


def test_the_made_up_reviews_are_those_of_today():
    """So that runs on them are compared."""
    node = OmegaConf.to_container(OmegaConf.load(CONF / "dataset" / "reviews.yaml"))["dataset"]
    old = dict(node) | {"split_column": None, "val_fraction": 0.1, "test_fraction": 0.2}
    old |= {"seed": None, "columns": old.pop("names"), "targets": dict.fromkeys(node["targets"])}
    old["targets"] |= {"movie": "binary", "yelp": "multiclass"}
    old["label_maps"] = {"movie": None, "yelp": node["targets"]["yelp"]["map"]}
    old["sources"] = {s: own | {"split_column": None} for s, own in node["sources"].items()}
    del old["split"]
    assert dataset_of_today(old) == node


def test_digits():
    old = {"_target_": "mtl_cli.dataset.parity_mnist.ParityMNIST", "val_fraction": 0.2, "seed": 1}
    assert dataset_of_today(old) == {
        "_target_": old["_target_"],
        "split": {"val": 0.2, "seed": 1},
    }


@pytest.mark.parametrize("name", ["table", "text", "reviews", "parity_mnist", "sincos"])
def test_what_is_of_today_stays_as_it_is(name):
    node = OmegaConf.to_container(OmegaConf.load(CONF / "dataset" / f"{name}.yaml"))["dataset"]
    assert dataset_of_today(dict(node)) == node


@pytest.mark.parametrize("option", ["types", "drop", "targets", "label_maps"])
def test_damage_is_left_to_the_dataset(option):
    dataset_of_today(TABLE | {option: None})
    dataset_of_today({"_target_": TABLE["_target_"], "types": "a", "targets": 3})


def test_a_reader_of_texts():
    target = {"name": "m", "kind": "binary", "columns": ["m"], "label_map": None}
    old = {"sources": {"m": {"text": "text", "columns": ["a"]}}, "targets": {"m": target}}
    old |= {"vectorizer": {"options": {"kind": "count"}, "vocabulary": ["a"]}}
    assert state_of_today("mtl_cli.dataset.readers.text.TextReader", old) == {
        "sources": {"m": {"text": "text", "names": ["a"]}},
        "targets": {"m": {**target, "weight": None, "where": None}},
        "vectorizer": {"options": {"analyzer": "word", "kind": "count"}, "vocabulary": ["a"]},
    }


def test_texts_were_read_by_words():
    node = OmegaConf.to_container(OmegaConf.load(CONF / "dataset" / "text.yaml"))["dataset"]
    older = node | {"vectorizer": {k: v for k, v in node["vectorizer"].items() if k != "analyzer"}}
    assert dataset_of_today(older) == node


def test_the_weights_of_a_table_were_those_of_all_targets():
    target = {"name": "m", "kind": "binary", "columns": ["m"], "label_map": None}
    old = {"numbers": [{"name": "x"}], "categories": [{"name": "y"}], "options": {"columns": None}}
    old |= {"targets": {"m": target}, "weight_column": "w"}
    found = state_of_today("mtl_cli.dataset.readers.table.TableReader", old)
    plain = {"decimal": ".", "thousands": None}
    assert found == {
        "columns": [{"type": "number", "name": "x", **plain}, {"type": "category", "name": "y"}],
        "writing": plain,
        "options": {"names": None},
        "targets": {"m": {**target, "weight": "w", "where": None}},
        "group_columns": [],
        "joins": [],
    }
    assert state_of_today("mtl_cli.dataset.readers.table.TableReader", found) == found
