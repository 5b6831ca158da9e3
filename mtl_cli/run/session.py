"""One run, from its config to its results."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mtl_cli.basis import ranks
from mtl_cli.basis.device import in_precision
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.launched import launched
from mtl_cli.command_line.cli import FreshFolders
from mtl_cli.command_line.own_parts import resume_line
from mtl_cli.command_line.sweep import sweep_of
from mtl_cli.comparison.history import read_history
from mtl_cli.comparison.saved_run import DONE
from mtl_cli.dataset.files.held import is_held
from mtl_cli.disk import checkpoint, writing
from mtl_cli.disk.formats import FORMAT, KEY
from mtl_cli.disk.logs import FILE_ONLY, logging_to
from mtl_cli.disk.one_writer import Writer, one_writer
from mtl_cli.disk.run_folder import RunFolder, seen_from_here
from mtl_cli.drawing.page import drawing_on
from mtl_cli.run.alarm import Alarm
from mtl_cli.run.announce import announce
from mtl_cli.run.build import Run, precision_of
from mtl_cli.run.extension import extension
from mtl_cli.run.follow import make_live
from mtl_cli.run.leading import publish, remember
from mtl_cli.run.meeting import Meeting
from mtl_cli.run.pictures import Pictures
from mtl_cli.run.processes import seconds_to_wait, to_launch
from mtl_cli.run.run_data import RunData, check_same_data
from mtl_cli.run.show import show
from mtl_cli.run.summary import describe, objective, results
from mtl_cli.run.together import end, together
from mtl_cli.training.by_number import by_number
from mtl_cli.training.evaluation import total_loss
from mtl_cli.training.signals import SIGNALLED, Interrupted
from mtl_cli.trust.foreign import strangers
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
    """
    if number := to_launch(cfg):
        from mtl_cli.run.launch import launch

        job = {"cfg": cfg, "folder": folder, "words": words, "resumed": resumed}
        return launch(number, folder, job | {"allowed": allowed, "quiet": quiet})
    with in_precision(precision_of(cfg)):
        return Session(cfg, folder, words, resumed, allowed, quiet).run()


class Session:
    """A run in the making: its config, its folder, and what its summary says so far."""

    live: Run | None = None
    meeting: Meeting | None = None  # with other processes

    def __init__(
        self,
        cfg: DictConfig,
        folder: RunFolder,
        words: list[str],
        resumed: bool,
        allowed: Collection[str],
        quiet: bool,
    ) -> None:
        self.cfg = cfg
        self.pictures = Pictures(**cfg.pictures)
        self.folder = folder
        self.resumed = resumed
        self.allowed = allowed
        self.quiet = quiet
        self.before = read_summary(folder) if resumed else {}
        before = self.before.get("overrides")  # the rest comes out anew
        self.summary: dict[str, Any] = {
            "overrides": [*(before if isinstance(before, list) else []), *words]
        }

    def run(self) -> dict[str, Any]:
        with (
            one_writer(self.folder.path, "unlock" in self.allowed) as writer,
            logging_to(self.folder.log, self.resumed, self.quiet) as file,
            Alarm() as alarm,
        ):
            try:
                with self.others(alarm):
                    self.live = self.start(writer)
                    file.release()
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
                    self.live.trainer.records.close()
                if self.meeting is not None:
                    self.meeting.close()
        return self.summary

    def others(self, alarm: Alarm) -> AbstractContextManager[None]:
        """The other processes that train this run, where a launcher has started some."""
        if not launched():
            return nullcontext()
        seconds = seconds_to_wait(self.cfg)
        order = (self.cfg, self.folder.path, self.resumed, FreshFolders.words, sys.path)
        self.meeting = publish(order, seconds)
        return together(self.meeting, seconds, alarm)

    def interrupted(self, number: int) -> SystemExit:
        """Says how to go on, where there is something to go on with."""
        how = ""
        if self.live is not None and self.summary.get("status") not in DONE:
            self.write("interrupted")
        if self.folder.config.exists():
            line = self.line()
            if is_held(self.cfg.dataset.get("path") or ""):
                folder = self.folder.path
                line = f"mtl_cli.train(['resume={folder}'], data=...)"
                line += f"; of a comparison: mtl_cli.compare(..., folder='{folder.parent}')"
            how = f"; to go on: {line}"
        log.warning("\ninterrupted%s", how)
        return SystemExit(SIGNALLED + number)

    def line(self) -> str:
        """The command line that goes on with the run, or with the sweep that it is of."""
        whole = sweep_of(self.folder.path) or self.folder.path
        return resume_line(seen_from_here(whole), FreshFolders.words, strangers(self.cfg))

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
            if self.folder.metrics.exists():
                read_history(self.folder.metrics, torn=True)  # which is drawn at the end
            with checkpoint.reading(self.folder.last):
                live.trainer.resume()
            if live.trainer.step == live.trainer.total_steps and not live.trainer.batch:
                more = live.trainer.epoch
                log.info("nothing is left to train; trainer.max_epochs=%d would go on", more)
            elif (said := extension(live.trainer)) is not None:
                log.info("%s", said)
        text = OmegaConf.to_yaml(cfg, resolve=True)
        writing.write_text(self.folder.config, f"{KEY}: {FORMAT}\n{text}")
        reads = {name: task.input for name, task in live.model.tasks.items()}
        RunData.of(live.dataset, live.model.inputs, reads).write(self.folder)
        if live.dataset.details:
            writing.write_text(self.folder.columns, "\n".join([*live.dataset.details, ""]))
        if launched():
            remember(self.line())
        return live

    def train(self, live: Run) -> None:
        """Trains, reads test once with the best weights, and shows the results."""
        live.trainer.progress.stays = not self.quiet
        status = live.trainer.fit()
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
