"""What all commands share: where configs are, fresh run folders, help, and errors in plain words.

Nothing here imports torch, so that ``--help``, ``--cfg job`` and completion answer at once.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from mtl_cli import __version__
from mtl_cli.basis.errors import Problem, problem
from mtl_cli.command_line import run_name
from mtl_cli.command_line.completion import completed
from mtl_cli.command_line.dense import give_maps
from mtl_cli.command_line.explained import explained, fail, full_errors
from mtl_cli.command_line.flags import readable
from mtl_cli.command_line.fresh import fresh_folder
from mtl_cli.command_line.grammar import read_texts, value
from mtl_cli.command_line.help import show_help
from mtl_cli.command_line.kinds import check_own, check_types
from mtl_cli.command_line.left_out import leave_out_targets
from mtl_cli.command_line.mended import mended
from mtl_cli.command_line.own_parts import (
    add_to_path,
    composable,
    find_packages,
    installed_folders,
    register,
    resume_line,
    target_packages,
)
from mtl_cli.command_line.places import CONF
from mtl_cli.command_line.replaced import leave_out_replaced
from mtl_cli.command_line.sweep import PLACE, place_sweep
from mtl_cli.command_line.targets import add_tasks, begun_hydra, check_path_said
from mtl_cli.command_line.unbegun import forgotten
from mtl_cli.command_line.words import for_hydra, for_swept_choices, several, swept_for_hydra
from mtl_cli.disk.literal import literal
from mtl_cli.disk.run_folder import seen_from_here
from mtl_cli.disk.writing import refused

run_name.register()
register()


class FreshFolders(Callback):
    """Gives every run and every sweep a folder of its own, also two that start in one second."""

    words: list[str] = []  # noqa: RUF012 - of the command line, as they were typed
    sweep: Path | None = None  # of the first sweep in this process

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        with open_dict(config), callback_errors():
            config.hydra.run.dir = str(fresh_folder(config.hydra))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        named = any(word.startswith(PLACE) for word in config.hydra.overrides.hydra)
        trains = config.hydra.job.config_name == "train"
        with open_dict(config), callback_errors():
            path = place_sweep(Path(config.hydra.sweep.dir), self.words, named, trains)
            config.hydra.sweep.dir = str(path)
            if params := config.hydra.sweeper.get("params"):
                config.hydra.sweeper.params = swept_for_hydra(params, self.words)
            # Hydra composes each job anew, from these words.
            config.hydra.overrides.hydra.append(f"{PLACE}{value(str(path))}")
        FreshFolders.sweep = FreshFolders.sweep or path


@contextmanager
def callback_errors() -> Iterator[None]:
    """Ends the command: Hydra turns exceptions of callbacks into warnings, and would go on."""
    try:
        yield
    except Problem as error:
        if FreshFolders.sweep is not None and forgotten(FreshFolders.sweep):
            FreshFolders.sweep = None
        fail(error)


@contextmanager
def plain_errors(words: list[str], config_name: str | None = None) -> Iterator[None]:
    """Prints errors that a user can mend in a few lines, and exits with 1.

    With MTL_FULL_ERROR=1, and for bugs of our own, they keep their traceback.

    Args:
        words: of the command line.
        config_name: of the configuration that they compose; None: of a command that composes none.
    """
    try:
        with explained(words):
            yield
    except (Problem, HydraException, OmegaConfBaseException) as error:
        if full_errors():
            raise
        fail(mended(error, words, partial(checked, config_name)) if config_name else error)
    except OSError as error:  # a disk that is full, a file or a folder that was taken away
        if full_errors():
            raise
        fail(refused(error))
    except RuntimeError as error:
        if "home directory" not in str(error):  # of a path such as ~x
            raise
        word = next((word for word in words if "~" in word), "~")
        found = "no user of that name"
        fail(problem(word, "must lead to the home of a user", found, "./ before a path with ~"))
    except KeyboardInterrupt:
        resumes = any(word.startswith("resume=") for word in words)
        again = shlex.join(["mtl-train", *words]) if resumes else ""
        if FreshFolders.sweep is not None:
            again = resume_line(seen_from_here(FreshFolders.sweep), words, target_packages(words))
        how = f"; to go on: {again}" if again else ""
        sys.stderr.write(f"\ninterrupted{how}\n")
        raise SystemExit(130) from None


def run_command(task: Callable[[DictConfig], Any], config_name: str) -> Any:
    """Runs a command's function on the config that the command line composes."""
    words = sys.argv[1:]
    with plain_errors(words):
        if answered(words, lambda: show_help(CONF, config_name, words)) or completed(words):
            return None
    os.environ["HYDRA_FULL_ERROR"] = "1"  # lets the exceptions come here instead of printing them
    with plain_errors(words, config_name):
        FreshFolders.words = words
        find_packages(words)
        sys.argv[1:] = for_swept_choices(for_hydra(readable(words)))
        return hydra.main(config_path=str(CONF), config_name=config_name, version_base="1.3")(
            task
        )()


def answered(words: Sequence[str], show: Callable[[], object]) -> bool:
    """Whether the words ask for help, which is shown, or for the version, which is printed."""
    if any(word in ("--help", "-h") for word in words):
        show()
    elif "--version" in words:
        sys.stdout.write(f"mtl-cli {__version__}\n")
    else:
        return False
    return True


def job_config(cfg: DictConfig, hydra_cfg: Any) -> DictConfig:
    """The config without Hydra's part and a study's, with the run's name and its choices."""
    sources = hydra_cfg.runtime.config_sources
    typed = [Path(s.path) for s in sources if "command-line" in s.provider]
    add_to_path([folder.parent for folder in typed])  # of a sweep's job in another process, too
    words = list(hydra_cfg.overrides.task)
    find_packages(words)
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key not in ("hydra", "study")])
    chosen = {k: v for k, v in hydra_cfg.runtime.choices.items() if not k.startswith("hydra")}
    chosen |= several(words)
    if chosen.get("experiment") is not None:
        leave_out_replaced(own, words, [CONF, *installed_folders(), *typed])
    read_texts(own)
    check_own(own, CONF)
    check_types(own, chosen, CONF)
    leave_out_targets(own, words)
    chosen = add_tasks(own, chosen, typed)
    give_maps(own, words)
    with open_dict(own):
        own.name = literal(run_name.name_of(own.name, chosen))
        own.choices = literal(chosen)
    return own


def compose_run(config_name: str, words: list[str]) -> tuple[DictConfig, Path]:
    """What the command would run for these words: its config, and a fresh folder."""
    cfg = compose(config_name, words)
    with explained(words):
        return job_config(cfg, cfg.hydra), fresh_folder(cfg.hydra)


def checked(config_name: str, words: list[str]) -> None:
    """Raises the first mistake of a command line."""
    cfg = compose(config_name, words)
    check_path_said(job_config(cfg, cfg.hydra))


def compose(config_name: str, words: Sequence[str]) -> DictConfig:
    """The whole configuration of the words, Hydra's own part too; it makes no folder."""
    typed = list(words)
    with explained(typed):
        ready = composable(for_hydra(typed))
        with begun_hydra():
            return hydra.compose(config_name, ready, return_hydra_config=True)
