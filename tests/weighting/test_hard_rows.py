"""Every gradient aggregation on opposed, parallel, tiny and huge rows, by independent references.

The rows are single precision, as in training; all is judged in double.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from scipy.optimize import brentq, minimize, nnls
from torchjd import aggregation as jd

from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.gramian import random_orders

CONF = Path(__file__).parent.parent.parent / "conf" / "weighting"
SEED = 3  # of methods that draw


def make(name: str, count: int) -> Aggregation:
    values = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    values.pop("defaults", None)
    return instantiate(values, _convert_="all")(tasks=[f"t{k}" for k in range(count)])


ALL = sorted(p.stem for p in CONF.glob("*.yaml") if isinstance(make(p.stem, 3), Aggregation))


def step(name: str, rows: torch.Tensor) -> tuple[np.ndarray, np.ndarray | None]:
    """The first step of a new weighting and its weights, in double precision."""
    method = make(name, len(rows))
    torch.manual_seed(SEED)
    direction, weights = method.step(rows.clone(), method.tasks)
    assert direction.isfinite().all()
    assert not method.failures
    return direction.double().numpy(), None if weights is None else weights.double().numpy()


def hard_rows() -> dict[str, torch.Tensor]:
    """[K, D] each: half and a quarter are exact, so that rows depend on each other to the bit."""
    torch.manual_seed(0)
    rows, noise = torch.randn(3, 50), torch.randn(50)
    a, _, c = rows
    return {
        "opposed": torch.stack([a, -0.5 * a, c]),
        "nearly opposed": torch.stack([a, -0.4 * a + 1e-2 * noise, c]),
        "opposed within rounding": torch.stack([a, -0.4 * a, c]),
        "parallel": torch.stack([a, 0.25 * a, c]),
        "nearly parallel": torch.stack([a, 0.4 * a + 1e-3 * noise, c]),
        "tiny": 1e-6 * rows,
        "huge": 1e6 * rows,
        "a tiny one": rows * torch.tensor([[1.0], [1e-6], [1.0]]),
        "a huge one": rows * torch.tensor([[1.0], [1.0], [1e6]]),
        "lengths that single precision cannot square": 1e-20 * rows,
    }


HARD = hard_rows()
on_each = pytest.mark.parametrize("which", HARD)
each = pytest.mark.parametrize("name", ALL)


def nearest_without_conflict(j, start):
    """Of ``start`` among all y with ``J y >= 0``, by its dual on the whole Jacobian."""
    return start + nnls(j.T, -start)[0] @ j


def upgrad(j):
    return np.mean([nearest_without_conflict(j, row) for row in j], axis=0)


def dualproj(j):
    return nearest_without_conflict(j, j.mean(0))


def con_fig(j):
    """With the pseudo-inverse of all gradients of length 1, in which rounding is no direction."""
    units = j / np.linalg.norm(j, axis=1, keepdims=True)
    v = np.linalg.pinv(units, rcond=1e-6).sum(1)
    v /= np.linalg.norm(v)
    return (j @ v).sum() * v


def imtl_g(j):
    """The direction of equal projections, and on it the point of the affine hull of the rows."""
    sizes = np.linalg.norm(j, axis=1, keepdims=True)
    weights = np.linalg.pinv(j / sizes, rcond=1e-6).sum(1) @ np.linalg.pinv(j / sizes, rcond=1e-6)
    weights = weights / sizes[:, 0]
    return weights / weights.sum() @ j


def aligned_mtl(j):
    """Rows that depend on each other within rounding have one singular value less."""
    units = j / np.linalg.norm(j, axis=1, keepdims=True)
    rank = np.linalg.matrix_rank(units, 1e-6)
    u, s, v = (part for part in np.linalg.svd(j, full_matrices=False))
    return s[rank - 1] * (u[:, :rank] @ v[:rank]).mean(0)


def pcgrad(j):
    torch.manual_seed(SEED)
    turned = j.copy()
    for k, order in enumerate(random_orders(len(j)).tolist()):
        for other in order:
            product = turned[k] @ j[other]
            if product < -1e-12 * np.linalg.norm(j[k]) * np.linalg.norm(j[other]):
                turned[k] -= product / (j[other] @ j[other]) * j[other]
    return turned.sum(0)


def db_mtl(j):
    rows = (1 - make("db_mtl", 1).beta) * j
    sizes = np.linalg.norm(rows, axis=1)
    return sizes.max() * (rows / (sizes[:, None] + 1e-8)).sum(0)


def excess_mtl(j):
    """In the first step all excess risks are divided by themselves."""
    risk = (j**2 / np.sqrt(j**2 + 1e-7)).sum(1)
    weights = np.exp(risk / (risk + 1e-7))
    return weights / weights.sum() @ j


def moco(j):
    """One step on the simplex, onto which a level that is searched for projects."""
    method = make("moco", len(j))
    rows = method.beta * j
    point = 1 / len(j) - method.gamma * (rows @ rows.mean(0))
    point -= point.max()
    level = brentq(lambda level: (point - level).clip(0).sum() - 1, -1, 0, xtol=1e-15)
    return (point - level).clip(0) @ rows


REFERENCES = {
    "aligned_mtl": aligned_mtl,
    "con_fig": con_fig,
    "db_mtl": db_mtl,
    "dualproj": dualproj,
    "excess_mtl": excess_mtl,
    "gradvac": pcgrad,  # from which it differs from the second step on
    "imtl": imtl_g,  # its scales are the losses'
    "imtl_g": imtl_g,
    "moco": moco,
    "pcd": lambda j: jd.PCD(eps=0.0)(torch.from_numpy(j)).numpy(),
    "pcgrad": pcgrad,
    "upgrad": upgrad,
}
BY_PROPERTIES = ["cagrad", "fairgrad", "graddrop", "mgda", "nash_mtl"]


def test_every_aggregation_is_judged():
    assert sorted([*REFERENCES, *BY_PROPERTIES]) == ALL


@pytest.mark.parametrize("name", REFERENCES)
@on_each
def test_the_step_is_that_of_the_whole_jacobian_in_double_precision(name, which):
    """Gradients that are opposed but for their rounding have no such projection: see below."""
    if name in ("upgrad", "dualproj") and which == "opposed within rounding":
        return
    expected = REFERENCES[name](HARD[which].double().numpy())
    error = np.abs(step(name, HARD[which])[0] - expected).max()
    assert error <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["upgrad", "dualproj"])
@pytest.mark.parametrize("seed", range(50))
def test_a_projection_conflicts_with_no_gradient_and_is_never_longer_than_what_it_is_of(name, seed):
    torch.manual_seed(seed)
    rows = torch.randn(3 + seed % 3, 50)
    rows[1] = -0.4 * rows[0]
    rows *= 10.0 ** torch.randint(-3, 4, (len(rows), 1))
    direction, _ = step(name, rows)
    lengths = rows.double().norm(dim=1).numpy()
    projections = rows.double().numpy() @ direction / lengths
    assert (projections >= -1e-5 * lengths.max()).all()
    assert np.linalg.norm(direction) <= lengths.mean() * (1 + 1e-6)


@pytest.mark.parametrize("name", ["imtl", "imtl_g"])
@pytest.mark.parametrize("ratio", [1e3, 2e3, 1e6, 1e9, 1e12])
def test_projections_on_gradients_of_all_lengths_are_equal(name, ratio):
    torch.manual_seed(0)
    rows = torch.randn(3, 50) * torch.tensor([[ratio], [1.0], [1.0]])
    j = rows.double().numpy()
    projections = j @ step(name, rows)[0] / np.linalg.norm(j, axis=1)
    assert np.abs(projections / projections[0] - 1).max() <= 1e-5


@on_each
def test_mgdas_mixture_is_on_the_near_side_of_every_gradient(which):
    """Which makes it the shortest there is."""
    j = HARD[which].double().numpy()
    direction, weights = step("mgda", HARD[which])
    assert (weights >= 0).all()
    assert np.isclose(weights.sum(), 1, rtol=0, atol=1e-6)
    squares = (j**2).sum(1)
    reach = 1e-5 * np.sqrt(squares * squares.max())
    assert (j @ direction >= direction @ direction - reach).all()


@pytest.mark.parametrize(("name", "alpha"), [("nash_mtl", 1), ("fairgrad", 2)])
@pytest.mark.parametrize("which", sorted(HARD.keys() - {"opposed", "opposed within rounding"}))
def test_gains_are_shared_fairly_where_all_can_gain(name, alpha, which):
    """``w_k (g_k . d)^alpha`` is the same for all."""
    direction, weights = step(name, HARD[which])
    shares = weights * (HARD[which].double().numpy() @ direction) ** alpha
    assert np.abs(shares / shares[0] - 1).max() <= 1e-3


@on_each
def test_cagrads_step_is_in_the_ball_and_no_other_has_a_better_worst_gain(which):
    """The best one is at most the dual's value at any weights: here, at SciPy's minimum of it."""
    j = HARD[which].double().numpy()
    direction, _ = step("cagrad", HARD[which])
    size = np.linalg.norm(j, axis=1).max()
    j, direction = j / size, direction / size
    mean = j.mean(0)
    radius = make("cagrad", 3).c * np.linalg.norm(mean)
    bound = minimize(
        lambda w: w @ j @ mean + radius * np.sqrt((w @ j) @ (w @ j) + 1e-18),
        np.full(len(j), 1 / len(j)),
        bounds=[(0, 1)] * len(j),
        constraints={"type": "eq", "fun": lambda w: 1 - w.sum()},
        options={"ftol": 1e-14, "maxiter": 1000},
    ).fun
    assert np.linalg.norm(direction - mean) <= radius * (1 + 1e-6)
    assert (j @ direction).min() >= bound - 1e-6


@on_each
def test_graddrop_lets_one_sign_pass_in_every_coordinate(which):
    j = HARD[which].double().numpy()
    direction, _ = step("graddrop", HARD[which])
    errors = [np.abs(direction - part.sum(0)) for part in (j.clip(min=0), j.clip(max=0))]
    assert (np.minimum(*errors) <= 1e-6 * np.abs(j).sum(0)).all()


# How the step grows with the unit of all losses: by its power. Of MoCo there is no such number, and
# of these two there is none for small gradients, to which the papers add one.
DEGREES = {"nash_mtl": 0, "fairgrad": -1 / 3}
SMALL_COUNT = ["db_mtl", "excess_mtl"]


@pytest.mark.parametrize("name", [name for name in ALL if name != "moco"])
@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e3, 1e6])
def test_the_unit_of_all_losses_does_not_turn_the_step(name, unit):
    if name in SMALL_COUNT and unit < 1:
        return
    rows = HARD["nearly opposed"]
    expected = unit ** DEGREES.get(name, 1) * step(name, rows)[0]
    error = np.abs(step(name, unit * rows)[0] - expected).max()
    assert error <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["nash_mtl", "con_fig"])
@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_the_unit_of_one_loss_does_not_turn_the_step(name, unit):
    rows = HARD["nearly opposed"]
    one, other = step(name, rows)[0], step(name, rows * torch.tensor([[1.0], [unit], [1.0]]))[0]
    assert one @ other >= (1 - 1e-9) * np.linalg.norm(one) * np.linalg.norm(other)
