"""Arrays of any shape become inputs and targets, from a file and from Python."""

import json

import numpy as np
import pandas
import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import TensorDataset

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.arrays import Arrays
from mtl_cli.dataset.files.arrays import named_arrays
from mtl_cli.dataset.files.held import held
from mtl_cli.dataset.prepared.stored import Stored
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict
from mtl_cli.trained.loading import load_run

SPLIT = {"by": "fraction", "column": None, "val": 0.1, "test": 0.2, "seed": 0}
SPLIT |= {"folds": None, "fold": None, "date_format": None}
BATCHING = {"batch_size": 16, "eval_batch_size": 100, "shuffle": True, "drop_last": False}
N = 60
DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(N, 3)).astype(np.float32)
Y = {
    "number": X[:, 0].astype(np.float64),
    "three": X.astype(np.float64),
    "flag": np.where(np.arange(N) % 7 == 0, np.nan, X[:, 1] > 0),
    "kind": np.where(np.arange(N) % 9 == 0, -1, np.arange(N) % 3),
    "many": (X > 0).astype(int),
}
KINDS = {"number": "regression", "three": "regression", "flag": "binary"}
KINDS |= {"kind": "multiclass", "many": "multilabel"}


def make(arrays, targets=KINDS, **options):
    with held({"d": named_arrays(arrays)}):
        given = {"path": "memory:d", "inputs": None, "targets": targets, "split": SPLIT}
        given |= dict.fromkeys(("not_inputs", "downsample", "group_columns"))
        return Arrays.of(**given | BATCHING | options)


def test_every_kind_of_target_is_what_it_was():
    data = make((X, Y))
    assert data.inputs == {"x": Dense((3,))}
    assert data.sizes_of_tasks == {"number": 1, "three": 3, "flag": 1, "kind": 3, "many": 3}
    assert sum(data.sizes.values()) == N
    assert data.sizes["test"] == 12
    for rows in data.splits.values():  # an example is found by its numbers
        at = [int(np.flatnonzero((x.numpy() == X).all(1))[0]) for x in rows.inputs["x"]]
        for task, labels in rows.targets.items():
            expected = torch.as_tensor(Y[task][at]).to(labels.dtype)
            torch.testing.assert_close(labels, expected, equal_nan=True)


def test_bytes_are_pictures_and_inputs_may_be_several():
    images = DRAW.integers(0, 256, (N, 1, 4, 4)).astype(np.uint8)
    data = make(({"image": images, "row": X[:, 0]}, {"kind": Y["kind"]}), {"kind": "multiclass"})
    assert data.inputs == {"image": Dense((1, 4, 4)), "row": Dense((1,))}
    assert data.tasks == {"kind": "image"}
    (batch, *_) = data.loader("train", {"kind": "image"}, torch.device("cpu"), 0).batches(1)
    assert batch.inputs["image"].dtype == torch.float32
    assert 0.9 < batch.inputs["image"].max() <= 1


def test_examples_of_a_group_stay_together_and_weights_count():
    groups, weight = np.arange(N) // 6, np.arange(N) / N
    data = make(
        (X, {"y": Y["number"], "patient": groups, "w": weight}),
        {"y": {"kind": "regression", "weight": "w"}},
        split=SPLIT | {"by": "group", "column": "patient"},
    )
    assert {rows % 6 for rows in data.sizes.values()} == {0}
    assert data.splits["train"].weights["y"].dtype == torch.float32


@pytest.fixture(scope="module")
def digits():
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images[:300] * 15.9, dtype=torch.uint8).reshape(-1, 1, 8, 8)
    return x, torch.tensor(labels[:300])


WORDS = ["trainer.max_epochs=3", "pictures.curves=false", "pictures.metrics=false"]


def test_a_pair_a_torch_dataset_and_a_file_train_alike(digits, tmp_path):
    x, y = digits
    np.savez(tmp_path / "d.npz", x=x.numpy(), y=y.numpy())
    words = [*WORDS, "dataset.targets={y: multiclass}", "encoder=cnn"]
    file = ["dataset=arrays", f"dataset.path={tmp_path / 'd.npz'}"]
    found = [
        mtl_cli.train([f"hydra.run.dir={tmp_path / 'a'}", *words], data=(x, y)),
        mtl_cli.train([f"hydra.run.dir={tmp_path / 'b'}", *words], data=TensorDataset(x, y)),
        mtl_cli.train([f"hydra.run.dir={tmp_path / 'c'}", *words, *file]),
    ]
    assert found[0]["test"] == found[1]["test"] == found[2]["test"]
    assert found[0]["best"]["y"]["accuracy"] > 0.2
    more = [f"resume={tmp_path / 'a'}", "trainer.max_epochs=4"]
    assert mtl_cli.train(more, data=(x, y))["epochs"] == 4
    with pytest.raises(Problem, match="must be the data that the run was trained on"):
        mtl_cli.train([*more[:1], "trainer.max_epochs=5"], data=(x.flip(0), y))
    trained = mtl_cli.load_run(tmp_path / "a")
    frame = trained.predict(x[:5].float() / 255)
    assert len(frame) == 5


@pytest.mark.parametrize("name", ["d.safetensors", "d.h5", "folder"])
def test_every_kind_of_file_trains_as_an_archive_does_and_inputs_stay_in_it(digits, tmp_path, name):
    x, y = (own.numpy() for own in digits)
    row = x.reshape(len(x), -1)[:, :9].astype(np.float32)
    np.savez(tmp_path / "d.npz", x=x, row=row, y=y)
    if name == "folder":
        (tmp_path / name).mkdir()
        for key, own in {"x": x, "row": row, "y": y}.items():
            np.save(tmp_path / name / f"{key}.npy", own)
    elif name == "d.h5":
        with pytest.importorskip("h5py").File(tmp_path / name, "w") as file:
            file["x"], file["row"], file["y"] = x, row, y
    else:
        from safetensors.numpy import save_file

        save_file({"x": x, "row": row, "y": y}, tmp_path / name)
    words = [*WORDS[1:], "dataset=arrays", "trainer.max_epochs=1", "device=cpu"]
    words += ["dataset.targets={digit: {kind: multiclass, column: y}, y: regression}"]
    words += ["dataset.inputs=[x,row]", "tasks.y.input=row", "arch=single_task"]
    found = [
        mtl_cli.train([*words, f"dataset.path={tmp_path / own}", f"hydra.run.dir={tmp_path / out}"])
        for own, out in (("d.npz", "a"), (name, "b"))
    ]
    assert found[0]["test"] == found[1]["test"]
    options = {"path": str(tmp_path / name), "inputs": ["x", "row"], "targets": {"y": "multiclass"}}
    options |= dict.fromkeys(("not_inputs", "downsample", "group_columns")) | {"split": SPLIT}
    for rows in Arrays.of(**options | BATCHING).splits.values():
        assert {type(own) for own in rows.inputs.values()} == {Stored}


@pytest.mark.parametrize(
    ("arrays", "targets", "said"),
    [
        ((X, {"y": Y["kind"][:9]}), {"y": "multiclass"}, "of one length"),
        ((X, {"y": X[:, 0]}), {"y": "multiclass"}, "its labels must be 0, 1, 2"),
        ((X, {"y": X[:, :2]}), {"y": "binary"}, r"it must be \[N\]"),
        ((X, {"y": Y["number"]}), {"z": "regression"}, "must name columns that are there"),
        ((X, {"x": Y["number"]}), {"x": "regression"}, "other names for targets"),
        ((np.array(["a"] * N), Y["number"]), {"y": "regression"}, "must hold numbers"),
        (
            (np.where(X > 1, np.nan, X), Y["number"]),
            {"y": "regression"},
            f"none, first in example {int((X > 1).any(1).argmax()) + 1}",
        ),
        ((X, np.zeros(N)), {"y": "binary"}, "two classes in train"),
    ],
)
def test_what_arrays_cannot_be_is_said(arrays, targets, said):
    with pytest.raises(Problem, match=said):
        make(arrays, targets)


def test_an_array_that_is_left_out_is_no_input():
    data = make(({"x": X}, Y), {"kind": "multiclass"}, not_inputs=[*Y, "gone"])
    assert list(data.inputs) == ["x"]


def test_a_file_of_objects_is_refused(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.array([{}, {}], dtype=object))
    for path, said in (("d.npz", "without Python objects"), ("e.npz", "d.npz")):
        with pytest.raises(Problem, match=said):
            Arrays.of(
                path=str(tmp_path / path),
                inputs=None,
                targets={"y": "binary"},
                not_inputs=None,
                downsample=None,
                group_columns=None,
                split=SPLIT,
                **BATCHING,
            )


CLICK = {"click": "binary", "buy": "binary"}


def clicks():
    """Users are named, and no input; a tenth of the labels is missing."""
    click = np.where(np.arange(N) % 10 == 9, -1, np.arange(N) % 3 == 0).astype(int)
    return {"x": X}, {"click": click, "buy": click % 2, "user": np.array(list("abcab") * 12)}


def test_arrays_carry_the_groups_of_metrics():
    data = make(clicks(), CLICK, group_columns=["user"], shuffle=False)
    assert list(data.inputs) == ["x"]
    inputs, targets = clicks()
    for rows in data.splits.values():
        at = [int(np.flatnonzero((inputs["x"] == x.numpy()).all(1))[0]) for x in rows.inputs["x"]]
        assert [ord("a") + int(code) for code in rows.groups["user"]] == [
            ord(name) for name in targets["user"][at]
        ]


@pytest.mark.parametrize(
    ("user", "said"),
    [
        (np.array(["a"] * N), "several groups"),
        (np.full(N, np.nan), "the group of each example"),
        (X, "the group of each example"),
    ],
)
def test_what_says_no_groups_is_refused(user, said):
    inputs, targets = clicks()
    with pytest.raises(Problem, match=said):
        make((inputs, targets | {"user": user}), CLICK, group_columns=["user"])
    with pytest.raises(Problem, match=r"(?s)what a metric is by.*usr.*user"):
        make((inputs, targets), CLICK, group_columns=["usr"])


def test_arrays_are_downsampled_as_tables_are():
    data = make(clicks(), CLICK, downsample={"click": {0: 0.25}}, group_columns=["user"])
    labels = data.splits["train"].targets["click"]
    loader = data.loader("train", dict.fromkeys(CLICK, "x"), torch.device("cpu"), seed=0)
    kept = round(0.25 * int((labels == 0).sum()))
    assert loader.num_examples == int((labels != 0).sum()) + kept
    assert data.shifts == {"click": pytest.approx(np.log(0.25))}
    assert data.notes[-1].startswith(f"downsample: {kept} of")
    with pytest.raises(Problem, match="must name 0 or 1"):
        make(clicks(), CLICK, downsample={"click": {2: 0.5}}, group_columns=["user"])


def test_a_run_on_arrays_has_gauc_and_is_calibrated_back(tmp_path):
    gauc = "{_target_: mtl_cli.metric.gauc.GAUC, by: user, weighted_by: rows}"
    words = [f"hydra.run.dir={tmp_path / 'a'}", f"+tasks.click.metrics.gauc={gauc}"]
    words += ["dataset.targets={click: binary, buy: binary}", "trainer=smoke", "device=cpu"]
    words += ["dataset.downsample={click: {0: 0.5}}", "pictures.curves=false"]
    figures = mtl_cli.train(words, data=clicks())["test"]["click"]
    assert 0 <= figures["gauc"] <= 1


@pytest.fixture
def trained(tmp_path):
    """The folder of a run on pictures and rows, with weights, missing labels and a sample space."""
    draw = np.random.default_rng(1)
    image = draw.integers(0, 256, (120, 1, 4, 4)).astype(np.uint8)
    arrays = {"image": image, "row": draw.normal(size=(120, 2)), "weigh": draw.random(120)}
    arrays |= {"bright": image.mean((1, 2, 3)), "kind": draw.integers(-1, 3, 120)}
    arrays |= {"click": draw.integers(0, 2, 120), "buy": draw.integers(0, 2, 120)}
    arrays["part"] = np.array(["train", "test", "val", "train"] * 30)
    np.savez(tmp_path / "a.npz", **arrays)
    test = arrays["part"] == "test"
    np.savez(tmp_path / "new.npz", **{name: own[test] for name, own in arrays.items()})
    targets = "{bright: {kind: regression, weight: weigh}, kind: multiclass, click: binary"
    targets += ", buy: {kind: binary, where: click}}"
    words = ["dataset=arrays", f"dataset.path={tmp_path / 'a.npz'}", f"dataset.targets={targets}"]
    words += ["dataset.split={by: column, column: part}", "dataset.inputs=[image,row]"]
    words += ["tasks.click.input=row", "trainer.max_epochs=1", "pictures.curves=false"]
    mtl_cli.train([*words, "device=cpu", f"hydra.run.dir={tmp_path / 'run'}"])
    return tmp_path


def test_new_arrays_are_read_as_those_of_training(trained):
    run = f"run={trained / 'run'}"
    expected = evaluate([run, "split=test"])["figures"]
    given = {}
    for name, tasks in (("image", "[bright,kind,buy]"), ("row", "[click]")):
        words = [f"inputs.{name}={trained / 'new.npz'}", f"tasks={tasks}"]
        given |= evaluate([run, *words])["figures"]
    assert given.keys() == expected.keys()
    for task, figures in expected.items():
        assert given[task] == pytest.approx(figures, rel=1e-5), task
    out = trained / "out.csv"
    new = dict(np.load(trained / "new.npz"))
    np.savez(trained / "bare.npz", image=new["image"])
    predict([run, f"inputs.image={trained / 'bare.npz'}", f"out={out}"])
    answers = pandas.read_csv(out)
    like = load_run(trained / "run").predict({"image": torch.tensor(new["image"]) / 255})
    np.testing.assert_allclose(answers["bright"], like["bright"], rtol=1e-5)
    assert answers["row"].tolist() == [*range(1, 31)]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image": lambda x: x[:, :, 1:]}, r"must be \[N, 1, 4, 4\][^$]*found: \[30, 1, 3, 4\]"),
        ({"kind": lambda x: x + 2}, r"the labels kind must be classes 0 to 2, which"),
        ({"weigh": None}, r"the labels must name columns that are there"),
        ({"image": None}, r"the model's input must name columns that are there"),
        ({"buy": lambda x: x * 3}, r"its labels must be 0 or 1"),
    ],
)
def test_arrays_that_the_model_cannot_read_are_refused(trained, change, said):
    new = dict(np.load(trained / "new.npz"))
    for name, made in change.items():
        own = new.pop(name)
        new |= {} if made is None else {name: made(own)}
    np.savez(trained / "odd.npz", **new)
    words = [f"run={trained / 'run'}", f"inputs.image={trained / 'odd.npz'}"]
    with pytest.raises(Problem, match=said):
        evaluate([*words, "tasks=[bright,kind,buy]"])


def test_a_run_of_a_version_that_read_no_new_arrays_is_evaluated_on_its_split(trained):
    reader = trained / "run" / "reader.json"
    plain = json.loads(reader.read_text())
    reader.write_text(json.dumps(plain | {"target": None, "state": None}))
    assert evaluate([f"run={trained / 'run'}", "split=test"])["figures"]
