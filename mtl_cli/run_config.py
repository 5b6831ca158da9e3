"""The configuration of a run, read from its folder: as data, whoever wrote it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mtl_cli import __version__
from mtl_cli.comparison.saved_run import mapping, version_numbers
from mtl_cli.errors import problem
from mtl_cli.older_runs import add_later_options
from mtl_cli.run_folder import RunFolder
from mtl_cli.trust import check_foreign

PARTS = ("choices", "dataset", "tasks", "encoder", "arch", "head", "trainer")  # mappings, in all
KEPT = 2  # numbers of a version (0.1 of 0.1.3) that say what a run leaves


def read_config(folder: RunFolder, trust: Collection[str] = ()) -> DictConfig:
    """The whole configuration of a run, without interpolations.

    Args:
        folder: of the run.
        trust: packages whose classes it may name, beside those that are always trusted.

    Raises:
        ValueError: where it is damaged, of a newer version, or names what is not trusted.
    """
    try:
        cfg = OmegaConf.load(folder.config)
        found = lacking(cfg)
    except Exception as error:  # whatever YAML's reader stumbles over
        cfg, found = OmegaConf.create([]), str(error).splitlines()[0]
    if found or not isinstance(cfg, DictConfig):
        fix = "another run, or the file as the run wrote it"
        raise problem(str(folder.config), "must be a run's configuration", found, fix)
    check_version(folder)
    check_foreign(cfg, trust, str(folder.config))
    add_later_options(cfg)
    return cfg


def lacking(cfg: Any) -> str:
    """What a run's configuration has and this one has not, in words; empty: it has everything."""
    if not isinstance(cfg, DictConfig):
        return "something else"
    gone = [part for part in PARTS if not isinstance(cfg._get_node(part), DictConfig)]
    gone += [] if "seed" in cfg else ["seed"]
    gone += [f"tasks.{name}" for name in no_mappings(cfg._get_node("tasks"))]
    return f"no {', '.join(gone)} in it" if gone else ""


def no_mappings(node: Any) -> list[str]:
    """The keys of a mapping whose values are none themselves."""
    keys = node if isinstance(node, DictConfig) else ()
    return [str(key) for key in keys if not isinstance(node._get_node(key), DictConfig)]


def check_version(folder: RunFolder) -> None:
    """Refuses a run of a newer version, whose files may say what this one does not know."""
    made_by = str(mapping(read_summary(folder).get("versions")).get("mtl-cli", ""))
    if version_numbers(made_by)[:KEPT] > version_numbers(__version__)[:KEPT]:
        rule = f"must be a run of this version ({__version__}) or an older one"
        fix = f"pip install 'mtl-cli>={made_by}'"
        raise problem(str(folder.path), rule, f"a run of version {made_by}", fix)


def read_summary(folder: RunFolder) -> dict[str, Any]:
    """The summary of a run; empty where there is none, or a damaged one."""
    try:
        return mapping(folder.read_summary())
    except ValueError:  # nothing depends on it
        return {}
