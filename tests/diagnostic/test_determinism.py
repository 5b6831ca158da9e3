"""Determinism: what is planted is found, by the tensor, the module and the step."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from mtl_cli.diagnostic.determinism import Determinism
from mtl_cli.diagnostic.record import fingerprint

UNSEEDED = torch.Generator()  # goes on from one training to the next
STAGE = "arch.trunk.stages.0.0.1"


class UnseededDropout(nn.Module):
    """Dropout in training that draws from a generator which no seed reaches."""

    def forward(self, x):
        if not self.training:
            return x
        return x * (torch.rand(x.shape, generator=UNSEEDED) > 0.5)


class Remembering(nn.Module):
    """Adds what it was called with before."""

    def __init__(self):
        super().__init__()
        self.before = 0.0

    def forward(self, x):
        y, self.before = x + self.before, x.detach().mean()
        return y


class DrawsInEvaluation(nn.Module):
    """Noise from the seeded generator, in evaluation too."""

    def forward(self, x):
        return x + torch.randn_like(x)


class LateDropout(UnseededDropout):
    """The same from the third step on."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += self.training
        return super().forward(x) if self.calls > 2 else x


def planted(subject, module):
    """The subject with a module after the activation of the first stage."""

    def make_trainer():
        trainer = subject.make_trainer()
        trainer.model.arch.trunk.stages[0][0].append(module())
        return trainer

    return replace(subject, make_trainer=make_trainer)


def test_every_architecture_repeats_itself(make_subject, read_csv, arch):
    text = Determinism(steps=2).run(make_subject(f"arch={arch}", "weighting=uw"))
    assert text.count("equal (") == 2, text
    rows = read_csv("determinism")
    assert {row["equal"] for row in rows} == {"true"}
    assert {row["check"] for row in rows} == {"input", "training"}
    assert {row["step"] for row in rows if row["check"] == "training"} == {"0", "1", "2"}


def test_seeded_dropout_repeats_itself(make_subject):
    assert "NOT" not in Determinism(steps=3).run(make_subject("encoder.dropout=0.5"))


def test_an_unseeded_generator_is_found_in_training(make_subject, read_csv):
    text = Determinism(steps=3).run(planted(make_subject("arch=hps"), UnseededDropout))
    same_input, training = text.split(" twice from one seed")
    assert "the same input twice: equal" in same_input
    assert "NOT equal" in training
    first = next(row for row in read_csv("determinism") if row["equal"] == "false")
    assert (first["check"], first["step"], first["what"]) == ("training", "1", "output of module")
    assert first["name"].endswith("(UnseededDropout)")
    assert f"output of module {first['name']}, step 1" in training


def test_the_first_step_that_differs_is_named(make_subject):
    text = Determinism(steps=5).run(planted(make_subject("arch=hps"), LateDropout))
    assert "(LateDropout), step 3" in text


def test_a_module_with_a_state_is_found_by_the_same_input(make_subject):
    text = Determinism(steps=2).run(planted(make_subject("arch=hps"), Remembering))
    same_input, training = text.split(" twice from one seed")
    assert "NOT equal" in same_input
    assert "(Remembering), before the first step" in same_input
    assert "NOT" not in training  # built anew, it has forgotten


def test_a_module_that_draws_in_evaluation_is_found_though_trainings_agree(make_subject):
    text = Determinism(steps=2).run(planted(make_subject("arch=hps"), DrawsInEvaluation))
    same_input, training = text.split(" twice from one seed")
    assert "(DrawsInEvaluation)" in same_input
    assert "NOT" not in training


def test_initial_weights_that_differ_are_named_before_any_step(make_subject):
    inner = make_subject("arch=hps")

    def make_trainer():
        trainer = inner.make_trainer()
        nn.init.normal_(trainer.model.heads["cos"].weight, generator=UNSEEDED)
        return trainer

    text = Determinism(steps=1).run(replace(inner, make_trainer=make_trainer))
    assert "parameter heads.cos.weight, before the first step" in text


@pytest.mark.parametrize(
    "other",
    [
        torch.tensor([0.0, 1.0]),
        torch.tensor([-0.0, 1.0 + 2**-23]),
        torch.tensor([-0.0, 1.0], dtype=torch.float64),
        torch.tensor([[-0.0, 1.0]]),
    ],
)
def test_a_fingerprint_tells_bits_types_and_shapes_apart(other):
    tensor = torch.tensor([-0.0, 1.0])
    assert fingerprint(tensor) == fingerprint(tensor.clone())
    assert fingerprint(tensor) != fingerprint(other)


def test_a_fingerprint_takes_any_layout_and_nan():
    square = torch.arange(4.0).view(2, 2)
    assert fingerprint(square.T) == fingerprint(square.T.contiguous())
    nan = torch.tensor(float("nan"))
    assert fingerprint(nan) == fingerprint(nan.clone())
    assert fingerprint(torch.tensor(True)) != fingerprint(torch.tensor(False))
