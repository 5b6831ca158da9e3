"""What a run knows of its data without having it: enough to rebuild the model and to predict."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from hydra.utils import get_class

from mtl_cli import __version__
from mtl_cli.basis.errors import Problem, problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.plain_inputs import as_plain, from_plain
from mtl_cli.basis.shell import as_word
from mtl_cli.comparison.saved_run import mapping
from mtl_cli.dataset.base import Dataset
from mtl_cli.dataset.readers.base import Reader
from mtl_cli.disk.formats import with_format, without_format
from mtl_cli.disk.older_datasets import state_of_today
from mtl_cli.disk.older_runs import of_today
from mtl_cli.disk.run_folder import RunFolder, finite, seen_from_here
from mtl_cli.trust.foreign import check_package
from mtl_cli.trust.slots import check_target
from mtl_cli.trust.trusted import trusted_packages


@dataclass(frozen=True)
class RunData:
    """What ``reader.json`` says.

    Args:
        inputs: ``{input name: its spec}``, of the inputs that a task reads.
        tasks: ``{task: the input that it reads}``.
        class_names: ``{task: the names of its classes}``, where they have names.
        reader: reads new data as the run's data was read; None: the dataset has none.
    """

    inputs: dict[str, InputSpec]
    tasks: dict[str, str]
    class_names: dict[str, list[str]]
    reader: Reader | None

    @classmethod
    def of(
        cls, dataset: Dataset, inputs: Mapping[str, InputSpec], tasks: Mapping[str, str]
    ) -> RunData:
        """What is to be kept of a dataset, for a model that reads these inputs."""
        names = {
            task: [str(name) for name in dataset.class_names[task]]
            for task in tasks
            if task in dataset.class_names
        }
        return cls(dict(inputs), dict(tasks), names, dataset.reader)

    def write(self, folder: RunFolder) -> None:
        """Writes ``reader.json``."""
        folder.write_json(folder.reader, with_format({"version": __version__} | self.as_plain()))

    def as_plain(self) -> dict[str, Any]:
        """All of it as words and numbers, as they come out of JSON again."""
        target = None
        if self.reader is not None:
            kind = type(self.reader)
            target = f"{kind.__module__}.{kind.__qualname__}"
        return finite(
            {
                "target": target,
                "state": None if self.reader is None else self.reader.state(),
                "inputs": {name: as_plain(spec) for name, spec in self.inputs.items()},
                "tasks": self.tasks,
                "class_names": self.class_names,
            }
        )


def read_run_data(folder: RunFolder, trust: Collection[str] = ()) -> RunData:
    """What the folder's ``reader.json`` says.

    Raises:
        ValueError: where there is none, it is damaged, or its reader's class is not trusted.
    """
    path = folder.reader
    if not path.is_file():
        rule = "must hold reader.json, which says how the run's data was read"
        fix = "train again: mtl-train writes it when a run begins"
        raise problem(str(folder.path), rule, "none", fix)
    try:
        said = without_format(json.loads(path.read_text(encoding="utf-8")), str(path))
        names = {task: [str(name) for name in names] for task, names in said["class_names"].items()}
        inputs = {name: from_plain(values) for name, values in said["inputs"].items()}
        if strange := set(said["tasks"].values()) - set(inputs):
            raise ValueError(f"tasks read {strange}, and inputs are {set(inputs)}")
        target = of_today(said["target"])
        return RunData(
            inputs=inputs,
            tasks=dict(said["tasks"]),
            class_names=names,
            reader=make_reader(target, state_of_today(target, said["state"]), trust),
        )
    except Problem:
        raise
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        found = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        rule, fix = "must be as a run wrote it; it is damaged", "another run, or train again"
        raise problem(str(path), rule, found, fix) from error


def make_reader(target: Any, state: Any, trust: Collection[str]) -> Reader | None:
    """The reader of a class, which is looked at by its name before it is imported."""
    if target is None:
        return None
    check_package("reader.json: target", target, trusted_packages(trust))
    check_target("reader.json: target", target, Reader)
    kind: Any = get_class(target)
    return kind.from_state(state)


def check_same_data(before: Any, now: Mapping[str, Any], folder: RunFolder) -> None:
    """Refuses to go on where the data is not what the run was trained on.

    Args:
        before: what the run's summary said of its data.
        now: the same of the data that is there.
        folder: the run's.
    """
    before = mapping(before)
    if before.get("digest") in (None, now["digest"]):  # none: an older version's run
        return
    place = seen_from_here(folder.path)
    rule = "must be the data that the run was trained on, to the last bit"
    fix = f"the data as it was; {as_word('init', place)} for a new run on the new data; "
    fix += f"or {as_word('resume', place)} changed_data=true"
    alike = before.get("sizes") == now["sizes"]
    what = "other values, or another order" if alike else "more or fewer examples"
    raise problem("the data of a run that goes on", rule, what, fix)
