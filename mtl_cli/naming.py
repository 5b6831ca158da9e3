"""Names of tasks and inputs as names of submodules."""

from torch import nn


def module_key(name: str) -> str:
    """A key under which ``nn.ModuleDict`` takes ``name`` (it refuses dots, ``type``, ``keys`` …)."""
    key = name.replace(".", "_dot_")
    return f"{key}_" if hasattr(nn.ModuleDict, key) or key == "training" else key
