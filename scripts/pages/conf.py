"""The configuration of Sphinx for the site."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from pygments.lexers.shell import BashLexer
from pygments.lexers.special import TextLexer
from sphinx import addnodes
from sphinx.application import Sphinx

from mtl_cli import __version__

project = "mtl-cli"
version = release = __version__
project_copyright = "the authors of mtl-cli"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"mtl-cli {version}"
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # fetched, which pages that are opened as files may not
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4
myst_links_external_new_tab = False
smartquotes = False  # commands in a sentence are to be copied
default_role = "code"  # a word between single backticks
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
maximum_signature_line_length = 88
napoleon_use_ivar = True  # the attributes that a class lists are no members of their own
napoleon_numpy_docstring = False
toc_object_entries = False
pygments_style = "friendly"
pygments_dark_style = "monokai"
linkcheck_timeout = 20
autodoc_inherit_docstrings = False  # those of torch are written for another site

LITERAL = re.compile(r"(``.+?``|`[^`]+`)", re.DOTALL)
SPECIAL = re.compile(r"\*|\||(?<=\w)_(?=\W|$)")


def plain(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Docstrings are plain text with ``literals``: what else reStructuredText would read stays."""
    text = LITERAL.split("\n".join(lines))
    found = "".join(part if i % 2 else SPECIAL.sub(r"\\\g<0>", part) for i, part in enumerate(text))
    lines[:] = found.split("\n")


def own_nodes(app: Sphinx, doctree: nodes.document) -> None:
    """What stood in an ``eval-rst`` block is of this page, not of one that holds all others too,
    which would be written with every page."""
    for node in doctree.findall():
        node.document = doctree


def sure_links(app: Sphinx, doctree: nodes.document) -> None:
    """A type that could not be looked up, one that is imported for types alone, is a bare name; any
    class of that name would be linked, so none is."""
    for node in [*doctree.findall(addnodes.pending_xref)]:
        if node.get("refdomain") == "py" and "." not in node["reftarget"]:
            node.replace_self(node.children)


def setup(app: Sphinx) -> None:
    app.add_lexer("csv", TextLexer)  # a block's word on GitHub
    app.add_lexer("console", BashLexer)  # commands as they are typed, without a prompt
    app.connect("doctree-read", own_nodes)
    app.connect("doctree-read", sure_links)
    app.connect("autodoc-process-docstring", plain, priority=400)  # before napoleon
