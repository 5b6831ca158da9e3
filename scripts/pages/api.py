"""The API, from docstrings: a page for each room of the package, and one of what is for use."""

from __future__ import annotations

import ast
from pathlib import Path

from pages.part import toctree

USE = """# From Python

```{eval-rst}
.. autofunction:: mtl_cli.train
   :no-index:

.. autofunction:: mtl_cli.compare
   :no-index:

.. autofunction:: mtl_cli.load_run
   :no-index:

.. autofunction:: mtl_cli.program_inputs
   :no-index:

.. autoclass:: mtl_cli.trained.loaded_run.LoadedRun
   :no-index:
   :members:
```
"""


def rooms(root: Path) -> dict[str, str]:
    """The rooms of the package from the top to the ground, each with its sentence, as the table has
    them by which imports are tested."""
    tree = ast.parse((root / "tests/test_floors.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ROOMS":
            found: dict[str, str] = ast.literal_eval(node.value)
            return found
    raise AssertionError("the table of rooms is gone")


def modules_of(package: Path, room: str) -> list[str]:
    """The modules that stand in a room itself, by their whole names."""
    place = package.joinpath(*room.split(".")) if room else package
    if place.with_suffix(".py").is_file():
        files = [place.with_suffix(".py")]
    else:
        files = sorted(file for file in place.glob("*.py") if file.stem != "__init__")
    names = [".".join(file.relative_to(package.parent).with_suffix("").parts) for file in files]
    return names


def write_api(root: Path, out: Path) -> None:
    """Writes the pages."""
    out.mkdir(parents=True)
    said, seen, names = rooms(root), set[str](), []
    (out / "use.md").write_text(USE, encoding="utf-8")
    for room, sentence in said.items():
        own = [name for name in modules_of(root / "mtl_cli", room) if name not in seen]
        seen |= {*own}
        title = room or "commands"
        names.append(title.replace(".", "_"))
        blocks = [f".. automodule:: {module}\n   :members:\n" for module in own]
        sections = [
            f"## {module}\n\n```{{eval-rst}}\n{block}```"
            for module, block in zip(own, blocks, strict=True)
        ]
        text = "\n\n".join([f"# {title}", f"{sentence[0].upper()}{sentence[1:]}.", *sections])
        (out / f"{names[-1]}.md").write_text(f"{text}\n", encoding="utf-8")
    order = (
        "The rooms of the package, from the top to the ground: each imports only from rooms below."
    )
    text = f"# API\n\n{order}\n\n{toctree(['use', *names])}\n"
    (out / "index.md").write_text(text, encoding="utf-8")
