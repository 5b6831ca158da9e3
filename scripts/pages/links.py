"""Links inside the site: each has to lead to a file, and to a place in it."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit


class Page(HTMLParser):
    """What a page links to, and the places in it that links may name."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("id", "name"):
                self.places.add(value)
            elif value and name in ("href", "src"):
                self.links.append(value)


@cache
def read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def broken(site: Path) -> list[str]:
    """The links of a built site that lead nowhere in it, each with its page."""
    found = []
    for path in sorted(site.rglob("*.html")):
        for link in dict.fromkeys(read(path).links):
            address, place = urldefrag(link)
            if urlsplit(link).scheme or link.startswith("//") or address.endswith("#"):
                continue
            file = unquote(urlsplit(address).path)
            other = path.parent / file if file else path
            if other.is_dir():
                other /= "index.html"
            there = other.is_file()
            if there and place and other.suffix == ".html":
                there = unquote(place) in read(other.resolve()).places
            if not there:
                found.append(f"{path.relative_to(site)}: {link}")
    return found
