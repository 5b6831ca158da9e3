"""``--help``: the groups with their choices; of what is chosen, every option with its meaning."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from mtl_cli.basis.errors import check_choice
from mtl_cli.command_line.own_parts import conf_folders
from mtl_cli.command_line.places import group_of

EXAMPLES = {
    "train": [
        "mtl-train arch=mmoe dataset=parity_mnist",
        "mtl-train arch=mmoe arch.num_experts=4 optimizer.lr=0.003 tasks.sin.weight=0.5",
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
            check_choice(group, choice, known, f"{group}={known[0]}")
            files = [folder / name / f"{choice}.yaml" for folder in folders]
            chosen += [(word, file) for file in files if file.is_file()]
    text = "\n\n".join(f"{word}\n{indented(file)}" for word, file in chosen)
    sys.stdout.write((text or overview(folders, command)) + "\n")


def indented(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").rstrip().splitlines()
    return "\n".join(f"  {line}" for line in lines if not line.startswith("# @package"))


def overview(folders: list[Path], command: str) -> str:
    """The groups with their choices, the options of the command itself, and examples."""
    main_file = folders[0] / f"{command}.yaml"
    text = main_file.read_text(encoding="utf-8")
    defaults: dict[str, str | None] = {}
    for entry in yaml.safe_load(text)["defaults"]:
        if isinstance(entry, dict):
            defaults |= entry
    lines = [
        f"{text.splitlines()[0].lstrip('# ')}",
        "",
        f"usage: mtl-{command} [group=choice ...] [key.path=value ...]",
    ]
    lines += ["", "groups (* is the default)"]
    groups = sorted({path.parent.name for folder in folders for path in folder.glob("*/*.yaml")})
    for group in groups:
        names = sorted({path.stem for folder in folders for path in folder.glob(f"{group}/*.yaml")})
        marked = [f"{name}*" if defaults.get(group) == name else name for name in names]
        lines.append(f"  {group:<11}{', '.join(marked)}")
    options = text.partition("\nname:")[2].partition("\nhydra:")[0]
    lines += ["", "options", *(f"  {line}" for line in f"name:{options}".strip().splitlines())]
    lines += ["", "examples", *(f"  {example}" for example in EXAMPLES[command])]
    lines += [
        "",
        f"mtl-{command} arch=mmoe dataset=parity_mnist --help    the options of these choices",
        f"mtl-{command} arch=mmoe --cfg job                      the whole configuration",
        f"mtl-{command} --hydra-help                             Hydra's own flags",
    ]
    return "\n".join(lines)
