"""Gates against the weights of the mixtures themselves, in every gated architecture."""

from collections import defaultdict

import pytest
import torch

from mtl_cli.basis.errors import Problem
from mtl_cli.diagnostic.gates import Gates, mean_shares

GATED = {"mmoe", "cgc", "ple", "dselect_k", "adatt", "cross_stitch", "nddr", "ltb"}


def test_every_gated_architecture_says_how_its_experts_are_used(make_subject, read_csv, arch):
    subject = make_subject(f"arch={arch}")
    if arch not in GATED:
        with pytest.raises(Problem, match="tasks that weigh experts"):
            Gates(every=1).run(subject)
        return
    Gates(every=50).run(subject)
    rows = read_csv("gates")
    assert list(rows[0]) == ["epoch", "step", "task", "expert", "share"]
    assert {(row["epoch"], row["step"]) for row in rows} == {("1", "1"), ("1", "2"), ("1", "3")}
    assert {row["task"] for row in rows} == {"sin", "cos"}
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for row in rows:
        level = row["expert"].partition(": ")[0] if ": " in row["expert"] else ""
        sums[row["step"], row["task"], level] += float(row["share"])
    assert list(sums.values()) == pytest.approx([1.0] * len(sums), abs=1e-4)


def test_shares_of_mmoe_are_the_mean_of_its_softmax(make_subject, read_csv):
    subject = make_subject("arch=mmoe", "arch.num_experts=3", num_steps=1)
    Gates(every=1).run(subject)
    trainer = subject.make_trainer()
    batch = next(iter(trainer.loaders["train"].batches(1)))
    (linear,) = trainer.model.arch.gates.linears["x"]
    for k, task in enumerate(["sin", "cos"]):
        logits = batch.inputs["x"] @ linear.weight[k].T + linear.bias[k]
        expected = logits.exp() / logits.exp().sum(1, keepdim=True)
        mine = [float(row["share"]) for row in read_csv("gates") if row["task"] == task]
        assert mine == pytest.approx(expected.mean(0).tolist(), abs=1e-5)


def test_shares_of_the_first_level_of_ple_are_the_mean_of_its_softmax(make_subject, read_csv):
    subject = make_subject("arch=ple", num_steps=1)
    Gates(every=1).run(subject)
    trainer = subject.make_trainer()
    batch = next(iter(trainer.loaders["train"].batches(1)))
    level = trainer.model.arch.levels[0]
    (part,) = level.parts
    logits = part.gates(batch.inputs["x"], "x")  # [K, B, own + shared]
    for k, task in enumerate(part.tasks):
        rows = [row for row in read_csv("gates") if row["task"] == task]
        mine = {r["expert"]: float(r["share"]) for r in rows if r["expert"].startswith("level 1")}
        names = [f"level 1: own {n + 1}" for n in range(part.num_experts)]
        names += [f"level 1: shared {n + 1}" for n in range(len(mine) - len(names))]
        assert list(mine) == names
        assert list(mine.values()) == pytest.approx(
            logits[k].softmax(-1).mean(0).tolist(), abs=1e-5
        )


def test_a_task_at_identity_uses_its_own_column_alone(make_subject, read_csv):
    Gates(every=1).run(make_subject("arch=cross_stitch", "arch.self_weight=1.0", num_steps=1))
    for row in read_csv("gates"):
        own = row["expert"].endswith(f"column of {row['task']}")
        assert float(row["share"]) == float(own)


def test_dselect_k_uses_at_most_k_experts_once_its_codes_are_binary(make_subject, read_csv):
    subject = make_subject("arch=dselect_k", "arch.num_nonzeros=2", num_steps=1)
    inner = subject.make_trainer

    def make_trainer():
        trainer = inner()
        with torch.no_grad():
            trainer.model.arch.gates.z.copy_(trainer.model.arch.gates.z.sign())
        return trainer

    object.__setattr__(subject, "make_trainer", make_trainer)
    Gates(every=1).run(subject)
    for task in ("sin", "cos"):
        used = [row for row in read_csv("gates") if row["task"] == task and float(row["share"]) > 0]
        assert 1 <= len(used) <= 2


def test_weights_below_zero_and_of_any_sum_become_shares():
    weights = torch.tensor([[[0.5, -1.5], [2.0, 2.0], [0.0, 0.0]]])
    assert mean_shares(weights)[0].tolist() == pytest.approx([0.75 / 3, 1.25 / 3])


def test_an_input_for_each_task(make_subject, read_csv):
    for arch in ("mmoe", "ple", "adatt"):
        Gates(every=1).run(make_subject(f"arch={arch}", "dataset.inputs=per_task"))
        assert {row["task"] for row in read_csv("gates")} == {"sin", "cos"}


def test_what_was_seen_survives_a_checkpoint(make_subject, tmp_path):
    gates = Gates(every=1)
    text = gates.run(make_subject("arch=cgc"))
    torch.save(gates.state_dict(), tmp_path / "state.pt")
    other = Gates(every=1)
    other.after = gates.after  # a training, which is what is resumed, has none
    other.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert other.finish(make_subject().folder, "a title") == text
