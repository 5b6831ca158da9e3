"""Low-rank additions against the encoder with its weights written out."""

from copy import deepcopy
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.arch.hps import HPS
from mtl_cli.arch.lora import LoRA
from mtl_cli.arch.low_rank import LowRank
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.mlp import MLP
from mtl_cli.encoder.text_cnn import TextCNN
from mtl_cli.encoder.transformer import Transformer

TASKS = {"a": "x", "b": "x", "c": "x"}
INPUTS = {"x": Dense((5,))}
mlp = partial(MLP, hidden=[7, 6], activation="relu", dropout=0.0)
transformer = partial(
    Transformer, dim=8, num_heads=2, num_layers=2, mlp_ratio=2, dropout=0.0, patch_size=4, pool=True
)


def make(encoder=mlp, inputs=INPUTS, tasks=TASKS, seed=0, **changes) -> LoRA:
    torch.manual_seed(seed)
    options = {"rank": 2, "per_task": 3, "scale": 0.5, "freeze": True} | changes
    return LoRA(encoder, inputs, tasks, **options)


def moved(arch: LoRA) -> LoRA:
    """The same after some training: additions that are not zero."""
    with torch.no_grad():
        for name, parameter in arch.named_parameters():
            if ".linear." not in name:
                parameter += 0.3 * torch.randn_like(parameter)
    return arch


def written_out(arch: LoRA, task: str) -> nn.Module:
    """The trunk with the weights that a task's additions make."""
    trunk, number = deepcopy(arch.trunk), arch.order[task]
    for parent in list(trunk.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LowRank):
                linear = child.linear
                with torch.no_grad():
                    for up, down in (
                        (child.up, child.down),
                        (child.own_up, child.own_down),
                    ):
                        if up is not None:
                            own = (up, down) if up.dim() == 2 else (up[number], down[number])
                            linear.weight += child.ranks.scale * own[0] @ own[1]
                setattr(parent, name, linear)
    return trunk


@pytest.mark.parametrize(
    ("encoder", "spec"), [(mlp, INPUTS["x"]), (transformer, Tokens(11, 6)), (mlp, BagOfWords(9))]
)
@pytest.mark.parametrize("ranks", [(2, 3), (0, 3), (2, 0)])
def test_each_task_has_the_encoder_with_its_weights_written_out(encoder, spec, ranks):
    arch = moved(make(encoder, {"x": spec}, rank=ranks[0], per_task=ranks[1]))
    x = spec.example(4)
    given = arch({"x": x})
    for task in TASKS:
        alone = arch({"x": x}, tasks=[task])[task]
        expected = written_out(arch, task)(x, "x")
        assert_close(given[task], expected, rtol=1e-5, atol=1e-5)
        assert_close(alone, expected, rtol=1e-5, atol=1e-5)
    same = torch.equal(given["a"], given["b"])
    assert same == (ranks[1] == 0)


def test_no_shortcut_passes_the_additions_in_evaluation():
    arch = moved(make(transformer, {"x": Tokens(11, 6)})).eval()
    x = Tokens(11, 6).example(4)
    with torch.no_grad():
        for task, features in arch({"x": x}).items():
            assert_close(features, written_out(arch, task)(x, "x"), rtol=1e-5, atol=1e-5)


def test_it_begins_as_the_encoder_and_without_ranks_it_is_hard_sharing():
    torch.manual_seed(0)
    hps = HPS(mlp, INPUTS, TASKS)
    x = torch.randn(4, 5)
    for ranks in ({}, {"rank": 0, "per_task": 0}):
        for task, features in make(**ranks)({"x": x}).items():
            assert_close(features, hps({"x": x})[task])


def test_a_frozen_encoder_stays_and_its_additions_move():
    arch = moved(make())
    before = {name: p.detach().clone() for name, p in arch.named_parameters()}
    frozen = {name for name, p in arch.named_parameters() if not p.requires_grad}
    assert frozen == {name for name in before if ".linear." in name}
    optimizer = torch.optim.SGD([p for p in arch.parameters() if p.requires_grad], lr=0.1)
    sum(own.square().sum() for own in arch({"x": torch.randn(6, 5)}).values()).backward()
    optimizer.step()
    moved_names = {n for n, p in arch.named_parameters() if not torch.equal(p, before[n])}
    assert moved_names == before.keys() - frozen
    assert not [n for n, p in make(freeze=False).named_parameters() if not p.requires_grad]


def test_inputs_have_their_own_tasks_in_maps_that_they_share():
    inputs = {"x": Dense((5,)), "y": Dense((5,))}
    tasks = {"a": "x", "b": "y", "c": "x"}
    arch = moved(make(inputs=inputs, tasks=tasks))
    given = {name: torch.randn(4, 5) for name in inputs}
    features = arch(given)
    for task, name in tasks.items():
        assert_close(
            features[task], written_out(arch, task)(given[name], name), rtol=1e-5, atol=1e-5
        )


def test_what_has_no_linear_map_is_refused():
    text = partial(TextCNN, embedding_dim=4, channels=3, widths=[2], dropout=0.0)
    with pytest.raises(Problem, match="needs an encoder with linear maps"):
        make(text, {"x": Tokens(9, 6)})
    with pytest.raises(Problem, match=r"arch\.rank"):
        make(rank=-1)
    with pytest.raises(Problem, match=r"arch\.per_task"):
        make(per_task=0.5)
