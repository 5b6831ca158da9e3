"""Keys of submodules: every name has one that torch takes, and no two names have the same."""

from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from mtl_cli.basis.naming import module_key

NAMES = st.text("ab_.", min_size=1, max_size=6) | st.sampled_from(
    ["type", "type_", "keys", "keys_", "a.b", "a_dot_b", "a_dot_b_", "training", "a__dot__b"]
)


@given(st.sets(NAMES, min_size=2))
def test_torch_takes_every_key_and_no_two_names_have_the_same(names: set[str]) -> None:
    modules = nn.ModuleDict({module_key(name): nn.Identity() for name in names})
    assert len(modules) == len(names)


def test_ordinary_names_are_kept() -> None:
    assert [module_key(name) for name in ("digit", "x_sin", "y1")] == ["digit", "x_sin", "y1"]
