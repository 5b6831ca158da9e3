"""The rows of a source of texts, in chunks: from files, one file a class, or Hugging Face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mtl_cli.basis.errors import problem
from mtl_cli.dataset.files.column_names import check_columns
from mtl_cli.dataset.files.encoded import numbered_lines
from mtl_cli.dataset.files.parts import Part
from mtl_cli.dataset.files.read import CHUNK_ROWS, find_files, read_parts
from mtl_cli.dataset.files.stored import with_text
from mtl_cli.dataset.splits.named import WORDS
from mtl_cli.dataset.texts.source import TextSource

HUB = "hub:"
Chunk = tuple[str | None, Part]  # the split that its rows are for, where that is known, and they


def read_source(source: TextSource, offline: bool) -> Iterator[Chunk]:
    """All rows of a source; every cell is text, or null where it is missing.

    Raises:
        ValueError: where a file or column is missing, broken, or holds no rows.
    """
    if isinstance(source.path, Mapping):
        yield from ((None, part) for part in read_classes(source, source.path))
    elif source.path is not None and source.path.startswith(HUB):
        yield from read_hub(source, source.path.removeprefix(HUB), offline)
    elif source.path is None:
        fix = f"{source.slot}.path=<file, folder or glob>"
        raise problem(f"{source.slot}.path", "must say where the texts are", "null", fix)
    else:
        yield from ((None, part) for part in read_files(source, source.path))
    for split, path in (("val", source.val_path), ("test", source.test_path)):
        if path is not None:
            yield from ((split, part) for part in read_files(source, path))


def read_files(source: TextSource, path: str) -> Iterator[Part]:
    return read_parts(path, source.options, source.columns, CHUNK_ROWS)


def read_classes(source: TextSource, paths: Mapping[str, str]) -> Iterator[Part]:
    """Files of one text a line, each of one class."""
    import pyarrow

    for name, path in paths.items():
        for file in find_files(path, source.options):
            empty = True
            for first, texts in numbered_lines(file, source.options, CHUNK_ROWS):
                cells: dict[str, Any] = dict.fromkeys(source.columns, [str(name)] * len(texts))
                yield Part(file, pyarrow.table(cells | {source.text_columns[0]: texts}), first)
                empty = False
            if empty:
                raise problem(str(file), "must hold rows", "an empty file", "a text a line")


def read_hub(source: TextSource, name: str, offline: bool) -> Iterator[Chunk]:
    """A Hugging Face dataset, by the package ``datasets``; its splits are kept."""
    thing = f"{source.slot}.path={HUB}{name}"
    try:
        import datasets
    except ImportError as error:
        fix = "pip install 'mtl-cli[hub]', or: pip install datasets"
        rule = "needs the package datasets"
        raise problem(thing, rule, "it is not installed", fix) from error
    own = datasets.DownloadConfig(local_files_only=True) if offline else None
    try:
        splits = datasets.load_dataset(name, download_config=own)
    except Exception as error:  # of the network, the hub, or a file: the package has no base class
        rule = "must be a dataset that Hugging Face has, or that was downloaded before"
        found = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        fix = "offline=false, or another name" if offline else "a name from huggingface.co/datasets"
        raise problem(thing, rule, found, fix) from error
    for key, rows in splits.items():
        split = next((ours for ours, words in WORDS.items() if key in words), None)
        if split is None:
            continue  # such as "unsupervised"
        check_columns(rows.column_names, source.columns, f"the columns of {name} that are read")
        first = 1
        for table in rows.with_format("arrow").iter(batch_size=CHUNK_ROWS):
            file = Path(f"{name}.{key}")
            own = with_text(table.select(source.columns), True, file, source.options)
            yield split, Part(file, own, first)
            first += len(table)
