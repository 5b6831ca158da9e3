"""Whether a setting's verdict hangs on the metric that was compared."""

from __future__ import annotations

from mtl_cli.comparison.dealt import differences
from mtl_cli.comparison.group import Group, Table
from mtl_cli.comparison.judge import compared, gain_of_pair
from mtl_cli.comparison.verdict import verdict_at
from mtl_cli.comparison.widened import gain_over_widened, held


def set_others(table: Table, group: Group, metric: str | None, negligible: float = 0.0) -> None:
    """Notes by which other metrics the verdict on a setting would be another one.

    Each has to hold over single-task widened too, where that was trained.
    """
    gain = group.gain
    if gain is None or gain.whole is None:
        return
    now = compared(group, metric)
    for name in dict.fromkeys(name for _, name in table.columns):
        if compared(group, name) == now:
            continue
        other, _ = gain_of_pair(group, name)
        if other is None or not other.by_seed:
            continue
        gained = differences(table, group, other.seeds, other.by_seed)
        if gained is None:
            continue
        verdict = verdict_at(gained, 1 - gain.whole.confidence, negligible)
        if gain.wider is not None:
            wide = gain_over_widened(table, group, name)
            gained = differences(table, group, wide.seeds, wide.by_seed) if wide else None
            verdict = held(verdict, gained)
        if verdict.word != gain.whole.word:
            gain.others[name] = verdict.word
