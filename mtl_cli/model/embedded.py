"""A model's inputs, rows of tables among them as an embedding gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import nn

from mtl_cli.arch.trunk import MakeEncoder
from mtl_cli.basis.batch import Examples, Joint
from mtl_cli.basis.inputs import InputSpec, Joined, Row
from mtl_cli.basis.naming import module_key
from mtl_cli.embedding.base import Embedding
from mtl_cli.encoder.base import Encoder

MakeEmbedding = Callable[..., Embedding]  # (spec=)


class EmbeddedParts(nn.Module):
    """An input that is made of parts, rows of tables among them as an embedding gives them.

    Args:
        spec: of the input.
        make_embedding: makes the embedding of a row.

    Attributes:
        gives: the spec of what comes out.
    """

    gives: Joined

    def __init__(self, spec: Joined, make_embedding: MakeEmbedding) -> None:
        super().__init__()
        self.keys: dict[str, str] = {}  # {part: where its embedding is}
        self.embeddings = nn.ModuleDict()
        gives: list[tuple[str, InputSpec]] = []
        for name, own in spec.parts:
            embedding = embedding_of(own, make_embedding)
            gives.append((name, own if embedding is None else embedding.gives))
            if embedding is not None:
                self.keys[name] = module_key(name)
                self.embeddings[self.keys[name]] = embedding
        self.gives = Joined(tuple(gives))

    def forward(self, x: Joint) -> Joint:
        embedded = {name: self.embeddings[key](x.parts[name]) for name, key in self.keys.items()}
        return Joint(x.parts | embedded, x.present)


def embedding_of(
    spec: InputSpec, make_embedding: MakeEmbedding
) -> Embedding | EmbeddedParts | None:
    """What embeds an input; None: it has no row of a table."""
    if isinstance(spec, Row):
        return make_embedding(spec=spec)
    if isinstance(spec, Joined) and has_rows({"": spec}):
        return EmbeddedParts(spec, make_embedding)
    return None


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
            key = module_key(firsts[spec])
            if key not in self.embeddings:
                embedding = embedding_of(spec, make_embedding)
                if embedding is None:
                    continue
                self.embeddings[key] = embedding
            self.which[name] = key
            self.gives[name] = self.embeddings[key].gives  # type: ignore[assignment]

    def forward(self, inputs: Mapping[str, Examples]) -> dict[str, Examples]:
        return {
            name: self.embeddings[self.which[name]](x) if name in self.which else x
            for name, x in inputs.items()
        }


def with_embedding(make_encoder: MakeEncoder, make_embedding: MakeEmbedding) -> MakeEncoder:
    """Makes encoders that begin with an embedding of their own."""

    def made(spec: InputSpec) -> Encoder:
        embedding = embedding_of(spec, make_embedding)
        if embedding is None:
            return make_encoder(spec)
        encoder = make_encoder(embedding.gives)
        first, *others = encoder.stages
        if next(embedding.parameters(), None) is None:
            return encoder  # nothing is embedded
        return Encoder([nn.Sequential(embedding, first), *others], encoder.shapes)

    return made


def has_rows(inputs: Mapping[str, InputSpec]) -> bool:
    """Whether an embedding has something to embed among some inputs."""
    return any(
        has_rows(dict(spec.parts)) if isinstance(spec, Joined) else isinstance(spec, Row)
        for spec in inputs.values()
    )
