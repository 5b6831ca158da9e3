"""The last layer of a module that holds some of the wanted parameters."""

from collections.abc import Collection

from torch import nn

from mtl_cli.basis.alongside import Alongside


def last_layer(module: nn.Module, wanted: Collection[int]) -> list[nn.Parameter]:
    """The parameters of the last layer that has some of those with the ids ``wanted``.

    Layers that only scale or shift (batch norm) do not count where there is another one, and of
    modules side by side each gives its own.
    """
    own = [p for p in module.parameters(recurse=False) if id(p) in wanted]
    if isinstance(module, Alongside):
        side = [p for each in module.alongside() for p in last_layer(each, wanted)]
        return own + side
    parts = [last_layer(child, wanted) for child in reversed(list(module.children()))]
    layers = [layer for layer in [*parts, own] if layer]
    matrices = (layer for layer in layers if any(p.dim() > 1 for p in layer))
    return next(matrices, layers[0] if layers else [])
