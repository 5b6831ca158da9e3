"""What `input.json` says of texts is enough to make a program's ids and counts, without a package
of ours."""

import json
import math
import re
import runpy
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mtl_cli
from mtl_cli.export import export

TEXTS = ["leather sole", "Warm, warm leather!", "an unheard word of the sole", "late", ""]
QUICK = ["trainer=smoke", "pictures.curves=false"]
TABLE = ["dataset=table", "dataset.targets={stars: regression}", "dataset.reference=0"]
TABLE += ["encoder.hidden=[8]"]
SOURCE = ["dataset=text", "dataset.targets={shop: regression}"]
SOURCE += ["dataset.sources={shop: {path: PATH, text: review, labels: {shop: stars}}}"]
LISTED = "vectorizer: {stop_words: english, sublinear_tf: true, norm: l1, ngram_range: [1,2]}"
WORDS = {
    "tokens of a column": [*TABLE, "dataset.columns={review: {type: text, read_as: tokens}}"],
    "words of a column": [*TABLE, "dataset.columns={review: {type: text}}"],
    "pairs of words": [*TABLE, f"dataset.columns={{review: {{type: text, {LISTED}}}}}"],
    "tokens of texts": [*SOURCE, "dataset.read_as=tokens", "encoder=text_cnn"],
    "words of texts": [*SOURCE, "dataset.vectorizer.kind=count", "dataset.vectorizer.binary=true"],
}


def shop(number: int) -> pd.DataFrame:
    """Reviews with stars; some are blank."""
    draw = np.random.default_rng(0)
    words = ["leather", "sole", "warm", "late", "broken", "lovely", "the", "of"]
    texts = [" ".join(draw.choice(words, k)) for k in draw.integers(0, 6, number)]
    stars = draw.normal(3, 1, number)
    return pd.DataFrame({"price": draw.normal(9, 3, number), "review": texts, "stars": stars})


def cut(said: dict[str, Any], text: str) -> list[str]:
    """The words of a text, in the words of `input.json` alone."""
    found = re.findall(said["pattern"], text.lower() if said["lowercase"] else text)
    found = [word for word in found if word not in said["stop_words"]]
    least, most = said["ngram_range"]
    runs = range(least, most + 1)
    return [" ".join(found[i : i + k]) for k in runs for i in range(len(found) - k + 1)]


def ids(said: dict[str, Any], text: str, length: int) -> list[int]:
    own = [said["ids"].get(word, said["unknown"]) for word in cut(said, text)][:length]
    return own + [said["padding"]] * (length - len(own))


def counts(said: dict[str, Any], text: str) -> dict[int, float]:
    found = Counter(word for word in cut(said, text) if word in said["ids"])
    each = {word: 1.0 if said["binary"] else float(n) for word, n in found.items()}
    if "idf" in said:
        tf = {w: 1 + math.log(n) if said["sublinear_tf"] else n for w, n in each.items()}
        each = {word: n * said["idf"][word] for word, n in tf.items()}
        size = sum(each.values()) if said["norm"] == "l1" else math.hypot(*each.values())
        each = {word: n / size for word, n in each.items()}
    return dict(sorted((said["ids"][word], n) for word, n in each.items()))


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_ten_lines_make_what_a_program_is_given_of_texts(words: list[str], tmp_path: Path) -> None:
    path, run, out = tmp_path / "shop.csv", tmp_path / "run", tmp_path / "out"
    shop(60).to_csv(path, index=False)
    words = [word.replace("PATH", str(path)) for word in words]
    words += [f"dataset.path={path}"] if "dataset=table" in words else []
    mtl_cli.train([f"hydra.run.dir={run}", *words, *QUICK])
    export([f"run={run}", f"out={out}"])
    inputs = {own["name"]: own for own in json.loads((out / "input.json").read_text())["inputs"]}
    [own] = [own for own in inputs.values() if "text" in own]
    said, name = own["text"], own["name"]
    assert own.get("column", "review") == "review"
    given: dict[str, Any] = {"numbers": [[9.0]] * len(TEXTS)} if "numbers" in inputs else {}
    if "padding" in said:
        given[name] = [ids(said, text, own["shape"][1]) for text in TEXTS]
        last = max(said["ids"].values())
        assert sorted(said["ids"].values()) == list(range(2, last + 1))
        assert f"{2} to {last}" in own["meaning"]
    else:
        found = [counts(said, text) for text in TEXTS]
        longest = 1 + max(map(len, found))
        rest = [longest - len(row) for row in found]
        given[name] = [[*row, *[-1] * k] for row, k in zip(found, rest, strict=True)]
        [weights] = [own for own in inputs if own.endswith(".counts")]
        given[weights] = [[*row.values(), *[0.0] * k] for row, k in zip(found, rest, strict=True)]
    if "present" in inputs:
        given["present"] = [[True, text != ""] for text in TEXTS]
    served = runpy.run_path(str(out / "serve.py"))["predict"](given)
    rows = pd.DataFrame({"price": 9.0, "review": TEXTS})
    predicted = mtl_cli.load_run(run).predict(rows)
    column = "stars" if "stars" in predicted else "shop"
    np.testing.assert_allclose([row[column] for row in served], predicted[column], rtol=1e-6)
