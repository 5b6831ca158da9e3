"""AITM against a plain loop over one module for each of the paper's functions."""

import math

import pytest
import torch

from mtl_cli.arch.aitm import AITM
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.mlp import MLP
from mtl_cli.head.linear import Linear
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.product import Product

pytestmark = pytest.mark.usefixtures("double_precision")
TASKS = {"a": "x", "b": "x", "c": "x"}
VECTOR, IMAGE = Dense((7,)), Dense((2, 4, 4))


def make_mlp(spec):
    return MLP(spec, hidden=[6, 5], activation="tanh", dropout=0.0)


def make_map(spec):
    """A CNN whose features are a map [C, H, W]."""
    encoder = CNN(spec, [3, 2], 3, 5, 0.0)
    del encoder.stages[-1], encoder.shapes[-1]
    return encoder


def make(spec=VECTOR, make_encoder=make_mlp, tasks=TASKS, order=None, calibration=0.6):
    torch.manual_seed(0)
    inputs = dict.fromkeys(tasks.values(), spec)
    return AITM(make_encoder, inputs, tasks, order=order, calibration=calibration)


def ait(attention, p, q):
    """Equations 4 and 5 for one example, [C] and [C]."""
    scores = [attention.query(u) @ attention.key(u) / math.sqrt(len(u)) for u in (p, q)]
    w = torch.softmax(torch.stack(scores), 0)
    return w[0] * attention.value(p) + w[1] * attention.value(q)


def plain(arch, x, order):
    """``{task: [B, C]}``, example by example, step by step."""
    found = {task: [] for task in order}
    for row in x.unbind(0):
        z = None
        for task in order:
            q = arch.encoders[task](row[None])[0]
            if z is not None:
                p = torch.relu(arch.transfers[task].linear(z))
                q = ait(arch.attentions["x"], p, q)
            z = q
            found[task].append(z)
    return {task: torch.stack(rows) for task, rows in found.items()}


@pytest.mark.parametrize("order", [None, ["c", "a", "b"]])
def test_features_are_those_of_a_plain_loop(order):
    arch, x = make(order=order), torch.randn(4, 7)
    expected = plain(arch, x, order or list(TASKS))
    features = arch({"x": x})
    assert list(features) == list(TASKS)
    for task, own in features.items():
        torch.testing.assert_close(own, expected[task])


def test_every_position_of_a_map_is_a_vector():
    arch = make(IMAGE, make_map)
    attention, (p, q) = arch.attentions["x"], torch.randn(2, 3, 2, 4, 5)
    found = attention(p, q)
    for b, i, j in ((0, 0, 0), (2, 3, 4)):
        expected = ait(attention, p[b, :, i, j], q[b, :, i, j])
        torch.testing.assert_close(found[b, :, i, j], expected)


def test_an_attention_that_looks_at_its_own_alone_is_single_task():
    """All weight on q, and h1 the identity: nothing is handed on."""
    arch, x = make(), torch.randn(4, 7)
    with torch.no_grad():
        arch.attentions["x"].value.weight.copy_(torch.eye(5))
        for transfer in arch.transfers.values():
            transfer.linear.weight.zero_()
            transfer.linear.bias.fill_(-1.0)  # p = 0
        arch.attentions["x"].query.weight.copy_(1e4 * torch.eye(5))
        arch.attentions["x"].key.weight.copy_(torch.eye(5))
    for task, own in arch({"x": x}).items():
        torch.testing.assert_close(own, arch.encoders[task](x))


def binary_model(make_tasks, calibration, order=None):
    reads = dict.fromkeys(["n", "o", "click", "p", "q", "buy"], "x")  # each third is binary
    arch = make(tasks=reads, order=order, calibration=calibration)
    return Model(arch, make_tasks(reads))


def test_the_calibrator_reads_the_outputs_of_tasks_right_after_each_other(make_tasks):
    order = ["click", "buy", "n", "o", "p", "q"]
    model, x = binary_model(make_tasks, 0.6, order), torch.randn(9, 7)
    outputs = model({"x": x})
    click, buy = outputs["click"].sigmoid(), outputs["buy"].sigmoid()
    expected = 0.6 * torch.clamp(buy - click, min=0).mean()
    torch.testing.assert_close(model.arch.extra_loss(), expected)
    (expected - model.arch.extra_loss()).backward()
    model({"x": x}, ["n", "click"])
    assert model.arch.extra_loss() is None
    with torch.no_grad():
        model({"x": x})
    assert model.arch.extra_loss() is None


@pytest.mark.parametrize(("calibration", "order"), [(0.6, None), (0.0, ["click", "buy", *"nopq"])])
def test_there_is_no_calibrator_where_nothing_is_to_be_calibrated(make_tasks, calibration, order):
    model = binary_model(make_tasks, calibration, order)
    model({"x": torch.randn(3, 7)})
    assert model.arch.extra_loss() is None


def test_steps_on_the_calibrator_alone_bring_outputs_in_order(make_tasks):
    model, x = binary_model(make_tasks, 1.0, ["click", "buy", *"nopq"]), torch.randn(64, 7)
    torch.nn.init.ones_(model.heads["buy"].bias)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    terms = []
    for _ in range(60):
        model({"x": x})
        term = model.arch.extra_loss()
        terms.append(term.item())
        optimizer.zero_grad()
        term.backward()
        optimizer.step()
    assert terms[-1] < 0.2 * terms[0]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"order": ["a", "b"]}, r"must be all tasks.*\n.*\n.*'arch.order=\[a,b,c\]'"),
        ({"order": ["a", "a", "c"]}, "must be all tasks"),
        ({"calibration": -1}, "arch.calibration must be a number of at least 0"),
    ],
)
def test_what_is_no_order_is_refused(options, said):
    with pytest.raises(Problem, match=said):
        make(**options)


def test_what_is_multiplied_is_not_calibrated():
    """CVR after a click may be likelier than the click; their product cannot."""
    loss = torch.nn.BCEWithLogitsLoss()
    parts = {n: Parts(n, "x", Linear, loss, {}, {}, 1.0) for n in ("ctr", "cvr", "ctcvr")}
    arch = make(tasks={"ctr": "x", "cvr": "x"})
    both = [Binary(parts["ctr"]), Binary(parts["cvr"])]
    Model(arch, both)({"x": torch.randn(3, 7)})
    assert arch.extra_loss() is not None
    Model(arch, [*both, Product(parts["ctcvr"], ["ctr", "cvr"])])({"x": torch.randn(3, 7)})
    assert arch.extra_loss() is None
