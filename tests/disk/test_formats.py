"""Files of a run carry the number of their format: a newer one is refused, none is an older one."""

import json

import pytest
import torch
import yaml

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.comparison.saved_run import read_run
from mtl_cli.disk import checkpoint
from mtl_cli.disk.formats import FORMAT, with_format, without_format
from mtl_cli.disk.run_folder import RunFolder
from mtl_cli.run.run_data import read_run_data
from mtl_cli.trust.run_config import read_config


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("formats") / "run"
    words = ["trainer=smoke", "dataset.num_samples=200", "encoder.hidden=[4]"]
    mtl_cli.train([f"hydra.run.dir={path}", *words])
    return RunFolder(path)


def test_a_run_writes_them_and_reads_them(folder):
    assert yaml.safe_load(folder.config.read_text())["format"] == FORMAT
    assert json.loads(folder.reader.read_text())["format"] == FORMAT
    assert torch.load(folder.best, weights_only=True)["format"] == FORMAT
    assert "format" not in read_config(folder)
    assert "format" not in checkpoint.load(folder.best)
    assert read_run(folder.path).trouble is None
    assert read_run_data(folder).reader is not None


@pytest.mark.parametrize("number", [FORMAT + 1, -1, "1", None, True])
def test_one_that_this_version_does_not_know_is_refused(folder, tmp_path, number):
    there = RunFolder(tmp_path)
    values = yaml.safe_load(folder.config.read_text())
    there.config.write_text(yaml.safe_dump(values | {"format": number}))
    there.reader.write_text(json.dumps(json.loads(folder.reader.read_text()) | {"format": number}))
    there.last.parent.mkdir()
    torch.save({"model": {}, "format": number}, there.last)
    for read in (read_config, read_run_data, lambda _: checkpoint.load(there.last)):
        with pytest.raises(Problem, match=rf"must be of format {FORMAT}[\s\S]*found: format"):
            read(there)
    there.summary.write_text(folder.summary.read_text())
    assert "must be of format" in read_run(tmp_path).trouble


def test_a_file_without_one_is_an_older_one():
    assert without_format({"a": 1}, "x") == {"a": 1}
    assert without_format(with_format({"a": 1}), "x") == {"a": 1}
    assert without_format([1], "x") == [1]
