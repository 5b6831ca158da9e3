"""MLflow: runs in a store of files, which its own pages show side by side."""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock

from mtl_cli.basis.errors import problem
from mtl_cli.basis.hub import library
from mtl_cli.disk import writing
from mtl_cli.disk.run_folder import RunFolder, seen_from_here
from mtl_cli.logger.base import Logger, curve_of

SETTINGS = {  # of the library: it calls files old, and would tell its makers of each run
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
ENDS = {"completed": "FINISHED", "stopped_early": "FINISHED", "interrupted": "KILLED"}
ENDS |= {"pruned": "KILLED"}
ODD = re.compile(r"[^/\w.\- ]")  # in a name
LONGEST_NAME, LONGEST_VALUE = 250, 6000  # letters
AT_ONCE = 100  # parameters or figures in one call

log = logging.getLogger(__name__)


class MLflow(Logger):
    """Writes a run of an experiment: the configuration as its parameters (and as a file), a
    metric ``<task>/<metric>/<split>`` by the step, pictures among its artifacts.

    ``mlflow.json`` in the run folder names the run, so that a resume goes on with it. MLflow has no
    way to take figures back: where a run holds others than ``metrics.csv``, as after a kill, or was
    trained with another configuration, one with the right ones takes its place, with its tags.

    Args:
        folder: the run's folder.
        store: a folder, which many runs share.
        experiment: the name under which the run stands there.

    Raises:
        ValueError: where the package is not installed, or an option is no text.
    """

    needs = "mlflow"

    def __init__(self, folder: Path, store: str, experiment: str) -> None:
        super().__init__(folder)
        for option, text in (("store", store), ("experiment", experiment)):
            if not isinstance(text, str) or not text.strip():
                fix = f"logger.mlflow.{option}={'runs/mlruns' if option == 'store' else 'mtl-cli'}"
                raise problem(f"logger.mlflow.{option}", "must be a text", text, fix)
        if "://" in store or store.startswith("file:"):
            fix = "logger.mlflow.store=runs/mlruns"
            raise problem("logger.mlflow.store", "must be a folder on this machine", store, fix)
        for name, value in SETTINGS.items():
            os.environ.setdefault(name, value)
        self.library: Any = library("mlflow", "logger=mlflow")
        self.store = Path(store).expanduser().absolute()
        self.experiment = experiment
        self.kept = folder / "mlflow.json"
        self.client: Any = None  # from the start on
        self.run_id = ""

    def start(self, step: int) -> None:
        kept = json.loads(self.kept.read_text(encoding="utf-8")) if self.kept.exists() else {}
        if kept and Path(kept["store"]).is_dir():
            self.store = Path(kept["store"])
        with writing.in_words(self.store):
            self.store.parent.mkdir(parents=True, exist_ok=True)
        lock = self.store.with_name(f".{self.store.name}.lock")
        with FileLock(lock):  # two runs that begin at once would make two experiments of a name
            self.client = self.library.MlflowClient(self.store.as_uri())
            experiment = self.own_experiment()
        config = {
            cleaned(name).replace("/", "_")[:LONGEST_NAME]: str(value)[:LONGEST_VALUE]
            for name, value in self.config().items()
        }
        before = self.find(kept.get("run"))
        if before is not None and self.holds(before, config):
            self.run_id = before.info.run_id
            self.client.update_run(self.run_id, status="RUNNING")
        else:
            self.begin(before, config, experiment)
            kept = {"store": str(self.store), "run": self.run_id}
            writing.write_text(self.kept, json.dumps(kept, indent=2) + "\n")
        if (path := RunFolder(self.folder).config).exists():  # by another name: this is no run
            text = path.read_text(encoding="utf-8")
            self.client.log_text(self.run_id, text, "configuration.yaml")
        where = seen_from_here(self.store)
        log.info("mlflow      run %s of %s in %s", self.run_id, self.experiment, where)

    def find(self, run_id: str | None) -> Any:
        """The run of that id, unless it is gone."""
        if run_id is None:
            return None
        try:
            run = self.client.get_run(run_id)
        except self.library.exceptions.MlflowException:
            return None
        return run if run.info.lifecycle_stage == "active" else None

    def holds(self, run: Any, config: Mapping[str, str]) -> bool:
        """Whether a run has this configuration, and each row of ``metrics.csv`` once."""
        found = [
            (metric.step, metric.key, repr(metric.value))
            for name in run.data.metrics
            for metric in self.client.get_metric_history(run.info.run_id, name)
        ]
        rows = [(step, cleaned(curve), repr(value)) for _, step, curve, value in self.written()]
        return run.data.params == config and sorted(found) == sorted(rows)

    def begin(self, before: Any, config: Mapping[str, str], experiment: str) -> None:
        """A new run with what is written so far, in place of one ``before``."""
        tags = {}
        if before is not None:
            experiment, tags = before.info.experiment_id, before.data.tags
            self.client.delete_run(before.info.run_id)
        usual = {
            "mlflow.runName": f"{config.get('name')} (seed {config.get('seed')})",
            "folder": str(self.folder.absolute()),
        }
        run = self.client.create_run(experiment, tags=usual | tags)
        self.run_id = run.info.run_id
        entity = self.library.entities.Param
        values = [entity(name, value) for name, value in config.items()]
        for part in range(0, len(values), AT_ONCE):
            self.client.log_batch(self.run_id, params=values[part : part + AT_ONCE])
        self.note((step, curve, value) for _, step, curve, value in self.written())

    def own_experiment(self) -> str:
        """The id of the experiment, which is made where it is not there."""
        found = self.client.get_experiment_by_name(self.experiment)
        if found is None:
            return str(self.client.create_experiment(self.experiment))
        if found.lifecycle_stage != "active":
            self.client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def note(self, rows: Iterable[tuple[int, str, float]]) -> None:
        """Adds figures: step, name of the curve, value."""
        now, entity = int(time.time() * 1000), self.library.entities.Metric
        metrics = [entity(cleaned(curve), value, now, step) for step, curve, value in rows]
        for part in range(0, len(metrics), AT_ONCE):
            self.client.log_batch(self.run_id, metrics=metrics[part : part + AT_ONCE])

    def log(
        self, epoch: int, step: int, split: str, figures: Mapping[str, Mapping[str, float]]
    ) -> None:
        self.note(
            (step, curve_of(task, metric, split), float(value))
            for task, values in figures.items()
            for metric, value in values.items()
        )

    def show(self, pictures: Sequence[Path]) -> None:
        for path in pictures:
            place = path.parent.relative_to(self.folder).as_posix()
            self.client.log_artifact(self.run_id, str(path), place)

    def close(self, status: str) -> None:
        if self.run_id:
            self.client.set_terminated(self.run_id, ENDS.get(status, "FAILED"))


def cleaned(name: str) -> str:
    """A name as MLflow takes it, which refuses most signs."""
    return ODD.sub("_", name)
