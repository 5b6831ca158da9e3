"""How often a step makes the host wait for the device: counted by CUDA where there is one.

Elsewhere the operations that would wait are counted on the CPU, while `waits` says of every tensor
that it lies on a device. Batches are made before: the loader's part is looked at by itself.
"""

import importlib.util
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from mtl_cli.basis.bag import Bag
from mtl_cli.dataset.memory.labels import Labels
from mtl_cli.training.step_part import step_parts
from mtl_cli.weighting.aggregation import Aggregation

SPEC = importlib.util.spec_from_file_location("made", Path(__file__).parent / "test_updates.py")
assert SPEC is not None
assert SPEC.loader is not None
made: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(made)

CUDA = torch.cuda.is_available()
READS = ("_local_scalar_dense", "nonzero", "masked_select", "equal", "is_nonzero", "unique")
# What each kind of weighting may wait for, and why. An aggregation: its K x K solve on the host,
# or the lengths of its rows, which must be finite. A loss weighting: nothing.
ALLOWED = {"aggregation": 1, "loss": 0}
EXCEPTIONS = {"gls": 1}  # TorchJD's geometric mean looks itself whether its losses are above zero
# More than that: gradients that nearly depend on each other are multiplied again in double.
TWICE = 2


class Reads(TorchDispatchMode):
    """Notes where numbers are read from tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def note(self, what: str) -> None:
        frames = traceback.extract_stack()
        if any("/torch/optim/" in frame.filename for frame in frames):  # steps counted on the host
            return
        own = [f for f in frames if "/mtl_cli/" in f.filename]
        self.places.append(f"{what} at {own[-1].filename}:{own[-1].lineno}" if own else what)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in READS:
            self.note(name)
        if name in ("index", "index_put", "index_put_") and any(
            isinstance(i, Tensor) and i.dtype is torch.bool for i in args[1]
        ):
            self.note("mask")
        if name == "repeat_interleave" and (kwargs or {}).get("output_size") is None:
            self.note(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def on_cpu(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    reads = Reads()

    def watched(method: Callable[..., Any], name: str) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            reads.note(name)
            return method(*args)

        return call

    with monkeypatch.context() as patch, reads:
        for module in ("training.step_log", "weighting.base"):
            patch.setattr(f"mtl_cli.{module}.waits", lambda x: True)
        for name in ("cpu", "tolist"):
            patch.setattr(Tensor, name, watched(getattr(Tensor, name), name))
        yield reads.places


@contextmanager
def on_cuda() -> Iterator[list[str]]:
    places: list[str] = []
    torch.cuda.synchronize()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield places
        finally:
            torch.cuda.set_sync_debug_mode("default")
    called = [w for w in said if str(w.message).startswith("called a synchronizing")]
    # Torch's own mean of a smoothed cross-entropy with class weights picks its labels by a mask.
    ours = [w for w in called if not w.filename.endswith("/torch/nn/functional.py")]
    places += [f"{w.filename}:{w.lineno}" for w in ours]


def batch_of(kind: str) -> Any:
    """A batch whose labels were counted when its order was drawn, as a loader's are."""
    batch = made.make_batch()
    weights = batch.weights if kind == "row weights" else {}
    targets = batch.targets
    if kind == "complete":
        targets = {t: torch.where(y == -1, 0, y).nan_to_num(0.5).to(y) for t, y in targets.items()}
    labels = Labels(targets, weights)
    (numbers,) = labels.of_batches(None, [0, made.ROWS]) or [{}]
    return type(batch)(batch.inputs, targets, labels.complete, weights, numbers)


def moved(batch: Any, device: str) -> Any:
    def each(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        return {name: x.to(device) for name, x in tensors.items()}

    inputs, targets, weights = map(each, (batch.inputs, batch.targets, batch.weights))
    return type(batch)(inputs, targets, batch.complete, weights, batch.labels)


@pytest.mark.parametrize("kind", ["complete", "missing labels", "row weights"])
def test_a_step_waits_no_more_than_its_weighting_has_to(request, weighting, kind, monkeypatch):
    updates = made.make_updates(weighting)
    batch = batch_of(kind)
    device = "cuda" if CUDA else "cpu"
    if CUDA:
        updates = made.make_updates(weighting, torch.device(device))
        batch = moved(batch, device)
    for _ in range(2):
        updates.take([batch], list(made.READS), 1)
    with on_cuda() if CUDA else on_cpu(monkeypatch) as places:
        updates.take([batch], list(made.READS), 1)
    (learner,) = updates.learners
    aggregates = isinstance(learner.weighting, Aggregation)
    name = request.node.callspec.params["weighting"]
    allowed = EXCEPTIONS.get(name, ALLOWED["aggregation" if aggregates else "loss"])
    if any("gramian.py" in place for place in places):
        allowed = TWICE
    assert len(places) <= allowed, places
    if aggregates:
        assert places  # the count counts
    updates.collect_losses()


@pytest.mark.parametrize("kind", ["complete", "missing labels", "row weights"])
def test_labels_counted_before_say_what_looking_at_them_says(kind):
    batch = batch_of(kind)
    tasks = made.make_updates(made.Fixed).model.tasks
    unknown = type(batch)(batch.inputs, batch.targets, batch.complete, batch.weights)
    (part,), (looked,) = (step_parts([b], tasks, made.CPU) for b in (batch, unknown))
    assert {t: float(d) for t, d in part.denominators.items()} == {
        t: float(d) for t, d in looked.denominators.items()
    }
    output = torch.randn(made.ROWS, 2, generator=torch.Generator().manual_seed(1))
    for name in ("own mean", "signs"):
        weights = batch.weights.get(name)
        args = output, batch.targets[name], name in batch.complete, weights
        known = tasks[name].mean_loss(*args, batch.labels.get(name))
        assert torch.equal(known, tasks[name].mean_loss(*args))


def test_a_part_of_a_bag_says_its_size_beforehand():
    bag = Bag(torch.arange(12), torch.tensor([0, 2, 2, 7, 12]), torch.rand(12))
    reads = Reads()
    order = torch.tensor([3, 0, 2])
    with reads:
        part = bag[order][0:2]
    assert not [place for place in reads.places if "repeat_interleave" in place]
    assert part.indices.tolist() == [7, 8, 9, 10, 11, 0, 1]
    assert torch.equal(part.bounds, part.offsets)


def test_of_rows_in_parts_the_labels_are_counted():
    targets = {"y": torch.tensor([0.0, torch.nan, torch.nan, 1.0, 1.0])}
    targets["z"] = torch.tensor([[1, -1], [-1, -1], [2, 3], [0, 0], [1, 1]])
    targets["all"] = torch.ones(5)
    weights = {"y": torch.tensor([0.0, 1.0, 1.0, 1.0, 0.0]), "all": torch.tensor([0, 0, 1.0, 1, 1])}
    labels = Labels(targets, weights)
    assert labels.complete == {"all"}
    assert labels.of_batches(torch.tensor([0, 1, 2, 3, 4]), [0, 2, 4, 5]) == [
        {"y": 0, "z": 1, "all": 0},
        {"y": 1, "z": 4, "all": 2},
        {"y": 0, "z": 2, "all": 1},
    ]
