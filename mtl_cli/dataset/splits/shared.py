"""A column by which several rows are of one patient, user or the like, though rows are dealt alone.

A model is then tested on those that it was trained on. Whether that is wished, nobody but the user
knows; so it is said, where a column's name and its cells both speak for it: the name is of somebody
(``patient``), or of a number of something (``visit_id``), and most rows share their value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from shlex import quote
from typing import Any

import numpy as np

from mtl_cli.dataset.files.cells import encode

PERSONS = """patient subject participant person respondent user customer client household member
 student pupil speaker author reviewer donor driver athlete player employee borrower panelist
 proband volunteer individual subj mrn uid pid patienten kunde kunden nutzer benutzer teilnehmer
 probanden mitglied mitarbeiter versicherte haushalt"""
THINGS = """session visit device sensor machine engine hospital store shop document article video
 image recording trial tumor lesion animal mouse rat child mother family site station vehicle
 battery sample specimen case encounter episode account order group cluster unit"""
NUMBERS = "id ids identifier nr no num number nummer kennung code key name uuid index idx ref"
SOMEBODY, SOMETHING, NUMBER = (set(words.split()) for words in (PERSONS, THINGS, NUMBERS))

FEWEST = 10  # different values, under which a column is rather a category
MOST_SHARE = 0.5  # of the rows that one value may have, and that have to share theirs
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def names_somebody(name: str) -> bool | None:
    """Whether a column's name is that of somebody, True, or of a numbered something, False.

    Returns:
        None: of neither, as ``city``, ``patient_age``, ``visit`` and ``num_persons`` are.
    """
    words = [word.lower() for word in WORD.findall(name)]
    words = [part for word in words for part in apart(word)]
    rest = {word.removesuffix("s") if len(word) > 4 else word for word in words} - NUMBER
    if not words or rest - SOMEBODY - SOMETHING or (words[0] in NUMBER - {"id"}):
        return None
    numbered = bool(set(words) & NUMBER) or "#" in name
    if rest & SOMEBODY:
        return True
    return False if numbered else None


def apart(word: str) -> list[str]:
    """The parts of ``patientid`` and ``kundennummer``."""
    for number in ("id", "nr", "nummer"):
        if word.endswith(number) and (first := word.removesuffix(number)) in SOMEBODY | SOMETHING:
            return [first, number]
    return [word]


def shared_column(names: Iterable[str], cells: Callable[[str], Any]) -> str | None:
    """The column by which most rows are of somebody or something that other rows are of, too.

    Somebody comes first, then what has the fewest different values.

    Args:
        names: of the columns that no split, target or weight is read from.
        cells: gives a column.
    """
    found = []
    for name in names:
        somebody = names_somebody(name)
        if somebody is None:
            continue
        codes, values = encode(cells(name))
        if name.lower() == "subject" and not all(re.search(r"\d", value) for value in values):
            continue  # of a school
        counts = np.bincount(codes[codes >= 0], minlength=1)
        known, sharing = counts.sum(), counts[counts > 1].sum()
        if (
            len(values) >= FEWEST
            and known >= 0.9 * len(codes)
            and sharing >= MOST_SHARE * known
            and counts.max() <= MOST_SHARE * known
        ):
            found.append((not somebody, len(values), name))
    return min(found)[2] if found else None


def remarks_on(names: Iterable[str], cells: Callable[[str], Any]) -> dict[str, str]:
    """What there is to say of rows that share a column, as ``remark`` of what a split was dealt."""
    column = shared_column(names, cells)
    if column is None:
        return {}
    plain = re.fullmatch(r"[A-Za-z_]\w*", column)
    name = column if plain else '"' + re.sub(r'(["\\])', r"\\\1", column) + '"'
    words = quote(f"dataset.split={{by: group, column: {name}}}")
    said = f"rows share {column}: test has some that train has; to test on new ones alone: {words}"
    return {"remark": said}
