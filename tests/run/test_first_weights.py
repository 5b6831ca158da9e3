"""``init=`` with weights of classes: the net is the other run's, the loss is this one's."""

import numpy as np
import pandas
import pytest
import torch

import mtl_cli.train
from mtl_cli import load_run
from mtl_cli.basis.errors import Problem

N = 60
TARGETS = "{sick: binary, kind: multiclass, grade: ordinal, price: regression}"
OPTIONS = {"sick": "pos_weight", "kind": "weight", "grade": "weight"}
OWN = {
    "plain": [],
    "balanced": [f"tasks.{task}.loss.{option}=balanced" for task, option in OPTIONS.items()],
}


def rows(ones):
    """A table, of which in so many rows sick is 1, kind a and grade 0."""
    x = np.random.default_rng(0).normal(size=N)
    sick = (np.arange(N) < ones).astype(int)
    frame = pandas.DataFrame({"x": x, "sick": sick, "kind": np.where(sick, "a", "b")})
    grade = np.where(sick, 0, np.arange(N) // 4 % 3)
    split = ["train", "train", "val", "test"] * (N // 4)
    return frame.assign(grade=grade, price=1000 * x + ones, split=split)


def train(folder, frame, *words):
    mtl_cli.train(
        [
            *("dataset=table", f"dataset.targets={TARGETS}", "encoder.hidden=[4]"),
            *("dataset.split={by: column, column: split}", "dataset.reference=0"),
            *("pictures.curves=false", "trainer.max_epochs=1", f"hydra.run.dir={folder}", *words),
        ],
        data=frame,
    )
    run = load_run(folder)
    return run, run.model.state_dict()


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """``{name: (folder, weights)}`` of a run without weights of classes, and of one with them."""
    folder = tmp_path_factory.mktemp("first")
    return {
        name: (folder / name, train(folder / name, rows(30), *words)[1])
        for name, words in OWN.items()
    }


@pytest.mark.parametrize("before", OWN)
@pytest.mark.parametrize("now", OWN)
def test_the_net_is_the_other_runs_and_the_loss_is_this_ones(tmp_path, first, before, now):
    folder, weights = first[before]
    frame = rows(15)
    run, state = train(tmp_path / "run", frame, f"init={folder}", "optimizer.lr=0", *OWN[now])
    of_losses = {name for name in state if ".criterion." in name}
    assert len(of_losses) == (len(OPTIONS) if now == "balanced" else 0)
    for name in state.keys() - of_losses:
        assert torch.equal(state[name], weights[name]), name  # the unit of the price among them
    for task, option in OPTIONS.items() if now == "balanced" else ():
        counts = frame[task][frame["split"] == "train"].value_counts().sort_index().to_numpy()
        expected = counts.sum() / (len(counts) * counts)
        expected = expected[1:] / expected[:1] if option == "pos_weight" else expected
        found = getattr(run.tasks[task].criterion, option)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_low_rank_additions_begin_on_what_hard_sharing_learned(tmp_path):
    frame, words = rows(30), ["encoder.hidden=[4,4]", "optimizer.lr=0.01"]
    shared, weights = train(tmp_path / "hps", frame, *words)
    words[-1] = "optimizer.lr=0"
    run, state = train(tmp_path / "lora", frame, *words, "arch=lora", f"init={tmp_path / 'hps'}")
    kept = {name.replace(".linear.", "."): value for name, value in state.items()}
    assert len(kept) > len(weights)
    assert all(torch.equal(kept[name], value) for name, value in weights.items())
    expected, found = shared.predict(frame), run.predict(frame)
    pandas.testing.assert_frame_equal(found, expected, rtol=1e-4, atol=1e-5)
    _, same = train(tmp_path / "again", frame, *words, "arch=lora", f"init={tmp_path / 'lora'}")
    assert all(torch.equal(same[name], value) for name, value in state.items())
    wrong = [("lora", [*words, "arch.rank=3"]), ("hps", ["encoder.hidden=[4,5]"])]
    for name, changed in wrong:
        with pytest.raises(Problem, match="must be of a model of the same configuration"):
            train(tmp_path / "wrong", frame, *changed, "arch=lora", f"init={tmp_path / name}")
