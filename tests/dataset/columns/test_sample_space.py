"""Labels of a target count only where its sample space is 1, in training and ever after."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from omegaconf import OmegaConf

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.arrays import Arrays
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.readers.table import TableReader
from mtl_cli.dataset.table import Table

N = 60
DEFAULTS = OmegaConf.to_container(
    OmegaConf.load(Path(__file__).parents[3] / "conf" / "dataset" / "table.yaml").dataset
)
DEFAULTS.pop("_target_")
WHOLE = {"val": 0, "test": 0, "seed": 0}
CVR = {"kind": "binary", "column": "conversion"}


def frame():
    """Impressions; one conversion without a click, as public logs have them."""
    draw = np.random.default_rng(0)
    data = pandas.DataFrame({"age": draw.normal(40, 10, N).round(2)})
    data["click"] = draw.integers(0, 2, N)
    data["conversion"] = data.click * draw.integers(0, 2, N)
    data["paid"] = draw.normal(size=N).round(3)
    data.loc[int((data.click == 0).idxmax()), "conversion"] = 1
    data["seen"] = draw.choice(["yes", "no"], N)
    return data


def make(path, targets):
    frame().to_csv(path, index=False)
    split = DEFAULTS["split"] | WHOLE
    return Table.of(**DEFAULTS | {"path": str(path), "targets": targets, "split": split})


def only_where(labels, space):
    return np.where(space, labels, np.nan)


@pytest.mark.parametrize("is_target", [True, False])
def test_labels_outside_the_space_are_missing(tmp_path, is_target):
    """Also where the space is listed after what it is the space of, and in new files."""
    spaces = {"ctr": {"kind": "binary", "column": "click"}} if is_target else {}
    where = "ctr" if is_target else "click"
    targets = {"cvr": {**CVR, "where": where}, **spaces, "ctcvr": CVR}
    targets["value"] = {"kind": "regression", "column": "paid", "where": "cvr"}
    dataset, data = make(tmp_path / "a.csv", targets), frame()
    found, clicked = dataset.targets("train"), data.click == 1
    assert list(dataset.tasks) == list(targets)
    bought = clicked & (data.conversion == 1)
    expected = {
        "cvr": only_where(data.conversion, clicked),
        "ctcvr": data.conversion.to_numpy(float),
        "value": only_where(data.paid, bought),
    }
    for task, labels in expected.items():
        np.testing.assert_allclose(found[task].numpy(), labels, rtol=1e-6)
    assert not {"click", "conversion"} & {c.name for c in dataset.reader.columns}
    assert any(f"where {where} is 1" in note for note in dataset.notes)
    reader = TableReader.from_state(json.loads(json.dumps(dataset.reader.state())))
    (batch,) = reader.read(tmp_path / "a.csv", "row", 100, list(expected))
    for task, labels in expected.items():
        np.testing.assert_allclose(batch.targets[task].numpy(), labels, rtol=1e-6)


def test_the_space_of_a_binary_target_is_its_second_class(tmp_path):
    targets = {"seen": "binary", "value": {"kind": "regression", "column": "paid", "where": "seen"}}
    found = make(tmp_path / "a.csv", targets).targets("train")
    expected = only_where(frame().paid, frame().seen == "yes")
    np.testing.assert_allclose(found["value"].numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("where", ["ctr", "click"])
def test_arrays_have_spaces_too(monkeypatch, where):
    data = frame()
    arrays = {name: np.array(data[name]) for name in ("age", "click", "conversion")}
    monkeypatch.setattr("mtl_cli.dataset.arrays.load_arrays", lambda path: arrays)
    targets = {"cvr": {**CVR, "where": where}}
    targets |= {"ctr": {"kind": "binary", "column": "click"}} if where == "ctr" else {}
    split = DEFAULTS["split"] | WHOLE
    batching = Batching(batch_size=None, eval_batch_size=10, shuffle=False, drop_last=False)
    own = {"inputs": None, "targets": targets, "not_inputs": None, "split": split}
    own |= {"downsample": None, "group_columns": None}
    dataset = Arrays(path="x.npz", **own, batching=batching)
    expected = only_where(data.conversion, data.click == 1)
    np.testing.assert_array_equal(dataset.targets("train")["cvr"].numpy(), expected)
    assert list(dataset.inputs) == ["age"]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({"cvr": {**CVR, "where": "value"}, "value": {"kind": "regression", "column": "paid"}},
         r"cvr\.where must be a binary target.*\n  found: value, a regression target"),
        ({"cvr": {**CVR, "where": "paid"}},
         r"(?s)cvr\.where must be a binary target.*row 1 .*column: paid, map: .*\.where=space"),
        ({"cvr": {**CVR, "where": "clik"}}, r"cvr\.where must name .*\n.*\n.*click"),
        ({"cvr": {**CVR, "where": "cvr"}}, r"a circle: cvr -> cvr"),
        ({"a": {**CVR, "where": "b"}, "b": {**CVR, "where": "a"}}, r"a circle: a -> b -> a"),
        ({"cvr": {**CVR, "where": 1}}, r"cvr\.where must be the name of a column"),
    ],
)  # fmt: skip
def test_what_is_no_space_is_refused(tmp_path, targets, said):
    with pytest.raises(Problem, match=said):
        make(tmp_path / "a.csv", targets)
