"""``--help``: the groups with their choices; of what is chosen, every option with its meaning."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap

import yaml

from mtl_cli.basis.errors import check_choice
from mtl_cli.command_line.names import names_in
from mtl_cli.command_line.own_parts import conf_folders
from mtl_cli.command_line.places import group_of

WIDTH = 80
ANY_TASK = "tasks.<name>"
MOST_USED = [
    "trainer.max_epochs",
    "optimizer.lr",
    "dataset.batch_size",
    "encoder.hidden",
    "encoder.dropout",
    f"{ANY_TASK}.weight",
    "trainer.select",
    "trainer.patience",
    "seed",
    "device",
]
EXAMPLES = {
    "train": [
        "mtl-train arch=mmoe dataset=parity_mnist",
        "mtl-train arch=mmoe arch.num_experts=4 optimizer.lr=0.003 tasks.sin.loss=huber",
        "mtl-train --multirun arch=single_task,hps,mmoe 'seed=range(3)'",
    ]
}


def show_help(conf: Path, command: str, words: list[str]) -> None:
    """Prints the help of a command; ``group=choice`` words ask for the options of those choices.

    Raises:
        ValueError: where a group has no such choice.
    """
    folders = conf_folders(conf, words)
    chosen = []
    for word in words:
        group, _, choice = word.partition("=")
        name = group_of(group, folders)
        known = sorted({path.stem for folder in folders for path in folder.glob(f"{name}/*.yaml")})
        if name and choice and known:
            for one in names_in(choice):
                check_choice(group, one, known, f"{group}={known[0]}")
                files = [folder / name / f"{one}.yaml" for folder in folders]
                chosen += [(f"{group}={one}", file) for file in files if file.is_file()]
    text = "\n\n".join(f"{word}\n{indented(file)}" for word, file in chosen)
    sys.stdout.write((text or overview(folders, command)) + "\n")


def indented(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").rstrip().splitlines()
    return "\n".join(f"  {line}" for line in lines if not line.startswith("# @package"))


def overview(folders: list[Path], command: str) -> str:
    """The groups with their choices, the options that are most used, and examples."""
    main_file = folders[0] / f"{command}.yaml"
    text = main_file.read_text(encoding="utf-8")
    defaults: dict[str, str | None] = {}
    for entry in yaml.safe_load(text)["defaults"]:
        if isinstance(entry, dict):
            defaults |= entry
    lines = wrapped("", text.splitlines()[0].lstrip("# "))
    lines += ["", f"usage: mtl-{command} [group=choice ...] [key.path=value ...]"]
    lines += ["", "groups (* is the default)"]
    groups = sorted({path.parent.name for folder in folders for path in folder.glob("*/*.yaml")})
    for group in groups:
        names = sorted({path.stem for folder in folders for path in folder.glob(f"{group}/*.yaml")})
        marked = [f"{name}*" if defaults.get(group) == name else name for name in names]
        lines += wrapped(f"  {group:<14}", ", ".join(marked))
    lines += ["", "options that are most used, with their defaults"]
    lines += [line for path in MOST_USED for line in option_line(path, folders[0], defaults)]
    top = [
        f"{key}.{name}" if isinstance(value, dict) else key
        for key, value in yaml.safe_load(text).items()
        if key not in ("defaults", "hydra", *MOST_USED)
        for name in (value if isinstance(value, dict) else [key])
    ]
    lines += ["", "other options of a run"]
    lines += [line for path in top for line in option_line(path, folders[0], defaults)]
    lines += ["", "examples", *(f"  {example}" for example in EXAMPLES[command])]
    lines += [
        "",
        f"mtl-{command} arch=mmoe dataset=parity_mnist --help   the options of these",
        f"mtl-{command} tasks.digit.loss=focal --help           those of a choice within",
        f"mtl-{command} arch=mmoe --cfg job                     the whole configuration",
        f"mtl-{command} --hydra-help, --version                 Hydra's flags; the version",
    ]
    return "\n".join(lines)


def option_line(path: str, conf: Path, defaults: Mapping[str, str | None]) -> list[str]:
    """An option with its default and its meaning, as its YAML has them."""
    group, _, name = path.rpartition(".")
    choice = defaults.get(group)
    file = conf / (f"{group}/{choice}.yaml" if choice else "train.yaml")
    if group == ANY_TASK:
        file = conf / "task/regression.yaml"
    text = file.read_text(encoding="utf-8")
    found = re.search(rf"^ *{name}: (.*?)(?: +# (.*))?$", text, re.MULTILINE)
    assert found is not None, path
    shown = f"  {path}={found[1].replace(', ', ',')}"
    return wrapped(f"{shown:<32}" if len(shown) < 31 else f"{shown}  ", found[2] or "", 32)


def wrapped(first: str, text: str, indent: int | None = None) -> list[str]:
    """Lines of at most `WIDTH` characters; all after the first begin below its text."""
    below = " " * (len(first) if indent is None else indent)
    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=below) or [first.rstrip()]
