"""The joined encoder is its parts' encoders side by side; a missing part is a learned vector."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Joint
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, InputSpec, Joined
from mtl_cli.basis.plain_inputs import as_plain, from_plain
from mtl_cli.command_line.words import with_choices
from mtl_cli.dataset.memory.take import part_of, take
from mtl_cli.encoder.hf_text import HFText
from mtl_cli.encoder.joined import Joined as JoinedEncoder
from mtl_cli.encoder.mlp import MLP
from mtl_cli.encoder.resnet import ResNet

ROW = ("row", Dense((4,)))
TEXT = ("text", BagOfWords(9))
PICTURE = ("picture", Dense((1, 12, 12)))
SPEC = Joined((ROW, TEXT))


def mlp(*hidden: int) -> partial:
    return partial(MLP, hidden=list(hidden), activation="relu", dropout=0.0)


def resnet(**options: object) -> partial:
    given = {"depth": 18, "weights": None, "stem": "small", "pool": True} | options
    return partial(ResNet, **given, output_stride=None, offline=True)


def joined(spec: InputSpec, join: str = "concat", **parts: partial) -> JoinedEncoder:
    return JoinedEncoder(spec, parts, join)


def whole(spec: Joined, batch_size: int = 6) -> Joint:
    x = spec.example(batch_size)
    return Joint(x.parts, torch.ones_like(x.present))


def layers_of(encoder: JoinedEncoder, part: str) -> list[nn.Linear]:
    return [
        layer
        for stage in encoder.stages
        for layer in stage.parts[part].modules()
        if isinstance(layer, nn.Linear)
    ]


@pytest.mark.parametrize("join", ["concat", "add"])
def test_features_are_those_of_plain_modules_stage_by_stage(join):
    encoder = joined(Joined((ROW, ("other", Dense((7,))))), join, row=mlp(5, 3), other=mlp(8, 3))
    assert encoder.shapes == [(13,), (6,) if join == "concat" else (3,)]
    x = whole(Joined((ROW, ("other", Dense((7,))))))
    features = {name: x.parts[name] for name in ("row", "other")}
    given = x
    for s, stage in enumerate(encoder.stages):
        given = stage(given)
        for name, own in features.items():
            layer = layers_of(encoder, name)[s]
            features[name] = (own @ layer.weight.T + layer.bias).clamp(min=0)
        is_sum = join == "add" and s == 1
        values = list(features.values())
        assert_close(given, sum(values) if is_sum else torch.cat(values, 1), atol=1e-6, rtol=1e-6)
    assert_close(encoder(x), given)


def test_of_unequal_stages_or_shapes_all_is_one_stage():
    assert joined(SPEC, row=mlp(5), text=mlp(6, 3)).shapes == [(8,)]
    assert joined(Joined((ROW, PICTURE)), row=mlp(5, 5, 5, 5, 3), picture=resnet()).shapes == [
        (515,)
    ]


def test_two_pictures_stay_maps_of_all_their_channels():
    spec = Joined((PICTURE, ("second", Dense((3, 12, 12)))))
    encoder = joined(spec, picture=resnet(pool=False), second=resnet(pool=False))
    assert len(encoder.shapes) == 5
    assert encoder.shapes[0] == (128, 12, 12)
    x = whole(spec, 2)
    assert encoder.eval()(x).shape == (2, *encoder.shapes[-1])


def test_a_missing_part_counts_as_a_learned_vector():
    encoder = joined(SPEC, row=mlp(5), text=mlp(3))
    x = SPEC.example(4)
    present = torch.tensor([[1, 1], [0, 1], [1, 0], [0, 0]]).bool()
    first = encoder.stages[0]
    with torch.no_grad():
        first.missing.copy_(torch.arange(8.0))
    own = Joint(x.parts, torch.ones(4, 2).bool())
    there, given = encoder(own), encoder(Joint(x.parts, present))
    vectors = torch.arange(8.0).expand(4, 8)
    mask = present.repeat_interleave(torch.tensor([5, 3]), 1)
    assert_close(given, torch.where(mask, there, vectors))
    given.sum().backward()
    assert first.missing.grad.tolist() == [2.0] * 8  # two examples lack each part
    empty = {"row": torch.full((4, 4), 1e9), "text": x.parts["text"]}
    assert_close(encoder(Joint(empty, present))[1], given[1])  # whatever stands in its place


def test_the_linear_map_is_the_sum_of_the_parts_maps():
    linear = SPEC.linear(3)
    x = whole(SPEC)
    rows, texts = linear.maps["row"], linear.maps["text"]
    expected = rows(x.parts["row"]) + texts(x.parts["text"]) + linear.bias
    assert_close(linear(x), expected)
    without = Joint(x.parts, torch.tensor([[True, False]] * 6))
    with torch.no_grad():
        linear.missing[1] = 2.0
    assert_close(linear(without), rows(x.parts["row"]) + 2.0 + linear.bias)


def test_examples_are_taken_by_their_positions():
    x = SPEC.example(8)
    positions = torch.tensor([5, 0, 5])
    for own in (x[positions], part_of(x, positions), take(x, positions, positions)):
        assert isinstance(own, Joint)
        assert len(own) == 3
        assert torch.equal(own.parts["row"], x.parts["row"][positions])
        assert torch.equal(own.present, x.present[positions])
        text = own.parts["text"]
        assert isinstance(text, Bag)
        assert torch.equal(text.indices, x.parts["text"][positions].indices)
    assert torch.equal(x[2:4].to("cpu").parts["row"], x.parts["row"][2:4])


def test_a_spec_comes_back_from_plain_words():
    assert from_plain(as_plain(SPEC)) == SPEC
    assert hash(SPEC) == hash(from_plain(as_plain(SPEC)))


def test_what_cannot_be_joined_is_refused():
    with pytest.raises(Problem, match="two parts or more"):
        Joined((ROW,))
    with pytest.raises(Problem, match=r"none for text\n.*'encoder.parts=\{row: mlp, text: mlp\}'"):
        joined(SPEC, row=mlp(3))
    with pytest.raises(Problem, match=r"encoder\.parts\.row\.cache must be false"):
        joined(SPEC, row=partial(mlp(3), cache=True), text=mlp(3))
    with pytest.raises(Problem, match=r"no part txt\n.*'encoder.parts=\{row: mlp, text: mlp\}'"):
        joined(SPEC, row=mlp(3), txt=mlp(3))
    with pytest.raises(Problem, match=r"(?s)encoder\.join=add.*row: \(3,\), text: \(4,\)"):
        joined(SPEC, "add", row=mlp(3), text=mlp(4))
    with pytest.raises(Problem, match="vectors, or all maps"):
        joined(Joined((ROW, PICTURE)), row=mlp(3), picture=resnet(pool=False))
    with pytest.raises(Problem, match=r"encoder\.parts\.row\.hidden"):
        joined(SPEC, row=mlp(), text=mlp(3))
    with pytest.raises(Problem, match="reads parts"):
        joined(Dense((3,)), row=mlp(3))
    with pytest.raises(Problem, match="must be an encoder"):
        joined(SPEC, row=partial(nn.Linear, 3), text=mlp(3))


def test_parts_keep_widen_and_are_loaded_by_their_own_encoders():
    plain = {"_target_": "mtl_cli.encoder.mlp.MLP", "hidden": [4], "dropout": 0.0}
    net = {"_target_": "mtl_cli.encoder.resnet.ResNet", "weights": "DEFAULT", "depth": 18}
    options = {"join": "concat", "parts": {"row": plain, "picture": net}}
    assert JoinedEncoder.kept(options) == {}
    assert JoinedEncoder.widened(options, 2.0) == {"parts.row.hidden": [8]}
    loaded = JoinedEncoder.to_be_loaded(options)
    assert loaded["parts"] == {"row": plain, "picture": net | {"weights": None}}
    assert HFText.first_weights  # of which the same is true


def test_parts_are_a_group_on_the_command_line():
    words = ["encoder=joined", "encoder.parts={a: mlp, b: cnn}", "encoder.parts.a.hidden=[3]"]
    expected = ["+encoder@encoder.parts.a=mlp", "+encoder@encoder.parts.b=cnn"]
    assert with_choices(words) == [words[0], *expected, words[2]]
    assert with_choices([words[0], "encoder.parts.a=mlp"]) == [words[0], expected[0]]
