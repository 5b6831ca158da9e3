"""What comes of extras and of Hugging Face: packages that may be missing, and models that are."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import Problem, nearest, problem
from mtl_cli.basis.shell import as_word

EXTRAS = {  # {package: its extra}
    "transformers": "hub",
    "tokenizers": "hub",
    "timm": "vision",
    "huggingface_hub": "vision",
    "h5py": "hdf5",
    "mlflow": "mlflow",
    "wandb": "wandb",
    "onnx": "export",
    "onnxscript": "export",
    "onnxruntime": "export",
}

NAME = re.compile(
    r"\w[\w.-]*(/\w[\w.-]*)?"
)  # of a model on the hub: perhaps whose it is, and its own
FEW = 5  # folders in a message


def library(name: str, asks: str) -> Any:
    """A package of an extra, imported where it is needed and not before.

    Args:
        name: of the package.
        asks: what needs it, as it is typed.

    Raises:
        ValueError: where it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        fix = f"pip install 'mtl-cli[{EXTRAS[name]}]', or: pip install {name}"
        raise problem(asks, f"needs the package {name}", "it is not installed", fix) from error


def where(model: str) -> str:
    """A model's folder, where it is one, else its name on the hub."""
    path = Path(model).expanduser()
    return str(path) if path.is_dir() else model


def check_there(slot: str, model: str) -> None:
    """Refuses what was meant to be a folder and is none, before the network is asked: what has no
    form of a name on the hub, or would lie in a folder that is here and in no cache of the hub's.

    Args:
        slot: the option that names it.
        model: the option's value.
    """
    path = Path(model).expanduser()
    beside = path.parent
    is_name = NAME.fullmatch(model) is not None
    if path.exists() or (is_name and (beside == Path() or not beside.is_dir() or is_kept(model))):
        return
    there = sorted(own.name for own in beside.iterdir() if own.is_dir()) if beside.is_dir() else []
    found = f"no {model}" if beside.is_dir() else f"no {model}, nor its folder"
    found += f"; there: {', '.join(there[:FEW])}" + ", ..." * (len(there) > FEW) if there else ""
    fix = where_to_put(slot, model) if is_name else f"{slot}=<a folder that is there>"
    if close := nearest(path.name, there):
        fix = as_word(slot, beside / close)
    rule = "must be a folder that is there, or a model's name on huggingface.co"
    raise problem(slot, rule, found, fix)


def is_kept(model: str) -> bool:
    """Whether a model of the hub lies in the cache of this machine."""
    hub = importlib.import_module("huggingface_hub")
    return isinstance(hub.try_to_load_from_cache(model, "config.json"), str)


def not_there(slot: str, rule: str, model: str, offline: bool, error: Exception) -> Problem:
    """What to say where a model, or something of it, cannot be read.

    Args:
        slot: the option that names it.
        rule: what it must be.
        model: the option's value.
        offline: whether the network was not asked.
        error: what its library says.
    """
    said = next((line for line in str(error).splitlines() if line.strip()), "")
    found = f"{model}: {type(error).__name__}: {said}" + " (offline=true)" * offline
    return problem(slot, rule, found, where_to_put(slot, model))


def where_to_put(slot: str, model: str) -> str:
    """How a model comes to where it is looked for."""
    name = Path(model).name if Path(model).expanduser().is_dir() else model
    folder = Path("models") / Path(name).name
    return f"{slot}={folder}, after: hf download {name} --local-dir {folder}"
