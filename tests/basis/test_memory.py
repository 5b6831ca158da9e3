"""A model that no machine can hold is refused in words, before any memory is taken."""

from functools import partial

import pytest
import torch
from torch import nn

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Row
from mtl_cli.basis.memory import check_fits, in_words, size_of
from mtl_cli.embedding.shared import SharedEmbedding
from mtl_cli.row_optimizer.rowwise_adagrad import RowwiseAdagrad
from mtl_cli.training.makers import copies_of_tables

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    "words",
    [
        ["encoder.hidden=[3000000,3000000]"],
        ["encoder.hidden=[9000000000,9000000000]"],
        ["arch=mmoe", "arch.num_experts=9000", "encoder.hidden=[100000]"],
        ["arch=ple", "encoder.hidden=[2000000,2000000]"],
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, words) -> None:
    with pytest.raises(Problem, match="must be trained in the memory of cpu") as error:
        mtl_cli.train([f"hydra.run.dir={tmp_path}/run", "trainer=smoke", *words])
    assert "parameters" in str(error.value)


def test_a_table_of_vectors_counts(tmp_path) -> None:
    spec = Row(0, (2**31 - 1,), (), (), (4096,))
    with pytest.raises(Problem, match=r"(?s)8\.8e\+12 parameters.*embedding\.width"):
        check_fits(lambda: SharedEmbedding(spec, 16), CPU)


@pytest.mark.parametrize(
    ("make", "copies"),
    [
        (None, 4),
        (partial(RowwiseAdagrad, lr=0.1, eps=1e-8), 1 + 1 / 64),
        (partial(torch.optim.SparseAdam, lr=0.1), 3),
    ],
)
def test_a_table_counts_as_its_optimizer_holds_it(make, copies, monkeypatch) -> None:
    there = 64 * 4 * 1000
    monkeypatch.setattr("mtl_cli.basis.memory.size_of", lambda device: there * copies * 1.01)
    held = partial(copies_of_tables, make_tables=make)
    check_fits(lambda: SharedEmbedding(Row(0, (1000,)), 64), CPU, held)
    with pytest.raises(Problem, match="1,100 x 64 of them in one"):
        check_fits(lambda: SharedEmbedding(Row(0, (1100,)), 64), CPU, held)


def test_what_fits_is_made_without_a_trace() -> None:
    torch.manual_seed(0)
    check_fits(lambda: nn.Linear(1000, 1000), CPU)
    found = torch.rand(3)
    torch.manual_seed(0)
    assert torch.equal(found, torch.rand(3))


def test_sizes_in_words() -> None:
    assert [in_words(n) for n in (5, 2048, 3 * 2**40)] == ["5 bytes", "2 KiB", "3 TiB"]
    assert size_of(CPU) > 2**28
