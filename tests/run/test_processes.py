"""N processes make the update that one process makes on the same batch, whatever is trained how."""

import importlib.util
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra

from mtl_cli.basis.device import in_precision
from mtl_cli.command_line.cli import compose, job_config
from mtl_cli.disk.silent_folder import SilentFolder
from mtl_cli.run import build

SPEC = importlib.util.spec_from_file_location("several", Path(__file__).parent / "several.py")
assert SPEC is not None
assert SPEC.loader is not None
several: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(several)
CONF = Path(__file__).parents[2] / "conf"
WEIGHTINGS = sorted(path.stem for path in (CONF / "weighting").glob("*.yaml"))
ARCHS = sorted(path.stem for path in (CONF / "arch").glob("*.yaml"))
STEPS = 20
ROWS = 90
USUAL = [
    "dataset=table",
    "dataset.targets={y: regression, z: binary, c: multiclass}",
    "dataset.weight_column=w",
    "dataset.batch_size=7",
    "dataset.split={val: 0.3}",
    "trainer.precision=64",
    "encoder.hidden=[6,5]",
    "optimizer=sgd",
    "optimizer.lr=0.05",
]


@pytest.fixture(scope="module")
def pool():
    own = several.Pool(3, __file__)
    yield own
    own.close()


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Rows that weigh unevenly, many without a label, and at first none of z in the second half of
    a batch."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(ROWS, 4))
    rows = pandas.DataFrame(x, columns=list("abcd"))
    rows["kind"] = draw.choice(list("pqr"), ROWS)
    rows["w"] = draw.uniform(0.2, 2, ROWS).round(3)
    rows["y"] = x[:, 0] + 0.1 * draw.normal(size=ROWS)
    rows["z"] = np.where(draw.random(ROWS) < 0.5, (x[:, 1] > 0).astype(float), np.nan)
    rows["c"] = draw.choice(["u", "v", "t"], ROWS)
    rows.loc[draw.random(ROWS) < 0.3, "y"] = np.nan
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    rows.to_csv(path, index=False)
    return path


@cache
def composed(*words):
    GlobalHydra.instance().clear()
    cfg = compose("train", list(words))
    return job_config(cfg, cfg.hydra)


def config(table, *words):
    return composed(f"dataset.path={table}", *USUAL, *words)


def trained(cfg, steps=STEPS):
    """Everything that some steps and an evaluation leave behind."""
    with in_precision(torch.float64):
        folder = SilentFolder(Path(tempfile.gettempdir()))
        live = build.build(cfg.copy(), folder, torch.device("cpu"))
        trainer = live.trainer
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
        "weights of the losses": trainer.updates.weights.values,
        "losses": trainer.updates.losses.values,
        "figures": figures,
        "states": [learner.weighting.state_dict() for learner in trainer.learners],
    }


def assert_alike(pool, cfg, *sizes, steps=STEPS):
    """Trains in one process and in several, and compares all that is left in each of them."""
    (alone,) = pool.run(1, "trained", cfg, steps)
    for size in sizes:
        for found in pool.run(size, "trained", cfg, steps):
            close(found, alone)
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


@pytest.mark.parametrize("arch", ["hps", "mmoe", "ple"])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_weighting_makes_the_update_of_one_process(pool, table, weighting, arch):
    cfg = config(table, f"weighting={weighting}").copy()
    cfg.arch = config(table, f"arch={arch}").arch
    assert_alike(pool, cfg, 2)


@pytest.mark.parametrize("arch", [name for name in ARCHS if name not in ("module", "nddr")])
def test_every_architecture_makes_the_update_of_one_process(pool, table, arch):
    assert_alike(pool, config(table, f"arch={arch}", "optimizer.lr=0.01"), 3)


def test_batch_norm_is_refused_unless_its_statistics_are_said(pool, table):
    cfg = config(table, "arch=nddr", "optimizer.lr=0.01")
    for found, said in pool.outcomes(2, "trained", cfg):
        assert not found
        assert "trainer.batch_norm must say whose statistics" in said
    local = config(table, "arch=nddr", "optimizer.lr=0.01", "trainer.batch_norm=local")
    first, second = pool.run(2, "trained", local)
    for name, value in first["weights of the model"].items():
        if "running" not in name:  # whose mean is taken at the end of an epoch
            close(second["weights of the model"][name], value)


@pytest.mark.parametrize("weighting", ["uw", "pcgrad", "db_mtl", "gradnorm", "excess_mtl"])
def test_parts_of_a_step_add_up_over_processes(pool, table, weighting):
    words = [f"weighting={weighting}", "trainer.accumulate=3", "arch=dselect_k"]
    assert_alike(pool, config(table, *words), 2)


@pytest.mark.parametrize("weighting", ["graddrop", "imtl", "con_fig", "upgrad", "pcgrad"])
def test_gradients_at_features_are_those_of_all_examples(pool, table, weighting):
    assert_alike(pool, config(table, f"weighting={weighting}", "weighting.on=features"), 2, 3)


@pytest.mark.parametrize("weighting", ["fixed", "pcgrad", "moco"])
def test_rows_of_tables_are_those_that_any_process_reads(pool, table, weighting):
    words = [f"weighting={weighting}", "embedding.width=3", "arch=mmoe"]
    assert_alike(pool, config(table, *words), 2)
    if weighting != "moco":  # which needs whole tables
        own = ["embedding.optimizer=rowwise_adagrad", "optimizer.lr=0.01"]
        assert_alike(pool, config(table, *words, *own), 2)


@pytest.mark.parametrize("weighting", ["uw", "upgrad"])
def test_a_batch_may_be_smaller_than_the_number_of_processes(pool, table, weighting):
    words = [f"weighting={weighting}", "dataset.batch_size=2", "embedding.width=3"]
    assert_alike(pool, config(table, *words), 3)
