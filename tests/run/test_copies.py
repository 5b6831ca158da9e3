"""A run says how many copies of a pretrained encoder it has, before their memory is taken."""

import re

import pytest
import torch

import mtl_cli
from mtl_cli import load_run
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.memory import in_words

LINE = (
    r"encoder +(\d+) copies of hf_text, which begin with the same weights: (.+) each, (.+) together"
)


@pytest.mark.parametrize(
    ("words", "copies"),
    [
        (["arch=mmoe", "arch.num_experts=3"], 3),
        (["arch=mmoe", "arch.num_experts=3", "encoder.freeze=all"], 3),
        (["arch=hps"], 1),
        (["arch=mmoe", "encoder.model=null", "encoder.config={model_type: bert, HERE}"], 0),
    ],
)
def test_copies_are_said_with_what_they_take(tmp_path, texts, words, copies):
    folder = tmp_path / "run"
    sizes = "vocab_size: 12, hidden_size: 16, num_attention_heads: 2, num_hidden_layers: 2"
    words = [word.replace("HERE", sizes) for word in words]
    if "encoder.model=null" in words:
        words.append(f"dataset.tokenizer={tmp_path / 'model'}")
    mtl_cli.train([*texts, f"hydra.run.dir={folder}", "trainer=smoke", *words])
    found = re.findall(LINE, (folder / "train.log").read_text())
    if copies < 2:
        assert not found
        return
    (number, each, whole) = found[0]
    assert (len(found), int(number)) == (1, copies)
    weights = sum(p.numel() for p in load_run(folder).model.arch.experts.parameters())
    size = 4 * weights * (1 if "encoder.freeze=all" in words else 4)
    assert (each, whole) == (in_words(size / copies), in_words(size))


def test_they_are_said_before_they_are_refused(tmp_path, texts, monkeypatch):
    monkeypatch.setattr("mtl_cli.basis.memory.size_of", lambda device: 2**16)
    monkeypatch.setattr(torch.nn.Module, "to", None)  # nothing is put anywhere
    with pytest.raises(Problem, match="must be trained in the memory of cpu"):
        mtl_cli.train([*texts, f"hydra.run.dir={tmp_path / 'run'}", "arch=mmoe"])
    assert re.search(LINE, (tmp_path / "run" / "train.log").read_text())


def test_no_weights_are_read_to_see_what_copies_take(tmp_path, monkeypatch):
    def refuse(*_):
        raise Problem("encoder.weights", "must be at hand", "nothing", "others")

    monkeypatch.setattr("mtl_cli.encoder.resnet.load_weights", refuse)
    words = ["dataset=parity_mnist", "dataset.source=digits", "encoder=resnet", "arch=mmoe"]
    words += ["encoder.weights=DEFAULT", "arch.num_experts=2", f"hydra.run.dir={tmp_path / 'run'}"]
    with pytest.raises(Problem, match="must be at hand"):
        mtl_cli.train(words)
    said = re.search(LINE.replace("hf_text", "resnet"), (tmp_path / "run/train.log").read_text())
    assert said is not None
    assert said[1] == "2"
