"""Gradient norms against autograd's own ``.grad``, on every architecture."""

import pytest
import torch

from mtl_cli.diagnostic.gradient_norm import GradientNorm


def test_norms_are_those_of_the_gradients_of_a_step(make_subject, read_csv, arch):
    subject = make_subject(f"arch={arch}", num_steps=1)
    GradientNorm(every=50).run(subject)
    trainer = subject.make_trainer()
    trainer.model.train()
    trainer.updates.fill_gradients(next(trainer.steps_of_epoch()), list(trainer.tasks), 1)
    squares: dict[str, float] = {}
    trained = [(n, p) for n, p in trainer.model.named_parameters() if p.requires_grad]
    for name, parameter in trained:
        layer = name.removeprefix("arch.").rpartition(".")[0]
        square = 0.0 if parameter.grad is None else float(parameter.grad.double().square().sum())
        squares[layer] = squares.get(layer, 0.0) + square
    rows = read_csv("gradient_norm")
    assert [row["layer"] for row in rows] == list(squares)
    for row in rows:
        assert float(row["norm"] or 0) == pytest.approx(squares[row["layer"]] ** 0.5, rel=1e-5)
    owners = {row["layer"]: row["tasks"] for row in rows}
    assert owners["heads.sin"] == "sin"
    assert owners["heads.cos"] == "cos"


def test_each_look_is_a_step_of_its_own(make_subject, read_csv, tmp_path):
    text = GradientNorm(every=50).run(make_subject(num_steps=4))
    assert "4 looks" in text
    assert {row["step"] for row in read_csv("gradient_norm")} == {"1", "2", "3", "4"}
    assert (tmp_path / "plots" / "gradient_norm.png").stat().st_size > 1000


def test_what_was_seen_survives_a_checkpoint(make_subject, tmp_path):
    watcher = GradientNorm(every=1)
    text = watcher.run(make_subject())
    torch.save(watcher.state_dict(), tmp_path / "state.pt")
    other = GradientNorm(every=1)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert other.finish(make_subject().folder, "a title") == text
