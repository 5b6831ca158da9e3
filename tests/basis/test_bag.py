"""A bag's examples are the rows of the sparse matrix that it stands for."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from mtl_cli.basis.bag import Bag

WORDS = 5
rows = st.lists(st.integers(0, 3), min_size=WORDS, max_size=WORDS)
counts = st.lists(rows, min_size=1, max_size=8).map(np.array)


def bag_of(matrix: csr_matrix) -> Bag:
    indices, offsets = (torch.from_numpy(a.astype(np.int64)) for a in _structure(matrix))
    return Bag(indices, offsets, torch.from_numpy(matrix.data.astype(np.float32)))


def _structure(matrix: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    return matrix.indices, matrix.indptr


def matrix_of(bag: Bag) -> np.ndarray:
    parts = (bag.weights.numpy(), bag.indices.numpy(), bag.offsets.numpy())
    return csr_matrix(parts, shape=(len(bag), WORDS)).toarray()


@settings(deadline=None)
@given(counts, st.data())
def test_positions_choose_the_rows_of_the_sparse_matrix(dense, data):
    positions = data.draw(st.lists(st.integers(0, len(dense) - 1), max_size=12))
    chosen = bag_of(csr_matrix(dense))[torch.tensor(positions, dtype=torch.long)]
    assert len(chosen) == len(positions)
    np.testing.assert_array_equal(matrix_of(chosen), csr_matrix(dense)[positions].toarray())


@settings(deadline=None)
@given(counts, st.integers(0, 9), st.integers(0, 9))
def test_a_slice_chooses_the_rows_of_the_sparse_matrix(dense, start, stop):
    chosen = bag_of(csr_matrix(dense))[start:stop]
    np.testing.assert_array_equal(matrix_of(chosen), dense[start:stop])


@settings(deadline=None)
@given(counts, st.data())
def test_choosing_twice_is_choosing_among_the_chosen(dense, data):
    first = data.draw(st.lists(st.integers(0, len(dense) - 1), min_size=1, max_size=6))
    second = data.draw(st.lists(st.integers(0, len(first) - 1), max_size=6))
    bag = bag_of(csr_matrix(dense))[torch.tensor(first)][torch.tensor(second, dtype=torch.long)]
    np.testing.assert_array_equal(matrix_of(bag), dense[first][second])


def test_all_of_a_bag_moves_to_the_device():
    bag = bag_of(csr_matrix(np.eye(WORDS))).to("meta")
    assert {bag.indices.device.type, bag.offsets.device.type, bag.weights.device.type} == {"meta"}
    assert len(bag) == WORDS
