"""Regressions far from 0: what single precision would lose."""

import numpy as np
import pytest
import sklearn.metrics as sk
import torch
import torchmetrics
from torch import nn

from mtl_cli.head.linear import Linear
from mtl_cli.task.base import Parts
from mtl_cli.task.regression import Regression
from mtl_cli.training import by_number

NUM = 400
TARGETS = {
    "a Unix time": lambda draw: 1.7e9 + 3 * draw.standard_normal(NUM),
    "a price": lambda draw: 1e5 + 2e4 * draw.standard_normal(NUM),
    "a latitude": lambda draw: 48.137154 + 0.01 * draw.standard_normal(NUM),
}
MAPE = torchmetrics.MeanAbsolutePercentageError


def make(**more):
    metrics = {"mse": torchmetrics.MeanSquaredError(), "mae": torchmetrics.MeanAbsoluteError()}
    metrics |= {"r2": torchmetrics.R2Score()} | more
    task = Regression(Parts("y", "x", Linear, nn.MSELoss(), metrics, {}, 1.0), 1, standardize=True)
    task.try_metrics()
    return task


def figures(task, output, target):
    for metric in task.metrics.values():
        metric.update(*task.score(output, target))
    return {name: float(metric.compute()) for name, metric in task.metrics.items()}


@pytest.mark.parametrize("kind", TARGETS)
def test_loss_metrics_and_predictions_keep_the_digits(kind):
    draw = np.random.default_rng(0)
    values = TARGETS[kind](draw)
    task = make()
    target = torch.from_numpy(values)
    task.fit(target)
    scaled = (values - values.mean()) / values.std()
    output = torch.from_numpy(0.5 * scaled + 0.1 * draw.standard_normal(NUM)).float()
    said = output.double().numpy() * values.std() + values.mean()
    assert task.predict(output).numpy() == pytest.approx(said, rel=1e-15)
    loss = task.criterion(output, task.to_loss_unit(target))
    assert float(loss) == pytest.approx(np.mean((output.numpy() - scaled) ** 2), rel=1e-5)
    found = figures(task, output[:, None], target)
    assert found["mse"] == pytest.approx(sk.mean_squared_error(values, said), rel=1e-5)
    assert found["mae"] == pytest.approx(sk.mean_absolute_error(values, said), rel=1e-5)
    assert found["r2"] == pytest.approx(sk.r2_score(values, said), rel=1e-5)


def test_a_metric_that_is_not_of_differences_alone_sees_the_values_themselves():
    values = 1e5 + 2e4 * np.random.default_rng(0).standard_normal(NUM)
    task = make(mape=MAPE())
    task.fit(torch.from_numpy(values))
    said = task.predict(torch.zeros(NUM))
    found = figures(task, torch.zeros(NUM, 1), torch.from_numpy(values))
    expected = sk.mean_absolute_percentage_error(values, said)
    assert found["mape"] == pytest.approx(expected, rel=1e-5)


def test_several_outputs_with_missing_labels_are_compared_each_in_its_unit():
    draw = np.random.default_rng(0)
    values = draw.standard_normal((NUM, 2)) * [3, 1e4] + [1.7e9, 1e5]
    values[draw.random((NUM, 2)) < 0.3] = np.nan
    metrics = {"mse": torchmetrics.MeanSquaredError()}
    task = Regression(Parts("y", "x", Linear, nn.MSELoss(), metrics, {}, 1.0), 2, standardize=True)
    task.try_metrics()
    task.fit(torch.from_numpy(values))
    errors = values - np.nanmean(values, 0)
    found = figures(task, torch.zeros(NUM, 2), torch.from_numpy(values))
    assert found["mse"] == pytest.approx(np.nanmean(errors**2), rel=1e-5)


def test_each_of_several_numbers_has_its_own_figures():
    draw = np.random.default_rng(0)
    values = draw.standard_normal((NUM, 3)) * [3, 1e4, 1] + [1.7e9, 1e5, 0]
    values[draw.random((NUM, 3)) < 0.3] = np.nan
    values[:, 2] = np.nan  # has no label in these batches
    metrics = {"mse": torchmetrics.MeanSquaredError(), "r2": torchmetrics.R2Score()}
    task = Regression(Parts("y", "x", Linear, nn.MSELoss(), metrics, {}, 1.0), 3, standardize=True)
    task.try_metrics()
    task.fit(torch.from_numpy(values))
    output = torch.from_numpy(draw.standard_normal((NUM, 3))).float()
    by_number.start([task], torch.device("cpu"))
    for rows in torch.arange(NUM).split(150):
        by_number.update(task, output[rows], torch.from_numpy(values)[rows])
    said = task.predict(output).numpy()
    found = by_number.by_number({"y": task}, {"y": ["a", "b", "c"]})["y"]
    assert list(found) == ["a", "b", "c"]
    for k, name in enumerate("ab"):
        there = ~np.isnan(values[:, k])
        label, own = values[there, k], said[there, k]
        assert found[name]["mse"] == pytest.approx(sk.mean_squared_error(label, own), rel=1e-5)
        assert found[name]["r2"] == pytest.approx(sk.r2_score(label, own), rel=1e-4)
    assert np.isnan(found["c"]["mse"])
    assert list(by_number.by_number({"y": task}, {})["y"]) == ["1", "2", "3"]
