"""Configurations from somebody else: what they may name, checked before anything is imported.

Importing a module already runs it, so a class is looked at by its name first. Only then does its
slot see whether it is a class of the right kind (`slots`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mtl_cli.basis.errors import Problem, problem
from mtl_cli.trust.trusted import TRUSTED, is_package, trusted_packages

COMPUTED = ("classification", "regression", "nominal", "aggregation")


def check_foreign(values: Any, trust: Any) -> None:
    """Refuses a target of a package that is not trusted, wherever it stands.

    Args:
        values: the configuration, as plain data.
        trust: packages that the command line trusts.
    """
    trusted = trusted_packages(trust)
    for path, target in targets(values):
        check_package(path, target, trusted)


def check_package(path: str, target: Any, trusted: Collection[str]) -> None:
    """Refuses a target of a package that is not trusted, before anything imports it."""
    package, known = package_of(target), [*TRUSTED, *trusted]
    if package not in known:
        rule = f"must be of a package that is trusted: {', '.join(known)}"
        fix = f"'trust=[{package or '<package>'}]', where you trust who wrote it"
        raise problem(path, rule, f"{target}, which was not imported", fix)
    if package == "torchmetrics" and package not in trusted:
        check_metric(path, str(target))


def check_metric(path: str, target: str) -> None:
    """Refuses metrics that download weights or read files of their own, as those of images do."""
    import torchmetrics

    _, _, name = target.partition(".")
    where = name if "." in name else getattr(getattr(torchmetrics, name, None), "__module__", "")
    if where.removeprefix("torchmetrics.").partition(".")[0] not in COMPUTED:
        rule = f"must be one of torchmetrics' {', '.join(COMPUTED)}, which ask no network"
        fix = "'trust=[torchmetrics]', where you trust who wrote it"
        raise problem(path, rule, f"{target}, which was not made", fix)


def packages(cfg: DictConfig) -> set[str]:
    """The packages of all classes that a configuration names."""
    found = {package_of(target) for _, target in targets(OmegaConf.to_container(cfg))}
    return {name for name in found if is_package(name)}


def strangers(cfg: DictConfig) -> list[str]:
    """The packages of a configuration that are trusted only where a command line says so."""
    found, trusted = set(), trusted_packages()
    for path, target in targets(OmegaConf.to_container(cfg)):
        try:
            check_package(path, target, trusted)
        except Problem:
            found.add(package_of(target))
    return sorted(found)


def targets(values: Any) -> Iterator[tuple[str, Any]]:
    """All targets in plain data, with their paths."""
    return ((path, v) for path, v in leaves(values) if path.rpartition(".")[2] == "_target_")


def package_of(target: Any) -> str:
    return target.partition(".")[0] if isinstance(target, str) else ""


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single value inside a node, at any depth, with its path."""
    if isinstance(node, dict | list):
        items = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in items:
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, node
