"""Texts of a user's own: any number of named sources, each with the labels of its tasks."""

from mtl_cli.dataset.text_sources import TextSources


class Text(TextSources):
    """Sources of texts as the config names them; see `TextSources`."""
