"""Reviews of movies and of places: made up, until files are named in their place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.parts import Part
from mtl_cli.dataset.texts.base import TextSources
from mtl_cli.dataset.texts.chunks import Chunk
from mtl_cli.dataset.texts.review_corpus import SIZES, make_reviews
from mtl_cli.dataset.texts.source import TextSource


class Reviews(TextSources):
    """``movie`` is binary, ``yelp`` has three classes: one or two stars, three, four or five.

    A source without a path is made up (see `review_corpus`). See `TextSources`.
    """

    def origin(self, source: TextSource) -> str:
        if source.path is not None or source.name not in SIZES:
            return super().origin(source)
        self.notice = "reviews of a small grammar, generated here: no real ones"
        return "generated"

    def chunks(self, source: TextSource) -> Iterator[Chunk]:
        if self.origin(source) != "generated":
            yield from super().chunks(source)
            return

        import pyarrow

        texts, labels = make_reviews(source.name, self.seed)
        names = [column for columns in source.columns_of.values() for column in columns]
        cells = dict.fromkeys(names, labels) | dict.fromkeys(source.text_columns, texts)
        check_columns(cells, source.columns, f"{source.split.slot}.column")
        yield None, Part(Path("generated"), pyarrow.table(cells))
