"""``input.json``: what a program is given and what it gives, for whoever has nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mtl_cli import __version__
from mtl_cli.dataset.files.cells import MISSING
from mtl_cli.exported.program import Program
from mtl_cli.trained.loaded_run import LoadedRun


def described(
    run: LoadedRun,
    program: Program,
    found: Mapping[str, Tensor],
    file: str,
    compared: Mapping[str, Any],
) -> dict[str, Any]:
    """All of it as plain data.

    Args:
        run: whose model it is.
        program: as it was exported.
        found: what it gave for some rows.
        file: that it is in.
        compared: on what it was tried, and what came of it.
    """
    entry = program.entry
    more = entry.said()
    columns = more.pop("columns", [])
    inputs = []
    of_cells = columns or any("column" in own.made for own in entry.tensors)
    for given, called in zip(entry.tensors, program.inputs, strict=True):
        own = [column for column in columns if column["input"] == given.name]
        plain = [{key: x for key, x in column.items() if key != "input"} for column in own]
        inputs.append(called.said() | ({"columns": plain} if plain else {}))
    return {
        "name": str(run.config.get("name")),
        "seed": run.config.seed,
        "program": file,
        "made_by": f"mtl-export {__version__}",
        "compared": dict(compared),
        **({"outside": entry.outside} if entry.outside else {}),
        **({"missing": list(MISSING)} if of_cells else {}),
        "inputs": inputs,
        "outputs": [answer.said(found[answer.name]) for answer in program.answers],
        **more,
    }
