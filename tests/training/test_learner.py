"""What a learner tells its weighting: the last shared layer, and losses as the tasks weigh them."""

from functools import partial
from types import SimpleNamespace

import pytest
import torch

from mtl_cli.arch.hps import HPS
from mtl_cli.basis.inputs import Dense
from mtl_cli.encoder.mlp import MLP
from mtl_cli.model.model import Model
from mtl_cli.training.learner import Learner, Makers
from mtl_cli.weighting.fixed import Fixed

READS = {"a": "x", "b": "x", "c": "x"}


class Listener(Fixed):
    """Remembers what it is told."""

    def watch(self, last_shared):
        self.last_shared = last_shared

    def after_step(self, closure):
        self.anew = closure()


@pytest.fixture
def learner(make_tasks):
    def mlp(spec):
        return MLP(spec, hidden=[6, 5], activation="relu", dropout=0.0)

    tasks = make_tasks(READS)
    tasks[1].weight = 0.25
    model = Model(HPS(mlp, {"x": Dense((7,))}, READS), tasks)
    scheduler = SimpleNamespace(set_rates=lambda step: None)
    makers = Makers(Listener, partial(torch.optim.SGD, lr=0.1), lambda **_: scheduler)
    settings = SimpleNamespace(
        grad_clip=None, lr_factors=None, precision="32", select="loss", stop="select", accumulate=1
    )
    (group,) = model.groups()
    return Learner(
        group, model, makers, settings, ending=SimpleNamespace(total_steps=1, steps_per_epoch=1)
    )


def test_a_weighting_is_told_the_last_shared_layer(learner):
    assert learner.weighting.last_shared == learner.group.last_shared
    assert [tuple(p.shape) for p in learner.weighting.last_shared] == [(5, 6), (5,)]


def test_losses_anew_are_weighted_as_those_of_the_step(learner):
    """A method that compares them would else take the weight for progress."""
    learner.step(lambda: {"a": torch.tensor(3.0), "b": torch.tensor(8.0), "other": torch.ones(())})
    assert learner.weighting.anew == {"a": 3.0, "b": 2.0}


def test_a_weight_falls_by_its_factor_after_each_epoch(learner):
    """Known from the step alone, so that a resumed training goes on with the same weights."""
    learner.steps_per_epoch = 3
    learner.tasks["b"].weight_decay = 0.5
    found = []
    for step in range(7):
        learner.prepare(step, 0.0)
        found.append(learner.weighted({task: torch.tensor(8.0) for task in READS})["b"].item())
    assert found == [2.0] * 3 + [1.0] * 3 + [0.5]
    assert learner.weighted({"a": torch.tensor(8.0)}) == {"a": 8.0}
