"""The expected calibration error against pandas' quantiles, and its picture."""

import numpy as np
import pandas
import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.metric.calibration_error import CalibrationError


def expected(p, y, bins):
    """By pandas alone."""
    frame = pandas.DataFrame({"p": p, "y": y})
    groups = frame.groupby(pandas.qcut(frame.p, bins), observed=True)
    gap = (groups.p.mean() - groups.y.mean()).abs()
    return float((gap * groups.size()).sum() / len(frame))


def draw(n, shift):
    rng = np.random.default_rng(0)
    logit = rng.normal(shift, 1.2, n)
    return 1 / (1 + np.exp(-logit)), rng.random(n) < 1 / (1 + np.exp(-1.4 * (logit - shift)))


@pytest.mark.parametrize("shift", [0.0, -5.0])
@pytest.mark.parametrize("bins", [1, 10])
def test_it_is_that_of_quantiles(shift, bins):
    p, y = draw(20_000, shift)
    metric = CalibrationError(bins)
    for i in range(0, len(p), 777):
        metric.update(torch.from_numpy(p[i : i + 777]), torch.from_numpy(y[i : i + 777]).long())
    assert float(metric.compute()) == pytest.approx(expected(p, y, bins), rel=0.02)


def test_ten_probabilities_are_ten_bins_exactly():
    rng = np.random.default_rng(1)
    p = rng.permutation(np.repeat(np.linspace(0.05, 0.95, 10), 40))
    y = rng.random(400) < p**2
    metric = CalibrationError(10)
    metric.update(torch.from_numpy(p), torch.from_numpy(y).long())
    by_hand = pandas.DataFrame({"p": p, "y": y}).groupby("p").y.mean()
    wanted = float((by_hand.to_numpy() - by_hand.index.to_numpy()).__abs__().mean())
    assert float(metric.compute()) == pytest.approx(wanted)


def test_a_constant_is_one_bin_and_certainties_have_a_place():
    metric = CalibrationError(10)
    metric.update(torch.full((10,), 0.25), torch.tensor([1] * 5 + [0] * 5))
    assert float(metric.compute()) == pytest.approx(0.25)
    metric.reset()
    metric.update(torch.tensor([0.0, 1.0, 0.0, 1.0]), torch.tensor([0, 1, 0, 1]))
    assert float(metric.compute()) == pytest.approx(0)


@pytest.mark.parametrize("shift", [0.0, -5.0])
def test_its_picture_has_a_point_a_bin(shift):
    from matplotlib import pyplot

    p, y = draw(2_000, shift)
    metric = CalibrationError(5)
    metric.update(torch.from_numpy(p), torch.from_numpy(y).long())
    figure, axes = metric.plot()
    assert len(axes.containers[0].lines[0].get_xdata()) == 5
    assert axes.get_xscale() == ("log" if shift else "linear")
    pyplot.close(figure)


def test_no_bins_are_refused():
    with pytest.raises(Problem, match="num_bins"):
        CalibrationError(0)
