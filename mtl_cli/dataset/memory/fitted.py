"""A batch that fits the rows there are."""

from __future__ import annotations

import math
from typing import Any

from mtl_cli.basis.errors import check_choice


def fitted(batch_size: Any, num_rows: int) -> Any:
    """``auto`` as a sixteenth of so many train rows, by powers of two from 8 to 512.

    So an epoch has enough steps for val to say whether one more is worth it.
    """
    if isinstance(batch_size, str):
        check_choice("dataset.batch_size", batch_size, ["auto"], "dataset.batch_size=auto, or 128")
    if batch_size != "auto":
        return batch_size
    return 2 ** min(9, max(3, round(math.log2(max(1, num_rows / 16)))))
