"""AUROC against scikit-learn: exact while scores are kept, and within its bound beyond them."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from mtl_cli.basis.errors import Problem
from mtl_cli.metric.auroc import AUROC


def draw(n, seed=0):
    """Scores of a rare event, all of them small, some alike."""
    rng = np.random.default_rng(seed)
    logit = np.round(rng.normal(-5, 1, n), 3)
    label = rng.random(n) < 1 / (1 + np.exp(-(2 * logit + 6)))
    return torch.from_numpy(1 / (1 + np.exp(-logit))).float(), torch.from_numpy(label).long()


def measured(scores, labels, **options):
    metric = AUROC(**options)
    for i in range(0, len(labels), 500):
        metric.update(scores[i : i + 500], labels[i : i + 500])
    return float(metric.compute()), metric


def test_it_is_exact_as_long_as_all_scores_are_kept():
    scores, labels = draw(5000)
    value, metric = measured(scores, labels, max_scores=5000, num_bins=10)
    assert value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert metric.remark() is None


@pytest.mark.parametrize("num_bins", [10, 1000])
def test_beyond_that_it_is_within_its_bound_in_memory_that_does_not_grow(num_bins):
    scores, labels = draw(50_000)
    value, metric = measured(scores, labels, max_scores=2000, num_bins=num_bins)
    assert abs(value - roc_auc_score(labels, scores)) <= metric.error <= 1 / num_bins
    assert not metric.scores
    assert metric.counts.sum() == 50_000
    assert "within" in metric.remark()
    metric.reset()
    metric.update(scores[:100], labels[:100])
    assert float(metric.compute()) == pytest.approx(roc_auc_score(labels[:100], scores[:100]))
    assert metric.remark() is None


def test_scores_of_few_values_stay_exact_in_bins():
    rng = np.random.default_rng(0)
    scores, labels = torch.from_numpy(rng.integers(0, 9, 4000) / 8), draw(4000)[1]
    value, _ = measured(scores, labels, max_scores=1000, num_bins=1000)
    assert value == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_labels_alike_have_none_and_bad_options_are_refused():
    assert math.isnan(measured(torch.rand(9), torch.ones(9), max_scores=99, num_bins=9)[0])
    with pytest.raises(Problem, match="max_scores"):
        AUROC(0, 10)
