"""Stages that are looped over, side by side with such as are not, against columns one by one."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.experts import stack
from mtl_cli.arch.loop import Loop, run_stages, together

pytestmark = pytest.mark.usefixtures("double_precision")
E, B, F = 3, 4, 6
# Each stage keeps the shape; batch norm has no batched form.
STAGES: dict[str, Callable[[], nn.Module]] = {
    "looped": lambda: nn.Sequential(nn.Linear(F, F), nn.BatchNorm1d(F), nn.ReLU(inplace=True)),
    "batched": lambda: nn.Sequential(nn.Linear(F, F), nn.Tanh()),
}
CHAINS = [
    ["looped"],
    ["batched"],
    ["looped", "looped", "looped"],
    ["looped", "batched", "looped", "looped"],
    ["batched", "looped", "looped", "batched"],
]


def make(chain: list[str], shared_input: bool) -> tuple[list[nn.Module], list[list[nn.Module]]]:
    """The stages, and the columns that they are made of."""
    columns = [[STAGES[kind]() for kind in chain] for _ in range(E)]
    stages = [
        stack(deepcopy([column[s] for column in columns]), shared_input and s == 0)
        for s in range(len(chain))
    ]
    assert [isinstance(stage, Loop) for stage in stages] == [kind == "looped" for kind in chain]
    return stages, columns


def norm(modules: list[nn.Module]) -> Tensor:
    """The length of all gradients that there are."""
    grads = [p.grad for module in modules for p in module.parameters() if p.grad is not None]
    return torch.stack([grad.square().sum() for grad in grads]).sum()


@pytest.mark.parametrize("rows", [None, [2], [2, 0]], ids=str)
@pytest.mark.parametrize("reads", ["one", "stacked", "listed"])
@pytest.mark.parametrize("chain", CHAINS, ids=" ".join)
def test_stages_in_order_are_the_columns_one_by_one(chain, reads, rows):
    chosen = list(range(E)) if rows is None else rows
    stages, columns = make(chain, reads == "one")
    paths = torch.randn(len(chosen), B, F)
    if reads == "one":
        paths = paths[:1].expand(len(chosen), -1, -1)
    inputs = {"one": paths[0], "stacked": paths, "listed": list(paths)}
    ours = run_stages(stages, inputs[reads], rows)
    theirs = [nn.Sequential(*columns[c])(path) for c, path in zip(chosen, paths, strict=True)]
    assert isinstance(ours, list) == (chain[-1] == "looped")
    torch.testing.assert_close(together(ours), torch.stack(theirs))
    together(ours).square().sum().backward()
    torch.stack(theirs).square().sum().backward()
    expected = norm([nn.Sequential(*column) for column in columns])
    torch.testing.assert_close(norm(stages), expected)


def kept(run: Callable[[], object]) -> int:
    """How many bytes the computation keeps for its backward pass."""
    found: dict[int, int] = {}

    def note(x: Tensor) -> Tensor:
        found[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(note, lambda x: x):
        run()
    return sum(found.values())


def test_looped_stages_keep_no_more_than_the_columns_one_by_one():
    stages, columns = make(["looped"] * 3, shared_input=True)
    x, outputs = torch.randn(B, F), []

    def one_by_one() -> None:
        outputs.extend(nn.Sequential(*column)(x) for column in columns)

    assert kept(lambda: outputs.append(run_stages(stages, x))) == kept(one_by_one)


def test_a_copy_is_through_all_looped_stages_before_the_next_begins():
    stages, _ = make(["looped"] * 3, shared_input=True)
    called = []
    for s, stage in enumerate(stages):
        for c, module in enumerate(stage.copies):
            module.register_forward_hook(lambda *_, at=(c, s): called.append(at))
    run_stages(stages, torch.randn(B, F))
    assert called == sorted(called)
    assert len(called) == 3 * E


@pytest.mark.parametrize("innermost", [False, True])
def test_tensors_put_together_keep_their_layout(innermost):
    each = [torch.randn(F, B).T if innermost else torch.randn(B, F) for _ in range(E)]
    x = together(each)
    assert torch.equal(x, torch.stack(each))
    assert x.stride()[1:] == each[0].stride()
