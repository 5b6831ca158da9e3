"""The weighted sum of experts for each task, and the softmax that gives the weights.

Tensors keep their logical shapes, [E, B, *shape] and [K, B, E], in one of two memory layouts. On a
CPU, a product of matrices for each example costs more in calls than in arithmetic where the
matrices are tiny; there the batch is laid out innermost (`batch_innermost`), and the sums run over
long vectors. Everywhere else one batched matrix product does it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

MANY_EXAMPLES = 2048  # from here on the calls for each example outweigh those for each value,
FEW_VALUES = 256  # where an example has at most so many (measured on two cores)


def batch_innermost(batch_size: int, num_values: int, device: torch.device) -> bool:
    """Whether ``num_values`` numbers an example are best stored with the batch innermost."""
    return device.type == "cpu" and batch_size >= MANY_EXAMPLES and num_values <= FEW_VALUES


def expert_softmax(logits: Tensor) -> Tensor:
    """The softmax over the experts, the last dimension of [K, B, E], in the layout that it has."""
    if logits.dim() == 3 and logits.stride(1) == 1:  # the batch is innermost
        return logits.transpose(1, 2).softmax(1).transpose(1, 2)
    return logits.transpose(0, 1).softmax(-1).transpose(0, 1)


def mix(weights: Tensor, features: Tensor) -> Tensor:
    """``sum_e weights[k, b, e] features[e, b]``: [K, B, E], [E, B, *shape] -> [K, B, *shape]."""
    if features.dim() == 3 and features.stride(1) == 1 and features.shape[1] > 1:
        by_batch = LongSums.apply(weights.transpose(1, 2), features.transpose(1, 2))  # [K, F, B]
        return by_batch.transpose(1, 2)
    flat = features.flatten(2).transpose(0, 1)  # [B, E, F]
    mixed = torch.bmm(weights.transpose(0, 1), flat)  # [B, K, F]
    return mixed.transpose(0, 1).unflatten(-1, features.shape[2:])


class LongSums(torch.autograd.Function):
    """``sum_e w[k, e] * f[e]`` over vectors of the batch: [K, E, B], [E, F, B] -> [K, F, B]."""

    generate_vmap_rule = True

    @staticmethod
    def forward(w: Tensor, f: Tensor) -> Tensor:
        return sum_of_products((w[:, e, None], f[None, e]) for e in range(f.shape[0]))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        w, f = ctx.saved_tensors
        grad = grad.contiguous()
        grad_w = grad_f = None
        if ctx.needs_input_grad[0]:
            grad_w = sum_of_products((grad[:, None, i], f[None, :, i]) for i in range(f.shape[1]))
        if ctx.needs_input_grad[1]:
            grad_f = sum_of_products((w[k, :, None], grad[None, k]) for k in range(w.shape[0]))
        return grad_w, grad_f


def sum_of_products(pairs: Any) -> Tensor:
    """``a_1 * b_1 + a_2 * b_2 + …`` with broadcasting, in one accumulator."""
    pairs = iter(pairs)
    a, b = next(pairs)
    total = a * b
    for a, b in pairs:
        total.addcmul_(a, b)
    return total
