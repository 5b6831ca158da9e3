"""The loss of a task: words and numbers of the config where its class wants a tensor."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import torch
from hydra.utils import get_class
from omegaconf import DictConfig
from torch import Tensor, nn

from mtl_cli.basis.errors import nearest, problem
from mtl_cli.task.base import BALANCED
from mtl_cli.trust.slots import make


def make_loss(cfg: DictConfig, slot: str) -> tuple[nn.Module, list[str]]:
    """A loss, and which of its options are to be balanced.

    A list of numbers (weights of classes) becomes a tensor; so does a number where the class says
    that it takes one. What is to be balanced is left out, until there are labels.

    Raises:
        ValueError: where a word or what else is no number stands for a tensor.
    """
    factory = make(cfg, slot, nn.Module, group="loss")
    takers = options_of_tensors(get_class(factory.target))
    tensors = {
        option: as_tensor(f"{slot}.{option}", value)
        for option, value in factory.values.items()
        if isinstance(value, list) or (option in takers and value is not None)
    }
    balanced = [option for option, tensor in tensors.items() if tensor is None]
    return factory(**tensors), balanced


def options_of_tensors(kind: Any) -> set[str]:
    """The arguments of a class that take a tensor, by their annotations."""
    try:
        hints = get_type_hints(kind.__init__)
    except (NameError, TypeError):  # of a class of one's own, that cannot be resolved
        return set()
    return {name for name, hint in hints.items() if Tensor in (hint, *get_args(hint))}


def as_tensor(path: str, value: Any) -> Tensor | None:
    """A number, [1], or a list of numbers; None: it is to be balanced."""
    if value == BALANCED:
        return None
    try:
        if isinstance(value, bool | str):
            raise ValueError
        return torch.tensor(value if isinstance(value, list) else [value], dtype=torch.float32)
    except (ValueError, TypeError, RuntimeError) as error:
        close = nearest(str(value), [BALANCED]) or "null"
        rule = f"must be null, a number, a list of numbers, or {BALANCED} for weights of classes"
        raise problem(path, rule, value, f"{path}={close}") from error
