"""Attribution against figures done by hand, and against plain autograd on every architecture."""

import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.diagnostic.attribution import EXTRA, SUM, Attribution, attribute

NOTEBOOK = "experiment=embedding_notebook"
ROW, FIRST, SECOND = "trunk.stages.0.0.weight", "heads.first.weight", "heads.second.weight"


def test_the_notebook_has_the_outputs_and_losses_done_by_hand(make_subject):
    found = attribute(make_subject(NOTEBOOK))
    assert found.outputs["first"].item() == pytest.approx(0.75)
    assert found.outputs["second"].item() == pytest.approx(0.30)
    assert found.losses["first"].item() == pytest.approx(85.5625)
    assert found.losses["second"].item() == pytest.approx(22.09)


def test_the_notebook_has_the_gradients_done_by_hand(make_subject):
    grads = attribute(make_subject(NOTEBOOK)).grads
    assert grads["second"][FIRST] is None
    assert grads["second"][SECOND].tolist() == [pytest.approx([-6.58, -7.52])]
    assert grads["second"][ROW].tolist() == [[0, 0]] * 3 + [pytest.approx([-1.88, -1.88])]
    assert grads[SUM][FIRST].tolist() == [pytest.approx([-12.95, -14.80])]
    assert grads[SUM][SECOND].tolist() == [pytest.approx([-6.58, -7.52])]
    assert grads[SUM][ROW].tolist() == [[0, 0]] * 3 + [pytest.approx([-11.13, -11.13])]


def test_no_path_prints_a_dash_and_a_gradient_of_zero_a_0(make_subject, read_csv):
    lines = Attribution(max_entries=64).run(make_subject(NOTEBOOK)).splitlines()
    cells = {line.split("  ")[0]: line.split() for line in lines if line}
    assert cells[FIRST][1:] == ["19.67", "–", "19.67"]
    assert cells[f"{FIRST}[0, 1]"][2:] == ["-14.8", "–", "-14.8"]
    assert cells[f"{ROW}[0, 0]"][2:] == ["0", "0", "0"]
    assert cells[f"{ROW}[3, 1]"][2:] == ["-9.25", "-1.88", "-11.13"]
    entries = {row["entry"]: row for row in read_csv("attribution_entries")}
    assert entries[f"{FIRST}[0, 1]"]["second"] == ""
    assert float(entries[f"{ROW}[0, 0]"]["second"]) == 0
    assert len(entries) == 8 + 2 + 2


def test_a_larger_model_is_not_shown_number_by_number(make_subject, tmp_path):
    assert "[0, 0]" not in Attribution(max_entries=11).run(make_subject(NOTEBOOK))
    assert not (tmp_path / "diagnostics" / "attribution_entries.csv").exists()
    assert (tmp_path / "plots" / "attribution.png").stat().st_size > 1000


def test_the_gradients_are_autograds(make_subject, arch):
    """Of a model built apart, on the same batch, each loss differentiated alone."""
    subject = make_subject(f"arch={arch}", "tasks.cos.weight=0.5")
    found = attribute(subject)
    trainer = subject.make_trainer()
    batch = next(iter(trainer.loaders["train"].batches(1)))
    trained = {n: p for n, p in trainer.model.named_parameters() if p.requires_grad}
    names = {name: name.removeprefix("arch.") for name in trained}
    rng = torch.get_rng_state()
    sums = {short: torch.zeros(()) for short in names.values()}
    for task, weight in {"sin": 1.0, "cos": 0.5}.items():
        torch.set_rng_state(rng)
        trainer.model.zero_grad()
        loss = trainer.updates.forward.losses(batch, ["sin", "cos"])[task]
        (weight * loss).backward()
        for name, parameter in trained.items():
            mine = found.grads[task][names[name]]
            assert (mine is None) == (task not in trainer.model.reached()[name])
            if mine is None:
                assert parameter.grad is None or not parameter.grad.any()
            else:
                torch.testing.assert_close(mine, parameter.grad)
                sums[names[name]] = sums[names[name]] + mine
    for name, total in sums.items():
        if EXTRA in found.grads and found.grads[EXTRA][name] is not None:
            total = total + found.grads[EXTRA][name]
        torch.testing.assert_close(found.grads[SUM][name], total)


def test_the_table_has_the_norms_of_every_parameter(make_subject, read_csv):
    subject = make_subject("arch=hps")
    found = attribute(subject)
    Attribution(max_entries=0).run(subject)
    rows = read_csv("attribution")
    assert [row["parameter"] for row in rows] == list(found.parameters)
    for row in rows:
        for loss, grads in found.grads.items():
            grad = grads[row["parameter"]]
            shown = row[loss]
            assert (
                shown == ""
                if grad is None
                else float(shown) == pytest.approx(grad.square().sum().sqrt().item())
            )


def test_a_frozen_model_and_bad_options_are_refused():
    with pytest.raises(Problem, match="max_entries"):
        Attribution(max_entries=-1)
