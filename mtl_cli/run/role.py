"""What a run is in a study of many: what it says of that, and whether it may be given up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mtl_cli.training.judge import Judge


@dataclass(frozen=True)
class Role:
    """The part of a run in a study.

    Args:
        said: stands under ``study`` in its summary.
        judge: may give it up; None: nobody does.
        reads_test: whether test is read in the end, and anything drawn.
    """

    said: dict[str, Any] = field(default_factory=dict)
    judge: Judge | None = None
    reads_test: bool = True

    def words(self, own: list[str]) -> list[str]:
        """Those that a job's line shows: a trial's without its seed, a winner's with its setting.

        Args:
            own: the job's, that are not all jobs'.
        """
        if not self.said:
            return own
        if not self.reads_test:
            return [word for word in own if not word.startswith("seed=")]
        setting = str(self.said.get("setting", "")).split()
        return [*setting, *(word for word in own if word not in setting)]


ALONE = Role()
