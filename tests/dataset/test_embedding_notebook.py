"""The one example of the embedding notebook."""

import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.embedding_notebook import EmbeddingNotebook


def test_there_is_one_example_with_one_word():
    data = EmbeddingNotebook(word=3, first=10, second=5)
    loader = data.loader("train", data.tasks, torch.device("cpu"), seed=0)
    (batch,) = loader.batches(1)
    assert batch.inputs["x"].indices.tolist() == [3]
    assert {task: y.tolist() for task, y in batch.targets.items()} == {"first": [10], "second": [5]}
    assert data.sizes == {"train": 1}


@pytest.mark.parametrize("word", [-1, 4, "a"])
def test_a_word_that_is_not_there_is_refused(word):
    with pytest.raises(Problem, match=r"dataset\.word"):
        EmbeddingNotebook(word=word, first=10, second=5)
