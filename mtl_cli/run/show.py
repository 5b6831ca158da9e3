"""What a run shows when it is trained: pictures, what it learned of a structure, its figures."""

from __future__ import annotations

import logging
from typing import Any

from mtl_cli.arch.branches import text_tree
from mtl_cli.comparison.history import read_history
from mtl_cli.disk.run_folder import RunFolder, from_here
from mtl_cli.drawing.curves import draw_curves
from mtl_cli.drawing.tree import draw_tree
from mtl_cli.run.build import Run
from mtl_cli.run.examples import show_examples
from mtl_cli.run.final_table import final_table
from mtl_cli.run.labelled_examples import show_labelled
from mtl_cli.run.numbers_table import numbers_table
from mtl_cli.run.pictures import Pictures, draw_metrics
from mtl_cli.training.evaluation import Figures

log = logging.getLogger(__name__)


def show(
    live: Run,
    test: Figures,
    said: dict[str, Any],
    pictures: Pictures,
    folder: RunFolder,
    title: str,
) -> None:
    """Draws and says it.

    Args:
        live: trained, with its best weights.
        test: the figures that were read last, of which metrics draw themselves.
        said: the whole summary.
        pictures: what is drawn.
        folder: where that goes.
        title: stands above all of it.
    """
    if live.dataset.notice:
        title += f" on {live.dataset.notice}"
    if pictures.curves:
        draw_curves(folder, title, pictures.most_tasks)
    if pictures.metrics:
        names, most = live.dataset.class_names, pictures.most_tasks
        draw_metrics(live.model.tasks, test, names, folder, title, most)
    show_examples(live, pictures.examples, pictures.most_tasks, folder, title)
    show_labelled(live, pictures.examples, folder, title)
    show_learned(live, folder, title)
    observer = live.trainer.updates.observer
    if observer is not None and (seen := observer.finish(folder, title)):
        log.info("\n%s", seen)
    log.info("\n%s\n%s", title, final_table(said, read_history(folder.metrics)))
    if "numbers" in said:
        log.info("\n%s", numbers_table(said["numbers"]))
    log.info("\nresults     %s", from_here(folder.path))


def show_learned(live: Run, folder: RunFolder, title: str) -> None:
    """Writes, prints and draws what the architecture learned of its structure."""
    learned = live.model.arch.learned()
    if learned is None:
        return
    folder.write_json(folder.learned, learned)
    if "tree" in learned:
        log.info("\nlearned tree\n%s", text_tree(learned["tree"]))
        draw_tree(folder, learned["tree"], title)
