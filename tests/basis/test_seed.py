"""One seed draws the same everywhere, and the generators' states survive a checkpoint."""

import random

import numpy as np
import pytest
import torch

from mtl_cli.basis.seed import (
    generator_states,
    restore_generators,
    seed_everything,
    set_deterministic,
)
from mtl_cli.disk import checkpoint

CPU = torch.device("cpu")


def draws() -> list[float]:
    """From every generator; NumPy's normal draws come in pairs, of which the second is kept."""
    numbers = [random.random(), random.gauss(0, 1), np.random.rand(), np.random.randn()]
    return [*numbers, *torch.randn(3).tolist(), *torch.randperm(5).tolist()]


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32 + 7, 2**63])
def test_a_seed_draws_the_same_again(seed):
    seed_everything(seed)
    first = draws()
    seed_everything(seed)
    assert draws() == first
    seed_everything(seed + 1)
    assert draws() != first


@pytest.mark.parametrize("before", range(4))
def test_states_go_on_where_they_were(before, tmp_path):
    seed_everything(3)
    for _ in range(before):
        draws()
    checkpoint.save(tmp_path / "seed.pt", {"model": {}, "generators": generator_states(CPU)})
    expected = [draws(), draws()]
    seed_everything(99)
    restore_generators(checkpoint.load(tmp_path / "seed.pt")["generators"], CPU)
    assert [draws(), draws()] == expected


def test_reading_the_states_draws_nothing():
    seed_everything(5)
    expected = draws()
    seed_everything(5)
    generator_states(CPU)
    assert draws() == expected


@pytest.mark.skipif(not torch.accelerator.is_available(), reason="needs an accelerator")
def test_the_accelerators_generator_goes_on_where_it_was():
    device = torch.accelerator.current_accelerator()
    seed_everything(3)
    torch.randn(2, device=device)
    states = generator_states(device)
    expected = torch.randn(4, device=device)
    seed_everything(99)
    restore_generators(states, device)
    assert torch.equal(torch.randn(4, device=device), expected)


def test_deterministic_algorithms_are_switched_on_and_off(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    for on in (True, False):
        set_deterministic(on)
        assert torch.are_deterministic_algorithms_enabled() is on
        assert torch.backends.cudnn.deterministic is on
        assert not torch.backends.cudnn.benchmark
