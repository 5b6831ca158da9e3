"""The accelerator that a run asks for, or a clear word where it is not there."""

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar, cast

import torch
from torch import Tensor, nn

from mtl_cli.basis.errors import problem

Kind = TypeVar("Kind", bound=Tensor | nn.Module)


def available_devices() -> list[str]:
    """Every word that ``device=`` takes on this machine, the preferred one first."""
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if accelerator is None:
        return ["cpu"]
    count = torch.accelerator.device_count()
    return [accelerator.type, *(f"{accelerator.type}:{i}" for i in range(count)), "cpu"]


def find_device(name: str) -> torch.device:
    """The device called ``name``: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``, ``xpu``.

    Raises:
        ValueError: where there is no such device on this machine.
    """
    known = available_devices()
    if name != "auto" and name not in known:
        there = ", ".join(known)
        raise problem(
            "device", f"must be auto or one of this machine's: {there}", name, "device=auto"
        )
    device = torch.device(known[0] if name == "auto" else name)
    if device.type != "cpu":
        torch.accelerator.set_device_index(device.index or 0)
    return device


@contextmanager
def in_precision(kind: torch.dtype) -> Iterator[None]:
    """The numbers that are made in the block are of this type, unless another one is said."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(kind)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def place(x: Kind, device: torch.device) -> Kind:
    """A tensor or module on a device, in single precision where that has no double (Apple's)."""
    double = device.type == "mps" and (isinstance(x, nn.Module) or x.dtype is torch.float64)
    return cast(Kind, (x.float() if double else x).to(device))


def send(x: Tensor, device: torch.device) -> Tensor:
    """A tensor on a device, without the host waiting for the copy where it goes to CUDA."""
    if device.type != "cuda" or x.device.type != "cpu":
        return x.to(device)
    return x.pin_memory().to(device, non_blocking=True)


def waits(x: Tensor) -> bool:
    """Whether the host waits for a device where it reads a number of the tensor."""
    return x.device.type != "cpu"


def keep_freed_memory() -> None:
    """Lets the C library keep what a step frees for the next step, on Linux.

    By default it gives large blocks back to the system, which then has to make and clear every
    page of them anew, in every step: a quarter to a third of the time of a mixture of experts.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(-4, 0)  # M_MMAP_MAX: no blocks of their own
        mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD: bytes at the top of the heap to keep
