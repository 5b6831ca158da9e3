"""``mtl_cli.train([...])``: a run that Python asks for, by the words of the command line."""

from __future__ import annotations

import shlex
from functools import partial
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.basis.launched import follows
from mtl_cli.command_line.cli import FreshFolders, compose_run
from mtl_cli.command_line.python_call import offered_in_python, train_call
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.handed_over import with_data
from mtl_cli.run.resume import asks_to_resume, resume, resumed_sweep


def train(words: list[str], data: Any = None) -> dict[str, Any]:
    """Trains as ``mtl-train`` does with the same words, and gives the run's summary.

    Args:
        words: of the command line, ``["arch=mmoe", "dataset=parity_mnist"]``.
        data: rows that stand in a file's place, a `pandas.DataFrame`, a `pyarrow.Table` or
            ``{column: its cells}``: a table, whose ``dataset.targets`` the words say; or
            ``(inputs, targets)``, each an array, a tensor or ``{name: such}``, or a torch
            ``Dataset`` of such pairs: ``dataset=arrays``. Of several,
            ``{name: such rows}``, the words say which path is ``memory:<name>``. The run's folder
            keeps their digest; it goes on with the same data alone.
    """
    from mtl_cli.dataset.files.held import held

    if isinstance(words, str):
        fix = f"mtl_cli.train({words.split()})"
        raise problem("what mtl_cli.train gets", "must be a list of words", words, fix)
    given = list(words)
    words, rows = with_data(given, data)
    added = [word for word in words if word not in given]
    call = partial(train_call, added=added, has_data=data is not None)
    with held(rows), offered_in_python(words, call):
        return train_words(words)


def train_words(words: list[str]) -> dict[str, Any]:
    """The run, or what is left of it; in a process that follows another, its part in that one's."""
    if follows():
        from mtl_cli.run.serve import train_along

        train_along()
        return {}
    FreshFolders.words = words
    if asks_to_resume(words):
        if resumed_sweep(words) is not None:
            rule, found = "must be a run where Python calls", "a sweep"
            raise problem("resume", rule, found, shlex.join(["mtl-train", *words]))
        return resume(words)
    from mtl_cli.run.session import run

    cfg, path = compose_run("train", words)
    return run(cfg, RunFolder(path), words)
