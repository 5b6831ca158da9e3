"""A stack of modules against a plain loop over them: values, gradients, and chosen copies."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.experts import Gates, stack
from mtl_cli.arch.loop import Loop
from mtl_cli.basis.inputs import BagOfWords, Dense, InputSpec, Tokens

pytestmark = pytest.mark.usefixtures("double_precision")

E, B = 4, 5
VECTOR, IMAGE, BAG, TOKENS = Dense((7,)), Dense((2, 4, 4)), BagOfWords(11), Tokens(11, 6)


def chain(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers)


# What a stack is made of, and what each copy reads.
MODULES: dict[str, tuple[InputSpec, Callable[[], nn.Module]]] = {
    "linear": (VECTOR, lambda: nn.Linear(7, 5)),
    "linear without bias": (VECTOR, lambda: nn.Linear(7, 5, bias=False)),
    "flattened image": (IMAGE, lambda: chain(nn.Flatten(), nn.Linear(32, 5))),
    "nested sequences": (
        IMAGE,
        lambda: chain(
            chain(nn.Flatten(), nn.Linear(32, 6)),
            nn.ReLU(inplace=True),
            chain(chain(nn.Linear(6, 5, bias=False)), nn.Tanh(), nn.Identity()),
        ),
    ),
    "activations": (
        VECTOR,
        lambda: chain(nn.Linear(7, 6), nn.GELU(), nn.Linear(6, 5), nn.SiLU(), nn.Sigmoid()),
    ),
    "convolution": (IMAGE, lambda: nn.Conv2d(2, 3, 3, padding=1)),
    "convolution and linear": (
        IMAGE,
        lambda: chain(nn.Conv2d(2, 3, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(12, 5)),
    ),
    "batch norm": (VECTOR, lambda: chain(nn.Linear(7, 5), nn.BatchNorm1d(5), nn.ReLU())),
    "first an activation": (VECTOR, lambda: chain(nn.Tanh(), nn.Linear(7, 5))),
    "flattened from the second": (IMAGE, lambda: chain(nn.Flatten(2), nn.Linear(16, 5))),
    "only a function": (VECTOR, lambda: chain(nn.ReLU())),
    "bag of words": (BAG, lambda: BAG.linear(5)),
    "bag of words without bias": (BAG, lambda: BAG.linear(5, bias=False)),
    "deep bag of words": (
        BAG,
        lambda: chain(BAG.linear(6), nn.ReLU(inplace=True), nn.Linear(6, 5)),
    ),
    "tokens": (TOKENS, lambda: chain(TOKENS.linear(6), nn.ReLU(), nn.Linear(6, 5))),
    "embedding": (TOKENS, lambda: nn.Embedding(11, 5)),
}
DENSE = [name for name, (spec, _) in MODULES.items() if isinstance(spec, Dense)]
ROWS = [None, [0, 1, 2, 3], [2], [3, 0]]


def make(name: str, shared_input: bool) -> tuple[nn.Module, list[nn.Module]]:
    """A stack and the modules that it was made of."""
    torch.manual_seed(0)
    modules = [MODULES[name][1]() for _ in range(E)]
    return stack(deepcopy(modules), shared_input), modules


def gradients(parameters: list[Tensor], outputs: Tensor) -> Tensor:
    """The gradients of all entries, in the order of their values: layouts do not matter."""
    if not parameters:
        return torch.zeros(0)
    torch.manual_seed(1)
    grads = torch.autograd.grad(
        outputs, parameters, torch.randn(outputs.shape), allow_unused=True, materialize_grads=True
    )
    order = torch.cat([p.detach().flatten() for p in parameters]).argsort(stable=True)
    return torch.cat([grad.flatten() for grad in grads])[order]


def assert_same(output: Tensor, expected: Tensor, own: nn.Module, modules: list[nn.Module]) -> None:
    """Compares values, and the gradients of the stack's and the modules' parameters."""
    torch.testing.assert_close(output, expected)
    parameters = [p for module in modules for p in module.parameters()]
    torch.testing.assert_close(
        gradients(list(own.parameters()), output), gradients(parameters, expected)
    )


@pytest.mark.parametrize("batch_size", [B, 2048])  # large batches are laid out differently
@pytest.mark.parametrize("rows", ROWS, ids=str)
@pytest.mark.parametrize("name", MODULES)
def test_copies_of_one_input_are_a_loop(name, rows, batch_size):
    own, modules = make(name, shared_input=True)
    x = MODULES[name][0].example(batch_size)
    expected = torch.stack([modules[i](x) for i in (range(E) if rows is None else rows)])
    assert_same(own(x) if rows is None else own(x, rows), expected, own, modules)


@pytest.mark.parametrize("rows", ROWS, ids=str)
@pytest.mark.parametrize("name", DENSE)
def test_copies_of_an_input_each_are_a_loop(name, rows):
    own, modules = make(name, shared_input=False)
    chosen = range(E) if rows is None else rows
    x = MODULES[name][0].example(len(chosen) * B).unflatten(0, (len(chosen), B))
    expected = torch.stack([modules[i](part.clone()) for i, part in zip(chosen, x, strict=True)])
    assert_same(own(x.clone()) if rows is None else own(x.clone(), rows), expected, own, modules)


@pytest.mark.parametrize("batch_size", [B, 2048])
@pytest.mark.parametrize("innermost", [False, True])
@pytest.mark.parametrize("rows", [None, [0, 1], [3, 0, 1, 2]], ids=str)
@pytest.mark.parametrize("name", [name for name in DENSE if name != "only a function"])
def test_copies_may_share_inputs_in_groups(name, rows, innermost, batch_size):
    own, modules = make(name, shared_input=False)
    chosen = list(range(E)) if rows is None else rows
    x = MODULES[name][0].example(len(chosen) // 2 * batch_size)
    x = x.unflatten(0, (-1, batch_size))  # each for two copies
    if innermost and x.dim() == 3:
        x = x.mT.contiguous().mT
    expected = torch.stack([modules[c](x[i // 2].clone()) for i, c in enumerate(chosen)])
    assert_same(own(x.clone()) if rows is None else own(x.clone(), rows), expected, own, modules)


@pytest.mark.parametrize("name", DENSE)
def test_the_input_keeps_its_values_and_gets_its_gradient(name):
    own, modules = make(name, shared_input=True)
    x = MODULES[name][0].example(B).requires_grad_()
    before, direction = x.detach().clone(), torch.randn_like(own(x))
    (grad,) = torch.autograd.grad(own(x), x, direction)
    (expected,) = torch.autograd.grad(torch.stack([module(x) for module in modules]), x, direction)
    assert torch.equal(x, before)
    torch.testing.assert_close(grad, expected)


def test_usual_stages_are_stacked_and_others_looped_over():
    looped = {name for name in MODULES if isinstance(make(name, shared_input=True)[0], Loop)}
    assert looped == {
        "convolution",
        "convolution and linear",
        "batch norm",
        "first an activation",
        "flattened from the second",
        "only a function",
        "embedding",
    }


@pytest.mark.parametrize("is_looped", [False, True])
def test_dropout_drops_for_each_copy_by_itself(is_looped):
    layers = [nn.Dropout(0.5)] if is_looped else [nn.Linear(200, 200), nn.Dropout(0.5)]
    own = stack([deepcopy(chain(*layers)) for _ in range(E)], shared_input=True)
    x = torch.ones(B, 200)
    dropped = own(x) == 0  # [E, B, F]
    assert isinstance(own, Loop) == is_looped
    assert 0.4 < dropped.double().mean() < 0.6
    for i in range(E):
        assert not torch.equal(dropped[i], dropped[i - 1])
    assert not (own.eval()(x) == 0).any()


def test_dropout_before_the_first_parameters_drops_for_each_copy_by_itself():
    own = stack([chain(nn.Dropout(0.5), nn.Linear(200, 1)) for _ in range(E)], shared_input=False)
    for p in own.parameters():
        nn.init.ones_(p)
    sums = own(torch.ones(1, B, 200)).flatten(1)  # [E, B]
    assert len({tuple(row) for row in sums.tolist()}) == E


@pytest.mark.parametrize("spec", [VECTOR, IMAGE, BAG, TOKENS], ids=str)
@pytest.mark.parametrize("bias", [True, False])
def test_gates_are_a_softmax_for_each_task_on_its_input(spec, bias, monkeypatch):
    tasks = {"a": "x", "type": "y.z", "c": "x", "a.b": "x"}
    by_input = ["a", "c", "a.b", "type"]
    linears = {task: spec.linear(E, bias) for task in by_input}
    copies = iter(deepcopy(list(linears.values())))
    monkeypatch.setattr(type(spec), "linear", lambda *_: next(copies))
    gates = Gates({"x": spec, "y.z": spec}, tasks, E, bias)
    x = spec.example(B)
    for wanted in (["a", "c", "a.b"], ["c"], ["a.b", "a"], ["type"]):
        weights = gates(x, tasks[wanted[0]], wanted)  # [K, B, E]
        expected = torch.stack([torch.softmax(linears[task](x), 1) for task in wanted])
        torch.testing.assert_close(weights, expected)
    assert sum(p.numel() for p in gates.parameters()) == sum(
        p.numel() for linear in linears.values() for p in linear.parameters()
    )
