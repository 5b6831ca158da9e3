"""What all datasets of texts are: named sources with their tasks, and one vectorizer for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any, ClassVar

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, problem
from mtl_cli.dataset.columns.labels import NUMBERS, known_labels
from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.columns.target_options import TargetOptions, targets_of
from mtl_cli.dataset.files.column_names import check_name
from mtl_cli.dataset.files.held import is_held
from mtl_cli.dataset.files.options import ReadOptions
from mtl_cli.dataset.memory.batching import TextSampling
from mtl_cli.dataset.memory.sources import SourcesDataset
from mtl_cli.dataset.prepared.cache import Cache
from mtl_cli.dataset.readers.text import TextReader
from mtl_cli.dataset.splits.options import SplitOptions
from mtl_cli.dataset.texts.cache import from_cache, key_of
from mtl_cli.dataset.texts.chunks import HUB, Chunk, read_source
from mtl_cli.dataset.texts.prepare import Prepared, prepare
from mtl_cli.dataset.texts.rows import TextRows
from mtl_cli.dataset.texts.source import READ, Common, TextSource, make_sources
from mtl_cli.dataset.texts.subwords import prepare_subwords
from mtl_cli.dataset.vectorizers.options import Options
from mtl_cli.dataset.vectorizers.subwords import SubwordTokenizer
from mtl_cli.dataset.vectorizers.tokens import check_single_words
from mtl_cli.dataset.vectorizers.vectorizer import Vectorizer

SUBWORDS = "subwords"
READ_AS = ["bag", "tokens", SUBWORDS]


class TextSources(SourcesDataset):
    """Named sources of texts: each is an input, and has the labels of one task or several.

    Inputs are of one spec, by one vectorizer that was fitted on the train texts of all sources: so
    architectures share the first layer too. Bags of words stay sparse up to that layer.

    Args:
        sources: ``{name: its settings}``: path, val_path, test_path, labels ``{task: column}``, and
            any of ``text``, ``label``, ``split`` and what says how files are read, for it alone.
        targets: ``{task: kind}``, or ``{task: {"kind": ..., "map": {label: class}}}``.
        text: the column of the texts; of pairs, a list of two, for subwords.
        label: the column of the labels of a source that has no ``labels``: its task has its name.
        split: how the rows of each source are dealt; see `SplitOptions`.
        files: how files are read.
        offline: never asks the network.
        read_as: ``bag`` (of words), ``tokens`` (ids of words in their order), or ``subwords`` (of a
            pretrained model's tokenizer).
        max_length: of texts as tokens, in words, or in subwords; None: as the longest train text.
        tokenizer: whose subwords: a folder, or a name on the hub.
        vectorizer: see `vectorizer_options.Options`.
        cache: of prepared files; see `Cache`.
        sampling: see `SourcesDataset`.
    """

    kept: ClassVar[tuple[str, ...]] = ("tokenizer",)
    shared: ClassVar[Mapping[str, type]] = MappingProxyType(
        {"files": ReadOptions, "cache": Cache, "sampling": TextSampling}
    )

    def __init__(
        self,
        sources: Mapping[str, Mapping[str, Any]] | None,
        targets: Mapping[str, Any] | None,
        text: str | list[str],
        label: str,
        split: Mapping[str, Any],
        files: ReadOptions,
        offline: bool,
        read_as: str,
        max_length: int | None,
        tokenizer: str | None,
        vectorizer: Mapping[str, Any],
        cache: Cache,
        sampling: TextSampling,
    ) -> None:
        check_choice("dataset.read_as", read_as, READ_AS, "dataset.read_as=bag")
        check_boolean("offline", offline)
        if max_length is not None:
            check_integer("dataset.max_length", max_length, 1, "dataset.max_length=256")
        common = Common(text, label, SplitOptions.of(split), files)
        self.seed = common.split.seed
        self.offline = offline
        self.read_as = read_as
        self.max_length = max_length
        self.options = Options.of(vectorizer)
        if read_as == "tokens":
            check_single_words(self.options)
        check_name("dataset.label", label)
        if not sources or not isinstance(sources, Mapping):
            fix = "'dataset.sources={movie: {path: movie.csv}}' 'dataset.targets={movie: binary}'"
            raise problem(
                "dataset.sources", "must name at least one source", sources or "none", fix
            )
        self.said = targets_of(targets, f"'dataset.targets={{{next(iter(sources))}: binary}}'")
        check_texts(self.said)
        made = make_sources(sources, self.said, common)
        for own in made:
            check_columns_of_texts(own, read_as)
        self.tokenizer = None
        if read_as == SUBWORDS:
            pairs = any(len(own.text_columns) > 1 for own in made)
            self.tokenizer = SubwordTokenizer.read(tokenizer, pairs, offline)
        prepared = self.prepared(made, cache)
        self.notes = tuple(prepared.notes)
        self.drawn, self.dealt = prepared.drawn, prepared.dealt
        self.class_names = prepared.class_names
        self.reader = TextReader(
            prepared.vectorizer,
            prepared.num_features,
            prepared.length,
            {s.name: {"text": s.text, **{k: getattr(s.options, k) for k in READ}} for s in made},
            {task: self.target(task, s.columns_of[task]) for s in made for task in s.labels},
        )
        sizes = {task: target.size for task, target in self.reader.targets.items()}
        self.sizes_of_tasks = {task: size for task, size in sizes.items() if size is not None}
        super().__init__(
            splits=prepared.splits,
            inputs=self.reader.inputs,
            tasks={task: source.name for source in made for task in source.labels},
            source="+".join(sorted({self.origin(source) for source in made})),
            sampling=sampling,
        )

    def target(self, task: str, columns: list[str]) -> Target:
        """How the labels of a task were read, for new files."""
        said, names = self.said[task], self.class_names.get(task, [])
        multilabel = said.kind == "multilabel"
        names = [] if said.kind in NUMBERS else names
        label_map = None if multilabel else known_labels(task, said.kind, names, said.map)
        return Target(task, said.kind, columns, label_map, None)

    def origin(self, source: TextSource) -> str:
        """Where the texts of a source are from, in a word."""
        if isinstance(source.path, str) and source.path.startswith(HUB):
            return "hub"
        return "memory" if any(map(is_held, source.paths.values())) else "files"

    def chunks(self, source: TextSource) -> Iterator[Chunk]:
        """The rows of a source."""
        return read_source(source, self.offline)

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        """Token ids are kept in half the bytes that encoders read."""
        if self.read_as != "tokens":
            return inputs
        return {name: x.long() for name, x in inputs.items()}  # type: ignore[union-attr]

    def prepared(self, sources: list[TextSource], cache: Cache) -> Prepared:
        """The texts, vectorized: from the cache where they are there, else they are put there."""
        if cache.cache is False or {self.origin(source) for source in sources} != {"files"}:
            return self.vectorized(sources)
        targets = [asdict(said) for said in self.said.values()]
        done = {"targets": targets, "read_as": self.read_as, "max_length": self.max_length}
        by = asdict(self.options) if self.tokenizer is None else self.tokenizer.state()
        key = key_of(sources, done | {"vectorizer": by})
        return from_cache(cache, key, lambda: self.vectorized(sources))

    def vectorized(self, sources: list[TextSource]) -> Prepared:
        """The texts, read and vectorized now."""
        vectorizer = Vectorizer(self.options)
        as_bags = self.read_as == "bag" and not vectorizer.needs_fit
        transform = vectorizer.transform if as_bags else None
        rows = [TextRows(s, self.chunks(s), self.said, transform) for s in sources]
        if self.tokenizer is not None:
            return prepare_subwords(rows, self.tokenizer, self.max_length)
        return prepare(rows, vectorizer, self.read_as == "tokens", self.max_length)


def check_columns_of_texts(source: TextSource, read_as: str) -> None:
    """Refuses what is no column, or pair of columns where these are read."""
    thing, columns = f"{source.slot}.text", source.text_columns
    for column in columns:
        check_name(thing, column)
    if isinstance(source.text, str):
        return
    if len(columns) != 2 or len(set(columns)) != 2:
        fix = "'dataset.text=[premise,hypothesis]'"
        raise problem(thing, "must be a column, or the two of pairs", columns, fix)
    if read_as != SUBWORDS:
        rule, fix = "must be one column, but for subwords", "dataset.read_as=subwords"
        raise problem(thing, rule, ", ".join(columns), fix)


def check_texts(said: Mapping[str, TargetOptions]) -> None:
    """Refuses what a source of texts says itself."""
    for own in said.values():
        for option in ("column", "columns", "weight", "where"):
            if (value := getattr(own, option)) is not None:
                rule = "is of tables; texts have columns of labels by source, each label counts 1"
                fix = f"'dataset.sources={{<source>: {{labels: {{{own.task}: <column>}}}}}}'"
                raise problem(f"{own.slot}.{option}", rule, value, fix)
