"""The head with hidden layers against a loop over its matrices."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.head.mlp import MLP

VALID = {"hidden": [4], "activation": "relu", "dropout": 0.0}


def plain_loop(head: MLP, x: torch.Tensor) -> torch.Tensor:
    *hidden, weight, bias = head.parameters()
    x = x.flatten(1)
    for own, offset in zip(hidden[::2], hidden[1::2], strict=True):
        x = F.gelu(x @ own.T + offset)
    return x @ weight.T + bias  # [B, O], without an activation


@pytest.mark.parametrize("hidden", [[6], [6, 3], [2, 8, 4]])
@pytest.mark.parametrize("shape", [(5,), (2, 3, 4)])
def test_it_gives_what_a_plain_loop_gives(shape, hidden):
    head, features = MLP(shape, 3, hidden, "gelu", 0.0), torch.randn(4, *shape)
    assert_close(head(features), plain_loop(head, features))
    assert [p.shape[0] for p in head.parameters()][::2] == [*hidden, 3]


def test_dropout_is_after_the_hidden_layers_and_only_in_training():
    head, features = MLP((5,), 2000, [400, 300], "gelu", 0.5), torch.randn(4, 5)
    assert sum(isinstance(module, nn.Dropout) for module in head) == 2
    assert (head(features) != 0).all()  # none on the outputs
    assert not torch.equal(head(features), head(features))
    head.eval()
    assert_close(head(features), plain_loop(head, features))


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("hidden", wrong) for wrong in ([], 64, "64", [0], [8, 2.0], None)),
        *(("activation", wrong) for wrong in ("rellu", "", None)),
        *(("dropout", wrong) for wrong in (-0.1, 1.1, "abc", None)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"head\.{option} must be"):
        MLP((4,), 2, **VALID | {option: wrong})
