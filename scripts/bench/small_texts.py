"""Real texts, 1 000 to 11 000 of them, as CSV files with a header: what `yardstick.py` reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from bench.small_tables import ROOT

SITES = {"amazon": "amazon_cells_labelled", "imdb": "imdb_labelled", "yelp": "yelp_labelled"}


@dataclass(frozen=True)
class SmallTexts:
    """Sources of texts and what to predict.

    Args:
        sources: ``{source: its rows}``: the column ``text``, and each of its tasks' labels.
        targets: ``{task: its kind}``.
    """

    sources: dict[str, pd.DataFrame]
    targets: dict[str, str]

    def tasks_of(self, rows: pd.DataFrame) -> list[str]:
        """The tasks whose labels a source has."""
        return [column for column in rows if column in self.targets]


def sentences() -> SmallTexts:
    """A thousand sentences of each of three review sites, each site a task."""
    return SmallTexts(
        {site: labelled(site).rename(columns={"label": site}) for site in SITES},
        dict.fromkeys(SITES, "binary"),
    )


def sites() -> SmallTexts:
    """The same sentences: which site is one of?"""
    rows = pd.concat([labelled(site).assign(site=site) for site in SITES], ignore_index=True)
    return SmallTexts({"sites": rows[["text", "site"]]}, {"site": "multiclass"})


def labelled(site: str) -> pd.DataFrame:
    folder = ROOT / "extras" / "sentiment-labelled-sentences"
    lines = (folder / f"{SITES[site]}.txt").read_text(encoding="utf-8").split("\n")
    cells = [line.rsplit("\t", 1) for line in lines if line]
    return pd.DataFrame({"text": [t for t, _ in cells], "label": [int(y) for _, y in cells]})


def polarity() -> SmallTexts:
    """Snippets of film reviews (rt-polarity), positive or negative."""
    parts = []
    for label, half in enumerate(("neg", "pos")):
        path = ROOT / "rt-polarity" / f"rt-polarity.{half}"
        lines = path.read_text(encoding="utf-8").split("\n")
        parts.append(pd.DataFrame({"text": [line for line in lines if line], "positive": label}))
    return SmallTexts({"snippets": pd.concat(parts, ignore_index=True)}, {"positive": "binary"})


def imdb() -> SmallTexts:
    """3 000 of IMDB's reviews, drawn at random: their verdict, and their rating of 1 to 10."""
    rows = pd.read_csv(ROOT / "imdb" / "imdb_reviews.csv.gz").sample(3000, random_state=0)
    rows = rows.rename(columns={"review": "text"}).reset_index(drop=True)
    kinds = {"sentiment": "binary", "rating": "regression"}
    return SmallTexts({"reviews": rows[["text", *kinds]]}, kinds)


TEXTS: dict[str, Callable[[], SmallTexts]] = {
    "sentences": sentences,
    "sites": sites,
    "polarity": polarity,
    "imdb": imdb,
}
