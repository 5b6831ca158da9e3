"""``mtl-diagnose``: what the gradients of a model do, before training or with a run's weights."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from mtl_cli.basis.errors import Problem, check_choice, problem
from mtl_cli.basis.shell import as_word
from mtl_cli.command_line.cli import (
    answered,
    compose,
    compose_run,
    explained,
    fail,
    full_errors,
    job_config,
    plain_errors,
    run_command,
)
from mtl_cli.command_line.help import show_help
from mtl_cli.command_line.mistakes import said_today
from mtl_cli.command_line.names import names_in
from mtl_cli.command_line.old_words import is_old
from mtl_cli.command_line.own_parts import conf_folders, find_packages
from mtl_cli.command_line.places import CONF, group_of
from mtl_cli.command_line.sweep import chosen_run
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.writing import write_text

WITH_RUN = ("diagnostic", "checkpoint", "trust", "looks", "device", "runs", "pictures")
EXAMPLES = [
    "mtl-diagnose arch=mmoe dataset=parity_mnist                       before training",
    "mtl-diagnose run=latest diagnostic=gates                          with a run's weights",
    "mtl-diagnose experiment=embedding_notebook diagnostic=attribution",
    "mtl-diagnose run=latest 'diagnostic=[gates,conflict]'             several, in turn",
    "mtl-train arch=mmoe diagnostic=conflict diagnostic.every=20       while it trains",
]


def main() -> None:
    """The command."""
    words = sys.argv[1:]
    with plain_errors(words):
        if answered(words, lambda: show(words)):
            return
    if of_a_run(words):
        with plain_errors(words):
            diagnose(words)
    else:
        run_command(job, "diagnose")


def show(words: list[str]) -> None:
    """Prints the help; of choices, their options."""
    if chosen(words):
        show_help(CONF, "diagnose", words)
    else:
        sys.stdout.write(help_text())


def job(cfg: DictConfig) -> None:
    """One diagnosis, as Hydra calls it."""
    own = HydraConfig.get()
    try:
        before_training(job_config(cfg, own), RunFolder(Path(own.runtime.output_dir)))
    except Problem as error:
        if own.mode == RunMode.MULTIRUN or full_errors():
            raise  # Hydra goes on with the other jobs
        fail(error)


def diagnose(words: list[str]) -> str:
    """Diagnoses as ``mtl-diagnose`` does with the same words, and gives what it prints."""
    if not of_a_run(words):
        cfg, path = compose_run("diagnose", words)
        return before_training(cfg, RunFolder(path))
    for word in find_packages(words):
        key, equals, _ = word.lstrip("+").partition("=")
        if is_old(key):
            raise said_today(key, words)
        if equals and key != "run" and key.partition(".")[0] not in WITH_RUN:
            rule = f"is by the run's own configuration; only {', '.join(WITH_RUN)} can be given"
            raise problem(
                "the diagnosis of a run", rule, word, "mtl-diagnose without run=, which begins anew"
            )
    whole = compose("diagnose", words)
    with explained(words):
        cfg = job_config(whole, whole.hydra)
    return with_weights(cfg, chosen_run(str(cfg.run), Path(cfg.runs)), words)


def of_a_run(words: list[str]) -> bool:
    return any(word.startswith("run=") and word != "run=null" for word in words)


def before_training(cfg: DictConfig, folder: RunFolder) -> str:
    """Looks at what a training would begin with, and keeps the configuration in the folder."""
    from mtl_cli.run.look import look

    weights = None if cfg.init is None else chosen_run(str(cfg.init), Path(cfg.runs)).best
    text = look(cfg, cfg, folder, weights, is_run=False)
    write_text(folder.path / "diagnosis.yaml", OmegaConf.to_yaml(cfg, resolve=True))
    return text


def with_weights(cfg: DictConfig, folder: RunFolder, words: list[str]) -> str:
    """Looks at a run with its weights; what it left of its own training stays as it is."""
    from mtl_cli.run.look import look
    from mtl_cli.trust.run_config import read_config

    check_choice("checkpoint", cfg.checkpoint, ["best", "last"], "checkpoint=best")
    folder.check_writable(f"{as_word('init', folder.path)} without run=")
    own = read_config(folder, cfg.trust)
    if any(word.startswith("device=") for word in words):
        own.device = cfg.device
    weights = folder.best if cfg.checkpoint == "best" else folder.last
    return look(cfg, own, folder, weights, is_run=True)


def chosen(words: list[str]) -> bool:
    """Whether some word is a choice, whose options ``--help`` then shows."""
    folders = conf_folders(CONF, words)
    pairs = [(group_of(key, folders), c) for key, _, c in (word.partition("=") for word in words)]
    choices = [(group, name) for group, choice in pairs for name in names_in(choice)]
    return any((folder / g / f"{c}.yaml").is_file() for folder in folders for g, c in choices)


def help_text() -> str:
    """What the command does, the diagnostics, its options with their meaning, and examples."""
    text = (CONF / "diagnose.yaml").read_text(encoding="utf-8")
    first = text.partition("\n")[0].lstrip("# ")
    options = text.partition("\nrun:")[2].partition("\nhydra:")[0]
    files = sorted((CONF / "diagnostic").glob("*.yaml"))
    says = {file.stem: file.read_text(encoding="utf-8").partition("\n")[0] for file in files}
    usual = next(
        entry["override diagnostic"]
        for entry in yaml.safe_load(text)["defaults"]
        if isinstance(entry, dict)
    )
    lines = [first, "", "usage: mtl-diagnose [diagnostic=choice] [the words of mtl-train ...]"]
    lines += ["       mtl-diagnose [diagnostic=choice] run=<folder>|latest"]
    lines += ["", "diagnostics (* is the default)"]
    for name, line in says.items():
        lines.append(f"  {f'{name}*' if name == usual else name:<15}{line.lstrip('# ')}")
    lines += ["", "options", *(f"  {line}" for line in f"run:{options}".strip().splitlines())]
    lines += ["", "examples", *(f"  {example}" for example in EXAMPLES)]
    lines += ["", "mtl-diagnose diagnostic=conflict --help    the options of a diagnostic"]
    lines += ["mtl-train --help                           everything else that can be chosen"]
    return "\n".join(lines) + "\n"
