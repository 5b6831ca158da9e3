"""Row-wise Adagrad by its formula, row by row; rows without a gradient stay as they are."""

import pytest
import torch
from torch import nn

from mtl_cli.basis.errors import Problem
from mtl_cli.row_optimizer.rowwise_adagrad import RowwiseAdagrad


def test_each_row_steps_by_the_formula():
    torch.manual_seed(0)
    table = nn.Embedding(7, 3, sparse=True)
    expected, sums = table.weight.detach().clone(), torch.zeros(7)
    optimizer = RowwiseAdagrad(table.parameters(), lr=0.1, eps=1e-8)
    for codes in ([0, 3, 3], [3, 6], [1]):
        optimizer.zero_grad()
        scale = torch.randn(len(codes), 3)
        (table(torch.tensor(codes)) * scale).sum().backward()
        optimizer.step()
        for row in set(codes):
            grad = scale[[i for i, code in enumerate(codes) if code == row]].sum(0)
            sums[row] += grad.square().mean()
            expected[row] -= 0.1 * grad / (sums[row].sqrt() + 1e-8)
        torch.testing.assert_close(table.weight.detach(), expected)


@pytest.mark.parametrize("options", [{"lr": -1, "eps": 0.1}, {"lr": 0.1, "eps": -1}])
def test_its_options_are_not_negative(options):
    with pytest.raises(Problem, match=r"embedding\.optimizer\."):
        RowwiseAdagrad([nn.Parameter(torch.ones(2, 2))], **options)
