"""Texts by both sides of `yardstick.py`: scikit-learn's models and a training by the defaults."""

from __future__ import annotations

import tempfile
from pathlib import Path

import mtl_cli
from bench.references import error_of, errors, of_texts
from bench.small_tables import halves
from bench.small_texts import SmallTexts


def reference(texts: SmallTexts, seed: int) -> dict[str, dict[str, float]]:
    """``{task: {model: test error}}`` of scikit-learn, with each source's texts alone."""
    found = {}
    for rows in texts.sources.values():
        train, test = halves(rows, seed)
        for task in texts.tasks_of(rows):
            found[task] = errors(train, test, task, texts.targets[task], of_texts(), seed)
    return found


def train(texts: SmallTexts, seed: int, words: list[str]) -> dict[str, float]:
    """The same test errors of a training by the defaults."""
    with tempfile.TemporaryDirectory() as folder:
        sources = [source(texts, name, seed, Path(folder)) for name in texts.sources]
        targets = ", ".join(f"{task}: {kind}" for task, kind in texts.targets.items())
        mtl_cli.train(
            [
                "arch=single_task",
                "dataset=text",
                f"dataset.sources={{{', '.join(sources)}}}",
                f"dataset.targets={{{targets}}}",
                "dataset.cache=false",
                f"seed={seed}",
                f"dataset.split.seed={seed}",
                f"runs={folder}",
                *words,
            ]
        )
        run, found = mtl_cli.load_run("latest", runs=folder), {}
        for name, rows in texts.sources.items():
            said, test = run.predict({name: f"{folder}/{name}_test.csv"}), halves(rows, seed)[1]
            for task in texts.tasks_of(rows):
                found[task] = error_of(said, task, texts.targets[task], test[task])
    return found


def source(texts: SmallTexts, name: str, seed: int, folder: Path) -> str:
    """Writes a source's files, and gives what the config says of it."""
    paths = {half: folder / f"{name}_{half}.csv" for half in ("train", "test")}
    for path, rows in zip(paths.values(), halves(texts.sources[name], seed), strict=True):
        rows.to_csv(path, index=False)
    labels = ", ".join(f"{task}: {task}" for task in texts.tasks_of(texts.sources[name]))
    return f"{name}: {{path: {paths['train']}, test_path: {paths['test']}, labels: {{{labels}}}}}"
