"""The value of a metric, where it has one."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torchmetrics import Metric

NO_VALUE = ("meaningless", "undefined")  # how torchmetrics warns of a number that stands for none


def value_of(metric: Metric) -> float:
    """A metric's value; NaN where it has none for such labels (AUROC, where all are alike)."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            value = float(metric.compute())
        except ValueError:  # too few labels
            return math.nan
    texts = [str(warning.message) for warning in said]
    return math.nan if any(word in text for text in texts for word in NO_VALUE) else value
