"""Figures as many papers print them: the mean of test over the last epochs.

Liu et al. (MTAN, CVPR 2019), Liu et al. (CAGrad, NeurIPS 2021), Navon et al. (Nash-MTL, ICML 2022)
and others. No epoch is chosen, but test is read again and again; this is here to repeat what they
print, and a verdict is not given on it.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import replace
from typing import Any

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.comparison.history import Curves, read_history
from mtl_cli.comparison.saved_run import SavedRun

WORD = re.compile(r"last([1-9]\d{0,3})")
FIX = "trainer.watch_test=true when it is trained"


def last_epochs(word: str | None) -> int | None:
    """How many epochs ``last10`` is of; None: nothing is asked for.

    Raises:
        ValueError: where it is another word.
    """
    if word is None:
        return None
    found = WORD.fullmatch(str(word))
    if found is None:
        rule = "must be last<number of epochs>"
        raise problem("as_published", rule, word, "as_published=last10")
    return int(found[1])


def published(run: SavedRun, epochs: int) -> SavedRun:
    """The run with the means of test over its last epochs in place of its figures on test; with
    trouble, where it did not write them."""
    if run.trouble is not None:
        return run
    try:
        curves = read_history(run.folder.metrics)
    except (Problem, FileNotFoundError) as error:
        return replace(run, trouble=str(error).splitlines()[0])
    few = min(
        (len(splits.get("test", ())) for own in curves.values() for splits in own.values()
         if "val" in splits or "test" in splits),
        default=0,
    )  # fmt: skip
    if few < epochs:
        why = f"has figures on test of {few} of its epochs, not of the last {epochs}: {FIX}"
        return replace(run, trouble=why)
    return replace(run, summary=run.summary | {"test": means(curves, epochs)})


def means(curves: Curves, epochs: int) -> dict[str, Any]:
    """``{task: {metric: mean of test over the last epochs}}``."""
    return {
        task: {
            metric: statistics.mean(value for _, value in splits["test"][-epochs:])
            for metric, splits in metrics.items()
            if "test" in splits
        }
        for task, metrics in curves.items()
    }


def practice(epochs: int) -> str:
    """What such figures are, in words."""
    said = "the last epoch" if epochs == 1 else f"the last {epochs} epochs"
    return f"mean of test over {said}, as published"
