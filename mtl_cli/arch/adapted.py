"""Puts low-rank additions beside the linear maps of an encoder, wherever it has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mtl_cli.arch.low_rank import Addition, LowRank, Merged, Ranks, Turn
from mtl_cli.basis.inputs import InputSpec

SIZES = (2, 3, 5)  # of batches that are tried: what grows with them has a row for each example
Call = dict[int | str, int]  # {an argument's place or name: how many rows it has}


@dataclass
class Tried:
    """How a module was called on examples.

    Args:
        stage: that called it first.
        calls: of a batch of each of `SIZES`.
    """

    stage: int
    calls: tuple[list[Call], ...] = field(default_factory=lambda: tuple([] for _ in SIZES))

    def of_examples(self) -> list[frozenset[int | str]]:
        """Of each call, the arguments that have rows of examples."""
        found = []
        for same in zip(*self.calls, strict=False):
            shares = {
                key: {call.get(key, 0) / size for call, size in zip(same, SIZES, strict=True)}
                for key in same[0]
            }
            found.append(frozenset(k for k, own in shares.items() if len(own) == 1 and own != {0}))
        return found


def adapt(
    whole: nn.Module,
    stages: Sequence[nn.Module],
    spec: InputSpec,
    ranks: Sequence[Ranks],
    turn: Turn,
    attention: bool,
) -> None:
    """Puts a `LowRank` in the place of each linear map that the stages call on rows of examples,
    and a `Merged` around each module that reads the weights of such maps itself.

    A map that is called on anything else, too (on a table of distances between positions, say), is
    one of those that are read. What reads an input that is no tensor, whose rows cannot be
    repeated, stays as it is.

    Args:
        whole: holds the stages; changed in place.
        stages: of an encoder, in order.
        spec: of its input, of which examples are tried.
        ranks: of the additions, for each stage.
        turn: whose rows come.
        attention: whether modules that read weights are changed, too.
    """
    made: dict[nn.Module, nn.Module] = {}
    tried = {m: own for m, own in tries(stages, spec).items() if ranks[own.stage].some}
    for module, own in tried.items():
        if type(module) is nn.Linear and all(0 in places for places in own.of_examples()):
            made[module] = LowRank(module, ranks[own.stage], turn)
    for module, own in tried.items() if attention else ():
        names = [name for name, child in matrices_of(module) if child not in made]
        if names and len(set(places := own.of_examples())) == 1 and places[0]:
            made[module] = Merged(module, names, ranks[own.stage], turn, places[0])
    for parent in list(whole.modules()):
        if isinstance(parent, LowRank | Merged):
            continue
        if isinstance(parent, nn.TransformerEncoderLayer):
            parent.activation_relu_or_gelu = 0  # no shortcut that reads weights past the maps
        for name, child in list(parent.named_children()):
            if child in made:
                setattr(parent, name, made[child])


def tries(stages: Sequence[nn.Module], spec: InputSpec) -> dict[nn.Module, Tried]:
    """How each module of the stages that read tensors is called."""
    found: dict[nn.Module, Tried] = {}
    device = next((p.device for own in stages for p in own.parameters()), torch.device("cpu"))
    for number, size in enumerate(SIZES):
        x: Any = spec.example(size).to(device)
        for s, stage in enumerate(stages):

            def note(
                module: nn.Module,
                args: tuple[Any, ...],
                named: Mapping[str, Any],
                s: int = s,
                number: int = number,
            ) -> None:
                given: dict[Any, Any] = {**dict(enumerate(args)), **named}
                rows = {
                    key: len(own)
                    for key, own in given.items()
                    if isinstance(own, Tensor) and own.dim()
                }
                found.setdefault(module, Tried(s)).calls[number].append(rows)

            watched = stage.modules() if isinstance(x, Tensor) else ()
            handles = [m.register_forward_pre_hook(note, with_kwargs=True) for m in watched]
            x = stage.eval()(x)  # draws nothing, and leaves a batch norm as it is
            stage.train()
            for handle in handles:
                handle.remove()
    return found


def matrices_of(module: nn.Module) -> list[tuple[str, nn.Module | None]]:
    """The weights of linear maps that a module may read by itself, and whose they are."""
    found: list[tuple[str, nn.Module | None]] = []
    if isinstance(module, nn.MultiheadAttention):  # which has those of three maps as its own
        own = module.named_parameters(recurse=False)
        found += [(name, None) for name, p in own if name.endswith("_weight")]
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            found.append((f"{name}.weight", child))
    return found


def is_adapted(stage: nn.Module) -> bool:
    """Whether a stage has additions."""
    return any(isinstance(module, Addition) for module in stage.modules())


def has_own(stage: nn.Module) -> bool:
    """Whether a stage has additions of tasks."""
    own = (module for module in stage.modules() if isinstance(module, Addition))
    return any(module.own_down is not None for module in own)


def names_before(whole: nn.Module) -> dict[str, str | None]:
    """What each weight was called before `adapt`; None: it is of an addition."""
    inner: set[str] = set()
    added: set[str] = set()
    for path, module in whole.named_modules(remove_duplicate=False):
        if isinstance(module, LowRank | Merged):
            inner.add(f"{path}.{'linear' if isinstance(module, LowRank) else 'inner'}")
        if isinstance(module, Addition):
            added |= {f"{path}.{name}" for name, _ in module.named_parameters(recurse=False)}

    def before(name: str) -> str:
        parts = name.split(".")
        ends = range(1, len(parts) + 1)
        return ".".join(parts[end - 1] for end in ends if ".".join(parts[:end]) not in inner)

    return {name: None if name in added else before(name) for name in whole.state_dict()}
