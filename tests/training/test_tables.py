"""Tables are trained by the rows that a step reads: the same step as by whole tables."""

from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose_run
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.embedding.base import Embedding
from mtl_cli.run.build import Run, build
from mtl_cli.training.learner import Learner

METHODS = ["mgda", "pcgrad", "gradvac", "cagrad", "imtl_g", "nash_mtl", "aligned_mtl", "upgrad"]
METHODS += ["dualproj", "con_fig", "pcd", "fairgrad"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = np.random.default_rng(0)
    rows = {name: draw.integers(0, 40, 600) for name in ("user", "item")}
    rows |= {"genres": ["|".join(draw.permutation([*"abc"])[: 1 + i % 3]) for i in range(600)]}
    rows |= {"u": draw.normal(size=600), "age": draw.normal(size=600)}
    rows |= {"ill": draw.integers(0, 2, 600)}
    file = tmp_path_factory.mktemp("tables") / "x.csv"
    pandas.DataFrame(rows).to_csv(file, index=False)
    return file


def words_for(path: Path, *words: str) -> list[str]:
    said = "{user: {type: category}, item: {type: category}, genres: {type: list}}"
    told = ["dataset=table", f"dataset.path={path}", f"dataset.columns={said}"]
    told += ["dataset.targets={age: regression, ill: binary}", "embedding.width=4"]
    return [*told, "encoder.hidden=[8]", "dataset.batch_size=16", "scheduler=none", *words]


def made(path: Path, folder: Path, *words: str) -> Run:
    own = ["trainer.max_epochs=1", "optimizer=sgd", *words]
    cfg, place = compose_run("train", [f"hydra.run.dir={folder}", *words_for(path, *own)])
    (place / "checkpoints").mkdir()
    return build(cfg, RunFolder(place), torch.device("cpu"))


def embeddings(run: Run) -> list[Embedding]:
    return [module for module in run.model.modules() if isinstance(module, Embedding)]


def weights(run: Run) -> list[torch.Tensor]:
    run.trainer.fit()
    return [p.detach().double() for p in run.model.parameters()]


@pytest.mark.parametrize("method", METHODS)
def test_a_gradient_method_on_rows_is_the_one_on_whole_tables(method, path, tmp_path):
    by_rows = made(path, tmp_path / "a", f"weighting={method}")
    assert all(embedding.by_rows for embedding in embeddings(by_rows))
    whole = made(path, tmp_path / "b", f"weighting={method}")
    for embedding in embeddings(whole):
        embedding.by_rows = False
    for mine, theirs in zip(weights(by_rows), weights(whole), strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("arch", ["hps", "single_task", "mmoe"])
def test_rowwise_adagrad_and_clipping_see_the_gradients_of_whole_tables(arch, path, tmp_path):
    told = [f"arch={arch}", "trainer.grad_clip=0.5", "trainer.max_steps=1"]
    sparse = made(path, tmp_path / "a", *told, "embedding.optimizer=rowwise_adagrad")
    dense = made(path, tmp_path / "b", *told)
    seen: list[list[torch.Tensor]] = [[], []]
    for run, grads in zip((sparse, dense), seen, strict=True):
        for learner in run.trainer.learners:
            record(learner, embeddings(run), grads)
        run.trainer.fit()
    for mine, theirs in zip(*seen, strict=True):
        torch.testing.assert_close(mine, theirs, atol=1e-7, rtol=1e-5)


def record(learner: Learner, own: list[Embedding], grads: list[torch.Tensor]) -> None:
    """Notes the tables' gradients that the optimizer sees."""
    step = learner.optimizer.step
    mine = {id(p) for p in learner.group.parameters}
    tables = [p for embedding in own for p in embedding.parameters() if id(p) in mine]

    def noted(*args, **kwargs):
        there = [p.grad for p in tables]
        grads.extend(grad.to_dense() if grad.is_sparse else grad.clone() for grad in there)
        return step(*args, **kwargs)

    learner.optimizer.step = noted


@pytest.mark.parametrize("optimizer", ["rowwise_adagrad", "sparse_adam"])
@pytest.mark.parametrize("weighting", ["fixed", "pcgrad"])
def test_a_run_goes_on_to_the_bit(optimizer, weighting, path, tmp_path):
    own = [f"embedding.optimizer={optimizer}", f"weighting={weighting}", "optimizer=adam"]
    words = words_for(path, *own)
    for name, epochs in (("whole", 2), ("half", 1)):
        mtl_cli.train([*words, f"trainer.max_epochs={epochs}", f"hydra.run.dir={tmp_path / name}"])
    mtl_cli.train([f"resume={tmp_path / 'half'}", "trainer.max_epochs=2"])
    states = [
        torch.load(tmp_path / name / "checkpoints" / "last.pt", weights_only=True)["model"]
        for name in ("whole", "half")
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["weighting=moco"], "keeps gradients"),
        (["weighting=pcgrad", "trainer.accumulate=2"], "parts"),
    ],
)
def test_rows_alone_are_refused_where_whole_gradients_are_needed(words, found, path, tmp_path):
    with pytest.raises(Problem, match=f"(?s)gradients of rows alone.*{found}.*optimizer=null"):
        made(path, tmp_path / "run", "embedding.optimizer=rowwise_adagrad", *words)
