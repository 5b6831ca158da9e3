"""Figures of a split are those of all its labelled examples, however they fall into batches."""

import math

import pytest
import torch
from sklearn import metrics as sk
from torch import nn
from torchmetrics import MeanAbsoluteError, MeanSquaredError, R2Score
from torchmetrics.classification import BinaryAUROC, MulticlassAccuracy, MulticlassF1Score

from mtl_cli.arch.hps import HPS
from mtl_cli.basis.inputs import Dense
from mtl_cli.dataset.memory.batching import Batching
from mtl_cli.dataset.memory.in_memory import InMemoryDataset
from mtl_cli.dataset.memory.rows import Rows
from mtl_cli.encoder.linear import Linear as LinearEncoder
from mtl_cli.head.linear import Linear
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts
from mtl_cli.task.binary import Binary
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.regression import Regression
from mtl_cli.training.evaluation import evaluate, total_loss

CPU = torch.device("cpu")
ROWS = 23
READS = {"size": "left", "kind": "left", "sick": "right", "unknown": "right"}


def make_tasks():
    def parts(name, metrics, loss, weight=1.0):
        return Parts(name, READS[name], Linear, loss, metrics, {}, weight)

    means = {"mse": MeanSquaredError(), "mae": MeanAbsoluteError()}
    classes = {
        "accuracy": MulticlassAccuracy(num_classes=3, average="micro"),
        "f1": MulticlassF1Score(num_classes=3, average="macro"),
    }
    mse, ce, bce = nn.MSELoss(), nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss()
    return [
        Regression(parts("size", means, mse, 2.0), num_outputs=1, standardize=True),
        Multiclass(parts("kind", classes, ce), num_classes=3),
        Binary(parts("sick", {"auroc": BinaryAUROC()}, bce, 0.5)),
        Binary(parts("unknown", {"auroc": BinaryAUROC()}, bce)),
    ]


def make_table(missing: bool) -> Rows:
    generator = torch.Generator().manual_seed(0)
    inputs = {name: torch.randn(ROWS, 4, generator=generator) for name in ("left", "right")}
    targets = {
        "size": 5 + 3 * torch.randn(ROWS, generator=generator),
        "kind": torch.randint(3, (ROWS,), generator=generator),
        "sick": torch.arange(ROWS).remainder(2).float(),
        "unknown": torch.full((ROWS,), torch.nan),
    }
    if missing:
        targets["size"][[0, 1, 2, 3, 8, 22]] = torch.nan
        targets["kind"][5:12] = -1
        targets["sick"][20:] = torch.nan
    return Rows(inputs, targets)


def make(batch_size: int, missing: bool):
    """A model whose task ``size`` is standardized, and its loader."""
    torch.manual_seed(0)
    table, inputs = make_table(missing), {"left": Dense((4,)), "right": Dense((4,))}
    arch = HPS(lambda spec: LinearEncoder(spec, 5), inputs, READS)
    model = Model(arch, make_tasks())
    model.tasks["size"].fit(table.targets["size"])
    batching = Batching(4, batch_size, False, False)
    splits = {"train": table, "val": table}
    dataset = InMemoryDataset(splits, inputs, READS, "made up", batching)
    return model, dataset.loader("val", READS, CPU, 0), table


@torch.no_grad()
def whole_split(model: Model, table: Rows) -> dict[str, dict[str, float]]:
    """The figures by hand, in NumPy and scikit-learn, of the labelled rows at once."""
    outputs = model(table.inputs)
    rows = {"size": ~table.targets["size"].isnan(), "kind": table.targets["kind"] != -1}
    rows["sick"] = ~table.targets["sick"].isnan()
    out = {task: outputs[task][keep].double() for task, keep in rows.items()}
    label = {task: table.targets[task][keep].numpy() for task, keep in rows.items()}
    size = out["size"].squeeze(1).numpy() * label["size"].std() + label["size"].mean()
    kind = out["kind"].argmax(1).numpy()
    log_p = out["kind"].log_softmax(1)[range(len(kind)), label["kind"]]
    sick = out["sick"].squeeze(1)
    signs = torch.from_numpy(2 * label["sick"] - 1)
    mse = sk.mean_squared_error(label["size"], size)
    return {
        "size": {
            "loss": mse / label["size"].var(),
            "mse": mse,
            "mae": sk.mean_absolute_error(label["size"], size),
        },
        "kind": {
            "loss": -log_p.mean().item(),
            "accuracy": sk.accuracy_score(label["kind"], kind),
            "f1": sk.f1_score(label["kind"], kind, average="macro"),
        },
        "sick": {
            "loss": torch.log1p(torch.exp(-signs * sick)).mean().item(),
            "auroc": sk.roc_auc_score(label["sick"], sick.numpy()),
        },
    }


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("batch_size", [1, 4, 5, 22, 23, 100])
def test_uneven_batches_give_the_figures_of_the_whole_split(batch_size, missing):
    model, loader, table = make(batch_size, missing)
    figures = evaluate(model, loader, READS, CPU)
    expected = whole_split(model, table)
    assert {task: list(values) for task, values in figures.items()} == {
        task: list(values) for task, values in expected.items()
    }
    for task, values in expected.items():
        assert figures[task] == pytest.approx(values, rel=1e-5)


def test_a_task_without_a_label_or_not_asked_for_is_left_out():
    model, loader, _ = make(5, missing=True)
    assert list(evaluate(model, loader, READS, CPU)) == ["size", "kind", "sick"]
    assert list(evaluate(model, loader, ["sick"], CPU)) == ["sick"]
    assert evaluate(model, loader, [], CPU) == {}


def test_evaluating_again_gives_the_same_and_changes_nothing():
    model, loader, _ = make(5, missing=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    first = evaluate(model, loader, READS, CPU)
    assert evaluate(model, loader, READS, CPU, max_batches=2) != first
    assert evaluate(model, loader, READS, CPU) == first
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    assert model.training
    assert all(p.grad is None for p in model.parameters())


def test_dropout_is_off():
    model, loader, _ = make(5, missing=False)
    expected = evaluate(model, loader, READS, CPU)
    model.arch.trunk.stages[0][0] = nn.Sequential(model.arch.trunk.stages[0][0], nn.Dropout(0.5))
    assert evaluate(model, loader, READS, CPU) == expected


def test_so_many_batches_and_no_more():
    model, loader, table = make(5, missing=False)
    first = Rows(
        {name: x[:10] for name, x in table.inputs.items()},
        {task: y[:10] for task, y in table.targets.items()},
    )
    model.tasks["size"].fit(first.targets["size"])
    figures = evaluate(model, loader, READS, CPU, max_batches=2)
    assert figures["kind"] == pytest.approx(whole_split(model, first)["kind"], rel=1e-5)
    assert figures["size"] == pytest.approx(whole_split(model, first)["size"], rel=1e-5)


def test_the_total_is_the_sum_of_weight_times_loss():
    model, _, _ = make(5, missing=False)
    figures = {"size": {"loss": 0.1}, "kind": {"loss": 0.7, "f1": 9.0}, "sick": {"loss": 3.0}}
    assert total_loss(model.tasks, figures) == math.fsum([2 * 0.1, 0.7, 0.5 * 3.0])
    assert total_loss(model.tasks, {}) == 0


@pytest.mark.parametrize("class_weight", [None, [1.0, 5.0, 20.0]])
def test_weighted_losses_do_not_depend_on_the_batches(class_weight):
    """Where rows weigh, where classes do, and where both do; in double precision."""
    found = {}
    for batch_size in (1, 4, 7, 100):
        model, loader, table = make(batch_size, missing=True)
        if class_weight is not None:
            weight = torch.tensor(class_weight, dtype=torch.float64)
            model.tasks["kind"].criterion = nn.CrossEntropyLoss(weight)
        weights = torch.arange(ROWS).remainder(4).double()
        targets = {t: y if t == "kind" else y.double() for t, y in table.targets.items()}
        inputs = {name: x.double() for name, x in table.inputs.items()}
        loader.rows = Rows(inputs, targets, {"kind": weights, "sick": weights})
        found[batch_size] = evaluate(model.double(), loader, READS, CPU)
    outputs, kind = model(inputs)["kind"], table.targets["kind"]
    each = nn.functional.cross_entropy(outputs, kind.clamp(min=0), reduction="none")
    counted = weights * (kind >= 0)
    if class_weight is not None:
        counted = counted * weight[kind]
    expected = (each * counted).sum() / counted.sum()
    assert found[1]["kind"]["loss"] == pytest.approx(expected.item(), rel=1e-12)
    for batch_size in (1, 4, 7):
        for task, values in found[100].items():
            assert found[batch_size][task]["loss"] == pytest.approx(values["loss"], rel=1e-12)


def test_weights_that_sum_to_nothing_give_no_figures():
    model, loader, table = make(5, missing=False)
    loader.rows = Rows(table.inputs, table.targets, {"kind": torch.zeros(ROWS)})
    assert list(evaluate(model, loader, READS, CPU)) == ["size", "sick"]


def test_a_metric_without_a_value_has_none(recwarn):
    """AUROC where all labels are alike, and a correlation of too few or of constants."""
    model, loader, table = make(5, missing=False)
    model.tasks["size"].metrics["r2"] = R2Score()
    table.targets["sick"][:] = 1
    figures = evaluate(model, loader, READS, CPU)
    assert math.isnan(figures["sick"]["auroc"])
    assert math.isfinite(figures["sick"]["loss"])
    assert math.isfinite(figures["size"]["r2"])
    table.targets["size"][1:] = torch.nan
    loader.complete = frozenset()
    assert math.isnan(evaluate(model, loader, READS, CPU)["size"]["r2"])
    assert not recwarn.list
