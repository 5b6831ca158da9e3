"""Texts of a user's own: any number of named sources, each with the labels of its tasks."""

from mtl_cli.dataset.texts.base import TextSources


class Text(TextSources):
    """Sources of texts as the config names them; see `TextSources`."""
