"""One run, from its config to its results."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

from omegaconf import DictConfig

from mtl_cli.basis import ranks
from mtl_cli.basis.device import in_precision
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.launched import launched
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.comparison.saved_run import DONE
from mtl_cli.disk import writing
from mtl_cli.disk.logs import FILE_ONLY, logging_to
from mtl_cli.disk.one_writer import Writer, one_writer
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.drawing.page import drawing_on
from mtl_cli.processes.alarm import Alarm
from mtl_cli.processes.leading import line_of, publish, remember
from mtl_cli.processes.meeting import Meeting
from mtl_cli.processes.options import seconds_to_wait, to_launch
from mtl_cli.processes.together import end, together
from mtl_cli.run.announce import announce
from mtl_cli.run.build import Run, precision_of
from mtl_cli.run.first_files import write_first_files
from mtl_cli.run.follow import make_live
from mtl_cli.run.going_on import go_on, how_it_ended, how_to_go_on
from mtl_cli.run.objective import objective
from mtl_cli.run.pictures import Pictures
from mtl_cli.run.role import ALONE, Role
from mtl_cli.run.run_data import check_same_data
from mtl_cli.run.show import show
from mtl_cli.run.summary import describe, results
from mtl_cli.training.by_number import by_number
from mtl_cli.training.evaluation import total_loss
from mtl_cli.training.signals import SIGNALLED, Interrupted
from mtl_cli.trust.run_config import read_summary
from mtl_cli.yardstick.yardsticks import yardsticks

log = logging.getLogger(__name__)


def run(
    cfg: DictConfig,
    folder: RunFolder,
    words: list[str],
    resumed: bool = False,
    allowed: Collection[str] = (),
    quiet: bool = False,
    role: Role = ALONE,
) -> dict[str, Any]:
    """Trains, evaluates and writes everything into the folder; gives the summary.

    Whatever happens, ``summary.json`` says how the run ended, and ``train.log`` why.

    Args:
        cfg: the whole config, without Hydra's own part.
        folder: an existing folder.
        words: the command line's, for the summary.
        resumed: whether the folder holds a run that goes on.
        allowed: what is refused else: ``unlock`` (see `one_writer`), ``changed_data``.
        quiet: whether the terminal has warnings alone, and the rest is in ``train.log``.
        role: of the run in a study.
    """
    if number := to_launch(cfg):
        from mtl_cli.processes.launch import launch

        job = {"cfg": cfg, "folder": folder, "words": words, "resumed": resumed}
        return launch(number, folder, job | {"allowed": allowed, "quiet": quiet, "role": role})
    with in_precision(precision_of(cfg)):
        return Session(cfg, folder, words, resumed, allowed, quiet, role).run()


@dataclass
class Session:
    """A run in the making: its config, its folder, and what its summary says so far.

    Args: see `run`.
    """

    cfg: DictConfig
    folder: RunFolder
    words: list[str]
    resumed: bool
    allowed: Collection[str]
    quiet: bool
    role: Role
    live: Run | None = None
    meeting: Meeting | None = None  # with other processes

    def __post_init__(self) -> None:
        self.pictures = Pictures(**self.cfg.pictures)
        self.before = read_summary(self.folder) if self.resumed else {}
        before = self.before.get("overrides")  # the rest comes out anew
        self.summary: dict[str, Any] = {
            "overrides": [*(before if isinstance(before, list) else []), *self.words]
        }
        if said := self.role.said or self.before.get("study"):
            self.summary["study"] = said

    def run(self) -> dict[str, Any]:
        with (
            one_writer(self.folder.path, "unlock" in self.allowed) as writer,
            logging_to(self.folder.log, self.resumed, self.quiet) as file,
            Alarm() as alarm,
        ):
            try:
                with self.others(alarm):
                    self.live = self.start(writer)
                    file.write_held()
                    self.write("running")
                    announce(self.live, self.summary, self.cfg, self.folder)
                    self.train(self.live)
            except Interrupted as interrupt:
                raise self.interrupted(interrupt.signal_number) from None
            except KeyboardInterrupt:  # not in a training's steps, or for a second time
                raise self.interrupted(signal.SIGINT) from None
            except Exception as error:
                if isinstance(error, OSError):
                    error = writing.refused(error)
                if self.live is not None or not self.resumed:  # else the old summary still holds
                    with suppress(Problem, OSError):  # of a full disk the first error tells
                        self.write("failed", str(error))
                    log.error("failed", exc_info=True, extra=FILE_ONLY)  # the command prints it
                raise error
            finally:
                if self.live is not None:
                    self.live.trainer.records.close(self.summary.get("status", "failed"))
                if self.meeting is not None:
                    self.meeting.close()
        return self.summary

    def others(self, alarm: Alarm) -> AbstractContextManager[None]:
        """The other processes that train this run, where a launcher has started some."""
        if not launched():
            return nullcontext()
        seconds = seconds_to_wait(self.cfg)
        order = (self.cfg, self.folder.path, self.resumed, self.role, FreshFolders.words, sys.path)
        self.meeting = publish(order, seconds)
        return together(self.meeting, seconds, alarm)

    def interrupted(self, number: int) -> SystemExit:
        """Says how to go on, where there is something to go on with."""
        if self.live is not None and self.summary.get("status") not in DONE:
            self.write("interrupted")
        line = how_to_go_on(self.cfg, self.folder)
        log.warning("\ninterrupted%s", "" if line is None else f"; to go on: {line}")
        return SystemExit(SIGNALLED + number)

    def start(self, writer: Writer) -> Run:
        """Builds everything; only then changes anything in the folder."""
        cfg = self.cfg
        live, own = make_live(cfg, self.folder, self.resumed)
        self.summary |= describe(cfg, live, own)
        if "changed_data" not in self.allowed:
            check_same_data(self.before.get("dataset"), self.summary["dataset"], self.folder)
        writer.sign()
        writing.forget_parts(self.folder.path)
        writing.make_folder(self.folder.last.parent)
        if ranks.of_first(self.resumed and self.folder.has_begun()):
            go_on(live.trainer, self.folder)
        write_first_files(cfg, live, self.folder)
        if launched():
            remember(line_of(cfg, self.folder.path))
        return live

    def train(self, live: Run) -> None:
        """Trains, reads test once with the best weights, and shows the results."""
        live.trainer.progress.stays = not self.quiet
        live.trainer.judge = self.role.judge
        status = live.trainer.fit()
        if (how := how_it_ended(live.trainer)) is not None:
            log.info("ended       %s", how)
        if not self.role.reads_test:
            end()
            self.write(status)
            return
        test = live.trainer.test()
        end()  # what follows is of one process
        self.summary["test"] = test
        self.summary["loss"] = {"test": total_loss(live.model.tasks, test)}
        numbers = by_number(live.model.tasks, live.dataset.class_names) if test else {}
        self.summary |= yardsticks(live.dataset, live.trainer, numbers)
        self.write(status)
        title = f"{self.cfg.name} (seed {self.cfg.seed})"
        with drawing_on(self.pictures.page):
            show(live, test, self.summary, self.pictures, self.folder, title)
        live.trainer.records.show(self.folder.drawn())

    def write(self, status: str, error: str | None = None) -> None:
        """Writes the summary as it stands."""
        if self.live is not None:
            self.summary |= results(self.live)
            best = total_loss(self.live.model.tasks, self.summary["best"])
            self.summary["loss"] = {"best": best} | self.summary.get("loss", {})
            if self.live.trainer.epoch > 1:
                self.summary["objective"] = objective(self.cfg.objective, self.summary)
        self.summary = {"status": status, "error": error} | {
            key: value for key, value in self.summary.items() if key not in ("status", "error")
        }
        self.folder.write_json(self.folder.summary, self.summary)
