"""Pictures that are mixed in pairs, with the labels of both.

H. Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018,
https://arxiv.org/abs/1710.09412: x = s x_i + (1 - s) x_j with s from Beta(a, a), and the loss
s L(f(x), y_i) + (1 - s) L(f(x), y_j). For a cross entropy and a squared error that has the
gradient of the mixed label; it is defined for every loss that is a mean over examples, and where
one of a pair lacks a task's label. So it serves all tasks of a picture alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.device import send


def mixed(batch: Batch, alpha: float, draw: torch.Generator, reads: Mapping[str, str]) -> Batch:
    """Each picture with another one of its batch and input, in one share s for the batch.

    Every row has two labels of each task then, its own of weight s and its partner's of 1 - s; an
    example's own weight multiplies both of its labels.

    Args:
        batch: of pictures, [B, C, H, W].
        alpha: a of the distribution of s.
        draw: on the host.
        reads: ``{task: the input that it reads}``.
    """
    seed = int(torch.randint(2**63 - 1, (), generator=draw))
    share = np.random.default_rng(seed).beta(alpha, alpha)
    inputs, targets, weights = dict(batch.inputs), dict(batch.targets), dict(batch.weights)
    for name, x in batch.inputs.items():
        assert isinstance(x, Tensor)
        partners = send(torch.randperm(len(x), generator=draw), x.device)
        inputs[name] = share * x + (1 - share) * x[partners]
        for task in batch.targets:
            if reads[task] == name:
                y = batch.targets[task]
                own = batch.weights.get(task, x.new_ones(len(y))).to(y.device)
                there = partners.to(y.device)
                targets[task] = torch.stack([y, y[there]], 1).flatten(0, 1)
                weights[task] = torch.stack([share * own, (1 - share) * own[there]], 1).flatten()
    labels = {task: 2 * number for task, number in batch.labels.items()}
    return replace(
        batch, inputs=inputs, targets=targets, weights=weights, labels=labels, labels_a_row=2
    )
