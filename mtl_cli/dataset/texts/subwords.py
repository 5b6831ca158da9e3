"""Sources of texts made ready for training as the subwords of a pretrained model's tokenizer."""

from __future__ import annotations

from collections.abc import Sequence

from mtl_cli.basis.bag import Bag
from mtl_cli.basis.errors import problem
from mtl_cli.dataset.texts.prepare import Inputs, Prepared, as_prepared, notes_on
from mtl_cli.dataset.texts.rows import TextRows
from mtl_cli.dataset.vectorizers.subwords import SubwordTokenizer, longest


def prepare_subwords(
    sources: Sequence[TextRows], tokenizer: SubwordTokenizer, max_length: int | None
) -> Prepared:
    """Reads all texts, cut off after ``max_length`` tokens; None: as the longest train text, and
    at most what the tokenizer says that its model reads."""
    notes = [note for rows in sources for note in notes_on(rows)]
    inputs: Inputs = {"train": {}, "val": {}, "test": {}}
    length = max_length or tokenizer.limit
    cut = dict.fromkeys((rows.source.name for rows in sources), 0)
    for split, own in inputs.items():
        for rows in sources:
            before = tokenizer.num_cut
            check_no_numbers(rows)
            own[rows.source.name] = tokenizer.encode(rows.texts(rows.split[split]), length)
            cut[rows.source.name] += tokenizer.num_cut - before
        if split == "train":
            bags = [x for x in own.values() if isinstance(x, Bag)]
            length = max_length or longest(bags)
    notes += [
        f"{name}: {n:,} texts are cut off after {length:,} subwords" for name, n in cut.items() if n
    ]
    notes.append(f"tokenizer: {tokenizer.num_ids:,} subwords")
    assert length is not None
    return as_prepared(sources, inputs, tokenizer.state(), tokenizer.num_ids, length, notes)


def check_no_numbers(rows: TextRows) -> None:
    """Refuses a column of texts that holds numbers alone."""
    from pyarrow import compute

    for column in rows.source.text_columns:
        cells = compute.utf8_trim_whitespace(rows.cells(column).fill_null(""))
        said = cells.filter(compute.not_equal(cells, ""))
        are_numbers = compute.match_substring_regex(
            said, r"^[-+]?[0-9]*[.,]?[0-9]+([eE][-+]?\d+)?$"
        )
        if len(said) and compute.all(are_numbers).as_py():
            rule, found = "must be a column of texts", f"numbers alone: {said[0].as_py()}, ..."
            raise problem(f"{rows.source.slot}.text={column}", rule, found, "dataset.text=<column>")
