"""Labelled data for a trained model: splits of its dataset or of another one, and files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.errors import nearest, problem
from mtl_cli.dataset.base import Dataset, Loader
from mtl_cli.trained.loaded_run import LoadedRun
from mtl_cli.trained.rebuilt_dataset import read_dataset


@dataclass(frozen=True)
class LabelledData:
    """What a model is to be evaluated on.

    Args:
        loader: its batches.
        tasks: those to evaluate.
        name: in a word, for the name of a file.
        about: what it is, as plain data.
        notice: what a user should know of it before trusting a result, or None.
        max_batches: how many of its batches count; None: all.
    """

    loader: Loader
    tasks: list[str]
    name: str
    about: dict[str, Any]
    notice: str | None = None
    max_batches: int | None = None

    @property
    def num_examples(self) -> int:
        """How many its batches have, once they were read: all batches, whatever counts."""
        return self.loader.num_examples


def from_files(
    run: LoadedRun, paths: Mapping[str, str], chosen: Sequence[str], batch_size: int
) -> LabelledData:
    """Labelled files, by the inputs that they are for, read as the run's data was read.

    Args:
        run: whose model they are for.
        paths: ``{input: a file or folder}``.
        chosen: the tasks to evaluate; empty: all that read these inputs.
        batch_size: examples at a time.
    """
    for name in paths:
        run.check_input(name)
    tasks = run.readers(paths, chosen or None)
    loader = LabelledFiles(run, paths, tasks, batch_size)
    name = "_".join(["input", *(Path(path).name.partition(".")[0] for path in paths.values())])
    files = {own: str(Path(path).expanduser().resolve()) for own, path in paths.items()}
    return LabelledData(loader, tasks, name, {"split": None, "files": files})


def from_dataset(
    run: LoadedRun, split: str, words: Sequence[str], chosen: Sequence[str]
) -> LabelledData:
    """A split of the run's dataset, made anew, or of the one that ``words`` choose.

    A run that looked at some batches alone (``trainer.max_batches``) looks at those here too.
    """
    dataset, choice = read_dataset(run, split, words)
    tasks = [
        t for t in run.readers(run.data.inputs, chosen or None) if chosen or t in dataset.tasks
    ]
    loader = split_loader(run, dataset, split, tasks)
    most = None if words else run.config.trainer.get("max_batches")
    said = {"name": choice, "source": dataset.source, "sizes": dataset.sizes}
    name = f"{choice}_{split}" if words else split
    about = {"split": split, "dataset": said, "words": list(words), "max_batches": most}
    return LabelledData(loader, tasks, name, about, dataset.notice, most)


@dataclass
class LabelledFiles:
    """The batches of some files, which are read anew each time and never held whole.

    Args:
        run: reads them.
        paths: ``{input: a file or folder}``.
        tasks: those whose labels are read.
        batch_size: B.
    """

    run: LoadedRun
    paths: Mapping[str, str]
    tasks: Sequence[str]
    batch_size: int
    num_examples: int = 0  # that were read last

    def __len__(self) -> int:
        return -(-self.num_examples // self.batch_size)

    def batches(self, epoch: int, start: int = 0) -> Iterator[Batch]:
        self.num_examples = 0
        for name, path in self.paths.items():
            tasks = [task for task in self.run.readers([name]) if task in self.tasks]
            for part in self.run.read(name, Path(path), self.batch_size, tasks):
                for task, target in part.targets.items():
                    self.run.tasks[task].check_targets(target)
                self.num_examples += len(part)
                yield Batch(part.inputs, part.targets, weights=part.weights, groups=part.groups)


def split_loader(run: LoadedRun, dataset: Dataset, split: str, tasks: Sequence[str]) -> Loader:
    """The batches of a split, for some tasks, whose labels are checked."""
    targets = dataset.targets(split)
    reads: dict[str, Any] = {}
    for task in tasks:
        if task not in dataset.tasks:
            rule = f"must be tasks of the dataset: {', '.join(dataset.tasks)}"
            raise problem("tasks", rule, task, f"'tasks=[{nearest(task, list(targets))}]'")
        reads[task] = run.data.tasks[task]
        if task in targets:
            run.tasks[task].check_targets(targets[task])
    return dataset.loader(split, reads, run.device, int(run.config.seed))
