"""N processes make the update that one process makes on the same batch, whatever is trained how."""

from pathlib import Path

import numpy as np
import pandas
import pytest

CONF = Path(__file__).parents[2] / "conf"
WEIGHTINGS = sorted(path.stem for path in (CONF / "weighting").glob("*.yaml"))
ARCHS = sorted(path.stem for path in (CONF / "arch").glob("*.yaml"))
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


@pytest.fixture(scope="module")
def config(alike, table):
    return lambda *words: alike.composed(f"dataset.path={table}", *USUAL, *words)


@pytest.mark.parametrize("arch", ["hps", "mmoe", "ple"])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_every_weighting_makes_the_update_of_one_process(alike, pool, config, weighting, arch):
    cfg = config(f"weighting={weighting}").copy()
    cfg.arch = config(f"arch={arch}").arch
    alike.assert_alike(pool, cfg, 2)


@pytest.mark.parametrize("arch", [name for name in ARCHS if name not in ("module", "nddr")])
def test_every_architecture_makes_the_update_of_one_process(alike, pool, config, arch):
    alike.assert_alike(pool, config(f"arch={arch}", "optimizer.lr=0.01"), 3)


def test_batch_norm_is_refused_unless_its_statistics_are_said(alike, pool, config):
    cfg = config("arch=nddr", "optimizer.lr=0.01")
    for found, said in pool.outcomes(2, "trained", cfg):
        assert not found
        assert "trainer.batch_norm must say whose statistics" in said
    local = config("arch=nddr", "optimizer.lr=0.01", "trainer.batch_norm=local")
    first, second = pool.run(2, "trained", local)
    for name, value in first["weights of the model"].items():
        if "running" not in name:  # whose mean is taken at the end of an epoch
            alike.close(second["weights of the model"][name], value)


@pytest.mark.parametrize("weighting", ["uw", "pcgrad", "db_mtl", "gradnorm", "excess_mtl"])
def test_parts_of_a_step_add_up_over_processes(alike, pool, config, weighting):
    words = [f"weighting={weighting}", "trainer.accumulate=3", "arch=dselect_k"]
    alike.assert_alike(pool, config(*words), 2)


@pytest.mark.parametrize("weighting", ["graddrop", "imtl", "con_fig", "upgrad", "pcgrad"])
def test_gradients_at_features_are_those_of_all_examples(alike, pool, config, weighting):
    alike.assert_alike(pool, config(f"weighting={weighting}", "weighting.on=features"), 2, 3)


@pytest.mark.parametrize("weighting", ["fixed", "pcgrad", "moco"])
def test_rows_of_tables_are_those_that_any_process_reads(alike, pool, config, weighting):
    words = [f"weighting={weighting}", "embedding.width=3", "arch=mmoe"]
    alike.assert_alike(pool, config(*words), 2)
    if weighting != "moco":  # which needs whole tables
        own = ["embedding.optimizer=rowwise_adagrad", "optimizer.lr=0.01"]
        alike.assert_alike(pool, config(*words, *own), 2)


@pytest.mark.parametrize("weighting", ["uw", "upgrad"])
def test_a_batch_may_be_smaller_than_the_number_of_processes(alike, pool, config, weighting):
    words = [f"weighting={weighting}", "dataset.batch_size=2", "embedding.width=3"]
    alike.assert_alike(pool, config(*words), 3)


AFTERWARDS = ["famo", "gradnorm"]  # which need losses, or gradients, once more


def test_a_step_has_few_collectives_and_sends_gradients_once(pool, config):
    """Their number is that of no tensors: a step counts, adds up losses, then gradients; what the
    first process solves for is sent to all."""
    cfgs = [config(f"weighting={name}") for name in WEIGHTINGS]
    first, second = pool.run(2, "collectives", cfgs)
    assert first == second
    for name, (calls, shared, specific, tensors) in zip(WEIGHTINGS, first, strict=True):
        sent = [size for kind, size in calls if kind == "all_reduce"]
        assert len(calls) <= 4
        assert sent[:2] == [8 * (3 + 1 + 4), 8 * 3]  # labels, examples, signals and time; losses
        plain = 8 * (shared + specific + sum(tensors))
        whole = 8 * (3 * shared + specific + tensors[1])
        assert max(sent) in (plain, whole), name
        assert len(sent) == 3 + (name in AFTERWARDS)


def test_some_options_need_one_collective_more(pool, config):
    cfgs = [
        config("weighting=uw", "encoder.hidden=[6,6,6,6,5]"),
        config("weighting=pcgrad", "embedding.width=3"),
        config("weighting=nash_mtl", "weighting.weigh_heads=true"),
        config("weighting=upgrad", "weighting.on=features"),
        config("weighting=graddrop", "weighting.on=features"),
    ]
    found = pool.run(2, "collectives", cfgs)[0]
    assert [len(calls) for calls, *_ in found] == [3, 5, 5, 5, 5]


@pytest.mark.parametrize("marked", [0, 11])
def test_codes_of_all_processes_are_joined(pool, marked):
    assert pool.run(3, "joined", marked) == [[0, 2, 3, 7, 9]] * 3
