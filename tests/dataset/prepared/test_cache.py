"""The cache of prepared data: bounded by what was used last, and deletable."""

import os
from pathlib import Path

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.dataset.prepared.cache import Cache


def filled(cache: Cache, key: str, kilobytes: int) -> Path:
    folder = cache.entry(key)
    assert folder is not None
    cache.fill(folder, lambda own: (own / "x.bin").write_bytes(bytes(1000 * kilobytes)))
    return folder


def there(root: Path) -> set[str]:
    return {own.name for own in root.iterdir()}


def test_what_was_not_used_for_longest_goes_first_and_what_is_in_use_stays(tmp_path):
    cache = Cache(str(tmp_path), 250e-6)
    for age, key in enumerate(["new", "old", "oldest"]):
        os.utime(filled(Cache(str(tmp_path), 20), key, 100), (1e9 - age, 1e9 - age))
    cache.use(tmp_path / "old")
    assert there(tmp_path) == {"old", "new"}
    filled(cache, "large", 300)
    assert there(tmp_path) == {"large"}
    assert "0.3 MB in" in cache.said(tmp_path / "large")


def test_what_somebody_is_writing_stays_for_a_day(tmp_path):
    (tmp_path / ".writing1").mkdir()
    (tmp_path / ".writing0").mkdir()
    os.utime(tmp_path / ".writing0", (1e9, 1e9))
    (tmp_path / ".writing0" / "x").write_bytes(bytes(10))
    os.utime(tmp_path / ".writing0", (1e9, 1e9))
    filled(Cache(str(tmp_path), 0), "a", 1)
    assert there(tmp_path) == {".writing1", "a"}


def test_a_failed_write_leaves_nothing(tmp_path):
    def fails(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        Cache(str(tmp_path), 1).fill(tmp_path / "a", fails)
    assert there(tmp_path) == set()


@pytest.mark.parametrize("options", [("yes", -1), (3, 20)])
def test_options_are_checked(options):
    with pytest.raises(Problem, match=r"dataset\.cache"):
        Cache(*options)
