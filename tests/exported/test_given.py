"""`program_inputs` makes what a program is given, whatever its run reads."""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import mtl_cli
from mtl_cli.basis.errors import Problem
from mtl_cli.export import export

QUICK = ["trainer=smoke", "pictures.curves=false"]
WORDS = ["leather", "sole", "warm", "late"]


def offers(place: Path, number: int) -> pd.DataFrame:
    """Rows with a text, a picture and a category, of which some lack some."""
    draw = np.random.default_rng(0)
    rows = pd.DataFrame({"price": draw.normal(9, 3, number), "city": ["Rome", "Oslo"] * 20})
    rows["review"] = [" ".join(draw.choice(WORDS, k)) for k in draw.integers(0, 5, number)]
    rows["photo"] = [str(place / f"{i}.png") if i % 5 else "" for i in range(number)]
    for name in filter(None, rows.photo):
        Image.fromarray(draw.integers(0, 256, (8, 6, 3), dtype=np.uint8)).save(name)
    rows["stars"] = draw.normal(3, 1, number)
    rows.to_csv(place / "offers.csv", index=False)
    return rows


def test_rows_with_texts_and_pictures_are_given_to_a_program(tmp_path: Path) -> None:
    rows, run, out = offers(tmp_path, 40), tmp_path / "run", tmp_path / "out"
    columns = "{review: {type: text, read_as: tokens}, photo: {type: image, cache: false}}"
    words = ["dataset=table", f"dataset.path={tmp_path / 'offers.csv'}", "dataset.reference=0"]
    words += ["dataset.targets={stars: regression}", f"dataset.columns={columns}"]
    words += ["encoder=joined", "encoder.parts={row: mlp, review: text_cnn, photo: cnn}"]
    mtl_cli.train([f"hydra.run.dir={run}", *words, *QUICK])
    export([f"run={run}", f"out={out}"])
    serve = runpy.run_path(str(out / "serve.py"))
    expected = mtl_cli.load_run(run).predict(rows).stars
    for data in (rows, rows.to_dict("records"), tmp_path / "offers.csv"):
        given = mtl_cli.program_inputs(run, data)
        answers = [row["stars"] for row in serve["predict"](given)]
        np.testing.assert_allclose(answers, expected, rtol=1e-5, atol=1e-5)
    with pytest.raises(Problem, match=r"must have the columns of the run's table"):
        mtl_cli.program_inputs(run, np.zeros((2, 4)))
    (tmp_path / "rows.json").write_text(json.dumps(rows[:2].to_dict("records")))
    words = [sys.executable, str(out / "serve.py"), str(tmp_path / "rows.json")]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 1
    assert 'must be {"numbers": [...], "codes": [...], "review": [...]' in done.stderr
    assert "mtl_cli.program_inputs(run, rows)" in done.stderr
    assert "Traceback" not in done.stderr
    with pytest.raises(ValueError, match="found only review"):
        serve["predict"]({"review": [[1]]})


def test_subwords_are_given_to_a_program(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    bert = tmp_path / "bert"
    bert.mkdir()
    (bert / "vocab.txt").write_text("\n".join(vocab))
    transformers.BertTokenizerFast(str(bert / "vocab.txt")).save_pretrained(bert)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.BertConfig(vocab_size=len(vocab), intermediate_size=8, **sizes)
    transformers.BertModel(config).save_pretrained(bert)
    rows, run, out = offers(tmp_path, 40), tmp_path / "run", tmp_path / "out"
    source = f"{{path: {tmp_path / 'offers.csv'}, text: review, labels: {{shop: stars}}}}"
    words = ["dataset=text", f"dataset.sources={{shop: {source}}}", "offline=true"]
    words += ["dataset.targets={shop: regression}", "dataset.read_as=subwords", "encoder=hf_text"]
    mtl_cli.train([f"hydra.run.dir={run}", *words, f"encoder.model={bert}", *QUICK])
    export([f"run={run}", f"out={out}"])
    texts = rows.review[:9].tolist()
    given = mtl_cli.program_inputs(run, texts)
    answers = runpy.run_path(str(out / "serve.py"))["predict"](given)
    expected = mtl_cli.load_run(run).predict(texts).shop
    np.testing.assert_allclose([row["shop"] for row in answers], expected, rtol=1e-5, atol=1e-5)
