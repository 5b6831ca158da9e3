"""All checks of a comparison by their codes, and what those find that nobody has silenced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mtl_cli.basis.errors import check_choice, problem
from mtl_cli.checks import gains, training, unanswered
from mtl_cli.checks.finding import Finding
from mtl_cli.comparison.compare import Comparison
from mtl_cli.comparison.remarks import apart

Check = Callable[[Comparison], Iterator[Finding]]

MOST = 3  # findings of one code that are shown


def data_differ(comparison: Comparison) -> Iterator[Finding]:
    """Runs whose data differ stand in tables of their own."""
    for said in apart(comparison.tables):
        fix = "For one table, train all settings on the same rows: the same dataset.… words"
        yield Finding("data-differ", said, fix)


CHECKS: dict[str, Check] = {
    "data-differ": data_differ,
    "test-watched": training.test_watched,
    "best-is-last": training.best_is_last,
    "ended-by-time": training.ended_by_time,
    "rate-at-edge": training.rate_at_edge,
    "overfitting": training.overfitting,
    "sign-of-metric": gains.sign_hangs_on_metric,
    "within-spread": gains.within_spread,
    "one-task-pays": gains.one_task_pays,
    "picked-among-many": gains.picked_among_many,
}
CODES = [*unanswered.CHECKS, *CHECKS]


def check_codes(silenced: Sequence[str]) -> None:
    """Refuses a code that no check has.

    Raises:
        ValueError: which names the nearest one.
    """
    if not isinstance(silenced, list):
        rule = "must be a list of codes"
        raise problem("silence", rule, silenced, f"'silence=[{silenced}]'")
    for code in silenced:
        check_choice("each of silence", code, CODES, f"'silence=[{CODES[0]}]'")


def findings(comparison: Comparison, silenced: Sequence[str]) -> list[str]:
    """What the checks find, but those that are silenced; of one code the first few."""
    notes = []
    for code, check in CHECKS.items():
        if code in silenced:
            continue
        found = list(check(comparison))
        notes += [own.in_words for own in found[:MOST]]
        if len(found) > MOST:
            notes.append(f"{code}: {len(found) - MOST} more settings")
    return notes
