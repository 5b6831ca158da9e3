"""The scripts that reproduce papers: short runs of them, and what they conclude from figures."""

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

SCRIPTS = Path(__file__).parent.parent / "scripts"


def load(name):
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # where a named tuple looks itself up
    spec.loader.exec_module(module)
    return module


toy, mmoe = load("reproduce_toy"), load("reproduce_mmoe")
clicks = load("reproduce_clicks")


def toy_losses(x1, x2):
    """The two losses as CAGrad's paper writes them, at one point."""
    f1 = torch.log(torch.clamp(abs(0.5 * (-x1 - 7) - torch.tanh(-x2)), min=5e-6)) + 6
    f2 = torch.log(torch.clamp(abs(0.5 * (-x1 + 3) + torch.tanh(-x2) + 2), min=5e-6)) + 6
    g1 = ((-x1 + 7) ** 2 + 0.1 * (-x2 - 8) ** 2) / 10 - 20
    g2 = ((-x1 - 7) ** 2 + 0.1 * (-x2 - 8) ** 2) / 10 - 20
    c1 = torch.clamp(torch.tanh(0.5 * x2), min=0)
    c2 = torch.clamp(torch.tanh(-0.5 * x2), min=0)
    return c1 * f1 + c2 * g1, c1 * f2 + c2 * g2


def mgda(g, h):
    """The shortest of all ``a g + (1 - a) h``."""
    apart = (g - h).square().sum()
    a = 0.5 if apart == 0 else float(((h - g) @ h / apart).clamp(0, 1))
    return a * g + (1 - a) * h


def pcgrad(g, h):
    """The sum of the gradients, each without what conflicts with the other."""
    between = torch.minimum(g @ h, torch.zeros(()))
    return g - between / (h @ h) * h + h - between / (g @ g) * g


METHODS = {"equal weights": lambda g, h: (g + h) / 2, "MGDA": mgda, "PCGrad": pcgrad}


@pytest.mark.parametrize("start", toy.SETTINGS[0].starts, ids=str)
@pytest.mark.parametrize("method", METHODS)
def test_a_way_is_that_of_the_formulas(method, start):
    """Adam on the direction that each paper names; 60 steps from each start."""
    point = torch.tensor(start, requires_grad=True, dtype=torch.float64)
    optimizer = torch.optim.Adam([point], lr=0.001)
    for _ in range(60):
        first, second = toy_losses(*point)
        [g] = torch.autograd.grad(first, point, retain_graph=True)
        [h] = torch.autograd.grad(second, point)
        point.grad = METHODS[method](g, h)
        optimizer.step()
    way = toy.follow((toy.SETTINGS[0], method, start, 60))
    assert way.steps == 60
    torch.testing.assert_close(
        torch.tensor(way.points[-1]), point.detach().float(), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("end", "word"),
    [
        ((0, -8.36), "arrives"),
        ((-7, -8.43), "arrives"),
        ((-7.5, -8.43), "sticks"),
        ((0, 0), "sticks"),
    ],
)
def test_an_ending_says_whether_the_point_is_on_the_set(end, word):
    assert toy.ending(toy.Way("cagrad", "MGDA", [end], 1)).startswith(f"{word} at ")


@pytest.mark.parametrize("model", mmoe.MODELS)
def test_a_run_of_the_mmoe_study_gives_finite_losses(tmp_path, model):
    words = ["trainer.max_steps=2", "dataset.num_samples=100"]
    result = mmoe.run(mmoe.Job(model, 0.5, 0.01, 0), words, tmp_path)
    assert 0 < result.val < 100
    assert 0 < result.test < 100


def test_the_learning_rate_is_chosen_by_val_and_judged_by_test():
    results = [
        mmoe.Result(mmoe.Job(model, p, rate, seed), val=rate * p, test=100 * rate + seed)
        for model in mmoe.MODELS
        for p in mmoe.CORRELATIONS
        for rate in (0.3, 0.1)
        for seed in (0, 1)
    ]
    losses, rates = mmoe.chosen(results)
    assert losses == {m: {p: [10.0, 11.0] for p in mmoe.CORRELATIONS} for m in mmoe.MODELS}
    assert rates == {m: dict.fromkeys(mmoe.CORRELATIONS, 0.1) for m in mmoe.MODELS}


def test_findings_are_read_off_the_losses():
    as_in_the_paper = {
        "shared bottom": {0.5: [3.0, 4.0], 0.9: [2.0, 3.0], 1.0: [1.0, 2.0]},
        "OMoE": {0.5: [2.9, 3.0], 0.9: [2.0, 2.1], 1.0: [1.0, 1.1]},
        "MMoE": {0.5: [1.4, 1.5], 0.9: [1.2, 1.3], 1.0: [1.0, 1.1]},
    }
    assert all(mmoe.findings(as_in_the_paper).values())
    turned = dict(zip(as_in_the_paper, reversed(as_in_the_paper.values()), strict=True))
    assert list(mmoe.findings(turned).values()).count(False) >= 2


def test_conversions_are_measured_in_every_way(tmp_path, monkeypatch):
    few = {"num_train": 400, "num_val": 100, "num_test": 100, "num_users": 30, "num_items": 20}
    words = [f"dataset.{name}={number}" for name, number in few.items()]
    quick = ["trainer=smoke", "device=cpu", "pictures.curves=false", "pictures.metrics=false"]
    monkeypatch.setattr(clicks, "COMMON", [*words, *quick])
    for way in (clicks.PLAIN, "all known"):
        figures = clicks.run(clicks.Job(way, "bias 0.8, hidden 1", 0), tmp_path)
        assert 0 < abs(figures["bias"]) <= figures["mae"] <= figures["rmse"] < 1


def test_a_way_is_compared_with_clicked_impressions_world_by_world():
    """Pairs of seeds: a difference that is alike in all has a narrow interval."""
    own = [0.1, 0.2, 0.3, 0.4]
    figures = {
        (way, world): [{"rmse": value - 0.05 * (way == "ESMM")} for value in own]
        for way in clicks.WAYS
        for world in clicks.WORLDS
    }
    (row,) = (line for line in clicks.table(figures, "rmse").splitlines() if "ESMM" in line)
    assert row.count("0.2000 ± 0.2054 (-0.0500 ± 0.0000)") == len(clicks.WORLDS)
