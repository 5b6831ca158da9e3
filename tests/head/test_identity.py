"""No head: the features are the outputs, and nothing is learned."""

import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.head.identity import Identity


def test_the_outputs_are_the_features():
    features = torch.randn(3, 2, 2)
    head = Identity((2, 2), 4)
    assert torch.equal(head(features), features.flatten(1))
    assert not list(head.parameters())


def test_there_have_to_be_as_many_features_as_outputs():
    with pytest.raises(Problem, match="needs as many features as the task has outputs, 3"):
        Identity((2, 2), 3)
