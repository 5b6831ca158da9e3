"""The published settings of dense prediction: what they set, and a step of each on tiny folders."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest

import mtl_cli
from mtl_cli.command_line.cli import compose

SIZE = (24, 32)
SMALL = [
    "device=cpu",
    "encoder.depth=18",
    "encoder.weights=null",
    "head.channels=4",
    "trainer.max_epochs=1",
]
VALUES = {
    *("dataset.batch_size", "dataset.eval_batch_size", "dataset.flip", "dataset.scales"),
    *("dataset.split.val", "trainer.max_epochs", "trainer.watch_test", "encoder.depth"),
    *("encoder.output_stride", "encoder.weights", "head"),
}


def folder(root: Path) -> Path:
    """Four pictures to train on and two to test on, with all that papers share."""
    draw = np.random.default_rng(0)
    for split, number in (("train", 4), ("val", 2)):
        for i in range(number):
            normal = draw.standard_normal((*SIZE, 3))
            maps = {
                "image": draw.random((*SIZE, 3)),
                "label": draw.integers(-1, 7, SIZE),
                "depth": draw.uniform(0.1, 0.4, (*SIZE, 1)),
                "normal": normal / np.linalg.norm(normal, axis=2, keepdims=True),
            }
            for name, array in maps.items():
                file = root / split / name / f"{i}.npy"
                file.parent.mkdir(parents=True, exist_ok=True)
                np.save(file, array)
    return root


@pytest.mark.parametrize(
    ("name", "batch_size", "scales"),
    [
        ("nyuv2_libmtl", 8, [1.0]),
        ("cityscapes_libmtl", 64, [1.0]),
        ("nyuv2_mtan", 2, [1.0, 1.2, 1.5]),
    ],
)
def test_what_is_published_is_set(name, batch_size, scales):
    cfg = compose("train", [f"experiment={name}"])
    assert (cfg.dataset.batch_size, list(cfg.dataset.scales)) == (batch_size, scales)
    assert cfg.dataset._target_.rpartition(".")[2].lower() == name.partition("_")[0]
    assert (cfg.dataset.drop_last, cfg.tasks.depth.standardize) == (True, False)
    assert (cfg.optimizer.lr, cfg.scheduler.every_epochs, cfg.scheduler.gamma) == (1e-4, 100, 0.5)
    assert (cfg.encoder.depth, cfg.encoder.pool, cfg.encoder.output_stride) == (50, False, 8)
    assert (cfg.head.align_corners, list(cfg.head.rates)) == (True, [12, 24, 36])


def test_what_is_said_to_people_of_libmtl_composes():
    page = Path(__file__).parents[1].joinpath("docs", "from_libmtl.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    lines = [shlex.split(line)[1:] for line in block.splitlines()]
    for line in lines[:2]:
        assert compose("train", line).dataset.path in ("nyuv2", "cityscapes")
    flags = re.findall(r"`((?:dataset|trainer|encoder|optimizer|scheduler|head)\S*=[^`]*)`", page)
    words = [word for said in flags for word in shlex.split(said) if not word.endswith("=")]
    own = [word for word in words if word.partition("=")[0] in VALUES]
    cfg = compose("train", ["experiment=nyuv2_libmtl", *dict.fromkeys(own)])
    assert (cfg.encoder.depth, cfg.trainer.watch_test) == (18, True)


@pytest.mark.parametrize(("name", "tasks"), [("cityscapes_libmtl", 2), ("nyuv2_mtan", 3)])
def test_it_trains_where_the_folder_is_there(tmp_path: Path, name, tasks):
    words = [f"dataset.path={folder(tmp_path / 'maps')}", f"dataset.cache={tmp_path / 'cache'}"]
    words += ["dataset.split.val=0.25", "dataset.batch_size=3", f"hydra.run.dir={tmp_path / 'run'}"]
    summary = mtl_cli.train([f"experiment={name}", *SMALL, *words, "pictures.examples=0"])
    assert summary["status"] == "completed"
    assert len(summary["parameters"]["per_task"]) == tasks
