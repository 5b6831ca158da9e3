"""Batch norm in several processes, each of which sees a part of every batch.

Statistics of a part are not those of the batch, so that the number of processes would change a run
without a word: what is wanted has to be said.
"""

from __future__ import annotations

import torch
from torch import nn

from mtl_cli.basis import ranks
from mtl_cli.basis.errors import problem
from mtl_cli.model.model import Model

LOCAL, SYNC = "local", "sync"
CHOICES = (LOCAL, SYNC)


def for_processes(model: Model, wanted: str | None, device: torch.device) -> Model:
    """The model with batch norms as wanted, where there are several processes.

    Args:
        model: with or without any.
        wanted: ``local``: each process has its own statistics in training, and their mean is kept
            after each epoch; ``sync``: those of the whole batch, on CUDA.
        device: of the model.

    Raises:
        ValueError: where nothing is said and the model has some, or the device cannot do it.
    """
    norms = [name for name, module in model.named_modules() if has_statistics(module)]
    if ranks.size() == 1 or not norms or wanted == LOCAL:
        return model
    if wanted is None:
        rule = "must say whose statistics batch norm takes, where several processes train"
        found = f"{len(norms)} layers of it ({norms[0]}, ...)"
        fix = "trainer.batch_norm=local, trainer.batch_norm=sync on CUDA, or an encoder without it"
        raise problem("trainer.batch_norm", rule, found, fix)
    if device.type != "cuda":
        fix = "trainer.batch_norm=local"
        raise problem("trainer.batch_norm=sync", "needs CUDA", f"device={device}", fix)
    synced = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    left = [name for name in norms if not isinstance(synced.get_submodule(name), nn.SyncBatchNorm)]
    if left:
        rule = "needs layers of torch's own"
        raise problem("trainer.batch_norm=sync", rule, left[0], "trainer.batch_norm=local")
    return synced


def has_statistics(module: nn.Module) -> bool:
    """Whether a module keeps running statistics of what it sees, as batch norms do."""
    kept = module._buffers.get("running_mean")
    return kept is not None and kept.numel() > 0


@torch.no_grad()
def average_statistics(model: nn.Module) -> None:
    """Gives all processes the mean of what each has kept of its own batches."""
    if ranks.size() == 1:
        return
    norms = [module for module in model.modules() if has_statistics(module)]
    kept = [getattr(norm, name) for norm in norms for name in ("running_mean", "running_var")]
    if kept:
        ranks.add_up(kept)
        torch._foreach_div_(kept, ranks.size())
