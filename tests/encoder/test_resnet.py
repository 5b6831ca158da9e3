"""The residual encoder against torchvision's networks with the same weights."""

import urllib.error

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close
from torchvision import models

from mtl_cli.arch.experts import stack
from mtl_cli.arch.trunk import Trunk
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import BagOfWords, Dense, Tokens
from mtl_cli.basis.plain_inputs import as_plain
from mtl_cli.encoder.resnet import ResNet

VALID = {"depth": 18, "weights": None, "stem": "small", "pool": True, "offline": True}
VALID |= {"output_stride": None}
SHAPES = {
    "imagenet": [(3, 224, 224), (3, 33, 33), (1, 64, 47), (4, 35, 1), (3, 1, 65), (2, 97, 129)],
    "small": [(1, 28, 28), (3, 9, 9), (2, 17, 31), (3, 32, 32), (1, 9, 1), (5, 2, 11)],
}

STRIDES = {"imagenet": 32, "small": 8}
DILATED = [
    ("imagenet", 16, (3, 65, 40), 18),
    ("imagenet", 8, (1, 47, 64), 18),
    ("imagenet", 4, (3, 33, 40), 50),
    ("small", 4, (2, 17, 20), 18),
    ("small", 1, (3, 9, 14), 34),
]


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


def test_an_automatic_stem_is_that_of_imagenet_for_large_images():
    assert make((3, 96, 128), stem="auto").shapes == make((3, 96, 128), stem="imagenet").shapes
    assert make((3, 95, 128), stem="auto").shapes == make((3, 95, 128), stem="small").shapes


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


@pytest.mark.parametrize(
    ("stem", "shape", "times", "depth"),
    [
        *(
            (stem, s, None, depth)
            for stem in SHAPES
            for s in SHAPES[stem]
            for depth in (18, 34, 50)
        ),
        *(
            (stem, SHAPES[stem][k], times, 18)
            for stem in SHAPES
            for k, times in enumerate([4, 8, 2])
        ),
        *((stem, SHAPES[stem][k], 4, 50) for stem in SHAPES for k in (4, 5)),
    ],
)
def test_stages_give_the_shapes_that_they_declare(stem, shape, times, depth):
    output_stride = None if times is None else STRIDES[stem] // times
    options = VALID | {"depth": depth, "stem": stem, "output_stride": output_stride}
    with torch.device("meta"):  # shapes without numbers
        vector, image = (ResNet(Dense(shape), **options | {"pool": pool}) for pool in (True, False))
        for encoder in (vector, image):
            x = torch.empty(2, *shape)
            assert len(encoder.stages) == 5
            for stage, own in zip(encoder.stages, encoder.shapes, strict=True):
                x = stage(x)
                assert x.shape[1:] == own
    assert vector.out_shape == ((2048,) if depth == 50 else (512,))
    assert image.out_shape[:1] == vector.out_shape
    if output_stride is not None:
        assert image.out_shape[1:] == tuple(-(-side // output_stride) for side in shape[1:])
    assert vector.shapes[0][1:] == (shape[1:] if stem == "small" else image.shapes[1][1:])


@pytest.mark.parametrize(
    ("output_stride", "groups", "training"), [(32, 0, False), (16, 1, False), (8, 2, True)]
)
def test_dilated_at_depth_50_it_is_torchvisions(output_stride, groups, training):
    options = {"depth": 50, "stem": "imagenet", "pool": False, "output_stride": output_stride}
    encoder = make((3, 33, 40), **options).train(training)
    torch.manual_seed(0)
    dilated = [k >= 3 - groups for k in range(3)]
    net = models.resnet50(replace_stride_with_dilation=dilated).train(training)
    x = torch.randn(2, 3, 33, 40)
    expected = net.maxpool(net.relu(net.bn1(net.conv1(x.clone()))))
    for group in (net.layer1, net.layer2, net.layer3, net.layer4):
        expected = group(expected)
    assert torch.equal(encoder(x), expected)


def plain_groups(encoder: ResNet, x: torch.Tensor, rates: list[tuple[int, int, int]]):
    """The four groups of depth 18 or 34 in evaluation, by torch's functions: for each its stride,
    the dilation of its first convolution, and that of the others."""

    def convolve(x, kernel, norm, stride=1, rate=1):
        x = F.conv2d(x, kernel.weight, None, stride, rate * (kernel.kernel_size[0] // 2), rate)
        return F.batch_norm(x, norm.running_mean, norm.running_var, norm.weight, norm.bias)

    for stage, (stride, first, rate) in zip(encoder.stages[1:], rates, strict=True):
        for k, block in enumerate(stage):
            strides, rates_here = (stride, 1), (first, rate)
            if k > 0:
                strides, rates_here = (1, 1), (rate, rate)
            out = F.relu(convolve(x, block.conv1, block.bn1, strides[0], rates_here[0]))
            out = convolve(out, block.conv2, block.bn2, strides[1], rates_here[1])
            if block.downsample is not None:
                x = convolve(x, *block.downsample, strides[0])
            x = F.relu(out + x)
    return x


@pytest.mark.parametrize("depth", [18, 34])
@pytest.mark.parametrize(
    ("output_stride", "rates"),
    [
        (4, [(1, 1, 1), (2, 1, 1), (2, 1, 1), (1, 1, 2)]),
        (2, [(1, 1, 1), (2, 1, 1), (1, 1, 2), (1, 2, 4)]),
        (1, [(1, 1, 1), (1, 1, 2), (1, 2, 4), (1, 4, 8)]),
    ],
)
def test_dilated_at_depths_18_and_34_it_is_a_plain_loop(output_stride, rates, depth):
    encoder = make((2, 13, 16), depth=depth, pool=False, output_stride=output_stride).eval()
    x = torch.randn(2, 2, 13, 16)
    assert_close(encoder(x), plain_groups(encoder, encoder.stages[0](x), rates))


@pytest.mark.parametrize(("stem", "output_stride", "shape", "depth"), DILATED)
def test_a_dilated_map_has_every_value_of_the_smaller_map(stem, output_stride, shape, depth):
    whole, dilated = (
        make(shape, depth=depth, stem=stem, pool=False, output_stride=stride).eval()
        for stride in (None, output_stride)
    )
    times, x = STRIDES[stem] // output_stride, torch.randn(1, *shape)
    assert_close(dilated(x)[..., ::times, ::times], whole(x), rtol=1e-4, atol=1e-4)
    for a, b in zip(whole.state_dict().values(), dilated.state_dict().values(), strict=True):
        assert torch.equal(a, b)


def test_the_largest_stride_changes_nothing_and_the_mean_is_that_of_the_larger_map():
    x = torch.randn(2, 3, 17, 12)
    same, as_today = (make((3, 17, 12), output_stride=stride).eval() for stride in (8, None))
    assert torch.equal(same(x), as_today(x))
    vector, image = (make((3, 17, 12), pool=p, output_stride=4).eval() for p in (True, False))
    assert_close(vector(x), image(x).mean((2, 3)))


@pytest.mark.parametrize(
    ("stem", "wrong", "fix"),
    [
        ("small", 16, "encoder.stem=imagenet"),
        ("small", 32, "encoder.stem=imagenet"),
        ("imagenet", 2, "encoder.stem=small"),
        *(("imagenet", wrong, "encoder.output_stride=8") for wrong in (64, 0, 7, "8", 8.0)),
        *(("small", wrong, "encoder.output_stride=8") for wrong in (True, -8, [8])),
    ],
)
def test_a_stride_that_a_stem_has_not_is_told(stem, wrong, fix):
    told = (
        rf"encoder\.output_stride must be null or, with encoder\.stem={stem}, one of [^\0]*{fix}$"
    )
    with pytest.raises(Problem, match=told):
        make((3, 40, 40), stem=stem, output_stride=wrong)


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


def test_pretrained_filters_read_colours_as_imagenet_normalises_them(pretrained):
    v = torch.rand(2, 3, 65, 65)
    spec = Dense((3, 65, 65), pixels=(0.6, 0.2))
    wanted = {"weights": "IMAGENET1K_V1", "stem": "imagenet", "pool": False}
    stage = ResNet(spec, **VALID | wanted).stages[0].eval()
    mean, deviation = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[..., None, None]
    right = torch.nn.Sequential(pretrained.conv1, pretrained.bn1, pretrained.relu)
    inside = (..., slice(2, -2), slice(2, -2))  # what no filter reads beyond the border from
    assert_close(stage[:3]((v - 0.6) / 0.2)[inside], right((v - mean) / deviation)[inside])
    assert spec == Dense((3, 65, 65))
    assert "pixels" not in as_plain(spec)


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


def test_a_dilated_map_may_come_of_a_smaller_image():
    options = {"stem": "imagenet", "pool": False, "output_stride": 8}
    assert make((3, 12, 9), **options).out_shape == (512, 2, 2)
    told = r"shrinks the image 16 times[^\0]*encoder.stem=small encoder.output_stride=null$"
    with pytest.raises(Problem, match=told):
        make((3, 12, 9), **options | {"output_stride": 16})
