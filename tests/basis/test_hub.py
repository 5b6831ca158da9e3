"""Folders of models that are not there: said before any network is asked, with the nearest."""

from pathlib import Path

import pytest

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.basis.hub import check_there


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("bert", "roberta"):
        (tmp_path / "models" / name).mkdir(parents=True)


@pytest.mark.parametrize(
    ("model", "found", "fix"),
    [
        ("models/brt", "no models/brt; there: bert, roberta", "encoder.model=models/bert"),
        ("./models/brt", "no ./models/brt; there: bert, roberta", "encoder.model=models/bert"),
        ("models/bert/large/1", "no models/bert/large/1, nor its folder", "a folder that is there"),
        ("/nowhere/bert", "no /nowhere/bert, nor its folder", "a folder that is there"),
        ("models/whisper", "no models/whisper; there: bert", "hf download models/whisper"),
    ],
)
def test_a_folder_that_is_not_there_is_said_with_the_nearest(
    model: str, found: str, fix: str
) -> None:
    with pytest.raises(Problem, match="must be a folder that is there") as wrong:
        check_there("encoder.model", model)
    assert found in wrong.value.found
    assert fix in wrong.value.fix


@pytest.mark.parametrize(
    "model", ["bert-base-uncased", "google-bert/bert-base-uncased", "models/bert"]
)
def test_names_of_the_hub_and_folders_are_let_through(model: str) -> None:
    check_there("encoder.model", model)


@pytest.mark.parametrize("option", ["encoder.model", "dataset.tokenizer"])
def test_the_option_that_was_typed_is_named(
    option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transformers = pytest.importorskip("transformers")
    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", None)  # nothing is asked
    Path("shop.csv").write_text("text,label\n" + "warm,1\nlate,0\n" * 10)
    words = ["dataset=text", "dataset.read_as=subwords", "dataset.targets={shop: binary}"]
    words += ["dataset.sources={shop: {path: shop.csv}}", "encoder=hf_text", "trainer=smoke"]
    words += ["encoder.model=models/bert"] if option == "dataset.tokenizer" else []
    with pytest.raises(Problem) as wrong:
        mtl_cli.train([f"hydra.run.dir={tmp_path / 'run'}", *words, f"{option}=models/brt"])
    assert wrong.value.thing == option
    assert wrong.value.fix == f"{option}=models/bert"


def test_a_model_of_the_hubs_cache_is_no_mistyped_folder(tmp_path, monkeypatch):
    (tmp_path / "google" / "bert").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Problem, match="no google/brt"):
        check_there("encoder.model", "google/brt")
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *own: "there")
    check_there("encoder.model", "google/brt")
