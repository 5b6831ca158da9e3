"""The linear head is one matrix product."""

import pytest
import torch
from torch.testing import assert_close

from mtl_cli.head.linear import Linear


@pytest.mark.parametrize("shape", [(5,), (3, 2), (2, 3, 4)])
@pytest.mark.parametrize("out_features", [1, 7])
def test_it_is_flatten_and_matmul(shape, out_features):
    head, features = Linear(shape, out_features), torch.randn(4, *shape)
    weight, bias = head.parameters()
    assert_close(head(features), features.flatten(1) @ weight.T + bias)
    assert head(features).shape == (4, out_features)
