"""``mtl-report``: its words, its files, its errors; and the sweeps that end with it."""

import csv
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import mtl_cli.train
from mtl_cli.report import main, read_words

SMALL = ["trainer=smoke", "dataset.num_samples=400", "encoder.hidden=[8]", "offline=true"]


def train(folder: Path, *words: str) -> str:
    """Runs ``mtl-train`` in a folder, and gives what it printed."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "100")
        patch.setattr(sys, "argv", ["mtl-train", *words])
        mtl_cli.train.main()
    return printed.getvalue()


def report(folder: Path, *words: str) -> str:
    """Runs ``mtl-report`` in a process of its own, which does without torch."""
    code = (
        f"import sys; sys.argv = ['mtl-report', *{list(words)!r}]\n"
        "from mtl_cli.report import main\nmain()\nassert 'torch' not in sys.modules\n"
    )
    env = os.environ | {"COLUMNS": "100"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What one command leaves and prints: an architecture with its option, and its baseline."""
    folder = tmp_path_factory.mktemp("answered")
    words = ["study=baselines", "arch=mmoe", "arch.num_experts=2", "weighting=uw"]
    text = train(folder, *words, *SMALL)
    [path] = folder.glob("runs/*/*_sweep")
    return path, text


def test_one_command_trains_the_baseline_too_and_answers(sweep) -> None:
    path, text = sweep
    archs = {
        run.relative_to(path).as_posix(): "single_task" in run.read_text()
        for run in path.glob("**/summary.json")
    }
    expected = {f"{seed}/summary.json": False for seed in range(5)}
    assert archs == expected | {f"single_task/{seed}/summary.json": True for seed in range(5)}
    table = text[text.index("figures on test") : text.rindex("Does sharing help?")]
    assert re.search(r"arch=single_task +arch=mmoe weighting=uw +floor$", table, re.MULTILINE)
    assert re.search(r"^sin/mse ↓( +\S+ ± \S+){3}$", table, re.MULTILINE)
    answer = text[text.rindex("Does sharing help?") :]
    assert "arch=mmoe weighting=uw on sincos (generated): " in answer
    said = " ".join(answer.split())
    assert "over 5 seeds (0, 1, 2, 3, 4), on this split" in said or "nothing was learned" in said
    assert "no single-task baseline" not in answer
    jobs = [line for line in text.splitlines() if line.startswith("#")]
    assert all(re.fullmatch(r"#\d +seed=\d  val loss .*", line) for line in jobs)
    assert len(jobs) == 10
    files = {file.name for file in (path / "report").iterdir()}
    tables = {"report.csv", "report.md", "report.tex", "report.html"}
    assert files == tables | {f"{n}.png" for n in ("learning_curves", "gain", "pareto", "weights")}


def test_the_baseline_is_not_trained_twice(tmp_path: Path) -> None:
    text = train(tmp_path, "study=baselines", "arch=single_task,hps", "seed=4", *SMALL)
    assert len(list(tmp_path.glob("runs/**/summary.json"))) == 2
    assert "1 pair of seeds with its baseline, 3 are needed" in text


def test_latest_is_the_whole_sweep_and_every_number_is_on_disk(sweep) -> None:
    path, _ = sweep
    text = report(path.parents[2], "latest", "confidence=0.9", "out=here", "pictures=false")
    assert "90 % interval" in text
    out = path.parents[2] / "here"
    files = ["report.csv", "report.html", "report.md", "report.tex"]
    assert sorted(file.name for file in out.iterdir()) == files
    assert text.rstrip().endswith("page        here/report.html")
    with open(out / "report.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["runs"] for row in rows] == ["5", "5"]
    own = next(row for row in rows if row["setting"] == "arch=mmoe weighting=uw")
    assert own["sharing"] in text
    assert f"{float(own['Gain']):+.2f}" in text
    assert f"{float(own['sin/mse']):.4f}" in text
    assert f"{float(own['sin/mse']):.4f}" in (out / "report.md").read_text(encoding="utf-8")
    assert max(len(line) for line in tables_of(text)) <= 100


def tables_of(text: str) -> list[str]:
    return text.partition("Does sharing help?")[0].splitlines()


def test_the_command_that_it_names_trains_the_missing_baseline(tmp_path: Path) -> None:
    text = train(tmp_path, "--multirun", "arch=mmoe", "seed=0,1,2", "head=mlp", *SMALL)
    assert "no single-task baseline for arch=mmoe" in text
    [line] = [line for line in text.splitlines() if line.startswith("    mtl-train")]
    train(tmp_path, *shlex.split(line)[1:])
    text = report(tmp_path, "runs", "pictures=false")
    assert "no single-task baseline" not in text
    assert "over 3 seeds (0, 1, 2)" in " ".join(text.split()) or "nothing was learned" in text


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("mine/report.csv", ["out=mine"]),
        ("mine/report.tex", ["out=mine", "formats=[tex]"]),
        ("mine/report.html", ["out=mine", "formats=[html]"]),
        ("mine/gain.png", ["out=mine", "pictures=false"]),  # an older one would be taken away
        ("runs/report/report.md", []),
        ("runs/report/weights.png", []),
    ],
)
def test_no_file_is_replaced_unasked(
    sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, file: str, words: list[str]
) -> None:
    shutil.copytree(sweep[0] / "0", tmp_path / "runs" / "a")
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text("precious")
    monkeypatch.chdir(tmp_path)
    words = ["runs", "pictures=false", *words]
    with pytest.raises(SystemExit):
        call(monkeypatch, *words)
    assert f"{file} must be a new file" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / file).parent.iterdir()] == [Path(file).name]
    assert (tmp_path / file).read_text() == "precious"
    call(monkeypatch, *words, "overwrite=true")
    assert not (tmp_path / file).exists() or (tmp_path / file).read_text() != "precious"
    if not file.startswith("mine"):  # a report in its usual place is written anew
        call(monkeypatch, *words)


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["mtl-report", *words])
    main()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "mtl-report needs a folder with runs"),
        (["nowhere"], "nowhere must be a folder with runs"),
        (["."], "no run in it"),
        (["latest"], "must find a run"),
        ([".", "confidense=0.9"], "try:   confidence=0.9"),
        (["run=latest", "metric=mae"], "try:   mtl-report latest metric=mae"),
        ([".", "formats=[cvs]"], "each of formats must be one of csv, md, tex, html"),
        ([".", "formats=[csv"], "formats must have a value in YAML"),
        ([".", "formats=csv"], "try:   'formats=[csv]'"),
        ([".", "--pictures=false"], "try:   pictures=false"),
        ([".", "--pictures"], "--pictures must be a folder or key=value"),
    ],
)
def test_what_it_cannot_read_is_refused_in_four_parts(
    tmp_path: Path, monkeypatch, capsys, words: list[str], expected: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        call(monkeypatch, *words)
    assert stop.value.code == 1
    text = capsys.readouterr().err
    assert expected in text
    assert text.startswith("error: ")
    assert "found:" in text
    assert "try:" in text


def test_folders_may_have_odd_names_and_settings_equal_signs(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lr=0.1 ü").mkdir()
    folders, options = read_words(["lr=0.1 ü", "baseline=arch=hps seed", "formats=[md]"])
    assert folders == [Path("lr=0.1 ü")]
    assert options.baseline == "arch=hps seed"
    assert options.formats == ["md"]


def test_its_help_shows_every_option_with_its_meaning(monkeypatch, capsys) -> None:
    call(monkeypatch, "--help")
    text = capsys.readouterr().out
    assert "usage: mtl-report <folder of runs>" in text
    for name in ("out", "formats", "baseline", "confidence", "metric"):
        assert any(line.startswith(f"  {name}: ") and "#" in line for line in text.splitlines())


def test_a_study_of_one_task_is_refused(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["study=baselines", "~tasks.cos", "trainer=smoke"]
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    with pytest.raises(SystemExit):
        mtl_cli.train.main()
    said = capsys.readouterr().err
    assert "study=baselines needs two tasks or more: with one alone nothing is shared" in said
    assert "found: sin\n  try:   mtl-train '~tasks.cos' trainer=smoke, which trains it" in said
    assert not list(tmp_path.glob("runs/*/*"))
