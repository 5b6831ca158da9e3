"""Whether a model fits in memory, asked before any of it is taken."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping

import torch
from torch import nn

from mtl_cli.basis.errors import problem

COPIES = 4  # of each weight: itself, its gradient, and the two moments of Adam


def check_fits(
    make_model: Callable[[], nn.Module],
    device: torch.device,
    copies: Callable[[nn.Module], Mapping[nn.Parameter, float]] = lambda model: {},
) -> None:
    """Makes the model without memory, and refuses one that the device cannot train.

    Args:
        make_model: makes it; what it draws of the random state is given back.
        device: where it is to be trained.
        copies: of a model's parameters, how many of each are held while it trains, itself among
            them, where it is not `COPIES`.

    Raises:
        ValueError: where its weights, gradients and optimizer alone are larger than the device.
    """
    there = size_of(device)
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            model = make_model()
    except (RuntimeError, ValueError) as error:
        if "overflow" not in str(error):  # anything else is told where the model is made
            return
        model = nn.Linear(2**30, 2**30, device="meta")
    weights, held = list(model.parameters()), copies(model)
    size = needed(weights, held)
    if there is not None and size > there:
        rule = f"must be trained in the memory of {device}: {in_words(there)}"
        shape = " x ".join(f"{n:,}" for n in max(weights, key=torch.numel).shape)
        found = f"{sum(p.numel() for p in weights):.2g} parameters, {shape} of them in one"
        found += f": {in_words(size)} with their gradients and optimizer"
        fix = "smaller options: encoder.hidden, arch.num_experts, embedding.width, or a hash"
        raise problem("the model", rule, found, fix)


def needed(
    weights: Iterable[nn.Parameter], held: Mapping[nn.Parameter, float] | None = None
) -> float:
    """The bytes that weights take while they train.

    Args:
        weights: the parameters.
        held: how many of each are held, where it is not `COPIES`.
    """
    counts = held or {}
    return sum(p.numel() * p.element_size() * counts.get(p, usual(p)) for p in weights)


def usual(parameter: nn.Parameter) -> int:
    """How many of a parameter are held while it trains; what is not trained is there alone."""
    return COPIES if parameter.requires_grad else 1


def size_of(device: torch.device) -> int | None:
    """The memory of a device in bytes; None: it does not say."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows
        return None


def in_words(size: float) -> str:
    """A number of bytes."""
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.3g} {unit}"
        size /= 1024
    return f"{size:.3g} TiB"
