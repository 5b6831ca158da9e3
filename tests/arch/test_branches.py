import subprocess
import sys
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtl_cli.arch.branches import renumber, text_tree


@st.composite
def trees(draw: st.DrawFn) -> dict[str, list[int]]:
    """Trees with up to six tasks and four stages, their columns numbered at will."""
    num_stages = draw(st.integers(1, 4))
    names = "abcdef"[: draw(st.integers(1, 6))]
    paths: dict[str, list[int]] = {task: [] for task in names}
    for _ in range(num_stages):
        numbers: dict[tuple[tuple[int, ...], int], int] = {}
        free = draw(st.permutations(range(20)))
        for path in paths.values():
            key = tuple(path), draw(st.integers(0, 2))
            path.append(numbers.setdefault(key, free[len(numbers)]))
    return paths


def shared_stages(branches: dict[str, list[int]]) -> dict[tuple[str, str], int]:
    """How many stages each pair of tasks shares."""
    return {
        (a, b): sum(x == y for x, y in zip(branches[a], branches[b], strict=True))
        for a, b in combinations(branches, 2)
    }


@given(trees())
def test_renumbering_keeps_what_is_shared_and_leaves_no_gap(branches):
    numbered = renumber(branches)
    assert shared_stages(numbered) == shared_stages(branches)
    assert renumber(numbered) == numbered
    for columns in zip(*numbered.values(), strict=True):
        assert set(columns) == set(range(max(columns) + 1))
        assert columns[0] == 0


@given(trees())
def test_the_text_says_where_each_pair_of_tasks_parts(branches):
    shared = dict.fromkeys(combinations(branches, 2), 0)
    for line in text_tree(branches).splitlines():
        stages, tasks = line.strip().split(": ")
        last = int(stages.split()[1].split("-")[-1])
        for pair in combinations(tasks.split(", "), 2):
            shared[pair] = max(shared[pair], last)
    assert shared == shared_stages(branches)


@pytest.mark.parametrize(
    ("branches", "text"),
    [
        ({"a": [0]}, "stage 1: a"),
        ({"a": [0, 0], "b": [0, 0]}, "stages 1-2: a, b"),
        ({"a": [0, 0], "b": [1, 1]}, "stages 1-2: a\nstages 1-2: b"),
        (
            {"a": [0, 0, 0, 0], "b": [0, 0, 1, 1], "c": [0, 0, 1, 2]},
            "stages 1-2: a, b, c\n  stages 3-4: a\n  stage 3: b, c\n    stage 4: b\n    stage 4: c",
        ),
    ],
)
def test_a_tree_as_text(branches, text):
    assert text_tree(branches) == text


def test_trees_are_read_and_drawn_without_torch():
    code = "import sys, mtl_cli.arch.branches; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
