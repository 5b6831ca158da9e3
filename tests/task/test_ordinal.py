"""Ordered classes: against formulas by hand, scikit-learn's metrics, and whole runs."""

import numpy as np
import pandas
import pytest
import torch
from sklearn.metrics import accuracy_score, cohen_kappa_score, mean_absolute_error
from torch import nn
from torchmetrics import MeanAbsoluteError
from torchmetrics.classification import MulticlassAccuracy, MulticlassCohenKappa

import mtl_cli.train
from mtl_cli import load_run
from mtl_cli.basis.errors import Problem
from mtl_cli.evaluate import evaluate
from mtl_cli.head.linear import Linear
from mtl_cli.loss.corn import CORN
from mtl_cli.loss.focal import FocalLoss
from mtl_cli.task.base import Parts
from mtl_cli.task.ordinal import Ordinal

SIZES = ["xs", "s", "m", "l", "xl"]


def make(num_classes=5, loss=None, balanced=()):
    metrics = {
        "mae": MeanAbsoluteError(),
        "kappa": MulticlassCohenKappa(num_classes, weights="quadratic"),
        "accuracy": MulticlassAccuracy(num_classes, average="micro"),
    }
    parts = Parts("size", "row", Linear, loss or CORN(None), metrics, {}, 1.0, balanced)
    return Ordinal(parts, num_classes)


def draw(num_classes, *shape):
    generator = torch.Generator().manual_seed(0)
    output = 2 * torch.randn(shape[0], num_classes - 1, *shape[1:], generator=generator)
    return output, torch.randint(-1, num_classes, shape, generator=generator)


@pytest.mark.parametrize("shape", [(50,), (3, 4, 2)])
@pytest.mark.parametrize("num_classes", [2, 3, 6])
def test_probabilities_sum_to_one_fall_with_the_class_and_are_the_loss(num_classes, shape):
    task = make(num_classes)
    output, target = draw(num_classes, *shape)
    shares = task.predict(output)
    torch.testing.assert_close(shares.sum(1), torch.ones(shape))
    at_least = shares.flip(1).cumsum(1).flip(1)
    assert (at_least.diff(dim=1) <= 0).all()
    own = shares.movedim(1, -1)[target >= 0]
    loss, count = task.loss(output, target)
    expected = -own.gather(1, target[target >= 0][:, None]).log().mean()
    torch.testing.assert_close(loss, expected)
    assert count == (target >= 0).sum()


def test_of_two_classes_it_is_a_binary_task():
    task = make(2)
    output, target = draw(2, 40)
    loss, _ = task.loss(output, target)
    there = target >= 0
    plain = nn.functional.binary_cross_entropy_with_logits(output[there, 0], target[there].float())
    torch.testing.assert_close(loss, plain)
    torch.testing.assert_close(task.predict(output)[:, 1], output[:, 0].sigmoid())


def test_outputs_give_the_probabilities_that_they_are_made_of():
    task = make()
    shares = torch.rand(30, 5).softmax(1)
    torch.testing.assert_close(task.predict(task.output_of(shares)), shares)
    sure = task.predict(task.output_of(torch.eye(5)))
    torch.testing.assert_close(sure, torch.eye(5), atol=1e-5, rtol=0)


def test_the_predicted_class_is_the_least_far_off_by_its_probabilities():
    shares = torch.rand(200, 5, dtype=torch.float64).pow(3)
    shares /= shares.sum(1, keepdim=True)
    rank = torch.arange(5)
    distance = (rank[:, None] - rank).abs().double()  # [K, K]
    assert (Ordinal.median(shares) == (shares @ distance).argmin(1)).all()


def test_metrics_are_those_of_sklearn_and_do_not_depend_on_the_order_of_examples():
    task = make()
    task.try_loss()
    task.try_metrics()
    output, target = draw(5, 300)
    order = torch.randperm(300)
    found, again = (
        {name: metric(*task.score(o, t)).item() for name, metric in task.metrics.items()}
        for o, t in ((output, target), (output[order], target[order]))
    )
    assert found == pytest.approx(again, rel=1e-5, abs=1e-6)
    there = target >= 0
    label, predicted = target[there], Ordinal.median(task.predict(output))[there]
    assert found == pytest.approx(
        {
            "mae": mean_absolute_error(label, predicted),
            "kappa": cohen_kappa_score(label, predicted, weights="quadratic"),
            "accuracy": accuracy_score(label, predicted),
        },
        rel=1e-5,
        abs=1e-6,
    )


def test_the_floor_is_the_median_class():
    task = make(3)
    target = torch.tensor([0, 0, 0, 1, 1, 2, 2, 2, 2, -1])
    task.fit(target)
    output = task.output_of(task.prior(target))
    torch.testing.assert_close(task.predict(output), torch.tensor([[3 / 9, 2 / 9, 4 / 9]]))
    assert task.score(output.expand(10, -1), target)[0].tolist() == [1] * 9


def test_examples_and_classes_may_weigh():
    task = make(3, CORN(torch.tensor([1.0, 2.0, 0.5])))
    output, target = draw(3, 20)
    weights = torch.rand(20)
    each = CORN(None)
    each.reduction = "none"
    there = target >= 0
    own = each(output[there], target[there])
    factor = torch.tensor([1.0, 2.0, 0.5])[target[there]]
    for given, counted in ((None, factor), (weights, factor * weights[there])):
        loss, count = task.loss(output, target, weights=given)
        torch.testing.assert_close(loss, (own * counted).sum() / counted.sum())
        assert float(count) == pytest.approx(counted.sum().item(), rel=1e-6)


@pytest.mark.parametrize("num_classes", [2, 5])
@pytest.mark.parametrize(
    "loss", [nn.CrossEntropyLoss(), nn.MSELoss(), FocalLoss(2.0, None), nn.BCEWithLogitsLoss()]
)
@pytest.mark.filterwarnings("ignore:Using a target size")
def test_a_loss_that_knows_no_order_is_refused(loss, num_classes):
    with pytest.raises(Problem, match=r"(?s)must fit an ordinal task.*tasks.size.loss=corn"):
        make(num_classes, loss).try_loss()


def test_labels_beyond_the_classes_are_refused():
    with pytest.raises(Problem, match=r"(?s)has 5 classes.*tasks.size.num_classes=8"):
        make().check_targets(torch.tensor([1, -1, 7]))


def sizes(count=400):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 3))
    latent = x @ [1.0, -0.7, 0.0] + rng.logistic(size=count) / 2
    rank = np.digitize(latent, [-1.5, -0.5, 0.5, 1.5])
    split = np.array(["train", "train", "train", "val", "test"])[np.arange(count) % 5]
    frame = pandas.DataFrame(x, columns=["a", "b", "c"])
    return frame.assign(size=np.array(SIZES)[rank], rank=rank, split=split)


def test_ordered_classes_of_a_table_are_learned_and_kept(tmp_path):
    frame = sizes()
    frame.loc[::9, "size"] = None
    frame.drop(columns="rank").to_csv(tmp_path / "t.csv", index=False)
    run = tmp_path / "run"
    words = ["dataset=table", f"dataset.path={tmp_path}/t.csv", "trainer.max_epochs=15"]
    words += ["dataset.targets={size: {kind: ordinal, order: [xs, s, m, l, xl]}}"]
    words += ["dataset.split={by: column, column: split}", f"hydra.run.dir={run}"]
    summary = mtl_cli.train(words)
    predicted = load_run(run).predict(tmp_path / "t.csv")
    shares = predicted[[f"p(size={name})" for name in SIZES]].to_numpy()
    np.testing.assert_allclose(shares.sum(1), 1, rtol=1e-5)
    guess = predicted["size"].map(SIZES.index).to_numpy()
    at = ((frame["split"] == "test") & frame["size"].notna()).to_numpy()
    rank = frame["rank"].to_numpy()
    own, floor = summary["test"]["size"], summary["floor"]["size"]
    assert own["mae"] == pytest.approx(mean_absolute_error(rank[at], guess[at]), rel=1e-5)
    kappa = cohen_kappa_score(rank[at], guess[at], weights="quadratic")
    assert own["kappa"] == pytest.approx(kappa, rel=1e-4)
    assert own["loss"] == pytest.approx(-np.log(shares[at, rank[at]]).mean(), rel=1e-4)
    train = ((frame["split"] == "train") & frame["size"].notna()).to_numpy()
    middle = np.full(at.sum(), np.median(rank[train]))
    assert floor["mae"] == pytest.approx(mean_absolute_error(rank[at], middle), rel=1e-5)
    assert own["mae"] < 0.7 * floor["mae"]
    assert summary["reference"]["size"]["mae"] < 0.9 * floor["mae"]
    assert "size: ordinal" in (run / "train.log").read_text()
    frame[at].drop(columns="rank").to_csv(tmp_path / "new.csv", index=False)
    again = evaluate([f"run={run}", f"input={tmp_path}/new.csv"])["figures"]["size"]
    assert again["mae"] == pytest.approx(own["mae"], rel=1e-5)


def test_balanced_classes_count_the_same():
    task = make(3, balanced=["weight"])
    task.fit(torch.tensor([0, 0, 0, 2, -1]))
    torch.testing.assert_close(task.criterion.weight, torch.tensor([4 / 6, 1, 4 / 2]))
