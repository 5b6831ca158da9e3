"""From folders to the numbers of a report: baselines, Gain, ranks, and what is not answered."""

import json
import statistics
from pathlib import Path

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.checks.checks import findings
from mtl_cli.checks.unanswered import not_answered
from mtl_cli.comparison.answers import answers
from mtl_cli.comparison.compare import compare
from mtl_cli.comparison.grids import grids
from mtl_cli.comparison.remarks import remarks
from mtl_cli.comparison.saved_run import read_run


def figures(a: float, b: float) -> dict[str, dict[str, float | None]]:
    return {"a": {"mse": a, "mae": 9.0, "loss": a}, "b": {"accuracy": b, "loss": 1.0}}


def compared(options, *paths: Path, **wishes):
    return compare([read_run(path) for path in paths], options(**wishes))


def said(comparison) -> str:
    notes = not_answered(comparison, lambda group, seeds, base: f"TRAIN {base} {[*seeds]}", [])
    return "\n".join([*notes, *findings(comparison, []), *remarks(comparison)])


@pytest.fixture
def three_seeds(leave, tmp_path):
    """Three seeds of single-task and of hard sharing."""

    def make(**other) -> list[Path]:
        paths = []
        for seed in range(3):
            base, own = figures(1.0 + seed / 10, 0.5), figures(0.5 + seed / 10, 0.6 + seed / 100)
            paths.append(leave(tmp_path / f"s{seed}", base, "single_task", seed))
            paths.append(leave(tmp_path / f"h{seed}", own, "hps", seed, **other))
        return paths

    return make


def test_gain_compares_the_means_of_each_tasks_first_metric(options, three_seeds) -> None:
    comparison = compared(options, *three_seeds())
    base, own = comparison.tables[0].groups
    assert (base.words, own.words) == ("arch=single_task", "arch=hps")
    a, b = statistics.mean([0.5, 0.6, 0.7]), statistics.mean([0.6, 0.61, 0.62])
    expected = 100 / 2 * (-(a - 1.1) / 1.1 + (b - 0.5) / 0.5)
    assert own.gain.total == pytest.approx(expected)
    assert own.gain.pairs == 3
    assert own.gain.low <= own.gain.total <= own.gain.high
    assert own.gain.word == "helps"
    assert base.baseline is base
    assert (own.rank, base.rank) == (1.0, 2.0)
    assert own.seconds == 1.5
    assert own.parameters == 1234
    assert "arch=hps on made (generated): helps (Gain " in answers(comparison)[0]


def test_another_metric_can_be_compared_where_a_task_has_it(options, three_seeds) -> None:
    paths = three_seeds()
    own = compared(options, *paths, metric="mae").tables[0].groups[1]
    assert own.gain.per_task["a"] == 0
    assert own.gain.per_task["b"] == pytest.approx(22)
    with pytest.raises(Problem, match="metric must be one of accuracy, loss, mae, mse"):
        compared(options, *paths, metric="msee")


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ({"options": {"encoder.hidden": [4]}}, "encoder.hidden ([8,8], not [4])"),
        ({"options": {"optimizer.lr": 0.1}}, "optimizer.lr (0.001, not 0.1)"),
        ({"epochs": 5}, "trainer.max_epochs (2, not 5)"),
        ({"options": {"dataset.batch_size": 4}}, "dataset.batch_size (8, not 4)"),
        ({"options": {"tasks.a.head": {"hidden": [3]}}}, "tasks.a.head.hidden ([], not [3])"),
    ],
)
def test_a_baseline_of_another_encoder_or_budget_is_none(options, three_seeds, other, word) -> None:
    comparison = compared(options, *three_seeds(**other))
    assert all(group.gain is None for group in comparison.tables[0].groups)
    text = said(comparison)
    assert "no single-task baseline for arch=hps" in text
    assert word in text
    assert "TRAIN True [0, 1, 2]" in text


def test_what_is_about_sharing_may_differ(options, three_seeds) -> None:
    own = three_seeds(weighting="uw", options={"tasks.a.weight": 0.5}, arch_options={"depth": 2})
    assert compared(options, *own).tables[0].groups[1].gain is not None


def test_different_sources_are_not_compared_and_the_reason_is_said(options, three_seeds) -> None:
    comparison = compared(options, *three_seeds(source="mnist"))
    assert [len(table.groups) for table in comparison.tables] == [1, 1]
    assert all(group.gain is None for table in comparison.tables for group in table.groups)
    text = said(comparison)
    assert "different data is never averaged or compared" in text
    assert "source (generated, mnist)" in text


def test_a_run_that_did_not_finish_is_never_averaged_in(options, leave, three_seeds) -> None:
    paths = three_seeds()
    paths.append(leave(paths[0].parent / "bad", figures(99.0, 0.0), "hps", 3, status="failed"))
    comparison = compared(options, *paths)
    assert comparison.tables[0].groups[1].seeds == [0, 1, 2]
    assert [run.folder.path.name for run in comparison.left_out] == ["bad"]


def test_under_three_pairs_there_is_no_interval_and_the_missing_seeds_are_named(
    options, leave, tmp_path
) -> None:
    paths = [leave(tmp_path / f"s{s}", figures(1.0, 0.5), "single_task", s) for s in (0, 1)]
    paths += [leave(tmp_path / f"h{s}", figures(0.9, 0.5), "hps", s) for s in (1, 2)]
    comparison = compared(options, *paths)
    [own] = [group for group in comparison.tables[0].groups if group.gain]
    assert own.gain.pairs == 1
    assert own.gain.total == pytest.approx(5.0)
    assert own.gain.low is None
    text = said(comparison)
    assert "1 pair of seeds with its baseline, 3 are needed" in text
    assert "TRAIN False [0]\nTRAIN False [2]" in text
    assert "not enough runs to say" in answers(comparison)[0]


def test_a_baseline_of_0_is_reported(options, leave, tmp_path) -> None:
    paths = [leave(tmp_path / f"s{s}", figures(0.0, 0.5), "single_task", s) for s in range(3)]
    paths += [leave(tmp_path / f"h{s}", figures(0.1, 0.6), "hps", s) for s in range(3)]
    comparison = compared(options, *paths)
    [own] = [group for group in comparison.tables[0].groups if group.gain]
    assert own.gain.total is None
    assert "the baseline of a is 0, not divided by" in said(comparison)
    assert "over the others it is +20.00 %" in said(comparison)


def test_unequal_budgets_are_said(options, three_seeds) -> None:
    text = said(compared(options, *three_seeds(epochs=5), baseline="arch=single_task"))
    assert "budgets are unequal: trainer.max_epochs is " in text
    assert "its baseline arch=single_task trainer.max_epochs=2 differs in" in text


def test_any_setting_or_folder_can_be_the_baseline(options, three_seeds) -> None:
    paths = three_seeds()
    by_words = compared(options, *paths, baseline="arch=hps").tables[0].groups
    by_folder = compared(options, *paths, baseline=str(paths[1])).tables[0].groups
    for groups in (by_words, by_folder):
        assert [group.baseline.words for group in groups] == ["arch=hps"] * 2
        [gain] = [group.gain.total for group in groups if group.gain]
        assert gain < 0
    with pytest.raises(Problem, match=r"baseline must be a folder of runs(.|\n)*'baseline=arch="):
        compared(options, *paths, baseline="arch=nothing")


def test_a_fixed_weighting_goes_before_another_as_baseline(options, leave, three_seeds) -> None:
    paths = three_seeds(weighting="uw")
    place = paths[0].parent
    paths += [
        leave(place / f"u{seed}", figures(1.0, 0.5), "single_task", seed, weighting="uw")
        for seed in range(3)
    ]
    groups = compared(options, *paths).tables[0].groups
    assert {g.baseline.choices["weighting"] for g in groups} == {"fixed"}


def test_a_setting_with_fewer_tasks_is_compared_on_these(options, leave, tmp_path) -> None:
    only_a = {"a": {"mse": 0.5}}
    paths = [leave(tmp_path / f"s{s}", figures(1.0, 0.5), "single_task", s) for s in range(3)]
    paths += [leave(tmp_path / f"h{s}", only_a, "hps", s) for s in range(3)]
    [own] = [group for group in compared(options, *paths).tables[0].groups if group.gain]
    assert own.gain.per_task == {"a": pytest.approx(50.0)}


def test_without_test_val_is_compared(options, leave, tmp_path) -> None:
    paths = [
        leave(tmp_path / f"{arch}{s}", figures(1.0, 0.5), arch, s, summary={"test": {}})
        for arch in ("single_task", "hps")
        for s in range(3)
    ]
    [table] = compared(options, *paths).tables
    assert table.split == "val"
    assert table.groups[1].gain.total == 0.0


def test_newer_versions_devices_and_parts_of_splits_are_named(options, leave, tmp_path) -> None:
    newer = {"versions": {"mtl-cli": "99.0"}, "device": "cuda"}
    part = {"trainer.max_batches": 2}
    paths = [leave(tmp_path / "0", figures(1.0, 0.5), options=part)]
    paths.append(leave(tmp_path / "1", figures(1.0, 0.5), seed=1, summary=newer, options=part))
    text = said(compared(options, *paths))
    assert f"{tmp_path / '1'}: made by mtl-cli 99.0, newer than this" in text
    assert "pip install --upgrade mtl-cli" in text
    assert "times are of different devices: cpu, cuda" in text
    assert "figures are of 2 batches of each split" in text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"formats": ["cvs"]}, "each of formats must be one of csv, md, tex, html"),
        ({"formats": "csv"}, "formats must be a list"),
        ({"confidence": 95}, "confidence must be a number from 0.5 to 0.999"),
        ({"split": "train"}, "split must be one of test, val"),
        ({"pictures": "no"}, "pictures must be true or false"),
    ],
)
def test_options_are_checked(options, wrong, words) -> None:
    with pytest.raises(Problem, match=words):
        options(**wrong)


FLOOR = {"a": {"mse": 2.0, "loss": 2.0}, "b": {"accuracy": 0.5, "loss": 0.72}}


def study(
    leave,
    folder,
    own,
    base,
    floor=FLOOR,
    parameters=(100, 100),
    seeds=5,
    anew=True,
    given=None,
    drawn=("val", "test"),
):
    """Seeds of hard sharing and of single-task, with a little noise."""
    paths = []
    sides = {"hps": (own, parameters[0]), "single_task": (base, parameters[1])}
    for arch, (of_seed, size) in sides.items():
        for seed in range(seeds):
            a, b = of_seed(seed)
            summary = {"floor": floor, "floor_split": "test", "parameters": {"total": size}}
            if anew:
                summary["dataset"] = {
                    "name": "made",
                    "source": "x",
                    "sizes": {"train": 80, "val": 8, "test": 8},
                    "drawn": list(drawn),
                }
            values = {"a": {"mse": a, "loss": a}, "b": {"accuracy": b, "loss": 1.0 - b / 2}}
            options = {"dataset.split.seed": None} if given is None else given
            options = options if anew else {}
            path = folder / f"{arch}{seed}"
            paths.append(leave(path, values, arch, seed, summary=summary, options=options))
    return paths


@pytest.mark.parametrize(
    ("more", "seeds", "words"),
    [
        ({}, 5, "over 5 folds, each row tested once"),
        ({}, 10, "over 10 folds of 2 deals, each row tested once a deal"),
        ({}, 4, "over 4 folds (1 is lacking), each row tested once"),
        ({"dataset.split.by": "time"}, 5, "over 5 folds, each trained on what was before it"),
        ({"dataset.split.fold": 2}, 5, "over 5 seeds (0, 1, 2, 3, 4), each on a split of its own"),
        (
            {"dataset.split.by": "group", "dataset.split.column": "patient"},
            5,
            "over 5 folds, each row tested once, no patient in two splits",
        ),
        (
            {"dataset.split.by": "group", "dataset.sources.a.split.by": "fraction"},
            5,
            "over 5 folds, each row tested once: one",
        ),
    ],
)
def test_seeds_that_are_folds_are_called_so_and_corrected_alike(
    leave, tmp_path, options, more, seeds, words
):
    folds = {"dataset.split.folds": 5, "dataset.split.fold": None, "dataset.split.seed": None}
    plain = study(leave, tmp_path / "a", better, worse, seeds=seeds)
    paths = study(leave, tmp_path / "f", better, worse, seeds=seeds, given=folds | more)
    assert words in answer(options, paths)
    found = [compared(options, *own).tables[0].groups for own in (plain, paths)]
    intervals = [next((g.gain.low, g.gain.high) for g in own if g.gain) for own in found]
    assert intervals[0] == intervals[1]


@pytest.mark.parametrize("more", [{"dataset.split.seed": 3}, {"dataset.split.by": "time"}])
def test_runs_of_one_fold_count_as_one(leave, tmp_path, options, more):
    def noisy(seed):
        return 1.0 + 0.01 * (seed * 7 % 11), 0.8 + 0.01 * (seed * 5 % 7)

    def mean_of_fold(seed):
        both = zip(noisy(seed), noisy(seed + 5), strict=True)
        a, b = (statistics.mean(pair) for pair in both)
        return a, b

    folds = {"dataset.split.folds": 5, "dataset.split.fold": None, "dataset.split.seed": None}
    given = folds | more
    sides = {"r": (noisy, 10), "m": (mean_of_fold, 5)}
    paths = {
        name: study(leave, tmp_path / name, own, lambda seed: (1.2, 0.75), seeds=n, given=given)
        for name, (own, n) in sides.items()
    }
    assert "over 5 folds, 10 runs of which those of a fold count as one" in answer(
        options, paths["r"]
    )
    found = [compared(options, *own).tables[0].groups for own in paths.values()]
    ends = [next([g.gain.low, g.gain.high] for g in own if g.gain) for own in found]
    assert ends[0] == pytest.approx(ends[1])


def test_what_runs_say_of_their_splits_is_said_once(leave, tmp_path, options):
    paths = study(leave, tmp_path, better, worse, seeds=3)
    for path in paths:
        file = path / "summary.json"
        said = json.loads(file.read_text(encoding="utf-8"))
        said["dataset"]["split"] = {"by": "fraction", "remark": "rows share patient"}
        file.write_text(json.dumps(said), encoding="utf-8")
    notes = remarks(compared(options, *paths))
    assert [note for note in notes if "rows share" in note] == ["made (x): rows share patient"]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([1, 1, 1], []),
        ([2, 2, 2], ["made (x): each run was trained in 2 processes"]),
        ([2, None, 1], ["times are of different numbers of processes: 1, 2"]),
    ],
)
def test_in_how_many_processes_runs_were_trained_is_said(leave, tmp_path, options, numbers, said):
    paths = study(leave, tmp_path, better, worse, seeds=3)
    for path, number in zip(paths, [*numbers, *numbers], strict=True):
        file = path / "summary.json"
        own = {"processes": number} if number else {}  # an older run
        file.write_text(json.dumps(json.loads(file.read_text()) | own), encoding="utf-8")
    notes = remarks(compared(options, *paths))
    assert [note for note in notes if "processes" in note] == said


def test_groups_dealt_anew_are_one_table_whatever_their_sizes(leave, tmp_path, options):
    paths = study(leave, tmp_path, better, worse, seeds=3)
    for seed, path in enumerate(paths):
        file = path / "summary.json"
        said = json.loads(file.read_text(encoding="utf-8"))
        said["dataset"]["sizes"] = {"train": 80 - seed, "val": 8, "test": 8 + seed}
        file.write_text(json.dumps(said), encoding="utf-8")
    [table] = compared(options, *paths).tables
    assert sorted(len(group.runs) for group in table.groups) == [3, 3]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"dataset.split.seed": None}, "each on a split of its own"),
        ({"dataset.seed": None}, "each on a split of its own"),  # of what is made up
        ({"dataset.split.seed": 3}, "on this split"),
        ({}, "on this split"),
    ],
)
def test_each_seed_deals_anew_where_the_seed_of_the_split_is_the_runs(
    leave, tmp_path, options, given, words
):
    paths = study(leave, tmp_path, better, worse, given=given)
    assert words in answer(options, paths)


def test_a_split_by_time_is_a_given_one(leave, tmp_path, options):
    paths = study(leave, tmp_path, better, worse, drawn=[])
    assert "on this split" in answer(options, paths)


def better(seed):
    return 0.5 + 0.01 * (seed % 3), 0.9 - 0.01 * (seed % 2)


def worse(seed):
    return 1.0 + 0.02 * (seed % 2), 0.7 + 0.01 * (seed % 3)


def guess(seed):
    return 2.0 + 0.05 * (-1) ** seed, 0.5 + 0.02 * (-1) ** seed


def answer(options, paths):
    return " ".join(answers(compared(options, *paths)))


def test_a_verdict_says_seeds_splits_sides_and_sizes_in_plain_words(options, leave, tmp_path):
    text = answer(options, study(leave, tmp_path, better, worse, parameters=(120, 200)))
    assert "arch=hps on made (x): helps (Gain +" in text
    assert "Δm -" in text
    assert "95 % interval +" in text
    assert "over 5 seeds (0, 1, 2, 3, 4), each on a split of its own" in text
    assert "one shared model of 120 parameters" in text
    assert "against a separate model for each task of 200 parameters" in text


def test_where_nothing_was_learned_nothing_is_compared(options, leave, tmp_path):
    paths = study(leave, tmp_path, guess, lambda seed: guess(seed + 1))
    [own] = [g for g in compared(options, *paths).tables[0].groups if g.gain]
    assert own.gain.word == "nothing was learned"
    text = answer(options, paths)
    assert "nothing was learned, so nothing can be compared" in text
    assert "helps" not in text
    assert "hurts" not in text


def test_a_task_that_nobody_learned_leaves_verdicts_on_the_others(options, leave, tmp_path):
    def half(side):
        return lambda seed: (side(seed)[0], guess(seed)[1])

    floor = {"a": FLOOR["a"], "b": {"accuracy": 0.55, "loss": 0.7}}
    paths = study(leave, tmp_path, half(better), half(worse), floor)
    [own] = [g for g in compared(options, *paths).tables[0].groups if g.gain]
    assert own.gain.whole is None
    assert own.gain.word == "no verdict; a: helps"
    assert "no verdict on the whole, for neither side learned b" in answer(options, paths)


def test_without_a_floor_nobody_knows_and_the_verdict_stands(options, leave, tmp_path):
    assert ": helps (" in answer(options, study(leave, tmp_path, better, worse, floor={}))


def test_on_a_given_split_it_speaks_of_that_split_and_is_surer(options, leave, tmp_path):
    given = compared(options, *study(leave, tmp_path / "given", better, worse, anew=False))
    anew = compared(options, *study(leave, tmp_path / "anew", better, worse))
    assert "on this split" in " ".join(answers(given))
    [one], [other] = ([g for g in c.tables[0].groups if g.gain] for c in (given, anew))
    assert one.gain.whole.high - one.gain.whole.low < other.gain.whole.high - other.gain.whole.low


def test_other_metrics_by_which_the_verdict_would_differ_are_named(options, leave, tmp_path):
    def tied(seed):
        return worse(seed)[0], better(seed)[1]

    comparison = compared(options, *study(leave, tmp_path, better, tied))
    [own] = [g for g in comparison.tables[0].groups if g.gain]
    wished = compared(options, *study(leave, tmp_path / "l", better, tied), metric="loss")
    [other] = [g for g in wished.tables[0].groups if g.gain]
    said = own.gain.others.get("loss", own.gain.word)
    assert said == other.gain.word


def test_a_seed_without_a_figure_on_one_side_does_not_count_and_is_named(options, leave, tmp_path):
    paths = study(leave, tmp_path, better, worse)
    said = json.loads((paths[2] / "summary.json").read_text())
    said["test"]["b"]["accuracy"] = None
    (paths[2] / "summary.json").write_text(json.dumps(said))
    text = answer(options, paths)
    assert "over 4 seeds (0, 1, 3, 4), without 2, of which one side lacks a figure" in text


def test_without_a_floor_it_is_said_that_nobody_knows(options, leave, tmp_path):
    said = "Whether a, b was learned is not known"
    assert said in answer(options, study(leave, tmp_path / "old", better, worse, floor={}))
    assert said not in answer(options, study(leave, tmp_path / "new", better, worse))


def test_an_interval_is_headed_by_the_level_that_it_has(options, leave, tmp_path):
    """Of several verdicts that is Holm's, not the report's."""
    paths = study(leave, tmp_path / "x", better, worse)
    one = compared(options, *paths)
    [grid, *_] = grids(one.tables[0], one.options)
    assert grid.header[3] == "95 % interval"
    for arch, noise in (("mmoe", 0.0), ("cgc", 0.3)):
        for seed in range(5):
            a, b = better(seed)
            own = {"a": {"mse": a + noise * (seed - 2), "loss": a}, "b": {"accuracy": b}}
            summary = json.loads((paths[0] / "summary.json").read_text())
            said = {key: summary[key] for key in ("floor", "floor_split", "dataset")}
            split = {"dataset.split.seed": None}
            path = tmp_path / f"{arch}{seed}"
            paths.append(leave(path, own, arch, seed, summary=said, options=split))
    several = compared(options, *paths)
    [grid, *_] = grids(several.tables[0], several.options)
    levels = {g.words: g.gain.whole.confidence for g in several.tables[0].groups if g.gain}
    assert len(set(levels.values())) > 1
    assert max(levels.values()) == pytest.approx(1 - 0.05 / 3)
    assert grid.header[3] == "interval"
    for row in grid.rows:
        if row[0] in levels:
            assert row[3].endswith(f"({100 * levels[row[0]]:.4g} %)")
    assert "up to 98.33 %, by Holm's procedure, so that with 95 % none of the 3" in said_of(several)


def said_of(comparison):
    return " ".join(remarks(comparison))


def test_of_few_seeds_it_is_not_said_that_the_floor_is_missing(options, leave, tmp_path):
    few = answer(options, study(leave, tmp_path / "few", better, worse, seeds=2))
    assert "not enough runs to say" in few
    assert "is not known" not in few
    unknown = answer(options, study(leave, tmp_path / "many", better, worse, floor={}))
    assert "Whether a, b was learned is not known, for fewer than 3 runs of a side say" in unknown
