"""``mtl-evaluate``: losses and metrics of a trained run, on a split of its data or on other data.

On ``split=test checkpoint=best`` they are those of the run's summary, to the last bit.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from mtl_cli import __version__
from mtl_cli.basis.errors import Problem, check_integer, problem
from mtl_cli.command_line.cli import answered, plain_errors
from mtl_cli.command_line.options import read_options, refuse, required, show_help, sources_of
from mtl_cli.command_line.own_parts import find_packages
from mtl_cli.comparison.saved_run import mapping, read_json
from mtl_cli.comparison.table import text_table
from mtl_cli.disk.new_file import check_new, file_name
from mtl_cli.disk.run_folder import RunFolder

USAGE = "run=<folder> [split=<split>] [dataset=<choice> dataset.<option>=...] [key=value ...]"
NOTES = [
    "dataset=..., with its options as for mtl-train, evaluates on another dataset with the same",
    "inputs; dataset.<option>=... alone changes the run's own. input=<file> reads a labelled file",
    "as the run's data was read: with its vocabulary, its scales and its classes.",
]
EXAMPLES = [
    "mtl-evaluate run=latest",
    "mtl-evaluate run=latest split=val checkpoint=last",
    "mtl-evaluate run=runs/2024-01-31/12-00-00_income dataset.path=next_year.csv",
    "mtl-evaluate run=latest dataset=parity_mnist dataset.source=digits",
    "mtl-evaluate run=latest input=labelled.csv",
]

USUAL_BATCH = 1000  # examples, where a dataset has no batches of its own for evaluations
ABOUT = ("checkpoint", "split", "dataset", "words", "max_batches", "files")  # the data in a result


def main() -> None:
    """The command."""
    words = sys.argv[1:]
    if answered(words, lambda: show_help("evaluate", USAGE, NOTES, EXAMPLES)):
        return
    with plain_errors(words):
        sys.stdout.write(as_text(evaluate(words)) + "\n")


def evaluate(words: Sequence[str]) -> dict[str, Any]:
    """Evaluates as ``mtl-evaluate`` does with the same words; gives what it writes.

    Raises:
        ValueError: where the run or the data is not as it must be.
    """
    values, others = read_options("evaluate", find_packages(words))
    data_words = [word for word in others if word.lstrip("+~").startswith(("dataset=", "dataset."))]
    refuse("evaluate", [word for word in others if word not in data_words], [*values, "dataset"])
    name = required("evaluate", values, "run", "run=latest")
    only, paths = sources_of(values)
    if (only is not None or paths) and data_words:
        rule, fix = "must not stand beside a dataset", "input=<file>, or dataset=<choice>"
        raise problem("input", rule, data_words[0], fix)

    path = None if values["out"] is None else Path(values["out"]).expanduser()
    if path is not None:
        check_new(path, values["overwrite"])

    from mtl_cli.basis.device import keep_freed_memory
    from mtl_cli.basis.seed import set_deterministic
    from mtl_cli.trained.labelled_data import from_dataset, from_files
    from mtl_cli.trained.loading import load_run
    from mtl_cli.training import evaluation
    from mtl_cli.training.by_number import by_number

    keep_freed_memory()
    run = load_run(name, values["checkpoint"], values["device"], values["trust"], values["runs"])
    set_deterministic(bool(run.config.get("deterministic")))
    if only is not None:
        paths = {run.only_input("input"): only}
    if paths:
        size = examples_at_a_time(values["batch_size"], run.config)
        data = from_files(run, paths, values["tasks"], size)
    else:
        data = from_dataset(run, values["split"], data_words, values["tasks"])
    most = data.max_batches
    figures = evaluation.evaluate(
        run.model, data.loader, data.tasks, run.device, most, numbers=True
    )
    numbers = by_number({task: run.tasks[task] for task in figures}, run.data.class_names)
    said = evaluation.remarks({task: run.tasks[task] for task in figures})
    if not figures:
        found = f"none for {', '.join(data.tasks)}"
        raise problem(data.name, "must have labels", found, "other data, or another split")
    result = {
        "run": str(run.folder.path),
        "name": str(run.config.get("name")),
        "seed": run.config.seed,
        "checkpoint": values["checkpoint"],
        **data.about,
        "examples": data.num_examples,
        "notice": data.notice,
        "figures": figures,
        **({"numbers": numbers} if numbers else {}),
        **({"remarks": said} if said else {}),
        "loss": evaluation.total_loss(run.tasks, figures),
        "device": str(run.device),
        "version": __version__,
    }
    if path is None:
        last = "_last" if values["checkpoint"] == "last" else ""
        path = own_place(run.folder.path / file_name(f"evaluation_{data.name}{last}"), result)
    write(run.folder, path, result)
    return result | {"written_to": str(path)}


def examples_at_a_time(said: str, config: DictConfig) -> int:
    """B of files: as it was typed, else as the run evaluates its splits."""
    if said == "auto":
        usual = config.dataset.get("eval_batch_size")
        return usual if isinstance(usual, int) else USUAL_BATCH
    size = int(said) if said.isascii() and said.isdigit() else said
    check_integer("batch_size", size, 1, "batch_size=auto")
    return int(size)


def own_place(path: Path, result: dict[str, Any]) -> Path:
    """A file in the run folder that is new, or of an earlier evaluation on the same data."""
    count, candidate = 1, path.with_name(f"{path.name}.json")
    while candidate.exists() and not same_data(candidate, result):
        count += 1
        candidate = path.with_name(f"{path.name}_{count}.json")
    return candidate


def same_data(file: Path, result: dict[str, Any]) -> bool:
    """Whether a file holds figures of the same tasks on the same data."""
    try:
        before = read_json(file)
    except Problem:
        return False
    about = [key for key in ABOUT if key in result]
    same = all(before.get(key) == result[key] for key in about)
    return same and [*mapping(before.get("figures"))] == [*result["figures"]]


def write(folder: RunFolder, path: Path, result: dict[str, Any]) -> None:
    """Writes the figures, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        rule, found = "must be a file that can be written", error.strerror or str(error)
        raise problem(f"out={path}", rule, found, "out=<another file>") from error
    folder.write_json(path, result)


def as_text(result: dict[str, Any]) -> str:
    """The figures as ``mtl-train`` shows them."""
    title = f"{result['name']} (seed {result['seed']}), {result['checkpoint']} weights"
    if result["notice"]:
        title += f", on {result['notice']}"
    if result.get("max_batches"):
        title += f", on {result['max_batches']} batches, as trainer.max_batches says"
    else:
        title += f", {of_all(result)}"
    what = result["split"] or ", ".join(Path(path).name for path in result["files"].values())
    rows = [
        [task, metric, value]
        for task, values in result["figures"].items()
        for metric, value in sorted(values.items(), key=lambda own: own[0] == "loss")
    ]
    table = text_table(["task", "metric", what], rows)
    said = "".join(f"\n{figure}: {remark}" for figure, remark in result.get("remarks", {}).items())
    return f"{title}\n{table}{said}\n\nfigures     {result['written_to']}"


def of_all(result: dict[str, Any]) -> str:
    """How many examples there are, and of how many, where a dataset was chosen for it."""
    count = f"{result['examples']:,} examples"
    whole = sum(result["dataset"]["sizes"].values()) if result.get("words") else 0
    if whole <= result["examples"]:
        return count
    return f"{count}, the {result['split']} split of {whole:,} (input=<file> reads all of a file)"
