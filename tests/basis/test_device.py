"""The device that a run asks for is found, or the ones that are there are named."""

from types import SimpleNamespace

import pytest
import torch

from mtl_cli.basis.device import available_devices, find_device
from mtl_cli.basis.errors import Problem


@pytest.fixture
def two_accelerators(monkeypatch):
    """A machine with two CUDA devices; says which one was made current."""
    chosen: list[int] = []
    fake = SimpleNamespace(
        current_accelerator=lambda check_available: torch.device("cuda"),
        device_count=lambda: 2,
        set_device_index=chosen.append,
    )
    monkeypatch.setattr(torch, "accelerator", fake)
    return chosen


@pytest.fixture
def no_accelerator(monkeypatch):
    fake = SimpleNamespace(current_accelerator=lambda check_available: None)
    monkeypatch.setattr(torch, "accelerator", fake)


def test_every_device_of_this_machine_is_found():
    for name in available_devices():
        device = find_device(name)
        assert device.type == name.partition(":")[0]
        assert torch.ones(2, device=device).sum().item() == 2
    assert find_device("auto").type == available_devices()[0]


def test_without_an_accelerator_auto_is_the_cpu(no_accelerator):
    assert available_devices() == ["cpu"]
    assert find_device("auto") == find_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps", "gpu", "", "cpu:0", "none"])
def test_a_device_that_is_not_there_is_refused_with_those_that_are(name, no_accelerator):
    with pytest.raises(Problem, match=r"this machine's: cpu") as error:
        find_device(name)
    assert str(error.value).endswith("device=auto")


def test_an_accelerator_is_preferred(two_accelerators):
    assert available_devices() == ["cuda", "cuda:0", "cuda:1", "cpu"]
    assert find_device("auto").type == "cuda"


@pytest.mark.parametrize(
    ("name", "index"), [("auto", 0), ("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)]
)
def test_the_asked_accelerator_becomes_the_current_one(name, index, two_accelerators):
    find_device(name)
    assert two_accelerators == [index]


def test_the_cpu_leaves_the_accelerator_alone(two_accelerators):
    find_device("cpu")
    assert two_accelerators == []
    with pytest.raises(Problem, match="cuda:1"):
        find_device("cuda:2")
