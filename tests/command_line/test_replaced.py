"""What an experiment says of its own part is left out where another part is chosen."""

import pytest
from omegaconf import OmegaConf

from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.command_line.places import CONF


def part(group: str, *words: str) -> set[str]:
    cfg = compose("train", list(words))
    return {str(key) for key in job_config(cfg, cfg.hydra)[group]} - {"_of_maps_"}


@pytest.mark.parametrize(
    ("experiment", "group", "choice"),
    [
        ("scenes_hps", "encoder", "cnn"),
        ("nyuv2_libmtl", "encoder", "cnn"),
        ("cityscapes_libmtl", "scheduler", "cosine"),
        ("parity_mnist_notebook", "optimizer", "adam"),
        ("sincos_notebook_mmoe", "arch", "hps"),
        ("sincos_notebook", "head", "linear"),
    ],
)
def test_a_part_that_was_chosen_has_its_own_options_alone(experiment, group, choice):
    own = {str(key) for key in OmegaConf.load(CONF / group / f"{choice}.yaml")} - {"_of_maps_"}
    assert part(group, f"experiment={experiment}", f"{group}={choice}") == own


def test_what_was_typed_stays_and_so_does_all_that_the_part_knows():
    words = ["experiment=nyuv2_libmtl", "weighting=pcgrad", "weighting.losses=uw"]
    assert "losses" in part("weighting", *words)
    assert "mine" in part("encoder", "experiment=scenes_hps", "encoder=cnn", "+encoder.mine=1")
    assert {"depth", "stem"} <= part("encoder", "experiment=scenes_hps", "encoder=resnet")
