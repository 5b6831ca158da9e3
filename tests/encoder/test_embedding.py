"""An embedding against sums of rows, and the first values that a config may give it."""

import pytest
import torch

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.embedding import Embedding

ROWS = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]]


def test_a_text_is_the_weighted_sum_of_its_words_rows():
    encoder = Embedding(BagOfWords(3), out_features=2, initial=ROWS)
    bag = Bag(torch.tensor([1, 2, 0]), torch.tensor([0, 2, 3]), torch.tensor([1.0, 2.0, 0.5]))
    assert encoder(bag).tolist() == [[10.0, 13.0], [0.0, 0.5]]


def test_padding_has_no_vector():
    encoder = Embedding(Tokens(3, 4), out_features=2, initial=ROWS)
    assert encoder(torch.tensor([[1, 2, 0, 0]])).tolist() == [[6.0, 8.0]]


def test_without_first_values_it_is_drawn_and_has_no_bias():
    encoder = Embedding(BagOfWords(3), out_features=2, initial=None)
    assert [tuple(p.shape) for p in encoder.parameters()] == [(3, 2)]


@pytest.mark.parametrize("initial", [[[1.0, 2.0]], [[1.0], [2.0], [3.0]], [[1, 2], [3]], "abc"])
def test_first_values_of_another_shape_are_refused(initial):
    with pytest.raises(Problem, match="must be 3 lists of 2 numbers"):
        Embedding(BagOfWords(3), out_features=2, initial=initial)


def test_it_reads_words_alone():
    with pytest.raises(Problem, match="reads bag of words or token ids"):
        Embedding(Dense((3,)), out_features=2, initial=None)
