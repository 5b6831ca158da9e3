"""What a page holds, read without a browser."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest

from mtl_cli.study.report import make_report
from mtl_cli.study.report_words import read_words

ODD = ["</script><script>alert(1)</script>", "<b>\"a\" & 'b'</b>", "<!--", "two\nlines"]


def write(folder: Path, *words: str) -> str:
    make_report(*read_words([str(folder), "pictures=false", "formats=[html]", *words]))
    return (folder / "report" / "report.html").read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_names_that_are_html_are_data_and_nothing_else(leave, tmp_path: Path) -> None:
    for arch in ("single_task", *ODD):
        for seed in range(3):
            figures = {task: {"mse": 1.0 + 0.1 * seed} for task in ODD}
            place = tmp_path / "runs" / f"{ODD.index(arch) if arch in ODD else 'base'}{seed}"
            leave(place, figures, arch, seed, source=ODD[0])
    page = write(tmp_path / "runs")
    own = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert page.count("<script") == page.count("</script>") == 3
    assert "alert(1)" in own  # it is said
    assert not any(name in own for name in ODD[:2])  # as text
    assert own.count("<!--") == 1  # of our own
    [table] = data_of(page)["tables"]
    assert table["tasks"] == ODD
    assert {row["words"] for row in table["settings"]} > {f"arch={ODD[0]}"}


def test_what_is_no_number_is_left_out(leave, tmp_path: Path) -> None:
    for seed in range(3):
        leave(tmp_path / f"s{seed}", {"a": {"mse": 1.0 + seed}}, "single_task", seed, epochs=1)
        leave(tmp_path / f"h{seed}", {"a": {"mse": None}}, "hps", seed, epochs=1)
        with open(tmp_path / f"h{seed}" / "metrics.csv", "a", encoding="utf-8") as file:
            file.write("2,20,val,a,mse,nan\n3,30,val,a,mse,inf\n")
    page = write(tmp_path)
    assert not re.search(r"[:\[,](NaN|-?Infinity)", page[page.index('id="data"') :][:9000])
    [table] = data_of(page)["tables"]
    numbers = [y for line in table["curves"]["lines"] for y in line["y"] if y is not None]
    assert numbers
    assert all(map(math.isfinite, numbers))


@pytest.mark.parametrize("tasks", [500])
def test_very_many_tasks_keep_it_small_and_that_is_said(leave, tmp_path: Path, tasks: int) -> None:
    figures = {f"task {n}": {"mse": 1.0 + n} for n in range(tasks)}
    for seed in range(2):
        for arch in ("single_task", "hps"):
            leave(tmp_path / f"{arch}{seed}", figures, arch, seed, epochs=3)
    page = write(tmp_path)
    assert len(page.encode()) < 3_000_000
    [table] = data_of(page)["tables"]
    assert len(table["tasks"]) + table["tasks_left_out"] == tasks
    assert len(table["columns"]) + table["columns_left_out"] == tasks


def test_every_heading_of_the_report_stands_in_it(leave, tmp_path: Path) -> None:
    for seed in range(2):
        for arch in ("single_task", "hps"):
            leave(tmp_path / f"{arch}{seed}", {"a": {"mse": 1.0 + seed}}, arch, seed)
    leave(tmp_path / "other", {"a": {"mse": 1.0}}, "hps", source="other")  # a check says so
    found, _ = make_report(*read_words([str(tmp_path), "pictures=false"]))
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    said = [heading for heading, notes in found.notes.items() if notes]
    assert "Checks" in said
    assert re.findall(r"<summary><h2>(.*?)</h2>", page) == said


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"a": 1}', '{"a": {"counts": [[1, 2]], "classes": ["x"]}}']
)
def test_matrices_that_cannot_be_read_are_named(leave, tmp_path: Path, text: str) -> None:
    path = leave(tmp_path / "run", {"a": {"mse": 1.0}}, "hps")
    (path / "confusion.json").write_text(text, encoding="utf-8")
    page = write(tmp_path)
    assert "confusion.json cannot be read" in page
    assert data_of(page)["tables"][0]["confusion"] == []


def test_the_command_that_repeats_a_setting_has_the_words_that_were_typed(
    leave, tmp_path: Path
) -> None:
    typed = ["study=baselines", "arch=hps", "optimizer.lr=0.1"]
    for seed in (3, 5):
        words = [f"seed={seed}", *typed, f"runs={tmp_path}"]
        said = {"overrides": words}
        leave(tmp_path / f"{seed}", {"a": {"mse": 1.0 + seed}}, "hps", seed, summary=said)
    [setting] = data_of(write(tmp_path))["tables"][0]["settings"]
    assert setting["command"] == "mtl-train --multirun arch=hps optimizer.lr=0.1 seed=3,5"


def test_a_headline_without_a_verdict_says_so_and_why_before_any_number() -> None:
    from types import SimpleNamespace

    from mtl_cli.comparison.gain import Gain
    from mtl_cli.comparison.verdict import Verdict
    from mtl_cli.webpage.headline import sentence

    def said(*args: Any, **own: Any) -> str:
        gain = Gain(*args, **own)
        base = SimpleNamespace(words="arch=single_task")
        return sentence(SimpleNamespace(gain=gain, words="arch=hps", baseline=base))  # type: ignore[arg-type]

    seeds, gains = [0, 1, 2], {"a": [1.0, 2.0, 3.0], "b": [1.0, 2.0, 4.0], "c": [0.0, 1.0, 0.5]}
    unsure, sure = Verdict("cannot say", -1, 1, 0.95), Verdict("hurts", -2, -1, 0.95)
    start = "No verdict on arch=hps: "
    floor = "neither side learned c, no better than always the mean, or the shares of the classes"
    learned = {"a": True, "b": True, "c": False}
    for by_task, end in (
        ({"a": unsure, "b": unsure}, "; of a, b one cannot say whether sharing helps."),
        ({"a": sure, "b": unsure}, "; sharing hurts a; of b one cannot say whether sharing helps."),
        ({}, "."),
    ):
        assert said(seeds, gains, learned=learned, by_task=by_task) == f"{start}{floor}{end}"
    few = (
        "2 pairs of seeds with arch=single_task, and it takes 3; by now Gain over arch=single_task "
    )
    assert said([0, 1], {"a": [1.0, 2.0]}) == f"{start}{few}is +1.50 %, which may be chance."
    zero = "it has no Gain over arch=single_task, a figure of which is 0"
    assert said(seeds, {"a": None, "b": gains["b"]}) == f"{start}{zero}."
    assert Gain(seeds, {"a": None}).word == "no Gain"
    assert said(seeds, gains, published=True).startswith(f"{start}figures are as papers print")
    same = Verdict("makes no difference", -0.1, 0.1, 0.95)
    assert said(seeds, gains, whole=same).startswith("Sharing makes no difference that matters: ")
