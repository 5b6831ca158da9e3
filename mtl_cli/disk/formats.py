"""The numbers of the formats in which a run leaves files; a file without one has format 0.

A number grows where a file would be misread by the version before. What a run folder holds beside
these (``metrics.csv``, ``summary.json``) has the format of its ``config.yaml``; prepared texts have
one in their key.
"""

from __future__ import annotations

from typing import Any

from mtl_cli.basis.errors import problem

KEY = "format"
FORMAT = 1  # of config.yaml, of checkpoints and of reader.json


def with_format(values: dict[str, Any]) -> dict[str, Any]:
    """What a file is to hold, with its format."""
    return {KEY: FORMAT} | values


def without_format(values: Any, thing: str) -> Any:
    """What a file holds, without its format.

    Args:
        values: of the file.
        thing: the file, as an error calls it.

    Raises:
        ValueError: where the format is newer than this version, or none.
    """
    if not isinstance(values, dict) or KEY not in values:
        return values
    found = values[KEY]
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= FORMAT:
        rule = f"must be of format {FORMAT}, which this version writes, or an older one"
        raise problem(thing, rule, f"format {found}", "the version that wrote it, or a newer one")
    return {key: value for key, value in values.items() if key != KEY}
