"""Conflict against NumPy on gradients taken one loss at a time, in every architecture."""

import numpy as np
import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.diagnostic.conflict import Conflict, shared_layers
from mtl_cli.diagnostic.pairs import ALL, Seen

NOTHING_SHARED = {"single_task"}


def plain_gradients(subject, tasks):
    """``{task: {layer: vector}}`` at the first step, by backward passes of their own."""
    trainer = subject.make_trainer()
    trainer.model.train()
    trainer.model.arch.progress(0.0)
    batch = next(iter(trainer.loaders["train"].batches(1)))
    layers = shared_layers(trainer.model)
    rng = torch.get_rng_state()
    found = {}
    for task in tasks:
        torch.set_rng_state(rng)
        trainer.model.zero_grad()
        trainer.updates.forward.losses(batch, tasks)[task].backward()
        found[task] = {
            layer: np.concatenate(
                [(p.grad if p.grad is not None else p * 0).detach().flatten().numpy() for p in own]
            )
            for layer, own in layers.items()
        }
        found[task][ALL] = np.concatenate(list(found[task].values()))
    return found


def test_cosines_and_ratios_are_numpys(make_subject, read_csv, arch):
    subject = make_subject(f"arch={arch}", "scheduler=none", num_steps=1)
    if arch in NOTHING_SHARED:
        with pytest.raises(Problem, match="parameters that tasks share"):
            Conflict(every=1).run(subject)
        return
    Conflict(every=50).run(subject)
    grads = plain_gradients(subject, ["sin", "cos"])
    rows = read_csv("conflict")
    assert len(rows) >= 2
    for row in rows:
        g, h = grads["sin"][row["layer"]], grads["cos"][row["layer"]]
        assert (row["task"], row["other"]) == ("sin", "cos")
        norms = np.linalg.norm(g), np.linalg.norm(h)
        assert float(row["norm"]) == pytest.approx(norms[0], rel=1e-4, abs=1e-8)
        assert float(row["other_norm"]) == pytest.approx(norms[1], rel=1e-4, abs=1e-8)
        if min(norms) > 0:
            assert float(row["cosine"]) == pytest.approx(g @ h / norms[0] / norms[1], abs=1e-4)
            assert float(row["ratio"]) == pytest.approx(norms[0] / norms[1], rel=1e-4)
        else:
            assert row["cosine"] == ""


def test_a_tasks_weight_scales_its_norm_alone(make_subject, read_csv):
    Conflict(every=1).run(make_subject("arch=hps", num_steps=1))
    plain = read_csv("conflict")
    Conflict(every=1).run(make_subject("arch=hps", "tasks.sin.weight=3", num_steps=1))
    for before, after in zip(plain, read_csv("conflict"), strict=True):
        assert float(after["norm"]) == pytest.approx(3 * float(before["norm"]), rel=1e-5)
        assert float(after["cosine"]) == pytest.approx(float(before["cosine"]), abs=1e-5)


def seen(*gramians):
    return Seen(["a", "b", "c"], [ALL], [(1, n) for n in range(len(gramians))], np.array(gramians))


def test_equal_opposite_and_perpendicular_gradients():
    jacobian = np.array([[1.0, 0.0], [-2.0, 0.0], [0.0, 3.0]])
    found = seen([jacobian @ jacobian.T])
    assert found.names == ["a × b", "a × c", "b × c"]
    assert found.cosines.ravel().tolist() == [-1, 0, 0]
    assert found.ratios.ravel().tolist() == pytest.approx([1 / 2, 1 / 3, 2 / 3])
    assert found.conflicting((0, 1, 2)) == pytest.approx(1 / 3)


def test_absent_tasks_and_zero_gradients_count_neither_way():
    nan = np.nan
    absent = [[1.0, nan, -1.0], [nan, nan, nan], [-1.0, nan, 4.0]]
    zero = [[0.0, 0.0, 0.0], [0.0, 1.0, 1.0], [0.0, 1.0, 1.0]]
    found = seen([absent], [zero])
    assert np.isnan(found.cosines[0, 0]).tolist() == [True, False, True]
    assert np.isnan(found.cosines[1, 0]).tolist() == [True, True, False]
    assert found.conflicting((0, 1)).tolist()[1:] == [1.0, 0.0]
    assert np.isnan(found.conflicting((0, 1))[0])


def test_what_was_seen_survives_a_checkpoint(make_subject, tmp_path):
    conflict = Conflict(every=1)
    text = conflict.run(make_subject("arch=mmoe"))
    torch.save(conflict.state_dict(), tmp_path / "state.pt")
    other = Conflict(every=1)
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    subject = make_subject("arch=mmoe")
    assert other.finish(subject.folder, "a title") == text


def test_looking_leaves_the_gradients_as_they_were(make_subject):
    """The step that is looked at has the same gradients as one that nobody looks at."""
    found = []
    for observer in (None, Conflict(every=1)):
        trainer = make_subject("arch=ple", "weighting=uw").make_trainer()
        trainer.updates.observer = observer
        trainer.updates.fill_gradients(next(trainer.steps_of_epoch()), list(trainer.tasks), 1)
        found.append({name: p.grad for name, p in trainer.model.named_parameters()})
    for name, grad in found[0].items():
        assert torch.equal(grad, found[1][name])


def test_pictures_of_many_tasks_are_drawn(tmp_path):
    """Eight tasks: 28 pairs, more than a legend can name."""
    rng = np.random.default_rng(0)
    layers, tasks = [ALL, *(f"layer {n}" for n in range(5))], [f"task {k}" for k in range(8)]
    conflict = Conflict(every=1)
    conflict.tasks, conflict.layers = tasks, layers
    for step in range(1, 30):
        jacobian = torch.from_numpy(rng.normal(size=(6, 8, 4)))
        conflict.looks.append((1, step))
        conflict.gramians.append(jacobian @ jacobian.mT)
    from mtl_cli.disk.run_folder import RunFolder

    text = conflict.finish(RunFolder(tmp_path), "a title")
    assert "16 pairs that agree more are in the CSV" in text
    for name in ("conflict", "conflict_curves"):
        assert (tmp_path / "plots" / f"{name}.png").stat().st_size > 10_000
