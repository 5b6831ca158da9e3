"""Options that are said of several at once, or by the name of the only one."""

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.command_line.cli import checked
from mtl_cli.command_line.mended import mended

BOTH = "'diagnostic=[conflict,gates]'"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["diagnostic=[conflict,gates]", "diagnostic.every=5"],
            "diagnostic.every must say of which one: diagnostic.conflict.every or "
            "diagnostic.gates.every.\n  found: diagnostic=[conflict,gates]\n"
            f"  try:   mtl-train {BOTH} diagnostic.conflict.every=5 diagnostic.gates.every=5",
        ),
        (
            ["diagnostic=[conflict,attribution]", "diagnostic.evry=5", "seed=1"],
            "diagnostic.evry must say of which one: diagnostic.conflict.every.\n"
            "  found: diagnostic=[conflict,attribution]\n"
            "  try:   mtl-train 'diagnostic=[conflict,attribution]' diagnostic.conflict.every=5 "
            "seed=1",
        ),
        (
            ["diagnostic=conflict", "diagnostic.conflict.every=5"],
            "diagnostic.conflict.every must be without the name, since there is "
            "diagnostic=conflict alone.\n  found: diagnostic.conflict.every=5\n"
            "  try:   mtl-train diagnostic=conflict diagnostic.every=5",
        ),
        (
            ["seed=1", "diagnostic=conflict", "diagnostic.gates.every=5"],
            "diagnostic.gates.every must be of one that is chosen; diagnostic=conflict is chosen "
            "alone.\n  found: diagnostic.gates.every=5\n"
            f"  try:   mtl-train seed=1 {BOTH} diagnostic.gates.every=5",
        ),
    ],
)
def test_it_is_said_of_which_one_it_can_be(words, said):
    with pytest.raises(Problem) as found:
        checked("train", words)
    assert str(found.value) == said


def test_what_is_offered_has_no_further_mistake():
    words = ["diagnostic=conflict", "diagnostic.every=3", "diagnostic.gates.every=5"]
    with pytest.raises(Problem) as found:
        checked("train", words)
    whole = mended(found.value, words, lambda line: checked("train", line))
    assert str(whole).endswith(
        f"mtl-train {BOTH} diagnostic.conflict.every=3 diagnostic.gates.every=3 "
        "diagnostic.gates.every=5"
    )
    words = ["diagnostic.conflict.every=5"]
    with pytest.raises(Problem) as found:
        checked("train", words)
    whole = mended(found.value, words, lambda line: checked("train", line))
    assert str(whole).endswith("mtl-train diagnostic=conflict diagnostic.every=5")
