"""`mtl-export`: what `serve.py` says of plain rows is what `mtl-predict` says of them."""

import json
import runpy
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mtl_cli
import mtl_cli.export
from mtl_cli.basis.errors import Problem
from mtl_cli.export import export
from mtl_cli.predict import predict

FORMATS = ["torch", "onnx"]
DATA = "dataset.path={path} dataset.reference=0 pictures.curves=false pictures.metrics=false"
TARGETS = (
    "{sold: binary, kind: multiclass, grade: ordinal, marks: {kind: multilabel, columns: [x, y]}, "
    "price: regression, where: {kind: regression, columns: [lat, lon]}, calls: count, "
    "paid: amount, again: {kind: binary, where: sold}, both: {kind: binary, column: again}}"
)
COLUMNS = (
    "{day: {type: date}, hour: {type: date, date_format: '%d.%m.%Y %H:%M'}, "
    "tags: {type: list, split: '|', max: 3}, user: {type: category, hash: 50}, "
    "film: {type: list, split: ' ', pool: sum, hash: 30}, id: {type: id}}"
)


def rows(number: int, seed: int = 0) -> pd.DataFrame:
    """Of every type of column, with gaps, and a target of every kind."""
    draw = np.random.default_rng(seed)
    size = draw.normal(1e9, 1e6, number).round(1)
    moments = [
        datetime(2024, 3, 1) + timedelta(minutes=int(m)) for m in draw.integers(0, 2**18, number)
    ]
    some = draw.random(number)
    frame = pd.DataFrame(
        {
            "id": np.arange(number),
            "size": size,
            "width": np.where(some < 0.2, np.nan, draw.normal(size=number).round(3)),
            "day": [f"{m:%Y-%m-%d}" for m in moments],
            "hour": [
                f"{m:%d.%m.%Y %H:%M}" if s > 0.1 else "" for m, s in zip(moments, some, strict=True)
            ],
            "color": [["red", "green", "blue", "", "NA"][i] for i in draw.integers(0, 5, number)],
            "level": draw.integers(1, 4, number).astype(str),
            "new": draw.choice(["true", "false"], number),
            "user": draw.integers(2**40, 2**41, number).astype(str),
            "tags": ["|".join(draw.choice(list("abcdef"), k)) for k in draw.integers(0, 6, number)],
            "film": [" ".join(draw.choice(list("uvw"), k)) for k in draw.integers(1, 4, number)],
        }
    )
    frame["sold"] = draw.choice(["no", "yes"], number)
    frame["again"] = np.where(frame.sold == "yes", draw.integers(0, 2, number), 0)
    frame["kind"] = draw.choice(["a thing", "other", "none"], number)
    frame["grade"] = draw.integers(1, 6, number)
    frame["x"], frame["y"] = draw.integers(0, 2, (2, number))
    frame["price"], frame["lat"], frame["lon"] = draw.normal(50, 20, (3, number))
    frame["calls"] = draw.poisson(3, number)
    frame["paid"] = np.where(some < 0.5, 0, np.exp(draw.normal(3, 1, number))).round(2)
    return frame


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on such rows, with a task of every kind that a table has."""
    folder = tmp_path_factory.mktemp("export")
    rows(400).to_csv(folder / "rows.csv", index=False)
    words = DATA.format(path=folder / "rows.csv").split()
    words += [f"dataset.targets={TARGETS}", f"dataset.columns={COLUMNS}", "dataset=table"]
    words += [
        "tasks.both=product",
        "tasks.both.of=[sold,again]",
        "dataset.downsample={sold: {no: 0.5}}",
    ]
    words += ["arch=mmoe", "encoder.hidden=[8]", "trainer=smoke", "dataset.min_count=1"]
    mtl_cli.train([f"hydra.run.dir={folder / 'run'}", *words])
    return folder / "run"


def served(folder: Path, given: Any) -> list[dict[str, Any]]:
    """What the script says, in this process."""
    own = runpy.run_path(str(folder / "serve.py"))
    answers: list[dict[str, Any]] = own["predict"](given)
    return answers


def check(answers: list[dict[str, Any]], frame: pd.DataFrame) -> None:
    """Whether these are the predictions of `mtl-predict`."""
    assert len(answers) == len(frame)
    assert set(answers[0]) == set(frame) - {"file", "row", "id"}
    for name in answers[0]:
        values, expected = [row[name] for row in answers], frame[name]
        if isinstance(values[0], float):
            largest = expected.abs().max()
            np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5 * min(1, largest))
        elif isinstance(values[0], list):
            assert ["|".join(own) for own in values] == expected.fillna("").tolist()
        else:
            assert values == expected.astype(str).tolist()


def predicted(run: Path, file: Path) -> pd.DataFrame:
    out = file.with_suffix(".parquet")
    predict([f"run={run}", f"input={file}", f"out={out}", "overwrite=true"])
    return pd.read_parquet(out)


@pytest.mark.parametrize("form", FORMATS)
def test_plain_rows_are_answered_as_mtl_predict_answers_them(
    run: Path, form: str, tmp_path: Path
) -> None:
    new = rows(50, seed=1)
    new.loc[0, ["color", "user", "tags"]] = ["violet", "", "z|a|"]  # unknown, missing, both
    new.loc[1, "size"] = np.nan
    new.to_csv(tmp_path / "new.csv", index=False)
    frame = predicted(run, tmp_path / "new.csv")
    [shipped] = export([f"run={run}", f"format={form}", f"out={tmp_path / 'out'}"])
    assert shipped.rows == 256
    assert shipped.of == "rows.csv"
    assert shipped.difference < 1e-5
    cells = new.astype(object).where(new.notna(), None).to_dict("records")
    check(served(tmp_path / "out", json.loads(json.dumps(cells, default=str))), frame)
    check(served(tmp_path / "out", cells[:1]), frame[:1])  # a batch of any size


@pytest.mark.parametrize("form", FORMATS)
def test_the_script_needs_neither_the_package_nor_arguments(
    run: Path, form: str, tmp_path: Path
) -> None:
    export([f"run={run}", f"format={form}", f"out={tmp_path / 'out'}"])
    frame = rows(3, seed=2)
    frame.to_csv(tmp_path / "new.csv", index=False)
    frame.to_json(tmp_path / "new.json", orient="records")
    code = "import runpy, sys; sys.modules['mtl_cli'] = None; "
    code += "sys.argv[:] = sys.argv[1:]; runpy.run_path('out/serve.py', run_name='__main__')"
    for words, number in ((["new.json"], 3), ([], 1)):
        command = [sys.executable, "-c", code, "out/serve.py", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == number
        if number == 3:
            check(answers, predicted(run, tmp_path / "new.csv"))


def test_what_goes_in_and_what_comes_out_is_said(run: Path, tmp_path: Path) -> None:
    export([f"run={run}", f"out={tmp_path / 'out'}"])
    said = json.loads((tmp_path / "out" / "input.json").read_text())
    inputs = {own["name"]: own for own in said["inputs"]}
    assert list(inputs) == ["numbers", "codes", "list_0", "list_1"]
    columns = {own["name"]: own for given in inputs.values() for own in given["columns"]}
    numbers, codes = ["size", "width", "day", "hour", "level"], ["color", "new", "user"]
    assert list(columns) == [*numbers, *codes, "tags", "film"]
    assert columns["color"]["codes"] == {"blue": 1, "green": 2, "red": 3}
    assert columns["new"]["codes"]["yes"] == columns["new"]["codes"]["true"] == 2
    assert columns["day"]["unit"] == "days since 1970 began, in UTC"
    assert abs(columns["size"]["example"] - 1e9) < 1e7
    assert said["compared"]["largest_difference"] < 1e-5
    outputs = {own["name"]: own for own in said["outputs"]}
    assert outputs["kind"]["classes"] == ["a thing", "none", "other"]
    assert outputs["p(kind)"]["columns"][1] == "p(kind=none)"
    assert outputs["price"]["shape"] == ["batch", 1]
    assert outputs["price"]["type"] == "float64"


def test_each_task_may_have_a_program(run: Path, tmp_path: Path) -> None:
    words = [f"run={run}", f"out={tmp_path / 'out'}", "tasks=[price,kind]"]
    [both] = export(words)
    shipped = export([*words[:1], f"out={tmp_path / 'each'}", words[2], "per_task=true"])
    assert [own.folder.name for own in shipped] == [own.tasks[0] for own in shipped]
    assert both.tasks == ["kind", "price"]
    sizes = [(own.folder / own.file).stat().st_size for own in (*shipped, both)]
    assert max(sizes[:2]) < sizes[2]  # each has the weights of its task alone
    given = rows(9).to_dict("records")
    together = served(both.folder, given)
    for own in shipped:
        for row, answer in zip(together, served(own.folder, given), strict=True):
            for name, value in answer.items():
                near = pytest.approx(row[name], rel=1e-5) if isinstance(value, float) else row[name]
                assert value == near


def test_an_earlier_export_is_replaced_when_asked(run: Path, tmp_path: Path) -> None:
    words = [f"run={run}", f"out={tmp_path}", "tasks=price"]
    (tmp_path / "mine.txt").touch()
    with pytest.raises(Problem, match=r"must be a new folder(?s:.*)overwrite=true"):
        export(words)
    export([*words, "overwrite=true"])
    assert (tmp_path / "mine.txt").is_file()
    with pytest.raises(Problem, match="a file"):
        export([f"run={run}", f"out={tmp_path / 'mine.txt'}", "overwrite=true"])


def test_without_the_data_rows_are_made_up(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    config = (tmp_path / "run" / "config.yaml").read_text()
    (tmp_path / "run" / "config.yaml").write_text(config.replace("rows.csv", "gone.csv"))
    [shipped] = export([f"run={tmp_path / 'run'}", f"out={tmp_path / 'out'}"])
    assert shipped.of == "made-up rows"
    new = rows(20, seed=3)
    new.to_csv(tmp_path / "new.csv", index=False)
    words = [f"run={run}", f"input={tmp_path / 'new.csv'}", f"out={tmp_path / 'again'}"]
    assert export(words)[0].of == "new.csv"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run={run}", "format=tflite"], r"must be one of torch, onnx"),
        (["run={run}", "format=onn"], r"try: +format=onnx"),
        (["run={place}"], r"no run|must be a run"),
        (["format=onnx"], r"needs run="),
        (["run={run}", "tasks=[prise]"], r"tasks=\[price\]"),
        (["run={run}", "input={place}/new.csv"], r"must be a file, a folder or a glob"),
        (["run={run}", "inputs.film=new.csv"], r"must be an input of the model: row"),
        (["run={run}", "fromat=onnx"], r"format=onnx"),
    ],
)
def test_what_is_wrong_is_said(run: Path, words: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(Problem, match=said):
        export([word.format(run=run, place=tmp_path) for word in words] + [f"out={tmp_path / 'o'}"])
    assert not (tmp_path / "o").exists()


def test_classes_that_are_not_trusted_are_refused(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace("mtl_cli.encoder.mlp.MLP", "theirs.MLP"))
    with pytest.raises(Problem, match=r"trust=\[theirs\]"):
        export([f"run={tmp_path / 'run'}", f"out={tmp_path / 'out'}"])


def test_a_package_that_is_missing_is_named(
    run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(Problem, match=r"mtl-cli\[export\]"):
        export([f"run={run}", "format=onnx", f"out={tmp_path / 'out'}"])


def test_the_command_says_what_it_wrote(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["mtl-export", f"run={run}", f"out={tmp_path / 'o'}"])
    mtl_cli.export.main()
    printed = capsys.readouterr().out
    assert "model.pt2" in printed
    assert "256 rows of rows.csv" in printed
    monkeypatch.setattr(sys, "argv", ["mtl-export", "--help"])
    mtl_cli.export.main()
    assert "per_task: false" in capsys.readouterr().out
