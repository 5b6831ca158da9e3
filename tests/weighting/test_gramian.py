"""Every gradient aggregation on Jacobians that are hard: what all, or all of a kind, promise.

A new one is tested by having its YAML in ``conf/weighting``.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch.testing import assert_close

from mtl_cli.weighting.aggregation import Aggregation
from mtl_cli.weighting.gramian import (
    GramianAggregation,
    blas,
    cosines,
    gramian_of,
    random_orders,
    square_root,
)

CONF = Path(__file__).parent.parent.parent / "conf" / "weighting"


def make(name: str, tasks: int | list[str], **options) -> Aggregation:
    """As a user chooses it, by ``weighting=<name>``, for so many tasks or those of these names."""
    values = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    values.pop("defaults", None)
    names = [f"t{k}" for k in range(tasks)] if isinstance(tasks, int) else tasks
    return instantiate(values | options, _convert_="all")(tasks=names)


ALL = sorted(p.stem for p in CONF.glob("*.yaml") if isinstance(make(p.stem, 3), Aggregation))
DRAWN = ["gradvac", "graddrop", "pcgrad"]


def hard_jacobians() -> dict[str, torch.Tensor]:
    """[K, D]: conflict, collinearity, zeros, lost rank, wide scales, more tasks than parameters."""
    torch.manual_seed(0)
    normal, row = torch.randn(5, 20), torch.randn(1, 20)
    opposite = torch.cat([row, -row])
    return {
        "random": normal,
        "wide": torch.randn(4, 500),
        "more tasks than parameters": torch.randn(12, 3),
        "one task": row,
        "opposite": opposite,
        "nearly opposite": opposite + 1e-3 * torch.randn(2, 20),
        "opposite, and another": torch.cat([opposite, torch.randn(1, 20)]),
        "opposite of two scales": torch.cat([opposite, 1e3 * opposite]),
        "collinear": row * torch.tensor([[1.0], [2.0], [0.5]]),
        "equal, 64 tasks": row.expand(64, 20),
        "zeros": torch.zeros(3, 20),
        "a row of zeros": torch.cat([normal, torch.zeros(1, 20)]),
        "rank 1 of 5": torch.randn(5, 1) @ row,
        "rank 2 of 6": torch.randn(6, 2) @ torch.randn(2, 20),
        "wide scales": normal * torch.logspace(-3, 3, 5)[:, None],
        "very wide scales": normal * torch.logspace(-8, 8, 5)[:, None],
        "tiny": 1e-6 * normal,
        "huge": 1e6 * normal,
        "64 tasks": torch.randn(64, 300),
        "64 tasks in conflict": torch.randn(64, 300) - 0.3 * torch.randn(300),
        "64 tasks, 10 parameters": torch.randn(64, 10),
    }


JACOBIANS = hard_jacobians()
each = pytest.mark.parametrize("name", ALL)
on_each = pytest.mark.parametrize("which", JACOBIANS)


def step(name: str, jacobian: torch.Tensor, seed: int = 0, **options):
    """The step and the weights of a new weighting, and itself."""
    method = make(name, len(jacobian), **options)
    torch.manual_seed(seed)
    direction, weights = method.step(jacobian.clone(), method.tasks)
    return direction, weights, method


def test_every_aggregation_is_tried():
    assert len(ALL) >= 14
    assert set(DRAWN) <= set(ALL)


@each
@on_each
def test_the_step_is_finite_and_of_the_weights_that_it_says(name, which):
    jacobian = JACOBIANS[which]
    direction, weights, _ = step(name, jacobian)
    assert direction.shape == jacobian.shape[1:]
    assert direction.isfinite().all()
    if weights is not None and name != "moco":
        assert weights.isfinite().all()
        size = float((weights[:, None] * jacobian).norm()) + 1e-30
        assert_close(direction / size, weights @ jacobian / size)


@each
@on_each
def test_a_solver_fails_only_where_there_is_no_solution(name, which):
    none = {"more tasks than parameters", "64 tasks, 10 parameters", "opposite of two scales"}
    none |= {"rank 1 of 5", "rank 2 of 6"}
    _, _, method = step(name, JACOBIANS[which])
    assert not method.failures or (name == "pcd" and which in none)


@each
def test_a_task_without_a_gradient_changes_no_direction(name):
    """But with MGDA, where it is a mixture that cannot be shorter."""
    jacobian = JACOBIANS["random"]
    with_zero = torch.cat([jacobian, torch.zeros(1, 20)])
    direction, _, _ = step(name, with_zero)
    if name == "mgda":
        assert (direction == 0).all()
    elif name not in DRAWN:
        without, _, _ = step(name, jacobian)
        cosine = torch.cosine_similarity(direction, without, dim=0)
        # The mean is another one with more tasks, and what is nearest to it another direction.
        assert cosine > (0.9 if name in ("aligned_mtl", "cagrad", "excess_mtl", "moco") else 0.9999)


@pytest.mark.parametrize("name", [name for name in ALL if name not in [*DRAWN, "pcd"]])
@pytest.mark.parametrize("which", ["random", "wide", "64 tasks in conflict", "wide scales"])
def test_the_order_of_the_tasks_does_not_matter(name, which):
    jacobian = JACOBIANS[which]
    order = torch.randperm(len(jacobian), generator=torch.Generator().manual_seed(1))
    one, _, _ = step(name, jacobian)
    other, _, _ = step(name, jacobian[order])
    assert_close(other, one, rtol=1e-3, atol=1e-3 * float(one.abs().max()))


@pytest.mark.parametrize("name", ["nash_mtl", "con_fig"])
def test_the_scale_of_a_tasks_loss_does_not_matter_to_the_direction(name):
    jacobian = JACOBIANS["random"]
    scales = torch.tensor([1.0, 10.0, 0.01, 1000.0, 1.0])[:, None]
    one, _, _ = step(name, jacobian)
    other, _, _ = step(name, scales * jacobian)
    assert torch.cosine_similarity(one, other, dim=0) > 0.99999


@pytest.mark.parametrize("name", ["upgrad", "dualproj", "mgda", "con_fig", "imtl_g", "aligned_mtl"])
@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e3])
def test_the_unit_of_all_losses_is_that_of_the_step(name, unit):
    one, _, _ = step(name, JACOBIANS["random"])
    other, _, _ = step(name, unit * JACOBIANS["random"])
    assert_close(other / unit, one, rtol=1e-4, atol=1e-4)


FREE_OF_CONFLICT = ["upgrad", "dualproj", "mgda"]


@pytest.mark.parametrize("name", FREE_OF_CONFLICT)
@on_each
def test_the_step_conflicts_with_no_task(name, which):
    jacobian = JACOBIANS[which].double()
    direction, weights, _ = step(name, jacobian)
    size = jacobian.norm(dim=1) * (weights * jacobian.norm(dim=1)).max() + 1e-300
    assert (jacobian @ direction / size >= -1e-7).all()


@pytest.mark.parametrize("name", ["nash_mtl", "fairgrad", "con_fig", "cagrad", "imtl_g"])
@pytest.mark.parametrize("which", ["random", "wide", "64 tasks in conflict"])
def test_every_task_gains_where_all_can(name, which):
    jacobian = JACOBIANS[which]
    direction, _, _ = step(name, jacobian)
    assert (jacobian @ direction > 0).all()


@pytest.mark.parametrize("name", ALL)
def test_of_tasks_that_come_and_go_only_the_present_ones_are_touched(name):
    """The first step of each task is that of a new weighting that knows no others."""
    torch.manual_seed(0)
    jacobian = torch.randn(4, 20)
    knowing = make(name, 4)
    before = {key: value.clone() for key, value in knowing.named_buffers()}
    some = ["t1", "t3"]
    torch.manual_seed(3)
    direction, _ = knowing.step(jacobian[[1, 3]], some)
    new = make(name, some)
    torch.manual_seed(3)
    expected, _ = new.step(jacobian[[1, 3]], some)
    assert_close(direction, expected)
    after = dict(knowing.named_buffers())
    for key, value in before.items():
        for dim, size in enumerate(value.shape):
            if size == 4 and after[key].shape == value.shape:
                for k in (0, 2):
                    assert torch.equal(after[key].select(dim, k), value.select(dim, k))


@pytest.mark.parametrize("count", [1, 2, 15, 16, 40])
def test_a_gramian_holds_all_products(count):
    rows = torch.randn(count, 70, dtype=torch.float64)
    expected = torch.stack([torch.stack([a @ b for b in rows]) for a in rows])
    assert_close(gramian_of(rows), expected)
    assert_close(gramian_of(rows.float()), expected, rtol=0, atol=1e-4)


def test_a_square_root_has_the_lengths_and_angles_of_the_gradients():
    for jacobian in JACOBIANS.values():
        gramian = (jacobian.double() @ jacobian.double().T).numpy()
        root = square_root(gramian)
        sizes = np.sqrt(np.outer(np.diagonal(gramian), np.diagonal(gramian))) + 1e-300
        assert (np.abs(root.T @ root - gramian) <= 1e-10 * sizes).all()


def test_cosines_of_a_zero_gradient_are_zero():
    lengths, between = cosines(np.array([[4.0, 0, -4], [0, 0, 0], [-4, 0, 16]]))
    assert lengths.tolist() == [2, 0, 4]
    assert between.tolist() == [[1, 0, -0.5], [0, 0, 0], [-0.5, 0, 1]]


def test_every_task_has_an_order_of_all_the_others():
    torch.manual_seed(0)
    orders = random_orders(6)
    for k, order in enumerate(orders):
        assert sorted([k, *order]) == list(range(6))
    assert len({tuple(order) for order in orders}) > 1
    assert random_orders(1).shape == (1, 0)


def test_the_weights_are_computed_from_the_gramian_alone():
    class Noted(GramianAggregation):
        def weigh(self, gramian, tasks):
            self.given = gramian
            return np.arange(1.0, 1 + len(tasks))

    jacobian = JACOBIANS["random"]
    method = Noted([f"t{k}" for k in range(5)], "parameters", None, None)
    direction, weights = method.step(jacobian, method.tasks)
    assert method.given.dtype == np.float64
    assert_close(torch.from_numpy(method.given).float(), jacobian @ jacobian.T)
    assert weights.tolist() == [1, 2, 3, 4, 5]
    assert weights.dtype == torch.float32
    assert_close(direction, weights @ jacobian)
    assert_close(method.aggregate(jacobian, method.tasks), (direction, weights))


def test_a_solver_leaves_the_cores_to_torch():
    """Threads of another library that wait in a loop would slow down the rest of the step."""

    def threads():
        return [x["num_threads"] for x in blas().info() if x["user_api"] == "blas"]

    class Noted(GramianAggregation):
        def weigh(self, gramian, tasks):
            self.threads = threads()
            return np.ones(len(tasks))

    before = threads()
    method = Noted([f"t{k}" for k in range(5)], "parameters", None, None)
    method.step(JACOBIANS["random"], method.tasks)
    assert set(method.threads) <= {1}
    assert threads() == before
