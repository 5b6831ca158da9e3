"""What all commands share: where configs are, fresh run folders, help, and errors in plain words.

Nothing here imports torch, so that ``--help``, ``--cfg job`` and completion answer at once.
"""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hydra
from hydra.errors import HydraException, MissingConfigException, OverrideParseException
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
        return hydra.main(config_path=str(CONF), config_name=config_name, version_base="1.3")(
            task
        )()


def job_config(cfg: DictConfig, hydra_cfg: Any) -> DictConfig:
    """The config without Hydra's own part, with the run's name and the choices it was made of."""
    own = OmegaConf.masked_copy(cfg, [str(key) for key in cfg if key != "hydra"])
    chosen = {k: v for k, v in hydra_cfg.runtime.choices.items() if not k.startswith("hydra")}
    check_types(own, chosen)
    with open_dict(own):
        own.name = name_of(own.name, chosen)
        own.choices = chosen
    return own


def check_types(cfg: DictConfig, choices: Mapping[str, str | None]) -> None:
    """Refuses a word where the chosen part's YAML has a number, and the like.

    Constructors of libraries would take some of them, and fail in the middle of the work.
    """
    for key, choice in choices.items():
        group, _, package = key.partition("@")
        file = CONF / group / f"{choice}.yaml"
        if file.is_file() and group != "experiment":
            text = file.read_text(encoding="utf-8")
            at_root = text.startswith("# @package _global_")
            node = cfg if at_root else OmegaConf.select(cfg, package or group)
            compare_types(OmegaConf.create(text), node, "" if at_root else f"{package or group}.")


def compare_types(default: Any, given: Any, path: str) -> None:
    if not isinstance(default, DictConfig) or not isinstance(given, DictConfig):
        return
    for key in map(str, default):
        if OmegaConf.is_interpolation(default, key) or OmegaConf.is_missing(default, key):
            continue
        if key not in given or OmegaConf.is_missing(given, key):
            continue
        usual, value = default[key], given[key]
        compare_types(usual, value, f"{path}{key}.")
        number = isinstance(usual, int | float) and not isinstance(usual, bool)
        if number and isinstance(value, bool | str):
            raise problem(f"{path}{key}", "must be a number", value, f"{path}{key}={usual}")
        if isinstance(usual, bool) and not isinstance(value, bool | None):
            raise problem(f"{path}{key}", "must be true or false", value, f"{path}{key}=true")


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
    cause, text = error.__cause__, str(error)
    key = text.partition("'")[2].partition("'")[0]  # Hydra quotes the key that it speaks of
    if isinstance(error, MissingConfigException) and error.options and error.missing_cfg_file:
        group, _, choice = error.missing_cfg_file.rpartition("/")
        close = nearest(choice, list(error.options))
        fix = corrected(words, choice, close) if close else f"{group}={error.options[0]}"
        return problem(group, f"must be one of {', '.join(error.options)}", choice, fix)
    if isinstance(error, OverrideParseException):
        fix = "key=value, quoted where it has brackets or blanks: 'encoder.hidden=[64,64]'"
        return problem(error.override, "must be an override of Hydra's", text.splitlines()[0], fix)
    if isinstance(cause, OmegaConfBaseException) and isinstance(cause.parent_node, DictConfig):
        wrong = str(cause.key)
        known = [str(option) for option in cause.parent_node if not str(option).startswith("_")]
        close = nearest(wrong, known)
        where = key.partition(wrong)[0].rstrip(".") or "the configuration"
        fix = f"one of its options: {', '.join(known)}" if known else "leave it out: there are none"
        if close:
            fix = corrected(words, wrong, close)
        elif wrong == "head" and where.startswith("tasks."):
            fix = f"head@{where}.head=mlp first: it gives the task a head of its own"
        return problem(key, f"must be an option of {where}", f"no {wrong} there", fix)
    if "Did you mean" in text:
        known = re.findall(r"[\w/]+@[\w.]+", text.partition("Did you mean")[2].partition("?")[0])
        close = nearest(key, known) or known[0]
        fix = corrected(words, key, close)
        return problem(key, f"must be one of {', '.join(known)}", "no such choice", fix)
    if "does not exist" in text:  # a deletion
        word = next((word for word in words if word.startswith("~")), "~")
        return problem(
            word,
            "must be there to be left out",
            text.splitlines()[0],
            "--cfg job, which shows what is there",
        )
    found = "; ".join([*text.splitlines()[1:], *str(cause or "").splitlines()[:1]])
    return problem(
        "the command line",
        "must fit the configuration",
        text.splitlines()[0],
        found or f"{command()} --cfg job, which shows it",
    )


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
