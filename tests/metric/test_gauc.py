"""GAUC against scikit-learn in each group of pandas, weighted in both ways."""

import math

import numpy as np
import pandas
import pytest
import torch
from sklearn.metrics import roc_auc_score

from mtl_cli.basis.errors import Problem
from mtl_cli.metric.gauc import GAUC
from mtl_cli.metric.measuring import update_each


def draw(n, seed=0):
    """Rows of groups of very unequal size, whose rates differ; some groups are of one class."""
    rng = np.random.default_rng(seed)
    group = (rng.exponential(1, n) * 12).astype(int) * 7 - 3
    own = rng.normal(size=1000)[group]
    score = np.round(rng.normal(size=n) + own, 1)
    label = (rng.random(n) < 1 / (1 + np.exp(2 - 2 * own - 0.7 * score))).astype(int)
    return pandas.DataFrame({"group": group, "score": score, "label": label})


def measured(frame, weighted_by="rows", size=70):
    metric = GAUC("user", weighted_by)
    for _, part in frame.groupby(np.arange(len(frame)) // size):
        columns = (torch.tensor(part[name].to_numpy()) for name in ("score", "label", "group"))
        score, label, group = columns
        update_each([metric], score, label, {"user": group, "other": group * 0})
    return float(metric.compute()), metric


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("weighted_by", ["rows", "groups"])
def test_it_is_the_mean_of_the_areas_of_groups_with_both_classes(seed, weighted_by):
    frame = draw(600, seed)
    groups = [own for _, own in frame.groupby("group")]
    both = [own for own in groups if own.label.nunique() == 2]
    areas = [roc_auc_score(own.label, own.score) for own in both]
    weights = [len(own) for own in both] if weighted_by == "rows" else None
    value, metric = measured(frame, weighted_by)
    assert value == pytest.approx(np.average(areas, weights=weights), abs=1e-12)
    assert metric.found == (len(groups), len(groups) - len(both))
    assert 0 < len(both) < len(groups)
    assert f"weighted by {weighted_by}" in metric.remark()


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_groups_may_be_any_numbers_and_scores_below_zero(kind):
    frame = draw(600)
    far = frame.assign(group=frame.group * 10**12, score=(frame.score - 1).astype(kind))
    assert (far.score < 0).any()
    assert measured(far)[0] == pytest.approx(measured(frame)[0], abs=1e-12)


def test_scores_in_half_precision_are_read():
    metric, y = GAUC("user", "rows"), torch.tensor([0, 1, 1])
    metric.update(torch.tensor([0.25, 0.5, 0.75], dtype=torch.bfloat16), y, torch.zeros(3).long())
    assert float(metric.compute()) == 1


def test_a_score_that_is_the_rate_of_its_group_has_a_half():
    frame = draw(600)
    frame["score"] = frame.groupby("group").label.transform("mean")
    assert roc_auc_score(frame.label, frame.score) > 0.7
    assert measured(frame)[0] == pytest.approx(0.5)


def test_groups_of_one_class_alone_have_none():
    frame = draw(60)
    frame["label"] = (frame.group > 10).astype(int)
    value, metric = measured(frame)
    assert math.isnan(value)
    assert metric.found[0] == metric.found[1] == frame.group.nunique()


def test_bad_options_and_numbers_are_refused():
    with pytest.raises(Problem, match="by"):
        GAUC(3, "rows")
    with pytest.raises(Problem, match="weighted_by"):
        GAUC("user", "none")
    with pytest.raises(ValueError, match="label 0 or 1"):
        GAUC("user", "rows").update(torch.rand(3), torch.rand(3), torch.arange(3))
