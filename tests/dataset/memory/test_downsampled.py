"""Rows of one label are kept in part, others in each epoch, and predictions are of all rows."""

import math

import numpy as np
import pandas
import pytest
import torch

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.downsampled import Downsampling
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.predict import predict

N = 60
CLASSES = {"click": ["no", "yes"]}


def make_loader(shuffle=True, drop_last=False, weights=None):
    """Batches of 8 of which a quarter of the rows without a click is kept, and the labels."""
    click = (torch.arange(N) % 3 == 0).float()
    click[5] = math.nan
    targets = {"click": click, "buy": torch.zeros(N)}
    rows = Rows({"x": torch.arange(N, dtype=torch.float32)[:, None]}, targets, weights or {})
    batching = Batching(8, 8, shuffle, drop_last)
    tasks = dict.fromkeys(targets, "x")
    dataset = InMemoryDataset({"train": rows}, {"x": Dense((1,))}, tasks, "drawn", batching)
    said = Downsampling.of({"click": {"no": 0.25}}, CLASSES)
    whole = dataset.loader("train", tasks, torch.device("cpu"), seed=3)
    return said.applied(whole, click, seed=3), click


def drawn(loader, epoch, start=0):
    """The numbers of the rows of an epoch, in their order."""
    return torch.cat([batch.inputs["x"][:, 0] for batch in loader.batches(epoch, start)]).long()


@pytest.mark.parametrize("shuffle", [True, False])
def test_as_many_in_each_epoch_but_others(shuffle):
    loader, click = make_loader(shuffle)
    kept, always = round(0.25 * int((click == 0).sum())), torch.nonzero(click != 0)[:, 0]
    epochs = [drawn(loader, epoch) for epoch in (1, 2, 3)]
    for rows in epochs:
        assert len(rows) == len(rows.unique()) == len(always) + kept == loader.num_examples
        assert int((click[rows] == 0).sum()) == kept
        assert {*always.tolist()} <= {*rows.tolist()}  # also where the label is missing
        assert torch.equal(rows, rows.sort()[0]) != shuffle
    assert len({tuple(sorted(rows.tolist())) for rows in epochs}) == 3
    assert len(list(loader.batches(1))) == len(loader) == math.ceil(loader.num_examples / 8)
    assert torch.equal(drawn(make_loader(shuffle)[0], 2), epochs[1])
    assert torch.equal(drawn(loader, 2, start=2), epochs[1][16:])


def test_what_is_kept_stands_for_what_is_left_out_in_the_other_tasks():
    weights = {"buy": torch.rand(N) + 0.5}
    for given in (None, weights):
        loader, click = make_loader(weights=given)
        for batch in loader.batches(1):
            rows = batch.inputs["x"][:, 0].long()
            own = torch.ones(len(rows)) if given is None else weights["buy"][rows]
            expected = torch.where(click[rows] == 0, 4.0, 1.0) * own
            torch.testing.assert_close(batch.weights["buy"], expected)
            assert "click" not in batch.weights


@pytest.mark.parametrize(("label", "sign"), [("no", 1), ("yes", -1)])
def test_the_shift_is_that_of_the_odds(label, sign):
    """``p' = p / (p + (1 - p) / w)`` where class 0 is kept in part."""
    w, p = 0.2, torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    shift = Downsampling.of({"click": {label: w}}, CLASSES).shift
    expected = p / (p + (1 - p) / w) if sign > 0 else p / w / (p / w + 1 - p)
    torch.testing.assert_close((p.logit() + shift).sigmoid(), expected)


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("click", "must be the share to keep of one label"),
        ({"click": {"no": 0.1, "yes": 0.5}}, "must be the share to keep of one label"),
        ({"age": {"no": 0.1}}, "must name a binary target: click"),
        ({"click": {"0": 0.1}}, "must name no or yes"),
        ({"click": {"no": 1.5}}, "must be a number from 0 to 1"),
        ({"click": {"no": 0}}, "must be greater than 0 and less than 1"),
    ],
)
def test_what_cannot_be_kept_is_refused(said, found):
    with pytest.raises(Problem, match=found):
        Downsampling.of(said, CLASSES)


def test_predictions_are_of_all_rows_and_products_of_calibrated_ones(tmp_path):
    draw = np.random.default_rng(0)
    x = draw.normal(size=(3000, 2))
    click = draw.random(3000) < 1 / (1 + np.exp(-(x[:, 0] - 3)))
    data = pandas.DataFrame(x, columns=["x", "y"]).assign(click=click.astype(int))
    data["buy"] = (click & (draw.random(3000) < 0.5)).astype(int)
    data.to_csv(tmp_path / "clicks.csv", index=False)
    words = ["dataset=table", f"dataset.path={tmp_path / 'clicks.csv'}", "encoder=linear"]
    words += [
        "dataset.targets={ctr: {kind: binary, column: click}, cvr: {kind: binary, column: buy"
    ]
    words[-1] += ", where: ctr}, ctcvr: {kind: binary, column: buy}}"
    words += [
        "tasks.ctcvr=product",
        "tasks.ctcvr.of=[ctr,cvr]",
        "dataset.downsample={ctr: {0: 0.1}}",
    ]
    words += ["trainer.max_epochs=12", "optimizer.lr=0.02", "dataset.reference=0", "device=cpu"]
    words += ["pictures.curves=false", "pictures.metrics=false", "dataset.batch_size=64"]
    folder = tmp_path / "run"
    summary = mtl_cli.train([*words, f"hydra.run.dir={folder}"])
    assert "others in each epoch" in (folder / "train.log").read_text()
    predict([f"run={folder}", f"input={tmp_path / 'clicks.csv'}", f"out={tmp_path / 'p.csv'}"])
    found = pandas.read_csv(tmp_path / "p.csv")
    ratio = found["p(ctr=1)"].mean() / data.click.mean()
    assert 0.7 < ratio < 1.4  # without a calibration it is 5
    assert summary["test"]["ctr"]["loss"] < summary["floor"]["ctr"]["loss"]
    product = found["p(ctr=1)"] * found["p(cvr=1)"]
    np.testing.assert_allclose(found["p(ctcvr=1)"], product, rtol=1e-4)
