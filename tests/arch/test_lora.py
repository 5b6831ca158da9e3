"""Low-rank additions against the encoder with its weights written out."""

from copy import deepcopy
from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.arch.adapted import has_own, is_adapted
from mtl_cli.arch.hps import HPS
from mtl_cli.arch.lora import LoRA
from mtl_cli.arch.low_rank import LowRank, Merged
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Subwords, Tokens
from mtl_cli.encoder.hf_text import HFText
from mtl_cli.encoder.mlp import MLP
from mtl_cli.encoder.text_cnn import TextCNN
from mtl_cli.encoder.torchvision import Torchvision
from mtl_cli.encoder.transformer import Transformer

TASKS = {"a": "x", "b": "x", "c": "x"}
INPUTS = {"x": Dense((5,))}
mlp = partial(MLP, hidden=[7, 6], activation="relu", dropout=0.0)
transformer = partial(
    Transformer, dim=8, num_heads=2, num_layers=2, mlp_ratio=2, dropout=0.0, patch_size=4, pool=True
)


def make(encoder=mlp, inputs=INPUTS, tasks=TASKS, seed=0, **changes) -> LoRA:
    torch.manual_seed(seed)
    options = {"rank": 2, "per_task": 3, "own_stages": None, "scale": 0.5}
    options |= {"attention": True, "freeze": True} | changes
    return LoRA(encoder, inputs, tasks, **options)


def moved(arch: LoRA) -> LoRA:
    """The same after some training: additions that are not zero."""
    with torch.no_grad():
        for parameter in arch.parameters():
            if parameter.requires_grad:
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
            elif isinstance(child, Merged):
                with torch.no_grad():
                    for path, addition in zip(child.names, child.additions, strict=True):
                        weight = child.inner.get_parameter(path)
                        weight.copy_(weight + matrix(addition, number))
                setattr(parent, name, child.inner)
    return trunk


def matrix(addition, number: int) -> torch.Tensor:
    """What is added to a matrix for a task, by hand."""
    total = torch.zeros(())
    if addition.up is not None:
        total = total + addition.up @ addition.down
    if addition.own_up is not None:
        total = total + addition.own_up[number] @ addition.own_down[number]
    return addition.ranks.scale * total


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


def torchvision(model: str):
    options = {"model": model, "weights": None, "patch_size": "auto", "dim": 16}
    options |= {"depths": [1, 1, 1, 1], "drop_path": 0.0, "freeze": False, "cache": False}
    return partial(Torchvision, **options, pool=True, offline=True)


def deberta(spec):
    pytest.importorskip("transformers")
    sizes = {"hidden_size": 8, "num_attention_heads": 2, "num_hidden_layers": 2, "vocab_size": 11}
    config = {"model_type": "deberta-v2", "relative_attention": True, "position_buckets": 4}
    config |= {"share_att_key": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0}
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0} | sizes
    config |= {"intermediate_size": 12, "max_position_embeddings": 16}
    options = {"num_groups": None, "pool": "mean", "freeze": 0, "cache": False}
    return HFText(spec, None, config, **options, checkpointing=False, offline=True)


@pytest.mark.parametrize(
    ("encoder", "spec", "merged"),
    [
        (transformer, Dense((1, 8, 8)), 4),
        (torchvision("vit_b_16"), Dense((1, 8, 8)), 8),
        (torchvision("swin_t"), Dense((1, 16, 16)), 8),
        (torchvision("swin_v2_t"), Dense((1, 16, 16)), 8),
        (deberta, Subwords(11, 6), 4),
    ],
    ids=["transformer", "vit", "swin", "swin_v2", "deberta"],
)
def test_maps_that_attention_reads_have_additions_too(encoder, spec, merged):
    arch = moved(make(encoder, {"x": spec})).eval()
    names = [name for part in arch.modules() if isinstance(part, Merged) for name in part.names]
    assert len(names) == merged
    x = spec.example(4)
    given = arch({"x": x})
    for task, features in given.items():
        expected = written_out(arch, task).eval()(x, "x")
        assert_close(features, expected, rtol=1e-4, atol=1e-4)
        assert_close(arch({"x": x}, tasks=[task])[task], expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(given["a"], given["b"])
    sum(own.square().sum() for own in given.values()).backward()
    assert all(p.grad.any() for p in arch.parameters() if p.requires_grad)
    fresh, base = make(encoder, {"x": spec}), make(encoder, {"x": spec}, rank=0, per_task=0)
    begins, plain = fresh.eval()({"x": x}), base.eval()({"x": x})
    assert all(torch.allclose(begins[task], plain[task], atol=1e-5) for task in TASKS)
    before = make(encoder, {"x": spec}, attention=False)
    assert not [part for part in before.modules() if isinstance(part, Merged)]


def test_before_the_last_stages_tasks_have_one_pass():
    spec = Tokens(11, 6)
    arch = moved(make(transformer, {"x": spec}, own_stages=1)).eval()
    stages = arch.trunk.of_input("x")
    assert [has_own(stage) for stage in stages] == [False, False, True]
    assert [is_adapted(stage) for stage in stages] == [False, True, True]
    rows = []
    stages[1].register_forward_pre_hook(lambda _, args: rows.append(len(args[0])))
    x = spec.example(4)
    given = arch({"x": x})
    assert rows == [4]
    for task, features in given.items():
        assert_close(features, written_out(arch, task).eval()(x, "x"), rtol=1e-5, atol=1e-5)
    alone = make(transformer, {"x": spec}, rank=0, own_stages=1)
    assert [is_adapted(stage) for stage in alone.trunk.of_input("x")] == [False, False, True]
    with pytest.raises(Problem, match=r"at most the stages of the encoder: 3"):
        make(transformer, {"x": spec}, own_stages=4)


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
    assert not [
        n
        for n, p in make(transformer, {"x": Tokens(11, 6)}).named_parameters()
        if p.requires_grad != ("down" in n or "up" in n)
    ]
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


def test_it_takes_over_an_encoder_whose_weights_attention_reads():
    spec = Tokens(11, 6)
    torch.manual_seed(3)
    hps = HPS(transformer, {"x": spec}, TASKS).eval()
    arch = make(transformer, {"x": spec}).eval()
    arch.load_state_dict(arch.taken_over(hps.state_dict()))
    x = {"x": spec.example(4)}
    assert_close(arch(x), hps(x))
    other = moved(make(transformer, {"x": spec}, seed=1)).state_dict()
    assert arch.taken_over(other) == other  # of its own kind, as they are
