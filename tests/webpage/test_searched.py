"""What a page shows of a search: read from its files, and looked at in a browser."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from mtl_cli.study.report import make_report
from mtl_cli.study.report_words import read_words

EVIL = "</script><img src=x onerror=\"console.error('ran')\">"
WINNER = "[role=tabpanel]:not([hidden]) .scroll tbody tr"


def trial(number: int, values: list[float] | None, best: str = "", status: str = "completed"):
    words = [f"optimizer.lr={10.0**-number}", f"x={EVIL}"]
    return {"trial": number, "values": values, "best": best, "status": status, "words": words}


ONE = {
    "figures": [[f"{EVIL}/mse", False]],
    "settings": [
        {
            "words": f"arch={EVIL}",
            "counts": "3 finished, 1 given up",
            "trials": [
                trial(0, [0.5]),
                trial(1, None, status="pruned"),
                trial(2, [0.7]),
                trial(3, [0.25], "winner"),
            ],
        },
        {"words": "arch=hps", "counts": "1 finished", "trials": [trial(0, [0.4], "winner")]},
    ],
}
TWO = {
    "figures": [["a/accuracy", True], ["b/mse", False]],
    "settings": [
        {
            "words": "arch=hps",
            "counts": "4 finished",
            "trials": [
                trial(0, [0.5, 0.5]),
                trial(1, [0.9, 0.6], "front"),
                trial(2, [0.8, 0.3], "winner"),
                trial(3, [0.6, 0.2], "front"),
            ],
        }
    ],
}
THREE = {
    "figures": [["a/mse", False], ["b/mse", False], ["c/mse", False]],
    "settings": [{"words": "s", "counts": "1 finished", "trials": [trial(0, [1, 2, 3], "winner")]}],
}


@pytest.fixture
def search(tmp_path: Path, leave):
    """Makes the folder of a search, with what it says of its trials; gives the page's words."""

    def make(said: Any, folder: Path = tmp_path / "s", seed: int = 0) -> Path:
        for number in range(2):
            study = {"study": {"search": "x", "trials": 4, "setting": "arch=hps", "tuned": []}}
            own = folder / str(number)
            leave(own, {"a": {"mse": 1.0}}, "hps", seed + number, epochs=1, summary=study)
        leave(folder / "trials/0/0", {"a": {"mse": 1.0}}, "hps", 7, epochs=1)
        (folder / "search.json").write_text("{}")
        text = said if isinstance(said, str) else json.dumps(said)
        (folder / "trials/trials.json").write_text(text)
        return folder

    return make


def write(folder: Path, *words: str) -> Path:
    make_report(*read_words([str(folder), "pictures=false", "formats=[html]", *words]))
    return folder / "report" / "report.html"


def searches(page: Path) -> list[dict[str, Any]]:
    text = page.read_text(encoding="utf-8")
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    [table] = json.loads(found[1])["tables"]
    return table["searches"]


def test_its_trials_are_in_the_page_whatever_they_are_named(search) -> None:
    page = write(search(ONE))
    [found] = searches(page)
    assert found["figures"] == ONE["figures"]
    assert [own["words"] for own in found["settings"]] == [f"arch={EVIL}", "arch=hps"]
    assert [one["values"] for one in found["settings"][0]["trials"]] == [[0.5], None, [0.7], [0.25]]
    assert [own["g"] for own in found["settings"]] == [None, 0]  # whose winner is in the table
    assert EVIL not in page.read_text(encoding="utf-8")


def test_of_two_figures_it_has_the_line_of_the_front(search) -> None:
    [found] = searches(write(search(TWO)))
    line = [[0.9, 0.6], [0.8, 0.6], [0.8, 0.3], [0.6, 0.3], [0.6, 0.2], [0.5, 0.2]]
    assert found["settings"][0]["line"][-5:] == line[-5:]
    assert [0.5, 0.5] not in found["settings"][0]["line"]


def test_a_report_of_the_trials_and_one_of_everything_above_show_it_too(search, tmp_path) -> None:
    folder = search(TWO)
    assert searches(write(folder / "trials", "split=val"))[0]["figures"] == TWO["figures"]
    search(THREE, tmp_path / "t", seed=2)
    assert [len(own["figures"]) for own in searches(write(tmp_path))] == [2, 3]


def test_where_there_was_no_search_there_is_none(search, tmp_path: Path) -> None:
    folder = search(ONE)
    (folder / "trials/trials.json").unlink()  # it goes on still
    assert searches(write(folder)) == []
    (folder / "search.json").unlink()
    assert searches(write(folder)) == []


@pytest.mark.parametrize(
    "said",
    [
        "{",
        "[]",
        {"figures": [], "settings": []},
        {**ONE, "figures": [["a/mse", "up"]]},
        {**ONE, "settings": [{"words": "s", "counts": 3, "trials": []}]},
        {**TWO, "figures": ONE["figures"]},
    ],
)
def test_a_damaged_file_is_said(search, said: Any) -> None:
    page = write(search(said))
    assert searches(page) == []
    assert "trials.json cannot be read: " in page.read_text(encoding="utf-8")


def test_of_very_many_trials_it_has_some_and_says_how_many_settings_are_left_out(search) -> None:
    setting = {"words": "s", "counts": "", "trials": [trial(n, [1.0]) for n in range(2000)]}
    many = [{**setting, "words": f"s{n}"} for n in range(5)]
    [found] = searches(write(search({**ONE, "settings": many})))
    assert (len(found["settings"]), found["left_out"]) == (3, 2)


@pytest.mark.parametrize(("width", "dark"), [(400, False), (1400, True)])
@pytest.mark.parametrize("said", [ONE, TWO, THREE])
def test_its_tab_opens_without_an_error(browser, search, said, width: int, dark: bool) -> None:
    browser.open(write(search(said)), width, dark)
    browser.tab("Search")
    assert browser.said() == []
    wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width
    assert len(browser.all("[role=tabpanel]:not([hidden]) .chart svg.marks")) == (said is not THREE)
    rows = browser.texts(WINNER)
    settings = said["settings"]
    assert len(rows) == len(settings) + sum(len(own["trials"]) for own in settings)
    for row, own in zip(rows, settings, strict=False):
        assert row.startswith(own["words"])
        assert row.endswith(own["counts"])


def test_its_marks_are_the_trials_that_came_to_their_end(browser, search) -> None:
    browser.open(write(search(ONE)), 1400)
    browser.tab("Search")
    marks = browser.all("[role=tabpanel]:not([hidden]) .chart svg .mark-symbol path")
    assert len(marks) == 4  # of five, one was given up
    first = browser.texts(WINNER)[0]
    assert "optimizer.lr=0.001" in first
    assert "0.25000.5000" in first  # tuned, untuned
