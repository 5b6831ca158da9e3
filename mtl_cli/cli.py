"""What all commands share: where configs are, fresh run folders, help, and errors in plain words.

Nothing here imports torch, so that ``--help``, ``--cfg job`` and completion answer at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from mtl_cli.errors import Problem, problem
from mtl_cli.help import show_help
from mtl_cli.mistakes import check_types, command, explain
from mtl_cli.run_folder import create_folder
from mtl_cli.words import for_swept_choices, with_tasks

PACKAGE = Path(__file__).parent
CONF = PACKAGE / "conf" if (PACKAGE / "conf").is_dir() else PACKAGE.parent / "conf"


def run_name(*, _root_: DictConfig) -> str:
    """The run's name, by default of what was chosen: ``parity_mnist_mmoe_fixed``."""
    return name_of(_root_.name, _root_.hydra.runtime.choices)


def name_of(name: str | None, choices: Mapping[str, str]) -> str:
    return name or "_".join(str(choices[group]) for group in ("dataset", "arch", "weighting"))


OmegaConf.register_new_resolver("run_name", run_name, replace=True)


class FreshFolders(Callback):
    """Gives every run and every sweep a folder of its own, also two that start in one second."""

    sweep: Path | None = None  # of the first sweep in this process

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        with open_dict(config):
            config.hydra.run.dir = str(make_folder(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        with open_dict(config):
            config.hydra.sweep.dir = str(make_folder(config.hydra.sweep.dir))
        FreshFolders.sweep = FreshFolders.sweep or Path(config.hydra.sweep.dir)


def make_folder(path: str) -> Path:
    try:
        return create_folder(Path(path))
    except Problem as error:
        # Hydra turns exceptions of callbacks into warnings, and would go on.
        fail(error)


def fail(error: BaseException) -> NoReturn:
    """Prints an error without a traceback, and exits with 1."""
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(1)


def full_errors() -> bool:
    """Whether the user wants tracebacks."""
    return os.environ.get("MTL_FULL_ERROR") == "1"


@contextmanager
def plain_errors(words: list[str]) -> Iterator[None]:
    """Prints errors that a user can mend in a few lines, and exits with 1.

    With MTL_FULL_ERROR=1, and for bugs of our own, they keep their traceback.
    """
    try:
        yield
    except (Problem, HydraException, OmegaConfBaseException) as error:
        if full_errors():
            raise
        fail(error if isinstance(error, Problem) else explain(error, words))
    except ValueError as error:
        if "Config group override" not in str(error):
            raise
        fail(problem("a group", "must be one of its choices", "null", f"{command()} --help"))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        raise SystemExit(130) from None


def run_command(task: Callable[[DictConfig], Any], config_name: str) -> Any:
    """Runs a command's function on the config that the command line composes."""
    words = sys.argv[1:]
    if any(word in ("--help", "-h") for word in words):
        return show_help(CONF, config_name, words)
    os.environ["HYDRA_FULL_ERROR"] = "1"  # lets the exceptions come here instead of printing them
    with plain_errors(words):
        sys.argv[1:] = for_swept_choices(with_tasks(words))
        return hydra.main(config_path=str(CONF), config_name=config_name, version_base="1.3")(
            task
        )()


def job_config(cfg: DictConfig, hydra_cfg: Any) -> DictConfig:
    """The config without Hydra's own part, with the run's name and the choices it was made of."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    chosen = {k: v for k, v in hydra_cfg.runtime.choices.items() if not k.startswith("hydra")}
    check_types(own, chosen, CONF)
    with open_dict(own):
        own.name = name_of(own.name, chosen)
        own.choices = chosen
    return own


def compose_run(config_name: str, overrides: list[str]) -> tuple[DictConfig, Path]:
    """What the command would run for these words: its config, and a fresh folder."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            cfg = hydra.compose(config_name, with_tasks(overrides), return_hydra_config=True)
            return job_config(cfg, cfg.hydra), create_folder(Path(cfg.hydra.run.dir))
        except (HydraException, OmegaConfBaseException) as error:
            raise explain(error, overrides) from error
