"""Bias is the mean of predictions less that of labels, over batches of any size."""

import pytest
import torch

from mtl_cli.metric.bias import Bias


def test_it_is_the_difference_of_means():
    draw = torch.Generator().manual_seed(0)
    prediction, label = torch.rand(2, 1000, generator=draw)
    metric = Bias()
    for part in (slice(0, 3), slice(3, 1000)):
        metric.update(prediction[part], label[part])
    expected = (prediction.double().mean() - label.double().mean()).item()
    assert metric.compute().item() == pytest.approx(expected, rel=1e-6)
