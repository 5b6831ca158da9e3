"""``python -m pages``: builds the site; see ``scripts/docs``."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from sphinx.cmd.build import build_main

from pages.api import write_api
from pages.gallery import make, read_items, write_gallery
from pages.links import broken
from pages.part import toctree, write_parts

ROOT = Path(__file__).parents[2]
GUIDES = ["first_hour", "choosing", "reading_a_report", "studies", "splits", "defaults", "sweeps"]
GUIDES += ["arrays", "images", "dense", "several_inputs", "ranking", "pretrained", "scaling"]
GUIDES += ["loggers", "weightings_in_your_loop", "from_libmtl"]
HOUSE = ["docs/architecture", "CONTRIBUTING", "CHANGELOG"]


def write_source(out: Path, api: bool, gallery: bool) -> None:
    """Everything that Sphinx reads: the pages as they are, and those that are made; with the pages
    of the code and the pictures of the gallery, where they are wanted."""
    (out / "docs").mkdir(parents=True)
    for file in sorted((ROOT / "docs").iterdir()):
        if file.suffix == ".md":
            text = file.read_text(encoding="utf-8").replace("](../README.md", "](../index.md")
            (out / "docs" / file.name).write_text(text, encoding="utf-8")
        else:
            shutil.copy(file, out / "docs")
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, out)
    known = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"architecture"}
    guides = [f"docs/{name}" for name in [*GUIDES, *sorted(known - {*GUIDES})]]
    guides.insert(1, "gallery")
    trees = {"Guides": guides, "Parts": ["parts/index"], "Code": [*["api/index"] * api, *HOUSE]}
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for title, names in trees.items():
        tree = toctree(names, hidden=True).replace(":hidden:", f":hidden:\n:caption: {title}")
        text += f"\n{tree}\n"
    (out / "index.md").write_text(text, encoding="utf-8")
    write_parts(ROOT / "conf", out / "parts")
    items = read_items()
    with TemporaryDirectory() as scratch:
        if gallery:
            make(items, Path(scratch))
        write_gallery(items, Path(scratch) if gallery else None, out)
    if api:
        write_api(ROOT, out / "api")


def main(words: list[str]) -> int:
    """Builds the site; gives the exit status."""
    parser = argparse.ArgumentParser("scripts/docs", description="Builds the docs as a site.")
    parser.add_argument("--out", type=Path, default=ROOT / "build/docs", help="where it goes")
    parser.add_argument("--no-api", action="store_true", help="leave the pages of the code out")
    parser.add_argument("--gallery", action="store_true", help="draw its pictures, minutes")
    parser.add_argument("--external", action="store_true", help="visit all other sites' links too")
    given = parser.parse_args(words)
    source, html = given.out / "source", given.out / "html"
    for old in (source, html, given.out / "doctrees"):
        shutil.rmtree(old, ignore_errors=True)
    write_source(source, not given.no_api, given.gallery)
    common = ["-W", "--keep-going", "-q", "-j", "auto", "-c", str(Path(__file__).parent)]
    common += ["-d", str(given.out / "doctrees")]
    if build_main([*common, "-b", "html", str(source), str(html)]):
        return 1
    found = broken(html)
    if found:
        sys.stderr.write("\n".join(["links that lead nowhere:", *found]) + "\n")
        return 1
    if given.external and build_main([*common, "-b", "linkcheck", str(source), str(given.out)]):
        return 1
    sys.stdout.write(f"docs: {html / 'index.html'}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
