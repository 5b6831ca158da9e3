"""Linear maps of one shape computed as one: a stacked weight, and one product for all copies."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mtl_cli.arch.mixture import batch_innermost
from mtl_cli.basis.bag import Bag
from mtl_cli.basis.batch import Fields
from mtl_cli.basis.linear_maps import BagLinear, RowLinear, bag_linear, row_linear
from mtl_cli.basis.rows import take_rows

Rows = list[int] | None


class StackedLinear(nn.Module):
    """E linear maps at once. Weight [E, O, F], bias [E, O].

    Args:
        linears: the maps, of one shape; their values are taken over.
        shared_input: whether they all read the same ``x`` [B, F], else [G, B, F].

    Attributes:
        relu: whether a ReLU follows. It is applied in place, to the product itself: of the view
            that is given on, autograd would make a copy.
    """

    def __init__(self, linears: Sequence[nn.Linear], shared_input: bool) -> None:
        super().__init__()
        self.weight = stack_parameters([linear.weight for linear in linears])
        has_bias = linears[0].bias is not None
        self.bias = stack_parameters([linear.bias for linear in linears]) if has_bias else None
        self.shared_input = shared_input
        self.relu = False

    def forward(self, x: Tensor, rows: Rows = None) -> Tensor:
        weight: Tensor = take_rows(self.weight, rows)
        bias = None if self.bias is None else take_rows(self.bias, rows)
        if self.shared_input:  # one wide product, seen as E narrow ones
            wide, offset = weight.flatten(0, 1), None if bias is None else bias.flatten()
            if batch_innermost(x.shape[0], len(wide), x.device):
                flat = wide @ x.T if offset is None else torch.addmm(offset[:, None], wide, x.T)
                return self.activate(flat).unflatten(0, weight.shape[:2]).transpose(1, 2)
            flat = nn.functional.linear(x, wide, offset)
            return self.activate(flat).unflatten(-1, weight.shape[:2]).transpose(0, 1)
        groups, num_outputs = len(x), weight.shape[1]
        weight = weight.view(groups, -1, weight.shape[2])  # [G, E / G * O, F]
        bias = None if bias is None else bias.view(groups, -1)
        innermost = x.stride(1) == 1 and x.stride(2) != 1  # the batch is, and stays so
        first, second = (weight, x.mT) if innermost else (x, weight.mT)
        if bias is None:
            product = torch.bmm(first, second)
        else:
            product = torch.baddbmm(bias.unsqueeze(2 if innermost else 1), first, second)
        product = self.activate(product)
        if innermost:
            return product.view(-1, num_outputs, x.shape[1]).mT
        return product.unflatten(2, (-1, num_outputs)).transpose(1, 2).flatten(0, 1)

    def activate(self, product: Tensor) -> Tensor:
        return product.relu_() if self.relu else product


class StackedBagLinear(nn.Module):
    """E linear maps of one bag of words, as one wide ``EmbeddingBag``. Weight [V, E, O]."""

    def __init__(self, linears: Sequence[BagLinear]) -> None:
        super().__init__()
        self.weight = stack_parameters([linear.weight for linear in linears], dim=1)
        biases = [linear.bias for linear in linears if linear.bias is not None]
        self.bias = stack_parameters(biases) if biases else None

    def forward(self, x: Bag, rows: Rows = None) -> Tensor:
        weight: Tensor = take_rows(self.weight, rows, 1)
        bias = None if self.bias is None else take_rows(self.bias, rows)
        flat = bag_linear(x, weight.flatten(1), None if bias is None else bias.flatten())
        return flat.unflatten(-1, weight.shape[1:]).transpose(0, 1)  # [E, B, O]


class StackedRowLinear(nn.Module):
    """E linear maps of one row: a wide product and one wide ``EmbeddingBag``.

    Weight [E, O, N], vectors [V, E, O], bias [E, O].
    """

    def __init__(self, linears: Sequence[RowLinear]) -> None:
        super().__init__()
        weights = [linear.weight for linear in linears if linear.weight is not None]
        self.weight = stack_parameters(weights) if weights else None
        self.vectors = stack_parameters([linear.vectors for linear in linears], dim=1)
        biases = [linear.bias for linear in linears if linear.bias is not None]
        self.bias = stack_parameters(biases) if biases else None
        self.starts: Tensor
        self.register_buffer("starts", linears[0].starts, persistent=False)

    def forward(self, x: Fields, rows: Rows = None) -> Tensor:
        weight = None if self.weight is None else take_rows(self.weight, rows)
        vectors: Tensor = take_rows(self.vectors, rows, 1)
        bias = None if self.bias is None else take_rows(self.bias, rows)
        flat = row_linear(
            x,
            None if weight is None else weight.flatten(0, 1),
            vectors.flatten(1),
            self.starts,
            None if bias is None else bias.flatten(),
        )
        return flat.unflatten(-1, vectors.shape[1:]).transpose(0, 1)  # [E, B, O]


def stack_parameters(values: Sequence[Tensor], dim: int = 0) -> nn.Parameter:
    """One parameter that holds the values side by side."""
    return nn.Parameter(torch.stack([value.detach() for value in values], dim))
