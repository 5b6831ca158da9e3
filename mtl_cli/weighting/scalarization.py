"""Loss weighting by any method of TorchJD that keeps no state: a scalar out of the K losses.

The methods are those of ``torchjd.scalarization``, https://torchjd.org.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torchjd import Stateful
from torchjd.scalarization import GeometricMean, Mean, Random, Scalarizer

from mtl_cli.basis.errors import check_number, problem
from mtl_cli.weighting.base import Losses, LossWeighting
from mtl_cli.weighting.by_task import check_each, places
from mtl_cli.weighting.positive import Positive


class Scalarization(LossWeighting):
    """Minimises ``method(L)``, where L [K] are the losses of the tasks that a step has.

    A task alone gets its gradient. K equal losses give it, too, by ``Mean``, ``Random``,
    ``GeometricMean`` and ``COSMOS``; ``1 / K`` times it by ``STCH``, ``sqrt(K)`` times by ``PBI``.

    TorchJD's methods with a state (DWA, FAMO, IMTL-L, UW) keep it for all tasks together, whether
    or not they are there; they are parts of their own here.

    Args:
        tasks: the names of the tasks.
        method: a scalarizer of TorchJD.
        preference: how much each task counts, [K], for the methods that take one; only ratios
            matter: the present tasks' are scaled to sum to 1. None: all the same.
        reference: the ideal value of each loss, [K], for the methods that measure from it; None: 0.

    Raises:
        ValueError: where the method has a state, a value of it is no finite number, or a
            preference or reference is not a number for each task or is not what the method takes.
    """

    preference: Tensor
    reference: Tensor

    def __init__(
        self,
        tasks: Sequence[str],
        method: Scalarizer,
        preference: Sequence[float] | None,
        reference: Sequence[float] | None,
    ) -> None:
        super().__init__(tasks)
        name = type(method).__name__
        if not isinstance(method, Scalarizer) or isinstance(method, Stateful):
            rule = "must be a scalarizer of TorchJD that keeps no state"
            raise problem("weighting.method", rule, name, "weighting=dwa, famo, imtl_l or uw")
        for key, value in vars(method).items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                check_number(f"weighting.method.{key}", value, f"weighting.method.{key}=1.0")
        self.method: Any = method
        self.draws = isinstance(method, Random)
        self.takes_preference = hasattr(method, "weights")
        self.takes_reference = hasattr(method, "reference")
        for option, given, taken in (
            ("preference", preference, self.takes_preference),
            ("reference", reference, self.takes_reference),
        ):
            if given is not None and not taken:
                rule, found = f"needs a method with a {option}", f"{name}, which takes none"
                raise problem(f"weighting.{option}", rule, found, f"weighting.{option}=null")
        wanted = check_each("weighting.preference", preference, self.tasks, 1.0)
        ideal = check_each("weighting.reference", reference, self.tasks, 0.0)
        if min(wanted) <= 0:
            rule, fix = "must be above 0", f"'weighting.preference={[1.0] * len(tasks)}'"
            raise problem("each number of weighting.preference", rule, preference, fix)
        self.register_buffer("preference", torch.tensor(wanted), persistent=False)
        self.register_buffer("reference", torch.tensor(ideal), persistent=False)

    def combine(self, losses: Losses) -> Tensor:
        if isinstance(self.method, Mean | Random):  # linear: what is not in this part adds nothing
            nothing = next(iter(losses.values())).new_zeros(())
            losses = {task: losses.get(task, nothing) for task in self.tasks_of_step(losses)}
        values = torch.stack(list(losses.values()))  # [K]
        if isinstance(self.method, GeometricMean):
            self.need(Positive("the geometric mean", losses, values))
        present = places(self.tasks, losses, self.preference.device)
        if self.takes_preference:
            preference = self.preference[present]
            self.method.weights = (preference / preference.sum()).to(values)
        if self.takes_reference:
            self.method.reference = self.reference[present].to(values)
        return self.method(values)
