"""What ``serve.py`` reads: rows of a table, pictures, or tensors as the model reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NUMBER = """    if column["type"] == "number":
        return float("nan" if text in SAID["missing"] else text)
"""
DATE = """    if column["type"] == "date":  # days since 1970, in UTC
        if text in SAID["missing"]:
            return float("nan")
        form = column["format"]
        when = datetime.strptime(text, form) if form else datetime.fromisoformat(text)
        return when.replace(tzinfo=when.tzinfo or timezone.utc).timestamp() / 86400
"""
LIST = """    if column["type"] == "list":
        parts = cell if isinstance(cell, list) else text.split(column["split"])
        texts = [text for text in map(str.strip, map(str, parts)) if text not in SAID["missing"]]
        return [code(column, text) for text in texts[: column["most"]]]
"""
CATEGORY = """    return code(column, text)
"""
CODE = """

def code(column, text):
    return column["codes"].get(text.removesuffix(".0"), 0)
"""
HASH = """

def code(column, text):
    if "codes" in column or text in SAID["missing"]:
        return column.get("codes", {}).get(text.removesuffix(".0"), 0)
    digest = blake2b(text.removesuffix(".0").encode(), digest_size=8).digest()
    return 1 + int.from_bytes(digest, "little") % (column["hash"] - 1)
"""
CELL = """

def read(column, cell):
    text = "" if cell is None else str(cell).strip()
"""
ROWS = """

def predict(rows):  # [{column: cell}] -> [{column: prediction}]
    given = {}
    for own in SAID["inputs"]:
        cells = [[read(c, row.get(c["name"])) for c in own["columns"]] for row in rows]
"""
PADDED = """        if own["columns"][0]["type"] == "list":  # as long as the longest, and one more
            cells = [*zip(*zip_longest(*([*lists, -1] for [lists] in cells), fillvalue=-1))]
"""
CELLS = """        given[own["name"]] = cells
"""
PICTURE = """

def read(path):  # takes Pillow, too
    from PIL import Image, ImageOps

    channels, height, width = SAID["inputs"][0]["shape"][1:]
    picture = ImageOps.exif_transpose(Image.open(path)).convert("L" if channels == 1 else "RGB")
    picture = {fitted}
    bands = [band.tobytes() for band in picture.split()]
    return [[list(band[y * width : (y + 1) * width]) for y in range(height)] for band in bands]
"""
FITTED = {
    "resize": "picture.resize((width, height), Image.Resampling.BILINEAR)",
    "crop": "ImageOps.fit(picture, (width, height), Image.Resampling.BILINEAR)",
}
PICTURES = """

def predict(pictures):  # bytes [channels, height, width] of each -> [{column: prediction}]
    given = {SAID["inputs"][0]["name"]: pictures}
"""
EXAMPLE = """

def example(own):  # of an input
    value = own["example"]
    for size in reversed(own["shape"][1:] if isinstance(value, dict) else []):
        value = [value["all elements"] if isinstance(value, dict) else value] * size
    return value
"""
TENSORS = """

def refusal(given):  # what to say of anything but {input: a value for each example}
    names = [own["name"] for own in SAID["inputs"]]
    if isinstance(given, dict) and set(names) <= set(given):
        return ""
    found = "no mapping" if not isinstance(given, dict) else f"only {', '.join(given) or 'nothing'}"
    form = ", ".join(f'"{name}": [...]' for name in names)
    said = f"must be {{{form}}}, each with a value for each example; found {found}. "
    said += "What they hold stands in input.json; in Python mtl_cli.program_inputs(run, rows) "
    return said + "makes them of what mtl-predict reads."


def from_file(path):
    given = json.loads(Path(path).read_text(encoding="utf-8"))
    return sys.exit(f"{path} {said}") if (said := refusal(given)) else given


def predict(given):  # {input: a value for each example} -> [{column: prediction}]
    if said := refusal(given):
        raise ValueError(f"what is given {said}")
"""
READ = 'json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))'


@dataclass(frozen=True)
class Inputs:
    """The lines of the script that are of one kind of inputs.

    Args:
        file: that the command takes, as its help names it.
        read: functions that read what is in it.
        predict: how ``predict`` begins, up to what the program is given.
        given: what ``predict`` gets where a file is named.
        example: what it gets where none is.
        imports: of Python's own library, beside those of every script.
    """

    file: str
    read: str
    predict: str
    given: str
    example: str
    imports: Sequence[str] = ()


def inputs_of(said: Mapping[str, Any]) -> Inputs:
    """The lines for the inputs of which ``input.json`` says this."""
    if all("columns" in own for own in said["inputs"]):
        return of_rows([column for own in said["inputs"] for column in own["columns"]])
    if "pictures" in said:
        return of_pictures(said["pictures"]["fit"])
    example = '{own["name"]: [example(own)] for own in SAID["inputs"]}'
    return Inputs("inputs.json", EXAMPLE, TENSORS, "from_file(sys.argv[1])", example)


def of_rows(columns: Sequence[Mapping[str, Any]]) -> Inputs:
    """Cells of a table, by the types of its columns."""
    kinds = {column["type"] for column in columns}
    hashed = any("hash" in column for column in columns)
    read = (HASH if hashed else CODE) if {"category", "list"} & kinds else ""
    read += CELL + NUMBER * ("number" in kinds) + DATE * ("date" in kinds)
    read += LIST * ("list" in kinds) + CATEGORY * ("category" in kinds)
    imports = ["from datetime import datetime, timezone"] * ("date" in kinds)
    imports += ["from hashlib import blake2b"] * hashed
    imports += ["from itertools import zip_longest"] * ("list" in kinds)
    predict = ROWS + PADDED * ("list" in kinds) + CELLS
    example = '[{c["name"]: c["example"] for i in SAID["inputs"] for c in i["columns"]}]'
    return Inputs("rows.json", read, predict, READ, example, imports)


def of_pictures(fit: str) -> Inputs:
    """Files of pictures, or the bytes of their pixels."""
    read = PICTURE.format(fitted=FITTED[fit]) + EXAMPLE
    given, example = "[read(path) for path in sys.argv[1:]]", '[example(SAID["inputs"][0])]'
    return Inputs("picture.png", read, PICTURES, given, example)
