"""``mtl_cli.compare``: the verdict of ``study=baselines`` on rows that Python holds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.basis.errors import problem
from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.command_line.grammar import value
from mtl_cli.command_line.job_line import finished_line, say
from mtl_cli.comparison.files import Report
from mtl_cli.dataset.files.held import PREFIX, held
from mtl_cli.disk.run_folder import RunFolder, create_folder, from_here
from mtl_cli.run.job import one_of_a_sweep
from mtl_cli.study.base import BASELINE
from mtl_cli.study.report import make_report, read_words
from mtl_cli.study.widening import WIDENED, widened_options, with_options

if TYPE_CHECKING:
    import pandas

WIDTH = 100  # of the text, in characters


@dataclass(frozen=True)
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

    Each seed deals the rows anew. Where a joint model has more than 1.5 times the parameters of
    single-task, that is trained as wide, too, as ``study=baselines`` does.

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
    given = ["dataset=table", f"dataset.path={PREFIX}data", f"dataset.targets={value(targets)}"]
    given += words
    whole = a_folder(folder, given)
    with held({"data": data}):
        number = 0
        for name in [*joint, BASELINE]:
            number = train_seeds([*given, f"arch={name}"], seeds, whole, number)
        wider = widened_options(whole)
        if wider is not None:
            own = with_options([*given, f"arch={BASELINE}"], wider)
            train_seeds(own, seeds, whole / WIDENED, 0)
    report, _ = make_report(*read_words([str(whole)]))
    return Answer(report, whole)


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
