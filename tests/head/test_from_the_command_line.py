"""Heads and encoders that do not fit each other: what is said, and that what it offers works."""

import shlex
from pathlib import Path

import pytest
import torch

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import compose_run
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.build import build

SIZES = ["num_train=4", "num_val=1", "num_test=1", "size=[16,20]", "batch_size=2"]
TINY = ["dataset=scenes", *(f"dataset.{size}" for size in SIZES), "trainer=smoke"]


def made(folder: Path, *words: str) -> None:
    cfg, path = compose_run("train", [f"hydra.run.dir={folder}", *words])
    build(cfg, RunFolder(path), torch.device("cpu"))


@pytest.mark.parametrize(
    ("words", "fix", "found"),
    [
        ("encoder=mlp", "encoder=resnet", "(128,) after stage 1"),
        ("encoder=resnet encoder.pool=true head=fcn", "encoder.pool=false", "after stage 4"),
        ("encoder=transformer encoder.pool=true head=fcn", "encoder.pool=false", "after stage 2"),
        ("encoder.out_features=9 head=fcn", "encoder.out_features=null", "(9,) after stage 2"),
        ("encoder.out_features=9 head.stages=[0,-1]", "encoder.out_features=null", "(9,) after"),
        ("head.stages=[0,7]", "head.stages=last", "[0, 7]"),
        ("encoder.channels=[4] head=deeplab_v3_plus", "head=deeplab_v3", "single"),
        ("encoder.channels=[4,4] head=deeplab_v3_plus", "'head.stages=[0,1]'", "[1, -1]"),
        ("encoder=transformer encoder.patch_size=7", "encoder.patch_size=4", "7"),
        ("head=linear", "head=fcn", "Linear"),
        ("tasks.depth.head=mlp", "tasks.depth.head=fcn", "MLP"),
        ("tasks.depth=regression", "tasks.depth=depth", "regression"),
        ("tasks.normals=multilabel", "tasks.normals=normals", "multilabel"),
        ("tasks.normals=depth", "tasks.normals=normals", "numbers [3, H, W]"),
        ("tasks.segmentation=normals", "tasks.segmentation=segmentation", "integers [H, W]"),
    ],
)
def test_what_does_not_fit_is_refused_with_words_that_fit(tmp_path: Path, words, fix, found):
    with pytest.raises(Problem) as refused:
        made(tmp_path / "refused", *TINY, *words.split())
    assert found in refused.value.found
    assert refused.value.fix == fix
    mended = shlex.split(fix)
    anew = {word.partition("=")[0] for word in mended}
    kept = [word for word in words.split() if word.partition("=")[0] not in anew]
    made(tmp_path / "mended", *TINY, *kept, *mended)


def test_a_head_of_maps_is_refused_where_labels_are_none(tmp_path: Path):
    with pytest.raises(Problem, match="needs a task whose labels are maps") as refused:
        made(tmp_path / "all", "head=fcn")
    assert refused.value.fix == "tasks.sin.head=linear, or head=linear where no task has maps"
    with pytest.raises(Problem) as refused:
        made(tmp_path / "own", "tasks.sin.head=fcn")
    assert refused.value.fix == "tasks.sin.head=linear"


def test_a_last_batch_of_one_is_refused_with_what_leaves_it_out(tmp_path: Path):
    words = [*TINY, "head=deeplab_v3", "head.channels=4", "dataset.num_train=3"]
    words += ["trainer.max_epochs=1", "trainer.max_steps=null", "pictures.metrics=false"]
    with pytest.raises(Problem, match="a batch of 1 example") as refused:
        mtl_cli.train([f"hydra.run.dir={tmp_path / 'refused'}", *words])
    fix = refused.value.fix.partition(",")[0]
    summary = mtl_cli.train([f"hydra.run.dir={tmp_path / 'mended'}", *words, fix])
    assert summary["status"] == "completed"


@pytest.mark.parametrize(
    ("encoder", "head"),
    [("resnet", "fpn"), ("transformer", "deeplab_v3_plus"), ("cnn", "segformer_mlp")],
)
def test_encoders_of_scenes_give_maps_without_being_told(tmp_path: Path, encoder, head):
    made(tmp_path, *TINY, f"encoder={encoder}", f"head={head}", "head.channels=4")
