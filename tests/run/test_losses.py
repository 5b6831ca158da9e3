"""Options of losses as people write them: a number, a list, or a word for weights of classes."""

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

import mtl_cli.train
from mtl_cli import load_run
from mtl_cli.basis.errors import Problem
from mtl_cli.evaluate import evaluate
from mtl_cli.run.losses import make_loss

BCE = "torch.nn.BCEWithLogitsLoss"


def loss_of(target, **own):
    cfg = OmegaConf.create({"loss": {"_target_": target, **own}, "choices": {}})
    return make_loss(cfg, "loss")


@pytest.mark.parametrize("written", [7, 7.0, [7], [7.0]])
def test_a_number_stands_for_a_tensor_of_one(written):
    loss, balanced = loss_of(BCE, pos_weight=written, weight=None)
    output, target = torch.tensor([0.3, -1.0]), torch.tensor([1.0, 0.0])
    p = output.sigmoid()
    expected = -(7 * target * p.log() + (1 - target) * (1 - p).log()).mean()
    torch.testing.assert_close(loss(output, target), expected)
    assert balanced == []


def test_numbers_stay_numbers_where_no_tensor_is_taken():
    loss, _ = loss_of("torch.nn.HuberLoss", delta=2)
    assert loss.delta == 2
    loss, _ = loss_of("torch.nn.CrossEntropyLoss", weight=[1, 2], label_smoothing=0.1)
    assert loss.weight.tolist() == [1, 2]
    assert loss.label_smoothing == 0.1


@pytest.mark.parametrize(
    ("wrong", "line"), [("balance", "balanced"), ("many", "null"), ([1, "a"], "null")]
)
def test_another_word_is_answered_with_what_may_stand_there(wrong, line):
    with pytest.raises(Problem, match=f"(?s)a number, a list .*balanced.*loss.pos_weight={line}$"):
        loss_of(BCE, pos_weight=wrong)


def test_balanced_weights_are_those_of_the_train_rows_and_kept(tmp_path, caplog):
    rng = np.random.default_rng(0)
    ill = rng.random(120) < 0.2
    kind = rng.choice(list("abc"), 120, p=[0.6, 0.3, 0.1])
    split = rng.choice(["train", "val", "test"], 120, p=[0.6, 0.2, 0.2])
    rows = zip(rng.normal(size=120), ill.astype(int), kind, split, strict=True)
    lines = ["x,ill,kind,split", *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    run = tmp_path / "run"
    words = ["dataset=table", f"dataset.path={tmp_path}/t.csv", "trainer.max_epochs=1"]
    words += ["dataset.targets={ill: binary, kind: multiclass}", "dataset.reference=0"]
    words += ["dataset.split={by: column, column: split}", f"hydra.run.dir={run}"]
    words += ["tasks.ill.loss.pos_weight=balanced", "tasks.kind.loss.weight=balanced"]
    summary = mtl_cli.train(words)
    at = split == "train"
    ratio = (~ill[at]).sum() / ill[at].sum()
    shares = [at.sum() / (3 * (kind[at] == name).sum()) for name in "abc"]
    loaded = load_run(run)
    assert loaded.tasks["ill"].criterion.pos_weight.item() == pytest.approx(ratio)
    np.testing.assert_allclose(loaded.tasks["kind"].criterion.weight, shares, rtol=1e-6)
    assert "pos_weight: balanced" in (run / "config.yaml").read_text()
    assert f"tasks.ill.loss.pos_weight: {ratio:.4g}" in (run / "train.log").read_text()
    assert evaluate([f"run={run}"])["figures"] == summary["test"]
    mtl_cli.train([f"resume={run}", "trainer.max_epochs=2"])
    assert load_run(run, "last").tasks["ill"].criterion.pos_weight.item() == pytest.approx(ratio)
