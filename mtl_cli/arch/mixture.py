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

from mtl_cli.basis.rows import take_rows

MANY_EXAMPLES = 2048  # from here on the calls for each example outweigh those for each value,
FEW_VALUES = 256  # where an example has at most so many (measured on two cores)


def batch_innermost(batch_size: int, num_values: int, device: torch.device) -> bool:
    """Whether ``num_values`` numbers an example are best stored with the batch innermost.

    Never where the pass is traced for a batch of any size.
    """
    if not isinstance(batch_size, int):
        return False
    return device.type == "cpu" and batch_size >= MANY_EXAMPLES and num_values <= FEW_VALUES


def expert_softmax(logits: Tensor) -> Tensor:
    """The softmax over the experts, the last dimension of [K, B, E], in the layout that it has."""
    if logits.dim() == 3 and logits.stride(1) == 1:  # the batch is innermost
        return logits.transpose(1, 2).softmax(1).transpose(1, 2)
    return logits.transpose(0, 1).softmax(-1).transpose(0, 1)


def mix(weights: Tensor, features: Tensor, own: Tensor | None = None) -> Tensor:
    """``sum_e weights[k, b, e] features[e, b]``, [K, B, *shape], of shared and own features.

    Args:
        weights: [K, B, E], or, with ``own``, [K, B, M + E].
        features: of the experts that all K mix, [E, B, *shape].
        own: of M more experts for each, [K, M, B, *shape], whose weights come first.
    """
    if features.dim() == 3 and features.stride(1) == 1 and features.shape[1] > 1:
        long_own = None if own is None else own.mT
        return LongSums.apply(weights.mT, features.mT, long_own).mT
    flat = features.flatten(2).transpose(0, 1)  # [B, E, F]
    weights = weights.to(features.dtype)  # autocast leaves a softmax in full precision
    by_example = weights.transpose(0, 1)  # [B, K, M + E]
    if by_example.stride(2) != 1:  # then each example's would be copied in turn
        by_example = Transposed.apply(weights.mT.flatten(0, 1)).unflatten(1, by_example.shape[1:])
    flat_own = None if own is None else own.flatten(3).permute(2, 0, 1, 3)  # [B, K, M, F]
    mixed = Products.apply(by_example, flat, flat_own)  # [B, K, F]
    return mixed.transpose(0, 1).unflatten(-1, features.shape[2:])


def by_task(mixed: Tensor) -> list[Tensor]:
    """[K, B, *shape] as K tensors, whose gradients come together in the layout that it has."""
    if mixed.dim() == 3 and mixed.stride(1) == 1:  # the batch is innermost
        return [features.T for features in mixed.mT.unbind()]
    return list(mixed.unbind())


def mixes(
    wanted: list[str], tasks: list[str], weights: Tensor, features: Tensor
) -> dict[str, Tensor]:
    """`mix` for some of the ``tasks`` that ``weights`` are of, in their order: by task."""
    rows = None if wanted == tasks else [tasks.index(task) for task in wanted]
    return dict(zip(wanted, by_task(mix(take_rows(weights, rows), features)), strict=True))


class Transposed(torch.autograd.Function):
    """A matrix laid out the other way, and its gradient likewise: [N, B] -> [B, N]."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.t().contiguous()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad.t().contiguous()


class LongSums(torch.autograd.Function):
    """The sums over vectors of the batch: [K, M + E, B], [E, F, B], [K, M, F, B] -> [K, F, B]."""

    generate_vmap_rule = True

    @staticmethod
    def forward(w: Tensor, f: Tensor, own: Tensor | None) -> Tensor:
        m = 0 if own is None else own.shape[1]
        shared = [(w[:, m + e, None], f[None, e]) for e in range(f.shape[0])]
        extra = [] if own is None else [(w[:, i, None], own[:, i]) for i in range(m)]
        return sum_of_products(shared + extra)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        w, f, own = ctx.saved_tensors
        m = 0 if own is None else own.shape[1]
        grad = grad.contiguous()
        grad_w = grad_f = grad_own = None
        if ctx.needs_input_grad[0]:
            places = range(f.shape[1])
            grad_w = sum_of_products((grad[:, None, i], f[None, :, i]) for i in places)
            if own is not None:
                grad_m = sum_of_products((grad[:, None, i], own[:, :, i]) for i in places)
                grad_w = torch.cat([grad_m, grad_w], 1)
        if ctx.needs_input_grad[1]:
            pairs = ((w[k, m:, None], grad[None, k]) for k in range(w.shape[0]))
            grad_f = sum_of_products(pairs)
        if own is not None and ctx.needs_input_grad[2]:
            grad_own = w[:, :m, None] * grad[:, None]
        return grad_w, grad_f, grad_own


class Products(torch.autograd.Function):
    """A product for each example: [B, K, M + E], [B, E, F], [B, K, M, F] -> [B, K, F]."""

    generate_vmap_rule = True

    @staticmethod
    def forward(w: Tensor, f: Tensor, own: Tensor | None) -> Tensor:
        m = 0 if own is None else own.shape[2]
        mixed = torch.bmm(w[..., m:], f)
        for i in range(m):
            mixed.addcmul_(w[..., i, None], own[:, :, i])  # type: ignore[index]
        return mixed

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None], output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        w, f, own = ctx.saved_tensors
        m = 0 if own is None else own.shape[2]
        grad = grad.to(f.dtype)
        grad_w = grad_f = grad_own = None
        if ctx.needs_input_grad[0]:
            grad_w = torch.bmm(grad, f.mT)
            if own is not None:
                parts = [(grad * own[:, :, i]).sum(-1, keepdim=True) for i in range(m)]
                grad_w = torch.cat([*parts, grad_w], -1)
        if ctx.needs_input_grad[1]:
            grad_f = torch.bmm(w[..., m:].mT, grad)
        if own is not None and ctx.needs_input_grad[2]:
            grad_own = w[..., :m, None] * grad[:, :, None]
        return grad_w, grad_f, grad_own


def sum_of_products(pairs: Any) -> Tensor:
    """``a_1 * b_1 + a_2 * b_2 + …`` with broadcasting, in one accumulator."""
    pairs = iter(pairs)
    a, b = next(pairs)
    total = a * b
    for a, b in pairs:
        total.addcmul_(a, b)
    return total
