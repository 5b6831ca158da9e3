"""A checkpoint is read back to the bit, or refused; it is whole or not there; it is no program."""

import os
import pickle
import random
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from mtl_cli.basis.errors import Problem
from mtl_cli.disk import checkpoint

STATE = {"model": {"weight": torch.randn(40, 3), "bias": torch.tensor([1.0, -0.0, torch.inf])}}
STATE |= {"epoch": 3, "rate": 0.1, "best": {"a": {"loss": 0.25}}, "names": ["a", "b"], "none": None}


class Trap:
    """Runs code when it is unpickled without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_what_was_saved_is_loaded(tmp_path):
    checkpoint.save(tmp_path / "a.pt", STATE)
    loaded = checkpoint.load(tmp_path / "a.pt")
    for name, value in STATE["model"].items():
        assert torch.equal(loaded["model"][name].view(torch.int32), value.view(torch.int32))
    plain = {key: value for key, value in STATE.items() if key != "model"}
    assert {key: value for key, value in loaded.items() if key != "model"} == plain


def test_a_later_save_replaces_the_earlier_one_and_leaves_nothing_beside_it(tmp_path):
    for epoch in (1, 2):
        checkpoint.save(tmp_path / "a.pt", STATE | {"epoch": epoch})
    assert checkpoint.load(tmp_path / "a.pt")["epoch"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


def test_every_flipped_bit_is_noticed(tmp_path):
    path, generator = tmp_path / "a.pt", random.Random(0)
    checkpoint.save(path, STATE)
    whole = path.read_bytes()
    digest = len(checkpoint.MARK) + checkpoint.SIZE
    places = [generator.randrange(len(whole) - digest) for _ in range(300)]
    for place in [*places, len(whole) - 1]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(Problem, match=r"must be as it was written; it is damaged"):
            checkpoint.load(path)


def test_torch_alone_loads_the_file(tmp_path):
    checkpoint.save(tmp_path / "a.pt", STATE)
    loaded = torch.load(tmp_path / "a.pt", weights_only=True)["model"]
    assert all(torch.equal(value, STATE["model"][name]) for name, value in loaded.items())


def test_a_file_without_a_digest_is_loaded_with_a_note(tmp_path, caplog):
    torch.save(STATE, tmp_path / "a.pt")
    assert checkpoint.load(tmp_path / "a.pt")["epoch"] == 3
    assert f"{tmp_path / 'a.pt'} has no digest" in caplog.text
    caplog.clear()
    checkpoint.save(tmp_path / "a.pt", STATE)
    checkpoint.load(tmp_path / "a.pt")
    assert caplog.text == ""


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    checkpoint.save(path, STATE)
    before = path.read_bytes()

    def fail(state, file):
        file.write(b"half a checkpoint")
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", fail)
        with pytest.raises(Problem, match="no space"):
            checkpoint.save(path, STATE | {"epoch": 4})
    assert path.read_bytes() == before
    checkpoint.save(path, STATE | {"epoch": 5})
    assert checkpoint.load(path)["epoch"] == 5


@pytest.mark.parametrize("share", [0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999])
def test_a_truncated_file_is_refused(share, tmp_path):
    path = tmp_path / "a.pt"
    checkpoint.save(path, STATE)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(Problem, match=r"must be a whole checkpoint.*\n  found: \S.*\n  try:   \S"):
        checkpoint.load(path)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_a_damaged_file_is_refused_or_still_holds_a_model(tmp_path):
    """Whatever is wrong in the file, a user reads an error in four parts and no traceback."""
    path, generator = tmp_path / "a.pt", random.Random(0)
    checkpoint.save(path, STATE | {"generators": random.getstate()})
    whole = path.read_bytes()
    begin = whole.index(b"data.pkl")
    messages = []
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[generator.randrange(begin, begin + 700)] = generator.randrange(256)
        path.write_bytes(damaged)
        try:
            assert "model" in checkpoint.load(path)
        except Problem as error:
            messages.append(str(error))
    assert len(messages) > 100
    assert all(re.search(r"\n  found: \S.*\n  try:   \S", message) for message in messages)


@pytest.mark.parametrize("content", [b"not a checkpoint at all\n", b"\x00" * 64, b"PK\x03\x04"])
def test_another_kind_of_file_is_refused(content, tmp_path):
    (tmp_path / "a.pt").write_bytes(content)
    with pytest.raises(Problem, match=r"\n  found: \S.*\n  try:   "):
        checkpoint.load(tmp_path / "a.pt")


@pytest.mark.parametrize("write", [torch.save, lambda x, p: p.write_bytes(pickle.dumps(x, 2))])
def test_code_in_a_file_is_refused_and_not_run(write, tmp_path):
    mark, path = tmp_path / "mark", tmp_path / "a.pt"
    write({"model": {}, "extra": Trap(mark)}, path)
    pickle.loads(pickle.dumps(Trap(mark)))  # the trap works …
    mark.rmdir()
    with pytest.raises(Problem, match="it was not loaded, nor any code in it run"):
        checkpoint.load(path)
    assert not mark.exists()  # … and was not sprung


@pytest.mark.parametrize("content", [[1, 2], torch.ones(3), {"weights": {}}], ids=type)
def test_data_that_is_no_checkpoint_is_refused(content, tmp_path):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(Problem, match=r"must be a checkpoint of this program.*\n  found: a "):
        checkpoint.load(tmp_path / "a.pt")


def test_a_missing_file_is_told_by_its_run_folder(tmp_path):
    path = tmp_path / "run" / "checkpoints" / "last.pt"
    with pytest.raises(Problem, match=r"no last\.pt") as error:
        checkpoint.load(path)
    assert str(error.value).startswith(str(tmp_path / "run") + " must be")


def test_weights_of_the_same_model_are_taken():
    model, other = nn.Linear(3, 2), nn.Linear(3, 2)
    checkpoint.load_weights(model, other.state_dict(), Path("a.pt"))
    assert torch.equal(model.weight, other.weight)
    assert torch.equal(model.bias, other.bias)


@pytest.mark.parametrize(
    ("other", "found"),
    [
        (nn.Linear(4, 2), r"weight: \(2, 4\) for \(2, 3\)$"),
        (nn.Linear(3, 2, bias=False), r"bias: not there for \(2,\)$"),
        (nn.Bilinear(3, 3, 2), r"weight: \(2, 3, 3\) for \(2, 3\)$"),
        (nn.Sequential(nn.Linear(3, 2)), r"0\.bias: \(2,\) for nothing; .*, and 1 more$"),
    ],
)
def test_another_models_weights_are_named_and_none_is_taken(other, found):
    model = nn.Linear(3, 2)
    before = model.weight.clone()
    with pytest.raises(Problem) as error:
        checkpoint.load_weights(model, other.state_dict(), Path("a.pt"))
    line = str(error.value).splitlines()[1]
    assert re.search(found, line)
    assert torch.equal(model.weight, before)
