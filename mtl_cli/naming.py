"""Names of tasks and inputs as names of submodules."""

from torch import nn


def module_key(name: str) -> str:
    """A key for ``nn.ModuleDict``, which refuses dots and names such as ``type`` or ``keys``."""
    key = name.replace(".", "_dot_")
    return f"{key}_" if hasattr(nn.ModuleDict, key) or key == "training" else key
