"""Rows by their numbers: those of indexing with a list, gradients too."""

import pytest
import torch

from mtl_cli.basis.rows import take_rows


@pytest.mark.parametrize("numbers", [[], [2], [3, 0, 1], [0, 1, 2, 3]])
@pytest.mark.parametrize("dim", [0, 1])
def test_rows_are_those_of_a_list_and_so_are_gradients(numbers, dim):
    x = torch.randn(4, 4, 3, dtype=torch.float64, requires_grad=True)
    taken = take_rows(x, numbers, dim)
    expected = x[numbers] if dim == 0 else x[:, numbers]
    assert torch.equal(taken, expected)
    cotangent = torch.randn_like(expected)
    (got,) = torch.autograd.grad(taken, x, cotangent)
    (wanted,) = torch.autograd.grad(expected, x, cotangent)
    assert torch.equal(got, wanted)


def test_all_of_them_are_the_tensor_itself():
    x = torch.randn(2, 3)
    assert take_rows(x, None) is x
