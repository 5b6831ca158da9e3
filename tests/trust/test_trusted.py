"""The user's file of trusted packages: one a line with comments, or words on what is wrong."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from mtl_cli.basis.errors import Problem
from mtl_cli.trust.foreign import check_foreign, strangers
from mtl_cli.trust.trusted import own_file, trusted_packages

THEIRS = {"arch": {"_target_": "theirs.arch.Arch"}, "m": [{"_target_": "torchmetrics.image.X"}]}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "mtl-cli").mkdir()
    return tmp_path / "mtl-cli" / "trust"


def test_it_is_where_a_user_has_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    for place in (None, "", "relative"):
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
        if place is not None:
            monkeypatch.setenv("XDG_CONFIG_HOME", place)
        assert own_file() == tmp_path / ".config" / "mtl-cli" / "trust"
    assert trusted_packages(["mine"]) == ["mine"]  # no file is none


def test_its_packages_are_trusted(file):
    assert strangers(OmegaConf.create(THEIRS)) == ["theirs", "torchmetrics"]
    with pytest.raises(Problem, match=r"trust=\[theirs\]"):
        check_foreign(THEIRS, [])
    file.write_text("# of work\ntheirs # since spring\n\n  torchmetrics\n")
    check_foreign(THEIRS, [])
    assert strangers(OmegaConf.create(THEIRS)) == []
    assert trusted_packages("mine") == ["theirs", "torchmetrics", "mine"]


@pytest.mark.parametrize("line", ["a b", "a,b", "a.b", "- a", "trust=[a]", "1a", "a-b"])
def test_a_line_that_names_no_package_is_refused(file, line):
    file.write_text(f"fine\n{line}\n")
    with pytest.raises(Problem, match=r"trust, line 2, must be a package a line[\s\S]*try:   my_"):
        trusted_packages()


def test_a_file_that_cannot_be_read_is_said(file):
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(Problem, match="must be a text file"):
        trusted_packages()
    file.unlink()
    file.mkdir()
    with pytest.raises(Problem, match="must be a text file"):
        trusted_packages()


@pytest.mark.parametrize("given", [[1], ["a.b"], 3, {"a": 1, 2: 3}, [["a"]], [None]])
def test_what_names_no_package_is_refused(given):
    with pytest.raises(Problem, match=r"trust must name packages[\s\S]*'trust=\["):
        trusted_packages(given)
