"""Pages of made-up runs, and a browser that opens them."""

import base64
import os
import shutil
from collections.abc import Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
INSTALL = "apt-get install -y chromium chromium-driver"

made = spec_from_file_location("made_runs", HERE.parent / "comparison" / "conftest.py")
assert made is not None
assert made.loader is not None
runs = module_from_spec(made)
made.loader.exec_module(runs)


@pytest.fixture
def leave() -> Callable[..., Path]:
    """Makes a run folder."""
    return runs.leave_run


@pytest.fixture(scope="session")
def leave_runs() -> Callable[..., Path]:
    """The same, for pages that several tests look at."""
    return runs.leave_run


class Browser:
    """Chromium without a window, by selenium.

    Args:
        driver: of selenium.
    """

    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, page: Path, width: int, dark: bool = False) -> None:
        """Opens a page in a window, or on a telephone, of this width."""
        sizes = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(page.as_uri())
        self.settle()

    def settle(self) -> None:
        """Waits until every chart of the open tab is drawn."""
        wait = "const done = arguments[0]; window.report.settled().then(() => done());"
        self.driver.execute_async_script(wait)

    def all(self, css: str) -> list[Any]:
        return self.driver.find_elements("css selector", css)

    def texts(self, css: str) -> list[str]:
        """What can be read of some elements, also where they are scrolled away."""
        return [element.get_property("textContent") for element in self.all(css)]

    def tab(self, name: str) -> None:
        """Opens a tab by a click."""
        [tab] = [own for own in self.all("[role=tab]") if own.text == name]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", tab)
        tab.click()
        self.settle()

    def said(self) -> list[str]:
        """What stands on the console since the last time."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def picture(self, path: Path) -> None:
        """The whole page as PNG."""
        options = {"captureBeyondViewport": True}
        answer = self.driver.execute_cdp_cmd("Page.captureScreenshot", options)
        path.write_bytes(base64.b64decode(answer["data"]))

    def printed(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self.driver.execute_cdp_cmd("Page.printToPDF", {})["data"])


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Skips where there is no browser, and says how to have one."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip(f"no chromium with its chromedriver: {INSTALL}")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    home = tmp_path_factory.mktemp("browser")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    for flag in [*flags, f"--user-data-dir={home}", "--disable-background-networking"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = Service(driver, env=os.environ | {"HOME": str(home)})
    own = webdriver.Chrome(options=options, service=service)
    own.set_script_timeout(60)
    try:
        yield Browser(own)
    finally:
        own.quit()
        service.stop()
