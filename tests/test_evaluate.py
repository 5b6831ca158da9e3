"""`mtl-evaluate`: the run's own figures to the bit, other splits, other data, what it refuses."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from omegaconf import OmegaConf
from PIL import Image
from sklearn.metrics import accuracy_score, mean_absolute_error, mean_squared_error

import mtl_cli
import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.evaluate import as_text, evaluate

CONF = Path(__file__).parent.parent / "conf"
ARCHS = sorted({p.stem for p in (CONF / "arch").glob("*.yaml")} - {"module"})  # in test_module.py
QUICK = ["dataset.num_samples=300", "encoder.hidden=[6]", "trainer.max_epochs=2"]


def train(folder: Path, *words: str) -> dict:
    return mtl_cli.train([f"hydra.run.dir={folder}", *words])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate") / "run"
    train(folder, *QUICK, "optimizer.lr=0.05")
    return folder


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluate") / "digits"
    words = ["dataset=parity_mnist", "dataset.source=digits", "encoder.hidden=[8]"]
    train(folder, *words, "trainer.max_epochs=1")
    return folder


@pytest.mark.parametrize("arch", ARCHS)
def test_test_with_the_best_weights_is_what_the_summary_says_to_the_bit(
    arch: str, tmp_path: Path
) -> None:
    assert len(ARCHS) >= 11
    inputs = "per_task" if arch in ("mmoe", "ltb") else "shared"
    words = [*QUICK, f"arch={arch}", f"dataset.inputs={inputs}", "encoder.hidden=[6,6]"]
    summary = train(tmp_path / "run", *words, "tasks.sin.standardize=true")
    result = evaluate([f"run={tmp_path / 'run'}"])
    assert result["figures"] == summary["test"]
    assert result["loss"] == summary["loss"]["test"]
    written = json.loads((tmp_path / "run" / "evaluation_test.json").read_text())
    assert written["figures"] == summary["test"]


def test_a_run_that_looked_at_some_batches_is_evaluated_on_those(tmp_path: Path) -> None:
    words = ["trainer=smoke", "dataset.num_samples=400", "dataset.eval_batch_size=20"]
    summary = train(tmp_path / "run", *words)
    result = evaluate([f"run={tmp_path / 'run'}"])
    assert result["figures"] == summary["test"]
    assert "on 2 batches" in as_text(result)


def test_val_with_the_best_weights_is_the_best_figure(run: Path) -> None:
    summary = json.loads((run / "summary.json").read_text())
    assert evaluate([f"run={run}", "split=val"])["figures"] == summary["best"]


def test_the_last_weights_are_those_of_the_last_epoch(tmp_path: Path) -> None:
    words = [*QUICK, "trainer.watch_test=true", "trainer.max_epochs=4", "optimizer.lr=0.3"]
    train(tmp_path / "run", *words, "scheduler=none")
    rows = pd.read_csv(tmp_path / "run" / "metrics.csv")
    rows = rows[(rows.split == "test") & (rows.epoch == 4) & (rows.metric == "loss")]
    expected = rows.dropna(subset="task").set_index("task").value.to_dict()
    result = evaluate([f"run={tmp_path / 'run'}", "checkpoint=last"])
    assert {task: values["loss"] for task, values in result["figures"].items()} == expected
    assert (tmp_path / "run" / "evaluation_test_last.json").is_file()


def test_train_is_read_once_in_order_and_whole(run: Path) -> None:
    """So that it agrees with a plain computation on all of its examples."""
    result = evaluate([f"run={run}", "split=train"])
    loaded = mtl_cli.load_run(run)
    cfg = OmegaConf.to_container(loaded.config.dataset)
    cfg.pop("_target_")
    from mtl_cli.dataset.sincos import SinCos

    rows = SinCos.of(**cfg).splits["train"]
    predictions = loaded.predict(rows.inputs["x"])
    for task in ("sin", "cos"):
        target = rows.targets[task].numpy()
        values = result["figures"][task]
        expected = mean_squared_error(target, predictions[task])
        assert values["mse"] == pytest.approx(expected, rel=1e-5)
        expected = mean_absolute_error(target, predictions[task])
        assert values["mae"] == pytest.approx(expected, rel=1e-5)


def test_train_is_read_as_it_is(tmp_path: Path) -> None:
    """Neither augmented nor downsampled, so that it is what the model gives for these pictures."""
    chance = np.random.default_rng(0)
    rows = pd.DataFrame({"path": [f"{i}.png" for i in range(40)], "kind": ["a", "b"] * 20})
    for name in rows.path:
        picture = chance.integers(0, 256, (8, 8, 3)).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / name)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    words = ["dataset=images", f"dataset.path={tmp_path}/rows.csv", "dataset.cache=false"]
    words += ["dataset.targets={kind: binary}", "dataset.augment={erase: 1, mixup: 0.4}"]
    words += ["encoder=cnn", "trainer.max_epochs=1", f"runs={tmp_path}/runs"]
    mtl_cli.train(words)
    run = next((tmp_path / "runs").glob("*/*"))
    result = evaluate([f"run={run}", "split=train"])
    loss = evaluate([f"run={run}", f"input={tmp_path}/rows.csv"])["figures"]["kind"]["loss"]
    others = [evaluate([f"run={run}", f"split={split}"]) for split in ("val", "test")]
    every = [result, *others]
    count = [own["examples"] for own in every]
    assert sum(count) == 40
    mean = sum(own["figures"]["kind"]["loss"] * n for own, n in zip(every, count, strict=True)) / 40
    assert mean == pytest.approx(loss, rel=1e-5)


def test_how_many_of_a_files_rows_are_evaluated_is_said(run: Path, tmp_path: Path) -> None:
    x = np.linspace(-3, 3, 50)
    frame = pd.DataFrame({"x": x, "sin": np.sin(x), "cos": np.cos(x)})
    frame.to_csv(tmp_path / "new.csv", index=False)
    result = evaluate([f"run={run}", "dataset.num_samples=300"])
    assert result["examples"] < 300
    assert "of 300 (input=<file> reads all of a file)" in as_text(result)
    assert ", 50 examples\n" in as_text(evaluate([f"run={run}", f"input={tmp_path}/new.csv"]))


def test_a_labelled_file_agrees_with_scikit_learn_on_the_predictions(
    run: Path, tmp_path: Path
) -> None:
    x = np.linspace(-3, 3, 50)
    frame = pd.DataFrame({"x": x, "sin": np.sin(x), "cos": np.cos(x)})
    frame.loc[3, "sin"] = np.nan  # a missing label does not count
    frame.to_csv(tmp_path / "new.csv", index=False)
    words = [f"run={run}", f"input={tmp_path / 'new.csv'}", f"out={tmp_path / 'a' / 'out.json'}"]
    result = evaluate([*words, "batch_size=7"])
    predictions = mtl_cli.load_run(run).predict(tmp_path / "new.csv")
    there = frame.sin.notna()
    expected = mean_squared_error(frame.sin[there], predictions.sin[there])
    assert result["figures"]["sin"]["mse"] == pytest.approx(expected, rel=1e-5)
    expected = mean_squared_error(frame.cos, predictions.cos)
    assert result["figures"]["cos"]["mse"] == pytest.approx(expected, rel=1e-5)
    assert json.loads((tmp_path / "a" / "out.json").read_text())["figures"] == result["figures"]


def test_tasks_without_labels_in_a_file_can_be_left_out(run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("x,sin\n0,0\n1,0.84\n")
    words = [f"run={run}", f"input={tmp_path / 'new.csv'}"]
    with pytest.raises(Problem, match="cos"):
        evaluate(words)
    assert set(evaluate([*words, "tasks=[sin]"])["figures"]) == {"sin"}


def test_another_dataset_with_the_same_inputs(run: Path) -> None:
    own = evaluate([f"run={run}"])
    same = evaluate([f"run={run}", "dataset=sincos", "dataset.num_samples=300"])
    assert same["figures"] == own["figures"]
    other = evaluate([f"run={run}", "dataset.noise=0.9"])
    assert other["figures"]["sin"]["mse"] > own["figures"]["sin"]["mse"]
    assert (run / "evaluation_sincos_test.json").is_file()


def test_no_file_is_replaced_by_an_evaluation_on_other_data(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    split = Path(evaluate([f"run={run}"])["written_to"])
    before = split.read_bytes()
    for folder, text in (("a", "x,sin,cos\n0,0,1\n"), ("b", "x,sin,cos\n1,0.84,0.54\n")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "test.csv").write_text(text)
    first, second, again = (
        evaluate([f"run={run}", f"input={tmp_path / folder / 'test.csv'}"]) for folder in "aba"
    )
    places = [split, *(Path(result["written_to"]) for result in (first, second))]
    assert len(set(places)) == 3
    assert again["written_to"] == first["written_to"]
    assert split.read_bytes() == before
    for folder, whole in (("a", first), ("b", second)):  # the same words, of other files
        monkeypatch.chdir(tmp_path / folder)
        here = evaluate([f"run={run.absolute()}", "input=test.csv"])
        assert here["written_to"] == whole["written_to"]
        assert here["figures"] == whole["figures"]
    assert evaluate([f"run={run}"])["written_to"] == str(split)


def test_a_named_file_is_not_replaced_unasked(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "precious.json"
    out.write_text("precious")
    with pytest.raises(Problem, match="must be a new file") as error:
        evaluate([f"run={run}", f"out={out}"])
    assert "overwrite=true" in str(error.value)
    assert out.read_text() == "precious"
    evaluate([f"run={run}", f"out={out}", "overwrite=true"])
    assert json.loads(out.read_text())["checkpoint"] == "best"


def test_images_by_folder_agree_with_the_digits_they_came_from(
    digits: Path, tmp_path: Path
) -> None:
    from PIL import Image
    from sklearn.datasets import load_digits

    source = load_digits()
    for i in range(12):
        folder = tmp_path / "scans" / str(source.target[i])
        folder.mkdir(parents=True, exist_ok=True)
        pixels = (source.images[i] * 15.9).astype(np.uint8)
        Image.fromarray(pixels).resize((28, 28)).save(folder / f"{i}.png")
    result = evaluate([f"run={digits}", f"input={tmp_path / 'scans'}"])
    frame = mtl_cli.load_run(digits).predict(tmp_path / "scans")
    truth = [name.partition("/")[0] for name in frame.file]
    assert result["figures"]["digit"]["accuracy"] == pytest.approx(
        accuracy_score(truth, frame.digit)
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["split=nothing"], "split must be one of train, val, test"),
        (["dataset=correlated"], "must have a task of the model: sin, cos"),
        (["dataset.inputs=per_task"], "must have the model's input 'x'"),
        (["dataset.nois=1"], r"dataset.noise=1"),
        (["checkpoint=bets"], "checkpoint=best"),
        (["tasks=[sinn]"], r"tasks=\[sin\]"),
        (["spllit=val"], "split=val"),
        (["--flag"], "mtl-evaluate --help"),
        (["input=README.md", "batch_size=many"], "batch_size must be an integer of at least 1"),
        (["input=README.md", "batch_size=0"], "batch_size must be an integer of at least 1"),
        (["input=nothing.csv"], "must be a file, a folder or a glob"),
        (["inputs.y=new.csv"], "must be an input of the model: x"),
        (["input=a.csv", "dataset=sincos"], "must not stand beside a dataset"),
        (["input=a.csv", "inputs.x=a.csv"], "must not stand beside inputs"),
        (["device=cuda:99"], "device must be auto"),
    ],
)
def test_what_cannot_be_is_refused_in_words(run: Path, words: list[str], message: str) -> None:
    with pytest.raises(Problem, match=message) as error:
        evaluate([f"run={run}", *words])
    assert "try:" in str(error.value)


def test_a_run_is_needed() -> None:
    with pytest.raises(Problem, match="needs run="):
        evaluate([])


def test_a_class_that_the_model_does_not_know_is_named(digits: Path, tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "x").mkdir()
    Image.new("L", (28, 28)).save(tmp_path / "x" / "1.png")
    with pytest.raises(Problem, match="'x', which the model does not know"):
        evaluate([f"run={digits}", f"input={tmp_path}"])


def test_classes_of_another_dataset_must_be_the_models(digits: Path, tmp_path: Path) -> None:
    shutil.copytree(digits, tmp_path / "run")
    said = json.loads((tmp_path / "run" / "reader.json").read_text())
    said["class_names"]["digit"][9] = "nine"
    (tmp_path / "run" / "reader.json").write_text(json.dumps(said))
    with pytest.raises(Problem, match="found: also 9"):
        evaluate([f"run={tmp_path / 'run'}"])


def test_data_from_elsewhere_is_not_taken_for_the_runs(digits: Path, tmp_path: Path) -> None:
    shutil.copytree(digits, tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    summary["dataset"]["source"] = "mnist"
    (tmp_path / "run" / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(Problem, match="must have the source that the run's data had: mnist"):
        evaluate([f"run={tmp_path / 'run'}"])


def test_data_that_is_read_in_another_way_is_refused(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    said = json.loads((tmp_path / "run" / "reader.json").read_text())
    said["state"] = {"columns": {"x": ["other"]}}
    (tmp_path / "run" / "reader.json").write_text(json.dumps(said))
    with pytest.raises(Problem, match="must read its data as the run's was read"):
        evaluate([f"run={tmp_path / 'run'}"])
    with pytest.raises(Problem, match="input=<file>"):
        evaluate([f"run={tmp_path / 'run'}", "dataset.noise=0.2"])


def test_the_command_prints_a_table_and_errors_without_a_traceback(
    run: Path, tmp_path: Path
) -> None:
    program = [sys.executable, "-c", "from mtl_cli.evaluate import main; main()", f"run={run}"]
    done = subprocess.run([*program], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert "task  metric    test" in done.stdout
    done = subprocess.run([*program, "split=x"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: split must be one of")
    assert "Traceback" not in done.stderr
    done = subprocess.run([*program, "--help"], cwd=tmp_path, capture_output=True, text=True)
    assert "usage: mtl-evaluate" in done.stdout
    assert "checkpoint: best" in done.stdout


WEIGHED = ["dataset=table", "dataset.split={by: column, column: split}", "trainer.max_epochs=1"]


def weighed_rows(path: Path) -> pd.DataFrame:
    """Rows with weights from 0 to 4, of which those of ``test`` are a file of their own too."""
    generator = np.random.default_rng(0)
    data = pd.DataFrame(generator.normal(size=(90, 2)), columns=["a", "b"])
    data["y"] = data.a + generator.normal(size=90)
    data["ill"] = (data.b + generator.normal(size=90) > 0).astype(int)
    data["w"] = np.arange(90) % 5
    data["split"] = np.where(np.arange(90) < 50, "train", "test")
    data.to_csv(path / "t.csv", index=False)
    data[50:].drop(columns="split").to_csv(path / "new.csv", index=False)
    return data


def test_weights_in_a_file_count_as_they_do_in_the_runs_data(tmp_path: Path) -> None:
    weighed_rows(tmp_path)
    targets = "dataset.targets={y: regression, ill: binary}"
    words = [*WEIGHED, f"dataset.path={tmp_path / 't.csv'}", targets]
    summary = train(tmp_path / "run", *words, "dataset.weight_column=w")
    for size in (7, "auto"):
        result = evaluate(
            [f"run={tmp_path / 'run'}", f"input={tmp_path / 'new.csv'}", f"batch_size={size}"]
        )
        for task, values in summary["test"].items():
            assert result["figures"][task] == pytest.approx(values, rel=1e-6)
    plain = train(tmp_path / "plain", *words, "dataset.weight_column=null")
    assert plain["test"]["y"]["loss"] != pytest.approx(summary["test"]["y"]["loss"], rel=1e-3)


def test_a_metric_without_a_value_is_a_dash_and_selects_nothing(tmp_path: Path, capfd) -> None:
    data = weighed_rows(tmp_path)
    data["split"] = data.split.where(np.arange(90) >= 10, "val")
    data.loc[data.split != "train", "ill"] = 1
    data.to_csv(tmp_path / "t.csv", index=False)
    words = [*WEIGHED, f"dataset.path={tmp_path / 't.csv'}", "dataset.targets={ill: binary}"]
    with pytest.raises(Problem, match=r"trainer\.select=ill/auroc needs metrics with a value"):
        train(tmp_path / "refused", *words, "trainer.select=ill/auroc")
    capfd.readouterr()
    train(tmp_path / "run", *words, "trainer.max_epochs=3")
    said = capfd.readouterr().out
    assert said.count("ill/auroc has no value on val") == 1
    (row,) = [line for line in said.splitlines() if line.split()[:2] == ["ill", "auroc"]]
    assert set(row.split()[2:]) == {"–"}
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["test"]["ill"]["auroc"] is summary["best"]["ill"]["auroc"] is None
    assert "–" in as_text(evaluate([f"run={tmp_path / 'run'}"]))
