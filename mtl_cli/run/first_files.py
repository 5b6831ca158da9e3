"""What a run writes into its folder before it trains: what it is a run of."""

from __future__ import annotations

from omegaconf import DictConfig, OmegaConf

from mtl_cli.disk import writing
from mtl_cli.disk.formats import FORMAT, KEY
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.build import Run
from mtl_cli.run.run_data import RunData


def write_first_files(cfg: DictConfig, live: Run, folder: RunFolder) -> None:
    """Its configuration, what reads new data, and what each column was taken for."""
    text = OmegaConf.to_yaml(cfg, resolve=True)
    writing.write_text(folder.config, f"{KEY}: {FORMAT}\n{text}")
    reads = {name: task.input for name, task in live.model.tasks.items()}
    RunData.of(live.dataset, live.model.inputs, reads).write(folder)
    if live.dataset.details:
        writing.write_text(folder.columns, "\n".join([*live.dataset.details, ""]))
