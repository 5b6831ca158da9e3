"""A run that starts from the weights of another one."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from mtl_cli.command_line.sweep import chosen_run
from mtl_cli.disk import checkpoint
from mtl_cli.disk.older_runs import weights_of_today
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.model.model import Model

ARCH = "arch."  # begins the names of an architecture's weights


def first_weights(cfg: DictConfig, folder: RunFolder, resumed: bool) -> Path | None:
    """The checkpoint of the run that a configuration starts from; None: it starts from none, or
    goes on in its folder."""
    if cfg.init is None or (resumed and folder.has_begun()):
        return None
    return chosen_run(cfg.init, Path(cfg.runs)).best


def start_from(path: Path, model: Model) -> None:
    """Puts the weights of a checkpoint into a model, whose losses stay as they are.

    What predictions are made by comes from there: the weights, and the unit of each target. How a
    loss weighs classes does not: this run's configuration says it, or its own train labels do.

    Raises:
        ValueError: where they are another model's.
    """
    criteria = {task.criterion for task in model.tasks.values()}
    losses = tuple(f"{name}." for name, module in model.named_modules() if module in criteria)
    learned = {name for name, _ in model.named_parameters()}

    def is_of_a_loss(name: str) -> bool:
        return name.startswith(losses) and name not in learned

    weights = weights_of_today(checkpoint.load(path)["model"])
    theirs = {name: value for name, value in weights.items() if not is_of_a_loss(name)}
    own = {name: value for name, value in model.state_dict().items() if is_of_a_loss(name)}
    of_arch = [name for name in theirs if name.startswith(ARCH)]
    taken = model.arch.taken_over({name.removeprefix(ARCH): theirs.pop(name) for name in of_arch})
    theirs |= {f"{ARCH}{name}": value for name, value in taken.items()}
    checkpoint.load_weights(model, theirs | own, path)
