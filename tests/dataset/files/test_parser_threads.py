"""However reading ends, no thread of Arrow's has anything of Python's afterwards."""

import codecs
import gzip
import threading
import weakref

import pytest
from pyarrow import csv

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.files import delimited
from mtl_cli.dataset.files.encoded import as_utf8
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.files.parser_threads import lend
from mtl_cli.dataset.files.read import read_parts


def test_a_handler_is_back_at_the_end_though_a_thread_still_had_it():
    with lend(lambda row: "skip", csv.ParseOptions()) as options:
        held = [options.invalid_row_handler]
        handler = weakref.ref(held[0])
        threading.Timer(0.05, held.clear).start()
        assert held[0](None) == "skip"
    assert handler() is None


@pytest.fixture
def lent(monkeypatch):
    """The handlers that Arrow gets, and the encodings that it is asked to read."""
    handlers, encodings = [], set()

    def watch(name):
        read = getattr(csv, name)

        def watched(file, reads, parses, *others):
            handlers.append(weakref.ref(parses.invalid_row_handler))
            encodings.add(codecs.lookup(reads.encoding).name)
            return read(file, reads, parses, *others)

        monkeypatch.setattr(csv, name, watched)

    watch("open_csv")
    watch("read_csv")
    return handlers, encodings


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
@pytest.mark.parametrize("chunk_rows", [None, 7])
@pytest.mark.parametrize("end", ["whole", "given up", "a broken row", "a broken first row"])
def test_reading_leaves_no_thread_with_a_handler(
    tmp_path, monkeypatch, lent, end, chunk_rows, encoding
):
    monkeypatch.setattr(delimited, "BLOCK_BYTES", 200)
    rows = [f"{i},é" for i in range(3000)]
    if end.startswith("a broken"):
        rows.insert(0 if "first" in end else 2500, "1,2,3")
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["x,y", *rows]), encoding=encoding)
    parts = read_parts(path, ReadOptions(encoding=encoding), ["x"], chunk_rows)
    if end.startswith("a broken"):
        with pytest.raises(Problem, match=r"must have 2 cells") as error:
            list(parts)
        assert error  # the error is still there, with all that its frames hold
    else:
        next(parts)
        list(parts) if end == "whole" else parts.close()
    handlers, encodings = lent
    assert len(handlers) >= 1
    assert not any(handler() for handler in handlers)
    assert encodings == {"utf-8"}  # any other one Arrow decodes by Python, in its own threads


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_copy_in_utf_8_has_the_same_characters_and_is_gone_at_the_end(tmp_path, encoding, name):
    text = 'a,b\r\n"é\r",ü\n' * 1000
    content = text.encode(encoding)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with as_utf8(tmp_path / name, encoding) as copy:
        assert copy.read_bytes() == text.encode()
    assert not copy.exists()
    with as_utf8(tmp_path / name, "UTF8") as itself:
        assert itself == tmp_path / name
