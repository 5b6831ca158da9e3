"""What processes that train together leave behind, held against what one process leaves."""

import csv
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from unittest import mock

import torch
from hydra.core.global_hydra import GlobalHydra

from mtl_cli.basis import ranks
from mtl_cli.basis.device import in_precision
from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.disk.silent_folder import SilentFolder
from mtl_cli.run import build
from mtl_cli.training.by_number import by_number
from mtl_cli.training.parted import digest

STEPS = 20


@cache
def composed(*words):
    GlobalHydra.instance().clear()
    cfg = compose("train", list(words))
    return job_config(cfg, cfg.hydra)


def trained(cfg, steps=STEPS):
    """Everything that some steps and an evaluation leave behind."""
    with in_precision(torch.float64):
        trainer = built(cfg)
        trainer.model.train()
        while trainer.step < steps:
            for batches in trainer.steps_of_epoch():
                trainer.updates.take(batches, trainer.model.trained, trainer.epoch)
                if trainer.step == steps:
                    break
            trainer.epoch += 1
        trainer.updates.collect_losses()
        trainer.updates.weights.collect()
        figures = trainer.validation.evaluate("val", list(trainer.model.tasks), trainer.step)
    return {
        "weights of the model": dict(trainer.model.state_dict()),
        "their bits": digest(trainer.model),
        "weights of the losses": trainer.updates.weights.values,
        "losses": trainer.updates.losses.values,
        "figures": figures,
        "states": [learner.weighting.state_dict() for learner in trainer.learners],
    }


def trained_without_norm(cfg, steps=STEPS):
    """The same of a model whose batch norms do nothing."""
    with mock.patch("torch.nn.BatchNorm2d", torch.nn.Identity):
        return trained(cfg, steps)


def built(cfg):
    """A trainer that writes nothing."""
    folder = SilentFolder(Path(tempfile.gettempdir()))
    return build.build(cfg.copy(), folder, torch.device("cpu")).trainer


def overflowing(cfg, number):
    """Whether each step changed the weights, and the scale after it, where in the step of this
    number the gradients of the last process overflow."""
    trainer = built(cfg)
    first = next(trainer.model.parameters())
    if ranks.rank() == ranks.size() - 1:
        first.register_hook(lambda grad: grad * torch.inf if trainer.step == number else grad)
    changed, scales = [], []
    for batches in trainer.steps_of_epoch():
        before = digest(trainer.model)
        trainer.updates.take(batches, trainer.model.trained, 1)
        changed.append(digest(trainer.model) != before)
        scales.append(trainer.learners[0].scaling.scaler.get_scale())
    return changed, scales, digest(trainer.model)


def broken(cfg, how):
    """A training in which something of the last process breaks: what a head gives, or a bit."""
    trainer = built(cfg)
    if ranks.rank() == ranks.size() - 1:
        head = next(iter(trainer.model.heads.values()))
        if how == "head":
            head.register_forward_hook(lambda module, given, output: output * torch.nan)
        else:
            next(head.parameters()).data.view(torch.int32).flatten()[0] ^= 1 << 20
    trainer.fit()


def joined(marked):
    """The different numbers of all processes, found in one of two ways."""
    own = torch.tensor([[7, 2, 2, 9], [3, 7], [0]][ranks.rank()])
    with mock.patch.object(ranks, "MARKED", marked):
        return ranks.joined(own, 11).tolist()


COLLECTIVES = ["all_reduce", "all_gather", "broadcast", "all_gather_object"]


def collectives(cfgs, steps=3):
    """For each training, the collectives of its last step of these, each with its bytes, and the
    numbers of shared parameters, specific ones, and all tensors of parameters."""
    found = []
    for cfg in cfgs:
        with in_precision(build.precision_of(cfg)), ExitStack() as stack:
            trainer = built(cfg)
            batches = [next(trainer.steps_of_epoch()) for _ in range(steps)]
            for own in batches[:-1]:
                trainer.updates.take(own, trainer.model.trained, 1)
            calls = []
            for name in COLLECTIVES:
                call = getattr(torch.distributed, name)

                def noted(*args, name=name, call=call, calls=calls, **options):
                    sent = args[1] if name == "all_gather" else args[0]
                    calls.append((name, sent.nbytes))
                    return call(*args, **options)

                stack.enter_context(mock.patch.object(torch.distributed, name, noted))
            trainer.updates.take(batches[-1], trainer.model.trained, 1)
            group = trainer.learners[0].group
            shared, specific = (
                sum(p.numel() for p in own) for own in (group.shared, group.specific)
            )
            found.append((calls, shared, specific, [len(group.shared), len(group.specific)]))
    return found


def assert_alike(pool, cfg, *sizes, steps=STEPS, case="trained"):
    """Trains in one process and in several, and compares all that is left in each of them."""
    (alone,) = pool.run(1, case, cfg, steps)
    del alone["their bits"]
    for size in sizes:
        everybody = pool.run(size, case, cfg, steps)
        assert len({found.pop("their bits") for found in everybody}) == 1
        for found in everybody:
            close(found, alone)
    return alone


def fitted(cfg):
    """What a whole training leaves, its files included, which the first process writes."""
    with tempfile.TemporaryDirectory() as name, in_precision(build.precision_of(cfg)):
        path = Path(name)
        (path / "checkpoints").mkdir()
        folder = SilentFolder(path) if ranks.rank() else RunFolder(path)
        trainer = build.build(cfg.copy(), folder, torch.device("cpu")).trainer
        status = trainer.fit()
        test = trainer.test()
        found = {
            "status": status,
            "best epochs": [learner.best.epoch for learner in trainer.learners],
            "epochs": trainer.epoch,
            "test": test,
            "numbers": by_number(trainer.tasks, {}),
            "weights": dict(trainer.model.state_dict()),
        }
        if not ranks.rank():
            rows = list(csv.reader(folder.metrics.open()))
            found["figures"] = [[*row[:-1], float(row[-1])] for row in rows[1:]]
            found["plots"] = {
                f"{name}/{plot}": metric.compute()
                for name, task in trainer.tasks.items()
                for plot, metric in task.plots.items()
            }
            observer = trainer.updates.observer
            found["seen"] = None if observer is None else observer.state_dict()
        return found


def late(cfg, where, number):
    """After how many steps a training ends where the last process alone has no time left, from such
    a number of ``step`` or ``batch`` on."""
    trainer = built(cfg)
    if ranks.rank() == ranks.size() - 1:
        trainer.ending.is_over_time = lambda: getattr(trainer, where) >= number
    trainer.fit()
    return trainer.step, trainer.ended_by, digest(trainer.model)


def counted(cfg):
    """The examples and steps of a whole training."""
    trainer = built(cfg)
    trainer.fit()
    return trainer.ending.examples, trainer.step, trainer.ended_by


def assert_fitted_alike(pool, cfg, *sizes):
    """The same of whole trainings."""
    (alone,) = pool.run(1, "fitted", cfg)
    for size in sizes:
        first, *others = pool.run(size, "fitted", cfg)
        close(first, alone)
        for found in others:
            close(found, {key: value for key, value in alone.items() if key in found})
    return alone


def close(found, expected):
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for key in expected:
            close(found[key], expected[key])
    elif isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            close(one, other)
    elif isinstance(expected, torch.Tensor | float):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10, equal_nan=True)
    else:
        assert found == expected
