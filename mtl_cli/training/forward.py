"""From a batch to losses: on the device, in the chosen precision, compiled or not."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from mtl_cli.basis import ranks
from mtl_cli.basis.batch import Batch
from mtl_cli.basis.device import place
from mtl_cli.basis.gradient_scale import WithValue, scale_gradient
from mtl_cli.model.model import Model
from mtl_cli.training.ending import Ending
from mtl_cli.training.evaluation import to_device, with_read
from mtl_cli.training.runtime import Runtime
from mtl_cli.training.settings import Settings
from mtl_cli.training.step_part import StepPart, step_parts

DTYPES = {"64": torch.float64, "32": torch.float32, "bf16": torch.bfloat16, "16": torch.float16}


class Forward:
    """The forward pass of a training step.

    In half precision the model runs under torch's autocast, which keeps sums and norms in full
    precision, and so are the losses.

    Args:
        model: on the device.
        device: where the model is.
        settings: say the precision.
        runtime: says how the model is computed.
        ending: of which the processes tell each other.
    """

    def __init__(
        self,
        model: Model,
        device: torch.device,
        settings: Settings,
        runtime: Runtime,
        ending: Ending | None = None,
    ) -> None:
        self.model = model
        self.device = device
        self.dtype = DTYPES[settings.precision]
        self.runtime = runtime
        self.ending = ending
        self.call = runtime.prepared(model)

    def parts(self, batches: Sequence[Batch], tasks: Collection[str]) -> list[StepPart]:
        """The batches of a step with what each counts in it."""
        own = {name: self.model.tasks[name] for name in tasks}
        return step_parts(batches, own, self.device, self.ending)

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
        """The losses of a part: means over its own labels, in all processes."""
        batch = part.batch
        inputs = self.runtime.laid_out(to_device(batch.inputs, self.device))
        wanted = with_read(self.model.tasks, tasks)
        if self.dtype in (torch.float32, torch.float64):
            outputs = self.call(inputs, wanted)
        else:
            with torch.autocast(self.device.type, self.dtype):
                halves = self.call(inputs, wanted)
            outputs = {name: output.float() for name, output in halves.items()}
        if batch.labels_a_row > 1:
            outputs = {n: x.repeat_interleave(batch.labels_a_row, 0) for n, x in outputs.items()}
        losses = {}
        for name, output in outputs.items():
            if part.is_here(name):
                target = place(batch.targets[name], self.device)
                complete, weights = name in batch.complete, batch.weights.get(name)
                task = self.model.tasks[name]
                labels = batch.labels.get(name)
                others = [outputs[other] for other in task.reads]
                own = task.as_trained(output)
                losses[name] = task.mean_loss(own, target, complete, weights, labels, others)
        return losses if part.own is None else of_all(losses, part, next(self.model.parameters()))


def of_all(losses: dict[str, Tensor], part: StepPart, like: Tensor) -> dict[str, Tensor]:
    """The losses of a part over all processes, whose gradients are those of this process's share.

    So every weighting sees the same numbers everywhere, and the gradients of all processes add up
    to those of the whole part. A loss of which nothing is here has a gradient of nothing.

    Args:
        losses: means over this process's labels.
        part: says how much they count.
        like: of the type and on the device of losses.
    """
    own = part.own or {}
    values = torch.zeros(len(part.denominators), device=like.device, dtype=torch.float64)
    for number, task in enumerate(part.denominators):
        if task in losses:
            values[number] = losses[task].detach() * own[task]
    ranks.add_up([values])
    found: dict[str, Tensor] = {}
    for task, value in zip(part.denominators, values.to(like).unbind(), strict=True):
        if task in losses:
            found[task] = WithValue.apply(scale_gradient(losses[task], own[task]), value)
        else:
            found[task] = value.clone().requires_grad_()
    return found
