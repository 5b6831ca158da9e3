"""Sine and cosine: the values of NumPy's legacy generator, and splits of the right sizes."""

import numpy as np
import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.sincos import SinCos

VALID = {"num_samples": 2000, "noise": 0.1, "split": "random", "inputs": "shared", "seed": 42}
VALID |= {"batch_size": 128, "eval_batch_size": 1000, "shuffle": True, "drop_last": False}


def make(**options) -> SinCos:
    return SinCos.of(**VALID | options)


def columns(dataset: SinCos, split: str) -> dict[str, np.ndarray]:
    table = dataset.splits[split]
    return {name: x.squeeze(-1).numpy() for name, x in (table.inputs | table.targets).items()}


def all_rows(dataset: SinCos) -> dict[str, np.ndarray]:
    """Those of all splits, in the order of x."""
    parts = [columns(dataset, split) for split in dataset.sizes]
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    rank = np.argsort(next(iter(whole.values())), kind="stable")
    return {name: values[rank] for name, values in whole.items()}


@pytest.fixture
def reference():
    """Both noises from the legacy global generator, the sine's first, in float64."""
    state = np.random.get_state()
    np.random.seed(42)
    x = np.linspace(-2 * np.pi, 2 * np.pi, 2000)
    y1 = np.sin(x) + 0.1 * np.random.randn(2000)
    y2 = np.cos(x) + 0.1 * np.random.randn(2000)
    np.random.set_state(state)
    return {name: v.astype(np.float32) for name, v in (("x", x), ("sin", y1), ("cos", y2))}


@pytest.mark.parametrize("split", ["random", "extrapolation"])
def test_the_values_are_those_of_numpys_legacy_generator(split, reference):
    found = all_rows(make(split=split))
    assert list(found) == list(reference)
    for name, values in reference.items():
        assert found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], values)


def test_extrapolation_trains_on_the_first_three_quarters_of_the_line(reference):
    dataset = make(split="extrapolation")
    assert dataset.sizes == {"train": 1500, "test": 500}
    for name, values in reference.items():
        np.testing.assert_array_equal(columns(dataset, "train")[name], values[:1500])
        np.testing.assert_array_equal(columns(dataset, "test")[name], values[1500:])


@pytest.mark.parametrize("num_samples", [10, 11, 999, 2000])
def test_a_random_split_has_70_15_and_15_percent(num_samples):
    sizes = make(num_samples=num_samples).sizes
    assert sum(sizes.values()) == num_samples
    for split, share in {"train": 0.70, "val": 0.15, "test": 0.15}.items():
        assert abs(sizes[split] - share * num_samples) <= 1


def test_a_random_split_is_of_the_whole_line():
    dataset = make()
    for split in dataset.sizes:
        x = columns(dataset, split)["x"]
        assert x.min() < -6
        assert x.max() > 6
        assert abs(x.mean()) < 0.7


def test_without_noise_the_values_are_exact():
    found = all_rows(make(noise=0.0))
    line = np.linspace(-2 * np.pi, 2 * np.pi, 2000)
    np.testing.assert_array_equal(found["sin"], np.sin(line).astype(np.float32))
    np.testing.assert_array_equal(found["cos"], np.cos(line).astype(np.float32))


@pytest.mark.parametrize("inputs", ["shared", "per_task"])
def test_the_noise_has_its_deviation_and_the_tasks_noises_are_independent(inputs):
    dataset = make(noise=0.3, inputs=inputs)
    found = all_rows(dataset)
    errors = [found[t] - getattr(np, t)(found[dataset.tasks[t]]) for t in ("sin", "cos")]
    for error in errors:
        assert error.mean() == pytest.approx(0, abs=0.03)
        assert error.std() == pytest.approx(0.3, rel=0.06)
    assert abs(np.corrcoef(*errors)[0, 1]) < 0.08


@pytest.mark.parametrize("split", ["random", "extrapolation"])
def test_per_task_inputs_are_uniform_and_independent(split):
    dataset = make(inputs="per_task", split=split)
    assert dataset.tasks == {"sin": "x_sin", "cos": "x_cos"}
    train = columns(dataset, "train")
    length = 4 * np.pi * (1 if split == "random" else 0.75)
    for name in ("x_sin", "x_cos"):
        quarters = np.histogram(train[name], 4, (-2 * np.pi, length - 2 * np.pi))[0]
        assert quarters == pytest.approx(len(train[name]) / 4, rel=0.15)
    assert abs(np.corrcoef(train["x_sin"], train["x_cos"])[0, 1]) < 0.1


def test_with_per_task_inputs_extrapolation_tests_beyond_what_it_trains():
    dataset = make(inputs="per_task", split="extrapolation")
    train, test = columns(dataset, "train"), columns(dataset, "test")
    for name in ("x_sin", "x_cos"):
        assert train[name].max() <= test[name].min()


@pytest.mark.parametrize("inputs", ["shared", "per_task"])
def test_a_seed_draws_the_same_again_and_leaves_the_global_generator_alone(inputs):
    before = np.random.get_state()[1].copy()
    first, again, other = (make(inputs=inputs, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    for name, values in columns(first, "val").items():
        np.testing.assert_array_equal(columns(again, "val")[name], values)
        assert not np.array_equal(columns(other, "val")[name], values)


@pytest.mark.parametrize("inputs", ["shared", "per_task"])
def test_a_batch_is_a_column_for_each_input_and_a_number_for_each_task(inputs):
    dataset = make(inputs=inputs)
    batch = next(dataset.loader("train", dataset.tasks, torch.device("cpu"), 0).batches(1))
    assert set(batch.inputs) == set(dataset.inputs) == set(dataset.tasks.values())
    assert all(x.shape == (128, *dataset.inputs[name].shape) for name, x in batch.inputs.items())
    assert all(y.shape == (128,) for y in batch.targets.values())
    assert dataset.source == "generated"
    assert dataset.notice is None


@pytest.mark.parametrize(
    ("option", "wrong"),
    [
        *(("num_samples", wrong) for wrong in (9, 20.0, "20", None)),
        *(("noise", wrong) for wrong in (-0.1, "x", None, np.nan)),
        *(("split", wrong) for wrong in ("randon", None)),
        *(("inputs", wrong) for wrong in ("per-task", None)),
        *(("seed", wrong) for wrong in (-1, 0.5, "0", None)),
    ],
)
def test_a_wrong_option_is_told_by_its_path(option, wrong):
    with pytest.raises(Problem, match=rf"^dataset\.{option} must be"):
        make(**{option: wrong})


def test_a_mistyped_choice_is_answered_with_the_nearest():
    with pytest.raises(Problem, match=r"dataset\.split=extrapolation$"):
        make(split="extrapolate")
