"""Whether what a frozen encoder gives may be computed once and kept in place of its input."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import problem
from mtl_cli.dataset.base import Loader
from mtl_cli.model.mode import mode
from mtl_cli.model.model import Model
from mtl_cli.run.features_loader import THING, WITHOUT, FeaturesLoader, run


def with_features(
    model: Model, loaders: Mapping[str, Loader], device: torch.device
) -> dict[str, Loader]:
    """Loaders of what the model's encoder gives of the examples of others.

    Raises:
        ValueError: where that would not be what the model reads without it in every step.
    """
    chains = {name: encoder_of(model, name) for name in model.arch.inputs}
    for name, chain in chains.items():
        check_steady(chain, model.arch.inputs[name].example(2).to(device))
    return {split: FeaturesLoader(own, chains, split) for split, own in loaders.items()}


def encoder_of(model: Model, input: str) -> nn.ModuleList:
    """The stages that every task's features of an input are of.

    Raises:
        ValueError: where there are none, they are trained, or tasks have different ones.
    """
    arch = model.arch
    chains = [nn.ModuleList(own) for own in arch.whole_encoders(input)]
    if not chains or arch.stops(arch.tasks):
        rule = "needs tasks that read the last features of whole encoders, and nothing else"
        found = "an architecture that reads the input, or an encoder's stages, itself"
        fix = f"arch=hps, or arch=single_task; or {WITHOUT}"
        if chains:
            found, fix = "a head that reads several stages", f"another head, or {WITHOUT}"
        raise problem(THING, rule, found, fix)
    first, *others = chains
    trained = sum(p.numel() for chain in chains for p in chain.parameters() if p.requires_grad)
    if trained:
        rule, found = "needs an encoder that is frozen whole", f"{trained:,} weights are trained"
        raise problem(
            THING, rule, found, f"encoder.freeze=all (of torchvision: true), or {WITHOUT}"
        )
    own = first.state_dict()
    for other in others:
        theirs = other.state_dict()
        if any(not torch.equal(value, theirs[name]) for name, value in own.items()):
            rule = "needs encoders of the same weights"
            found = "some of a task's own, drawn at random"
            raise problem(THING, rule, found, f"arch=hps, a pretrained encoder, or {WITHOUT}")
    return first


def check_steady(chain: nn.ModuleList, x: Examples) -> None:
    """Refuses an encoder that gives something else while it is trained."""
    kept = {name: value.clone() for name, value in chain.named_buffers()}
    with torch.random.fork_rng(), torch.no_grad():
        with mode(chain, training=True):
            trained = run(chain, x)
        for name, value in chain.named_buffers():
            value.copy_(kept[name])
        with mode(chain, training=False):
            used = run(chain, x)
    if not torch.allclose(trained, used, rtol=1e-3, atol=1e-4 * float(used.abs().max())):
        rule = "needs an encoder that gives the same in training as in use"
        found = "one that draws by chance there (dropout), or has a batch norm"
        raise problem(THING, rule, found, f"its dropout at 0, or {WITHOUT}")
