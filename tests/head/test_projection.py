"""A projection against a product of matrices."""

import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.head.projection import Projection


def test_it_multiplies_by_the_given_matrix_and_flattens_maps():
    head = Projection((1, 2, 1), 2, [[1.0, 2.0], [0.0, -1.0]])
    x = torch.tensor([[[[3.0], [4.0]]]])
    assert head(x).tolist() == [[11.0, -4.0]]
    assert head.bias is None


@pytest.mark.parametrize("initial", [[[1.0]], [1.0, 2.0], [[1.0, "a"]], 3])
def test_other_first_values_are_refused(initial):
    with pytest.raises(Problem, match="must be 1 lists of 2 numbers"):
        Projection((2,), 1, initial)
