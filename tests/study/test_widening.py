"""A single-task model of the joint model's size: when it is trained, and how large it comes out."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hydra.utils import get_class
from omegaconf import OmegaConf

import mtl_cli.train
from mtl_cli.basis.inputs import Dense, Tokens
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.study.widening import options_of_size, size, widened_words

CONF = Path(__file__).parent.parent.parent / "conf" / "encoder"
SMOKE = ["trainer=smoke", "dataset.num_samples=100", "encoder.hidden=[8,6]"]


@pytest.fixture
def study(tmp_path: Path):
    """A study's folder as its runs leave it: an architecture, and single-task beside it."""

    def train(arch: str, encoder: Sequence[str] = SMOKE[2:3]) -> Path:
        for folder, word in (("0", f"arch={arch}"), ("single_task/0", "arch=single_task")):
            place = tmp_path / "sweep" / folder
            if not place.exists():
                mtl_cli.train([f"hydra.run.dir={place}", *SMOKE[:2], *encoder, word])
        return tmp_path / "sweep"

    return train


def test_a_larger_joint_model_asks_for_a_single_task_of_its_size(study, capsys, tmp_path) -> None:
    sweep = study("mmoe")
    capsys.readouterr()
    words = widened_words(["study=baselines", *SMOKE, "arch=mmoe", "seed=0,1"], sweep)
    said = capsys.readouterr().out
    assert words is not None
    joint = read_run(sweep / "0")
    assert f"{size(joint):,} parameters" in said
    [hidden] = [word for word in words if word.startswith("encoder.hidden=")]
    assert words[-2:] == ["arch=single_task", f"hydra.sweep.dir={sweep / 'single_task_widened'}"]
    assert {"study=baselines", "seed=0,1"} <= set(words)
    own = [f"hydra.run.dir={tmp_path / 'wide'}", *SMOKE[:2], "arch=single_task", hidden]
    wide = mtl_cli.train(own)["parameters"]["total"]
    assert wide == pytest.approx(size(joint), rel=0.1)
    assert wide > 1.5 * size(read_run(sweep / "single_task/0"))


def test_a_smaller_joint_model_asks_for_nothing(study) -> None:
    assert widened_words([], study("hps")) is None


def test_an_encoder_that_cannot_be_widened_is_said(study, capsys) -> None:
    sweep = study("mmoe", ["encoder=linear", "encoder.out_features=8"])
    assert widened_words([], sweep) is None
    assert "not widened: encoder=linear says no way how" in capsys.readouterr().out


def test_several_encoders_are_not_widened(study, capsys) -> None:
    sweep = study("mmoe")
    place = f"hydra.run.dir={sweep / 'single_task/1'}"
    mtl_cli.train([place, *SMOKE[:2], "encoder.hidden=[5]", "arch=single_task"])
    assert widened_words([], sweep) is None
    assert "not widened: single-task has several encoders" in capsys.readouterr().out


def test_the_size_comes_near(study) -> None:
    run = read_run(study("hps") / "single_task/0")
    for factor in (2, 3, 10, 100):
        wished = factor * size(run)
        first, second = options_of_size(run, wished)["hidden"]
        found = 2 * (2 * first + (first + 1) * second + second + 1)  # for sin and for cos
        assert found == pytest.approx(wished, rel=0.08)


def test_every_encoder_that_says_how_becomes_larger() -> None:
    names = set()
    for path in sorted(CONF.glob("*.yaml")):
        options = OmegaConf.to_container(OmegaConf.load(path))
        kind = get_class(options["_target_"])
        own = {name: option for name, option in options.items() if not name.startswith("_")}
        wider = kind.widened(own, 2.0)
        assert set(wider) <= set(own)
        if wider:
            spec = Tokens(50, 9) if Dense not in kind.reads else Dense((3, 16, 16))
            with torch.device("meta"):
                small, large = (kind(spec, **x) for x in (own, own | wider))
            sizes = [sum(p.numel() for p in encoder.parameters()) for encoder in (small, large)]
            assert 1.8 * sizes[0] < sizes[1] < 4.2 * sizes[0], path.stem
            names.add(path.stem)
    assert names == {"mlp", "cnn", "text_cnn", "transformer"}
