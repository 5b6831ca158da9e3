"""The page in a browser: no error, and all of it can be used, on a telephone and on a screen."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mtl_cli.study.report import make_report
from mtl_cli.study.report_words import read_words

EVIL = "<img src=x onerror=\"console.error('ran')\">"
ODD = [
    "</script><script>console.error('ran')</script>",
    EVIL,
    "a \"b\" 'c' & d",
    "two\nlines",
    "é 漢",
]
SHARES = "epoch,step,task,expert,share\n1,1,{a},e1,0.9\n2,2,{a},e1,0.25\n2,2,{a},e2,0.75\n"
COSINES = """epoch,step,layer,task,other,cosine,norm,other_norm,ratio
1,1,all shared,sin,cos,0.5,1,1,1
1,1,trunk.0,sin,cos,0.25,1,1,1
2,9,all shared,sin,cos,-0.5,1,1,1
2,9,trunk.0,sin,cos,0.75,1,1,1
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory, leave_runs) -> Path:
    """Of three seeds each of single-task and two architectures, of which one measured it all."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("whole")
    for seed in range(3):
        for arch, better in (("single_task", 0.0), ("hps", 0.1), ("mmoe", 0.3)):
            figures = {
                "sin": {"mse": 1.0 + 0.01 * seed - better * (1 + 0.1 * seed)},
                "cos": {"accuracy": 0.5 + 0.01 * seed**2 + better / 2},
            }
            weights = {"sin": 1.0, "cos": 2.0} if arch == "mmoe" else None
            path = leave_runs(
                folder / f"{arch}{seed}", figures, arch, seed, epochs=12, weights=weights
            )
            if arch == "mmoe":
                (path / "diagnostics").mkdir()
                (path / "diagnostics/gates.csv").write_text(SHARES.format(a="sin"))
                (path / "diagnostics/conflict.csv").write_text(COSINES)
                (path / "plots").mkdir()
                Image.new("RGB", (64, 32), "red").save(path / "plots/examples.png")
                matrix = {"cos": {"classes": ["no", "yes"], "counts": [[3, 1], [0, 4]]}}
                (path / "confusion.json").write_text(json.dumps(matrix))
    return write(folder)


def write(folder: Path, *words: str) -> Path:
    make_report(*read_words([str(folder), "pictures=false", "formats=[html]", *words]))
    return folder / "report" / "report.html"


TABS = ["Gain by task", "Learning curves", "Task against task", "Weights", "Conflict", "Gates"]
TABS += ["Examples", "Confusion", "Differences", "Repeat"]


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("dark", [False, True])
def test_every_tab_opens_without_an_error(browser, page, width: int, dark: bool) -> None:
    browser.open(page, width, dark)
    assert browser.texts("[role=tab]") == TABS
    for name in TABS:
        browser.tab(name)
        [shown] = [own for own in browser.all("[role=tabpanel]") if own.is_displayed()]
        assert shown.text
        wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is wider than the window"
        if name not in ("Examples", "Differences", "Repeat"):
            assert browser.all("[role=tabpanel]:not([hidden]) .chart svg")
    assert browser.said() == []


def test_the_answer_is_first_and_has_its_interval(browser, page) -> None:
    browser.open(page, 1400)
    [first] = browser.texts(".headline")
    assert first.startswith("Sharing helps: arch=mmoe has Gain +")
    assert "interval +" in first


def test_it_sorts_by_a_click_and_by_the_keyboard(browser, page) -> None:
    browser.open(page, 1400)
    assert first_words(browser) == ["arch=single_task", "arch=mmoe", "arch=hps"]
    [head] = [own for own in browser.all("thead button") if own.text == "sin/mse ↓"]
    head.click()
    assert first_words(browser) == ["arch=mmoe", "arch=hps", "arch=single_task"]
    assert browser.all("th[aria-sort=ascending]")[0].text.startswith("sin/mse")
    head.send_keys("\n")
    assert first_words(browser) == ["arch=single_task", "arch=hps", "arch=mmoe"]
    assert browser.said() == []


def first_words(browser) -> list[str]:
    return browser.texts("#settings tbody th span")


def test_it_filters(browser, page) -> None:
    browser.open(page, 400)
    [box] = browser.all("input[type=search]")
    box.send_keys("mmoe")
    assert first_words(browser) == ["arch=mmoe"]
    assert browser.texts(".bar [role=status]") == ["1 of 3 settings shown, 3 drawn"]
    box.send_keys(" nothing")
    assert first_words(browser) == []


def test_what_is_not_ticked_is_not_drawn(browser, page) -> None:
    browser.open(page, 1400)
    browser.tab("Learning curves")
    assert len(browser.all("[role=tabpanel]:not([hidden]) .legend li")) == 3
    browser.all("#settings tbody input")[0].click()
    browser.settle()
    kept = browser.texts("[role=tabpanel]:not([hidden]) .legend li")
    assert kept == ["arch=mmoe", "arch=hps"]


def test_a_curve_says_its_values_under_the_pointer_and_its_scale_becomes_logarithmic(
    browser, page
) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser.open(page, 1400)
    browser.tab("Learning curves")
    [chart, *_] = browser.all("[role=tabpanel]:not([hidden]) .chart svg")
    browser.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
    ActionChains(browser.driver).move_to_element(chart).move_by_offset(5, 5).perform()
    [tip] = browser.all("#tip")
    assert tip.is_displayed()
    assert "arch=" in tip.text
    assert "epoch" in tip.text
    before = browser.texts(".chart svg .role-axis-label")
    [log] = browser.all(".bar label input[type=checkbox]")
    log.click()
    browser.settle()
    assert browser.texts(".chart svg .role-axis-label") != before
    assert browser.said() == []


def test_tabs_are_walked_by_arrows(browser, page) -> None:
    browser.open(page, 1400)
    [tab] = browser.all("[role=tab][aria-selected=true]")
    tab.send_keys("\ue014")  # to the right
    [tab] = browser.all("[role=tab][aria-selected=true]")
    assert tab.text == "Learning curves"
    assert browser.driver.switch_to.active_element == tab
    tab.send_keys("\ue012")
    [tab] = browser.all("[role=tab][aria-selected=true]")
    assert tab.text == "Gain by task"


def test_two_settings_differ_where_their_configurations_do(browser, page) -> None:
    browser.open(page, 1400)
    browser.tab("Differences")
    rows = browser.texts("[role=tabpanel]:not([hidden]) tr.differs th")
    assert rows == ["arch (choice)", "arch._target_"]


def test_names_are_text_wherever_they_stand(browser, leave, tmp_path) -> None:
    for seed in range(3):
        for arch, better in (("single_task", 0.0), (ODD[0], 0.1), (ODD[1], 0.2)):
            figures = {name: {"mse": 1 + n + 0.1 * seed - better} for n, name in enumerate(ODD)}
            options = {"encoder.odd": EVIL}
            weights = dict.fromkeys(ODD, 1.0)
            path = tmp_path / "runs" / f"{better}{seed}"
            leave(path, figures, arch, seed, options=options, weights=weights, source=ODD[0])
    file = write(tmp_path / "runs")
    browser.open(file, 1400)
    for name in browser.texts("[role=tab]"):
        browser.tab(name)
    assert browser.said() == []  # nothing ran, and nothing was asked for
    assert not browser.all("img[src=x]")
    assert f"arch={EVIL}" in first_words(browser)
    assert file.read_text().count("</script>") == 3


def test_it_is_read_on_paper(browser, page) -> None:
    browser.open(page, 1400)
    paper = browser.printed()
    assert paper.startswith(b"%PDF")
    assert browser.driver.execute_script("return window.report.printed") == len(TABS)
    assert browser.said() == []


def test_nothing_is_fetched(browser, page) -> None:
    browser.open(page, 1400)
    names = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
    found = browser.driver.execute_script(names)
    assert [name for name in found if not name.startswith("data:")] == []


def test_a_page_needs_no_torch(page) -> None:
    code = (
        "import sys; from mtl_cli.study.report import make_report\n"
        "from mtl_cli.study.report_words import read_words\n"
        f"make_report(*read_words([{str(page.parents[1])!r}, 'formats=[html]']))\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def many_tasks(leave, folder: Path) -> None:
    figures = {f"task {n}": {"mse": 1.0 + n} for n in range(500)}
    for seed in range(2):
        for arch in ("single_task", "hps"):
            leave(folder / f"{arch}{seed}", figures, arch, seed, epochs=3)


def no_numbers(leave, folder: Path) -> None:
    """One epoch, a figure that is none, and rows of a training that diverged."""
    for seed in range(2):
        leave(folder / f"s{seed}", {"a": {"mse": 1.0 + seed}}, "single_task", seed, epochs=1)
        leave(folder / f"h{seed}", {"a": {"mse": None}}, "hps", seed, epochs=1)
        with (folder / f"h{seed}" / "metrics.csv").open("a", encoding="utf-8") as file:
            file.write("2,20,val,a,mse,nan\n3,30,val,a,mse,inf\n")


def one_run(leave, folder: Path) -> None:
    leave(folder / "alone", {"a": {"mse": 1.0}}, "hps", 0, epochs=1)


@pytest.mark.parametrize("made", [many_tasks, no_numbers, one_run])
@pytest.mark.parametrize("width", [400, 1400])
def test_odd_runs_have_a_page_that_works(browser, leave, tmp_path, made, width) -> None:
    made(leave, tmp_path)
    browser.open(write(tmp_path), width)
    names = browser.texts("[role=tab]")
    assert names
    for name in names:
        browser.tab(name)
        wide = browser.driver.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, f"{name} is wider than the window"
    assert browser.said() == []
