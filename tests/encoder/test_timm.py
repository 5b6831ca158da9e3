"""Networks of timm, in stages, against timm's own features, each with random weights."""

import copy
import csv
import json
import math
import pickle
import re
import shlex
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from torch.testing import assert_close

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense, Tokens
from mtl_cli.basis.layered import layers_above
from mtl_cli.encoder.timm import Timm
from mtl_cli.evaluate import evaluate

timm = pytest.importorskip("timm")

PAGE = Path(__file__).parents[2] / "docs" / "pretrained.md"
OPTIONS = {"weights": None, "options": None, "pool": True, "freeze": None}
OPTIONS |= {"cache": False, "checkpointing": False, "offline": True}
TINY_CONVNEXT = {"depths": [1, 1, 2, 1], "dims": [4, 6, 8, 10]}
TINY_SWIN = {"depths": [1, 1, 2, 1], "embed_dim": 8, "num_heads": [1, 1, 2, 2]}
TINY_VIT = {"depth": 3, "embed_dim": 24, "num_heads": 2}
BY_SIZES = {
    "resnet10t": {},
    "convnext_atto": TINY_CONVNEXT,
    "mobilenetv3_small_050": {},
    "regnetx_002": {},
    "swin_tiny_patch4_window7_224": TINY_SWIN,
}
BY_BLOCKS = {"vit_tiny_patch16_224": TINY_VIT, "deit_tiny_distilled_patch16_224": TINY_VIT}
WHOLE = {"pvt_v2_b0": {}, "beit_base_patch16_224": TINY_VIT}
EVERY = BY_SIZES | BY_BLOCKS | WHOLE
SIZE = (3, 64, 64)


def make(model: str, spec=None, seed=0, **own) -> Timm:
    torch.manual_seed(seed)
    given = OPTIONS | {"options": EVERY[model.partition(".")[0]]} | own
    return Timm(spec or Dense(SIZE), model, **given)


def shaken(net: nn.Module) -> nn.Module:
    """Everything that is learned or counted drawn, so that nothing is hidden by a zero."""
    torch.manual_seed(1)
    with torch.no_grad():
        for value in net.parameters():
            value.copy_(0.3 * torch.randn_like(value))
        for name, value in net.named_buffers():
            if "running" in name:
                value.copy_(0.5 + torch.rand_like(value))
    return net.eval()


def library(model: str, **own) -> nn.Module:
    size = {"img_size": 64} if "224" in model else {}
    return timm.create_model(model, **EVERY[model] | size | own)


@pytest.fixture
def saved(tmp_path):
    """Saves a network that timm made, with weights that are drawn."""
    from safetensors.torch import save_file

    def save(model: str, file: str = "own.safetensors", **own):
        net = shaken(library(model, num_classes=7, **own))
        save_file(net.state_dict(), tmp_path / file)
        return net, tmp_path / file

    return save


def stage_by_stage(encoder: Timm, x: torch.Tensor) -> list[torch.Tensor]:
    found = []
    for stage in encoder.stages:
        x = stage(x)
        found.append(x)
    return found


@pytest.mark.parametrize("model", EVERY)
def test_features_are_those_that_timms_classifier_reads(model, saved):
    net, file = saved(model)
    encoder, x = make(model, weights=str(file)).eval(), torch.randn(2, *SIZE)
    with torch.no_grad():
        expected = net.forward_head(net.forward_features(x), pre_logits=True)
        given = stage_by_stage(encoder, x)
    assert_close(given[-1], expected, rtol=1e-5, atol=1e-5)
    assert [tuple(own.shape[1:]) for own in given] == encoder.shapes
    assert (len(given) == 1) == (model in WHOLE)


@pytest.mark.parametrize("model", BY_SIZES)
def test_stages_are_cut_where_timm_takes_features(model, saved):
    net, file = saved(model)
    encoder, x = make(model, weights=str(file), pool=False).eval(), torch.randn(2, *SIZE)
    taken = library(model, features_only=True).eval()
    state, own = net.state_dict(), taken.state_dict()
    named = {name.replace(".", "_"): value for name, value in state.items()}
    taken.load_state_dict({name: named[name.replace(".", "_")] for name in own})
    with torch.no_grad():
        expected = [f.movedim(-1, 1) if "swin" in model else f for f in taken(x)]
        given = stage_by_stage(encoder, x)
    assert len(given) == len(expected) >= 4
    for ours, theirs in zip(given, expected, strict=True):
        assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model", BY_BLOCKS)
def test_a_vision_transformer_has_a_stage_for_each_block(model, saved):
    net, file = saved(model)
    x = torch.randn(2, *SIZE)
    vectors, maps = (make(model, weights=str(file), pool=pool).eval() for pool in (True, False))
    hidden: list[torch.Tensor] = []
    for block in net.blocks:
        block.register_forward_pre_hook(lambda _, given: hidden.append(given[0]))
    with torch.no_grad():
        last = net.forward_features(x)
        given = stage_by_stage(vectors, x)
        at_end = maps(x)
    for ours, theirs in zip(given, hidden, strict=False):
        assert_close(ours.transpose(1, 2), theirs, rtol=1e-5, atol=1e-5)
    patches = last[:, net.num_prefix_tokens :].transpose(1, 2).unflatten(2, (4, 4))
    assert_close(at_end, patches, rtol=1e-5, atol=1e-5)
    assert len(vectors.stages) == len(maps.stages) == 1 + TINY_VIT["depth"]
    assert maps.out_shape == (24, 4, 4)


def test_a_network_that_is_one_stage_has_its_last_map(saved):
    net, file = saved("pvt_v2_b0")
    encoder, x = make("pvt_v2_b0", weights=str(file), pool=False).eval(), torch.randn(2, *SIZE)
    with torch.no_grad():
        assert_close(encoder(x), net.forward_features(x), rtol=1e-5, atol=1e-5)
    with pytest.raises(Problem, match="has no map at its end"):
        make("beit_base_patch16_224", pool=False)


@pytest.mark.parametrize("model", ["resnet10t", "vit_tiny_patch16_224"])
def test_every_parameter_is_held_once_and_learns(model):
    encoder = make(model)
    net = library(model, num_classes=0)
    counted = sum(p.numel() for p in encoder.parameters())
    assert counted == sum(p.numel() for p in net.parameters())
    encoder(torch.randn(2, *SIZE)).square().sum().backward()
    assert [name for name, p in encoder.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(("model", "freeze"), [("resnet10t", 3), ("vit_tiny_patch16_224", "all")])
def test_what_is_frozen_does_not_move(model, freeze):
    encoder = make(model, freeze=freeze, options=EVERY[model] | {"drop_path_rate": 0.5}).train()
    count = len(encoder.stages) if freeze == "all" else freeze
    before = copy.deepcopy(encoder.state_dict())
    x = torch.randn(4, *SIZE)
    first, again = (stage_by_stage(encoder, x)[count - 1] for _ in range(2))
    assert torch.equal(first, again)
    trained = [p for p in encoder.parameters() if p.requires_grad]
    if trained:
        encoder(x).square().sum().backward()
        torch.optim.SGD(trained, 0.1).step()
    frozen = tuple(f"stages.{i}." for i in range(count))
    for name, value in encoder.state_dict().items():
        if name.startswith(frozen):
            assert torch.equal(value, before[name]), name
    moved = [n for n, v in encoder.state_dict().items() if not torch.equal(v, before[n])]
    assert bool(moved) == (freeze != "all")


@pytest.mark.parametrize("model", ["resnet10t", "vit_tiny_patch16_224"])
def test_blocks_that_are_computed_anew_change_neither_gradients_nor_statistics(model):
    x, found = torch.randn(4, *SIZE), []
    for again in (False, True):
        encoder = make(model, checkpointing=again).train()
        encoder(x).square().mean().backward()
        found.append((encoder.state_dict(), [p.grad for p in encoder.parameters()]))
    (state, plain), (other, anew) = found
    assert all(torch.equal(state[name], other[name]) for name in state)
    assert_close(plain, anew, rtol=1e-6, atol=1e-8)


def test_colours_are_read_as_the_weights_were_trained(saved):
    net, file = saved("resnet10t")
    net.double()  # of single precision, what is beyond the rounding could not be told
    m, s = (torch.tensor(net.pretrained_cfg[own])[:, None, None] for own in ("mean", "std"))
    v = torch.rand(2, *SIZE).double()
    encoder = make("resnet10t", Dense(SIZE, (0.4, 0.2)), weights=str(file)).eval().double()
    with torch.no_grad():
        expected = net.forward_head(net.forward_features((v - m) / s), pre_logits=True)
        assert_close(encoder((v - 0.4) / 0.2), expected, rtol=1e-4, atol=1e-5)
        fresh = make("resnet10t", seed=3)  # as a checkpoint finds it, when pixels are not said
        fresh.load_state_dict(encoder.state_dict())
        assert_close(fresh.eval().double()((v - 0.4) / 0.2), expected, rtol=1e-4, atol=1e-5)
        grey = make("resnet10t", Dense((1, 64, 64)), weights=str(file)).eval().double()
        alike = net.forward_head(net.forward_features(v[:, :1].expand(v.shape)), pre_logits=True)
        assert_close(grey(v[:, :1]), alike, rtol=1e-4, atol=1e-5)


def test_a_folder_says_size_and_colours(saved, tmp_path):
    net, _ = saved("convnext_atto", "model.safetensors")
    said = {"architecture": "convnext_atto", "num_classes": 7, "model_args": TINY_CONVNEXT}
    said["pretrained_cfg"] = {"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.5, 0.5]}
    (tmp_path / "config.json").write_text(json.dumps(said))
    own = {"weights": str(tmp_path), "options": None}
    encoder = make("convnext_atto", Dense(SIZE, (0.5, 0.25)), **own).eval()
    v = torch.rand(2, *SIZE)
    x = (v - torch.tensor([0.1, 0.2, 0.3])[:, None, None]) / 0.5
    with torch.no_grad():
        expected = net.forward_head(net.forward_features(x), pre_logits=True)
        assert_close(encoder((v - 0.5) / 0.25), expected, rtol=1e-4, atol=1e-5)
    kept = Timm.kept({"model": "convnext_atto", **own})
    assert kept == {"options": TINY_CONVNEXT}  # what a run's folder needs in place of this one
    with pytest.raises(Problem, match="those of convnext_atto"):
        make("resnet10t", weights=str(tmp_path))


def test_positions_are_fitted_to_the_picture(saved):
    _, file = saved("vit_tiny_patch16_224")
    encoder = make("vit_tiny_patch16_224", Dense((3, 48, 96)), weights=str(file))
    assert encoder.shapes == [(24, 1 + 3 * 6)] * TINY_VIT["depth"] + [(24,)]
    assert layers_above(encoder)[encoder.stages[0].layers[0].net.cls_token] == TINY_VIT["depth"]


def test_weights_by_name_are_looked_for_on_the_hub_and_offline_only_at_hand(monkeypatch, saved):
    net, file = saved("resnet10t")
    asked = []

    def download(name, filename, local_files_only):
        asked.append((name, filename, local_files_only))
        if filename.endswith("bin"):
            return str(file)
        raise FileNotFoundError("not in the cache\nat all")

    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    encoder, x = make("resnet10t.c3_in1k", weights="hub").eval(), torch.randn(1, *SIZE)
    with torch.no_grad():
        expected = net.forward_head(net.forward_features(x), pre_logits=True)
        assert_close(encoder(x), expected, rtol=1e-5, atol=1e-5)
    names = ("model.safetensors", "pytorch_model.bin")
    assert asked == [("timm/resnet10t.c3_in1k", name, True) for name in names]
    monkeypatch.setattr("mtl_cli.encoder.timm_models.FILES", names[:1])
    with pytest.raises(Problem) as caught:
        make("resnet10t", weights="hub", offline=False)
    assert asked[-1] == ("timm/resnet10t.c3_in1k", names[0], False)
    folder = "models/resnet10t.c3_in1k"
    put = (
        f"encoder.weights={folder}, after: hf download timm/resnet10t.c3_in1k --local-dir {folder}"
    )
    assert caught.value.fix == put
    assert "FileNotFoundError: not in the cache" in caught.value.found


class Anything:
    def __reduce__(self):
        return print, ("this was run",)


def test_weights_of_another_network_and_pickles_are_refused(saved, tmp_path, capsys):
    _, file = saved("resnet10t")
    with pytest.raises(Problem, match="must be weights of mobilenetv3_small_050"):
        make("mobilenetv3_small_050", weights=str(file))
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(file.read_bytes()[:1000])
    harmful = tmp_path / "harmful.pth"
    harmful.write_bytes(pickle.dumps(Anything()))
    for path in (broken, harmful):
        with pytest.raises(Problem, match="must be tensors alone"):
            make("resnet10t", weights=str(path))
    assert "this was run" not in capsys.readouterr().out
    for path in (tmp_path / "none.pth", tmp_path / "none"):
        with pytest.raises(Problem, match=r"(?s)must be weights of this network.*hf download"):
            make("resnet10t", weights=str(path))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "resnet10"}, "encoder.model=resnet10t"),
        ({"model": "resnet10t.c3"}, "encoder.model=resnet10t.c3_in1k"),
        ({"options": {"depht": 2}}, "must be what resnet10t takes"),
        ({"options": {"checkpoint_path": "a.pth"}}, "checkpoint_path must not be among"),
        ({"options": {"pretrained_cfg": {}}}, "pretrained_cfg must not be among"),
        ({"options": {"layers": {"a": 1}}}, "must be a number, a word, or a list"),
        ({"options": 3}, "must be options of the model by name"),
        ({"freeze": 6}, "at most the stages of the network: 5"),
        ({"freeze": "some"}, "encoder.freeze"),
        ({"spec": Dense((8,))}, "reads images"),
        ({"spec": Dense((3, 7, 9)), "model": "convnext_atto"}, "for images of this size"),
        ({"spec": Tokens(10, 4)}, "reads"),
    ],
)
def test_what_cannot_be_is_refused(changes, said):
    own = {"spec": Dense(SIZE), "model": "resnet10t"} | OPTIONS | changes
    with pytest.raises(Problem) as caught:
        Timm(**own)
    assert said in str(caught.value)


def test_without_the_package_what_to_install_is_said(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "timm", None)
    with pytest.raises(Problem, match=r"pip install 'mtl-cli\[vision\]', or: pip install timm"):
        make("resnet10t")


def test_a_run_needs_no_weights_once_it_has_begun_and_its_features_can_be_kept(saved, tmp_path):
    _, file = saved("resnet10t")
    for i in range(24):
        (tmp_path / "pictures" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        pixels = torch.randint(256, (40, 40, 3), dtype=torch.uint8).numpy()
        Image.fromarray(pixels).save(tmp_path / "pictures" / "ab"[i % 2] / f"{i}.png")
    words = ["encoder=timm", "encoder.model=resnet10t", f"encoder.weights={file}", "device=cpu"]
    words += ["dataset=images", f"dataset.path={tmp_path / 'pictures'}", "dataset.cache=false"]
    words += ["dataset.targets={kind: multiclass}", "encoder.freeze=all", "dataset.batch_size=8"]
    words += ["trainer.max_epochs=1", "pictures.curves=false", "scheduler=none", "offline=true"]
    found = []
    for cache in ("false", "true"):
        mtl_cli.train([*words, f"encoder.cache={cache}", f"hydra.run.dir={tmp_path / cache}"])
        with (tmp_path / cache / "metrics.csv").open(newline="") as rows:
            found.append(list(csv.reader(rows)))
    for one, other in zip(*(own[1:] for own in found), strict=True):
        assert one[:5] == other[:5]
        assert math.isclose(float(one[5]), float(other[5]), rel_tol=1e-5)
    file.unlink()
    figures = evaluate([f"run={tmp_path / 'true'}"])["figures"]
    test = [float(row[-1]) for row in found[1] if row[2:5] == ["test", "kind", "loss"]]
    assert figures["kind"]["loss"] == test[0]


def test_the_page_of_pretrained_encoders_says_what_runs(tmp_path, monkeypatch):
    page = PAGE.read_text(encoding="utf-8")
    (line,) = re.findall(r"^mtl-train encoder=timm .*", page, re.M)
    from safetensors.torch import save_file

    folder = tmp_path / "models" / "resnet50.a1_in1k"
    folder.mkdir(parents=True)
    net = timm.create_model("resnet50", num_classes=2)
    save_file(net.state_dict(), folder / "model.safetensors")
    with (tmp_path / "shapes.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "shape", "size"])
        for i in range(16):
            Image.new("RGB", (32, 32), (16 * i, 99, 0)).save(tmp_path / f"{i}.png")
            rows.writerow([f"{i}.png", "ab"[i % 2], i])
    monkeypatch.chdir(tmp_path)
    mtl_cli.train([*shlex.split(line)[1:], "trainer=smoke", "dataset.cache=false"])
    (summary,) = tmp_path.glob("runs/*/*/summary.json")
    assert set(json.loads(summary.read_text())["metrics"]) == {"shape", "size"}
