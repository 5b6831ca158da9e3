"""N processes against one where data, tasks and settings are what people train with."""

import json

import numpy as np
import pandas
import pytest
from PIL import Image

PRECISE = ["trainer.precision=64", "optimizer=sgd", "optimizer.lr=0.05", "scheduler=none"]
SMALL = [*PRECISE, "encoder.hidden=[6,5]"]
CLICKS = ["num_train=150", "num_val=80", "num_test=3", "num_users=9", "num_items=8"]
RATES = ["click_rate=0.5", "conversion_rate=0.4", "batch_size=16"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """Two sources, one of which is exhausted long before the other."""
    folder = tmp_path_factory.mktemp("texts")
    draw = np.random.default_rng(0)
    words = []
    for name, count in {"long": 40, "short": 23}.items():
        lines = [
            {"text": " ".join(draw.choice(list("abcdefgh"), 5)), "label": int(draw.integers(2))}
            for _ in range(count)
        ]
        path = folder / f"{name}.jsonl"
        path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        words.append(f"{name}: {{path: {path}, labels: {{{name}: label}}}}")
    return [
        "dataset=text",
        f"dataset.sources={{{', '.join(words)}}}",
        "dataset.targets={long: binary, short: binary}",
        "dataset.split={val: 3, test: 2}",
        "dataset.vectorizer.token_pattern='\\w'",
        "dataset.cache=false",
        "dataset.batch_size={long: 5, short: 4}",
        *SMALL,
    ]


@pytest.mark.parametrize(
    "sampling",
    [
        "min_size",
        "max_size_cycle",
        "max_size",
        "sequential",
        "round_robin",
        "proportional",
        "temperature",
        "uniform",
    ],
)
def test_sources_are_drawn_alike(alike, pool, texts, sampling):
    weighting = "upgrad" if sampling == "max_size" else "uw"
    words = [f"dataset.sampling={sampling}", f"weighting={weighting}"]
    alike.assert_alike(pool, alike.composed(*texts, *words), 2)


@pytest.mark.parametrize(
    "words",
    [
        ["experiment=escm_dr"],
        ["experiment=escm_dr", "trainer.accumulate=2", "weighting=pcgrad"],
        ["experiment=escm"],
        ["experiment=esmm"],
        ["dataset=clicks", "arch=aitm"],
    ],
    ids=" ".join,
)
def test_tasks_made_of_tasks(alike, pool, words):
    data = [f"dataset.{word}" for word in [*CLICKS, *RATES]]
    alike.assert_alike(pool, alike.composed(*words, *data, *PRECISE, "embedding.width=3"), 2)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """A table in whose order the second half of three batches of ten has no label of z."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(70, 3))
    data = pandas.DataFrame(x.round(3), columns=list("abc"))
    data["user"] = draw.choice(["u1", "u2", "u3"], 70)
    data["y"] = x[:, 0] + 0.1 * draw.normal(size=70)
    data["y2"] = x[:, 1] + 0.1 * draw.normal(size=70)
    data["z"] = (x[:, 1] + draw.normal(size=70) > 0).astype(float)
    data["k"] = draw.choice(["p", "q", "r"], 70)
    data["t"] = np.maximum(x[:, 2], 0).round(3)
    data["split"] = ["train"] * 40 + ["val"] * 15 + ["test"] * 15
    for first in (0, 10, 20):
        data.loc[first + 5 : first + 9, "z"] = np.nan
    data.loc[44:56, "z"] = np.nan  # of val, rows of the first process alone have one
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    data.to_csv(path, index=False)
    return [
        "dataset=table",
        f"dataset.path={path}",
        "dataset.split={by: column, column: split}",
        "dataset.batch_size=10",
        *SMALL,
    ]


TWO = "dataset.targets={y: regression, z: binary}"


@pytest.mark.parametrize("weighting", ["uw", "pcgrad", "gradnorm"])
def test_a_process_without_a_label_of_a_task(alike, pool, rows, weighting):
    words = [TWO, "dataset.shuffle=false", f"weighting={weighting}"]
    alike.assert_alike(pool, alike.composed(*rows, *words), 2, steps=4)


@pytest.mark.parametrize(
    "words",
    [
        ["trainer.grad_clip=0.1", "trainer.lr_factors={heads: 3, weighting: 2}", "weighting=uw"],
        ["weighting=upgrad", "weighting@weighting.losses=uw"],
        ["weighting=pcgrad", "weighting@weighting.losses=famo", "trainer.grad_clip=0.1"],
        ["dataset.downsample={z: {0: 0.5}}"],
        ["arch=single_task", "trainer.grad_clip=0.1"],
    ],
    ids=" ".join,
)
def test_settings_of_a_step(alike, pool, rows, words):
    alike.assert_alike(pool, alike.composed(*rows, TWO, *words), 2)


def test_pictures_are_mixed_alike(alike, pool, tmp_path):
    """Also those whose partner another process has, and of which one of a pair lacks a label."""
    draw = np.random.default_rng(0)
    pictures = draw.integers(0, 256, (40, 6, 6, 3)).astype(np.uint8)
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
    rows = {"path": [f"{i}.png" for i in range(40)], "y": draw.normal(size=40)}
    rows |= {"k": draw.choice(["p", "q", "r"], 40), "weight": draw.random(40)}
    data = pandas.DataFrame(rows)
    data.loc[::3, "y"] = np.nan
    data.to_csv(tmp_path / "rows.csv", index=False)
    words = [
        "dataset=images",
        f"dataset.path={tmp_path}/rows.csv",
        "dataset.targets={y: {kind: regression, weight: weight}, k: multiclass}",
        "dataset.augment={flip: 0.5, mixup: 0.5}",
        "dataset.cache=false",
        "dataset.batch_size=9",
        "encoder=cnn",
        "encoder.channels=[3,4]",
        "encoder.dropout=0",
    ]
    alike.assert_alike(pool, alike.composed(*words, *PRECISE), 2, steps=4)


@pytest.mark.parametrize("arch", ["mtan", "hps"])
def test_maps(alike, pool, arch):
    sizes = [
        "size=[16,16]",
        "num_train=12",
        "num_val=5",
        "num_test=3",
        "batch_size=5",
        "eval_batch_size=2",
    ]
    data = [f"dataset.{word}" for word in sizes]
    net = ["head=fcn", "encoder.channels=[3,4]", "head.channels=3"]
    pooling = ["tasks.segmentation.pooling=batches"]
    words = ["dataset=scenes", f"arch={arch}", *net, *data, *pooling]
    cfg = alike.composed(*words, *PRECISE, "optimizer.lr=0.01")
    alike.assert_alike(pool, cfg, 2, 3, steps=4, case="trained_without_norm")


NUMBERS = "{kind: regression, columns: [y, y2]}"
MANY = f"dataset.targets={{y: {NUMBERS}, z: ranking, k: multiclass, t: amount}}"


def test_a_whole_training(alike, pool, rows):
    """Best epoch, early stop, every figure and picture: with a moving average, evaluations in many
    batches, and metrics that only a process's rows reach."""
    words = [
        MANY,
        "dataset.eval_batch_size=7",
        "trainer.max_epochs=12",
        "trainer.patience=2",
        "trainer.ema_decay=0.7",
        "trainer.log_every=2",
        "tasks.z.metrics.auroc.max_scores=3",
        "tasks.z.metrics.gauc={_target_: mtl_cli.metric.gauc.GAUC, by: user, weighted_by: rows}",
        "optimizer.lr=0.3",
    ]
    alone = alike.assert_fitted_alike(pool, alike.composed(*rows, *words), 2, 3)
    assert alone["status"] == "stopped_early"
    assert np.isfinite(alone["test"]["z"]["gauc"])
    assert alone["plots"]["k/confusion_matrix"].sum() == 15


@pytest.mark.parametrize("diagnostic", ["conflict", "gradient_norm", "gates"])
def test_what_watches_sees_all_processes(alike, pool, rows, diagnostic):
    words = [
        TWO,
        f"diagnostic={diagnostic}",
        "diagnostic.every=2",
        "trainer.max_epochs=1",
        "arch=mmoe",
    ]
    alike.assert_fitted_alike(pool, alike.composed(*rows, *words), 2)


@pytest.mark.parametrize("weighting", ["uw", "pcgrad"])
def test_an_overflow_in_one_process_skips_the_step_in_all(alike, pool, rows, weighting):
    words = [*rows, TWO, f"weighting={weighting}", "trainer.precision=16"]
    first, second = pool.run(2, "overflowing", alike.composed(*words), 3)
    assert first == second
    changed, scales, _ = first
    assert changed == [True, True, False, True]
    assert scales == [scales[0], scales[0], scales[0] / 2, scales[0] / 2]


def test_bfloat16_trains(alike, pool, rows):
    words = [*rows, TWO, "trainer.precision=bf16", "trainer.max_epochs=6"]
    first, second = pool.run(2, "fitted", alike.composed(*words))
    losses = [row[-1] for row in first["figures"] if row[2:5] == ["train", "", "loss"]]
    assert losses[-1] < losses[0]
    alike.close(second["weights"], first["weights"])


@pytest.mark.parametrize("weighting", ["uw", "pcgrad"])
def test_what_is_not_finite_in_one_process_ends_all(alike, pool, rows, weighting):
    words = [*rows, TWO, f"weighting={weighting}", "trainer.precision=32"]
    (ok, said), (also, same) = pool.outcomes(2, "broken", alike.composed(*words), "head")
    assert not ok
    assert not also
    assert said == same
    assert "the loss of task 'y' at step 1 must stay finite" in said


def test_a_flipped_bit_is_noticed(alike, pool, rows):
    cfg = alike.composed(*rows, TWO, "trainer.precision=32")
    for ok, said in pool.outcomes(2, "broken", cfg, "bit"):
        assert not ok
        assert "others than of process 0 in 1, after epoch 1" in said


@pytest.mark.parametrize(
    ("where", "number", "steps"), [("step", 2, 2), ("step", 7, 7), ("batch", 4, 4)]
)
def test_time_that_is_over_in_one_process_ends_all_after_the_same_step(
    alike, pool, rows, where, number, steps
):
    """In the step in which it says so, or between the epochs of four steps."""
    words = [*rows, TWO, "trainer.precision=32", "trainer.time_limit=1h"]
    first, second = pool.run(2, "late", alike.composed(*words), where, number)
    assert first == second
    assert first[:2] == (steps, "trainer.time_limit")


@pytest.mark.parametrize("most", [25, 41])
def test_examples_are_counted_in_all_processes(alike, pool, rows, most):
    words = [*rows, TWO, "trainer.precision=32", f"trainer.max_examples={most}"]
    cfg = alike.composed(*words)
    found = {pool.run(size, "counted", cfg)[rank] for size in (1, 2, 3) for rank in range(size)}
    assert found == {(-(-most // 10) * 10, -(-most // 10), "trainer.max_examples")}


@pytest.mark.parametrize("sampling", ["max_size_cycle", "round_robin"])
def test_examples_of_several_sources_are_all_counted(alike, pool, texts, sampling):
    """35 and 18 rows in batches of 5 and 4."""
    words = ["trainer.precision=32", f"dataset.sampling={sampling}", "trainer.max_examples=70"]
    cfg = alike.composed(*texts, *words)
    ((alone, *_),) = pool.run(1, "counted", cfg)
    assert {own[0] for own in pool.run(3, "counted", cfg)} == {alone}
    assert 70 <= alone < 70 + 9
