"""What the page of several inputs says runs."""

import importlib
import random
import re
import shlex
import sys
from pathlib import Path

import pandas as pd
from PIL import Image

PAGE = Path(__file__).parents[3] / "docs" / "several_inputs.md"


def test_its_commands_run(tmp_path, monkeypatch, capsys):
    draw = random.Random(0)
    (tmp_path / "photos").mkdir()
    rows = []
    for i in range(60):
        Image.new("RGB", (9, 7), (4 * i, 0, 0)).save(tmp_path / "photos" / f"{i}.png")
        review = draw.choice(["lovely and warm", "broken on the first day", ""])
        row = {"price": draw.uniform(1, 9), "shop": draw.choice("ab"), "review": review}
        row |= {"photo": f"photos/{i}.png" if i % 9 else "", "stars": i % 5, "returned": i % 2}
        rows.append(row)
    pd.DataFrame(rows).to_csv(tmp_path / "offers.csv", index=False)
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^mtl-train .*", PAGE.read_text(encoding="utf-8"), re.M)
    assert len(lines) == 3
    train = importlib.import_module("mtl_cli.train")
    for line in lines:
        words = [*shlex.split(line), "trainer=smoke", "dataset.decoding.cache=false"]
        monkeypatch.setattr(sys, "argv", words)
        assert not train.main()
        assert "error:" not in capsys.readouterr().err, line
    assert len(list(tmp_path.glob("runs/*/*/summary.json"))) == 2
    assert len(list(tmp_path.glob("runs/*/*_sweep/*/summary.json"))) == 6
