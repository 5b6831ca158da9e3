"""What the first hour and the page of splits say is true: their commands and their Python run."""

import contextlib
import importlib
import json
import re
import runpy
import shlex
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from mtl_cli.command_line.cli import compose
from mtl_cli.study.folds import OverFolds

PAGES = Path(__file__).parent.parent / "docs"
PAGES_OF_LOGS = ("ranking.md", "choosing.md")
PAGE = (PAGES / "first_hour.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = PAGE) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def run(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    program, *words = shlex.split(line)
    if program == "mtl-train" and "resume=latest" not in words:
        words = [word for word in words if not word.startswith("trainer.")]
        words += ["trainer=smoke"] if not {"--help", "--cfg"} & set(words) else []
    monkeypatch.setattr(sys, "argv", [program, *words])
    module = importlib.import_module(f"mtl_cli.{program.removeprefix('mtl-')}")
    with contextlib.suppress(SystemExit):
        module.main()


def test_its_commands_run_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    [points] = blocks("csv")
    (tmp_path / "points.csv").write_text(points)
    draw = np.random.default_rng(0)
    patients = pd.DataFrame({"dose": draw.normal(size=80), "ward": draw.choice(["a", "b"], 80)})
    patients["ill"] = np.where(patients.dose > 0, "yes", "no")
    patients["age"] = 50 + 10 * patients.dose
    patients.to_csv("patients.csv", index=False)
    lines = [line for block in blocks("console") for line in block.splitlines()]
    assert len(lines) >= 16
    assert {line.split()[0] for line in lines} == {
        "mtl-train",
        "mtl-report",
        "mtl-evaluate",
        "mtl-predict",
    }
    for line in lines:
        run(monkeypatch, line)
        assert "error:" not in capsys.readouterr().err, line
    assert len(pd.read_csv("waves.csv")) == 3
    assert set(pd.read_csv("predictions.csv").ill) <= {"yes", "no"}
    assert (tmp_path / "noisier.json").is_file()
    [code] = blocks("python")
    exec(compile(code, "first_hour.md", "exec"), {})
    assert "dict_keys(['sin', 'cos'])" in capsys.readouterr().out


def test_the_page_of_splits_says_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PAGES.joinpath("splits.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    [code] = blocks("python", page)
    exec(compile(code, "splits.md", "exec"), {})
    [said] = blocks("text", page)
    lines = [line for block in blocks("console", page) for line in block.splitlines()]
    assert len(lines) >= 5
    for line in lines[:-1]:
        run(monkeypatch, f"{line} dataset.reference=0 pictures.curves=false")
        found = capsys.readouterr()
        assert "error:" not in found.err, line
        if line == lines[0]:
            assert "rows share patient: test has some that train has" in found.out
        if line == lines[1]:
            assert said in found.out
    cfg = compose("train", shlex.split(lines[-1])[1:])
    OverFolds().on_multirun_start(cfg)
    assert dict(cfg.hydra.sweeper.params) == {"dataset.split.folds": "5", "seed": "range(5)"}


def test_the_page_of_pixels_goes_from_pictures_to_maps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PAGES.joinpath("dense.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(0)
    for name in ("images", "masks", "depth"):
        (tmp_path / "balls" / name).mkdir(parents=True)
    for i in range(12):
        ball = draw.random((24, 32)) < 0.3
        picture = Image.fromarray(np.repeat(100 + 100 * ball[..., None], 3, 2).astype(np.uint8))
        picture.save(tmp_path / "balls" / "images" / f"{i}.jpg")
        Image.fromarray(255 * ball.astype(np.uint8)).save(tmp_path / f"balls/masks/{i}.png")
        Image.fromarray(np.where(ball, 900, 2100).astype(np.uint16)).save(
            tmp_path / f"balls/depth/{i}.png"
        )
    (tmp_path / "new_pictures").mkdir()
    picture.save(tmp_path / "new_pictures" / "a.png")
    train, study, predict = (
        line for block in blocks("console", page) for line in block.splitlines()
    )
    assert compose("train", shlex.split(study)[1:]).dataset.size == [48, 64]
    for line in (f"{train} dataset.cache=false pictures.curves=false", predict.split(" #")[0]):
        run(monkeypatch, line)
        assert "error:" not in capsys.readouterr().err, line
    assert (tmp_path / "predicted_maps" / "ball" / "a.npy").is_file()


def test_the_page_of_rankings_goes_from_a_log_to_calibrated_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    draw, n = np.random.default_rng(0), 400
    log = pd.DataFrame({"user": 2**40 + draw.integers(0, 30, n), "hour": np.arange(n) // 20})
    log["day"], log["item"] = log.hour // 5, draw.choice(list("abcdefgh"), n)
    log["history"] = ["|".join(draw.choice(list("abcdefgh"), k)) for k in draw.integers(0, 4, n)]
    log["click"] = (draw.random(n) < 0.3).astype(int)
    log["buy"] = log.click * (draw.random(n) < 0.5)
    log.to_csv("log.csv", index=False)
    log.to_csv("tomorrow.csv", index=False)
    log.drop(columns=["click", "buy"]).assign(item="new").to_csv("new.csv", index=False)
    pages = [PAGES.joinpath(name).read_text(encoding="utf-8") for name in PAGES_OF_LOGS]
    written = [b for page in pages for kind in ("console", "sh") for b in blocks(kind, page)]
    lines = [line for block in written for line in block.splitlines() if ".csv" in line]
    assert len(lines) == 6
    quick = " dataset.reference=0 pictures.curves=false pictures.metrics=false"
    for line in lines:
        train = line.startswith("mtl-train")
        run(monkeypatch, line.replace("1000000", "100") + quick * train)
        assert "error:" not in capsys.readouterr().err, line
    found = pd.read_csv("predictions.csv")
    assert len(found) == n
    product = found["p(ctr=1)"] * found["p(cvr=1)"]
    np.testing.assert_allclose(found["p(ctcvr=1)"], product, rtol=1e-4)


def test_the_page_of_pictures_says_what_can_be_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PAGES.joinpath("images.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    rows = [["file", "shape", "size"]]
    for i in range(30):
        shape = ("disc", "square", "bar")[i % 3]
        for root in ("shapes", "studio", "new_pictures", "more"):
            file = tmp_path / root / shape / f"{i:04}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (12, 10), (8 * i, 80 * (i % 3), 0)).save(file)
        rows.append([f"shapes/{shape}/{i:04}.png", shape, str(10 + i)])
    for name in ("shapes.csv", "street.csv", "new.csv"):
        (tmp_path / name).write_text("\n".join(map(",".join, rows)) + "\n")
    lines = [line for block in blocks("sh", page) for line in block.splitlines()]
    assert len(lines) >= 7
    for line in [*lines, "mtl-evaluate run=latest input=more tasks=[shape]"]:
        more = " encoder=cnn dataset.cache=false pictures.curves=false" * ("mtl-train" in line)
        run(monkeypatch, line.replace("study=baselines ", "") + more)
        assert "error:" not in capsys.readouterr().err, line


def test_the_page_of_exporting_ends_in_predictions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = PAGES.joinpath("exporting.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    draw, n = np.random.default_rng(0), 200
    people = pd.DataFrame({"city": draw.choice(["Rome", "Oslo"], n), "size": draw.normal(70, 9, n)})
    people["rich"] = np.where(people.city == "Rome", "yes", "no")
    people["age"] = people["size"] - 30
    people.to_csv("people.csv", index=False)
    people.drop(columns=["rich", "age"]).to_csv("new.csv", index=False)
    (tmp_path / "rows.json").write_text('[{"city": "Rome", "size": 71.5}, {"city": null}]')
    offers = pd.DataFrame({"price": draw.normal(9, 3, 40), "stars": draw.normal(3, 1, 40)})
    offers["review"] = draw.choice(["leather sole", "late", "", "warm and lovely"], 40)
    offers["photo"] = ["a.png", "b.png"] * 20
    offers.to_csv("offers.csv", index=False)
    for name, colour in (("a.png", 40), ("b.png", 200)):
        Image.new("RGB", (12, 10), (colour, 0, 0)).save(name)
    lines = [line for block in blocks("console", page) for line in block.splitlines()]
    assert len(lines) == 9
    said = {}
    for line in lines:
        if line.startswith("python"):
            monkeypatch.setattr(sys, "argv", line.split()[1:])
            runpy.run_path(sys.argv[0], run_name="__main__")
        else:
            run(monkeypatch, line + " dataset.reference=0" * line.startswith("mtl-train"))
        found = capsys.readouterr()
        assert "error:" not in found.err, line
        said[line] = found.out
    [rows] = [own for line, own in said.items() if line.endswith("rows.json")]
    [shown] = blocks("json", page)
    assert [list(json.loads(own)) for own in rows.splitlines()] == 2 * [list(json.loads(shown))]
    [code] = blocks("python", page)
    exec(compile(code, "exporting.md", "exec"), {})
    assert capsys.readouterr().out.count("{'stars': ") == 40
