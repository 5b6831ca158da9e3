"""Random numbers: one seed for every generator, and their states as data for a checkpoint."""

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


def seed_everything(seed: int) -> None:
    """Seeds Python, NumPy and torch on every device."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def generator_of(*numbers: int) -> torch.Generator:
    """A generator on the host that is a function of these numbers alone, none below 0."""
    (state,) = np.random.SeedSequence(numbers).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))


@contextmanager
def drawing(device: torch.device, *numbers: int) -> Iterator[None]:
    """What torch draws in the block is a function of these numbers alone, and of nothing that was
    drawn before; nor is what follows of what the block draws."""
    others = [] if device.type == "cpu" else [device.index or 0]
    with torch.random.fork_rng(others, device_type=device.type if others else "cuda"):
        seed_torch(device, *numbers)
        yield


def seed_torch(device: torch.device, *numbers: int) -> None:
    """Seeds what torch draws on the host and on a device, by these numbers alone.

    `torch.manual_seed` keeps a call for each kind of device that is not in use yet, with the stack
    that it came from: too slow for every step, and they are never let go.
    """
    seed = generator_of(*numbers).initial_seed()
    torch.default_generator.manual_seed(seed)
    if device.type != "cpu":
        torch.get_device_module(device).manual_seed(seed)


def set_deterministic(on: bool) -> None:
    """Makes torch choose algorithms that give the same bits in every run, or stops it."""
    if on:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read when cuBLAS starts
    if on != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(on)  # which loads torch's compiler, a second and more
    torch.backends.cudnn.deterministic = on
    torch.backends.cudnn.benchmark = False


def generator_states(device: torch.device) -> dict[str, Any]:
    """The states of all generators, in types that a weights-only load accepts."""
    numpy_state: Any = np.random.get_state()
    algorithm, keys, *rest = numpy_state
    states: dict[str, Any] = {
        "python": random.getstate(),
        "numpy": (str(algorithm), torch.from_numpy(keys.copy()), *rest),
        "torch": torch.get_rng_state(),
    }
    if device.type != "cpu":
        states["device"] = torch.get_device_module(device).get_rng_state(device)
    return states


def restore_generators(states: dict[str, Any], device: torch.device) -> None:
    """Sets all generators to ``states``; one of another kind of device is left as it is."""
    random.setstate(states["python"])
    algorithm, keys, *rest = states["numpy"]
    np.random.set_state((algorithm, keys.numpy(), *rest))
    torch.set_rng_state(states["torch"])
    if device.type != "cpu" and "device" in states:
        torch.get_device_module(device).set_rng_state(states["device"], device)
