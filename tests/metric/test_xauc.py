"""XAUC against a loop over all pairs, and against the area under the ROC curve."""

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from mtl_cli.metric.xauc import XAUC


def by_pairs(prediction, label):
    pairs = [
        (p - q) * (y - z)
        for (p, y), (q, z) in itertools.combinations(zip(prediction, label, strict=True), 2)
        if y != z
    ]
    return sum((x > 0) + (x == 0) / 2 for x in pairs) / len(pairs)


def value(prediction, label, size=1000):
    metric = XAUC()
    for i in range(0, len(label), size):
        parts = (torch.as_tensor(x[i : i + size]) for x in (prediction, label))
        metric.update(*parts)
    return float(metric.compute())


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_share_of_pairs_in_order_also_with_ties(seed):
    rng = np.random.default_rng(seed)
    label = np.round(rng.lognormal(1, 1, 90))
    prediction = np.round(label * rng.lognormal(0, 1, 90))
    assert value(prediction, label, size=17) == pytest.approx(by_pairs(prediction, label))


def test_of_zeros_and_ones_it_is_the_area_under_the_curve():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 300).astype(float)
    prediction = np.round(label + rng.normal(size=300), 1)
    assert value(prediction, label) == pytest.approx(roc_auc_score(label, prediction))


def test_a_constant_has_a_half_and_labels_alike_have_none():
    assert value(np.ones(5), np.arange(5.0)) == 0.5
    assert math.isnan(value(np.arange(5.0), np.ones(5)))
    assert value(np.arange(5.0), np.arange(5.0)) == pytest.approx(1)
