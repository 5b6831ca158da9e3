"""Errors weighed by propensities: the paper's formulas, and what holds for them on the average."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from mtl_cli.arch.hps import HPS
from mtl_cli.arch.single_task import SingleTask
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.basis.sums import joint_mean
from mtl_cli.encoder.mlp import MLP
from mtl_cli.head.linear import Linear
from mtl_cli.loss.clipped import errors, inverse
from mtl_cli.loss.escm_dr import ESCMDR, doubly_robust
from mtl_cli.loss.escm_ips import ESCMIPS
from mtl_cli.loss.none import NoLoss
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.regression import Regression
from mtl_cli.task.tower import Tower
from mtl_cli.training.step_part import step_parts

SPEC = Dense((7,))
DRAWS = 400


def drawn(number=50, seed=0):
    """Outputs of CVR, CTR and a tower, and labels of which about half are missing, [B]."""
    generator = torch.Generator().manual_seed(seed)
    outputs = 2 * torch.randn(3, number, generator=generator, dtype=torch.float64)
    target = torch.randint(0, 2, (number,), generator=generator).double()
    target[torch.rand(number, generator=generator) < 0.5] = math.nan
    return *outputs.unbind(0), target


def by_hand(output, ctr, tower, target, least, robust):
    """Row by row, in NumPy."""
    rows = []
    for a, c, t, r in zip(*(x.tolist() for x in (output, ctr, tower, target)), strict=True):
        p = max(1 / (1 + math.exp(-c)), least)
        imputed = math.log1p(math.exp(t)) if robust else 0.0
        row = imputed
        if not math.isnan(r):
            error = -math.log(1 / (1 + math.exp(-a if r else a)))
            row += (error - imputed) / p + ((error - imputed) ** 2 / p if robust else 0.0)
        rows.append(row)
    return np.array(rows)


@pytest.mark.parametrize("least", [1e-6, 0.4])
def test_each_row_adds_what_the_formula_says(least):
    output, ctr, tower, target = drawn()
    ips = ESCMIPS("ctr", least)(output, target, ctr)
    np.testing.assert_allclose(ips, by_hand(output, ctr, tower, target, least, False))
    dr = ESCMDR("ctr", "tower", least)(output, target, ctr, tower)
    np.testing.assert_allclose(dr, by_hand(output, ctr, tower, target, least, True))


def test_no_gradient_reaches_the_propensity_and_none_is_lost_on_missing_labels():
    output, ctr, tower, target = drawn()
    for x in (output, ctr, tower):
        x.requires_grad_()
    ESCMIPS("ctr", 0.01)(output, target, ctr).sum().backward()
    assert ctr.grad is None
    assert torch.equal(output.grad == 0, target.isnan())
    ESCMDR("ctr", "tower", 0.01)(output, target, ctr, tower).sum().backward()
    assert ctr.grad is None
    assert tower.grad.isfinite().all()
    assert (tower.grad != 0).all()


def estimates(estimate, p, error):
    """Means over the rows of an estimate, for one draw after the other of who has a label."""
    generator = torch.Generator().manual_seed(1)
    means = []
    for _ in range(DRAWS):
        there = torch.rand(len(p), generator=generator, dtype=torch.float64) < p
        means.append(estimate(there).mean().item())
    spread = np.std(means, ddof=1) / math.sqrt(DRAWS)
    return abs(np.mean(means) - error.mean().item()), 3 * spread


def test_on_the_average_it_is_the_mean_error_of_all_rows():
    """IPS, where propensities are true; DR, where they are or where the imputation is."""
    output, ctr, tower, _ = drawn(300)
    ctr = ctr / 2
    p = ctr.sigmoid()
    label = (torch.arange(300) % 3 == 0).double()
    _, error = errors(output, label)

    def weight(there, logit):
        return inverse(there, logit, 1e-6)

    off, three = estimates(lambda there: weight(there, ctr) * error, p, error)
    assert off < three
    imputed = nn.functional.softplus(tower)  # of nothing
    off, three = estimates(
        lambda there: doubly_robust(weight(there, ctr), error, imputed), p, error
    )
    assert off < three
    off, _ = estimates(lambda there: doubly_robust(weight(there, tower), error, error), p, error)
    assert off < 1e-12  # without any propensity that is right
    off, three = estimates(
        lambda there: doubly_robust(weight(there, tower), error, imputed), p, error
    )
    assert off > three
    off, three = estimates(lambda there: weight(there, tower) * error, p, error)
    assert off > three


def parts(name, loss):
    return Parts(name, "x", Linear, loss, {}, {}, 1.0)


def tasks(cvr):
    found = [Binary(parts("ctr", nn.BCEWithLogitsLoss())), Binary(parts("cvr", cvr))]
    return [*found, Tower(parts("err", NoLoss()))] if "imputation" in cvr.reads else found


def model_of(cvr, arch=HPS):
    torch.manual_seed(0)
    own = tasks(cvr) if isinstance(cvr, nn.Module) else cvr
    reads = dict.fromkeys([task.name for task in own], "x")
    return Model(arch(lambda spec: MLP(spec, [6, 5], "tanh", 0.0), {"x": SPEC}, reads), own)


LOSSES = [ESCMIPS("ctr", 0.01), ESCMDR("ctr", "err", 0.01)]


def batch_of(target, weights=None):
    labels = {"cvr": target, "ctr": (~target.isnan()).float()}
    given = {} if weights is None else {"cvr": weights}
    x = torch.randn(len(target), 7, generator=torch.Generator().manual_seed(3))
    return Batch({"x": x}, labels, frozenset({"ctr"}), given)


@pytest.mark.parametrize("cvr", LOSSES)
@pytest.mark.parametrize("weighed", [False, True])
def test_parts_of_a_step_add_up_to_the_mean_over_all_its_rows(cvr, weighed):
    """One part has no label at all, and counts with its rows."""
    model = model_of(cvr)
    target = drawn(30)[3].float()
    target[8:16] = math.nan
    weights = torch.rand(30) if weighed else None
    whole = batch_of(target, weights)
    pieces = [slice(0, 8), slice(8, 16), slice(16, 30)]
    batches = [
        Batch(
            {"x": whole.inputs["x"][own]},
            {name: y[own] for name, y in whole.targets.items()},
            whole.complete,
            {name: w[own] for name, w in whole.weights.items()},
            {"cvr": int((~target[own].isnan()).sum())},
        )
        for own in pieces
    ]
    by_name = {name: model.tasks[name] for name in ("ctr", "cvr")}

    def loss_of(batch):
        outputs = model(batch.inputs)
        others = [outputs[name] for name in by_name["cvr"].reads]
        given = batch.weights.get("cvr")
        return by_name["cvr"].loss(outputs["cvr"], batch.targets["cvr"], False, given, others)

    (only,) = step_parts([whole], by_name, torch.device("cpu"))
    together = step_parts(batches, by_name, torch.device("cpu"))
    assert all("cvr" in part.denominators for part in (only, *together))
    assert sum(float(p.denominators["cvr"]) for p in together) == pytest.approx(
        float(only.denominators["cvr"])
    )
    expected, count = loss_of(whole)
    assert float(count) == pytest.approx(30 if weights is None else weights.sum().item())
    total = sum(p.shares["cvr"] * loss_of(p.batch)[0] for p in together)
    torch.testing.assert_close(total, expected)
    each = [loss_of(batch) for batch in batches]
    found = joint_mean([loss.item() for loss, _ in each], [float(n) for _, n in each])
    assert found == pytest.approx(expected.item(), rel=1e-5)
    assert each[1][0].isfinite()


def test_what_a_loss_reads_is_trained_with_it():
    """CTR by its own loss alone; the tower by the loss that reads it, without sharing."""
    model = model_of(LOSSES[1], SingleTask)
    (group,) = model.groups()
    assert (group.tasks, group.trained, group.is_apart) == (
        ["ctr", "cvr", "err"],
        ["ctr", "cvr"],
        True,
    )
    reached = model.reached()
    assert reached["heads.ctr.weight"] == {"ctr"}
    assert reached["heads.err.weight"] == reached["heads.cvr.weight"] == {"cvr"}


def untrained_ctr():
    return [Binary(parts("ctr", NoLoss())), Binary(parts("cvr", ESCMIPS("ctr", 0.01)))]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ESCMIPS("ctr", 0), r"loss\.least must be greater than 0"),
        (lambda: model_of(tasks(ESCMIPS(None, 0.01))), r"loss\.propensity must name.*\n.*None"),
        (lambda: model_of(tasks(ESCMIPS("click", 0.01))),
         r"propensity must name a binary task beside it.\n  found: click\n.*propensity=ctr"),
        (lambda: model_of(tasks(ESCMIPS("cvr", 0.01))), r"found: cvr, a binary"),
        (lambda: model_of([Regression(parts("ctr", nn.MSELoss()), 1, False),
                           Binary(parts("cvr", ESCMIPS("ctr", 0.01)))]), "ctr, a regression"),
        (lambda: model_of(tasks(ESCMDR("ctr", "ctr", 0.01))),
         r"must name a tower task.*\n.*\n.*imputation=err$"),
        (lambda: model_of([Binary(parts("ctr", nn.BCEWithLogitsLoss())),
                           Regression(parts("cvr", ESCMIPS("ctr", 0.01)), 1, False)]),
         r"must fit a regression task"),
        (lambda: model_of(untrained_ctr()).groups(), r"tasks\.ctr must be reached by a loss"),
        (lambda: Tower(parts("err", nn.MSELoss())), "is a tower: it has no labels"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(make, said):
    with pytest.raises(Problem, match=said):
        make()


@pytest.mark.parametrize(("rate", "propensity"), [(0.1, 0.3), (0.2, 0.1)])
@pytest.mark.parametrize("tower", [-2.0, 0.0, 1.0])
def test_with_true_propensities_the_true_rate_is_where_a_constant_rests(rate, propensity, tower):
    """Whatever the tower imputes: the expectation over clicks and conversions, in closed form."""
    logit = torch.tensor(rate, dtype=torch.float64).logit().requires_grad_()
    target = torch.tensor([math.nan, 1.0, 0.0], dtype=torch.float64)
    chance = torch.tensor([1 - propensity, propensity * rate, propensity * (1 - rate)])
    ctr = torch.tensor(propensity, dtype=torch.float64).logit().expand(3)
    imputation = torch.full((3,), tower, dtype=torch.float64)
    loss = ESCMDR("ctr", "error", 1e-6)(logit.expand(3), target, ctr, imputation)
    (grad,) = torch.autograd.grad((loss * chance).sum(), logit)
    assert grad.abs() < 1e-7
