"""From run folders to a comparison: settings side by side, with Gain and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mtl_cli.basis.errors import check_boolean, check_choice, check_number, problem
from mtl_cli.comparison.averaged import ALL
from mtl_cli.comparison.baseline import check_wish, set_baselines
from mtl_cli.comparison.gain import mean_ranks
from mtl_cli.comparison.group import Group, Table, make_tables
from mtl_cli.comparison.judge import compared, judge
from mtl_cli.comparison.others import set_others
from mtl_cli.comparison.published import last_epochs, published
from mtl_cli.comparison.saved_run import SavedRun
from mtl_cli.comparison.widened import beat_widened

FORMATS = ["csv", "md", "tex", "html"]


@dataclass(frozen=True)
class Options:
    """What a user sets of a report.

    Args:
        out: the folder of the files; None: ``report`` beside what was named.
        overwrite: whether files that are there may be replaced.
        formats: of what is written, of `FORMATS`: tables, and ``html``, the page.
        pictures: whether to draw.
        pictures_format: ``png`` or ``pdf``.
        pictures_width: of a paper's column, with its unit; None: a screen.
        split: where figures are of: ``test`` (val where there is none), or ``val``.
        metric: what Gain and ranks compare in the tasks that have it; None: each task's first;
            ``all``: Gain averages all metrics of each task, and then the tasks.
        as_published: ``last10``: in place of test with the best weights, the mean of test over the
            last ten epochs, on which no verdict is given; None: no.
        baseline: a folder of runs, or words of a setting; None: ``arch=single_task``.
        confidence: that no verdict of the report is wrong, 0 to 1.
        negligible: a Gain that does not matter, in percent; 0: each matters.
        runs: the folder of all runs, where ``latest`` is looked for.
        silence: codes of the checks that say nothing.
    """

    out: str | None
    overwrite: bool
    formats: list[str]
    pictures: bool
    pictures_format: str
    pictures_width: str | None
    split: str
    metric: str | None
    as_published: str | None
    baseline: str | None
    confidence: float
    negligible: float
    runs: str
    silence: list[str]

    def __post_init__(self) -> None:
        if not isinstance(self.formats, list):
            rule = f"must be a list, of {', '.join(FORMATS)}"
            one = self.formats if self.formats in FORMATS else ",".join(FORMATS)
            raise problem("formats", rule, self.formats, f"'formats=[{one}]'")
        for name in self.formats:
            check_choice("each of formats", name, FORMATS, f"'formats=[{','.join(FORMATS)}]'")
        check_boolean("overwrite", self.overwrite)
        check_boolean("pictures", self.pictures)
        check_choice("split", self.split, ["test", "val"], "split=test")
        if last_epochs(self.as_published) is not None and self.split != "test":
            rule = "is of figures on test"
            raise problem("as_published", rule, f"split={self.split}", "split=test")
        check_number("confidence", self.confidence, "confidence=0.95", 0.5, 0.999)
        check_number("negligible", self.negligible, "negligible=0.5", 0.0)
        for name in ("out", "metric", "baseline", "runs"):
            value = getattr(self, name)
            if not isinstance(value, str | None):
                raise problem(name, "must be a word", value, f"{name}='\"{value}\"'")


@dataclass(frozen=True, eq=False)
class Comparison:
    """What was found out.

    Args:
        options: what the user set.
        tables: one for each data set.
        left_out: the runs that do not count.
        remarks: what there is to say of single settings.
    """

    options: Options
    tables: list[Table]
    left_out: list[SavedRun]
    remarks: list[str]


def compare(runs: Sequence[SavedRun], options: Options) -> Comparison:
    """Groups the runs and computes everything that a report says of them."""
    epochs = last_epochs(options.as_published)
    if epochs is not None:
        runs = [published(run, epochs) for run in runs]
    tables = make_tables([run for run in runs if run.trouble is None], options.split)
    for table in tables:
        table.last_epochs = epochs
    check_wish(tables, options.baseline)
    check_metric(tables, options.metric)
    for table in tables:
        set_baselines(table, options.baseline)
    remarks = judge(tables, options.metric, options.confidence, options.negligible)
    for table in tables:
        for group in table.groups:
            beat_widened(table, group, options.metric)
            set_others(table, group, options.metric, options.negligible)
        set_ranks(table, options.metric)
        table.groups[:] = in_order(table.groups)
    return Comparison(options, tables, [run for run in runs if run.trouble is not None], remarks)


def in_order(groups: Sequence[Group]) -> list[Group]:
    """By rank, and after each baseline the settings that are compared with it, by their Gain."""
    by_rank = sorted(groups, key=lambda group: group.rank or float("inf"))
    ordered = []
    for base in by_rank:
        if base.baseline is base or base.baseline is None:
            own = [group for group in by_rank if group.baseline is base and group is not base]
            ordered += [base, *sorted(own, key=lambda group: -gain_of(group))]
    return ordered + [group for group in by_rank if group not in ordered]


def gain_of(group: Group) -> float:
    """For sorting."""
    gain = group.gain.total if group.gain is not None else None
    return float("-inf") if gain is None else gain


def telling(groups: Sequence[Group], most: int) -> list[Group]:
    """So many settings for a picture: those of most Gain with their baselines, then by rank."""
    best = sorted(groups, key=lambda group: (-gain_of(group), group.rank or float("inf")))
    picked: dict[int, Group] = {}
    for group in best:
        for one in (group.baseline, group):
            if one is not None and len(picked) < most:
                picked[id(one)] = one
    return [group for group in groups if id(group) in picked]


def check_metric(tables: Sequence[Table], metric: str | None) -> None:
    """Refuses a metric that no task has."""
    known = sorted({name for table in tables for _, name in table.columns})
    if metric not in (None, ALL) and known:
        check_choice("metric", metric, known, f"metric={known[0]}")


def set_ranks(table: Table, metric: str | None) -> None:
    """Ranks the groups of a table on each task, and gives each group its mean."""
    higher: dict[str, bool] = {}
    figures: list[dict[str, float]] = []
    for group in table.groups:
        own: dict[str, float] = {}
        for task, name in compared(group, metric).items():
            value, up = group.mean(task, name), group.higher_is_better(task, name)
            if value is not None and up is not None:
                own[task] = value
                higher[task] = up
        figures.append(own)
    for group, rank in zip(table.groups, mean_ranks(figures, higher), strict=True):
        group.rank = rank
