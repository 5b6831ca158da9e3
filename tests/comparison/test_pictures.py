"""Pictures show what the folders hold: means and bands over seeds, intervals, fronts, shares."""

import statistics
from pathlib import Path

import pytest
from matplotlib.colors import to_hex

from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.compare import compare, telling
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.drawing import bars
from mtl_cli.drawing.bands import draw_tasks
from mtl_cli.drawing.bars import HELPS, HURTS, OPEN
from mtl_cli.drawing.experts import mean_shares, read_shares
from mtl_cli.drawing.front import draw_pairs, find_pairs
from mtl_cli.drawing.pictures import draw, forget_pictures, numbers_of, read
from mtl_cli.drawing.spread import band, common_end, draw_as_far_as_all_go
from mtl_cli.drawing.style import COLORS, look, names_of, new_figure

SHARES = "epoch,step,task,expert,share\n1,1,a,e1,0.9\n2,2,a,e1,0.25\n2,2,a,e2,0.75\n"


@pytest.fixture
def runs(leave, tmp_path) -> list[Path]:
    """Two seeds each of single-task and of a mixture with weights and gates."""
    paths = []
    for seed in range(2):
        base = {"a": {"mse": 1.0 + seed}, "b": {"accuracy": 0.5}}
        own = {"a": {"mse": 0.5 + seed}, "b": {"accuracy": 0.4}}
        paths.append(leave(tmp_path / f"s{seed}", base, "single_task", seed))
        weights = {"a": 1.0, "b": 2.0}
        paths.append(leave(tmp_path / f"m{seed}", own, "mmoe", seed, weights=weights))
        (paths[-1] / "diagnostics").mkdir()
        (paths[-1] / "diagnostics/gates.csv").write_text(SHARES)
    return paths


def test_a_band_is_mean_and_deviation_over_the_runs_that_have_the_epoch() -> None:
    lines = [[(1, 2.0), (2, 5.0)], [(1, 3.0)], [(1, 7.0), (2, float("nan"))]]
    sd = statistics.stdev([2.0, 3.0, 7.0])
    assert band(lines) == [(1, pytest.approx(4.0), pytest.approx(sd)), (2, 5.0, 0.0)]


def test_a_curve_is_faint_where_some_seeds_have_stopped() -> None:
    lines = [[(1, 2.0), (2, 5.0), (3, 4.0)], [(1, 3.0), (2, 1.0)]]
    axis = new_figure(3, 2, "").subplots()
    draw_as_far_as_all_go(axis, band(lines), common_end(lines), color="black")
    whole, faint = axis.lines
    assert list(whole.get_xdata()) == [1, 2]
    assert list(faint.get_xdata()) == [2, 3]
    assert faint.get_alpha() < 1


def test_everything_that_there_is_is_drawn(options, runs, tmp_path) -> None:
    comparison = compare([read_run(path) for path in runs], options())
    records = [read(table) for table in comparison.tables]
    files = draw(comparison, records, tmp_path)
    names = [path.name for path in files]
    assert names == ["learning_curves.png", "gain.png", "pareto.png", "weights.png", "experts.png"]
    assert records[0].damaged == []
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in files)
    forget_pictures(tmp_path)
    assert not list(tmp_path.glob("*.png"))


def test_learning_curves_are_those_of_val(options, runs) -> None:
    [table] = compare([read_run(path) for path in runs], options()).tables
    histories = read(table).histories
    figure = draw_tasks(table.groups, histories, ["a", "b"], "title", numbers_of([table]))
    axis = next(axis for axis in figure.axes if axis.get_title().startswith("a: mse"))
    assert axis.get_title() == "a: mse on val"
    lines = [list(line.get_ydata()) for line in axis.get_lines() if len(line.get_ydata())]
    assert sorted(lines) == [[2.0, 1.5], [2.5, 2.0]]  # the mean over seeds, plus 1 / epoch


def test_a_damaged_file_is_named_and_left_out_of_the_pictures_alone(
    options, runs, tmp_path
) -> None:
    with open(runs[0] / "metrics.csv", "a", encoding="utf-8") as file:
        file.write("3,30,val,a,ms")
    comparison = compare([read_run(path) for path in runs], options())
    line = len((runs[0] / "metrics.csv").read_text().splitlines())
    [note] = read(comparison.tables[0]).damaged
    assert f"{runs[0] / 'metrics.csv'}, line {line}" in note
    assert "3,30,val,a,ms" in note
    assert all(len(group.runs) == 2 for group in comparison.tables[0].groups)


def test_shares_are_the_last_ones_and_damaged_rows_are_named(runs, tmp_path) -> None:
    file = runs[1] / "diagnostics/gates.csv"
    assert read_shares(file) == {("a", "e1"): 0.25, ("a", "e2"): 0.75}
    assert mean_shares([{("a", "e"): 0.5}, {("a", "e"): 0.25}, {}]) == {("a", "e"): 0.375}
    file.write_text(SHARES + "3,3,a,e1,much\n")
    with pytest.raises(Problem, match="line 5"):
        read_shares(file)


def test_different_data_has_folders_of_its_own(options, runs, leave, tmp_path) -> None:
    other = leave(tmp_path / "o", {"a": {"mse": 1.0}}, source="other/../source")
    comparison = compare([read_run(path) for path in [*runs, other]], options())
    out = tmp_path / "out"
    out.mkdir()
    files = draw(comparison, [read(table) for table in comparison.tables], out)
    assert {path.parent.name for path in files} == {"1_made_generated", "2_made_other_.._source"}


def test_every_pair_of_tasks_has_its_front(options, runs) -> None:
    [table] = compare([read_run(path) for path in runs], options()).tables
    [pair] = find_pairs(table, None)
    assert pair.names == (("a", "mse"), ("b", "accuracy"))
    assert pair.higher == (False, True)
    assert sorted(pair.points) == [(1.0, 0.4), (1.5, 0.5)]
    assert len(pair.best) == 2
    assert "hypervolume" in pair.in_words


def test_few_settings_are_those_of_most_gain_with_their_baseline(options, leave, tmp_path) -> None:
    paths = [leave(tmp_path / "s", {"a": {"mse": 1.0}}, "single_task")]
    for number, value in enumerate([3.0, 0.5, 2.0, 0.7]):
        paths.append(leave(tmp_path / str(number), {"a": {"mse": value}}, f"m{number}"))
    [table] = compare([read_run(path) for path in paths], options()).tables
    assert [g.words for g in telling(table.groups, 3)] == ["arch=single_task", "arch=m1", "arch=m3"]


def looks_in(axis) -> dict[str, tuple[str, str]]:
    """Colour and line of every curve, by its last value, which is a setting's own here."""
    lines = [line for line in axis.get_lines() if len(line.get_ydata())]
    return {f"{line.get_ydata()[-1]:.3f}": line.get_color() for line in lines}


def test_a_setting_keeps_its_colour_in_all_pictures_of_a_report(options, leave, tmp_path) -> None:
    """Settings by their value: each picture shows others, in another order."""
    paths = [leave(tmp_path / "s", {"a": {"mse": 1.0}, "b": {"mse": 1.0}}, "single_task")]
    for number, value in enumerate([3.0, 0.5, 2.0]):
        figures = {"a": {"mse": value}, "b": {"mse": 4 - value}}
        paths.append(leave(tmp_path / str(number), figures, f"m{number}"))
    [table] = compare([read_run(path) for path in paths], options()).tables
    numbers = numbers_of([table])
    histories = read(table).histories
    few = draw_tasks(table.groups[1:3], histories, ["a"], "title", numbers)
    colors = {g.words: look(numbers[g.words])["color"] for g in table.groups}
    assert len(set(colors.values())) == 4
    known = {f"{g.mean('a', 'mse') + 0.5:.3f}": colors[g.words] for g in table.groups}
    assert looks_in(few.axes[0]).items() <= known.items()
    [pair] = find_pairs(table, None)
    points = draw_pairs([pair], "title", numbers).axes[0].collections
    for group in table.groups:
        means = [p for p in points if p.get_offsets().tolist() == [[*point_of(group)]]]
        assert to_hex(means[-1].get_facecolor()[0]) == colors[group.words]
    verdicts = {style["facecolor"] for style in (HELPS, HURTS, OPEN)}
    assert verdicts.isdisjoint(COLORS)
    assert len({(style["facecolor"], style.get("hatch")) for style in (HELPS, HURTS, OPEN)}) == 3
    assert len({str(look(n)) for n in range(24)}) == 24


def point_of(group) -> tuple[float, float]:
    return group.mean("a", "mse"), group.mean("b", "mse")


def test_one_seed_has_no_spread_and_no_claim(options, leave, tmp_path) -> None:
    paths = [leave(tmp_path / a, {"a": {"mse": 1.0}}, a) for a in ("hps", "mmoe")]
    [table] = compare([read_run(path) for path in paths], options()).tables
    histories = read(table).histories
    figure = draw_tasks(table.groups, histories, ["a"], "title", numbers_of([table]))
    assert "±" not in figure._suptitle.get_text()
    assert not figure.axes[0].collections


@pytest.mark.parametrize("settings", [2, 6])
def test_many_settings_have_whiskers_in_place_of_bands(options, leave, tmp_path, settings) -> None:
    paths = [
        leave(tmp_path / f"{n}{seed}", {"a": {"mse": n + seed}}, f"m{n}", seed)
        for n in range(settings)
        for seed in range(2)
    ]
    [table] = compare([read_run(path) for path in paths], options()).tables
    histories = read(table).histories
    figure = draw_tasks(table.groups, histories, ["a"], "title", numbers_of([table]))
    spreads = figure.axes[0].collections
    kinds = {type(one).__name__ for one in spreads}
    assert len(spreads) == settings
    assert kinds == ({"FillBetweenPolyCollection"} if settings == 2 else {"LineCollection"})
    assert "mean ± sd over seeds" in figure._suptitle.get_text()


def test_a_front_of_one_setting_is_no_line_but_a_sentence(options, leave, tmp_path) -> None:
    paths = [
        leave(tmp_path / a, {"a": {"mse": v}, "b": {"mse": v}}, a)
        for a, v in (("hps", 1.0), ("mmoe", 2.0))
    ]
    [table] = compare([read_run(path) for path in paths], options()).tables
    pairs = find_pairs(table, None)
    axis = draw_pairs(pairs, "title", numbers_of([table])).axes[0]
    assert not [line for line in axis.get_lines() if len(line.get_xdata())]
    assert axis.get_title() == "no front: arch=hps is the best in both"


def test_long_numbers_are_cut_where_settings_stay_different() -> None:
    assert names_of(["lr=0.30000000000000004", "lr=0.1"]) == ["lr=0.3", "lr=0.1"]
    same = ["lr=0.30000000000000004", "lr=0.30000000000000005"]
    assert names_of(same) == same


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ((1.0, 0.5), (2.0, 0.5), "arch=hps is the best in a, and a tie in b"),
        ((1.0, 0.5), (1.0, 0.4), "arch=hps is the best in b, and a tie in a"),
        ((1.0, 0.5), (1.0, 0.5), "none is better than arch=hps, arch=mmoe in either, and a tie"),
    ],
)
def test_a_front_of_one_point_says_where_there_is_a_tie(
    options, leave, tmp_path, first, second, said
) -> None:
    paths = [
        leave(tmp_path / arch, {"a": {"mse": a}, "b": {"accuracy": b}}, arch)
        for arch, (a, b) in (("hps", first), ("mmoe", second))
    ]
    [table] = compare([read_run(path) for path in paths], options()).tables
    axis = draw_pairs(find_pairs(table, None), "title", numbers_of([table])).axes[0]
    assert not [line for line in axis.get_lines() if len(line.get_xdata())]
    assert axis.get_title().replace("\n", " ").startswith(f"no front: {said}")


def test_the_legend_of_gain_has_the_verdicts_that_there_are(options, runs, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(bars, "save", lambda figure, path: drawn.append(figure))
    [table] = compare([read_run(path) for path in runs], options()).tables  # two seeds: no verdict
    bars.draw_gain(table.groups, 0.95, "title", tmp_path)
    [legend] = drawn[0].legends
    assert [text.get_text() for text in legend.get_texts()] == ["no verdict"]
    assert legend.get_title().get_text() == "no verdict has an interval"
