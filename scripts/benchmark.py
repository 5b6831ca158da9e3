"""Ours and a hand-written reference, measured in turn in one process: medians and their ratio.

    python scripts/benchmark.py                      # everything, as a table
    python scripts/benchmark.py mmoe epoch           # the rows of these groups
    python scripts/benchmark.py --json results.json  # also written as JSON
    python scripts/benchmark.py runtime --device cuda  # the rows of whole runs, on an accelerator

Run it on a quiet machine. Where MNIST is at hand (see MTL_DATA) the epochs are over its images.
A group ``<name>`` is a function ``<name>_rows`` of a module in ``scripts/bench``.
"""

from __future__ import annotations

import argparse
import importlib
import json
import logging
import pkgutil
import platform
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from bench.measure import Row, use
from mtl_cli.basis.device import keep_freed_memory
from mtl_cli.comparison.table import text_table


def found_groups() -> dict[str, Callable[[], Iterator[Row]]]:
    """Every function called ``<name>_rows``, by that name, in the modules' alphabetical order."""
    groups = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "bench")]):
        members = vars(importlib.import_module(f"bench.{module.name}"))
        for name, member in members.items():
            if name.endswith("_rows") and member.__module__ == f"bench.{module.name}":
                groups[name.removesuffix("_rows")] = member
    return groups


def main() -> None:
    groups = found_groups()
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "groups", nargs="*", help=f"which rows: {', '.join(groups)}; all by default"
    )
    parser.add_argument("--json", type=Path, help="where to write the rows as JSON")
    parser.add_argument("--device", default="cpu", help="where rows of whole runs train: cuda, ...")
    options = parser.parse_args()
    use(options.device)
    if unknown := set(options.groups) - set(groups):
        parser.error(f"no rows called {', '.join(unknown)}; there are {', '.join(groups)}")
    logging.getLogger("mtl_cli").setLevel(logging.WARNING)
    keep_freed_memory()  # as a run does; it serves both sides
    rows = [row for name in options.groups or groups for row in groups[name]()]
    header = ["what", "against", "ours [s]", "reference [s]", "ratio", "asked"]
    cells = [[r.name, r.reference, *r.seconds, f"{r.ratio:.2f}", r.asked] for r in rows]
    sys.stdout.write(text_table(header, cells) + "\n")
    if options.json:
        machine: dict[str, Any] = {"python": platform.python_version(), "torch": torch.__version__}
        machine |= {"threads": torch.get_num_threads(), "processor": platform.processor()}
        machine["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        text = json.dumps({"machine": machine, "rows": [row._asdict() for row in rows]}, indent=2)
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
