"""Encoders give maps where a task's labels are maps, unless somebody says otherwise."""

import pytest

from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.command_line.dense import OF_MAPS


def encoder(*words: str) -> dict[str, object]:
    cfg = compose("train", list(words))
    own = dict(job_config(cfg, cfg.hydra).encoder)
    assert OF_MAPS not in own
    return own


@pytest.mark.parametrize(
    ("name", "option", "usual", "of_maps"),
    [
        ("resnet", "pool", True, False),
        ("resnet", "stem", "small", "auto"),
        ("transformer", "pool", True, False),
        ("cnn", "out_features", 128, None),
    ],
)
def test_maps_are_given_where_labels_are_maps(name, option, usual, of_maps):
    assert encoder("dataset=parity_mnist", f"encoder={name}")[option] == usual
    assert encoder("dataset=scenes", f"encoder={name}")[option] == of_maps
    said = {True: "true", 128: "64", "small": "imagenet"}[usual]
    kept = encoder("dataset=scenes", f"encoder={name}", f"encoder.{option}={said}")[option]
    assert str(kept).lower() == said
    assert (
        encoder("dataset=scenes", f"encoder={name}", f"++encoder.{option}={usual}")[option] == usual
    )
