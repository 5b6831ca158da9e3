"""The accelerator that a run asks for, or a clear word where it is not there."""

import torch

from mtl_cli.errors import problem


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
