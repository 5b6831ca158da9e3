"""Impressions with known truth: their rates, what debiasing is worth, and where nothing helps."""

import numpy as np
import pandas
import pytest
import torch
from sklearn.linear_model import LogisticRegression

import mtl_cli
from mtl_cli.dataset.clicks import Clicks
from mtl_cli.dataset.tables.impressions import World
from mtl_cli.evaluate import evaluate

SMALL = {"num_users": 200, "num_items": 100}
WORLD = {**SMALL, "click_rate": 0.2, "conversion_rate": 0.1, "bias": 0.7, "gamma": 0.0}
WORLD |= {"interaction": 0.5, "drift": 0.0}
TRAITS = [f"{side}{k}" for side in "uv" for k in range(1, 5)]
NO_PICTURES = ["pictures.curves=false", "pictures.metrics=false"]
QUICK = ["device=cpu", "encoder.hidden=[8]", *NO_PICTURES]
FEW = ["dataset.num_train=600", "dataset.num_val=200", "dataset.num_test=400"]
FEW += ["dataset.num_users=50", "dataset.num_items=30"]


def frame(number=40_000, seed=0, **options):
    return World(**(WORLD | options)).impressions(number, seed).to_pandas()


def made(**options):
    values = WORLD | {"num_train": 300, "num_val": 100, "num_test": 200, "seed": 0}
    values |= {"columns": None, "group_columns": None, "out": None}
    values |= {"batch_size": 64, "eval_batch_size": 100}
    return Clicks.of(**(values | {"shuffle": True, "drop_last": False} | options))


def cross_entropy(label, probability):
    return -(label * np.log(probability) + (1 - label) * np.log(1 - probability))


def within(draws, expected):
    """Whether the mean of draws is within three standard errors of what it is to be."""
    error = draws.std(ddof=1) / np.sqrt(len(draws))
    return abs(draws.mean() - expected) < 3 * error


@pytest.mark.parametrize(
    "options",
    [{}, {"gamma": 2.0, "bias": -0.5}, {"drift": 2.0, "click_rate": 0.03}, {"interaction": 0.0}],
)
def test_rates_and_probabilities_are_those_that_are_said(options):
    data, said = frame(**options), WORLD | options
    assert data.p_click.mean() == pytest.approx(said["click_rate"], abs=1e-6)
    assert data.p_conversion.mean() == pytest.approx(said["conversion_rate"], abs=1e-6)
    both = data.click * data.potential
    assert (data.conversion == both).all()
    for drawn, p in ((data.click, "p_click"), (data.potential, "p_conversion"), (both, "p_both")):
        for half in (data[p] > data[p].median(), data[p] <= data[p].median()):
            assert within((drawn - data[p])[half], 0.0)
    if not said["gamma"]:
        np.testing.assert_allclose(data.p_both, data.p_click * data.p_conversion)


def test_ids_follow_zipfs_law_and_what_is_seen_of_them_is_theirs():
    data = frame(num_users=50, num_items=20)
    shares = data.user.value_counts(normalize=True).sort_index().to_numpy()
    expected = 1 / np.arange(1, 51) / (1 / np.arange(1, 51)).sum()
    np.testing.assert_allclose(shares, expected, atol=0.006)
    assert set(data.groupby("user")[["interests", "u1"]].nunique().to_numpy().flat) == {1}
    assert set(data.groupby("item")[["topic", "v1"]].nunique().to_numpy().flat) == {1}
    assert set(data.interests.str.count(r"\|") + 1) == {1, 2, 3, 4}
    assert data.day.is_monotonic_increasing
    early = data[data.position == 1].p_click.mean()
    assert early > 1.5 * data[data.position == 10].p_click.mean()


@pytest.mark.parametrize("bias", [-0.5, 0.0, 0.8])
def test_the_correlation_of_clicks_and_conversions_is_the_bias(bias):
    world, draw = World(**(WORLD | {"bias": bias})), np.random.default_rng(0)
    user, item, weights = (draw.normal(size=(n, 4)) for n in (5000, 5000, 8))
    matches = draw.random(5000) < 0.2
    scores = world.scores(user, item, matches, weights.reshape(4, 8))
    assert np.corrcoef(*scores)[0, 1] == pytest.approx(bias, abs=1e-9)
    assert np.std(scores, 1) == pytest.approx([1, 1])


def test_drift_makes_later_clicks_likelier_and_the_last_impressions_are_test():
    data = frame(drift=2.0)
    first, last = data[: len(data) // 4], data[-len(data) // 4 :]
    assert last.p_click.mean() > 1.8 * first.p_click.mean()
    assert last.p_conversion.mean() == pytest.approx(first.p_conversion.mean(), rel=0.05)
    dataset = made(drift=5.0, num_train=3000, num_test=3000)
    rates = [rows.targets["true_ctr"].mean() for rows in dataset.splits.values()]
    assert list(dataset.sizes) == ["train", "val", "test"]
    assert rates[0] < rates[1] < rates[2]


@pytest.fixture(scope="module")
def draws():
    """Impressions with the errors of some prediction, and 400 draws of their clicks."""
    data, draw = frame(3000, click_rate=0.3), np.random.default_rng(1)
    error = cross_entropy(data.potential, np.clip(0.02 + 0.8 * data.p_conversion, 0, 1)).to_numpy()
    p = data.p_click.to_numpy()
    clicks = (draw.random((400, len(data))) < p).astype(float)
    return error, p, clicks


def test_clicked_errors_over_true_propensities_are_on_the_average_those_of_all(draws):
    error, p, clicks = draws
    assert within((clicks * error / p).mean(1), error.mean())
    assert not within((clicks * error / p.mean()).mean(1), error.mean())  # a wrong propensity


def test_doubly_robust_errors_need_one_right_part(draws):
    """Imputed errors that are right, or propensities that are; with neither it is off."""
    error, p, clicks = draws
    wrong_p, wrong_error = np.full_like(p, p.mean()), np.full_like(error, 0.5)

    def robust(imputed, propensity):
        return (imputed + clicks * (error - imputed) / propensity).mean(1)

    assert within(robust(wrong_error, p), error.mean())
    np.testing.assert_allclose(robust(error, wrong_p), error.mean())
    assert not within(robust(wrong_error, wrong_p), error.mean())


def bias_of_clicked(data):
    """How far the mean of a logistic model of clicked impressions is off, and its deviation."""
    seen = data[data.click == 1]
    model = LogisticRegression(C=1e4).fit(seen[TRAITS], seen.conversion)
    return model.predict_proba(data[TRAITS])[:, 1] - data.p_conversion


def test_a_model_that_can_express_the_truth_is_consistent_on_clicks_alone():
    """So a gain of debiasing there would be an error of the one who measures."""
    options = {"interaction": 0.0, "click_rate": 0.3, "bias": 0.9}
    few, many = (bias_of_clicked(frame(n, **options)) for n in (20_000, 320_000))
    assert abs(many.mean()) < 0.003
    assert many.std() < 0.006
    assert many.std() < 0.5 * few.std()


def test_one_that_cannot_is_off_with_bias_alone():
    """Means over worlds: clicked impressions convert more, and no column makes up for it."""
    many = {"num_users": 2000, "num_items": 1000}
    biases = {
        bias: np.mean([bias_of_clicked(frame(bias=bias, seed=s, **many)).mean() for s in range(4)])
        for bias in (0.0, 0.9)
    }
    assert biases[0.9] > 0.015
    assert abs(biases[0.0]) < 0.005


def test_with_a_hidden_cause_even_true_propensities_are_biased():
    """Conversions are missing not at random: who clicked is readier to convert than columns say."""
    data = frame(gamma=2.0, bias=0.0, interaction=0.0)
    assert data.click.mean() == pytest.approx(0.2, abs=0.01)
    weighted = data.click * data.potential / data.p_click
    assert not within(weighted, data.potential.mean())
    assert weighted.mean() > 1.3 * data.potential.mean()
    assert bias_of_clicked(data).mean() > 0.03


def test_labels_are_seen_after_clicks_alone_and_the_truth_everywhere():
    dataset = made()
    for split, size in dataset.sizes.items():
        targets = dataset.targets(split)
        click = targets["ctr"] == 1
        assert (targets["cvr"].isnan() == ~click).all()
        assert (targets["ctcvr"][click] == targets["cvr"][click]).all()
        assert (targets["ctcvr"][~click] == 0).all()
        assert ((targets["true_cvr"] > 0) & (targets["true_cvr"] < 1)).sum() == size
    assert dataset.inputs["row"].lists == (13,)
    again = made().targets("test")
    torch.testing.assert_close(again, dataset.targets("test"), equal_nan=True, rtol=0, atol=0)
    assert "if all were clicked" in dataset.notes[0]
    assert dataset.notice is None
    assert "no loss is unbiased" in str(made(gamma=1.0).notice)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"bias": 1.5}, r"dataset.bias must be a number from -1 to 1.\n  found: 1.5"),
        ({"gamma": -1.0}, "dataset.gamma"),
        ({"click_rate": 0}, "dataset.click_rate must be a number from 0.001"),
        ({"num_users": 1}, "dataset.num_users must be an integer of at least 2"),
        ({"num_train": 0}, "dataset.num_train"),
        (
            {"out": "a.csv"},
            r"dataset.out must end in .parquet.\n.*\n  try:   dataset.out=a.parquet",
        ),
        ({"columns": {"usr": {"type": "drop"}}}, "user in its place"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, said):
    with pytest.raises(ValueError, match=said):
        made(**options)


def test_a_run_measures_on_all_impressions_what_the_file_and_predictions_say(tmp_path):
    out, folder = tmp_path / "impressions.parquet", tmp_path / "run"
    words = ["dataset=clicks", *FEW, *QUICK, f"dataset.out={out}", f"hydra.run.dir={folder}"]
    summary = mtl_cli.train([*words, "trainer.max_epochs=1"])
    data = pandas.read_parquet(out)
    assert data.split.value_counts().to_dict() == {"train": 600, "test": 400, "val": 200}
    test = data[data.split == "test"].drop(columns="split")
    predicted = mtl_cli.load_run(folder).predict(test)
    error = predicted["p(cvr=1)"] - test.p_conversion
    figures = summary["test"]["true_cvr"]
    assert figures["bias"] == pytest.approx(error.mean(), abs=1e-6)
    assert figures["rmse"] == pytest.approx(np.sqrt((error**2).mean()), abs=1e-6)
    assert evaluate([f"run={folder}"])["figures"] == summary["test"]
    assert set(summary["train"]) == {"ctr", "cvr"}


@pytest.mark.parametrize(
    ("experiment", "trained"),
    [
        ("esmm", {"ctr", "ctcvr"}),
        ("escm", {"ctr", "cvr", "ctcvr"}),
        ("escm_dr", {"ctr", "cvr", "ctcvr"}),
        ("mmoe_ranking", {"ctr", "cvr"}),
        ("ple_ranking", {"ctr", "cvr"}),
    ],
)
def test_an_experiment_trains_and_measures(experiment, trained, tmp_path):
    words = [f"experiment={experiment}", *FEW, *NO_PICTURES, "device=cpu", "trainer=smoke"]
    summary = mtl_cli.train([*words, f"hydra.run.dir={tmp_path / 'run'}"])
    assert set(summary["train"]) == trained
    assert set(summary["metrics"]["true_cvr"]) == {"rmse", "mae", "bias"}
    assert 0 < summary["test"]["true_cvr"]["rmse"] < 1
    firsts = {next(iter(summary["metrics"][task])) for task in trained}
    assert firsts == {"auroc"}


def test_the_towers_of_esmm_share_the_embedding_alone(tmp_path):
    words = ["experiment=esmm", *FEW, *NO_PICTURES, "device=cpu", "trainer=smoke", "~tasks.ctcvr"]
    folder = tmp_path / "run"
    mtl_cli.train([*words, "tasks.cvr.loss=bce", f"hydra.run.dir={folder}"])
    model = mtl_cli.load_run(folder).model
    names = {id(own): name for name, own in model.named_parameters()}
    shared = {names[id(own)].partition(".")[0] for own in model.shared_parameters()}
    assert shared == {"embedded"}


def test_its_batches_carry_the_groups_that_a_metric_asks_for():
    dataset = made(group_columns=["user", "item"])
    loader = dataset.loader("val", {"ctr": "row"}, torch.device("cpu"), 0)
    [batch] = loader.batches(1)
    users = frame(600).user.to_numpy()[300:400]
    found = batch.groups["user"].numpy()
    assert len(set(found)) == len(set(users)) == len(set(zip(found, users, strict=True)))
    assert batch.groups.keys() == {"user", "item"}
