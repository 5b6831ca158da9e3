"""A page for each part, made of its YAML and of the docstring of its class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from pages.options import Option, begins_with, headline, options, targets

# How a part is chosen, and where its options stand, where that is not its group's name.
CHOSEN = {
    "loss": "mtl-train tasks.<task>.loss={0}",
    "task": "mtl-train tasks.<task>={0}",
    "row_optimizer": "mtl-train embedding.width=16 embedding.optimizer={0}",
    "diagnostic": "mtl-diagnose run=latest diagnostic={0}",
}
PLACE = {
    "loss": "tasks.<task>.loss",
    "task": "tasks.<task>",
    "row_optimizer": "embedding.optimizer",
    "logger": "logger.{0}",
}
GROUPS = {
    "arch": "Architectures: what tasks share, and where they part.",
    "dataset": "Where examples come from.",
    "diagnostic": "What is measured of a model: gradients, gates, experts.",
    "embedding": "Vectors for the categories of a table's rows.",
    "encoder": "From an input to features, in stages that architectures share.",
    "experiment": "A small difference from the defaults, as one word.",
    "head": "From features to a task's output.",
    "logger": "Where figures go, beside `metrics.csv`.",
    "loss": "What a task's training makes small.",
    "optimizer": "How a gradient becomes a step.",
    "row_optimizer": "Optimizers of tables of which a step reads few rows.",
    "scheduler": "The learning rate over the steps.",
    "space": "What `study=tune` draws of a part where nothing else is said.",
    "study": "Several trainings that answer one question.",
    "task": "Kinds of tasks: their labels, loss, metrics and predictions.",
    "trainer": "How long a training is, and what is kept of it.",
    "weighting": "From the losses of a step to its gradients.",
}
SPECIAL = re.compile(r"([\\`*_<>|\[\]~$#{}])")


def write_parts(conf: Path, out: Path) -> None:
    """Writes a page for each YAML, one for each group, and one that lists the groups."""
    groups = sorted(path for path in conf.iterdir() if path.is_dir())
    for group in groups:
        files = sorted(group.glob("*.yaml"))
        (out / group.name).mkdir(parents=True)
        for file in files:
            place = out / group.name / f"{file.stem}.md"
            place.write_text(page_of(group.name, file), encoding="utf-8")
        text = page_of_group(group.name, files)
        (out / group.name / "index.md").write_text(text, encoding="utf-8")
    commands = sorted(conf.glob("*.yaml"))
    (out / "command").mkdir()
    for file in commands:
        text = page_of_command(file)
        (out / "command" / f"{file.stem}.md").write_text(text, encoding="utf-8")
    rows = [f"| [`{own.name}`]({own.name}/index.md) | {GROUPS[own.name]} |" for own in groups]
    table = "\n".join(["| group | what it is |", "|---|---|", *rows])
    listed = toctree([f"{group.name}/index" for group in groups], hidden=True)
    said = (
        "Every page here is made of the part's YAML, with the meaning beside each option, and of "
        "its docstring. `mtl-train arch=mmoe --help` prints the same options."
    )
    names = [f"command/{file.stem}" for file in commands]
    text = f"# Parts\n\n{said}\n\n{table}\n\n{listed}\n\n## Commands\n\n{toctree(names)}\n"
    (out / "index.md").write_text(text, encoding="utf-8")


def page_of_group(group: str, files: Sequence[Path]) -> str:
    """The parts of a group, each with a sentence."""
    said = {file.stem: escaped(headline(file.read_text(encoding="utf-8"))) for file in files}
    rows = [f"| [`{name}`]({name}.md) | {sentence} |" for name, sentence in said.items()]
    table = "\n".join(["| choice | what it is |", "|---|---|", *rows])
    names = toctree([file.stem for file in files], hidden=True)
    return f"# {group}\n\n{GROUPS[group]}\n\n{table}\n\n{names}\n"


def page_of(group: str, file: Path) -> str:
    """The page of one part."""
    text, name = file.read_text(encoding="utf-8"), file.stem
    at_root = text.startswith("# @package _global_")
    prefix = "" if at_root else PLACE.get(group, group).format(name) + "."
    chosen = CHOSEN.get(group, f"mtl-train {group}={{0}}").format(name)
    kinds = targets(text)
    ours = [kind for kind in kinds if kind.startswith("mtl_cli.")]
    parts = [f"# {name}", f"```sh\n{chosen}\n```", *[docstrings(kind) for kind in ours[:1]]]
    if not any(begins(kind, headline(text)) for kind in ours[:1]):
        parts.insert(1, escaped(headline(text)))
    parts += [said_of(begins_with(text), "## Chosen with it", "")]
    parts += [said_of(options(text), "## Options", prefix)]
    others = [f"`{kind}`" for kind in kinds if kind not in ours[:1]]
    parts += [f"Classes that it names: {', '.join(others)}."] if others else []
    return "\n\n".join(filter(None, parts)) + "\n"


def page_of_command(file: Path) -> str:
    """The options of a command itself."""
    text = file.read_text(encoding="utf-8")
    parts = [f"# mtl-{file.stem}", escaped(headline(text)), f"```sh\nmtl-{file.stem} --help\n```"]
    parts += [said_of(begins_with(text), "## Groups, and what is chosen of them", "")]
    parts += [said_of(options(text), "## Options", "")]
    return "\n\n".join(filter(None, parts)) + "\n"


def begins(kind: str, words: str) -> bool:
    """Whether the docstring of a class's module begins with these words."""
    said = import_module(kind.rpartition(".")[0]).__doc__ or ""
    return " ".join(said.split()).startswith(words)


def docstrings(kind: str) -> str:
    """What a class and its module say."""
    module = kind.rpartition(".")[0]
    words = [f".. automodule:: {module}", "   :no-index:", "", f".. autoclass:: {kind}"]
    return "\n".join(["```{eval-rst}", *words, "   :no-index:", "   :no-members:", "```"])


def said_of(found: Sequence[Option], title: str, prefix: str) -> str:
    """Options as a list of words with their meaning; empty of none."""
    if not found:
        return ""
    terms = [
        (f"`{prefix}{own.path}={own.value}`" if own.value else f"`{prefix}{own.path}`")
        + f"\n: {escaped(own.meaning) or 'as it says'}"
        for own in found
    ]
    return "\n\n".join([title, *terms])


def escaped(text: str) -> str:
    """Words of a comment as Markdown that shows just them."""
    return SPECIAL.sub(r"\\\1", text)


def toctree(names: Sequence[str], hidden: bool = False) -> str:
    """A list of pages that belong below this one."""
    flags = [":hidden:"] if hidden else [":maxdepth: 1"]
    return "\n".join(["```{toctree}", *flags, "", *names, "```"])
