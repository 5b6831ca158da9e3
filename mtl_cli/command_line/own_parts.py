"""Where parts of others are found: beside a folder of configs, where one stands, or installed.

What a command line names may lie beside the folder that ``--config-dir`` names, or where the
command was typed. Such a folder comes last on the path: nothing of ours or of a library is replaced
by a file of the same name. An installed package says that it brings parts by an entry point::

    [project.entry-points."mtl_cli.parts"]
    my_parts = "my_parts"  # the package; its folder may hold conf/<group>/<name>.yaml
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from shlex import quote

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from mtl_cli.basis.shell import as_word
from mtl_cli.command_line.lists import SCHEME, Lists

GROUP = "mtl_cli.parts"
FLAG = re.compile(r"(?:--config-di?r?|-cd)(?:=(.*))?")  # argparse takes the beginning of a flag
TARGET = re.compile(r"_target_['\"]?\s*[=:]\s*['\"]?([A-Za-z_]\w*)\.")
TRUST = re.compile(r"\+?trust=\[?([\w\s,'\"]*)\]?")


def split_config_dirs(words: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The folders that ``--config-dir`` names, and the other words."""
    folders, others, left = [], [], list(words)
    while left:
        word = left.pop(0)
        found = FLAG.fullmatch(word)
        if found is None or (found[1] is None and not left):
            others.append(word)
        else:
            folders.append(Path(left.pop(0) if found[1] is None else found[1]))
    return folders, others


def find_packages(words: Sequence[str]) -> list[str]:
    """Lets the packages that a command line names be found; gives its words without the folders."""
    folders, others = split_config_dirs(words)
    places = [folder.absolute().parent for folder in folders]
    if any(is_here(name) for name in named_packages(others)):
        places.append(Path.cwd())
    add_to_path(places)
    return others


def add_to_path(folders: Sequence[Path]) -> None:
    """Packages in these folders can be imported from now on, where there are no others so named."""
    sys.path += [str(folder) for folder in dict.fromkeys(folders) if str(folder) not in sys.path]


def named_packages(words: Sequence[str]) -> Iterator[str]:
    """The packages that ``_target_=my_package.Part`` and ``trust=[my_package]`` name."""
    yield from target_packages(words)
    for found in filter(None, map(TRUST.fullmatch, words)):
        yield from re.findall(r"\w+", found[1])


def target_packages(words: Sequence[str]) -> list[str]:
    """The packages of all classes that a command line names."""
    return sorted({package for word in words for package in TARGET.findall(word)})


def is_here(name: str) -> bool:
    """Whether a package lies where the command was typed and nowhere else."""
    here = Path.cwd()
    return not known(name) and ((here / name).is_dir() or (here / f"{name}.py").is_file())


def known(package: str) -> bool:
    """Whether a package can be imported, which this does not do."""
    return package in sys.modules or (package != "" and find_spec(package) is not None)


def resume_line(place: str, words: Sequence[str], packages: Sequence[str]) -> str:
    """The command line that goes on with a run or a sweep.

    Args:
        place: of its folder.
        words: of the command line by which it began.
        packages: that are trusted only where a command line says so.
    """
    flags = [w for folder in split_config_dirs(words)[0] for w in ("--config-dir", str(folder))]
    trust = [f"trust=[{','.join(packages)}]"] if packages else []
    return " ".join(["mtl-train", *map(quote, flags), as_word("resume", place), *map(quote, trust)])


@cache
def installed_packages() -> list[str]:
    """The packages that were installed as such that bring parts, by their whole names."""
    found = {point.module for point in entry_points(group=GROUP)}
    return sorted(name for name in found if known(name.partition(".")[0]))


def installed_folders() -> list[Path]:
    """The folders of YAMLs that installed packages bring; nothing of them is imported."""
    folders = []
    for name in installed_packages():
        package, *inner = name.split(".")
        spec = find_spec(package)
        places = spec.submodule_search_locations if spec is not None else None
        folders += [Path(place, *inner, "conf") for place in places or ()]
    return [folder for folder in folders if folder.is_dir()]


class InstalledParts(SearchPathPlugin):
    """Lets Hydra look for choices there too, after ours; and for several at once."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        for folder in installed_folders():
            search_path.append("mtl-cli-parts", f"file://{folder}")
        search_path.append("mtl-cli-lists", f"{SCHEME}://")


def register() -> None:
    """Called before anything is composed."""
    Plugins.instance().register(InstalledParts)
    Plugins.instance().register(Lists)


def conf_folders(conf: Path, words: Sequence[str]) -> list[Path]:
    """Where a command line's choices are looked for: ours first."""
    return [conf, *installed_folders(), *split_config_dirs(words)[0]]


def composable(words: Sequence[str]) -> list[str]:
    """The words with ``--config-dir`` as Hydra's compose takes it."""
    folders, others = split_config_dirs(words)
    places = ",".join(f"'file://{folder.absolute()}'" for folder in folders)
    return [*others, *([f"hydra.searchpath=[{places}]"] if places else [])]
