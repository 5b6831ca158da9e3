"""Features after inner stages: what each architecture gives to heads that read several maps."""

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.aitm import AITM
from mtl_cli.arch.base import Architecture
from mtl_cli.basis.inputs import Dense, InputSpec
from mtl_cli.encoder.base import Encoder

pytestmark = pytest.mark.usefixtures("double_precision")
READS = {"a": "image", "b.c": "image", "type": "image"}
SHAPE = (2, 8, 10)
CHANNELS = (3, 4, 5, 4)


class OverChannels(nn.Module):
    """A linear map of the channels at each position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.map = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.map(x.movedim(1, -1)).movedim(-1, 1)


class Maps(Encoder):
    """Some stages that give maps."""

    def __init__(self, spec: InputSpec, number: int) -> None:
        assert isinstance(spec, Dense)
        depth, height, width = spec.shape
        stages: list[nn.Module] = []
        shapes: list[tuple[int, ...]] = []
        for s, channels in enumerate(CHANNELS[:number]):
            stride = 1 + s % 2
            layers: list[nn.Module] = [
                nn.Conv2d(depth, channels, 3, stride, 1),
                nn.ReLU(inplace=True),
            ]
            layers.append(OverChannels(channels))
            stages.append(nn.Sequential(*layers))
            depth, height, width = channels, -(-height // stride), -(-width // stride)
            shapes.append((depth, height, width))
        super().__init__(stages, shapes)


def made(make_arch, stages: int = 4, reads: dict[str, str] = READS) -> Architecture:
    torch.default_generator.manual_seed(0)
    inputs = {"image": Dense(SHAPE)}
    given = {"make_encoder": lambda spec: Maps(spec, stages), "inputs": inputs, "tasks": reads}
    if "branches" in make_arch.keywords:
        paths = {"a": [0, 0, 0, 0], "b.c": [0, 1, 1, 1], "type": [0, 0, 0, 2]}
        given["branches"] = {task: path[:stages] for task, path in paths.items()}
    arch: Architecture = make_arch(**given)
    with torch.no_grad():
        for parameter in arch.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    return arch


def tapped(arch: Architecture, tasks=None, **taps: tuple[int, ...]) -> dict[str, list[Tensor]]:
    arch.taps = {task: taps.get(task.replace(".", "_"), ()) for task in arch.tasks}
    arch.taps = {task: own for task, own in arch.taps.items() if own}
    torch.default_generator.manual_seed(1)
    given = arch({"image": torch.randn(3, *SHAPE)}, tasks)
    assert not arch.tapped
    return given


ALL = {"a": (0, 1, 2, 3), "b_c": (1, 3), "type": (0, 2)}


def test_stages_have_their_shapes_and_the_last_is_what_it_gives_without_taps(staged):
    arch = made(staged)
    plain = tapped(arch.eval())
    for training in (False, True):
        arch.train(training)
        given = tapped(arch, **ALL)
        for task, own in given.items():
            taps = ALL[task.replace(".", "_")]
            shapes = [tuple(features.shape[1:]) for features in own]
            assert shapes == [arch.stage_shapes[task][s] for s in taps]
            assert arch.stage_shapes[task][-1] == arch.out_shapes[task]
            if taps[-1] == 3 and not training:  # which moves statistics
                torch.testing.assert_close(own[-1], plain[task], rtol=1e-12, atol=1e-12)


def test_some_tasks_alone_get_the_same(staged):
    arch = made(staged).eval()
    together = tapped(arch, **ALL)
    for tasks in (["b.c"], ["a", "type"]):
        alone = tapped(arch, tasks=tasks, **ALL)
        assert list(alone) == tasks
        for task in tasks:
            for one, other in zip(alone[task], together[task], strict=True):
                torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_a_stage_is_what_it_gives_on_an_encoder_that_ends_there(staged, monkeypatch):
    """With the levels of the whole encoder, as far as they go."""
    whole = made(staged).eval()
    given = tapped(whole, a=(0, 1, 2, 3), b_c=(0, 1, 2, 3), type=(0, 1, 2, 3))
    if isinstance(whole, AITM):  # which hands on after the last stage alone
        check_columns(whole, given)
        return
    levels = [range(0, 2), range(2, 4)]
    for s in range(3):
        cut = [range(r.start, min(r.stop, s + 1)) for r in levels if r.start <= s]
        for room in ("levels", "adatt"):
            path = f"mtl_cli.arch.{room}.split_stages"
            monkeypatch.setattr(path, lambda n, one, cut=cut: [range(n)] if one == 1 else cut)
        short = made(staged, s + 1).eval()
        own = short.state_dict()
        kept = {  # without what only a level that is not the last has, at the end
            name: value[tuple(map(slice, own[name].shape))]
            for name, value in whole.state_dict().items()
            if name in own
        }
        if hasattr(whole, "thetas"):  # what a head chooses is the path's column at that stage
            paths = chosen_columns(whole)[s]
            kept[f"thetas.{s}"] = nn.functional.one_hot(torch.tensor(paths), 3).double()
        short.load_state_dict(kept)
        for task, features in tapped(short).items():
            torch.testing.assert_close(given[task][s], features, rtol=1e-12, atol=1e-12)


def check_columns(arch: AITM, given: dict[str, list[Tensor]]) -> None:
    """Before the last stage, each task has its encoder's."""
    torch.default_generator.manual_seed(1)
    x = torch.randn(3, *SHAPE)
    for task, encoder in zip(arch.tasks, arch.encoders.values(), strict=True):
        features: Tensor = x
        for s, stage in enumerate(encoder.stages[:3]):
            features = stage(features)
            torch.testing.assert_close(given[task][s], features, rtol=1e-12, atol=1e-12)


def chosen_columns(arch: Architecture) -> list[list[int]]:
    """By stage, the column that each task's path takes."""
    *inner, heads = [theta.argmax(-1).tolist() for theta in arch.thetas]
    stages = [heads]
    for parents in reversed(inner):
        stages.insert(0, [parents[column] for column in stages[0]])
    return stages


def test_gradients_reach_what_a_tapped_stage_is_made_of_and_nothing_later(staged):
    arch = made(staged).train()
    given = tapped(arch, a=(0,), b_c=(3,), type=(3,))
    names = {name: p for name, p in arch.named_parameters() if p.requires_grad}
    grads = torch.autograd.grad(
        given["a"][0].square().sum(), list(names.values()), allow_unused=True
    )
    reached = {name for name, grad in zip(names, grads, strict=True) if grad is not None}
    assert reached
    assert not any("stages.3" in name or "stages.2" in name for name in reached)
