"""Gradients times a factor, the value left as it is: for parts of a step, and half precision."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class ScaleGradient(torch.autograd.Function):
    """``x``, whose gradient is multiplied by ``factor`` on its way back."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, factor: float) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, float], output: Tensor) -> None:
        ctx.factor = inputs[1]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad * ctx.factor, None


class WithValue(torch.autograd.Function):
    """The gradient of ``x`` with another value."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, value: Tensor) -> Tensor:
        return value.view_as(value)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        """Nothing has to be kept."""

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return grad, None


def scale_gradient(x: Tensor, factor: float) -> Tensor:
    """``x`` itself where the factor is 1."""
    return x if factor == 1 else ScaleGradient.apply(x, factor)
