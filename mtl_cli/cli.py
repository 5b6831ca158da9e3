"""What all commands share: where configs are, fresh run folders, help, and errors in plain words.

Nothing here imports torch, so that ``--help``, ``--cfg job`` and completion answer at once.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import hydra
from hydra.errors import HydraException, MissingConfigException
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from mtl_cli.errors import Problem, nearest, problem
from mtl_cli.help import show_help
from mtl_cli.run_folder import create_folder

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

    sweep: Path | None = None  # of the sweep in this process

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        with open_dict(config):
            config.hydra.run.dir = str(make_folder(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        with open_dict(config):
            config.hydra.sweep.dir = str(make_folder(config.hydra.sweep.dir))
        FreshFolders.sweep = Path(config.hydra.sweep.dir)


def make_folder(path: str) -> Path:
    try:
        return create_folder(Path(path))
    except Problem as error:
        # Hydra turns exceptions of callbacks into warnings, and would go on.
        fail(error)


def fail(error: BaseException) -> Any:
    """Prints an error without a traceback, and exits with 1."""
    sys.stderr.write(f"error: {error}\n")
    raise SystemExit(1)


def run_command(task: Callable[[DictConfig], Any], config_name: str) -> Any:
    """Runs a command's function on the config that the command line composes.

    Errors that a user can mend are printed in a few lines; with HYDRA_FULL_ERROR=1, and for bugs
    of our own, with their traceback.
    """
    if any(word in ("--help", "-h") for word in sys.argv[1:]):
        return show_help(CONF, config_name, sys.argv[1:])
    full_error = os.environ.get("HYDRA_FULL_ERROR") == "1"
    os.environ["HYDRA_FULL_ERROR"] = "1"  # the exceptions come here instead of being printed
    try:
        return hydra.main(config_path=str(CONF), config_name=config_name, version_base="1.3")(
            task
        )()
    except (Problem, HydraException, OmegaConfBaseException) as error:
        if full_error:
            raise
        fail(error if isinstance(error, Problem) else explain(error, sys.argv[1:]))
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        raise SystemExit(130) from None
    finally:
        if not full_error:
            del os.environ["HYDRA_FULL_ERROR"]


def job_config(cfg: DictConfig, hydra_cfg: DictConfig) -> DictConfig:
    """The config without Hydra's own part, with the run's name and the choices it was made of."""
    own = OmegaConf.masked_copy(cfg, [key for key in cfg if key != "hydra"])
    chosen = {k: v for k, v in hydra_cfg.runtime.choices.items() if not k.startswith("hydra")}
    with open_dict(own):
        own.name = name_of(own.name, chosen)
        own.choices = chosen
    return own


def compose_run(config_name: str, overrides: list[str]) -> tuple[DictConfig, Path]:
    """What the command would run for these words: its config, and a fresh folder."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        try:
            cfg = hydra.compose(config_name, overrides, return_hydra_config=True)
            return job_config(cfg, cfg.hydra), create_folder(Path(cfg.hydra.run.dir))
        except (HydraException, OmegaConfBaseException) as error:
            raise explain(error, overrides) from error


def explain(error: Exception, words: list[str]) -> Problem:
    """An error of Hydra's in our form, if possible with the corrected command line."""
    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        close = nearest(choice, list(error.options))
        fix = corrected(words, choice, close) if close else f"{group}={error.options[0]}"
        return problem(group, f"must be one of {', '.join(error.options)}", choice, fix)
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        typed = overridden_key(str(error))
        known = [str(key) for key in cause.parent_node]
        close = nearest(str(cause.key), known)
        fix = corrected(words, str(cause.key), close) if close else f"one of {', '.join(known)}"
        where = typed.rpartition(str(cause.key))[0].rstrip(".") or "the configuration"
        return problem(typed, f"must be an option of {where}", f"no {cause.key} there", fix)
    text = str(error).strip().removesuffix(".").splitlines() or [type(error).__name__]
    found = (
        "; ".join([*text[1:], *(str(cause).splitlines()[:1] if cause else [])])
        or "this command line"
    )
    return problem(text[0].rstrip(".:"), "cannot be taken", found, f"{command()} --help")


def overridden_key(message: str) -> str:
    """The key that Hydra's message quotes."""
    return message.partition("'")[2].partition("'")[0] or message


def corrected(words: list[str], wrong: str, right: str) -> str:
    """The command line with the first word that holds ``wrong`` mended."""
    fixed = list(words)
    for i, word in enumerate(words):
        pattern = rf"(?<![\w-]){re.escape(wrong)}(?![\w-])"
        if re.search(pattern, word):
            fixed[i] = re.sub(pattern, right, word, count=1)
            break
    return shlex.join([command(), *fixed])


def command() -> str:
    return Path(sys.argv[0]).name
