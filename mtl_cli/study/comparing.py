"""``mtl_cli.compare``: the verdict of ``study=baselines`` on rows that Python holds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.command_line.cli import checked, compose, job_config
from mtl_cli.command_line.grammar import value
from mtl_cli.command_line.job_line import finished_line, say
from mtl_cli.command_line.kind_in_file import ROWS, kind_of_cells
from mtl_cli.command_line.own_parts import conf_folders
from mtl_cli.command_line.places import CONF
from mtl_cli.command_line.python_call import compare_call, offered_in_python
from mtl_cli.comparison.baseline import BASELINE
from mtl_cli.comparison.files import Report
from mtl_cli.dataset.files.held import PREFIX, held
from mtl_cli.disk.new_folder import create_folder
from mtl_cli.disk.run_folder import RunFolder, from_here
from mtl_cli.run.job import one_of_a_sweep
from mtl_cli.study.report import make_report
from mtl_cli.study.report_words import read_words
from mtl_cli.study.widening import WIDENED, widened_options, with_options

if TYPE_CHECKING:
    import pandas

WIDTH = 100  # of the text, in characters


@dataclass(frozen=True, repr=False)
class Answer:
    """What a comparison found: ``print`` it.

    Args:
        report: with all figures.
        folder: of the runs; its report, tables and pictures, is in ``report`` inside it.
    """

    report: Report
    folder: Path

    @property
    def verdicts(self) -> list[str]:
        """Whether sharing helps: a sentence for each setting."""
        return self.report.notes["Does sharing help?"]

    @property
    def table(self) -> pandas.DataFrame:
        """All figures, a row a setting, as ``report.csv`` has them."""
        import io

        import pandas

        return pandas.read_csv(io.StringIO(self.report.csv()))

    @property
    def pictures(self) -> list[Path]:
        return sorted((self.folder / "report").glob("*.png"))

    def __repr__(self) -> str:
        groups = [group for table in self.report.comparison.tables for group in table.groups]
        said = [f"{group.words}: {group.gain.word}" for group in groups if group.gain is not None]
        return f"<Answer {', '.join(said)}; in {self.folder}, and print(...) says all>"

    def __str__(self) -> str:
        return f"{self.report.text(WIDTH)}\n\nreport      {from_here(self.folder / 'report')}"

    def _repr_markdown_(self) -> str:  # as notebooks show it
        return self.report.markdown()


def compare(
    data: Any,
    targets: Mapping[str, Any],
    arch: str | Sequence[str] = "hps",
    seeds: int = 5,
    words: Sequence[str] = (),
    folder: str | Path | None = None,
) -> Answer:
    """Trains architectures and single-task on the rows of a table, and says whether sharing helps.

    Each seed deals the rows anew, or with ``words=["dataset.split.folds=5"]`` is a fold. Where a
    joint model has more than 1.5 times the parameters of single-task, that is trained as wide, too,
    as ``study=baselines`` does.

    Args:
        data: a `pandas.DataFrame`, a `pyarrow.Table`, or ``{column: its cells}``.
        targets: ``{task: kind}``, or ``{task: {"kind": ..., ...}}``, as ``dataset.targets``.
        arch: architectures, ``"mmoe"`` or ``["hps", "mmoe"]``.
        seeds: how many, from 0 on; at least 2, since one alone has no spread.
        words: more words of the command line, for all of them: ``["trainer.max_epochs=20"]``.
        folder: of the runs; one that an earlier call left goes on, with the same data and words.
            None: a new one in ``runs``.

    Raises:
        ValueError: where the data or a word is not what it has to be.
    """
    chosen = [arch] if isinstance(arch, str) else list(arch)
    joint = [name for name in chosen if name != BASELINE]
    if not joint or not isinstance(seeds, int) or seeds < 2:
        rule = "needs an architecture that shares, and two seeds or more"
        found = f"arch={chosen}, seeds={seeds}"
        raise problem("mtl_cli.compare", rule, found, 'arch=["hps", "mmoe"], seeds=5')
    check_targets(data, targets, words)
    given = ["dataset=table", f"dataset.path={PREFIX}data", f"dataset.targets={value(targets)}"]
    given += words
    with held({"data": data}):
        for name in joint:  # before the first of them makes a folder
            with offered_in_python([*given, f"arch={name}"], partial(as_call, joint, name, seeds)):
                checked("train", [*given, f"arch={name}"])
        whole, number = a_folder(folder, given), 0
        for name in [*joint, BASELINE]:
            own = [*given, f"arch={name}"]
            with offered_in_python(own, partial(as_call, joint, name, seeds)):
                number = train_seeds(own, seeds, whole, number)
        wider = widened_options(whole)
        if wider is not None:
            own = with_options([*given, f"arch={BASELINE}"], wider)
            train_seeds(own, seeds, whole / WIDENED, 0)
    report, _ = make_report(*read_words([str(whole)]))
    return Answer(report, whole)


def check_targets(data: Any, targets: Any, words: Sequence[str]) -> None:
    """Refuses targets without kinds, and one alone, with which nothing can be shared."""
    if not isinstance(targets, Mapping) or not targets:
        names = [targets] if isinstance(targets, str) else list(targets or ())
        kinds = {str(name): kind_of_cells(cells_of(data, name)) for name in names}
        rule = "must be {target: kind}"
        raise problem("targets", rule, targets, f"mtl_cli.compare(data, {kinds!r})")
    groups = any(word.lstrip("+").startswith("dataset.task_column=") for word in words)
    if len(targets) == 1 and not groups:
        rule = "needs two targets or more: with one alone nothing is shared"
        word = f"dataset.targets={value(targets)}"
        fix = f"mtl_cli.train([{word!r}], data=data), which trains it, or a second target"
        raise problem("mtl_cli.compare", rule, targets, fix)


def cells_of(data: Any, name: Any) -> list[str]:
    """The first cells of a column, as text; empty where there is none of that name."""
    try:
        column = data[name]
    except (KeyError, TypeError, IndexError):
        return []
    cells = [getattr(cell, "as_py", lambda cell=cell: cell)() for cell in column[:ROWS]]
    return [str(cell) for cell in cells if cell is not None and cell == cell]


def as_call(joint: Sequence[str], arch: str, seeds: int, line: list[str]) -> str:
    """The call for the words of a run that are mended, its architecture too."""
    mended = next((w.partition("=")[2] for w in line if w.startswith("arch=")), arch)
    known = [
        file.stem for folder in conf_folders(CONF, line) for file in folder.glob("arch/*.yaml")
    ]
    own = [mended if name == arch else name for name in joint]
    chosen = [name if name in known else nearest(name, known) or name for name in own]
    return compare_call(line, chosen if len(chosen) > 1 else chosen[0], seeds)


def a_folder(folder: str | Path | None, words: Sequence[str]) -> Path:
    """The folder of the runs; a new one where none is named."""
    if folder is not None:
        path = Path(folder).expanduser()
        path.mkdir(parents=True, exist_ok=True)
        return path
    runs = next((w.partition("=")[2] for w in words if w.startswith("runs=")), "runs")
    return create_folder(Path(runs) / f"{datetime.now():%Y-%m-%d/%H-%M-%S}_compare")


def train_seeds(words: list[str], seeds: int, folder: Path, first: int) -> int:
    """Trains the same by several seeds, in numbered folders; gives the number that comes next."""
    for seed in range(seeds):
        own, number, begin = [*words, f"seed={seed}"], first + seed, time.perf_counter()
        path = folder / str(number)
        path.mkdir(parents=True, exist_ok=True)
        whole = compose("train", own)
        said = one_of_a_sweep(job_config(whole, whole.hydra), RunFolder(path), own, quiet=True)
        say(finished_line(number, own[-2:], said, time.perf_counter() - begin))
    return first + seeds
