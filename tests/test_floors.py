"""The floors of the house: a module imports from its own floor and from lower ones only."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mtl_cli"
CONF = PACKAGE.parent / "conf"

# Every module of the package, and every folder of parts, on the floor where it lives.
FLOORS: list[set[str]] = [
    {"batch", "inputs", "seed", "run_folder", "device", "errors", "activation", "naming", "initial"}
    | {"linear_maps", "mode", "backward_graph", "yaml_file", "literal", "picture_file", "kinds"}
    | {"checkpoint", "logs", "signals", "settings", "gradient_scale", "sums"}
    | {"writing", "new_file", "memory", "one_writer", "digest"},
    {"encoder", "head", "loss", "dataset", "weighting", "scheduler", "logger"},
    {"task", "arch"},
    {"model", "last_layer"},
    {"evaluation", "step_log", "learner", "best_weights", "progress", "observer", "pictures"}
    | {"forward", "average", "records", "rates", "step_part", "updates", "selection"}
    | {"validation", "stand_in", "floor", "reference"}
    | {"predictions", "prediction_file", "new_data"},
    {"trainer"},
    {"comparison"},
    {"diagnostic"},
    {"slots", "mistakes", "trust"},
    {"build", "cli", "help", "words", "summary", "options", "run_config", "run_data"}
    | {"overrides", "baselines", "extension", "older_runs", "sweep"},
    {"session", "announce", "resume", "yardsticks", "widening", "look", "loaded_run", "loading"}
    | {"labelled_data", "rebuilt_dataset"},
    {"train", "evaluate", "predict", "diagnose", "report", "sweep_report"},
]
HYDRA_FROM = next(i for i, floor in enumerate(FLOORS) if "slots" in floor)
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
)


def floor(module: str) -> int:
    """The floor of ``encoder.mlp`` or ``build``."""
    return next(i for i, names in enumerate(FLOORS) if module.partition(".")[0] in names)


def imports(module: str, only_at_import: bool = False) -> Iterator[str]:
    """The full names of all modules that a module imports, also inside functions unless told."""
    tree = ast.parse((PACKAGE / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    nodes = list(tree.body) if only_at_import else list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(module: str, only_at_import: bool = False) -> set[str]:
    """The modules of the package among them, without its name."""
    names = {name.removeprefix("mtl_cli.") for name in imports(module, only_at_import)}
    return names & set(MODULES)


def is_part(module: str) -> bool:
    """Whether a module is a part that users choose: a YAML points at it."""
    group = module.partition(".")[0]
    targets = (path.read_text(encoding="utf-8") for path in (CONF / group).glob("*.yaml"))
    return any(f"_target_: mtl_cli.{module}." in text for text in targets)


def test_every_module_has_one_floor():
    names = {module.partition(".")[0] for module in MODULES}
    assert sum(map(len, FLOORS)) == len(set.union(*FLOORS))
    assert names <= set.union(*FLOORS)
    assert len(MODULES) >= 60


@pytest.mark.parametrize("module", MODULES)
def test_no_module_imports_upwards(module):
    upwards = {name for name in own_imports(module) if floor(name) > floor(module)}
    assert upwards == set()


@pytest.mark.parametrize("module", [module for module in MODULES if "." in module])
def test_folders_of_one_floor_do_not_import_each_other(module):
    folder = module.partition(".")[0]
    others = {
        name
        for name in own_imports(module)
        if "." in name and floor(name) == floor(module) and name.partition(".")[0] != folder
    }
    assert others == set()


@pytest.mark.parametrize("module", [module for module in MODULES if "." in module])
def test_parts_do_not_import_their_siblings(module):
    """Only ``base.py`` and the shared pieces, which no YAML points at, are for all in a folder."""
    folder = module.partition(".")[0]
    siblings = {name for name in own_imports(module) if name.startswith(f"{folder}.")}
    assert {name for name in siblings if is_part(name)} == set()


def test_no_import_goes_in_a_circle():
    below: dict[str, set[str]] = {module: own_imports(module) for module in MODULES}
    while leaves := [module for module, needs in below.items() if not needs]:
        for leaf in leaves:
            del below[leaf]
        for needs in below.values():
            needs.difference_update(leaves)
    assert below == {}


@pytest.mark.parametrize("module", [module for module in MODULES if floor(module) < HYDRA_FROM])
def test_nothing_below_the_commands_knows_hydra(module):
    roots = {name.partition(".")[0] for name in imports(module)}
    assert roots.isdisjoint({"hydra", "omegaconf"})


@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.startswith("comparison.")]
)
def test_comparison_never_imports_torch(module):
    needs = [module]
    for name in needs:  # grows as it goes
        needs += own_imports(name) - set(needs)
        assert "torch" not in {imported.partition(".")[0] for imported in imports(name)}, name


@pytest.mark.parametrize(
    "module", ["cli", "help", "mistakes", "train", "evaluate", "predict", "diagnose", "report"]
)
def test_help_and_completion_need_no_torch(module):
    needs = [module]
    for name in needs:  # grows as it goes
        needs += own_imports(name, only_at_import=True) - set(needs)
        roots = {imported.partition(".")[0] for imported in imports(name, only_at_import=True)}
        assert roots.isdisjoint({"torch", "torchvision", "torchmetrics", "torchjd"}), name


def test_only_slots_make_objects_of_configs():
    """And Hydra's own function nowhere, which resolves texts a second time."""
    assert not [m for m in MODULES if "hydra.utils.instantiate" in imports(m)]
    callers = {m for m in MODULES if "hydra.utils.get_object" in imports(m)}
    assert callers == {"slots"}
