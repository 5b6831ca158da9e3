"""The constant rate is constant."""

import torch
from torch.optim import SGD

from mtl_cli.scheduler.none import Constant


def test_the_rate_stays():
    optimizer = SGD([torch.zeros(1)], lr=0.3)
    scheduler = Constant(optimizer, total_steps=10, steps_per_epoch=3, warmup_steps=0)
    for step in (0, 1, 2, 3, 9, 10, 1000):
        scheduler.set_rates(step)
        assert optimizer.param_groups[0]["lr"] == 0.3
        scheduler.end_epoch(improved=False)
