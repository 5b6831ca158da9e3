"""Config-driven training for multi-task learning in PyTorch.

From the command line: ``mtl-train``, ``mtl-report``, ``mtl-diagnose``, ``mtl-evaluate``,
``mtl-predict`` and ``mtl-export``, each with ``--help``. From Python:

    train(words, data=None)          what mtl-train does, on files or on rows of yours
    compare(data, targets, arch)     whether training the targets together helps, and how sure
                                     that is: print(...) says it
    load_run(folder)                 a trained run: .predict(rows), .model, .tasks
    program_inputs(folder, rows)     what a program of mtl-export is given of them

``help(mtl_cli.compare)`` says all of it.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
__all__ = ["compare", "load_run", "program_inputs", "train"]

PLACES = {
    "load_run": "mtl_cli.trained.loading",
    "compare": "mtl_cli.study.comparing",
    "program_inputs": "mtl_cli.exported.given",
}


def __getattr__(name: str) -> Any:
    """``mtl_cli.train([...])`` without an import of its own, and at no cost before it is used."""
    if name == "train":
        return import_module("mtl_cli.train")
    if name in PLACES:
        return getattr(import_module(PLACES[name]), name)
    raise AttributeError(f"module 'mtl_cli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
