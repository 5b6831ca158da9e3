"""What all datasets of texts are: named sources with their tasks, and one vectorizer for all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mtl_cli.basis.batch import Examples
from mtl_cli.basis.errors import check_boolean, check_choice, check_integer, problem
from mtl_cli.dataset.columns.labels import known_labels
from mtl_cli.dataset.columns.target import Target
from mtl_cli.dataset.memory.sources import SourcesDataset
from mtl_cli.dataset.readers.text import TextReader
from mtl_cli.dataset.texts.cache import key_of, load_prepared, save_prepared
from mtl_cli.dataset.texts.chunks import HUB, Chunk, read_source
from mtl_cli.dataset.texts.prepare import Prepared, prepare
from mtl_cli.dataset.texts.rows import TextRows
from mtl_cli.dataset.texts.source import READ, TextSource, make_sources
from mtl_cli.dataset.vectorizers.options import Options
from mtl_cli.dataset.vectorizers.tokens import check_single_words
from mtl_cli.dataset.vectorizers.vectorizer import Vectorizer

CACHE = "~/.cache/mtl-cli/text"
PREPARED_BY = ("kinds", "label_maps", "seed", "read_as", "max_length")  # and the vectorizer


class TextSources(SourcesDataset):
    """Named sources of texts: each is an input, and has the labels of one task or several.

    Inputs are of one spec, by one vectorizer that was fitted on the train texts of all sources: so
    architectures share the first layer too. Bags of words stay sparse up to that layer.

    Args:
        sources: ``{name: its settings}``: path, val_path, test_path, labels ``{task: column}``, and
            any of the settings from ``text`` to ``on_bad_row``, for this source alone.
        targets: ``{task: kind}``: regression, binary, multiclass or multilabel.
        label_maps: ``{task: {label: class}}``, for tasks whose labels are not their classes.
        text: the column of the texts.
        label: the column of the labels of a source that has no ``labels``: its task has its name.
        split_column: the column that says train, val or test; None: fractions are drawn.
        val_fraction, test_fraction: the shares of rows that become val and test, drawn in
            proportion to the classes, where neither a file nor the column says which do.
        seed: of the split.
        delimiter, header, columns, encoding, quote, on_bad_row: see `ReadOptions`.
        offline: never asks the network.
        read_as: ``bag`` (of words), or ``tokens`` (ids of words in their order).
        max_length: of texts as tokens, in words; None: as the longest train text.
        vectorizer: see `vectorizer_options.Options`.
        cache: whether prepared files are kept for the next start, or the folder to keep them in.
        sampling, temperature, batch_size, eval_batch_size, shuffle, drop_last: see
            `SourcesDataset`.
    """

    def __init__(
        self,
        sources: Mapping[str, Mapping[str, Any]] | None,
        targets: Mapping[str, str] | None,
        label_maps: Mapping[str, Mapping[Any, Any] | None] | None,
        text: str,
        label: str,
        split_column: str | None,
        val_fraction: float,
        test_fraction: float,
        seed: int,
        delimiter: str | None,
        header: bool,
        columns: list[str] | None,
        encoding: str,
        quote: str | None,
        on_bad_row: str,
        offline: bool,
        read_as: str,
        max_length: int | None,
        vectorizer: Mapping[str, Any],
        cache: bool | str,
        sampling: str,
        temperature: float,
        batch_size: int | str | Mapping[str, int | str | None] | None,
        eval_batch_size: int,
        shuffle: bool,
        drop_last: bool,
    ) -> None:
        check_choice("dataset.read_as", read_as, ["bag", "tokens"], "dataset.read_as=bag")
        check_integer("dataset.seed", seed, 0, "dataset.seed=0")
        check_boolean("offline", offline)
        if max_length is not None:
            check_integer("dataset.max_length", max_length, 1, "dataset.max_length=256")
        if not isinstance(cache, bool | str):
            rule = "must be true, false, or a folder"
            raise problem("dataset.cache", rule, cache, "dataset.cache=true")
        common = {
            "text": text,
            "label": label,
            "split_column": split_column,
            "val_fraction": val_fraction,
            "test_fraction": test_fraction,
            "delimiter": delimiter,
            "header": header,
            "columns": columns,
            "encoding": encoding,
            "quote": quote,
            "on_bad_row": on_bad_row,
        }
        self.kinds = dict(targets or {})
        self.label_maps = dict(label_maps or {})
        self.seed = seed
        self.offline = offline
        self.read_as = read_as
        self.max_length = max_length
        self.options = Options.of(vectorizer)
        if read_as == "tokens":
            check_single_words(self.options)
        made = make_sources(sources or {}, self.kinds, common)
        prepared = self.prepared(made, cache)
        self.notes = tuple(prepared.notes)
        self.drawn = sorted({split for source in made for split in source.drawn})
        self.class_names = prepared.class_names
        sized = [task for task, kind in self.kinds.items() if kind in ("multiclass", "multilabel")]
        self.sizes_of_tasks = {task: len(prepared.class_names[task]) for task in sized}
        self.reader = TextReader(
            prepared.vectorizer,
            prepared.num_features,
            prepared.length,
            {s.name: {"text": s.text, **{k: getattr(s.options, k) for k in READ}} for s in made},
            {task: self.target(task, s.columns_of[task]) for s in made for task in s.labels},
        )
        super().__init__(
            splits=prepared.splits,
            inputs=self.reader.inputs,
            tasks={task: source.name for source in made for task in source.labels},
            source="+".join(sorted({self.origin(source) for source in made})),
            sampling=sampling,
            temperature=temperature,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            shuffle=shuffle,
            drop_last=drop_last,
        )

    def target(self, task: str, columns: list[str]) -> Target:
        """How the labels of a task were read, for new files."""
        kind, names = self.kinds[task], self.class_names.get(task, [])
        given = self.label_maps.get(task)
        label_map = None if kind == "multilabel" else known_labels(task, kind, names, given)
        return Target(task, kind, columns, label_map)

    def origin(self, source: TextSource) -> str:
        """Where the texts of a source are from, in a word."""
        hub = isinstance(source.path, str) and source.path.startswith(HUB)
        return "hub" if hub else "files"

    def chunks(self, source: TextSource) -> Iterator[Chunk]:
        """The rows of a source."""
        return read_source(source, self.offline)

    def prepare(self, inputs: dict[str, Examples]) -> dict[str, Examples]:
        """Token ids are kept in half the bytes that encoders read."""
        if self.read_as == "bag":
            return inputs
        return {name: x.long() for name, x in inputs.items()}  # type: ignore[union-attr]

    def prepared(self, sources: list[TextSource], cache: bool | str) -> Prepared:
        """The texts, vectorized: from the cache where they are there, else they are put there."""
        folder = None
        if cache is not False and {self.origin(source) for source in sources} == {"files"}:
            done = {name: getattr(self, name) for name in PREPARED_BY}
            key = key_of(sources, done | {"vectorizer": asdict(self.options)})
            folder = Path(CACHE if cache is True else cache).expanduser() / key
            if (there := load_prepared(folder)) is not None:
                return there
        vectorizer = Vectorizer(self.options)
        keep = vectorizer.needs_fit
        rows = [
            TextRows(
                source,
                self.chunks(source),
                self.kinds,
                self.label_maps,
                self.seed,
                None if keep else vectorizer.transform,
            )
            for source in sources
        ]
        prepared = prepare(rows, vectorizer, self.read_as == "tokens", self.max_length)
        if folder is not None:
            try:
                save_prepared(folder, prepared)
            except OSError as error:
                prepared.notes.append(f"no cache is kept: {error}")
        return prepared
