"""Names of tasks and inputs as names of submodules."""

from functools import cache

from torch import nn


@cache
def module_key(name: str) -> str:
    """A key for ``nn.ModuleDict``, which refuses dots and names such as ``type`` or ``keys``.

    Different names have different keys: what is changed ends in ``_``, and so does, once more, a
    name that ends in ``_`` itself.
    """
    key = name.replace("_", "__").replace(".", "_dot_") if "." in name else name
    changed = key != name or hasattr(nn.ModuleDict, key) or key == "training"
    return f"{key}_" if changed or name.endswith("_") else key
