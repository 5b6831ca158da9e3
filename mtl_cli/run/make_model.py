"""From a config to a model: its encoder, its architecture, its tasks' heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from hydra.utils import get_class
from omegaconf import DictConfig
from torch.optim import Optimizer

from mtl_cli.arch.base import Architecture
from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.errors import problem
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.embedding.base import Embedding
from mtl_cli.encoder.base import Encoder
from mtl_cli.model.embedded import EmbeddedInputs, has_rows, with_embedding
from mtl_cli.model.model import Model
from mtl_cli.task.base import Task
from mtl_cli.task.derived import Derived
from mtl_cli.trust.slots import make

OPTIMIZER = "optimizer"  # an option of an embedding that is the training's
CACHE = "cache"  # an option of an encoder: whether what it gives is kept


def tables_optimizer(cfg: DictConfig) -> Callable[..., Optimizer] | None:
    """Makes the optimizer of an embedding's tables, where they have one of their own."""
    options = cfg.get("embedding") or {}
    if options.get(OPTIMIZER) is None or options.get("width", 0) is None:
        return None
    return make(cfg, f"embedding.{OPTIMIZER}", Optimizer, "row_optimizer")


def make_model(
    cfg: DictConfig,
    tasks: list[Task],
    inputs: Mapping[str, InputSpec],
    has_weights: bool,
    noted: Callable[[MakeEncoder], MakeEncoder] = lambda make_encoder: make_encoder,
) -> Model:
    """The model of the config on those of the inputs that a task reads.

    Args:
        cfg: the whole config.
        tasks: of the model.
        inputs: ``{input name: its spec}``.
        has_weights: whether a checkpoint will replace the first weights; none are fetched then.
        noted: what watches the encoders that are made.
    """
    make_encoder = make(cfg, "encoder", Encoder)
    kind = cast(type[Encoder], get_class(cfg.encoder._target_))
    if has_weights:
        make_encoder.values = kind.to_be_loaded(make_encoder.values)
    make_arch = make(cfg, "arch", Architecture)
    reads = {task.name: task.input for task in tasks if not isinstance(task, Derived)}
    read = {name: spec for name, spec in inputs.items() if name in reads.values()}
    embedded, encoders = None, noted(cast(MakeEncoder, make_encoder))
    if cfg.get("embedding") is not None:
        if cfg.embedding.get("width") is not None and not has_rows(read):
            kinds = ", ".join(spec.kind for spec in read.values())
            rule = "needs an input of rows with categories, as dataset=table has"
            raise problem("embedding.width", rule, kinds, "embedding.width=null")
        make_embedding = make(cfg, "embedding", Embedding, leave_out=(OPTIMIZER,))
        if cast(type[Architecture], get_class(cfg.arch._target_)).apart:
            encoders = with_embedding(encoders, make_embedding)
        else:
            embedded = EmbeddedInputs(make_embedding, read)
            read = embedded.gives
    arch = make_arch(make_encoder=encoders, inputs=read, tasks=reads)
    return Model(arch, tasks, kind.maps_by, embedded)


def keep_encoder(cfg: DictConfig) -> None:
    """Writes into the config what its encoder only points to, so that the run's folder has it."""
    made = make(cfg, "encoder", Encoder)
    cfg.encoder.update(made.kind.kept(made.values))
