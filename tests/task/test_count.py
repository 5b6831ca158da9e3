"""Counts: against scikit-learn's Poisson deviance, and Poisson's likelihood by hand."""

import math

import numpy as np
import pandas
import pytest
import torch
from sklearn.metrics import mean_poisson_deviance
from torch import nn
from torchmetrics import MeanAbsoluteError

import mtl_cli.train
from mtl_cli import load_run
from mtl_cli.basis.errors import Problem
from mtl_cli.head.linear import Linear
from mtl_cli.task.base import Parts
from mtl_cli.task.count import Count, PoissonDeviance

NAN = float("nan")


def make(loss=None):
    metrics = {"deviance": PoissonDeviance(), "mae": MeanAbsoluteError()}
    return Count(Parts("visits", "row", Linear, loss or nn.PoissonNLLLoss(), metrics, {}, 1.0))


def test_loss_and_prediction_are_those_of_a_rate():
    task = make(nn.PoissonNLLLoss(full=False))
    target = torch.tensor([0.0, 3.0, NAN, 1200.0], dtype=torch.float64)
    task.fit(target)
    output = torch.tensor([[0.5], [-1.0], [7.0], [0.1]])
    rates = [1203 / 3 * math.exp(x) for x in (0.5, -1.0, 0.1)]
    by_hand = [rate - y * math.log(rate) for rate, y in zip(rates, (0, 3, 1200), strict=True)]
    loss, count = task.loss(output, target)
    assert loss.item() == pytest.approx(sum(by_hand) / 3, rel=1e-5)
    assert count == 3
    assert task.predict(output)[[0, 1, 3], 0].tolist() == pytest.approx(rates, rel=1e-5)
    weights = torch.tensor([1.0, 2.0, 5.0, 0.0])
    weighed, _ = task.loss(output, target, weights=weights)
    assert weighed.item() == pytest.approx((by_hand[0] + 2 * by_hand[1]) / 3, rel=1e-5)


def test_metrics_are_those_of_sklearn():
    task = make()
    task.try_loss()
    task.try_metrics()
    rng = np.random.default_rng(0)
    counts = rng.poisson(3, 50).astype(float)
    output = torch.from_numpy(rng.normal(size=(50, 1))).float()
    task.fit(torch.from_numpy(counts))
    prediction, target = task.score(output, torch.from_numpy(counts))
    deviance = task.metrics["deviance"](prediction, target).item()
    assert deviance == pytest.approx(mean_poisson_deviance(counts, prediction.numpy()), rel=1e-4)
    assert (task.predict(torch.tensor([[-1e4]])) > 0).all()  # a logarithm is taken of it


def test_the_floor_is_the_mean_count():
    task = make()
    target = torch.tensor([0.0, 1.0, 5.0, NAN])
    task.fit(target)
    prior = task.prior(target)
    torch.testing.assert_close(task.predict(task.output_of(prior)), torch.tensor([[2.0]]))
    assert task.predict(torch.zeros(1, 1)).item() == pytest.approx(2)  # where training begins


@pytest.mark.parametrize("wrong", [-1.0, 0.5, math.inf])
def test_what_is_no_count_is_refused(wrong):
    with pytest.raises(Problem, match=r"(?s)whole numbers from 0.*tasks.visits=regression"):
        make().check_targets(torch.tensor([1.0, NAN, wrong]))


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.L1Loss(), nn.PoissonNLLLoss(log_input=False)])
def test_a_loss_that_compares_no_logarithm_of_a_rate_is_refused(loss):
    with pytest.raises(Problem, match=r"(?s)must fit a count task.*tasks.visits.loss=poisson"):
        make(loss).try_loss()


def test_counts_of_a_table_are_learned_and_kept(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 2))
    rate = 40 * np.exp(0.8 * x[:, 0] - 0.3 * x[:, 1])
    visits = rng.poisson(rate).astype(float)
    split = np.array(["train"] * 400 + ["val"] * 100 + ["test"] * 100)
    frame = pandas.DataFrame({"a": x[:, 0], "b": x[:, 1], "visits": visits, "split": split})
    frame.loc[::9, "visits"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    run = tmp_path / "run"
    words = ["dataset=table", f"dataset.path={tmp_path}/t.csv", "trainer.max_epochs=15"]
    words += ["dataset.targets={visits: count}", "dataset.split={by: column, column: split}"]
    summary = mtl_cli.train([*words, f"hydra.run.dir={run}"])
    rates = load_run(run).predict(tmp_path / "t.csv")["visits"].to_numpy()
    labels = frame["visits"].to_numpy()
    at = (split == "test") & ~np.isnan(labels)
    own = summary["test"]["visits"]["deviance"]
    assert summary["metrics"]["visits"]["deviance"] == {"higher_is_better": False}
    assert own == pytest.approx(mean_poisson_deviance(labels[at], rates[at]), rel=1e-4)
    mean = np.full(at.sum(), np.nanmean(labels[split == "train"]))
    floor = summary["floor"]["visits"]["deviance"]
    assert floor == pytest.approx(mean_poisson_deviance(labels[at], mean), rel=1e-4)
    best = mean_poisson_deviance(labels[at], rate[at])
    assert best < own < 3 * best < floor / 3
    assert best < summary["reference"]["visits"]["deviance"] < floor / 2
