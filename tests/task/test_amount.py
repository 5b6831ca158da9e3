"""Amounts: the zero-inflated log-normal by scipy, its mean by hand, a training that finds it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import lognorm
from torch import nn
from torchmetrics import MeanSquaredError

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.loss.ziln import ZILN
from mtl_cli.metric.xauc import XAUC
from mtl_cli.task.amount import Amount
from mtl_cli.task.base import Parts

NAN = float("nan")


def make(loss=None):
    metrics = {"mse": MeanSquaredError(), "xauc": XAUC()}
    return Amount(Parts("watch", "row", Linear, loss or ZILN(), metrics, {}, 1.0))


def test_the_loss_is_that_of_a_chance_and_a_log_normal():
    rng = np.random.default_rng(0)
    y = np.where(rng.random(40) < 0.4, 0, rng.lognormal(2, 1.5, 40))
    z, m = rng.normal(size=40), rng.normal(2, 1, 40)
    s = rng.uniform(0.3, 2, 40)
    p = 1 / (1 + np.exp(-z))
    density = lognorm.logpdf(np.where(y > 0, y, 1), s, scale=np.exp(m))
    each = -np.where(y > 0, np.log(p) + density, np.log(1 - p))
    loss = ZILN()
    output = torch.tensor(np.stack([z, m, s], 1))
    assert loss(output, torch.tensor(y)).item() == pytest.approx(each.mean(), rel=1e-5)
    loss.reduction = "none"
    assert loss(output, torch.tensor(y)).numpy() == pytest.approx(each, rel=1e-4, abs=1e-5)


def test_its_gradient_is_finite_at_zero():
    output = torch.tensor([[0.5, 1.0, 0.2], [30.0, -9.0, 1e-3]], requires_grad=True)
    ZILN()(output, torch.tensor([0.0, 0.0])).backward()
    assert output.grad is not None
    assert output.grad.isfinite().all()
    assert (output.grad[:, 1:] == 0).all()


def test_no_output_is_the_distribution_of_train_and_predicts_its_mean():
    task = make()
    rng = np.random.default_rng(0)
    y = np.where(rng.random(50_000) < 0.7, 0, rng.lognormal(5, 0.8, 50_000))
    task.fit(torch.tensor([*y, NAN]))
    zero = torch.zeros(1, 3)
    assert task.predict(zero).item() == pytest.approx(y.mean(), rel=0.03)
    assert task.predict(task.output_of(torch.tensor([[12.5]]))).item() == pytest.approx(12.5)
    assert task.prior(torch.tensor(y)).item() == pytest.approx(y.mean())
    assert task.output_of(task.prior(torch.tensor(y)))[0, [0, 2]].tolist() == [0, 0]


def test_the_unit_of_amounts_does_not_change_the_loss():
    y = torch.tensor([0.0, 3.0, NAN, 1200.0, 0.0, 60.0])
    output = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
    found = []
    for unit in (1.0, 60.0):
        task = make()
        task.fit(y * unit)
        loss, count = task.loss(output, y * unit)
        assert count == 5
        found.append((loss.item(), task.predict(output) / unit))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    torch.testing.assert_close(found[0][1], found[1][1])


def test_labels_and_losses_that_do_not_fit_are_refused():
    with pytest.raises(Problem, match="numbers from 0"):
        make().check_targets(torch.tensor([1.0, -2.0]))
    with pytest.raises(Problem, match="amount"):
        make(nn.MSELoss()).try_loss()
    make().check_targets(torch.tensor([0.0, NAN, 2.5]))
    make().try_loss()
    make().try_metrics()


def test_a_training_predicts_amounts_in_their_unit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1500, 2))
    some = rng.random(1500) < 1 / (1 + np.exp(-2 * x[:, 0]))
    watch = np.where(some, np.exp(4 + x[:, 1] + 0.5 * rng.normal(size=1500)), 0)
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "watch": watch})
    words = ["dataset=table", "dataset.targets={watch: amount}", "dataset.reference=0"]
    words += ["device=cpu", "trainer.max_epochs=15", "optimizer.lr=0.01", "encoder.hidden=[16]"]
    summary = mtl_cli.train([*words, f"hydra.run.dir={tmp_path / 'r'}"], data=frame)
    found, floor = summary["test"]["watch"], summary["floor"]["watch"]
    assert found["mse"] < floor["mse"]
    assert found["loss"] < floor["loss"]
    assert floor["xauc"] == 0.5
    assert min(found["xauc"], found["auroc"]) > 0.6
    predicted = mtl_cli.load_run(tmp_path / "r").predict(frame[["a", "b"]])
    mean = 1 / (1 + np.exp(-2 * x[:, 0])) * np.exp(4 + x[:, 1] + 0.125)
    assert np.corrcoef(np.log(predicted.watch), np.log(mean))[0, 1] > 0.97
    assert predicted.watch.mean() == pytest.approx(watch.mean(), rel=0.25)
