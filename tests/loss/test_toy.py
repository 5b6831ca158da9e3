"""The toy problem's losses, by their formula, and its Pareto set."""

import math
import sys
from pathlib import Path

import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.loss.toy import Toy

POINTS = [(-8.5, 7.5), (0.0, 0.0), (9.0, 9.0), (-7.5, -0.5), (9.0, -1.0), (-7.0, 20.0), (3.0, -8.0)]


def by_hand(x1: float, x2: float) -> tuple[float, float]:
    f1 = math.log(max(abs(0.5 * (-x1 - 7) - math.tanh(-x2)), 5e-6)) + 6
    f2 = math.log(max(abs(0.5 * (-x1 + 3) + math.tanh(-x2) + 2), 5e-6)) + 6
    g1 = ((-x1 + 7) ** 2 + 0.1 * (-x2 - 8) ** 2) / 10 - 20
    g2 = ((-x1 - 7) ** 2 + 0.1 * (-x2 - 8) ** 2) / 10 - 20
    c1, c2 = max(math.tanh(0.5 * x2), 0), max(math.tanh(-0.5 * x2), 0)
    return c1 * f1 + c2 * g1, c1 * f2 + c2 * g2


@pytest.mark.parametrize("point", POINTS)
def test_the_losses_are_the_formula_by_hand(point):
    output = torch.tensor([point], dtype=torch.float64)
    losses = [float(Toy(which)(output, output)) for which in (1, 2)]
    assert losses == pytest.approx(by_hand(*point), rel=1e-9)


def test_on_the_pareto_set_the_gradients_are_opposed(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "scripts"))
    pareto_x2 = __import__("reproduce_toy").pareto_x2
    sys.modules.pop("reproduce_toy")
    assert pareto_x2(-7.0) == pytest.approx(-8.4345, abs=1e-4)
    assert pareto_x2(0.0) == pytest.approx(-8.3551, abs=1e-4)
    for x1 in (-6.5, -3.0, 0.0, 4.0):
        grads = []
        for which in (1, 2):
            point = torch.tensor([[x1, pareto_x2(x1)]], dtype=torch.float64, requires_grad=True)
            Toy(which)(point, point).backward()
            grads.append(point.grad.flatten())
        cosine = torch.nn.functional.cosine_similarity(*grads, dim=0)
        assert float(cosine) == pytest.approx(-1.0, abs=1e-6)


def test_a_point_where_the_two_parts_meet_moves_down():
    """There the slopes of both parts count, as in the papers' code; one of the starts is there."""
    for which in (1, 2):
        point = torch.zeros(1, 2, dtype=torch.float64, requires_grad=True)
        Toy(which)(point, point).backward()
        above, below = (by_hand(0, x2)[which - 1] / x2 for x2 in (1e-6, -1e-6))
        assert point.grad[0, 0] == 0
        assert float(point.grad[0, 1]) == pytest.approx(above + below, rel=1e-5)
        assert float(point.grad[0, 1]) > 0


def test_there_are_two_of_them():
    with pytest.raises(Problem, match="must be 1 or 2"):
        Toy(3)
