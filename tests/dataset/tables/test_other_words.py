"""What other tools call types and options is answered with a column as it is said here."""

import shlex

import numpy as np
import pyarrow
import pytest
import yaml

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.tables.inference import USUAL, Inference
from mtl_cli.dataset.tables.types import check_said

CATEGORY, LIST = {"type": "category"}, {"type": "list"}


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("category", CATEGORY),
        (None, CATEGORY),
        ({"hash": 100}, CATEGORY | {"hash": 100}),
        ({"vocabulary_of": "item"}, CATEGORY | {"vocabulary_of": "item"}),
        ({"type": "number", "hash": 100}, CATEGORY | {"hash": 100}),
        ({"type": "category", "pool": "sum"}, LIST | {"pool": "sum"}),
        (
            {"type": "id_feature", "hash_bucket_size": 9, "embedding_dim": 4},
            {"hash": 9, "width": 4},
        ),
        (CATEGORY | {"share_embedding": "item"}, {"vocabulary_of": "item"}),
        (CATEGORY | {"min_categr_count": 5}, {"min_count": 5}),
        ({"type": "token_seq", "separator": "|"}, LIST | {"split": "|"}),
        (LIST | {"combiner": "mean", "maxlen": 5}, LIST | {"pool": "mean", "max": 5}),
        (LIST | {"value_dim": 1}, LIST),
        ({"type": "dense"}, {"type": "number"}),
        ({"type": "category", "hash": 9, "nothing": 1}, {"hash": 9}),
    ],
)
def test_the_offer_is_a_column_that_is_taken(said, meant):
    with pytest.raises(Problem) as error:
        check_said({"c": said})
    [word] = shlex.split(error.value.fix)
    key, _, text = word.partition("=")
    assert key == "dataset.columns.c"
    assert yaml.safe_load(text) == CATEGORY | meant
    check_said({"c": yaml.safe_load(text)})


@pytest.mark.parametrize("own", [{"hash": 50}, {"min_count": 1}, {"width": 8}])
def test_a_vocabulary_of_another_column_has_the_options_of_that_one(own):
    """Else one of two would be without effect; alike in both they are one."""
    cells = pyarrow.chunked_array([["a", "b", "a", "b"]])

    def learn(**of_owner):
        said = {"a": CATEGORY | of_owner, "b": CATEGORY | {"vocabulary_of": "a"} | own}
        usual = USUAL | {"min_count": 2, "max_vocabulary": 9}
        inferred = Inference(str, np.arange(4), said, usual)
        inferred.learn({"a": cells, "b": cells})
        return inferred.learned

    with pytest.raises(Problem, match=f"{next(iter(own))} is that of a") as error:
        learn()
    assert error.value.fix == "'dataset.columns.b={type: category, vocabulary_of: a}'"
    assert learn(**own)[0].sizes == learn(**own)[1].sizes
