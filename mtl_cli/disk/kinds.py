"""What kinds of values a checkpoint holds: whoever wrote it, it is looked at before it is used."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch.optim import Optimizer

NUMBER = (int, float)
FIGURES = {str: {str: (int, float, type(None))}}
LEARNER: dict[str, Any] = {"optimizer": dict, "scheduler": dict, "weighting": dict, "scaler": dict}
LEARNER |= {"stopped": bool, "epoch": int, "value": NUMBER, "figures": FIGURES}
LEARNER |= {"patience": {str: {"epoch": int, "value": NUMBER, "figures": FIGURES}}}
CHECKPOINT: dict[Any, Any] = {"model": {str: Tensor}, "learners": [LEARNER], "generators": dict}
CHECKPOINT |= {"epoch": int, "batch": int, "step": int, "metrics_length": int, "total_steps": int}
CHECKPOINT |= {"seconds": NUMBER, "epoch_seconds": [NUMBER], "train_loss": {str: NUMBER}}
CHECKPOINT |= {"best": {"model": {str: Tensor}, "learners": [LEARNER]}}
CHECKPOINT |= {"losses": dict, "weights": dict, "average": (dict, type(None))}
CHECKPOINT |= {"frozen": str, "ending": {"examples": int, "spent": NUMBER}}


def misfit(value: Any, kind: Any, path: str = "") -> str:
    """Where a value is of another kind, in words; empty where it is not.

    Args:
        value: whatever it is.
        kind: a type or several; ``[kind]`` of a list's items; ``{str: kind}`` of a mapping's
            values, and ``{key: kind}`` of those of its values that there are.
        path: where the value stands.
    """
    outer = type(kind) if isinstance(kind, dict | list) else kind
    wrong = f"{path or 'it'} is {type(value).__name__}"
    if not isinstance(value, outer) or (isinstance(value, bool) and kind is not bool):
        return wrong
    if isinstance(value, int) and not isinstance(value, bool) and not -1 < value < 2**62:
        return f"{path} is {value}" if kind is int else ""
    if isinstance(kind, list):
        pairs = [(f"{path}[{index}]", item, kind[0]) for index, item in enumerate(value)]
    elif isinstance(kind, dict):
        if str in kind and not all(isinstance(key, str) for key in value):
            return f"{path} has keys that are no words"
        known = {key: kind.get(str, kind.get(key)) for key in value}
        pairs = [(f"{path}.{key}".strip("."), value[key], k) for key, k in known.items() if k]
    else:
        pairs = []
    return next((found for place, item, k in pairs if (found := misfit(item, k, place))), "")


def unlike(theirs: Any, own: Any) -> bool:
    """Whether a part's state differs from its own in what it names, or in kinds or shapes."""
    if isinstance(own, Tensor) and isinstance(theirs, Tensor):
        if own.is_floating_point() != theirs.is_floating_point() or own.dim() != theirs.dim():
            return True
        # A size of 0 waits for the first step, which says what it is.
        return any(size not in (0, theirs.shape[i]) for i, size in enumerate(own.shape))
    if isinstance(own, dict) and isinstance(theirs, dict):
        return own.keys() != theirs.keys() or any(unlike(theirs[key], own[key]) for key in own)
    if isinstance(own, bool) or own is None or isinstance(theirs, bool):
        return own is not None and type(own) is not type(theirs)
    numbers = isinstance(own, NUMBER) and isinstance(theirs, NUMBER)
    return not numbers and type(own) is not type(theirs)


def unfitting(optimizer: Optimizer) -> str:
    """What an optimizer keeps that does not fit its parameter, in words; empty: all fits."""
    for parameter, own in optimizer.state.items():
        for value in own.values():
            if isinstance(value, Tensor) and not fits(value, parameter):
                return f"a tensor of shape {tuple(value.shape)}"
    return ""


def fits(value: Tensor, parameter: Tensor) -> bool:
    """Whether a tensor can be what an optimizer keeps of a parameter: some keep means of rows."""
    sizes = zip(value.shape, parameter.shape, strict=False)
    return not value.dim() or (
        value.dim() == parameter.dim() and all(own in (1, size) for own, size in sizes)
    )
