"""The backward graph as a tree: its leaves, norms and marks against what is known otherwise."""

import pytest
import torch
from torch import nn

from mtl_cli.basis.backward_graph import nodes
from mtl_cli.diagnostic.gradient_tree import GradientTree, as_lines
from mtl_cli.diagnostic.graph import Graph

DEEP = 1000


def branches(root):
    return [branch for branch, _, _ in root.walk()]


def test_a_graph_done_by_hand():
    w = nn.Parameter(torch.tensor([3.0, 4.0]))
    shared = w * 2
    a, b = shared.exp(), shared.sum()
    graph = Graph({"a": a, "b": b}, {id(w): "w"}, DEEP)
    lines = [line for line, _ in as_lines(graph.tree(a, a.log().sum()))]
    # d sum(2 w) / d 2w = (1, 1); d / dw = (2, 2); d / d exp(2w) = exp(-2w)
    top = torch.exp(-2 * w.detach()).norm().item()
    assert lines == [
        f"ExpBackward0 [2]  |g| {top:.4g}",
        "└─ MulBackward0 [2]  |g| 1.414 * shared by a, b",
        "   └─ w [2]  |g| 2.828 *",
    ]


def test_what_was_met_before_is_named_again_by_its_number():
    w = nn.Parameter(torch.ones(2))
    twice = w * 2
    y = twice * twice.exp()
    graph = Graph({"a": y}, {id(w): "w"}, DEEP)
    lines = [line for line, _ in as_lines(graph.tree(y, y.sum()))]
    assert [line.strip("│├└─ ").split()[0] for line in lines] == [
        *("MulBackward0", "MulBackward0", "w", "ExpBackward0", "MulBackward0"),
    ]
    assert lines[1].startswith("├─ MulBackward0 [2] #2 ")
    assert lines[4].endswith("MulBackward0 [2]  = #2, above")


def test_leaves_and_marks_are_what_each_loss_reaches(make_subject, arch):
    """On every architecture: parameters, their norms, and which of them are shared."""
    trainer = make_subject(f"arch={arch}").make_trainer()
    model = trainer.model
    batch = next(iter(trainer.loaders["train"].batches(1)))
    outputs = model(batch.inputs)
    names = {id(p): name for name, p in model.named_parameters()}
    graph = Graph(outputs, names, DEEP)
    for task, output in outputs.items():
        loss = output.square().sum()
        tree = graph.tree(output, loss)
        leaves = {b.parameter: b for b in branches(tree) if b.parameter and not b.repeated}
        assert set(leaves) == {n for n, own in model.reached().items() if task in own}
        parameters = dict(model.named_parameters())
        grads = torch.autograd.grad(loss, [parameters[n] for n in leaves], retain_graph=True)
        for (name, leaf), grad in zip(leaves.items(), grads, strict=True):
            assert leaf.norm == pytest.approx(float(grad.norm()), rel=1e-5)
            assert leaf.shapes == [tuple(grad.shape)]
            several = len(model.reached()[name]) > 1
            assert leaf.shared_by == (["sin", "cos"] if several else [])
        numbers = [b.number for b in branches(tree) if not b.repeated]
        assert len(numbers) == len(set(numbers)) == len(list(nodes([output])))


@pytest.mark.parametrize("max_depth", [1, 2, 4])
def test_nothing_is_deeper_than_the_limit_and_what_is_cut_off_is_counted(make_subject, max_depth):
    trainer = make_subject("arch=hps").make_trainer()
    batch = next(iter(trainer.loaders["train"].batches(1)))
    outputs = trainer.model(batch.inputs)
    names = {id(p): name for name, p in trainer.model.named_parameters()}
    tree = Graph(outputs, names, max_depth).tree(outputs["sin"], outputs["sin"].sum())
    assert max(depth for b, _, depth in tree.walk() if not b.parameter) == max_depth
    hidden = [branch.hidden for branch in branches(tree) if branch.hidden]
    shown = {b.parameter for b in branches(tree)} - {None}
    reached = {n for n, own in trainer.model.reached().items() if "sin" in own}
    assert shown | {name for _, norms in hidden for name in norms} == reached
    everything = list(nodes([outputs["sin"]]))
    operations = sum(not hasattr(node, "variable") for node in everything)
    shown_operations = sum(not b.parameter for b in branches(tree))
    assert shown_operations + sum(count for count, _ in hidden) == operations


def test_the_shared_representation_gets_the_gradient_of_the_sum(make_subject, read_csv, tmp_path):
    subject = make_subject("arch=hps", "tasks.cos.weight=2")
    text = GradientTree(max_depth=8).run(subject)
    trainer = subject.make_trainer()
    batch = next(iter(trainer.loaders["train"].batches(1)))
    losses = trainer.updates.forward.losses(batch, ["sin", "cos"])
    (features,) = trainer.model.representations
    (grad,) = torch.autograd.grad(losses["sin"] + 2 * losses["cos"], features)
    rows = read_csv("gradient_tree")
    titles = list(dict.fromkeys(row["tree"] for row in rows))
    assert titles == [
        *("sin: output [20, 1]", "cos: output [20, 1]"),
        "shared representation [20, 6], of the sum",
    ]
    root = next(row for row in rows if row["tree"] == titles[-1])
    assert (root["depth"], root["parent"], root["shape"]) == ("0", "", "[20, 6]")
    assert root["shared_by"] == "sin cos"
    assert float(root["gradient_norm"]) == pytest.approx(float(grad.norm()), rel=1e-5)
    assert all(title in text for title in titles)
    assert (tmp_path / "plots" / "gradient_tree.png").stat().st_size > 1000


def test_tasks_that_part_at_no_single_tensor_are_said_to(make_subject):
    text = GradientTree(max_depth=4).run(make_subject("arch=single_task"))
    assert "no shared representation" in text
    assert "shared by" not in text
