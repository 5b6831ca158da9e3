"""From a batch to losses: on the device, in the chosen precision, compiled or not."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from mtl_cli.basis.batch import Batch
from mtl_cli.basis.device import place
from mtl_cli.model.model import Model
from mtl_cli.training.evaluation import to_device, with_read
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.settings import Settings
from mtl_cli.training.step_part import StepPart, step_parts

DTYPES = {"32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}


class Forward:
    """The forward pass of a training step.

    In half precision the model runs under torch's autocast, which keeps sums and norms in full
    precision, and so are the losses.

    Args:
        model: on the device.
        device: where the model is.
        settings: say the precision.
        runtime: says how the model is computed.
    """

    def __init__(
        self, model: Model, device: torch.device, settings: Settings, runtime: Runtime
    ) -> None:
        self.model = model
        self.device = device
        self.dtype = DTYPES[settings.precision]
        self.runtime = runtime
        self.call = runtime.prepared(model)

    def parts(self, batches: Sequence[Batch], tasks: Collection[str]) -> list[StepPart]:
        """The batches of a step with what each counts in it."""
        return step_parts(batches, {name: self.model.tasks[name] for name in tasks}, self.device)

    def losses(self, batch: Batch, tasks: Collection[str]) -> dict[str, Tensor]:
        """The unweighted loss of each of ``tasks`` that has something to count in the batch."""
        return self.part_losses(self.parts([batch], tasks)[0], tasks)

    def step_losses(self, parts: Sequence[StepPart], tasks: Collection[str]) -> dict[str, Tensor]:
        """The losses of a step, over all its parts together."""
        if len(parts) == 1:
            return self.part_losses(parts[0], tasks)
        total: dict[str, Tensor] = {}
        for part in parts:
            for name, loss in self.part_losses(part, tasks).items():
                own = part.shares[name] * loss
                total[name] = total[name] + own if name in total else own
        return {name: total[name] for name in tasks if name in total}

    def part_losses(self, part: StepPart, tasks: Collection[str]) -> dict[str, Tensor]:
        """The losses of a part: means over its own labels."""
        batch = part.batch
        inputs = self.runtime.laid_out(to_device(batch.inputs, self.device))
        wanted = with_read(self.model.tasks, tasks)
        if self.dtype is torch.float32:
            outputs = self.call(inputs, wanted)
        else:
            with torch.autocast(self.device.type, self.dtype):
                halves = self.call(inputs, wanted)
            outputs = {name: output.float() for name, output in halves.items()}
        losses = {}
        for name, output in outputs.items():
            if name in part.denominators:
                target = place(batch.targets[name], self.device)
                complete, weights = name in batch.complete, batch.weights.get(name)
                task = self.model.tasks[name]
                labels = batch.labels.get(name)
                others = [outputs[other] for other in task.reads]
                own = task.as_trained(output)
                losses[name] = task.mean_loss(own, target, complete, weights, labels, others)
        return losses
