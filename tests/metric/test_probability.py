"""Log loss, normalized entropy and calibration against scikit-learn and pandas; batch by batch."""

import math

import numpy as np
import pandas
import pytest
import torch
from sklearn.metrics import log_loss

from mtl_cli.metric.measuring import update_each
from mtl_cli.metric.probability import Calibration, LogLoss, NormalizedEntropy


def draw(n, seed=0, shift=-3.0):
    """Probabilities of a rare event, and labels that are a little rarer."""
    rng = np.random.default_rng(seed)
    logit = rng.normal(shift, 1.5, n)
    y = rng.random(n) < 1 / (1 + np.exp(-(logit - 0.3)))
    return torch.from_numpy(1 / (1 + np.exp(-logit))).float(), torch.from_numpy(y).long()


def values(metrics, *batches):
    for p, y in batches:
        update_each(metrics, p, y)
    return [float(metric.compute()) for metric in metrics]


def test_they_are_what_pandas_says_of_all_rows():
    p, y = draw(10_000)
    frame = pandas.DataFrame({"p": p.double().numpy(), "y": y.numpy()})
    rate = frame.y.mean()
    alone = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
    loss = log_loss(frame.y, frame.p)
    wanted = [loss, loss / alone, frame.p.sum() / frame.y.sum()]
    metrics = [LogLoss(), NormalizedEntropy(), Calibration()]
    batches = [(p[i : i + 333], y[i : i + 333]) for i in range(0, 10_000, 333)]
    assert values(metrics, *batches) == pytest.approx(wanted, rel=1e-9)
    assert all(metric.sums.numel() == 4 for metric in metrics)  # however many rows


def test_the_share_itself_has_an_entropy_of_one_and_is_calibrated():
    _, y = draw(500)
    share = y.double().mean().expand(500)
    assert values([NormalizedEntropy(), Calibration()], (share, y)) == pytest.approx([1, 1])


def test_labels_alike_have_no_entropy_to_divide_by_and_none_to_count():
    p = torch.tensor([0.1, 0.2])
    ne, calibration = values([NormalizedEntropy(), Calibration()], (p, torch.zeros(2)))
    assert math.isnan(ne)
    assert math.isnan(calibration)
    assert math.isnan(values([NormalizedEntropy()], (p, torch.ones(2)))[0])


def test_a_wrong_certainty_costs_much_and_not_for_ever():
    p, y = torch.tensor([0.0, 1.0, 1.0]), torch.tensor([1, 0, 1])
    [found] = values([LogLoss()], (p, y))
    assert found == pytest.approx(log_loss(y.numpy(), p.numpy()), rel=1e-6)


def test_missing_labels_count_nothing():
    p, y = draw(100)
    hidden = torch.where(torch.arange(100) % 3 == 0, -1, y)
    metrics = [LogLoss(), NormalizedEntropy(), Calibration()]
    there = hidden >= 0
    assert values(metrics, (p, hidden)) == pytest.approx(
        values([LogLoss(), NormalizedEntropy(), Calibration()], (p[there], y[there]))
    )


def test_probabilities_of_several_classes_are_refused():
    with pytest.raises(ValueError, match="a probability for each label"):
        LogLoss().update(torch.full((4, 3), 1 / 3), torch.zeros(4, dtype=torch.long))
