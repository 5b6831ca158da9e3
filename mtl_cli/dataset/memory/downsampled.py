"""Train rows of which those of one label are kept in part, others in each epoch.

The odds of the label that is kept whole grow by 1 / w, w being the kept share, and its logit by
-log w: He et al., "Practical Lessons from Predicting Clicks on Ads at Facebook", ADKDD 2014,
https://doi.org/10.1145/2648584.2648589, section 6.3.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mtl_cli.basis.errors import check_number, problem
from mtl_cli.basis.seed import generator_of
from mtl_cli.dataset.memory.in_memory import InMemoryDataset, RowsLoader


@dataclass(frozen=True)
class Downsampling:
    """What a configuration says of it.

    Args:
        target: a binary one.
        label: which of its classes is kept in part, 0 or 1.
        share: of these rows, how many an epoch keeps, above 0 and below 1.
    """

    target: str
    label: int
    share: float

    @classmethod
    def of(cls, said: Any, classes: Mapping[str, list[str]]) -> Downsampling | None:
        """What is said, ``{target: {label: share}}``; None: nothing.

        Args:
            said: by the configuration.
            classes: ``{binary target: its classes}``.

        Raises:
            ValueError: where it is anything else.
        """
        if said is None:
            return None
        slot = "dataset.downsample"
        inner = next(iter(said.values()), None) if isinstance(said, Mapping) else None
        if not isinstance(inner, Mapping) or len(said) != 1 or len(inner) != 1:
            rule = "must be the share to keep of one label of one target, {target: {label: share}}"
            example = f"'{slot}={{{next(iter(classes), 'click')}: {{0: 0.1}}}}'"
            raise problem(slot, rule, said, example)
        target, (label, share) = str(next(iter(said))), next(iter(inner.items()))
        if target not in classes:
            known = ", ".join(classes) or "none"
            fix = f"'{slot}={{{next(iter(classes), 'click')}: {{{label}: {share}}}}}'"
            raise problem(slot, f"must name a binary target: {known}", target, fix)
        names = classes[target]
        if str(label) not in names:
            fix = f"'{slot}={{{target}: {{{names[0]}: {share}}}}}'"
            raise problem(f"{slot}.{target}", f"must name {' or '.join(names)}", label, fix)
        fix = f"'{slot}={{{target}: {{{label}: 0.1}}}}'"
        check_number(f"{slot}.{target}.{label}", share, fix, 0, 1)
        if share in (0, 1):
            rule = "must be greater than 0 and less than 1"
            raise problem(f"{slot}.{target}.{label}", rule, share, fix)
        return cls(target, names.index(str(label)), float(share))

    @property
    def shift(self) -> float:
        """What is added to the logit, so that it is of all rows again."""
        return math.log(self.share) * (1 if self.label == 0 else -1)

    def most(self, labels: Tensor) -> int:
        """How many rows of the label an epoch keeps, of these labels."""
        return max(1, round(self.share * int((labels == self.label).sum())))

    def note(self, labels: Tensor, names: list[str]) -> str:
        """What is said of it before training."""
        count, name = int((labels == self.label).sum()), names[self.label]
        kept = f"{self.most(labels):,} of {count:,} train rows where {self.target} is {name}"
        return f"downsample: {kept}, others in each epoch; its logit is calibrated"

    def applied(self, whole: RowsLoader, labels: Tensor, seed: int) -> RowsLoader:
        """A loader that draws a part of the rows of another one.

        Rows that are left stand for those that are left out, except for the target itself: in the
        losses of the other tasks they count 1 / share.

        Args:
            whole: of all train rows.
            labels: of the target in these, [N].
            seed: with the epoch, says which rows are kept.
        """
        sampled = (labels == self.label).cpu()
        weights = dict(whole.rows.weights)
        for task, target in whole.rows.targets.items():
            if task != self.target:
                stands_for = torch.where(sampled, 1 / self.share, 1.0).to(target.device)
                weights[task] = weights[task] * stands_for if task in weights else stands_for
        given = {name: getattr(whole, name) for name in ("dataset", "batch_size", "drop_last")}
        given |= {"seed": whole.seed, "augment_seed": whole.augment_seed}
        rows = replace(whole.rows, weights=weights)
        return DownsampledLoader(
            rows=rows, sampled=sampled, most=self.most(labels), draw_seed=seed, **given
        )


class DownsampledDataset(InMemoryDataset):
    """A dataset in memory of whose train rows some may be kept in part.

    Attributes:
        downsampling: which; None: all are kept.
    """

    downsampling: Downsampling | None = None

    def loader(
        self, split: str, tasks: Mapping[str, str], device: torch.device, seed: int
    ) -> RowsLoader:
        whole = super().loader(split, tasks, device, seed)
        if split != "train" or self.downsampling is None:
            return whole
        labels = self.splits[split].targets[self.downsampling.target]
        return self.downsampling.applied(whole, labels, seed)


@dataclass
class DownsampledLoader(RowsLoader):
    """Batches of the rows that an epoch keeps.

    Args:
        sampled: the rows that are kept in part, [N].
        most: how many of them an epoch keeps.
        draw_seed: with the epoch, says which.
    """

    sampled: Tensor = field(kw_only=True)
    most: int = field(kw_only=True)
    draw_seed: int = field(kw_only=True)

    @property
    def num_rows(self) -> int:
        return len(self.rows) - int(self.sampled.sum()) + self.most

    def order_of(self, epoch: int) -> Tensor:
        order = super().order_of(epoch)
        places = self.sampled.nonzero().squeeze(1)
        draw = generator_of(self.draw_seed, epoch, 0)
        there = ~self.sampled
        there[places[torch.randperm(len(places), generator=draw)[: self.most]]] = True
        return there.nonzero().squeeze(1) if order is None else order[there[order]]
