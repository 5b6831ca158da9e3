"""The linear encoder is one matrix product."""

import pytest
import torch
from torch.testing import assert_close

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, InputSpec
from mtl_cli.encoder.linear import Linear


@pytest.mark.parametrize("shape", [(4,), (2, 3), (3, 5, 7)])
def test_it_is_flatten_and_matmul(shape):
    encoder, x = Linear(Dense(shape), 6), torch.randn(5, *shape)
    weight, bias = encoder.parameters()
    assert_close(encoder(x), x.flatten(1) @ weight.T + bias)


def test_of_a_bag_of_words_it_is_the_sum_of_the_words_rows():
    spec = BagOfWords(9)
    encoder, x = Linear(spec, 4), spec.example(6)
    weight, bias = encoder.parameters()
    rows = [weight[words].sum(0) + bias for words in x.indices.split(x.offsets.diff().tolist())]
    assert_close(encoder(x), torch.stack(rows))


@pytest.mark.parametrize("spec", [Dense((2, 3)), BagOfWords(5)], ids=str)
def test_its_only_stage_has_its_shape(spec):
    encoder = Linear(spec, 7)
    assert encoder.shapes == [encoder.out_shape] == [(7,)]
    assert len(encoder.stages) == 1
    assert encoder(spec.example(3)).shape == (3, 7)


@pytest.mark.parametrize("out_features", [0, -1, 1.5, "8", True, None])
def test_a_wrong_width_is_refused(out_features):
    with pytest.raises(Problem, match=r"^encoder\.out_features must be an integer"):
        Linear(Dense((3,)), out_features)


def test_a_kind_of_input_that_it_does_not_read_is_refused():
    class Sound(InputSpec):
        kind = "sound"

        def linear(self, out_features, bias=True):
            raise AssertionError("asked for a linear map")

        def example(self, batch_size):
            raise AssertionError("asked for examples")

    with pytest.raises(Problem, match=r"^encoder Linear reads dense or .*\.\n  found: \S"):
        Linear(Sound(), 3)
