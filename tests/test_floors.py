"""The house: every room of the package in order, what is in it, and that imports only point down.

Read from the top: the commands stand on everything, everything stands on ``basis``. A module may
import from its own room and from rooms on lower lines.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "mtl_cli"
CONF = PACKAGE.parent / "conf"

ROOMS = {
    "": "the commands, as they are typed: mtl-train is train.py",
    "study": "several trainings as one question: baselines, a widened single-task, the report",
    "exported": "a trained run as a program that runs without this package",
    "trained": "a run's folder back as a model: predictions, and evaluation on other data",
    "run": "one run, from its configuration to its results",
    "processes": "a run in several processes: started, met, together, ended",
    "yardstick": "what results are held against: guessing, and boosted trees",
    "diagnostic": "looks at what gradients, gates and experts of a model do",
    "training": "the loop, a step, evaluation, selection, records; names no method and no dataset",
    "model": "an architecture with the heads of its tasks, and which parameters are shared",
    "dataset": "the datasets, as they are chosen",
    "dataset.texts": "sources of texts: which files, which rows, prepared and cached",
    "dataset.pictures": "pictures with labels of the whole: listed, decoded",
    "dataset.maps": "pictures and the maps of their pixels: rendered, kept and moved together",
    "dataset.memory": "examples that lie in memory, and the draws of batches from them",
    "dataset.base": "what every dataset promises",
    "dataset.readers": "new data, read as a trained model's data was read",
    "dataset.tables": "tables: their files, what each column is, which are targets",
    "dataset.types": "the types of columns that are inputs, a class in a file each",
    "dataset.augmenting": "train pictures changed by chance: one by one, and in pairs",
    "dataset.splits": "which rows train, which select and which test",
    "dataset.columns": "what stands in a column: labels, numbers, what a type of column is",
    "dataset.prepared": "pictures and maps that were decoded once, as arrays on disk",
    "dataset.vectorizers": "texts as numbers: bags of words and token ids",
    "dataset.files": "files of rows, texts and digits, whole or in chunks",
    "trust": "what a configuration may name, and the parts that are made of it",
    "command_line": "words, help, mistakes, completion; never torch",
    "webpage": "a report as one page of HTML; never torch",
    "drawing": "pictures of runs and comparisons; never torch",
    "checks": "what weakens a comparison, each check under its code; never torch",
    "comparison": "run folders side by side: Gain and verdicts; never torch",
    "arch": "architectures, and the pieces that they are made of",
    "embedding": "rows of a table as one vector, before the architecture",
    "encoder": "encoders: stages from an input to features",
    "head": "heads: from features to a task's output",
    "loss": "losses that torch has not",
    "metric": "metrics that torchmetrics has not: of maps, of rankings, and bias",
    "task": "tasks: labels, loss, metrics, predictions",
    "weighting": "from the losses of a step to its gradients",
    "scheduler": "learning rates over the steps",
    "row_optimizer": "optimizers of tables, of which a step reads few rows",
    "logger": "where figures go besides metrics.csv",
    "disk": "what a run leaves on disk: written whole, and read as data",
    "basis": "what everybody stands on: batches, inputs, errors, devices, seeds",
}
ALIKE = {
    "embedding",
    "encoder",
    "head",
    "loss",
    "metric",
    "task",
    "weighting",
    "scheduler",
    "row_optimizer",
    "logger",
}  # know not each other
HYDRA = {
    "",
    "study",
    "exported",
    "trained",
    "run",
    "processes",
    "trust",
    "command_line",
}  # the rooms that know it
NO_TORCH = {"checks", "comparison", "drawing", "webpage", "command_line"}
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py"
)


def room(module: str) -> str:
    """The room of ``encoder.mlp`` or ``train``."""
    return module if module in ROOMS else module.rpartition(".")[0]


def depth(module: str) -> int:
    """How far down the room of a module is."""
    return list(ROOMS).index(room(module))


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


def test_every_module_has_a_room_and_every_room_a_module():
    assert {room(module) for module in MODULES} == set(ROOMS)
    assert len(MODULES) >= 60


def test_the_only_loose_files_are_the_commands():
    commands = {path.stem for path in CONF.glob("*.yaml")}
    assert {module for module in MODULES if room(module) == ""} == commands


@pytest.mark.parametrize("module", MODULES)
def test_imports_only_point_down(module):
    upwards = {name for name in own_imports(module) if depth(name) < depth(module)}
    assert upwards == set()


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) in ALIKE])
def test_parts_of_different_kinds_do_not_know_each_other(module):
    others = {name for name in own_imports(module) if room(name) in ALIKE - {room(module)}}
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


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) not in HYDRA])
def test_most_rooms_do_not_know_hydra(module):
    roots = {name.partition(".")[0] for name in imports(module)}
    assert roots.isdisjoint({"hydra", "omegaconf"})


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) in NO_TORCH])
def test_some_rooms_never_import_torch(module):
    needs = [module]
    for name in needs:  # grows as it goes
        needs += own_imports(name) - set(needs)
        assert "torch" not in {imported.partition(".")[0] for imported in imports(name)}, name


@pytest.mark.parametrize("module", [module for module in MODULES if room(module) == ""])
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
    assert callers == {"trust.slots"}
