"""`mtl-predict` and `load_run`: figures that the model itself gives, in every form of file."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow
import pytest
import torch
from pyarrow import parquet

import mtl_cli
import mtl_cli.train
from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.readers.base import NewExamples
from mtl_cli.dataset.readers.numbers import NumberReader
from mtl_cli.predict import predict
from mtl_cli.trained import prediction_file

X = np.linspace(-6, 6, 25)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict") / "run"
    words = ["dataset.num_samples=300", "encoder.hidden=[6]", "trainer=smoke"]
    mtl_cli.train([f"hydra.run.dir={folder}", *words, "tasks.sin.standardize=true"])
    return folder


@pytest.fixture(scope="module")
def two_inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict") / "run"
    words = ["dataset.num_samples=300", "encoder.hidden=[6]", "dataset.inputs=per_task"]
    mtl_cli.train([f"hydra.run.dir={folder}", *words, "trainer=smoke"])
    return folder


@pytest.fixture
def table(tmp_path: Path) -> pd.DataFrame:
    frame = pd.DataFrame({"id": np.arange(len(X)), "x": X})
    frame.to_csv(tmp_path / "new.csv", index=False)
    return frame


def by_hand(run: Path, x: np.ndarray) -> dict[str, np.ndarray]:
    """What the model gives, in the unit of the labels."""
    loaded = mtl_cli.load_run(run)
    with torch.no_grad():
        outputs = loaded.model({"x": torch.tensor(x, dtype=torch.float32)[:, None]})
    sin = loaded.tasks["sin"]
    values = {task: output.squeeze(1) for task, output in outputs.items()}
    assert float(sin.scale) != 1
    values["sin"] = values["sin"] * sin.scale + sin.mean
    return {task: value.numpy() for task, value in values.items()}


def check(frame: pd.DataFrame, expected: dict[str, np.ndarray]) -> None:
    for task, values in expected.items():
        np.testing.assert_allclose(frame[task], values, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz", "jsonl", "parquet", "npz"])
@pytest.mark.parametrize("out", ["out.csv", "out.parquet"])
def test_values_are_the_models_in_the_unit_of_the_labels(
    run: Path, table: pd.DataFrame, kind: str, out: str, tmp_path: Path
) -> None:
    file = tmp_path / f"file.{kind}"
    if kind == "jsonl":
        table.to_json(file, orient="records", lines=True, double_precision=15)
    elif kind == "parquet":
        table.to_parquet(file)
    elif kind == "npz":
        np.savez(file, x=X)
    else:
        table.to_csv(file, index=False, sep="\t" if kind == "tsv" else ",")
    words = [f"run={run}", f"input={file}", f"out={tmp_path / out}", "batch_size=7"]
    assert predict(words) == (len(X), tmp_path / out)
    frame = (pd.read_csv if out.endswith("csv") else pd.read_parquet)(tmp_path / out)
    assert list(frame) == ["file", "row", "sin", "cos"]
    assert set(frame.file) == {file.name}
    assert list(frame.row) == list(range(1, len(X) + 1))
    check(frame, by_hand(run, X))


def test_a_folder_is_all_of_its_files(run: Path, tmp_path: Path) -> None:
    for name, part in (("a.csv", X[:9]), ("b.csv", X[9:])):
        (tmp_path / "new").mkdir(exist_ok=True)
        pd.DataFrame({"x": part}).to_csv(tmp_path / "new" / name, index=False)
    frame = mtl_cli.load_run(run).predict(tmp_path / "new")
    assert list(frame.row) == [*range(1, 10), *range(1, 17)]
    check(frame, by_hand(run, X))


def test_a_path_a_frame_and_tensors_give_the_same(
    run: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    loaded = mtl_cli.load_run(run)
    tensor = torch.tensor(X, dtype=torch.float32)[:, None]
    forms = [str(tmp_path / "new.csv"), table, tensor, {"x": tensor}, {"x": table}]
    for data in forms:
        frame = loaded.predict(data, batch_size=4)
        check(frame, by_hand(run, X))


def test_classes_have_names_and_probabilities(tmp_path: Path) -> None:
    words = ["dataset=parity_mnist", "dataset.source=digits", "encoder.hidden=[8]"]
    mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *words, "trainer=smoke"])
    pixels = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype=np.uint8)
    header = np.array([0x803, *pixels.shape], dtype=">u4").tobytes()
    (tmp_path / "images-idx3-ubyte").write_bytes(header + pixels.tobytes())
    loaded = mtl_cli.load_run(tmp_path / "run")
    frame = loaded.predict(tmp_path / "images-idx3-ubyte")
    image = (torch.from_numpy(pixels).float().unsqueeze(1) / 255 - 0.1307) / 0.3081
    with torch.no_grad():
        shares = loaded.model({"image": image})["digit"].softmax(1).numpy()
    columns = [f"p(digit={i})" for i in range(10)]
    np.testing.assert_allclose(frame[columns].to_numpy(), shares, atol=1e-5)
    assert list(frame.digit) == [str(i) for i in shares.argmax(1)]
    assert set(frame.parity) <= {"even", "odd"}
    np.testing.assert_allclose(frame["p(parity=even)"] + frame["p(parity=odd)"], 1, atol=1e-6)


def test_several_inputs_stand_below_each_other(two_inputs: Path, tmp_path: Path) -> None:
    pd.DataFrame({"x_sin": X}).to_csv(tmp_path / "sin.csv", index=False)
    pd.DataFrame({"x_cos": X[:4]}).to_csv(tmp_path / "cos.csv", index=False)
    words = [f"inputs.x_sin={tmp_path / 'sin.csv'}", f"inputs.x_cos={tmp_path / 'cos.csv'}"]
    out = tmp_path / "out.csv"
    predict([f"run={two_inputs}", *words, f"out={out}"])
    frame = pd.read_csv(out)
    assert list(frame) == ["input", "file", "row", "sin", "cos"]
    assert list(frame.input) == ["x_sin"] * len(X) + ["x_cos"] * 4
    assert frame.sin.notna().sum() == len(X)
    assert frame.cos.notna().sum() == 4
    with pytest.raises(Problem, match=r"inputs\.x_sin=<file>"):
        predict([f"run={two_inputs}", f"input={tmp_path / 'sin.csv'}", f"out={out}2.csv"])
    frame = mtl_cli.load_run(two_inputs).predict({"x_cos": tmp_path / "cos.csv"})
    assert list(frame) == ["file", "row", "cos"]


def test_the_nearest_path_is_said_for_its_own_input(two_inputs: Path, tmp_path: Path) -> None:
    (tmp_path / "my new (1).csv").touch()
    loaded = mtl_cli.load_run(two_inputs)
    name = next(iter(loaded.data.inputs))
    fix = f"try:   'inputs.{name}=\"{tmp_path / 'my new (1).csv'}\"'"
    with pytest.raises(Problem, match=re.escape(fix)):
        loaded.read(name, tmp_path / "my new (2).csv", 9)


def test_it_reads_and_writes_part_by_part(
    run: Path, table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def parts(self, path, input, batch_size, tasks=()):
        for i in range(6):
            drawn.append(i)
            yield NewExamples({"row": [i] * 2}, {"x": torch.zeros(2, 1)})

    monkeypatch.setattr(NumberReader, "read", parts)
    loaded = mtl_cli.load_run(run)
    columns = loaded.predictions({"x": loaded.read("x", tmp_path / "new.csv", 10)})
    next(columns)
    assert drawn == [0]
    monkeypatch.setattr(prediction_file, "ROWS_AT_ONCE", 4)
    out = tmp_path / "out.parquet"
    predict([f"run={run}", f"input={tmp_path / 'new.csv'}", f"out={out}"])
    assert parquet.ParquetFile(out).num_row_groups == 3


def test_a_file_that_is_there_is_not_overwritten_unasked(
    run: Path, table: pd.DataFrame, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    out.write_text("precious")
    words = [f"run={run}", f"input={tmp_path / 'new.csv'}", f"out={out}"]
    with pytest.raises(Problem, match="overwrite=true"):
        predict(words)
    assert out.read_text() == "precious"
    predict([*words, "overwrite=true"])
    assert len(pd.read_csv(out)) == len(X)


def test_an_error_in_the_middle_leaves_no_file(run: Path, tmp_path: Path) -> None:
    rows = ["x", *["1.0"] * 70_000, "nan"]  # of two parts
    (tmp_path / "new.csv").write_text("\n".join(rows))
    out = tmp_path / "sub" / "out.csv"
    with pytest.raises(Problem, match="must hold a number in every row"):
        predict([f"run={run}", f"input={tmp_path / 'new.csv'}", f"out={out}"])
    assert list((tmp_path / "sub").iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["out=x.txt"], "must be a file that ends in .csv or .parquet"),
        (["out=."], "must be a file that ends in"),
        (["out=/proc/x.csv"], "must be a file that can be written"),
        (["input=nothing.csv"], "^input must be a file, a folder or a glob"),
        (["tasks=[tan]"], r"tasks=\["),
        (["batch_size=0"], "batch_size must be an integer of at least 1"),
        (["overwrite=maybe"], "overwrite must be true or false"),
        (["inptu=x"], "input=x"),
        (["checkpoint=first"], "checkpoint must be one of best, last"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    run: Path, table: pd.DataFrame, words: list[str], message: str, tmp_path: Path
) -> None:
    given = [f"run={run}", f"input={tmp_path / 'new.csv'}", f"out={tmp_path / 'o.csv'}"]
    with pytest.raises(Problem, match=message) as error:
        predict([*given, *words])
    assert "try:" in str(error.value)


def test_a_file_without_the_columns_names_the_nearest(run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("xx,y\n1,2\n")
    with pytest.raises(Problem, match=r"found: x[\s\S]*try:   xx"):
        mtl_cli.load_run(run).predict(tmp_path / "new.csv")


def test_examples_of_another_shape_are_refused(run: Path) -> None:
    loaded = mtl_cli.load_run(run)
    with pytest.raises(Problem, match=r"must be \[B, 1\]"):
        loaded.predict(torch.zeros(3, 2))
    with pytest.raises(Problem, match="a Bag"):
        loaded.predict(Bag(torch.zeros(0).long(), torch.zeros(2).long(), torch.zeros(0)))
    with pytest.raises(Problem, match="must be a path"):
        loaded.predict(3)


def test_loading_draws_nothing_from_the_users_generators(run: Path) -> None:
    state, python = torch.get_rng_state(), np.random.get_state()[1].copy()
    mtl_cli.load_run(run)
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == python).all()


def test_the_model_predicts_without_the_train_data(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=60)
    frame = pd.DataFrame({"a": rows, "b": rows > 0, "c": rows * 2})
    frame.to_csv(tmp_path / "train.csv", index=False)
    words = ["dataset=table", f"dataset.path={tmp_path / 'train.csv'}", "trainer=smoke"]
    words += ["dataset.targets={c: regression, b: binary}", "encoder.hidden=[4]"]
    mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *words])
    (tmp_path / "train.csv").unlink()
    (tmp_path / "new.csv").write_text("a\n0.1\n-0.3\n")
    frame = mtl_cli.load_run(tmp_path / "run").predict(tmp_path / "new.csv")
    assert list(frame) == ["file", "row", "c", "b", "p(b=true)"]


DAMAGE = {
    "reader.json": ["", "{", "[]", "{}", '{"inputs": {"x": {"kind": "smell"}}}', "\x00\xff"],
    "config.yaml": ["", "a: [", "- 1", "name: x", "!!python/object:os.system {}"],
    "checkpoints/best.pt": ["", "no checkpoint"],
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told_in_words(run: Path, name: str, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    for text in DAMAGE[name]:
        (tmp_path / "run" / name).write_text(text, encoding="latin-1")
        with pytest.raises(Problem, match="try:"):
            mtl_cli.load_run(tmp_path / "run")


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": {}},
        {"inputs": {"x": 3}},
        {"inputs": {"x": {"kind": "dense", "shape": ["a"]}}},
        {"inputs": {"x": {"kind": "dense", "shape": [2]}}},
        {"tasks": {"sin": "x"}},
        {"tasks": {"sin": "y", "cos": "x"}},
        {"tasks": []},
        {"class_names": 3},
        {"state": {}},
        {"state": None},
        {"target": "mtl_cli.dataset.nothing.Reader"},
    ],
)
def test_a_reader_file_that_does_not_fit_is_told_in_words(
    run: Path, change: dict, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    said = json.loads((run / "reader.json").read_text())
    (tmp_path / "run" / "reader.json").write_text(json.dumps(said | change))
    with pytest.raises(Problem, match="try:"):
        mtl_cli.load_run(tmp_path / "run")


@pytest.mark.parametrize("weights", [None, 3, [], {"a": 1}, {"a": torch.zeros(1)}])
def test_a_checkpoint_of_something_else_is_told_in_words(
    run: Path, weights: object, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    torch.save({"model": weights}, tmp_path / "run" / "checkpoints" / "best.pt")
    with pytest.raises(Problem, match="try:"):
        mtl_cli.load_run(tmp_path / "run")


def test_a_run_of_a_newer_version_is_told_so(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    summary = json.loads((run / "summary.json").read_text())
    summary["versions"]["mtl-cli"] = "99.2.0"
    (tmp_path / "run" / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(Problem, match=r"a run of version 99\.2\.0"):
        mtl_cli.load_run(tmp_path / "run")
    (tmp_path / "run" / "summary.json").write_text("{ damaged")
    mtl_cli.load_run(tmp_path / "run")  # which needs nothing of it


def test_a_run_from_before_readers_were_kept_says_what_is_missing(
    run: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / "reader.json").unlink()
    with pytest.raises(Problem, match=r"must hold reader\.json"):
        mtl_cli.load_run(tmp_path / "run")


def test_the_command_says_what_it_wrote(run: Path, table: pd.DataFrame, tmp_path: Path) -> None:
    program = [sys.executable, "-c", "from mtl_cli.predict import main; main()"]
    done = subprocess.run(
        [*program, f"run={run}", "input=new.csv"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "25 rows in predictions.csv\n")
    assert done.stderr == ""
    done = subprocess.run([*program, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert "usage: mtl-predict" in done.stdout
    done = subprocess.run([*program, "run=x"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "needs input=" in done.stderr


def test_names_may_be_arrow_arrays_and_are_cut_with_the_examples() -> None:
    part = NewExamples({"file": pyarrow.repeat("a", 5)}, {"x": torch.arange(5.0)[:, None]})
    sizes = [(len(own), len(own.names["file"])) for own in part.batches(2)]
    assert sizes == [(2, 2), (2, 2), (1, 1)]


def test_texts_are_read_by_the_vocabulary_of_the_train_texts(tmp_path: Path) -> None:
    texts = {"yes": "a good film", "no": "a bad film"}
    rows = [{"text": texts[label], "label": label} for label in ("yes", "no") * 40]
    pd.DataFrame(rows).to_csv(tmp_path / "train.csv", index=False)
    words = ["dataset=text", f"dataset.sources={{movie: {{path: {tmp_path / 'train.csv'}}}}}"]
    words += ["dataset.targets={movie: binary}", "dataset.cache=false", "optimizer.lr=0.1"]
    mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *words, "trainer.max_epochs=3"])
    (tmp_path / "new.txt").write_text("bad film of unheard words\ngood good\n")
    frame = mtl_cli.load_run(tmp_path / "run").predict(tmp_path / "new.txt")
    assert list(frame) == ["file", "row", "movie", "p(movie=yes)"]
    assert list(frame.movie) == ["no", "yes"]
