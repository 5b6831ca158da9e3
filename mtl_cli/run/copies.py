"""How many copies of a pretrained encoder a model has, and what they take."""

from __future__ import annotations

import logging
from collections import defaultdict

from hydra.utils import get_class
from omegaconf import DictConfig

from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.inputs import InputSpec
from mtl_cli.basis.memory import in_words, needed
from mtl_cli.encoder.base import Encoder

log = logging.getLogger(__name__)


class Copies:
    """The encoders that an architecture made, by what they read.

    Args:
        cfg: the whole config.
    """

    def __init__(self, cfg: DictConfig) -> None:
        kind: type[Encoder] = get_class(cfg.encoder._target_)
        self.pretrained = any(cfg.encoder.get(name) is not None for name in kind.first_weights)
        self.name = cfg.choices.get("encoder")
        self.made: dict[InputSpec, list[float]] = defaultdict(list)  # what each takes, in bytes

    def noted(self, make_encoder: MakeEncoder) -> MakeEncoder:
        """Makes encoders, each of which is noted."""

        def made(spec: InputSpec) -> Encoder:
            encoder = make_encoder(spec)
            self.made[spec].append(needed(encoder.parameters()))
            return encoder

        return made

    def say(self) -> None:
        """Says of pretrained encoders how often each is there, where it is more than once."""
        for sizes in self.made.values() if self.pretrained else ():
            if len(sizes) > 1:
                number, each, whole = len(sizes), in_words(sizes[0]), in_words(sum(sizes))
                said = "%s copies of %s, which begin with the same weights: %s each, %s together"
                log.info(f"encoder     {said} while they train", number, self.name, each, whole)
