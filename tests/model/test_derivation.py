"""Derived tasks: what their output is, which tasks they join, and which parameters are shared."""

import numpy as np
import pytest
import torch
from torch import nn

from mtl_cli.arch.hps import HPS
from mtl_cli.arch.mmoe import MMoE
from mtl_cli.arch.single_task import SingleTask
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.mlp import MLP
from mtl_cli.head.linear import Linear
from mtl_cli.loss.none import NoLoss
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.product import Product
from mtl_cli.task.regression import Regression

SPEC = Dense((7,))
ARCHS = {
    "single_task": SingleTask,
    "hps": HPS,
    "mmoe": lambda *args: MMoE(*args, num_experts=2, gate_bias=True, one_gate=False),
}


def parts(name, loss=None, input="x"):
    return Parts(name, input, Linear, loss or nn.BCEWithLogitsLoss(), {}, {}, 1.0)


def esmm(cvr_loss=None, product_loss=None):
    """CTR, CVR without a loss of its own, and their product."""
    return [
        Binary(parts("ctr")),
        Product(parts("ctcvr", product_loss), ["ctr", "cvr"]),
        Binary(parts("cvr", cvr_loss or NoLoss())),
    ]


def make(arch, tasks):
    torch.manual_seed(0)

    def mlp(spec):
        return MLP(spec, hidden=[6, 5], activation="tanh", dropout=0.0)

    headed = {task.name: task.input for task in tasks if not isinstance(task, Product)}
    inputs = dict.fromkeys(headed.values(), SPEC)
    return Model(ARCHS[arch](mlp, inputs, headed), tasks)


def names(model, parameters):
    known = {id(p): name for name, p in model.named_parameters()}
    return {known[id(p)] for p in parameters}


def bce(label, probability):
    return -np.mean(label * np.log(probability) + (1 - label) * np.log(1 - probability))


@pytest.mark.parametrize("arch", ARCHS)
def test_the_losses_are_those_of_the_paper(arch):
    """Ma et al. 2018, section 2.3: two cross-entropies over all impressions."""
    model, x = make(arch, esmm()).double(), torch.randn(64, 7, dtype=torch.float64)
    outputs = model({"x": x})
    assert list(outputs) == ["ctr", "ctcvr", "cvr"]
    ctr, cvr = (outputs[t].detach().sigmoid().squeeze(1).numpy() for t in ("ctr", "cvr"))
    draw = np.random.default_rng(0)
    click = draw.integers(0, 2, 64).astype(float)
    both = click * draw.integers(0, 2, 64)
    for task, expected in (("ctr", bce(click, ctr)), ("ctcvr", bce(both, ctr * cvr))):
        labels = torch.from_numpy(click if task == "ctr" else both)
        loss, count = model.tasks[task].loss(outputs[task], labels, complete=True)
        assert count == 64
        assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_a_derived_task_alone_gives_the_same_and_nothing_else():
    model, x = make("hps", esmm()), torch.randn(4, 7)
    alone = model({"x": x}, ["ctcvr"])
    assert list(alone) == ["ctcvr"]
    assert torch.equal(alone["ctcvr"], model({"x": x})["ctcvr"])
    assert list(model({"x": x}, ["cvr"])) == ["cvr"]


def test_products_of_products_are_made_in_order():
    tasks = [
        Product(parts("all"), ["both", "c"]),
        Product(parts("both"), ["a", "b"]),
        *(Binary(parts(name)) for name in "abc"),
    ]
    outputs = make("hps", tasks)({"x": torch.randn(4, 7)})
    expected = torch.stack([outputs[name].sigmoid() for name in "abc"]).prod(0)
    assert list(outputs) == ["all", "both", "a", "b", "c"]
    torch.testing.assert_close(outputs["all"].sigmoid(), expected)


@pytest.mark.parametrize("arch", ARCHS)
def test_shared_is_what_several_losses_reach(arch):
    """The head of CTR is, and slices of stacked gates; that of CVR is reached by CTCVR alone."""
    model = make(arch, esmm())
    losses = {
        task: model.tasks[task].loss(output, torch.zeros(5), complete=True)[0]
        for task, output in model({"x": torch.randn(5, 7)}).items()
        if task != "cvr"
    }
    touched: dict[str, set[str]] = {}
    for task, loss in losses.items():
        own = torch.autograd.grad(loss, [*model.parameters()], retain_graph=True, allow_unused=True)
        for (name, _), gradient in zip(model.named_parameters(), own, strict=True):
            touched.setdefault(name, set()).update([task] * (gradient is not None))
    assert {n: set(own) for n, own in model.reached().items()} == touched
    several = {name for name, own in touched.items() if len(own) > 1}
    assert names(model, model.shared_parameters()) == several
    assert {"heads.ctr.weight", "heads.ctr.bias"} <= several
    assert touched["heads.cvr.weight"] == {"ctcvr"}
    assert model.tasks_part_at_tensors() is False


def test_a_product_joins_towers_that_share_nothing():
    (group,) = make("single_task", esmm()).groups()
    assert group.tasks == ["ctr", "ctcvr", "cvr"]
    assert (group.trained, group.is_apart) == (["ctr", "ctcvr"], True)
    (group,) = make("hps", esmm()).groups()
    assert not group.is_apart
    apart = make("single_task", [Binary(parts("ctr")), Binary(parts("cvr"))]).groups()
    assert [(own.tasks, own.is_apart) for own in apart] == [(["ctr"], False), (["cvr"], False)]


def test_a_product_that_is_only_measured_joins_its_parts_without_sharing():
    """Its figures are of weights that were selected together."""
    model = make("single_task", esmm(nn.BCEWithLogitsLoss(), NoLoss()))
    (group,) = model.groups()
    assert (group.trained, group.is_apart, group.shared) == (["ctr", "cvr"], True, [])


@pytest.mark.parametrize(
    ("tasks", "said"),
    [
        ([Product(parts("a"), ["a", "b"]), Binary(parts("b"))], r"a circle: a -> a"),
        ([Product(parts("a"), ["b", "c"]), Product(parts("b"), ["a", "c"]), Binary(parts("c"))],
         r"tasks\.a\.of must lead to tasks with heads.\n  found: a circle: a -> b -> a"),
        ([Product(parts("a"), ["b", "cc"]), Binary(parts("b")), Binary(parts("c"))],
         r"must name tasks: b, c.\n  found: cc\n  try:   'tasks\.a\.of=\[b,c\]'"),
        ([Product(parts("a"), ["b", "c"]), Binary(parts("b")),
          Regression(parts("c", nn.MSELoss()), 1, False)],
         r"must name binary tasks, or products of such.\n  found: c, a regression"),
        ([Product(parts("a"), ["b", "c"]), Binary(parts("b")), Binary(parts("c", input="y"))],
         r"must read the input that its parts read, y"),
    ],
)  # fmt: skip
def test_what_no_product_can_be_made_of_is_refused(tasks, said):
    with pytest.raises(Problem, match=said):
        make("hps", tasks)


@pytest.mark.parametrize("tasks", [[Binary(parts("a", NoLoss())), Binary(parts("b"))], esmm()[2:]])
def test_a_task_that_no_loss_reaches_is_said(tasks):
    name = tasks[0].name
    with pytest.raises(Problem, match=rf"tasks\.{name} must be reached by a loss.*\n.*no loss"):
        make("hps", tasks).groups()
