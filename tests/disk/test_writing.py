"""What is written is there whole, or as it was before, whatever the system refuses."""

import ast
import errno
import os
import resource
from pathlib import Path

import pytest

from mtl_cli.basis.errors import Problem
from mtl_cli.disk import writing

PACKAGE = Path(writing.__file__).parents[1]
# Files that are written elsewhere, and why: caches and copies of data, which a run does not need.
ELSEWHERE = {f"dataset/files/{name}.py" for name in ("encoded", "mnist", "whitespace")}
ELSEWHERE |= {"dataset/texts/cache.py"}
CALLS = {"write_text", "write_bytes", "savefig", "replace", "rename", "truncate", "to_parquet"}


def test_a_later_text_replaces_the_earlier_one_and_leaves_nothing_beside_it(tmp_path):
    for text in ("one\n", "two, with ä\r\n"):
        writing.write_text(tmp_path / "a.txt", text)
    assert (tmp_path / "a.txt").read_bytes().decode() == "two, with ä\r\n"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_a_refusal_is_told_in_four_parts_and_the_old_file_stays(
    call, number, tmp_path, monkeypatch
):
    writing.write_text(tmp_path / "a.txt", "old")

    def refuse(*args):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(Problem) as error:
            writing.write_text(tmp_path / "a.txt", "new")
    first, found, fix = str(error.value).splitlines()
    assert first == f"{tmp_path / 'a.txt'} must be a file that can be written."
    assert found == f"  found: {os.strerror(number)}"
    assert fix.startswith("  try:   ")
    assert ("more room" in fix) == (number in (errno.ENOSPC, errno.EDQUOT))
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_whatever_stops_the_writer_leaves_the_old_file(tmp_path):
    writing.write_text(tmp_path / "a.txt", "old")

    def write() -> None:
        with writing.written(tmp_path / "a.txt") as beside:
            beside.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_limit_on_files_leaves_no_half_of_a_row(tmp_path):
    """A real limit of the system: what is added stands there whole, or not at all."""
    path, row = tmp_path / "a.csv", "1,2,3\n" * 100
    writing.append_text(path, row)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(row) + 7, before[1]))
    try:
        with pytest.raises(Problem, match=r"(?s)File too large.*ulimit -f unlimited"):
            writing.append_text(path, row)
        with pytest.raises(Problem, match="File too large"):
            writing.write_text(path, 3 * row)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert path.read_text() == row


def test_a_folder_that_was_taken_away_is_not_made_anew(tmp_path):
    for write in (writing.write_text, writing.append_text):
        with pytest.raises(Problem, match=r"(?s)No such file.*try:   a folder that stays"):
            write(tmp_path / "gone" / "a.txt", "text")
    assert not (tmp_path / "gone").exists()


def test_what_a_killed_writer_left_is_taken_away_and_nothing_else(tmp_path):
    (tmp_path / "plots").mkdir()
    for name in (".part_12_a.txt", "plots/.part_12_b.png", "a.part_txt", "plots/b.png"):
        (tmp_path / name).touch()
    writing.forget_parts(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {"a.part_txt", "plots/b.png"}


def test_nobody_else_writes_files():
    """Found in the source: calls that write, outside of the one place and of a ``beside`` path."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        name = str(path.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and writes(node):
                found.add(name)
    assert found - ELSEWHERE == {"disk/writing.py"}
    assert found >= ELSEWHERE


def writes(call: ast.Call) -> bool:
    words = ast.unparse(call)
    if "beside" in words and "beside.write" not in words:
        return False
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name == "open":
        constants = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
        return any(isinstance(c, str) and c and set(c) <= set("wax+bt") for c in constants)
    of = ast.unparse(call.func).partition(".")[0]
    return (
        name in CALLS
        and (name not in ("replace", "rename", "truncate") or of == "os")
        and (of != "writing")
        and isinstance(call.func, ast.Attribute)
    )
