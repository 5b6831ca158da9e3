import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.hps import HPS
from mtl_cli.arch.ltb import LTB
from mtl_cli.arch.single_task import SingleTask
from mtl_cli.arch.tree import Tree
from mtl_cli.basis.inputs import BagOfWords, Dense
from mtl_cli.encoder.cnn import CNN
from mtl_cli.encoder.linear import Linear
from mtl_cli.encoder.mlp import MLP
from mtl_cli.head.linear import Linear as LinearHead
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts
from mtl_cli.task.regression import Regression

TASKS = {"a": "x", "b": "x", "c": "x", "d": "x"}
MLP_3 = partial(MLP, hidden=[6, 5, 7], activation="tanh", dropout=0.0)
CNN_3 = partial(CNN, channels=[3, 4], kernel_size=3, out_features=6, dropout=0.0)
ENCODERS = {
    "vectors": (MLP_3, Dense((4,))),
    "words": (MLP_3, BagOfWords(9)),
    "maps": (CNN_3, Dense((2, 9, 7))),
}
TREES = {
    "one path": {"a": [0, 0, 0], "b": [0, 0, 0], "c": [0, 0, 0], "d": [0, 0, 0]},
    "own last": {"a": [0, 0, 0], "b": [0, 0, 1], "c": [0, 0, 2], "d": [0, 0, 3]},
    "in pairs": {"a": [0, 7, 1], "b": [0, 7, 1], "c": [0, 3, 0], "d": [0, 3, 0]},
    "uneven": {"a": [0, 0, 0], "b": [0, 1, 1], "c": [0, 1, 2], "d": [0, 1, 2]},
    "early": {"a": [0, 0, 0], "b": [0, 1, 1], "c": [0, 2, 2], "d": [0, 2, 3]},
    "forest": {"a": [0, 0, 0], "b": [0, 0, 1], "c": [1, 1, 2], "d": [1, 1, 3]},
    "apart": {"a": [0, 0, 0], "b": [1, 1, 1], "c": [2, 2, 2], "d": [3, 3, 3]},
}


def make(name: str, branches: Any = None, learned_in: Any = None, tasks: Any = TASKS) -> Tree:
    torch.manual_seed(0)
    make_encoder, spec = ENCODERS[name]
    return Tree(make_encoder, dict.fromkeys(tasks.values(), spec), tasks, learned_in, branches)


def model_of(arch: Architecture) -> Model:
    rest: dict[str, Any] = {"weight": 1.0, "metrics": {}, "plots": {}}
    parts = [Parts(t, x, LinearHead, nn.MSELoss(), **rest) for t, x in arch.tasks.items()]
    tasks = [Regression(own, num_outputs=1, standardize=False) for own in parts]
    return Model(arch, tasks)


def by_paths(arch: Tree, name: str, x: Any) -> tuple[dict[str, Tensor], dict[int, Any]]:
    """Each task's path through plain modules with the tree's weights, a task after the other.

    Also gives ``{id of a parameter of the tree: the plain ones beside each other}``.
    """
    make_encoder, spec = ENCODERS[name]
    modules: dict[tuple[int, int], nn.Module] = {}
    copies: dict[int, list[Tensor]] = {}
    for s, parts in enumerate(arch.stages):
        for part in parts:
            for i, c in enumerate(part.columns):
                modules[s, c] = make_encoder(spec).stages[s]
                for p, q in zip(part.parameters(), modules[s, c].parameters(), strict=True):
                    q.data.copy_(p.data if len(part.columns) == 1 else p.data[i])
                    copies.setdefault(id(p), []).append(q)
    features = {}
    for task, path in arch.paths.items():
        h = x
        for s, c in enumerate(path):
            h = modules[s, c](h)
        features[task] = h
    return features, copies


@pytest.mark.parametrize("branches", TREES.values(), ids=TREES)
@pytest.mark.parametrize("name", ENCODERS)
def test_it_is_each_tasks_path_through_plain_modules(name, branches):
    arch = make(name, branches)
    x = arch.inputs["x"].example(5)
    ours = arch({"x": x})
    theirs, copies = by_paths(arch, name, x)
    sum((k + 1) * f.square().sum() for k, f in enumerate(ours.values())).backward()
    sum((k + 1) * f.square().sum() for k, f in enumerate(theirs.values())).backward()
    for task in TASKS:
        torch.testing.assert_close(ours[task], theirs[task], rtol=1e-5, atol=1e-5)
    assert len(copies) == len(list(arch.parameters()))
    for parameter in arch.parameters():
        grads = [q.grad for q in copies[id(parameter)]]
        expected = torch.stack(grads).view_as(parameter)
        torch.testing.assert_close(parameter.grad, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("branches", TREES.values(), ids=TREES)
@pytest.mark.parametrize("name", ENCODERS)
def test_every_column_has_its_parameters_once(name, branches):
    make_encoder, spec = ENCODERS[name]
    stages = [sum(p.numel() for p in s.parameters()) for s in make_encoder(spec).stages]
    widths = [len(set(columns)) for columns in zip(*branches.values(), strict=True)]
    expected = sum(size * width for size, width in zip(stages, widths, strict=True))
    assert sum(p.numel() for p in make(name, branches).parameters()) == expected


@pytest.mark.parametrize("name", ENCODERS)
def test_one_path_is_hard_sharing(name):
    arch = make(name, TREES["one path"])
    torch.manual_seed(0)
    hps = HPS(ENCODERS[name][0], arch.inputs, TASKS)
    x = arch.inputs["x"].example(5)
    ours, theirs = arch({"x": x}), hps({"x": x})
    assert all(torch.equal(ours[task], theirs[task]) for task in TASKS)
    assert [f.shape for f in arch.representations] == [f.shape for f in hps.representations]


@pytest.mark.parametrize("name", ENCODERS)
def test_paths_apart_are_single_task_learning(name):
    arch = make(name, TREES["apart"])
    torch.manual_seed(0)
    single = SingleTask(ENCODERS[name][0], arch.inputs, TASKS)
    x = arch.inputs["x"].example(5)
    ours, theirs = arch({"x": x}), single({"x": x})
    assert all(torch.equal(ours[task], theirs[task]) for task in TASKS)
    assert [group.tasks for group in model_of(arch).groups()] == [[task] for task in TASKS]


@pytest.mark.parametrize("name", ENCODERS)
def test_trees_that_share_nothing_are_groups_of_their_own(name):
    groups = model_of(make(name, TREES["forest"])).groups()
    assert [group.tasks for group in groups] == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize("branches", TREES.values(), ids=TREES)
@pytest.mark.parametrize("name", ENCODERS)
def test_what_several_tasks_take_is_shared_and_nothing_else(name, branches):
    model = model_of(make(name, branches))
    shared = sum(p.numel() for p in model.shared_parameters())
    make_encoder, spec = ENCODERS[name]
    expected = 0
    columns = zip(make_encoder(spec).stages, zip(*branches.values(), strict=True), strict=True)
    for stage, taken in columns:
        several = sum(taken.count(c) > 1 for c in set(taken))
        expected += several * sum(p.numel() for p in stage.parameters())
    assert shared == expected


def test_columns_of_one_kind_are_one_stack():
    assert [len(parts) for parts in make("vectors", TREES["own last"]).stages] == [1, 1, 1]
    assert [len(parts) for parts in make("vectors", TREES["in pairs"]).stages] == [1, 1, 1]
    assert [len(parts) for parts in make("vectors", TREES["uneven"]).stages] == [1, 2, 2]
    assert [len(parts) for parts in make("maps", TREES["early"]).stages] == [1, 3, 1]


@pytest.mark.parametrize("branches", TREES.values(), ids=TREES)
@pytest.mark.parametrize("name", ENCODERS)
def test_some_tasks_get_what_all_would_get(name, branches):
    arch = make(name, branches)
    x = arch.inputs["x"].example(5)
    whole = arch({"x": x})
    for tasks in (["a"], ["b"], ["d"], ["a", "c"]):
        part = arch({"x": x}, tasks)
        assert list(part) == tasks
        for task in tasks:
            torch.testing.assert_close(part[task], whole[task])


def test_a_task_alone_gives_no_other_column_a_gradient():
    for name, branches in (("vectors", TREES["uneven"]), ("maps", TREES["forest"])):
        arch = make(name, branches)
        arch({"x": arch.inputs["x"].example(5)}, ["b"])["b"].sum().backward()
        for s, parts in enumerate(arch.stages):
            for part in parts:
                for i, c in enumerate(part.columns):
                    grads = [p.grad for p in part.parameters() if p.grad is not None]
                    grads = [grad if len(part.columns) == 1 else grad[i] for grad in grads]
                    assert any(grad.any() for grad in grads) == (c == arch.paths["b"][s])


def test_the_tasks_part_at_one_tensor_where_the_tree_does():
    widths = {"one path": 7, "own last": 5, "in pairs": None, "early": None, "forest": None}
    for tree, width in widths.items():
        arch = make("vectors", TREES[tree])
        arch({"x": torch.randn(5, 4)})
        assert [f.shape for f in arch.representations] == ([] if width is None else [(5, width)])


def test_by_default_all_stages_but_the_last_are_shared():
    assert make("vectors").paths == TREES["own last"]
    one = Tree(partial(Linear, out_features=5), {"x": Dense((4,))}, TASKS, None, None)
    assert one.paths == {task: [0] for task in TASKS}


def test_inputs_of_different_specs_have_their_own_first_stage_and_share_by_default():
    inputs, tasks = {"x": Dense((4,)), "y": BagOfWords(9)}, {"a": "x", "b": "y", "c": "x"}
    encoder = partial(MLP, hidden=[6, 5], activation="tanh", dropout=0.0)
    arch = Tree(encoder, inputs, tasks, None, None)
    assert arch.paths == {task: [0, 0] for task in tasks}
    assert [len(parts) for parts in arch.stages] == [2, 1]


def test_a_task_alone_on_its_input_runs_no_column_of_others():
    tasks = {"a": "x", "b": "y", "c": "y"}
    arch = make("vectors", {"a": [0, 0, 0], "b": [0, 0, 1], "c": [0, 0, 2]}, tasks=tasks)
    assert [sorted(part.inputs) for part in arch.stages[2]] == [["x"], ["y"]]


def test_it_trains_anew_what_a_run_learned(tmp_path: Path):
    torch.manual_seed(0)
    ltb = LTB(MLP_3, {"x": Dense((4,))}, TASKS, 3, 0.1, 5.0, 0.5)
    with torch.no_grad():
        for theta in ltb.thetas:
            theta += torch.randn_like(theta)
    (tmp_path / "learned.json").write_text(json.dumps(ltb.learned()))
    arch = make("vectors", learned_in=str(tmp_path))
    assert arch.paths == ltb.learned()["tree"]
    assert len({tuple(path) for path in arch.paths.values()}) > 1


FORM = r"{} .+\n  found: .+\n  try:   .+"


@pytest.mark.parametrize(
    "branches",
    [
        {"a": [0, 0, 0]},
        {**TREES["apart"], "e": [0, 0, 0]},
        {**TREES["apart"], "d": [0, 0]},
        {**TREES["apart"], "d": [0, 0, 0, 0]},
        {**TREES["apart"], "d": [0, 0, -1]},
        {**TREES["apart"], "d": [0, 0, 1.0]},
        {**TREES["apart"], "d": [True, False, False]},
        {**TREES["apart"], "d": "abc"},
        {**TREES["apart"], "d": [0, 1, 1]},
        {**TREES["apart"], "d": [4, 4, 0]},
        [0, 0, 0],
        "apart",
    ],
)
def test_what_is_no_tree_of_the_tasks_and_stages_is_refused(branches):
    with pytest.raises(ValueError, match=FORM.format("arch.branches must")):
        make("vectors", branches)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, "no learned.json"),
        ("{", "learned.json: "),
        ("[]", "no tree in"),
        ('{"gates": 1}', "no tree in"),
        ('{"tree": {"a": [0, 0, 0]}}', "a"),
        ('{"tree": [1, 2]}', "1, 2"),
    ],
)
def test_a_folder_without_a_tree_of_the_tasks_is_refused(text, found, tmp_path: Path):
    if text is not None:
        (tmp_path / "learned.json").write_text(text)
    with pytest.raises(ValueError, match=FORM.format("arch.learned_in.* must")) as error:
        make("vectors", learned_in=str(tmp_path))
    assert found in str(error.value).splitlines()[1]


def test_a_folder_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="found: no folder runs/none"):
        make("vectors", learned_in="runs/none")


def test_two_trees_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=FORM.format("arch takes learned_in or branches, not")):
        make("vectors", TREES["apart"], str(tmp_path))
