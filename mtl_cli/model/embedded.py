"""A model's inputs, rows of tables among them as an embedding gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples
from mtl_cli.basis.inputs import InputSpec, Row
from mtl_cli.basis.naming import module_key
from mtl_cli.embedding.base import Embedding
from mtl_cli.encoder.base import Encoder

MakeEmbedding = Callable[..., Embedding]  # (spec=)


class EmbeddedInputs(nn.Module):
    """Inputs of equal spec share an embedding; what is no row of a table stays as it is.

    Args:
        make_embedding: makes the embedding of a spec.
        inputs: ``{input name: its spec}``.

    Attributes:
        gives: ``{input name: the spec of what comes out}``.
    """

    def __init__(self, make_embedding: MakeEmbedding, inputs: Mapping[str, InputSpec]) -> None:
        super().__init__()
        self.inputs, self.gives = dict(inputs), dict(inputs)
        self.which: dict[str, str] = {}  # {input name: the first one of its spec}
        self.embeddings = nn.ModuleDict()
        firsts = {spec: name for name, spec in reversed(list(inputs.items()))}
        for name, spec in inputs.items():
            if not isinstance(spec, Row):
                continue
            self.which[name] = key = module_key(firsts[spec])
            if key not in self.embeddings:
                self.embeddings[key] = make_embedding(spec=spec)
            self.gives[name] = self.embeddings[key].gives  # type: ignore[assignment]

    def forward(self, inputs: Mapping[str, Examples]) -> dict[str, Examples]:
        return {
            name: self.embeddings[self.which[name]](x) if name in self.which else x
            for name, x in inputs.items()
        }


def with_embedding(make_encoder: MakeEncoder, make_embedding: MakeEmbedding) -> MakeEncoder:
    """Makes encoders that begin with an embedding of their own."""

    def made(spec: InputSpec) -> Encoder:
        if not isinstance(spec, Row):
            return make_encoder(spec)
        embedding = make_embedding(spec=spec)
        encoder = make_encoder(embedding.gives)
        first, *others = encoder.stages
        if next(embedding.parameters(), None) is None:
            return encoder  # nothing is embedded
        return Encoder([nn.Sequential(embedding, first), *others], encoder.shapes)

    return made


def has_rows(inputs: Mapping[str, InputSpec]) -> bool:
    """Whether an embedding has something to embed among some inputs."""
    return any(isinstance(spec, Row) for spec in inputs.values())
