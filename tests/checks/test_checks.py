"""Each check finds what it is for, finds nothing in a sound comparison, and can be silenced."""

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.checks.checks import CHECKS, CODES, check_codes, findings
from mtl_cli.checks.unanswered import not_answered
from mtl_cli.comparison.compare import compare
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.disk.run_folder import RunFolder

SIDES = ("hps", "single_task")
SOUND = {"epochs": 2, "best_epoch": {"a": 1, "b": 1}}


@pytest.fixture
def study(leave, options, tmp_path):
    """A comparison of hard sharing (or other architectures) with single-task, over five seeds."""

    def make(gain_a=0.0, gain_b=0.0, noise=0.001, archs=SIDES, summary=None, common=0.0, **more):
        paths, folder = [], tmp_path / str(len(list(tmp_path.iterdir())))
        for arch in archs:
            joint = arch != "single_task"
            for seed in range(5):
                wave = noise * (-1) ** seed * joint + common * (seed - 2)
                a = 1 - gain_a * joint + wave
                b = 0.5 + gain_b * joint + wave
                figures = {"a": {"mse": a, "loss": a}, "b": {"accuracy": b, "loss": 1 - b}}
                path = folder / f"{len(paths)}"
                kept = SOUND | (summary or {})
                paths.append(leave(path, figures, arch, seed, summary=kept, **more))
        return compare([read_run(path) for path in paths], options())

    return make


def codes(comparison, silenced=()):
    return {note.partition(":")[0] for note in findings(comparison, list(silenced))}


def test_a_sound_comparison_has_nothing_to_find(study) -> None:
    assert findings(study(gain_a=0.1, gain_b=0.1), []) == []


def test_test_that_was_watched(study) -> None:
    assert codes(study(options={"trainer.watch_test": True})) == {"test-watched"}


@pytest.mark.parametrize(
    ("summary", "found"),
    [
        ({"best_epoch": {"a": 1, "b": 2}}, {"best-is-last"}),
        ({"best_epoch": {"a": 1, "b": 2}, "status": "stopped_early"}, set()),
        ({"best_epoch": {"a": 2, "b": 2}, "dataset": {"name": "x", "sizes": {"val": 0}}}, set()),
    ],
)
def test_training_that_ended_while_val_improved(study, summary, found) -> None:
    assert codes(study(summary=summary)) == found


@pytest.mark.parametrize(
    ("option", "value", "longer"),
    [
        ("trainer.max_epochs", 2, "trainer.max_epochs=4"),
        ("trainer.max_steps", 30, "trainer.max_steps=60"),
        ("trainer.max_examples", 900, "trainer.max_examples=1920"),
        ("trainer.time_limit", "45m", "trainer.time_limit=1h30m"),
        ("trainer.time_limit", "soon", "trainer.max_epochs=4"),
    ],
)
def test_more_is_asked_of_the_limit_that_ended_it(study, option, value, longer) -> None:
    kept = {"best_epoch": {"a": 1, "b": 2}, "ended_by": option, "steps": 30, "examples": 960}
    found = findings(study(summary=kept, options={option: value}), ["ended-by-time"])
    assert [note.partition("verdict: ")[2] for note in found] == [f"{longer} for all settings"]


def test_runs_that_time_ended(study) -> None:
    kept = {"ended_by": "trainer.time_limit", "steps": 30}
    (note,) = findings(study(summary=kept), [])
    assert note.startswith("ended-by-time: 10 of 10 runs ended by trainer.time_limit, after 30 ")
    assert note.endswith("trainer.max_steps=30")
    assert findings(study(summary=kept), ["ended-by-time"]) == []


@pytest.mark.parametrize(
    ("objectives", "said"),
    [
        ({0.001: 3.0, 0.01: 2.0, 0.1: 1.0}, "optimizer.lr=1"),
        ({0.001: 1.0, 0.01: 2.0, 0.1: 3.0}, "optimizer.lr=0.0001"),
        ({0.001: 2.0, 0.01: 1.0, 0.1: 3.0}, None),
        ({0.001: 2.0}, None),
    ],
)
def test_a_learning_rate_at_the_edge_of_its_sweep(
    leave, options, tmp_path, objectives, said
) -> None:
    paths = [
        leave(
            tmp_path / f"{rate}",
            {"a": {"loss": 1.0}},
            options={"optimizer.lr": rate},
            summary=SOUND | {"objective": value},
        )
        for rate, value in objectives.items()
    ]
    notes = findings(compare([read_run(path) for path in paths], options()), [])
    assert [note.rpartition(" ")[2] for note in notes] == ([said] if said else [])


@pytest.mark.parametrize(
    ("val", "found"), [([3.0, 1.0, 1.5, 1.6, 1.7], True), ([3.0, 1.0, 1.02, 1.03, 1.04], False)]
)
def test_a_loss_that_rises_on_val_while_it_falls_on_train(
    leave, options, tmp_path, val, found
) -> None:
    path = leave(tmp_path / "run", {"a": {"loss": 1.0}}, summary=SOUND, epochs=1)
    folder = RunFolder(path)
    folder.cut_metrics(0)
    for epoch, value in enumerate(val, 1):
        folder.append_figures(epoch, epoch, "train", {"a": {"loss": 1 / epoch}})
        folder.append_figures(epoch, epoch, "val", {"a": {"loss": value}})
    assert codes(compare([read_run(path)], options())) == ({"overfitting"} if found else set())


def test_a_verdict_that_another_metric_turns(study, leave, options, tmp_path) -> None:
    paths = []
    for arch in SIDES:
        for seed in range(5):
            up = 0.1 * (arch == "hps")
            noise = 0.001 * seed * (arch == "hps")
            own = {"mse": 1 - up + noise, "mae": 1 + up + noise, "loss": 1.0}
            more = SOUND | {
                "metrics": {"a": {m: {"higher_is_better": False} for m in ("mse", "mae")}}
            }
            paths.append(leave(tmp_path / f"{arch}{seed}", {"a": own}, arch, seed, summary=more))
    [note] = findings(compare([read_run(path) for path in paths], options()), [])
    assert note.startswith("sign-of-metric: arch=hps: helps, but hurts by mae, the other")


def test_averages_that_disagree_turn_no_verdict_where_there_is_none(study) -> None:
    for gain_a, noise, found in ((0.1, 0.001, {"sign-of-metric"}), (0.1, 0.5, set())):
        comparison = study(gain_a=gain_a, gain_b=0.1, noise=noise)
        [gain] = [g.gain for g in comparison.tables[0].groups if g.gain is not None]
        gain.averages = {"by one": 1.0, "by another": -1.0}
        assert (gain.word == "helps") == bool(found)
        assert codes(comparison) & {"sign-of-metric"} == found


def test_a_gain_that_is_less_than_seeds_differ_by(study) -> None:
    # both sides have the same seeds' luck, so that the difference is sure, and small beside it
    found = study(gain_a=0.01, gain_b=0.005, common=0.05)
    assert codes(found) == {"within-spread"}
    assert codes(study(gain_a=0.5, gain_b=0.2)) == set()


def test_one_task_that_pays_for_another(study) -> None:
    [note] = findings(study(gain_a=0.3, gain_b=-0.05), [])
    assert note.startswith("one-task-pays: arch=hps: a +29.98 %, b -9.96 %. ")
    assert "tasks.b.weight=2" in note


def test_a_winner_of_many(study) -> None:
    archs = ("single_task", "hps", "mmoe", "cgc", "ple", "mtan")
    assert "picked-among-many" in codes(study(gain_a=0.1, gain_b=0.1, archs=archs))
    assert codes(study(gain_a=0.1, gain_b=0.1, archs=archs[:5])) == set()


def test_other_data_has_a_code(leave, options, tmp_path) -> None:
    paths = [
        leave(tmp_path / source, {"a": {"loss": 1.0}}, source=source, summary=SOUND)
        for source in ("x", "y")
    ]
    assert codes(compare([read_run(path) for path in paths], options())) == {"data-differ"}


def test_each_code_is_silenced_by_its_name(study) -> None:
    found = study(summary={"best_epoch": {"a": 2, "b": 2}}, options={"trainer.watch_test": True})
    assert codes(found) == {"best-is-last", "test-watched"}
    assert codes(found, ["best-is-last"]) == {"test-watched"}
    alone = study(archs=("hps",))
    asked = [not_answered(alone, lambda *_: "", silenced) for silenced in ([], ["no-baseline"])]
    assert [len(notes) for notes in asked] == [1, 0]
    assert asked[0][0].startswith("no-baseline: ")


def test_a_code_that_no_check_has_is_refused() -> None:
    with pytest.raises(Problem, match="few-seeds"):
        check_codes(["few-seed"])
    with pytest.raises(Problem, match="list"):
        check_codes("few-seeds")  # type: ignore[arg-type]
    assert len(set(CODES)) == len(CODES) == len(CHECKS) + 3
