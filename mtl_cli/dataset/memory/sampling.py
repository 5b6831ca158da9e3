"""Draws: which examples of which sources each training step reads, for sources of different sizes.

The draws that read several sources a step are those of PyTorch Lightning's ``CombinedLoader``.
Temperature: Arivazhagan et al., "Massively Multilingual Neural Machine Translation in the Wild:
Findings and Challenges", 2019, https://arxiv.org/abs/1907.05019, section 4.2.
"""

from __future__ import annotations

import math

import numpy as np

from mtl_cli.basis.errors import check_choice, check_number
from mtl_cli.dataset.memory.draw import Draw, Turns


class MinSize(Draw):
    """A batch of every source each step. An epoch ends when the source of the fewest batches is
    exhausted: of the others it draws as many batches, others every epoch."""

    def turns(self, epoch: int) -> Turns:
        return {source: np.arange(min(self.num_batches.values())) for source in self.sizes}


class MaxSizeCycle(Draw):
    """A batch of every source each step. An epoch ends when the source of the most batches is
    exhausted; until then each other one starts again, in a new order, whenever it is."""

    def turns(self, epoch: int) -> Turns:
        return {source: np.arange(max(self.num_batches.values())) for source in self.sizes}


class MaxSize(Draw):
    """A batch each step of every source that is not exhausted. An epoch is every example once."""

    def turns(self, epoch: int) -> Turns:
        return {source: np.arange(batches) for source, batches in self.num_batches.items()}


class Sequential(Draw):
    """All batches of a source, then all of the next. An epoch is every example once."""

    def turns(self, epoch: int) -> Turns:
        ends = np.cumsum(list(self.num_batches.values()))
        return {
            source: np.arange(end - batches, end)
            for (source, batches), end in zip(self.num_batches.items(), ends, strict=True)
        }


class RoundRobin(Draw):
    """One source a step, in turn, without exhausted ones. An epoch is every example once."""

    def turns(self, epoch: int) -> Turns:
        counts = list(self.num_batches.values())
        rounds = np.concatenate([np.arange(batches) for batches in counts])
        sources = np.repeat(np.arange(len(counts)), counts)
        return self.by_source(sources[np.argsort(rounds, kind="stable")])


class Temperature(Draw):
    """One source a step, drawn with ``p_s = n_s^(1/tau) / sum_r n_r^(1/tau)``.

    An epoch has as many steps as all sources have batches; a source that is exhausted before
    starts again, in a new order. n_s counts batches, so that at tau = 1 an epoch is every example
    once. The paper draws every step independently; here each source has exactly its share of an
    epoch's steps, ``p_s`` of them rounded and at least one, and only their order is drawn.
    """

    def turns(self, epoch: int) -> Turns:
        return self.mixed(epoch, self.temperature)

    def mixed(self, epoch: int, tau: float) -> Turns:
        """The steps in which each source has its share, at random."""
        quotas = shares(list(self.num_batches.values()), tau)
        sources = np.repeat(np.arange(len(quotas)), quotas)
        if self.seed is not None:
            sources = np.random.default_rng([self.seed, epoch]).permutation(sources)
        return self.by_source(sources)


class Proportional(Temperature):
    """One source a step, in proportion to its batches (tau = 1): all batches of all sources, in a
    random order. An epoch is every example once."""

    def turns(self, epoch: int) -> Turns:
        return self.mixed(epoch, 1.0)


class Uniform(Temperature):
    """One source a step, each as often as the others (tau infinite). An epoch has as many steps
    as all sources have batches; a source that is exhausted before starts again."""

    def turns(self, epoch: int) -> Turns:
        return self.mixed(epoch, math.inf)


DRAWS: dict[str, type[Draw]] = {
    "min_size": MinSize,
    "max_size_cycle": MaxSizeCycle,
    "max_size": MaxSize,
    "sequential": Sequential,
    "round_robin": RoundRobin,
    "proportional": Proportional,
    "temperature": Temperature,
    "uniform": Uniform,
}


def shares(num_batches: list[int], tau: float) -> np.ndarray:
    """How many of all steps each source gets: n^(1/tau), by largest remainders, at least one."""
    weights = np.array(num_batches, dtype=float) ** (1 / tau)
    exact = sum(num_batches) * weights / weights.sum()
    quotas = np.floor(exact).astype(int)
    remainders = exact - quotas
    quotas[np.argsort(-remainders, kind="stable")[: sum(num_batches) - quotas.sum()]] += 1
    while quotas.min() == 0:
        quotas[quotas.argmax()] -= 1
        quotas[quotas.argmin()] += 1
    return quotas


def check_sampling(sampling: str, temperature: float) -> None:
    """Refuses a draw that there is not, and a temperature below 1."""
    check_choice("dataset.sampling", sampling, list(DRAWS), "dataset.sampling=min_size")
    check_number("dataset.temperature", temperature, "dataset.temperature=2.0", 1)
