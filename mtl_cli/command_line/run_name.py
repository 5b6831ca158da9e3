"""What a run is called, by default: ``parity_mnist_mmoe_fixed``."""

from collections.abc import Mapping

from omegaconf import DictConfig, OmegaConf

from mtl_cli.disk.new_file import file_name


def run_name(*, _root_: DictConfig) -> str:
    """The run's name, by default of what was chosen."""
    return file_name(str(name_of(_root_.name, _root_.hydra.runtime.choices)))


def name_of(name: str | None, choices: Mapping[str, str]) -> str:
    """The name that was said, or one of what was chosen."""
    return name or "_".join(str(choices[group]) for group in ("dataset", "arch", "weighting"))


def register() -> None:
    """Called before anything is composed."""
    OmegaConf.register_new_resolver("run_name", run_name, replace=True)
