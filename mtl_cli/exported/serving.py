"""``serve.py``: a few lines that predict with a program, without this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtl_cli.exported.serving_inputs import inputs_of

HEAD = '''"""Predictions of {name}: python serve.py [{what}]

By {packages} alone. Without a file, it predicts the example of input.json, which says what goes in
and what comes out.
"""

'''
PACKAGES = {"torch": "torch", "onnx": "onnxruntime and numpy"}
OPENED = {
    "torch": """import torch

HERE = Path(__file__).parent
SAID = json.loads((HERE / "input.json").read_text(encoding="utf-8"))
PROGRAM = torch.export.load(HERE / "model.pt2").module()


def run(given):  # {input: values} -> {output: values}
    kinds = {own["name"]: getattr(torch, own["type"]) for own in SAID["inputs"]}
    found = PROGRAM({name: torch.as_tensor(given[name], dtype=kinds[name]) for name in kinds})
    return {name: values.tolist() for name, values in found.items()}
""",
    "onnx": """import numpy as np
import onnxruntime

HERE = Path(__file__).parent
SAID = json.loads((HERE / "input.json").read_text(encoding="utf-8"))
PROGRAM = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])


def run(given):  # {input: values} -> {output: values}
    kinds = {own["name"]: own["type"] for own in SAID["inputs"]}
    found = PROGRAM.run(None, {name: np.asarray(given[name], kinds[name]) for name in kinds})
    return {own["name"]: values.tolist() for own, values in zip(SAID["outputs"], found)}
""",
}
MAP = """    if value and isinstance(value, list) and isinstance(value[0], list):  # of pixels
        return [(own["name"], value)]
"""
SET = """    if own["type"] == "bool":
        return [(own["name"], [name for name, on in zip(own["classes"], value) if on])]
"""
SHOWN = """    if "classes" in own:
        return [(own["name"], own["classes"][value])]
    return zip(own["columns"], value)
"""
ANSWERED = """    found = run(given)
    rows = zip(*(found[own["name"]] for own in SAID["outputs"]))
    return [dict(p for own, x in zip(SAID["outputs"], r) for p in shown(own, x)) for r in rows]
"""
MAIN = """

if __name__ == "__main__":
    usual = {example}
    given = {given} if sys.argv[1:] else usual
    for row in predict(given):
        print(json.dumps(row, ensure_ascii=False))
"""
MAIN_OF_MAPS = """

if __name__ == "__main__":
    usual = {example}
    given = {given} if sys.argv[1:] else usual
    Path("predictions.json").write_text(json.dumps(predict(given)), encoding="utf-8")
    print("predictions.json")
"""


def script(format: str, said: Mapping[str, Any]) -> str:
    """The text of it.

    Args:
        format: of the program.
        said: what ``input.json`` says.
    """
    own = inputs_of(said)
    of_maps = any(len(output["shape"]) > 2 for output in said["outputs"])
    of_sets = any(output["type"] == "bool" for output in said["outputs"])
    head = HEAD.format(name=said["name"], what=own.file, packages=PACKAGES[format])
    imports = "\n".join(["import json", "import sys", *own.imports, "from pathlib import Path"])
    shown = "\n\ndef shown(own, value):\n" + MAP * of_maps + SET * of_sets + SHOWN
    main = (MAIN_OF_MAPS if of_maps else MAIN).format(given=own.given, example=own.example)
    return f"{head}{imports}\n\n{OPENED[format]}{own.read}{shown}{own.predict}{ANSWERED}{main}"
