"""Heads of maps in a whole model: its size, and what is refused of encoders and tasks."""

from functools import partial

import torch
from torch import nn

from mtl_cli.arch.hps import HPS
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.resnet import ResNet
from mtl_cli.head.deeplab_v3 import DeepLabV3
from mtl_cli.loss.cosine import CosineLoss
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts
from mtl_cli.task.depth import Depth
from mtl_cli.task.normals import Normals
from mtl_cli.task.segmentation import Segmentation

SIZE = (288, 384)


def test_the_published_model_of_three_tasks_has_its_number_of_parameters():
    """LibMTL's hard sharing on NYUv2: a ResNet-50 at stride 8, a DeepLabv3 head for each task."""
    options = {"weights": None, "stem": "imagenet", "output_stride": 8}
    encoder = partial(ResNet, depth=50, pool=False, offline=True, **options)
    layers = {"channels": 256, "rates": [12, 24, 36], "dropout": 0.5}
    head = partial(DeepLabV3, stages="last", align_corners=True, **layers)

    def parts(name: str, loss: nn.Module) -> Parts:
        return Parts(name, "image", head, loss, {}, {}, 1.0)

    with torch.device("meta"):
        tasks = [
            Segmentation(parts("segmentation", nn.CrossEntropyLoss()), 13, SIZE, "pixels"),
            Depth(parts("depth", nn.L1Loss()), SIZE, "pixels", standardize=False),
            Normals(parts("normals", CosineLoss()), SIZE, "pixels"),
        ]
        reads = {task.name: task.input for task in tasks}
        model = Model(HPS(encoder, {"image": Dense((3, *SIZE))}, reads), tasks)
    assert sum(p.numel() for p in model.parameters()) == 71_888_721
    assert [head.shapes for head in model.heads.values()] == 3 * [[(2048, 36, 48)]]
