"""Vega-Lite with Vega as one script, which every page has in it once.

Satyanarayan, Moritz, Wongsuphasawat & Heer, "Vega-Lite: A Grammar of Interactive Graphics", IEEE
Transactions on Visualization and Computer Graphics 23(1), 2017, https://vega.github.io. The package
``vl-convert-python`` brings them, and puts them together in a second or so of work: the outcome is
kept for the next page.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

from mtl_cli.disk.writing import write_text

END = "window.vegaEmbed="  # near the end of a whole script


def library() -> str:
    """The script; it defines ``vegaEmbed``."""
    import vl_convert

    kept = kept_in() / f"vega-{version('vl-convert-python')}.js"
    try:
        script = kept.read_text(encoding="utf-8")
        if END in script[-200:]:
            return script
    except (OSError, ValueError):
        pass
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    assert END in script[-200:], "vl-convert-python bundles Vega-Lite otherwise than it did"
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, script)
    except (OSError, ValueError):  # a home that cannot be written to: made anew the next time
        pass
    return script


def kept_in() -> Path:
    """The folder of what can be made again, as the XDG Base Directory Specification has it."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mtl-cli"
