"""A trained run as Python has it: its model, its tasks, and predictions for new data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from mtl_cli.basis.errors import check_integer, nearest, problem
from mtl_cli.dataset.files.held import PREFIX, held
from mtl_cli.dataset.readers.base import NewExamples, Reader
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.mode import mode
from mtl_cli.model.model import Model
from mtl_cli.run.run_data import RunData
from mtl_cli.task.base import Task
from mtl_cli.task.maps import MapTask
from mtl_cli.trained.answers_of_maps import by_task, few
from mtl_cli.trained.columns import columns_for
from mtl_cli.trained.map_files import MapFiles
from mtl_cli.trained.new_data import (
    as_arrays,
    as_examples,
    check_examples,
    check_path,
    frame_of,
    leading,
    rows_in,
    without_file,
)
from mtl_cli.trained.predictions import Columns, distinct
from mtl_cli.training.evaluation import to_device

Source = Any  # of new data: a path, a pandas.DataFrame, or the examples themselves


@dataclass(frozen=True, repr=False)
class LoadedRun:
    """A trained model, and what it takes to use it.

    Args:
        folder: of the run.
        config: the whole configuration of the run.
        model: with the weights of a checkpoint, in evaluation mode.
        data: the inputs and tasks, the names of classes, and how new data is read.
        device: where the model is.
    """

    folder: RunFolder
    config: DictConfig
    model: Model
    data: RunData
    device: torch.device

    def __repr__(self) -> str:
        return f"<LoadedRun of {self.folder.path}: {', '.join(self.tasks)}>"

    @property
    def tasks(self) -> dict[str, Task]:
        """The tasks by name."""
        return self.model.tasks

    def predict(self, data: Source | Mapping[str, Source], batch_size: int = 1000) -> Any:
        """Predictions as ``mtl-predict`` writes them, a `pandas.DataFrame`, without ``file`` where
        there is none. With tasks of pixels ``{task: maps}``: see `by_task`.

        Args:
            data: a file or folder; the rows of one, as a `pandas.DataFrame` (whose index the
                predictions have), a `pyarrow.Table` or a list of ``{column: cell}``; a list of
                texts (of pairs of them), where the model reads nothing else; or the examples as
                the model reads them, a tensor or an array. By input, where there are several:
                ``{"movie": ..., "yelp": ...}``. Pictures are an array [N, H, W, 3].
            batch_size: examples at a time.
        """
        import pandas

        given = data if isinstance(data, Mapping) else {self.only_input("data"): data}
        rows = rows_in(given, self.data.reader)
        with held(rows):
            parts = {
                name: self.examples(name, f"{PREFIX}{name}" if name in rows else source, batch_size)
                for name, source in given.items()
            }
            parts |= {name: without_file(parts[name]) for name in rows}
            if self.map_tasks:
                return by_task(self.tasks, self.data, parts, self.outputs)
            frames = [frame_of(columns) for columns in self.predictions(parts)]
        found = pandas.concat(frames, ignore_index=True)
        only = next(iter(given.values()))
        if len(given) == 1 and isinstance(only, pandas.DataFrame):
            found.index = only.index
        return found

    def examples(self, input: str, source: Source, batch_size: int) -> Iterator[NewExamples]:
        """The examples of whatever was given for an input."""
        self.check_input(input)
        if isinstance(source, str | Path):
            return self.read(input, Path(source), batch_size)
        own = as_examples(source, self.data.reader, input)
        check_examples(self.data.inputs[input].example(1), own.inputs[input], input)
        return own.batches(few(self.tasks, batch_size))

    def read(
        self, input: str, path: Path, batch_size: int, tasks: Collection[str] = ()
    ) -> Iterator[NewExamples]:
        """The examples of a file or folder, read as the run's data was read."""
        self.check_input(input)
        check_integer("batch_size", batch_size, 1, "batch_size=1000")
        is_only = len(self.data.inputs) == 1
        check_path(path.expanduser(), "input" if is_only else f"inputs.{input}")
        at_once = few(self.tasks, batch_size)
        parts = self.reader.read(path.expanduser(), input, at_once, tasks)
        return (batch for part in parts for batch in part.batches(at_once))

    @property
    def map_tasks(self) -> list[str]:
        """The tasks of every pixel."""
        return [name for name, task in self.tasks.items() if isinstance(task, MapTask)]

    @property
    def reader(self) -> Reader:
        """What reads new data."""
        if self.data.reader is None:
            rule = "must come from a dataset that reads new data"
            name = self.config.choices.get("dataset")
            fix = "from Python: mtl_cli.load_run(folder).predict({input: tensor})"
            raise problem(str(self.folder.path), rule, f"dataset={name}, which does not", fix)
        return self.data.reader

    def only_input(self, option: str) -> str:
        """The name of the input that all tasks read.

        Raises:
            ValueError: where there are several.
        """
        first, *others = self.data.inputs
        if others:
            rule = f"must say which input it is for: {', '.join(self.data.inputs)}"
            raise problem(option, rule, "a model with several inputs", f"inputs.{first}=<file>")
        return first

    def check_input(self, name: str) -> None:
        known = list(self.data.inputs)
        if name not in known:
            rule = f"must be an input of the model: {', '.join(known)}"
            fix = f"inputs.{nearest(name, known) or known[0]}=<file>"
            raise problem(f"inputs.{name}", rule, name, fix)

    def readers(self, inputs: Collection[str], chosen: Collection[str] | None = None) -> list[str]:
        """The tasks that read some of the inputs, of ``chosen`` alone where that is given.

        Raises:
            ValueError: where one of ``chosen`` is none of them.
        """
        reading = [task for task, name in self.data.tasks.items() if name in inputs]
        there = [task for task in reading if self.tasks[task].has_labels]
        for task in chosen or ():
            if task not in there:
                rule = f"must be tasks that read what is given: {', '.join(there)}"
                raise problem("tasks", rule, task, f"'tasks=[{nearest(task, there) or there[0]}]'")
        return [task for task in there if chosen is None or task in chosen]

    def predictions(
        self,
        given: Mapping[str, Iterable[NewExamples]],
        chosen: Collection[str] | None = None,
        files: MapFiles | None = None,
    ) -> Iterator[Columns]:
        """The predictions for the examples of some inputs, one input after the other.

        Where several inputs are given, a column ``input`` says which one a row is of, and the
        tasks that do not read it predict nothing there.

        Args:
            given: ``{input: its examples, part by part}``.
            chosen: the tasks that predict; None: all that read these inputs.
            files: write the maps of tasks of pixels.
        """
        tasks = self.readers(given, chosen)
        several, names = len(given) > 1, self.data.class_names
        for name, parts in given.items():
            own = [task for task in tasks if self.data.tasks[task] == name]
            for part in parts:
                outputs = self.outputs(part, own)
                beside = leading(part, name) if several else as_arrays(part)
                predicted = {
                    t: columns_for(self.tasks[t], outputs.get(t), part, names.get(t, []), files)
                    for t in tasks
                }
                yield distinct(beside, predicted, self.tasks)

    @torch.inference_mode()
    def outputs(self, part: NewExamples, tasks: list[str]) -> dict[str, Tensor]:
        """What the heads give."""
        with mode(self.model, training=False):
            outputs = self.model(to_device(part.inputs, self.device), tasks)
        return {task: output.float() for task, output in outputs.items()}
