"""What the tests share: examples of every kind of input, and models made from the parts' YAML.

Parts are found by the files in ``conf/`` and kinds of input by the subclasses of `InputSpec`, so a
new one is tested by being there. Tests get at all of it through the fixtures at the end.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import MISSING, dataclass, fields
from functools import cache, cached_property, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from hydra.utils import get_class, instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from mtl_cli.arch.trunk import Trunk
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.inputs import BagOfWords, Dense, InputSpec
from mtl_cli.command_line.dense import OF_MAPS
from mtl_cli.encoder.base import Encoder
from mtl_cli.head.fpn import FPN
from mtl_cli.head.linear import Linear
from mtl_cli.model.model import Model
from mtl_cli.task.base import Parts, Task
from mtl_cli.task.binary import Binary
from mtl_cli.task.depth import Depth
from mtl_cli.task.multiclass import Multiclass
from mtl_cli.task.regression import Regression
from mtl_cli.task.segmentation import Segmentation
from mtl_cli.training import runtime
from mtl_cli.weighting.base import Weighting

CONF = Path(__file__).parent.parent / "conf"

# The options that decide how large a part is, by name, and what is quick to compute: the whole
# list where the option is one, its first number where the option is a number.
SMALL = {
    "hidden": [6, 5],
    "channels": [3, 4],
    "kernel_size": [3],
    "out_features": [6],
    "embedding_dim": [6],
    "dim": [8],
    "depths": [[1, 1, 1, 1]],
    "num_heads": [2],
    "num_layers": [1],
    "num_experts": [2],
    "num_shared_experts": [1],
    "num_groups": [2],
    "options": [  # of timm's ConvNeXt
        {"depths": [1, 1, 1, 1], "dims": [4, 4, 6, 6], "patch_size": 1}
    ],
    "parts": {
        name: {
            "_target_": "mtl_cli.encoder.mlp.MLP",
            "_partial_": True,
            "hidden": hidden,
            "activation": "relu",
            "dropout": 0.0,
        }
        for name, hidden in {"a.b": [6, 5], "text": [6, 5]}.items()
    },
    "config": [
        {
            "model_type": "bert",
            "vocab_size": 12,
            "hidden_size": 6,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 4,
            "max_position_embeddings": 12,
            "hidden_dropout_prob": 0.0,
            "attention_probs_dropout_prob": 0.0,
        }
    ],
}

# Each task's input, under names that ``nn.ModuleDict`` refuses.
ARRANGEMENTS = {
    "one input": {"digit": "image", "a.b": "image", "type": "image"},
    "one input per task": {"digit": "image", "a.b": "left.right", "type": "keys"},
    "three tasks on two inputs": {"digit": "image", "a.b": "keys", "type": "image"},
}
# Two tasks of maps, whose heads read several stages, beside one with a label an example.
MAPS = "maps of one input"
MAP_READS = {"digit": "image", "a.b": "image", "type": "image"}
MAP_SIZE = (7, 9)


def choices(group: str) -> list[str]:
    """The names of a group's YAMLs."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


@cache
def read_yaml(group: str, name: str) -> dict[str, Any]:
    """The values of a part's YAML, as they are in the whole configuration."""
    config = OmegaConf.load(CONF / "train.yaml")
    config[group] = OmegaConf.load(CONF / group / f"{name}.yaml")
    values = OmegaConf.to_container(config[group], resolve=True)
    assert isinstance(values, dict)
    values.pop("defaults", None)
    return values


def make_part(group: str, name: str, maps: bool = False) -> Callable[..., Any]:
    """A part's class with its YAML's values, made small; to be called with the live objects.

    With ``maps``, an encoder whose features are maps.
    """
    values = dict(read_yaml(group, name))
    of_maps = values.pop(OF_MAPS, {})
    if group == "arch":
        values.pop("model", None)  # given as a live one
    for key in SMALL.keys() & values.keys():
        values[key] = SMALL[key] if isinstance(values[key], list | dict) else SMALL[key][0]
    if maps:
        values |= {option: value for option, (_, value) in of_maps.items()}
    return instantiate(values, _partial_=True, _convert_="all")


small_part = cache(make_part)  # for classes without parts of their own, which would be shared


def make_encoder(name: str, maps: bool = False) -> Callable[[InputSpec], Encoder]:
    """Makes an encoder that is quick to compute; where no option makes it so, by fewer channels."""

    def make(spec: InputSpec) -> Encoder:
        model = prototype(name, spec, maps)
        if model is None:
            return small_part("encoder", name, maps)(spec)
        encoder = deepcopy(model).to(torch.get_default_dtype())
        for layer in encoder.modules():
            if isinstance(layer, nn.Conv2d | nn.BatchNorm2d | nn.Linear):
                layer.reset_parameters()
        return encoder

    return make


@cache
def prototype(name: str, spec: InputSpec, maps: bool) -> Encoder | None:
    """A large encoder with one block where it repeats them, and a sixteenth of the channels."""

    def fewer(size: int) -> int:
        return size // 16 if size >= 64 else size

    with torch.random.fork_rng(devices=[]):  # it is made once, so it must not count as drawing
        encoder = small_part("encoder", name, maps)(spec)
        if sum(p.numel() for p in encoder.parameters()) < 1_000_000:
            return None
        for module in list(encoder.modules()):
            if isinstance(module, nn.Sequential) and len(set(map(type, module))) == 1:
                del module[1:]
            for key, layer in module.named_children():
                if isinstance(layer, nn.Conv2d):
                    sizes = fewer(layer.in_channels), fewer(layer.out_channels), layer.kernel_size
                    places = layer.stride, layer.padding, layer.dilation, fewer(layer.groups)
                    narrow = nn.Conv2d(*sizes, *places, bias=layer.bias is not None)
                    setattr(module, key, narrow)
                elif isinstance(layer, nn.BatchNorm2d):
                    setattr(module, key, nn.BatchNorm2d(fewer(layer.num_features)))
    encoder.shapes = [(fewer(size), *rest) for size, *rest in encoder.shapes]
    return encoder


@cache
def has_part(encoder: str, spec: InputSpec, kind: type[nn.Module], maps: bool) -> bool:
    """Whether an encoder has a module of a kind after what reads the input."""
    with torch.random.fork_rng(devices=[]):
        made = make_encoder(encoder, maps)(spec)
    first = 0 if isinstance(spec.example(2), Tensor) else 1
    return any(isinstance(part, kind) for own in made.stages[first:] for part in own.modules())


def kinds_of_input() -> list[type[InputSpec]]:
    """All kinds of input that there are."""
    todo, found = [InputSpec], []
    while todo:
        kind = todo.pop(0)
        todo += kind.__subclasses__()
        found += [] if kind.__abstractmethods__ else [kind]
    return found


def example_spec(kind: type[InputSpec], other: bool = False) -> InputSpec:
    """A small spec of a kind; or another one, which needs another first stage."""
    parts = (("a.b", Dense((4,))), ("text", BagOfWords(9)))
    sizes: dict[str, Any] = {"int": 9, "tuple[int, ...]": (2, 12, 12)}  # by the fields' types
    sizes["tuple[tuple[str, InputSpec], ...]"] = parts
    needed = [own for own in fields(kind) if own.default is MISSING]  # type: ignore[arg-type]
    first, *rest = (sizes[str(field.type)] for field in needed)
    if other and first is parts:
        first = (("a.b", Dense((3,))), parts[1])
    elif other:
        first = first + 1 if isinstance(first, int) else (first[0] + 1, *first[1:])
    return kind(first, *rest)


def encoders_and_kinds() -> list[tuple[str, type[InputSpec]]]:
    """Every encoder with every kind of input that it reads."""
    found = []
    for name in choices("encoder"):
        own = get_class(read_yaml("encoder", name)["_target_"])
        reads = own.reads
        if own.needs is not None and find_spec(own.needs) is None:
            continue
        found += [(name, kind) for kind in kinds_of_input() if issubclass(kind, reads)]
    return found


def encoders_of_maps() -> list[tuple[str, type[InputSpec]]]:
    """Those of them that can give maps after every stage."""
    own = [cell for cell in encoders_and_kinds() if OF_MAPS in read_yaml("encoder", cell[0])]
    return [(name, kind) for name, kind in own if kind is Dense]


def can_share_a_stage(first: Encoder, second: Encoder) -> bool:
    """Whether some stage after the first reads and gives the same shapes in both encoders."""
    steps = [list(zip(e.shapes, e.shapes[1:], strict=False)) for e in (first, second)]
    return any(a == b for a, b in zip(*steps, strict=True))


def seed_torch(seed: int) -> None:
    """``torch.manual_seed`` without its round of all devices, which takes longer than a test."""
    torch.default_generator.manual_seed(seed)


def make_tasks(reads: Mapping[str, str]) -> list[Task]:
    """A regression, a multiclass and a binary task, in turn."""
    tasks: list[Task] = []
    for k, (name, input) in enumerate(reads.items()):
        mse, ce, bce = (
            Parts(name, input, Linear, loss, {}, {}, 1.0)
            for loss in (nn.MSELoss(), nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss())
        )
        tasks.append(
            (
                Regression(mse, num_outputs=1, standardize=False),
                Multiclass(ce, num_classes=3),
                Binary(bce),
            )[k % 3]
        )
    return tasks


def make_map_tasks(reads: Mapping[str, str]) -> list[Task]:
    """Depth, segmentation and a binary task."""
    head = {"align_corners": False, "channels": 4}
    every, ends = (partial(FPN, stages=stages, **head) for stages in ("all", [0, -1]))
    losses = (nn.L1Loss(), nn.CrossEntropyLoss(), nn.BCEWithLogitsLoss())
    each = zip(reads.items(), losses, strict=True)
    heads = (every, ends, Linear)
    depth, segmentation, binary = (
        Parts(*task, head, loss, {}, {}, 1.0)
        for (task, loss), head in zip(each, heads, strict=True)
    )
    return [
        Depth(depth, MAP_SIZE, "pixels", standardize=False),
        Segmentation(segmentation, 3, MAP_SIZE, "pixels"),
        Binary(binary),
    ]


def make_batch(
    inputs: Mapping[str, InputSpec], tasks: list[Task], batch_size: int, seed: int = 0
) -> Batch:
    """Examples with labels of every class, none missing."""
    seed_torch(seed)
    targets = {}
    for task in tasks:
        if task.size is not None:
            labels = 3 * torch.rand_like(task.example_target(batch_size), dtype=torch.float64)
            targets[task.name] = labels.long() if task.of_classes else labels
            continue
        labels = torch.arange(batch_size) % max(task.out_features, 2)
        targets[task.name] = labels if isinstance(task, Multiclass) else labels * 1.0
    return Batch({name: spec.example(batch_size) for name, spec in inputs.items()}, targets)


def losses_of(model: Model, batch: Batch) -> dict[str, Tensor]:
    """The loss of each task that has a label, as the trainer computes it."""
    losses = {}
    for task, output in model(batch.inputs).items():
        loss, count = model.tasks[task].loss(output, batch.targets[task])
        if count:
            losses[task] = loss
    return losses


class OwnModule(nn.Module):
    """What a user may have: a trunk and a layer for each task, called as `arch=module` calls it."""

    def __init__(
        self,
        make_encoder: Callable[[InputSpec], Encoder],
        inputs: Mapping[str, InputSpec],
        tasks: Mapping[str, str],
    ) -> None:
        super().__init__()
        self.inputs, self.tasks = list(inputs), dict(tasks)
        self.trunk = Trunk(make_encoder, inputs)
        sizes = [math.prod(self.trunk.out_shapes[name]) for name in tasks.values()]
        self.last = nn.ModuleList(nn.Linear(size, 4) for size in sizes)

    def forward(self, x: Any) -> dict[str, Tensor]:
        given = {self.inputs[0]: x} if len(self.inputs) == 1 else x
        features = {name: self.trunk(own, name).flatten(1) for name, own in given.items()}
        each = zip(self.tasks.items(), self.last, strict=True)
        return {task: last(features[n]) for (task, n), last in each if n in features}


@dataclass(eq=False)
class Case:
    """An architecture on an encoder, with a kind of input, and which task reads which input."""

    arch: str
    encoder: str
    kind: type[InputSpec]
    arrangement: str

    @property
    def reads(self) -> dict[str, str]:
        return MAP_READS if self.of_maps else ARRANGEMENTS[self.arrangement]

    @property
    def of_maps(self) -> bool:
        return self.arrangement == MAPS

    def tasks(self) -> list[Task]:
        return make_map_tasks(self.reads) if self.of_maps else make_tasks(self.reads)

    def spec(self, other: bool = False) -> InputSpec:
        """An input's spec; or another one, which needs another first stage."""
        return example_spec(self.kind, other)

    @property
    def is_refused(self) -> bool:
        """Whether the architecture needs parts that this encoder has not."""
        needed = get_class(read_yaml("arch", self.arch)["_target_"]).adapts
        return needed is not None and not has_part(self.encoder, self.spec(), needed, self.of_maps)

    @property
    def brings_a_module(self) -> bool:
        """Whether the architecture is a torch module of the user's own."""
        return "model" in read_yaml("arch", self.arch)

    @cached_property
    def can_share_a_stage(self) -> bool:
        """Whether inputs of different specs can share a stage of the encoder."""
        make = make_encoder(self.encoder)
        return can_share_a_stage(make(self.spec()), make(self.spec(other=True)))

    @cached_property
    def inputs(self) -> dict[str, InputSpec]:
        """Inputs of equal spec; two inputs have different ones, where those can share a stage."""
        specs = dict.fromkeys(self.reads.values(), self.spec())
        if len(specs) == 2 and self.can_share_a_stage:
            specs[list(specs)[1]] = self.spec(other=True)
        return specs

    def model(self, seed: int = 0, inputs: Mapping[str, InputSpec] | None = None) -> Model:
        inputs = inputs or self.inputs
        seed_torch(seed)
        make = make_encoder(self.encoder, self.of_maps)
        live: dict[str, Any] = {"make_encoder": make, "inputs": inputs}
        live |= {"tasks": self.reads}
        if self.brings_a_module:
            live |= {"model": OwnModule(**live)}
        arch = small_part("arch", self.arch)(**live)
        arch.progress(0.0)
        return Model(arch, self.tasks())

    def batch(self, batch_size: int, seed: int = 0) -> Batch:
        return make_batch(self.inputs, self.tasks(), batch_size, seed)

    def __str__(self) -> str:
        return f"{self.arch}-{self.encoder}-{self.kind.kind}-{self.arrangement}".replace(" ", "_")


EVERY_CASE = [
    Case(arch, encoder, kind, arrangement)
    for arch in choices("arch")
    for encoder, kind in encoders_and_kinds()
    for arrangement in ARRANGEMENTS
] + [
    Case(arch, encoder, kind, MAPS)
    for arch in choices("arch")
    for encoder, kind in encoders_of_maps()
    if "model" not in read_yaml("arch", arch)
]

CASES = [case for case in EVERY_CASE if not case.is_refused]

runtime.ALL_THREADS = 1
torch.set_num_threads(1)  # nothing here is large enough to be split; the second thread only waits


@pytest.fixture(scope="module", params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> Case:
    """Every architecture on every encoder, kind of input and arrangement, in turn."""
    return request.param


@pytest.fixture(params=[case for case in CASES if len(set(case.reads.values())) == 2], ids=str)
def pair(request: pytest.FixtureRequest) -> Case:
    """The cases with two inputs."""
    return request.param


@pytest.fixture(
    params=[
        case
        for case in CASES
        if (case.encoder, case.kind) == ("mlp", Dense)
        and case.arrangement != "three tasks on two inputs"
    ],
    ids=lambda case: f"{case.arch}-{case.arrangement}",
)
def mlp_case(request: pytest.FixtureRequest) -> Case:
    """Every architecture, with one input and with one for each task."""
    return request.param


WEIGHTINGS = choices("weighting")


@cache
def weighting_part(name: str, dtype: torch.dtype) -> Callable[..., Weighting]:
    """A weighting's class with its values, read once; numbers among these are of a type."""
    assert dtype is torch.get_default_dtype()
    return make_part("weighting", name)


@pytest.fixture(params=WEIGHTINGS)
def weighting(request: pytest.FixtureRequest) -> Callable[..., Weighting]:
    """Every weighting in turn; called with the names of the tasks, it makes a new one."""

    def make(tasks: list[str]) -> Weighting:
        part = weighting_part(request.param, torch.get_default_dtype())
        made: Weighting = deepcopy(part)(tasks=tasks)  # its own parts of parts
        return made

    return make


@pytest.fixture(scope="session")
def refused_cases() -> list[Case]:
    return [case for case in EVERY_CASE if case.is_refused]


@pytest.fixture(scope="session", name="cases")
def all_cases() -> list[Case]:
    return CASES


@pytest.fixture(scope="session")
def weighting_names() -> list[str]:
    return WEIGHTINGS


@pytest.fixture(scope="session", name="losses_of")
def provide_losses_of() -> Callable[[Model, Batch], dict[str, Tensor]]:
    return losses_of


@pytest.fixture(scope="session", name="make_tasks")
def provide_make_tasks() -> Callable[[Mapping[str, str]], list[Task]]:
    return make_tasks


@pytest.fixture(scope="module")
def double_precision() -> Iterator[None]:
    """Computes in float64, where rounding hides nothing."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture(params=[name for name in choices("arch") if "model" not in read_yaml("arch", name)])
def staged(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Every architecture that runs an encoder stage by stage, in turn."""
    return small_part("arch", request.param)
