"""The YAMLs: each holds every option of its class and nothing else, and every choice composes."""

import ast
import inspect
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import hydra
import pytest
from hydra.utils import get_class
from omegaconf import DictConfig, OmegaConf

from mtl_cli.dataset.base import options_of
from mtl_cli.head.dense import DenseHead
from mtl_cli.run.tasks import OF_EVERY_TASK

ROOT = Path(__file__).parent.parent
CONF, PACKAGE = ROOT / "conf", ROOT / "mtl_cli"
FILES = sorted(path for path in CONF.rglob("*.yaml"))
SPACES = [path for path in FILES if path.parents[1] == CONF / "space"]  # of searches
OTHERS = [path for path in FILES if path not in SPACES]
CHOICES = [path for path in OTHERS if path.parent != CONF and path.parent.name != "hydra"]
GROUPS = sorted({path.parent.name for path in CHOICES})

# What ``build.py`` gives to the classes of a group beside the YAML's values.
LIVE: dict[str, set[str]] = {
    "arch": {"make_encoder", "inputs", "tasks"},
    "dataset": set(),
    "diagnostic": set(),
    "embedding": {"spec"},
    "encoder": {"spec"},
    "head": {"in_shape", "out_features"},
    "logger": {"folder"},
    "loss": set(),
    "optimizer": {"params"},
    "row_optimizer": {"params"},
    "scheduler": {"optimizer", "total_steps", "steps_per_epoch"},
    "task": {"parts"},
    "trainer": set(),
    "weighting": {"tasks"},
}
LIVE_OF_MAPS = {"in_shapes", "out_features", "size"}  # what heads of maps are given


def live_of(name: str, target: str) -> set[str]:
    """What the class of a choice is given beside the YAML's values."""
    is_dense = name.startswith("head/") and issubclass(get_class(target), DenseHead)
    return LIVE_OF_MAPS if is_dense else LIVE[name.partition("/")[0]]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def part(path: Path) -> dict[str, Any] | None:
    """What a YAML says of its part, unresolved; None where it is no part."""
    node = OmegaConf.to_container(OmegaConf.load(path))
    assert isinstance(node, dict)
    if "_target_" not in node:  # a dataset stands beside its tasks
        node = node.get(path.parent.name, {})
    return node if "_target_" in node else None


def options(node: Mapping[str, Any]) -> set[str]:
    return {key for key in node if not key.startswith("_") and key != "defaults"}


def own_options(name: str, node: Mapping[str, Any]) -> set[str]:
    """Those that are its class's own arguments: what several parts have in common is one object."""
    if name.startswith("task/"):
        return options(node) - OF_EVERY_TASK
    if name.startswith("embedding/"):
        return options(node) - {"optimizer"}  # which is the training's
    if not name.startswith("dataset/"):
        return options(node)
    shared = get_class(node["_target_"]).shared
    common = {option for kind in shared.values() for option in options_of(kind)}
    assert common <= options(node)
    return (options(node) - common) | set(shared)


def parameters(target: str) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(get_class(target)).parameters)


def nested(node: Any) -> Iterator[dict[str, Any]]:
    """The parts inside a part, at any depth."""
    values = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    for value in values:
        if isinstance(value, dict) and "_target_" in value:
            yield value
        yield from nested(value)


PARTS = {name_of(path): node for path in CHOICES if (node := part(path)) is not None}
OURS = {name: node for name, node in PARTS.items() if node["_target_"].startswith("mtl_cli.")}


def test_every_yaml_is_found():
    with_target = [path for path in CHOICES if "\n_target_: " in path.read_text(encoding="utf-8")]
    datasets = list((CONF / "dataset").glob("*.yaml"))
    assert len(PARTS) == len(with_target) + len(datasets) >= 40
    assert len(OURS) >= 28
    assert {name.partition("/")[0] for name in PARTS} == set(LIVE)
    assert {"experiment", *LIVE} <= set(GROUPS)


@pytest.mark.parametrize("name", OURS)
def test_a_yaml_holds_every_option_of_its_class_and_nothing_else(name):
    node, live = OURS[name], live_of(name, OURS[name]["_target_"])
    taken = set(parameters(node["_target_"]))
    assert live <= taken
    assert own_options(name, node) | live == taken


@pytest.mark.parametrize("name", OURS)
def test_defaults_live_in_the_yaml_and_not_in_the_signature(name):
    for parameter in parameters(OURS[name]["_target_"]).values():
        assert parameter.default is inspect.Parameter.empty, parameter
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD, parameter


@pytest.mark.parametrize("name", PARTS)
def test_a_yaml_binds_to_its_constructor(name):
    node, live = PARTS[name], live_of(name, PARTS[name]["_target_"])
    own = own_options(name, node) | live
    inspect.signature(get_class(node["_target_"])).bind(**dict.fromkeys(own))
    for inner in nested(node):
        if inner["_target_"] is None:  # the user's own
            continue
        signature = inspect.signature(get_class(inner["_target_"]))
        bind = signature.bind_partial if inner.get("_partial_") else signature.bind
        bind(**dict.fromkeys(options(inner)))


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_is_given_live_objects_is_partial(name):
    node = PARTS[name]
    group = name.partition("/")[0]
    assert node.get("_partial_", False) == bool(LIVE[group] and group != "task")


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_a_yaml_says_first_what_it_is(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    first = lines[lines[0].startswith("# @package")]
    assert first.startswith("# ")
    assert len(first.split()) >= 2
    assert first.endswith((".", ":"))


@pytest.mark.parametrize("name", OURS)
def test_every_option_is_explained(name):
    """Its meaning stands beside it, or on the line above."""
    lines = (CONF / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    explained = {
        line.strip().partition(":")[0].strip('"')  # "on" is quoted: YAML has it for true
        for before, line in pairwise(lines)
        if "#" in line or before.strip().startswith("#")
    }
    parts = {key for key, value in OURS[name].items() if isinstance(value, dict)}
    assert options(OURS[name]) - parts - explained == set()


@pytest.mark.parametrize("group", [group for group in LIVE if (PACKAGE / group).is_dir()])
def test_every_part_has_a_yaml_and_every_yaml_a_part(group):
    targets = {
        name.partition("/")[2]: node["_target_"].split(".")[2]
        for name, node in OURS.items()
        if name.startswith(f"{group}/")
    }
    modules = {path.stem for path in (PACKAGE / group).glob("*.py")} - {"__init__", "base"}
    shared = set()  # pieces that others of the folder are made of
    for path in (PACKAGE / group).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                shared.add(node.module.removeprefix(f"mtl_cli.{group}."))
    assert modules - shared <= set(targets.values())
    for name, module in targets.items():
        adapts = any(True for _ in nested(OURS[f"{group}/{name}"]))  # a library's method
        assert module == name or adapts
        assert OURS[f"{group}/{name}"]["_target_"].startswith(f"mtl_cli.{group}.{module}.")


@pytest.fixture(scope="module")
def compose():
    """Composes the config of ``mtl-train`` for a command line."""
    with hydra.initialize_config_dir(str(CONF), version_base="1.3"):
        yield lambda *words: hydra.compose("train", list(words))


def words_for(path: Path) -> list[str]:
    """The command line that asks for a choice, with what it cannot do without."""
    group, name = path.parent.name, path.stem
    if group == "loss":
        return [f"loss@tasks.sin.loss={name}"]
    if group == "row_optimizer":
        return [f"row_optimizer@embedding.optimizer={name}"]
    if group == "task":
        sizes = {key: 3 for key, value in PARTS.get(name_of(path), {}).items() if value == "???"}
        return [f"task@tasks.sin={name}", *(f"tasks.sin.{k}={v}" for k, v in sizes.items())]
    return [f"{group}={name}"]


# Where a choice stands that is no group of its own.
SLOTS = {
    "loss": "tasks.sin.loss",
    "task": "tasks.sin",
    "row_optimizer": "embedding.optimizer",
}


@pytest.mark.parametrize("path", CHOICES, ids=name_of)
def test_every_choice_composes_with_the_defaults(path, compose):
    cfg = compose(*words_for(path))
    assert isinstance(cfg, DictConfig)
    OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    if (node := PARTS.get(name_of(path))) is not None:
        slot = (
            f"logger.{path.stem}" if path.parent.name == "logger" else SLOTS.get(path.parent.name)
        )
        chosen = OmegaConf.select(cfg, slot or path.parent.name)
        assert chosen._target_ == node["_target_"]
        assert options(chosen) - {"head", "loss"} == options(node)
