"""Encoders of patches against torchvision's own networks with the same weights."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close
from torchvision import models

from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense, Tokens
from mtl_cli.encoder.torchvision import Torchvision

VALID = {"model": "convnext_tiny", "weights": None, "patch_size": "auto", "dim": None}
VALID |= {
    "depths": None,
    "drop_path": 0.0,
    "freeze": False,
    "cache": False,
    "pool": True,
    "offline": True,
}
LARGE = ["convnext_tiny", "swin_t", "swin_v2_t", "vit_b_32"]
SMALL = {"dim": 16, "depths": [1, 1, 1, 1]}


def make(shape=(3, 96, 96), seed=0, **changes) -> Torchvision:
    torch.manual_seed(seed)
    return Torchvision(Dense(shape), **VALID | changes)


def without_classifier(net: nn.Module) -> nn.Module:
    last = {"classifier": 2, "head": None, "heads": None}
    name = next(own for own in last if hasattr(net, own))
    if last[name] is None:
        setattr(net, name, nn.Identity())
    else:
        getattr(net, name)[last[name]] = nn.Identity()
    return net.eval()


@pytest.mark.parametrize("model", LARGE)
def test_its_features_are_those_that_torchvisions_classifier_reads(model):
    options = {"image_size": 96} if model.startswith("vit") else {}
    encoder = make(model=model).eval()
    torch.manual_seed(0)
    reference = without_classifier(getattr(models, model)(**options))
    x = torch.randn(2, 3, 96, 96)
    assert_close(encoder(x), reference(x), rtol=1e-5, atol=1e-5)
    assert encoder.out_shape == tuple(encoder(x).shape[1:])


@pytest.mark.parametrize("model", LARGE)
@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 12, 12)])
def test_small_images_have_small_patches_and_every_stage_the_shape_that_it_says(model, shape):
    encoder = make(shape, model=model, **SMALL)
    x = torch.randn(2, *shape)
    for stage, expected in zip(encoder.stages, encoder.shapes, strict=True):
        x = stage(x)
        assert tuple(x.shape) == (2, *expected)
    assert len(encoder.stages) == (5 if model.startswith("vit") else 4)


@pytest.mark.parametrize("model", ["convnext_tiny", "swin_t", "swin_v2_t"])
def test_a_map_comes_out_where_nothing_is_pooled(model):
    encoder = make((3, 20, 28), model=model, pool=False, **SMALL)
    assert encoder.out_shape[0] == 8 * SMALL["dim"]
    assert encoder(torch.randn(2, 3, 20, 28)).shape == (2, *encoder.out_shape)
    assert [len(shape) for shape in encoder.shapes] == [3] * 4


class Transforms:
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


class Weights:
    """Weights of torchvision as far as they are read, without a network."""

    @staticmethod
    def transforms():
        return Transforms


@pytest.fixture
def pretrained(monkeypatch, request):
    """Weights of a model that are drawn, and the network that has them."""
    torch.manual_seed(7)
    reference = getattr(models, request.param)()
    for parameter in reference.parameters():
        nn.init.normal_(parameter, std=0.05)
    state = dict(reference.state_dict())
    monkeypatch.setattr("mtl_cli.encoder.torchvision.load_weights", lambda *_: state)
    monkeypatch.setattr(
        "torchvision.models.get_model_weights",
        lambda name: type("Known", (), {"__members__": {"DEFAULT": Weights}}),
    )
    return request.param, without_classifier(reference)


@pytest.mark.parametrize("pretrained", ["convnext_tiny", "swin_t"], indirect=True)
def test_pretrained_filters_are_fitted_to_colours_and_channels(pretrained):
    model, reference = pretrained
    spec = Dense((3, 64, 64), (0.5, 0.5))  # a dataset's z = (v - 0.5) / 0.5
    encoder = Torchvision(spec, **VALID | {"model": model, "weights": "DEFAULT"}).eval()
    v = torch.rand(2, 3, 64, 64)
    m, s = (torch.tensor(own)[:, None, None] for own in (Transforms.mean, Transforms.std))
    assert_close(encoder((v - 0.5) / 0.5), reference((v - m) / s), rtol=1e-3, atol=1e-4)
    grey = Torchvision(Dense((1, 64, 64)), **VALID | {"model": model, "weights": "DEFAULT"}).eval()
    one = torch.randn(2, 1, 64, 64)
    assert_close(grey(one), reference(one.expand(-1, 3, -1, -1)), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("pretrained", ["vit_b_32"], indirect=True)
def test_positions_of_a_vision_transformer_are_interpolated(pretrained):
    model, reference = pretrained
    same = Torchvision(Dense((3, 224, 224)), **VALID | {"model": model, "weights": "DEFAULT"})
    x = torch.randn(1, 3, 224, 224)
    assert_close(same.eval()(x), reference(x), rtol=1e-4, atol=1e-4)
    other = Torchvision(Dense((3, 96, 96)), **VALID | {"model": model, "weights": "DEFAULT"})
    assert other.shapes[0] == (768, 1 + 9)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "resnet18"}, "encoder.model must be one of"),
        ({"weights": "V9"}, "encoder.weights must be one of IMAGENET1K_V1"),
        ({"weights": "IMAGENET1K_V1", "dim": 8}, "encoder.dim must be null with weights"),
        ({"weights": "IMAGENET1K_V1", "patch_size": 2}, "encoder.patch_size must be null"),
        ({"model": "vit_b_16", "pool": False}, "has no map at its end"),
        ({"dim": 8, "depths": [1, 2]}, "must be four numbers of blocks"),
        ({"drop_path": 2.0}, "encoder.drop_path"),
        ({"patch_size": 0}, "encoder.patch_size"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    with pytest.raises(Problem) as caught:
        make((3, 96, 96), **changes)
    assert said in str(caught.value)


def test_images_that_do_not_fit_are_refused():
    with pytest.raises(Problem, match="halves the image until nothing is left"):
        make((3, 16, 16), patch_size=4, **SMALL)
    with pytest.raises(Problem, match="reads square images"):
        make((3, 96, 128), model="vit_b_32")
    with pytest.raises(Problem, match=r"reads images \[C, H, W\]"):
        make((8,))
    with pytest.raises(Problem, match="reads"):
        Torchvision(Tokens(10, 4), **VALID)
