"""One run, from its config to its results."""

from __future__ import annotations

import logging
import signal
from collections.abc import Collection
from contextlib import suppress
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import device

from mtl_cli.basis import ranks
from mtl_cli.basis.device import find_device, in_precision, keep_freed_memory
from mtl_cli.basis.errors import Problem, check_boolean, check_integer
from mtl_cli.basis.seed import set_deterministic
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
from mtl_cli.disk.silent_folder import SilentFolder
from mtl_cli.drawing.page import drawing_on
from mtl_cli.run import processes
from mtl_cli.run.announce import announce
from mtl_cli.run.build import Run, build, precision_of
from mtl_cli.run.extension import extension
from mtl_cli.run.first_weights import first_weights
from mtl_cli.run.pictures import Pictures
from mtl_cli.run.run_data import RunData, check_same_data
from mtl_cli.run.show import show
from mtl_cli.run.summary import check_figures, describe, objective, results
from mtl_cli.training.by_number import by_number
from mtl_cli.training.evaluation import total_loss
from mtl_cli.training.signals import Interrupted
from mtl_cli.trust.foreign import strangers
from mtl_cli.trust.run_config import read_summary
from mtl_cli.yardstick.yardsticks import yardsticks

log = logging.getLogger(__name__)

SIGNALLED = 128  # exit codes above it say which signal ended the command


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
    if number := processes.to_launch(cfg):
        job = {"cfg": cfg, "folder": folder, "words": words, "resumed": resumed}
        return processes.launch(number, folder, job | {"allowed": allowed, "quiet": quiet})
    with processes.together(cfg), in_precision(precision_of(cfg)):
        if ranks.rank():
            return follow(cfg, folder, resumed)
        return Session(cfg, folder, words, resumed, allowed, quiet).run()


def follow(cfg: DictConfig, folder: RunFolder, resumed: bool) -> dict[str, Any]:
    """What all processes but the first do: the same training, of which they write nothing."""
    silent = SilentFolder(folder.path)
    try:
        live = make_live(cfg, silent, resumed)[0]
        if ranks.of_first(None):  # whether there is something to go on with
            live.trainer.resume()
        live.trainer.fit()
        live.trainer.test()
    except Interrupted as interrupt:
        raise SystemExit(SIGNALLED + interrupt.signal_number) from None
    return {}


def make_live(cfg: DictConfig, folder: RunFolder, resumed: bool) -> tuple[Run, device]:
    """The live objects of a run, and their device."""
    check_integer("seed", cfg.seed, 0, "seed=0")
    check_boolean("deterministic", cfg.deterministic)
    own = find_device(processes.device_name(str(cfg.device)))
    set_deterministic(cfg.deterministic)
    keep_freed_memory()
    folder.check_files()
    live = build(cfg, folder, own, first_weights(cfg, folder, resumed))
    check_figures(cfg, live)
    return live, own


class Session:
    """A run in the making: its config, its folder, and what its summary says so far."""

    live: Run | None = None

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
        ):
            try:
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
        return self.summary

    def interrupted(self, number: int) -> SystemExit:
        """Says how to go on, where there is something to go on with."""
        how = ""
        if self.live is not None and self.summary.get("status") not in DONE:
            self.write("interrupted")
        if self.folder.config.exists():
            whole = sweep_of(self.folder.path) or self.folder.path
            line = resume_line(seen_from_here(whole), FreshFolders.words, strangers(self.cfg))
            if is_held(self.cfg.dataset.get("path") or ""):
                folder = self.folder.path
                line = f"mtl_cli.train(['resume={folder}'], data=...)"
                line += f"; of a comparison: mtl_cli.compare(..., folder='{folder.parent}')"
            how = f"; to go on: {line}"
        log.warning("\ninterrupted%s", how)
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
        return live

    def train(self, live: Run) -> None:
        """Trains, reads test once with the best weights, and shows the results."""
        live.trainer.progress.stays = not self.quiet
        status = live.trainer.fit()
        test = live.trainer.test()
        processes.end()  # what follows is of one
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
