"""The transformer against attention by hand, one text or image and one head at a time."""

import math
import re

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from mtl_cli.arch.cross_stitch import CrossStitch
from mtl_cli.arch.experts import stack
from mtl_cli.arch.trunk import Trunk
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.transformer import Transformer

VALID = {"dim": 8, "num_heads": 2, "num_layers": 2, "mlp_ratio": 2, "dropout": 0.0, "patch_size": 4}
VALID |= {"pool": True}
TEXT, IMAGE = Tokens(11, 6), Dense((3, 8, 12))
TEXTS = torch.tensor(
    [
        [3, 1, 4, 1, 5, 9],
        [5, 3, 5, 8, 0, 0],
        [7, 7, 0, 0, 0, 0],
        [10, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 0],
    ]
)


def make(spec=TEXT, seed=0, **changes) -> Transformer:
    """With biases that are not zero, so that none can be forgotten."""
    torch.manual_seed(seed)
    encoder = Transformer(spec, **VALID | changes)
    for name, parameter in encoder.named_parameters():
        if "norm" in name or "bias" in name:
            parameter.data += 0.3 * torch.randn(parameter.shape)
    return encoder


def read(spec, batch_size=3) -> torch.Tensor:
    return TEXTS[:batch_size] if spec == TEXT else spec.example(batch_size)


def embed_by_hand(encoder: Transformer, example: torch.Tensor, patch_size: int) -> torch.Tensor:
    """The vectors of one text's words or one image's patches, row by row, [L, D]."""
    state = encoder.stages[0].state_dict()
    positions = state["positions"]
    if example.dim() == 1:
        return state["words.weight"][example[example != 0]] + positions[: (example != 0).sum()]
    vectors = []
    for i in range(example.shape[1] // patch_size):
        for j in range(example.shape[2] // patch_size):
            rows = slice(i * patch_size, (i + 1) * patch_size)
            columns = slice(j * patch_size, (j + 1) * patch_size)
            patch = example[:, rows, columns].flatten()
            vector = state["patches.weight"].flatten(1) @ patch + state["patches.bias"]
            vectors.append(vector + positions[:, i, j])
    return torch.stack(vectors)


def layer_by_hand(x: torch.Tensor, state: dict, num_heads: int) -> torch.Tensor:
    """``x + Attention(LayerNorm(x))``, then the same with the MLP, on [L, D]."""
    dim = x.shape[1]

    def norm(x, i):
        x = (x - x.mean(1, keepdim=True)) / (x.var(1, correction=0, keepdim=True) + 1e-5).sqrt()
        return x * state[f"norm{i}.weight"] + state[f"norm{i}.bias"]

    projected = norm(x, 1) @ state["self_attn.in_proj_weight"].T + state["self_attn.in_proj_bias"]
    heads = []
    for head in range(num_heads):
        columns = torch.arange(dim // num_heads) + head * dim // num_heads
        query, key, value = (projected[:, columns + part * dim] for part in range(3))
        scores = query @ key.T / math.sqrt(dim // num_heads)
        heads.append(scores.softmax(1) @ value)
    out_weight, out_bias = (state[f"self_attn.out_proj.{name}"] for name in ("weight", "bias"))
    x = x + torch.cat(heads, 1) @ out_weight.T + out_bias
    hidden = F.gelu(norm(x, 2) @ state["linear1.weight"].T + state["linear1.bias"])
    return x + hidden @ state["linear2.weight"].T + state["linear2.bias"]


def by_hand(encoder: Transformer, x: torch.Tensor, num_heads: int, patch_size: int) -> torch.Tensor:
    features = []
    for example in x:
        out = embed_by_hand(encoder, example, patch_size)
        for stage in encoder.stages[1:]:
            layer = stage[0] if stage is encoder.stages[-1] else stage
            out = layer_by_hand(out, layer.layer.state_dict(), num_heads)
        last = encoder.stages[-1][1].norm
        features.append(F.layer_norm(out, out.shape[1:], last.weight, last.bias).mean(0))
    return torch.stack(features)


@pytest.mark.parametrize(
    ("spec", "changes"),
    [
        (TEXT, {}),
        (TEXT, {"num_heads": 4, "num_layers": 1}),
        (TEXT, {"num_heads": 1, "num_layers": 3, "mlp_ratio": 1.5}),
        (IMAGE, {}),
        (IMAGE, {"patch_size": 2, "num_layers": 1}),
        (Dense((1, 7, 3)), {"patch_size": 1, "num_heads": 8}),
    ],
)
def test_features_are_those_of_attention_by_hand(spec, changes):
    encoder, x = make(spec, **changes), read(spec)
    options = VALID | changes
    expected = by_hand(encoder, x, options["num_heads"], options["patch_size"])
    assert_close(encoder(x), expected, atol=1e-5, rtol=1e-5)
    with torch.no_grad():  # torch takes another way then
        assert_close(encoder.eval()(x), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("spec", "patch_size", "positions"),
    [
        (Tokens(5, 1), 4, (1,)),
        (Tokens(30, 17), 4, (17,)),
        (Dense((1, 28, 28)), 4, (7, 7)),
        (Dense((3, 9, 15)), 3, (3, 5)),
        (Dense((2, 5, 7)), 1, (5, 7)),
        (Dense((2, 8, 8)), 8, (1, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("num_layers", [1, 3])
def test_stages_give_the_shapes_that_they_declare(spec, patch_size, positions, num_layers):
    encoder = make(spec, patch_size=patch_size, num_layers=num_layers)
    assert encoder.shapes == [(8, *positions)] * num_layers + [(8,)]
    x = spec.example(3)
    for stage, shape in zip(encoder.stages, encoder.shapes, strict=True):
        x = stage(x)
        assert x.shape == (3, *shape)


@pytest.mark.parametrize("patch_size", [4, 2])
def test_without_pooling_an_image_gives_its_map_of_patches(patch_size):
    vector, image = (make(IMAGE, patch_size=patch_size, pool=pool) for pool in (True, False))
    image.load_state_dict(vector.state_dict())
    x = IMAGE.example(3)
    found = image(x)
    assert found.shape[1:] == image.out_shape == (8, 8 // patch_size, 12 // patch_size)
    assert image.shapes[:-1] == vector.shapes[:-1]
    assert_close(found.mean((2, 3)), vector(x))
    for stage in image.stages[:-1]:
        x = stage(x)
    layer, norm = image.stages[-1]
    patch = layer(x)[2, :, 1, 0]
    scaled = (patch - patch.mean()) / (patch.var(correction=0) + 1e-5).sqrt()
    assert_close(found[2, :, 1, 0], scaled * norm.norm.weight + norm.norm.bias)


def test_a_text_has_no_map():
    with pytest.raises(
        Problem, match=r"(?s)encoder\.pool=false gives the map .*encoder\.pool=true$"
    ):
        make(TEXT, pool=False)


@pytest.mark.parametrize("training", [True, False])
def test_padding_changes_nothing(training):
    encoder = make().train(training)
    with torch.set_grad_enabled(training):
        expected = encoder(TEXTS)
        for length in (2, 4, 5):  # as long as the longest of the batch
            fitting = (TEXTS != 0).sum(1) <= length
            assert_close(encoder(TEXTS[fitting, :length]), expected[fitting])
        longer = make(Tokens(11, 9))
        longer.load_state_dict(
            {
                name: F.pad(value, (0, 0, 0, 3), value=5.0) if "positions" in name else value
                for name, value in encoder.state_dict().items()
            }
        )
        assert_close(longer.train(training)(F.pad(TEXTS, (0, 3))), expected)


@pytest.mark.parametrize("training", [True, False])
def test_a_text_without_words_gives_zeros_and_finite_gradients(training):
    encoder = make().train(training)
    out = encoder(TEXTS)
    assert not out[-1].any()
    assert out[:-1].any(1).all()
    out.square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters())
    with torch.no_grad():
        assert not encoder(TEXTS[-1:]).any()


def test_every_stage_leaves_padding_zero_and_words_not():
    encoder, x = make(dropout=0.9), TEXTS
    for stage in encoder.stages[:-1]:
        x = stage(x)
        assert torch.equal((x != 0).any(1), TEXTS != 0)


def test_order_counts_by_the_positions_alone():
    text, turned = torch.tensor([[3, 1, 4, 0, 0, 0]]), torch.tensor([[4, 3, 1, 0, 0, 0]])
    encoder = make()
    assert not torch.allclose(encoder(text), encoder(turned), atol=1e-3)
    encoder.stages[0].positions.data.zero_()
    assert_close(encoder(text), encoder(turned))


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("spec", [TEXT, IMAGE], ids=str)
def test_gradients_reach_every_parameter(spec, batch_size):
    encoder = make(spec, dropout=0.1)
    encoder(read(spec, batch_size)).pow(3).sum().backward()
    names = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert names == []
    if spec == TEXT:
        assert not encoder.stages[0].words.weight.grad[0].any()


@pytest.mark.parametrize("spec", [TEXT, IMAGE], ids=str)
def test_dropout_is_only_in_training(spec):
    encoder, plain = make(spec, dropout=0.5), make(spec)
    plain.load_state_dict(encoder.state_dict())
    x = read(spec)
    assert not torch.allclose(encoder(x), encoder(x))
    assert_close(encoder.eval()(x), plain(x))


@pytest.mark.parametrize("spec", [TEXT, IMAGE], ids=str)
def test_one_seed_gives_one_network(spec):
    first, second, other = (list(make(spec, seed).parameters()) for seed in (3, 3, 4))
    assert all(map(torch.equal, first, second))
    assert not torch.equal(first[0], other[0])


@pytest.mark.parametrize("spec", [TEXT, IMAGE], ids=str)
def test_copies_in_a_stack_give_what_each_gives_alone(spec):
    copies = [make(spec, seed) for seed in range(3)]
    x = read(spec)
    alone = torch.stack([copy(x) for copy in copies])
    for s, stages in enumerate(zip(*(copy.stages for copy in copies), strict=True)):
        x = stack(stages, shared_input=s == 0)(x)
    assert_close(x, alone)


@pytest.mark.parametrize(
    "specs",
    [
        {"movie": Tokens(9, 6), "yelp": Tokens(12, 6)},
        {"grey": Dense((1, 8, 8)), "colour": Dense((3, 8, 8))},
    ],
)
def test_inputs_of_as_many_positions_share_all_layers(specs):
    trunk = Trunk(make, specs)
    assert [len(stage) for stage in trunk.stages] == [2, 1, 1]
    for name, spec in specs.items():
        assert trunk(spec.example(2), name).shape == (2, 8)


def test_a_text_and_an_image_share_no_layer():
    """Also where the image has as many patches as the text has tokens: the masks would be wrong."""
    with pytest.raises(Problem, match="needs a stage after the first"):
        Trunk(make, {"text": TEXT, "image": IMAGE})


def test_padding_changes_nothing_where_the_stages_of_several_are_mixed():
    arch = CrossStitch(make, {"x": TEXT}, {"a": "x", "b": "x"}, 0.6)
    expected = arch({"x": TEXTS})
    for task, features in arch({"x": TEXTS[1:, :4]}).items():
        assert_close(features, expected[task][1:])


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("dim", wrong) for wrong in (0, 7, 8.0, "8", None)),
        *(("num_heads", wrong) for wrong in (0, 1.5, None)),
        *(("num_layers", wrong) for wrong in (0, "2", None)),
        *(("mlp_ratio", wrong) for wrong in (0, 0.5, "4", math.inf, None)),
        *(("dropout", wrong) for wrong in (-0.1, 2, "abc", None)),
        *(("patch_size", wrong) for wrong in (0, 2.0, None)),
        *(("pool", wrong) for wrong in (1, "false", None)),
    ],
)
@pytest.mark.parametrize("spec", [TEXT, IMAGE], ids=str)
def test_a_wrong_option_is_told_by_its_path(spec, option, wrong):
    with pytest.raises(Problem, match=rf"encoder\.{option} must be"):
        make(spec, **{option: wrong})


@pytest.mark.parametrize("spec", [Dense((4,)), Dense((4, 8)), BagOfWords(5)], ids=str)
def test_what_is_no_text_and_no_image_is_refused(spec):
    with pytest.raises(Problem, match=r"(?i)^encoder transformer reads .*\n  found: .*\n  try: "):
        make(spec)


@pytest.mark.parametrize(
    ("option", "spec", "changes"),
    [
        ("patch_size", Dense((1, 28, 28)), {"patch_size": 5}),
        ("patch_size", Dense((1, 9, 15)), {}),
        ("patch_size", Dense((1, 6, 4)), {"patch_size": 100}),
        ("patch_size", Dense((1, 7, 4)), {}),
        ("dim", TEXT, {"dim": 10, "num_heads": 4}),
        ("dim", IMAGE, {"dim": 1, "num_heads": 3}),
    ],
)
def test_what_cannot_be_divided_is_told_with_what_can(option, spec, changes):
    with pytest.raises(Problem, match=rf"encoder\.{option} must") as caught:
        make(spec, **changes)
    fix = re.search(rf"try:   encoder\.{option}=(\d+)$", str(caught.value))
    make(spec, **changes | {option: int(fix[1])})


def test_where_patches_would_be_too_many_another_encoder_is_proposed():
    with pytest.raises(
        Problem, match=r"481 and 640 pixels.*\n  found: 4\n  try:   encoder=resnet,"
    ):
        make(Dense((1, 481, 640)))
