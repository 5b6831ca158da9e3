"""Config-driven training for multi-task learning in PyTorch."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """``mtl_cli.train([...])`` without an import of its own, and at no cost before it is used."""
    if name == "train":
        return import_module("mtl_cli.train")
    if name == "load_run":
        return import_module("mtl_cli.trained.loading").load_run
    raise AttributeError(f"module 'mtl_cli' has no attribute {name!r}")
