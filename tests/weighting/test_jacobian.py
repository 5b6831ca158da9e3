"""The matrix of gradients, and the graph that they come from."""

import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.weighting.jacobian import Jacobian, all_pass, batches_well


def test_the_rows_are_in_the_order_of_the_tasks_however_they_come():
    jacobian, of = Jacobian(["a", "b", "c"]), [torch.zeros(2), torch.zeros(1, 1)]
    jacobian.add("c", [torch.tensor([1.0, 2]), torch.tensor([[3.0]])], of)
    jacobian.add("a", [torch.tensor([4.0, 5]), None], of)
    jacobian.add("c", [None, torch.tensor([[10.0]])], of)
    tasks, rows = jacobian.take(of)
    assert tasks == ["a", "c"]
    assert rows.tolist() == [[4, 5, 0], [1, 2, 13]]
    assert jacobian.rows == {}


def test_the_matrix_is_kept_between_steps_and_grows_where_it_has_to():
    jacobian, kept = Jacobian(["a", "b"]), []
    for size in (5, 5, 3, 5, 8):
        of = [torch.zeros(size)]
        for task in "ab":
            jacobian.add(task, [torch.full((size,), 7.0)], of)
        _, rows = jacobian.take(of)
        assert_close(rows, torch.full((2, size), 7.0))
        kept.append(rows.data_ptr())
    assert len(set(kept[:4])) == 1


def test_half_precision_is_summed_in_single():
    jacobian, of = Jacobian(["a"]), [torch.zeros(3, dtype=torch.bfloat16)]
    jacobian.add("a", [torch.ones(3, dtype=torch.bfloat16)], of)
    assert jacobian.take(of)[1].dtype == torch.float32


def test_a_path_around_the_features_is_found():
    trunk, gate = nn.Linear(2, 2), nn.Linear(2, 2)
    x = torch.randn(3, 2)
    features = trunk(x)
    own, both = features.sum(), (features * gate(x)).sum()
    assert all_pass([features], [own, own], list(trunk.parameters()))
    assert all_pass([features], [own, both], list(trunk.parameters()))
    assert not all_pass([features], [own, both], [*trunk.parameters(), *gate.parameters()])
    assert not all_pass([], [own], list(trunk.parameters()))


def test_another_output_of_the_same_step_of_the_graph_is_another_path():
    """As where a compiled model gives its features and its outputs at once."""
    weight = nn.Parameter(torch.randn(4))
    features, outputs = (2 * weight).split(2)
    assert features.grad_fn is outputs.grad_fn
    assert not all_pass([features], [outputs.sum()], [weight])
    assert all_pass([features], [features.sum()], [weight])


def test_only_what_is_known_to_be_quick_is_taken_together():
    x = torch.randn(3, 4)
    assert batches_well([nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))(x)])
    assert not batches_well([nn.Conv1d(3, 2, 2)(x)])
    assert not batches_well([nn.EmbeddingBag(9, 4, mode="sum")(torch.ones(2, 3).long())])
