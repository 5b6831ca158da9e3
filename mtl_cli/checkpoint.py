"""Checkpoints: tensors and plain values in one file, written whole or not at all.

They are loaded with ``weights_only``: a file from somebody else is data, never a program.
"""

import os
import pickle
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mtl_cli.errors import problem


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes the file beside its place and renames it into it."""
    beside = path.with_suffix(".tmp")
    with open(beside, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def load(path: Path) -> dict[str, Any]:
    """Reads a checkpoint.

    Raises:
        ValueError: where the file is missing, truncated, or holds anything but data.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        rule = "must be a run folder with a checkpoint"
        raise problem(
            str(path.parent.parent), rule, f"no {path.name}", "another run folder"
        ) from None
    except pickle.UnpicklingError as error:
        rule = "must hold tensors and plain values alone; it was not loaded, nor any code in it run"
        found = str(error).strip().splitlines()[0]
        raise problem(str(path), rule, found, "a checkpoint that this program wrote") from error
    except Exception as error:  # torch raises whatever its reader stumbles over
        found = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        rule = "must be a whole checkpoint; it is truncated or damaged"
        raise problem(
            str(path), rule, found, "another checkpoint of the run, or train anew"
        ) from error
    if not isinstance(state, dict) or "model" not in state:
        rule = "must be a checkpoint of this program"
        raise problem(
            str(path), rule, f"a {type(state).__name__}", "a checkpoints/*.pt of a run folder"
        )
    return state


def load_weights(model: nn.Module, weights: dict[str, Any], path: Path) -> None:
    """Puts a checkpoint's weights into the model.

    Raises:
        ValueError: where they are another model's.
    """
    own = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in weights.items()}
    if own != theirs:
        names = sorted(n for n in own.keys() | theirs.keys() if own.get(n) != theirs.get(n))
        lines = [
            f"{n}: {theirs.get(n, 'not there')} for {own.get(n, 'nothing')}" for n in names[:3]
        ]
        more = f", and {len(names) - 3} more" if len(names) > 3 else ""
        rule = "must be of a model of the same configuration"
        raise problem(
            str(path), rule, "; ".join(lines) + more, "the settings of that run (config.yaml)"
        )
    model.load_state_dict(weights)
