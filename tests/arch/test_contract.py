"""What every architecture promises, on every encoder, kind of input and arrangement of inputs.

A new architecture, encoder or kind is tested by being there: see ``tests/conftest.py``.
"""

import copy
import io
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.modules.module import register_module_forward_hook

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.model.model import Model

pytestmark = pytest.mark.usefixtures("double_precision")
CONF = Path(__file__).parent.parent.parent / "conf"


def assert_close(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-11)


def gradients(model: Model, losses: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """``{task: {parameter: gradient of the task's loss}}``, without what is not in its graph."""
    trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    names, parameters = zip(*trained, strict=True)
    found = {}
    for task, loss in losses.items():
        grads = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        found[task] = {n: g for n, g in zip(names, grads, strict=True) if g is not None}
    return found


def shake(model: Model) -> None:
    """Moves every parameter a little."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)


def first_state(model: Model) -> tuple[Model, dict[str, Tensor]]:
    return model, {name: value.clone() for name, value in model.state_dict().items()}


def as_made(model: Model, state: dict[str, Tensor]) -> Model:
    model.load_state_dict(state)
    model.arch.progress(0.0)
    model.zero_grad()
    return model.train()


@pytest.fixture(scope="module")
def made(case):
    """Two models of the case, from one seed."""
    return first_state(case.model()), first_state(case.model())


@pytest.fixture
def model(made):
    return as_made(*made[0])


@pytest.fixture
def twin(made):
    return as_made(*made[1])


@pytest.fixture(scope="module")
def touched(case, made, losses_of):
    """``{parameter: the entries that each task's loss depends on, [K, ...]}``, found by trying.

    At the start and in the middle of a training, which may differ, and at several places, since
    an entry can rest at one of them (a ReLU at 0).
    """
    found: dict[str, Tensor] = {}
    for seed, fraction in enumerate((0.0, 0.5)):
        model = as_made(*made[0])
        model.arch.progress(fraction)
        batch = case.batch(16, seed)
        shake(model)
        grads = gradients(model, losses_of(model, batch))
        for name, parameter in model.named_parameters():
            zero = torch.zeros_like(parameter)
            entries = torch.stack([grads[task].get(name, zero) != 0 for task in case.reads])
            found[name] = found.get(name, torch.zeros_like(entries)) | entries
    return found


def test_every_architecture_encoder_and_kind_is_tried(cases, refused_cases):
    archs = {path.stem for path in (CONF / "arch").glob("*.yaml")}
    encoders = {path.stem for path in (CONF / "encoder").glob("*.yaml")}
    cells = {(case.encoder, case.kind) for case in cases}
    assert {case.arch for case in cases} == archs
    assert {encoder for encoder, _ in cells} == encoders
    assert {kind for _, kind in cells} == set(InputSpec.__subclasses__())
    assert len(archs) >= 11
    assert len(encoders) >= 6
    assert len(cells) >= 9
    plain = [case for case in cases if not case.of_maps]
    refused = [case for case in refused_cases if not case.of_maps]
    assert len(plain) + len(refused) == len(archs) * len(cells) * 3
    assert {case.arch for case in refused} == {"lora"}
    assert len(set(map(str, cases))) == len(cases) >= len(plain) + 2 * (len(archs) - 1)


def test_what_an_architecture_cannot_be_made_of_is_refused(refused_cases):
    for case in refused_cases:
        with pytest.raises(Problem, match="needs an encoder with"):
            case.model()


def test_every_task_gets_its_features_in_the_shape_that_is_declared(case, model):
    batch = case.batch(3)
    features = model.arch(batch.inputs)
    assert list(features) == list(case.reads) == list(model(batch.inputs))
    for task, value in features.items():
        shapes = [model.arch.out_shapes[task]]
        if task in model.arch.taps:
            shapes = [model.arch.stage_shapes[task][stage] for stage in model.arch.taps[task]]
        own = value if isinstance(value, list) else [value]
        assert [features.shape for features in own] == [(3, *shape) for shape in shapes]
    for task, output in model(batch.inputs).items():
        assert output.shape == model.tasks[task].example_output(3).shape


def test_every_parameter_gets_a_gradient(case, model, losses_of):
    for fraction in (0.0, 1.0):
        model.arch.progress(fraction)
        model.zero_grad()
        sum(losses_of(model, case.batch(5)).values()).backward()
        trained = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        assert [name for name, p in trained if p.grad is None] == []


def test_a_saved_state_gives_the_same_outputs(case, model, twin):
    inputs, file = case.batch(3).inputs, io.BytesIO()
    shake(model)
    torch.save(model.state_dict(), file)
    file.seek(0)
    expected, before = model.eval()(inputs), twin.eval()(inputs)
    twin.load_state_dict(torch.load(file, weights_only=True))
    for task, output in twin(inputs).items():
        assert torch.equal(output, expected[task])
        assert not torch.equal(output, before[task])


def test_a_copy_in_the_midst_of_training_gives_the_same_outputs(case, model):
    inputs = case.batch(3).inputs
    model(inputs)  # leaves tensors of its graph
    copied = copy.deepcopy(model).eval()
    expected = model.eval()(inputs)
    for task, output in copied(inputs).items():
        assert torch.equal(output, expected[task])


def test_one_seed_gives_one_result(case, model, twin):
    inputs, outputs = case.batch(3).inputs, []
    for made in (model, twin):
        torch.default_generator.manual_seed(0)  # of dropout and noise
        outputs.append(made(inputs))
    for task in case.reads:
        assert torch.equal(outputs[0][task], outputs[1][task])


def test_an_example_is_judged_by_itself_in_evaluation(case, model):
    inputs = case.batch(3).inputs
    together = model.eval()(inputs)
    alone = model({name: x[:1] for name, x in inputs.items()})
    for task in case.reads:
        assert_close(alone[task], together[task][:1])


def test_an_absent_input_leaves_the_tasks_of_the_others_as_they_are(case, model, losses_of):
    batch = case.batch(5)
    outputs, grads = model.eval()(batch.inputs), gradients(model, losses_of(model, batch))
    for name, x in batch.inputs.items():
        reading = [task for task, read in case.reads.items() if read == name]
        alone = model({name: x})
        assert list(alone) == reading
        for task in reading:
            assert_close(alone[task], outputs[task])
        model.zero_grad()
        part = replace(batch, inputs={name: x})
        sum(losses_of(model, part).values()).backward()
        expected = {parameter for task in reading for parameter in grads[task]}
        assert {n for n, p in model.named_parameters() if p.grad is not None} == expected


def test_a_task_alone_gives_the_same_and_runs_nothing_of_the_others(case, model, touched):
    inputs = case.batch(3).inputs
    outputs = model.eval()(inputs)
    names = {module: name for name, module in model.named_modules()}
    called = []
    hook = register_module_forward_hook(lambda module, *_: called.append(module))
    with hook:
        for k, task in enumerate(case.reads):
            called.clear()
            alone = model(inputs, tasks=[task])
            assert list(alone) == [task]
            assert_close(alone[task], outputs[task])
            for module in called if not case.brings_a_module else ():  # which is run whole
                there = module.named_parameters(recurse=False)
                own = [f"{names[module]}.{n}" for n, p in there if p.requires_grad]
                assert not own or any(touched[name][k].any() for name in own), own


def test_missing_labels_count_for_nothing(case, model):
    batch = case.batch(6)
    outputs = model.eval()(batch.inputs)
    kept = torch.tensor([0, 2, 5])
    rest = [i for i in range(6) if i not in kept]
    for name, task in model.tasks.items():
        target = batch.targets[name].clone()
        target[rest] = torch.nan if target.is_floating_point() else -1
        loss, count = task.loss(outputs[name], target)
        alone = model({input: x[kept] for input, x in batch.inputs.items()}, tasks=[name])
        expected, number = task.loss(alone[name], batch.targets[name][kept], complete=True)
        assert count == number == 3 * target[0].numel()
        assert_close(loss, expected)
        target[:] = torch.nan if target.is_floating_point() else -1
        assert task.loss(outputs[name], target)[1] == 0


def test_shared_parameters_are_those_with_an_entry_of_several_tasks(model, touched):
    shared = {id(p) for p in model.shared_parameters()}
    specific = {id(p) for p in model.specific_parameters()}
    for name, parameter in model.named_parameters():
        several = bool((touched[name].sum(0) > 1).any())
        assert (id(parameter) in shared, id(parameter) in specific) == (several, not several), name


def test_parameters_stacked_over_tasks_hold_an_entry_for_each_but_none_for_two(model, touched):
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    for parameter in model.arch.stacked_over_tasks():
        entries = touched[names[id(parameter)]].flatten(1)  # [K, entries]
        assert entries.any()
        assert (entries.sum(0) <= 1).all()


def test_the_tasks_part_at_the_representations(case, model, losses_of):
    """The shared gradients are those of the representations, passed on."""
    shared, batch = model.shared_parameters(), case.batch(5)
    losses, parting = losses_of(model, batch), model.representations
    if parting:
        total = sum(losses.values())
        grads = torch.autograd.grad(total, parting, retain_graph=True)
        direct = torch.autograd.grad(total, shared, retain_graph=True)
        passed_on = torch.autograd.grad(parting, shared, grads)
        for a, b in zip(direct, passed_on, strict=True):
            assert_close(a, b)
    with torch.no_grad():
        model(batch.inputs)
    assert model.representations == []


def test_steps_of_adam_lower_the_loss(case, model, losses_of):
    batch = case.batch(6)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.001)
    losses = []
    for _ in range(4):
        torch.default_generator.manual_seed(0)  # the same dropout and noise each time
        loss = sum(losses_of(model, batch).values()) + (model.arch.extra_loss() or 0)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def test_inputs_of_different_specs_share_a_later_stage_or_are_refused(pair):
    equal = pair.model(inputs=dict.fromkeys(pair.inputs, pair.spec()))
    different = {"image": pair.spec(), "keys": pair.spec(other=True)}

    def crossing(model: Model) -> bool:
        """Whether tasks of different inputs have a parameter in common."""
        return any({"digit", "a.b"} <= tasks for tasks in model.reached().values())

    if pair.can_share_a_stage or not crossing(equal):
        assert crossing(pair.model(inputs=different)) == crossing(equal)
    else:
        with pytest.raises(Problem) as error:
            pair.model(inputs=different)
        rule, found, fix = str(error.value).splitlines()
        assert "encoder" in rule
        assert found.startswith("  found: ")
        assert fix.startswith("  try:   ")
