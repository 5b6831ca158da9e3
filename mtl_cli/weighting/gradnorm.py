"""GradNorm: weights that make every task's gradient as long as its training rate asks for.

Chen, Badrinarayanan, Lee & Rabinovich, "GradNorm: Gradient Normalization for Adaptive Loss
Balancing in Deep Multitask Networks", ICML 2018, https://arxiv.org/abs/1711.02257, equation 2 and
algorithm 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from mtl_cli.basis import ranks
from mtl_cli.basis.errors import check_number, problem
from mtl_cli.basis.naming import module_key
from mtl_cli.weighting.base import Losses, LossWeighting, Weights
from mtl_cli.weighting.by_task import places
from mtl_cli.weighting.positive import Positive

LOWEST = 1e-3  # of a weight: an optimizer's step may lead below 0, where it would be useless


class GradNorm(LossWeighting):
    """Minimises ``sum_k w_k L_k`` over the model, and ``sum_k |G_k - mean(G) r_k^alpha|`` over w.

    ``G_k = w_k |dL_k/dW|``, where W are the weights of the last layer that the tasks share, and
    ``r_k = (L_k / L_k(0)) / mean(L / L(0))`` is the relative inverse training rate; ``mean(G)
    r_k^alpha`` counts as a constant. w starts at 1, is learned by the same optimizer as the model,
    without decay (the paper: with a learning rate of its own, 0.025), and after each step scaled
    back to the sum K.

    Of a task's first loss the paper's L_k(0) is that of the initial model; here it is the first one
    that the task has. Where tasks are absent, the others are balanced among themselves: in their
    own mean, with weights scaled to their number. A task alone has the weight 1, K tasks with equal
    gradients get K times that gradient.

    Args:
        tasks: the names of the tasks.
        alpha: how strongly slow tasks are helped, at least 0; 0: all gradients of one length. The
            paper has 0.12 to 1.5.

    Raises:
        ValueError: where the first loss of a task is not above 0, or no layer is shared.
    """

    reads_gradients = True
    first: Tensor

    def __init__(self, tasks: Sequence[str], alpha: float) -> None:
        super().__init__(tasks)
        check_number("weighting.alpha", alpha, "weighting.alpha=1.5", 0)
        self.alpha = alpha
        self.loss_weights = nn.ParameterDict(
            {module_key(task): nn.Parameter(torch.ones(())) for task in tasks}
        )
        self.register_buffer("first", torch.full((len(self.tasks),), torch.nan))  # L(0)
        self.last_shared: list[nn.Parameter] = []
        self.losses: dict[str, Tensor] = {}  # of the step in progress, from the parts so far
        self.slopes: dict[str, tuple[Tensor, ...]] = {}  # their gradients at W
        self.before: dict[str, Tensor] = {}  # the weights that the step in progress began with

    def watch(self, last_shared: Sequence[nn.Parameter]) -> None:
        if not last_shared:
            rule = "needs a layer that tasks share, for the lengths of their gradients there"
            raise problem("weighting=gradnorm", rule, "none", "weighting=uw, or arch=hps")
        self.last_shared = list(last_shared)

    def backward(
        self,
        losses: Losses,
        shared: Sequence[nn.Parameter],
        specific: Sequence[nn.Parameter],
        extra: Tensor | None = None,
        features: Sequence[Tensor] = (),
    ) -> Weights:
        for task, loss in losses.items():
            self.note(task, loss)
        if self.part.is_last:
            self.fill_grads()
        return super().backward(losses, shared, specific, extra, features)

    def flush(self, shared: Sequence[nn.Parameter], specific: Sequence[nn.Parameter]) -> None:
        self.fill_grads()

    def combine(self, losses: Losses) -> Tensor:
        weights = self.weights_of(losses)
        return weights @ torch.stack(list(losses.values())).to(weights)

    @torch.no_grad()
    def weights_of(self, losses: Losses) -> Tensor:
        """w of the present tasks, [K], scaled to the sum K over those of the step."""
        tasks = self.tasks_of_step(losses)
        weights = torch.stack([self.loss_weights[module_key(task)] for task in tasks])
        return (weights * (len(weights) / weights.sum()))[places(tasks, losses, weights.device)]

    def note(self, task: str, loss: Tensor) -> None:
        """Adds a part's loss and gradient to those of the step."""
        own = self.share(task) * loss.detach()
        grads = torch.autograd.grad(
            loss, self.last_shared, retain_graph=True, allow_unused=True, materialize_grads=True
        )
        if task in self.slopes:
            own = own + self.losses[task]
            grads = tuple(map(torch.add, self.slopes[task], grads))
        self.losses[task], self.slopes[task] = own, grads

    @torch.no_grad()
    def fill_grads(self) -> None:
        """Fills ``.grad`` of w with the gradient of the second sum, from the whole step."""
        losses, self.losses = self.losses, {}
        slopes, self.slopes = self.slopes, {}
        if not losses:
            return
        ranks.add_up([grad for own in slopes.values() for grad in own])
        norms = [torch.stack([grad.norm() for grad in own]).norm() for own in slopes.values()]
        lengths = torch.stack(norms) / self.part.scale  # |dL/dW|, [K]
        present = places(self.tasks, losses, self.first.device)
        values = torch.stack(list(losses.values())).to(self.first)  # [K]
        first = self.first[present]
        first = torch.where(first.isnan(), values, first)
        self.need(Positive("weighting=gradnorm", losses, first))
        self.first[present] = first
        ratios = (values / first).clamp(min=0)
        rates = ratios / ratios.mean().clamp(min=torch.finfo(ratios.dtype).tiny)
        scaled = self.weights_of(losses) * lengths  # G
        grads = torch.sign(scaled - scaled.mean() * rates**self.alpha) * lengths
        for task, grad in zip(losses, grads, strict=True):
            parameter = self.loss_weights[module_key(task)]
            self.before.setdefault(task, parameter.detach().clone())
            parameter.grad = grad.to(parameter)

    @torch.no_grad()
    def after_step(self, closure: Callable[[], Losses]) -> None:
        """Scales the weights that the step moved back to the sum that they had."""
        if not self.before:
            return
        moved = [self.loss_weights[module_key(task)] for task in self.before]
        total = torch.stack(list(self.before.values())).sum()
        now = torch.stack(moved).clamp(min=LOWEST)
        for parameter, value in zip(moved, (now * (total / now.sum())).unbind(), strict=True):
            parameter.copy_(value)
        self.before = {}
