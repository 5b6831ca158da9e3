"""`mtl-train` on whole runs: what it leaves, what it reproduces, what it refuses."""

import csv
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from omegaconf import OmegaConf

import mtl_cli.train
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose_run
from mtl_cli.command_line.flags import readable

SMOKE = ["trainer=smoke", "dataset.num_samples=400", "encoder.hidden=[8]"]


def train(folder: Path, *words: str) -> dict:
    return mtl_cli.train([f"hydra.run.dir={folder}", *words])


def command(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own, started in ``folder``."""
    program = [sys.executable, "-c", "from mtl_cli.train import main; main()"]
    return subprocess.run([*program, *words], cwd=folder, capture_output=True, text=True)


def figures(folder: Path, split: str, metric: str = "loss") -> dict[tuple[int, str], float]:
    with open(folder / "metrics.csv") as file:
        return {
            (int(row["epoch"]), row["task"]): float(row["value"])
            for row in csv.DictReader(file)
            if row["split"] == split and row["metric"] == metric
        }


def test_a_smoke_run_leaves_every_artefact(tmp_path: Path) -> None:
    summary = train(tmp_path / "run", *SMOKE)
    left = {
        str(p.relative_to(tmp_path / "run")) for p in (tmp_path / "run").rglob("*") if p.is_file()
    }
    assert left == {
        "config.yaml",
        "metrics.csv",
        "reader.json",
        "summary.json",
        "train.log",
        "checkpoints/best.pt",
        "checkpoints/last.pt",
        "plots/learning_curves.png",
    }
    on_disk = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert on_disk == summary
    assert on_disk["status"] == "completed"
    assert on_disk["parameters"] == {
        "total": 2 * 8 + 2 * 9,
        "shared": 16,
        "per_task": {"sin": 9, "cos": 9},
    }
    assert on_disk["dataset"]["sizes"] == {"train": 280, "val": 60, "test": 60}
    assert set(on_disk["best"]["sin"]) == {"loss", "mse", "mae"}
    assert on_disk["objective"] == pytest.approx(sum(t["loss"] for t in on_disk["best"].values()))


def test_the_total_is_weighted_and_the_tasks_losses_are_not(tmp_path: Path) -> None:
    train(tmp_path / "run", *SMOKE, "tasks.cos.weight=0.25")
    for split in ("train", "val"):
        losses = figures(tmp_path / "run", split)
        assert losses[1, ""] == pytest.approx(losses[1, "sin"] + 0.25 * losses[1, "cos"])


def test_a_run_can_be_repeated_from_its_config_alone(tmp_path: Path) -> None:
    train(tmp_path / "run", *SMOKE, "arch=mmoe", "deterministic=true")
    cfg = OmegaConf.load(tmp_path / "run" / "config.yaml")
    from mtl_cli.disk.new_folder import create_folder
    from mtl_cli.disk.run_folder import RunFolder
    from mtl_cli.run.session import run

    run(cfg, RunFolder(create_folder(tmp_path / "again")), [])
    first, second = (tmp_path / name / "metrics.csv" for name in ("run", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_best_weights_are_those_of_the_best_val_epoch_and_test_is_read_with_them(
    tmp_path: Path,
) -> None:
    words = [
        "dataset.num_samples=600",
        "optimizer.lr=0.2",
        "trainer.watch_test=true",
        "seed=3",
        "scheduler=none",
    ]
    words += ["trainer.max_epochs=8"]
    summary = train(tmp_path / "run", *words)
    val = figures(tmp_path / "run", "val")
    totals = {epoch: val[epoch, "sin"] + val[epoch, "cos"] for epoch in range(1, 9)}
    best = min(totals, key=totals.__getitem__)
    assert best != 8, "the last epoch should not be the best one, or the test is weak"
    assert summary["best_epoch"] == {"sin": best, "cos": best}
    test = figures(tmp_path / "run", "test")
    assert summary["test"]["sin"]["loss"] == pytest.approx(test[best, "sin"])
    shown = (tmp_path / "run" / "train.log").read_text().splitlines()
    [line] = [line for line in shown if line.startswith("sin   loss")]
    assert line.split()[2] == f"{figures(tmp_path / 'run', 'train')[best, 'sin']:.4f}"
    assert f"train and val: epoch {best}, whose weights are kept" in shown


def test_a_named_metric_selects(tmp_path: Path) -> None:
    words = ["dataset=parity_mnist", "dataset.source=digits", "encoder.hidden=[16]"]
    words += ["trainer.max_epochs=4", "optimizer.lr=0.03", "trainer.select=parity/accuracy"]
    summary = train(tmp_path / "run", *words)
    accuracy = figures(tmp_path / "run", "val", "accuracy")
    best = max(accuracy[epoch, "parity"] for epoch in range(1, 5))
    assert summary["best"]["parity"]["accuracy"] == best
    assert summary["objective"] == -best


def test_without_val_the_last_weights_count_and_a_sweep_gets_the_train_loss(tmp_path: Path) -> None:
    summary = train(tmp_path / "run", *SMOKE, "dataset.split=extrapolation")
    assert summary["best"] == {}
    assert summary["best_epoch"] == {"sin": 2, "cos": 2}
    losses = figures(tmp_path / "run", "train")
    assert summary["objective"] == pytest.approx(losses[2, "sin"] + losses[2, "cos"])
    weights = [
        torch.load(tmp_path / "run/checkpoints" / f)["model"] for f in ("last.pt", "best.pt")
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.parametrize(
    ("word", "option"),
    [
        ("trainer.patience=2", "trainer.patience"),
        ("scheduler=plateau", "scheduler=plateau"),
        ("trainer.select=sin/mse", "trainer.select=sin/mse"),
        ("objective=sin/mse trainer.select=loss", "objective=sin/mse"),
    ],
)
def test_what_reads_val_is_refused_without_val(tmp_path: Path, word: str, option: str) -> None:
    with pytest.raises(Problem, match=f"^{option} needs a val split"):
        train(tmp_path / "run", *SMOKE, "dataset.split=extrapolation", *word.split())


def test_a_task_can_be_left_out_and_a_target_standardized(tmp_path: Path) -> None:
    words = ["~tasks.cos", "tasks.sin.standardize=true"]
    summary = train(tmp_path / "run", *SMOKE, *words)
    assert list(summary["test"]) == ["sin"]
    task = torch.load(tmp_path / "run/checkpoints/best.pt")["model"]
    scale = float(task["task_modules.sin.scale"])
    found = summary["test"]["sin"]
    assert found["mse"] == pytest.approx(found["loss"] * scale**2, rel=1e-5)


def test_a_head_for_all_tasks_and_one_of_its_own(tmp_path: Path) -> None:
    words = ["head=mlp", "head.hidden=[4]", "head@tasks.sin.head=linear"]
    summary = train(tmp_path / "run", *SMOKE, *words)
    assert summary["parameters"]["per_task"] == {"sin": 9, "cos": 8 * 4 + 4 + 4 + 1}


def test_the_notebook_is_reproduced(tmp_path: Path) -> None:
    summary = train(tmp_path / "run", "experiment=sincos_notebook", "device=cpu")
    assert summary["parameters"]["total"] == 1154
    losses = figures(tmp_path / "run", "train")
    known = {20: (0.4227, 0.4779), 40: (0.3448, 0.4380), 60: (0.2759, 0.3990)}
    known |= {80: (0.2105, 0.3500), 100: (0.1600, 0.2927)}
    for epoch, values in known.items():
        found = (losses[epoch, "sin"], losses[epoch, "cos"])
        assert found == pytest.approx(values, abs=1e-4), epoch
    found = tuple(summary["test"][task]["mse"] for task in ("sin", "cos"))
    assert found == pytest.approx((3.1019, 3.5577), abs=2e-3)


def test_the_notebooks_mixture_has_its_known_size(tmp_path: Path) -> None:
    words = ["experiment=sincos_notebook_mmoe", "trainer.max_epochs=1"]
    assert train(tmp_path / "run", *words)["parameters"]["total"] == 938


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_checkpoint(
    tmp_path: Path,
) -> None:
    words = ["optimizer=sgd", "dataset.num_samples=2000", "trainer.max_epochs=30"]
    with pytest.raises(Problem, match=r"the \w* ?loss of task '(sin|cos)' (at|after) step \d+"):
        train(tmp_path / "run", *words, "optimizer.lr=3", "optimizer.momentum=0.0")
    summary = json.loads((tmp_path / "run/summary.json").read_text())
    assert summary["status"] == "failed"
    assert "must stay finite" in summary["error"]
    weights = torch.load(tmp_path / "run/checkpoints/last.pt")["model"]
    assert all(value.isfinite().all() for value in weights.values())


@pytest.mark.parametrize("weighting", ["fixed", "uw", "upgrad"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_bad_loss_is_named_whatever_the_weighting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weighting: str, value: str
) -> None:
    from mtl_cli.task.regression import Regression

    whole = Regression.mean_loss

    def broken(self, *given):  # type: ignore[no-untyped-def]
        loss = whole(self, *given)
        return loss * float(value) if self.name == "cos" else loss

    monkeypatch.setattr(Regression, "mean_loss", broken)
    with pytest.raises(Problem, match="the loss of task 'cos' at step 1"):
        train(tmp_path / "run", *SMOKE, f"weighting={weighting}")


@pytest.mark.parametrize(
    ("target", "slot"),
    [
        ("encoder._target_=torch.hub.load", "encoder"),
        ("encoder._target_=torch.save", "encoder"),
        ("encoder._target_=builtins.exec", "encoder"),
        ("encoder._target_=torch.nn.Linear", "encoder"),
        ("encoder._target_=nowhere.Nothing", "encoder"),
        ("loss@tasks.sin.loss=mse tasks.sin.loss._target_=os.system", "tasks.sin.loss"),
        ("+arch.deep=[{a:{_target_:os.system,_partial_:true}}]", "arch.deep.0.a"),
    ],
)
def test_a_slot_takes_only_classes_of_its_kind(tmp_path: Path, target: str, slot: str) -> None:
    with pytest.raises(Problem, match=rf"^{slot}\._target_ must be a class of the kind"):
        train(tmp_path / "run", *SMOKE, *target.split())


def test_help_and_config_import_no_torch(tmp_path: Path) -> None:
    for words in (["--help"], ["arch=mmoe", "--help"], ["--cfg", "job"]):
        code = (
            f"import sys; sys.argv = ['mtl-train', *{words!r}]\n"
            "from mtl_cli.train import main\n"
            "try:\n    main()\nexcept SystemExit:\n    pass\n"
            "assert 'torch' not in sys.modules"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "num_experts" in done.stdout if "arch=mmoe" in words else "sincos" in done.stdout
    assert not list(tmp_path.iterdir())


def test_a_sweep_ends_with_a_table_and_a_failed_job_hides_no_other(tmp_path: Path) -> None:
    words = ["--multirun", "trainer=smoke", "dataset.num_samples=400", "arch=single_task,hps"]
    words += ["encoder.hidden=[0],[8]", "seed=0,1"]
    done = command(tmp_path, *words)
    assert done.returncode == 1, done.stdout
    table = done.stdout[done.stdout.index("setting") :]
    figures = [line for line in table.splitlines() if line.count("±") > 1]
    assert {"arch=hps" in line for line in figures} == {False, True}, table
    assert table.count("failed: each width of encoder.hidden must be") == 4
    [sweep] = tmp_path.glob("runs/*/*_sweep")
    assert len(list(sweep.glob("*/summary.json"))) == 8
    logs = [(sweep / str(job) / "train.log").read_text() for job in range(8)]
    assert sum("each width of encoder.hidden" in log for log in logs) == 4


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["arch=mmo"], "try:   mtl-train arch=mmoe"),
        (["optimizer.lrr=0.1"], "try:   mtl-train optimizer.lr=0.1"),
        (["arhc=mmoe"], "try:   mtl-train arch=mmoe"),
        (["optimizer.lr=abc"], "optimizer.lr must be a number"),
        (["tasks.sin.loss=focal"], "tasks.sin.loss must fit a regression task"),
        (["loss@tasks.sinn.loss=l1"], "try:   mtl-train loss@tasks.sin.loss=l1"),
        (["tasks.sinn.loss=l1"], "try:   mtl-train tasks.sin.loss=l1"),
        (["tasks.sin.loss=focall"], "try:   mtl-train tasks.sin.loss=focal"),
        (["tasks.sin.loss=focall", "--help"], "try:   tasks.sin.loss=focal"),
        (["tasks.sin.loss=null"], "tasks.sin.loss must be one of bce,"),
        (["tasks.sin.loss=3"], "tasks.sin.loss must be one of bce,"),
        (["tasks.sin.loss=a/b"], "try:   tasks.sin.loss=a/b"),
        (["loss=l1"], "try:   mtl-train tasks.cos.loss=l1"),
        (["tasks.sin.head.hidden=[3]"], "mtl-train tasks.sin.head=mlp 'tasks.sin.head.hidden=[3]'"),
        (["weighting.losses=uw"], "try:   mtl-train weighting=upgrad weighting.losses=uw"),
        (
            ["weighting=pcgrad", "weighting.losses.a=1"],
            "mtl-train weighting.losses=uw weight",
        ),
        (["experiment=baselines"], "try:   mtl-train study=baselines"),
        (["arch=uw"], "try:   mtl-train weighting=uw"),
        (["--epochs", "5"], "try:   mtl-train trainer.max_epochs=5"),
        (["--epochs=5", "seed=1"], "try:   mtl-train trainer.max_epochs=5 seed=1"),
        (["--batch-size", "5"], "try:   mtl-train dataset.batch_size=5"),
        (["epochs=3"], "try:   mtl-train trainer.max_epochs=3"),
        (["max_epochs=3"], "try:   mtl-train trainer.max_epochs=3"),
        (["lr=0.01", "seed=3"], "try:   mtl-train optimizer.lr=0.01 seed=3"),
        (["batch_size=32"], "try:   mtl-train dataset.batch_size=32"),
        (["patience=3"], "try:   mtl-train trainer.patience=3"),
        (["model=mmoe"], "try:   mtl-train arch=mmoe"),
        (["metric=mae"], "try:   mtl-train trainer.select=sin/mae"),
        (["metric="], "try:   mtl-train trainer.select=loss"),
        (["dataset=table", "dataset.targets={y: classification}"], "={y: multiclass}'"),
        (["dataset=my.csv"], "dataset=table dataset.path=my.csv 'dataset.targets={<column>: reg"),
        (
            ["dataset=my data/a.csv", "seed=1"],
            "dataset=table 'dataset.path=\"my data/a.csv\"'",
        ),
        (["dataset=text", "dataset.sources.films.path=films.csv"], "={films: {path: films.csv}}'"),
        (
            ["dataset=table", "dataset.targets={mean area: regression}"],
            '={kind:regression,column:"mean area"}\'',
        ),
        (["dataset=table", 'dataset.targets={"a b": binary}'], '={kind:binary,column:"a b"}\''),
        (["encoder.hidden.a=3"], "the command line must fit the configuration"),
        (["arch=[1]"], "the command line must fit the configuration"),
        (["~tasks.tan"], "~tasks.tan must be there to be left out.\n  found: no tasks.tan there"),
        (["dataset=table", "dataset.targets=[y]"], "found: dataset.targets=['y'], without kinds"),
        (["device=cuda:99"], "device must be auto or one of this machine's"),
        (["hydra.run.dir=/proc/1/cmdline/x"], "must be a folder that can be made and written to"),
        (["resume=nowhere"], "nowhere must be a run folder"),
        (["arch=null"], "arch must be one of adatt, aitm, cgc,"),
        (["arch=mmo", "--help"], "try:   arch=mmoe"),
        (["--cfg"], "found: argument --cfg/-c: expected one argument"),
        (["--arch", "mmoe"], "try:   mtl-train arch=mmoe"),
        (["seed=1", "--arch=mmoe", "--multrun"], "try:   mtl-train seed=1 arch=mmoe --multirun"),
        (["arch", "mmoe", "seed=1"], "try:   mtl-train arch=mmoe seed=1"),
        (["arch:mmoe"], "try:   mtl-train arch=mmoe"),
        (["+diagnostic=conflict"], "try:   mtl-train diagnostic=conflict"),
        (["optimizer.lr=null"], "optimizer.lr must be a number, by default 0.001.\n  found: null"),
        (["optimizer.lr=[1]"], "found: [1]\n  try:   optimizer.lr=0.001"),
        (["optimizer.betas=null"], "try:   'optimizer.betas=[0.9,0.999]'"),
        (["task@tasks.sin=multiclass"], "error: tasks.sin.num_classes must be given"),
        (["objective=null"], "objective must be one of loss, sin/loss"),
        (["objective=[loss,sin/acc]"], "objective must be one of loss, sin/loss"),
        (["trainer.select=null"], "trainer.select must be one of loss, sin/loss"),
        (["loss@tasks.sin.loss=cross_entropy"], "tasks.sin.loss must fit a regression task"),
    ],
)
def test_mistakes_get_a_few_plain_lines(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    expected: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    with pytest.raises(SystemExit) as end:
        mtl_cli.train.main()
    assert end.value.code == 1
    shown = capsys.readouterr().err
    assert expected in shown
    assert "Traceback" not in shown
    assert len(shown.splitlines()) <= 5, shown


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a=1", "--cfg", "job", "b=2", "-p", "x=y"], ["a=1", "b=2", "--cfg", "job", "-p", "x=y"]),
        (["a=1", "-m", "b=1,2"], ["a=1", "b=1,2", "-m"]),
        (["--info", "a=1"], ["a=1", "--info"]),
        (["a=1", "--info", "defaults", "~b", "c=-1"], ["a=1", "~b", "c=-1", "--info", "defaults"]),
        (
            ["--config-dir=mine", "a=1", "-cd", "my=dir"],
            ["a=1", "--config-dir=mine", "-cd", "my=dir"],
        ),
    ],
)
def test_flags_may_stand_anywhere(words: list[str], expected: list[str]) -> None:
    assert readable(words) == expected


TABLE = ["dataset=table", "dataset.path=t.csv", "dataset.targets={y: regression, ill: binary}"]
TEXT = ["dataset=text"]
TEXT += ["dataset.sources={films: {path: t.csv, text: t, labels: {y: y, ill: ill}}}"]
TEXT += ["dataset.targets={y: regression, ill: binary}"]


@pytest.mark.parametrize("data", [TABLE, TEXT], ids=["table", "text"])
def test_tables_and_texts_are_swept(tmp_path: Path, monkeypatch, capsys, data) -> None:
    rows = [f"{x},film {'good' if x % 3 else 'bad'} {x},{2 * x},{int(x > 40)}" for x in range(80)]
    (tmp_path / "t.csv").write_text("\n".join(["x,t,y,ill", *rows]) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    words = ["-m", *data, "tasks.y.loss=huber,mse", "trainer=smoke", "hydra.sweep.dir=s"]
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    mtl_cli.train.main()
    text = capsys.readouterr().out
    assert "tasks.y.loss=huber" in text
    assert "tasks.y.loss=mse" in text
    assert len(list(tmp_path.glob("s/*/summary.json"))) == 2


@pytest.mark.parametrize("place", [0, 1, 3])
@pytest.mark.parametrize("flag", [["--cfg", "job"], ["--config-dir", "mine", "-c", "job"]])
def test_flags_stand_beside_targets(tmp_path, monkeypatch, capsys, flag, place) -> None:
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    words = [*TABLE[:place], *flag, *TABLE[place:], "tasks.y.weight=3.5"]
    monkeypatch.setattr(sys, "argv", ["mtl-train", *words])
    mtl_cli.train.main()
    text = capsys.readouterr().out
    assert "mtl_cli.task.binary.Binary" in text
    assert "weight: 3.5" in text


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "diagnose", "report"])
def test_every_command_says_its_version(monkeypatch, capsys, command) -> None:
    monkeypatch.setattr(sys, "argv", [f"mtl-{command}", "--version"])
    importlib.import_module(f"mtl_cli.{command}").main()
    assert capsys.readouterr().out == f"mtl-cli {mtl_cli.__version__}\n"


def test_help_is_of_80_columns_and_has_the_defaults_that_hold(
    tmp_path, monkeypatch, capsys
) -> None:
    monkeypatch.setattr(sys, "argv", ["mtl-train", "--help"])
    mtl_cli.train.main()
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    used = text.partition("most used")[2].partition("other options")[0]
    said = [line.split("  ")[1].partition("=") for line in used.splitlines() if "=" in line[:30]]
    assert len(said) == 10
    cfg = compose_run("train", [f"hydra.run.dir={tmp_path / 'run'}"])[0]
    for path, _, value in said:
        option = OmegaConf.select(cfg, path.replace("<name>", "sin"))
        assert str(yaml.safe_load(value)) == str(option), path


def test_help_of_a_choice_within_shows_its_options(monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["mtl-train", "tasks.sin.loss=focal", "--help"])
    mtl_cli.train.main()
    assert "gamma: 2.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("tasks.sin.loss=f", "tasks.sin.loss=focal"),
        ("weighting=pcgrad weighting.losses=uw", "weighting.losses=uw"),
        ("tasks.sin.loss=focal tasks.sin.loss.g", "tasks.sin.loss.gamma="),
        ("arch=mm", "arch=mmoe"),
    ],
)
def test_choices_within_are_completed(monkeypatch, capsys, line, found) -> None:
    monkeypatch.setenv("COMP_LINE", f"mtl-train {line}")
    monkeypatch.setattr(sys, "argv", ["mtl-train", "-sc", "query=bash"])
    mtl_cli.train.main()
    assert capsys.readouterr().out.split() == [found]


def test_from_python_too_the_corrected_words_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["-"])
    with pytest.raises(Problem, match=r"try:   mtl_cli.train\(\['arch=mmoe'\]\)$"):
        mtl_cli.train(["arch=mmo"])
    with pytest.raises(Problem, match=r"try:   mtl_cli.train\(\['arch=mmoe', 'seed=1'\]\)"):
        mtl_cli.train("arch=mmoe seed=1")


def test_a_list_of_objectives_gives_a_figure_for_each(tmp_path: Path) -> None:
    summary = train(tmp_path / "run", *SMOKE, "objective=[loss,sin/mse]")
    best = summary["best"]
    expected = [best["sin"]["loss"] + best["cos"]["loss"], best["sin"]["mse"]]
    assert list(summary["objective"]) == pytest.approx(expected)
