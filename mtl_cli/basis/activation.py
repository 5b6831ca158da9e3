"""Activation functions by the names that configs use."""

from torch import nn

from mtl_cli.basis.errors import check_choice

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
    "leaky_relu": nn.LeakyReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def activation(thing: str, name: str) -> nn.Module:
    """Makes the activation called ``name``, to follow a linear map or a convolution.

    ReLU works in place: what it overwrites, nobody reads again. ``thing`` is the option that an
    error names.
    """
    check_choice(thing, name, list(ACTIVATIONS), f"{thing}=relu")
    return nn.ReLU(inplace=True) if name == "relu" else ACTIVATIONS[name]()
