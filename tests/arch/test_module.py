"""A torch module of the user's own trains, resumes and predicts as it is, by name alone."""

import sys

import pandas as pd
import pytest
import torch
from torch import nn

import mtl_cli
from mtl_cli.arch.module import Module
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.inputs import Dense
from mtl_cli.evaluate import evaluate
from mtl_cli.predict import predict

CODE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width=5):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(1, width), nn.Tanh())
        self.sin, self.cos = nn.Linear(width, 1), nn.Linear(width, 1)

    def forward(self, x):
        features = self.trunk(x)
        return {"sin": self.sin(features), "cos": self.cos(features).squeeze(1)}
"""
WORDS = ["arch=module", "arch.model._target_=own_net.Net", "dataset.num_samples=200"]
WORDS += ["trainer.max_epochs=1", "scheduler=none", "hydra.run.dir=run"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "own_net.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    sys.modules.pop("own_net", None)


def of_outputs(model):
    return Module(None, {"x": Dense((3,))}, {"a": "x", "b": "x"}, model)


class Gives(nn.Module):
    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def forward(self, x):
        return self.outputs


def test_it_is_trained_with_a_gradient_method_resumed_evaluated_and_asked(here):
    summary = mtl_cli.train([*WORDS, "weighting=pcgrad", "+arch.model.width=7"])
    assert summary["parameters"]["shared"] == 14  # the trunk's, and of each task its own layer
    assert summary["parameters"]["per_task"] == {"sin": 8, "cos": 8}
    assert evaluate(["run=run", "trust=[own_net]"])["figures"] == summary["test"]
    resumed = mtl_cli.train(["resume=run", "trainer.max_epochs=2", "trust=[own_net]"])
    assert resumed["epochs"] == 2
    (here / "new.csv").write_text("x\n0.5\n")
    predict(["run=run", "input=new.csv", "trust=[own_net]"])
    run = mtl_cli.load_run("run", trust=["own_net"])
    with torch.no_grad():
        expected = run.model.arch.model(torch.tensor([[0.5]]))["sin"].item()
    assert pd.read_csv("predictions.csv").sin.item() == pytest.approx(expected, rel=1e-5)
    with pytest.raises(Problem, match=r"arch\.model\._target_ must be of a package that is trust"):
        evaluate(["run=run"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["arch=module"], r"arch\.model\._target_ must be given"),
        (["arch=module", "arch.model._target_=torch.save"], "which is no class"),
        (["arch=module", "arch.model._target_=own_net.No"], "which cannot be found"),
        ([*WORDS, "arch.model.width=7"], r"\+arch\.model\.width=7"),
        ([*WORDS, "+arch.model.deep=7"], "unexpected keyword argument 'deep'"),
        ([*WORDS, "+arch.model.width=1000000000000"], "must be trained in the memory"),
        ([*WORDS, "weighting=upgrad", "weighting.on=features"], r"weighting\.on=parameters"),
    ],
)
def test_what_it_lacks_is_said(words, said):
    with pytest.raises(Problem, match=said):
        mtl_cli.train(words)


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (torch.zeros(2, 1), "found: a Tensor"),
        ({"a": torch.zeros(2, 1)}, "found: none for b: a"),
        ({"a": torch.zeros(2, 1), "b": 0.0}, "found: float"),
        ({"a": torch.zeros(2, 1), "b": torch.zeros(3, 1)}, r"found: \(3, 1\)"),
        ({"a": torch.zeros(2, 1), "b": torch.zeros(())}, r"found: \(\)"),
    ],
)
def test_what_is_no_output_for_each_task_is_refused(outputs, said):
    with pytest.raises(Problem, match=said):
        of_outputs(Gives(outputs))


def test_its_tensors_are_the_outputs_and_others_are_left_out():
    gives = {"b": torch.ones(2), "a": torch.arange(6.0).view(2, 3), "more": torch.zeros(1)}
    arch = of_outputs(Gives(gives))
    assert arch.out_shapes == {"a": (3,), "b": (1,)}
    outputs = arch({"x": torch.zeros(2, 3)}, ["a"])
    assert list(outputs) == ["a"]
    assert outputs["a"] is gives["a"]
    assert arch({}) == {}
