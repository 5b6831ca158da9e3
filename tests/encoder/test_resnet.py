"""The residual encoder against torchvision's networks with the same weights."""

import urllib.error

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close
from torchvision import models

from mtl_cli.arch.base import Trunk
from mtl_cli.arch.experts import stack
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.encoder.resnet import ResNet

VALID = {"depth": 18, "weights": None, "stem": "small", "pool": True, "offline": True}
SHAPES = {
    "imagenet": [(3, 224, 224), (3, 33, 33), (1, 64, 47), (4, 35, 1), (3, 1, 65), (2, 97, 129)],
    "small": [(1, 28, 28), (3, 9, 9), (2, 17, 31), (3, 32, 32), (1, 9, 1), (5, 2, 11)],
}


def make(shape=(3, 9, 12), seed=0, **changes) -> ResNet:
    torch.manual_seed(seed)
    return ResNet(Dense(shape), **VALID | changes)


def stages_of(net: models.ResNet) -> list:
    """What each stage computes, as torchvision's ``forward`` writes it."""
    return [
        lambda x: net.maxpool(net.relu(net.bn1(net.conv1(x)))),
        net.layer1,
        net.layer2,
        net.layer3,
        lambda x: net.avgpool(net.layer4(x)).flatten(1),
    ]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("depth", [18, 34, 50])
def test_with_the_imagenet_stem_every_stage_is_torchvisions(depth, training):
    encoder = make((3, 33, 40), depth=depth, stem="imagenet").train(training)
    torch.manual_seed(0)
    reference = getattr(models, f"resnet{depth}")().train(training)
    x = torch.randn(2, 3, 33, 40)
    features = x
    for stage, right in zip(encoder.stages, stages_of(reference), strict=True):
        out = stage(features.clone())
        assert torch.equal(out, right(features.clone()))
        features = out.detach()
    reference.fc = torch.nn.Identity()
    assert torch.equal(encoder.eval()(x), reference.eval()(x))


def test_the_small_stem_is_one_convolution_and_the_rest_is_torchvisions():
    encoder = make().eval()
    torch.manual_seed(0)
    reference = models.resnet18().eval()
    x = torch.randn(2, 3, 9, 12)
    kernel = encoder.stages[0][0].weight
    assert kernel.shape == (64, 3, 3, 3)
    stem = F.relu(reference.bn1(F.conv2d(x, kernel, stride=1, padding=1)))
    assert_close(encoder.stages[0](x), stem)
    for right in stages_of(reference)[1:]:
        stem = right(stem)
    assert_close(encoder(x), stem)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_new_filters_are_drawn_as_torchvision_draws(channels):
    for stem, side in (("imagenet", 33), ("small", 9)):
        filters = make((channels, side, side), stem=stem).stages[0][0].weight
        deviation = (2 / (64 * filters[0, 0].numel())) ** 0.5
        assert filters.std().item() == pytest.approx(deviation, rel=0.15)


@pytest.mark.parametrize("depth", [18, 34, 50])
@pytest.mark.parametrize(("stem", "shape"), [(stem, s) for stem in SHAPES for s in SHAPES[stem]])
def test_stages_give_the_shapes_that_they_declare(stem, shape, depth):
    with torch.device("meta"):  # shapes without numbers
        vector, image = (
            ResNet(Dense(shape), **VALID | {"depth": depth, "stem": stem, "pool": pool})
            for pool in (True, False)
        )
        for encoder in (vector, image):
            x = torch.empty(2, *shape)
            assert len(encoder.stages) == 5
            for stage, own in zip(encoder.stages, encoder.shapes, strict=True):
                x = stage(x)
                assert x.shape[1:] == own
    assert vector.out_shape == ((2048,) if depth == 50 else (512,))
    assert image.out_shape[:1] == vector.out_shape
    assert vector.shapes[0][1:] == (shape[1:] if stem == "small" else image.shapes[1][1:])


def test_features_are_the_mean_over_the_maps_positions():
    vector, image = (make((3, 17, 12), pool=pool).eval() for pool in (True, False))
    x = torch.randn(2, 3, 17, 12)
    assert_close(vector(x), image(x).mean((2, 3)))


@pytest.mark.parametrize("batch_size", [1, 2])
@pytest.mark.parametrize(("stem", "shape"), [("small", (1, 9, 3)), ("imagenet", (2, 5, 33))])
def test_the_smallest_images_train_in_the_smallest_batches(stem, shape, batch_size):
    encoder = make(shape, stem=stem)
    encoder(torch.randn(batch_size, *shape)).square().sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in encoder.parameters())
    assert encoder.eval()(torch.randn(1, *shape)).isfinite().all()


@pytest.mark.parametrize(("stem", "side"), [("small", 17), ("imagenet", 65)])
def test_gradients_reach_every_parameter(stem, side):
    encoder = make((2, side, side), stem=stem)
    encoder(torch.randn(3, 2, side, side)).square().sum().backward()
    names = [name for name, p in encoder.named_parameters() if p.grad is None or not p.grad.any()]
    assert names == []


def test_one_seed_gives_one_network():
    first, second, other = (list(make(seed=seed).parameters()) for seed in (3, 3, 4))
    assert all(map(torch.equal, first, second))
    assert not torch.equal(first[0], other[0])


def test_copies_in_a_stack_give_what_each_gives_alone():
    copies = [make(seed=seed).eval() for seed in range(2)]
    x = torch.randn(3, 3, 9, 12)
    alone = torch.stack([copy(x) for copy in copies])
    for s, stages in enumerate(zip(*(copy.stages for copy in copies), strict=True)):
        x = stack(stages, shared_input=s == 0).eval()(x)
    assert_close(x, alone)


def test_images_of_other_channels_share_all_but_the_stem():
    specs = {"grey": Dense((1, 9, 12)), "colour": Dense((3, 9, 12))}
    trunk = Trunk(lambda spec: ResNet(spec, **VALID), specs).eval()
    assert [len(stage) for stage in trunk.stages] == [2, 1, 1, 1, 1]
    assert trunk(torch.randn(1, 1, 9, 12), "grey").shape == (1, 512)


@pytest.fixture
def pretrained(tmp_path, monkeypatch) -> models.ResNet:
    """A network whose weights lie where torch keeps those that it has downloaded."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    torch.manual_seed(1)
    net = models.resnet18()
    for name, value in net.state_dict().items():  # statistics as after some training
        if "running" in name:
            value.add_(torch.rand(value.shape), alpha=0.1)
    (tmp_path / "checkpoints").mkdir()
    torch.save(net.state_dict(), tmp_path / "checkpoints" / "resnet18-f37072fd.pth")
    return net.eval()


@pytest.mark.parametrize("name", ["IMAGENET1K_V1", "DEFAULT"])
def test_pretrained_weights_are_those_of_torchvision(pretrained, name):
    encoder = make((3, 33, 33), weights=name, stem="imagenet").eval()
    x = torch.randn(2, 3, 33, 33)
    pretrained.fc = torch.nn.Identity()
    assert torch.equal(encoder(x), pretrained(x))
    assert encoder.first_weights == ("weights",)  # which a checkpoint replaces


@pytest.mark.parametrize("channels", [1, 2, 4, 6])
def test_pretrained_filters_see_equal_channels_as_a_grey_image(pretrained, channels):
    encoder = make((channels, 33, 33), weights="IMAGENET1K_V1", stem="imagenet").eval()
    grey = torch.randn(2, 1, 33, 33)
    pretrained.fc = torch.nn.Identity()
    assert_close(encoder(grey.repeat(1, channels, 1, 1)), pretrained(grey.repeat(1, 3, 1, 1)))


def test_with_the_small_stem_all_but_the_first_convolution_is_pretrained(pretrained):
    encoder = make(weights="IMAGENET1K_V1").eval()
    x = torch.randn(2, 64, 5, 7)
    assert encoder.stages[0][0].weight.shape == (64, 3, 3, 3)
    assert torch.equal(encoder.stages[0][1](x), pretrained.bn1(x))
    for stage, right in zip(encoder.stages[1:], stages_of(pretrained)[1:], strict=True):
        assert torch.equal(stage(x), right(x))
        x = right(x)


def test_weights_that_cannot_be_had_are_told_with_where_to_put_them(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    told = r"encoder\.weights must be .* at hand[^\0]*{}[^\0]*put https://\S+resnet18\S+ into "
    with pytest.raises(Problem, match=told.format("offline=true")):
        make(weights="DEFAULT")

    def no_network(*args, **kwargs):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", no_network)
    with pytest.raises(Problem, match=told.format("no route to host")):
        make(weights="DEFAULT", offline=False)


def test_a_broken_file_of_weights_is_told(pretrained, tmp_path):
    file = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(Problem, match=r"encoder\.weights must be .* at hand"):
        make(weights="DEFAULT")


@pytest.mark.parametrize("wrong", ["imagenet", "IMAGENET1K_V2", True, 1])
def test_unknown_weights_are_told_with_the_known_ones(wrong):
    with pytest.raises(Problem, match=r"encoder\.weights must be one of IMAGENET1K_V1, DEFAULT"):
        make(weights=wrong)
    assert "IMAGENET1K_V2" in models.get_model_weights("resnet50").__members__


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("depth", wrong) for wrong in (20, 101, "resnet18", 18.0, True, None)),
        *(("stem", wrong) for wrong in ("large", "", None)),
        *(("pool", wrong) for wrong in (1, "true", None)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"encoder\.{option} must be"):
        make(**{option: wrong})


@pytest.mark.parametrize(
    "spec", [Dense((4,)), Dense((4, 40)), BagOfWords(5), Tokens(5, 4)], ids=str
)
def test_what_is_no_image_is_refused(spec):
    with pytest.raises(Problem, match=r"(?i)^encoder resnet reads .*\n  found: .*\n  try: "):
        ResNet(spec, **VALID)


@pytest.mark.parametrize(
    ("stem", "shape", "fix"),
    [
        ("imagenet", (3, 32, 32), "encoder.stem=small"),
        ("imagenet", (3, 8, 5), "encoder=cnn"),
        ("small", (1, 8, 8), "encoder=cnn"),
        ("small", (1, 1, 1), "encoder=cnn"),
    ],
)
def test_an_image_that_shrinks_to_one_position_is_refused(stem, shape, fix):
    with pytest.raises(Problem, match=rf"encoder\.stem={stem} shrinks[^\0]*try:   {fix}$"):
        make(shape, stem=stem)
