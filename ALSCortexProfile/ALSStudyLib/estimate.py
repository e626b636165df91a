"""What every statistic of the study returns: a number, its 95 % interval, its test, and a remark."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

NAN = math.nan
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """:param value: the estimate; ciLow, ciHigh: its 95 % confidence limits. statistic, p: of the test beside it.
    What could not be computed is NaN, and `note` says why.
    """

    value: float = NAN
    ciLow: float = NAN
    ciHigh: float = NAN
    p: float = NAN
    statistic: float = NAN
    note: str = ""

    def noted(self, note: str) -> Estimate:
        """The same with one more remark."""
        return replace(self, note="; ".join(filter(None, (self.note, note))))


def notMeasurable(reason: str) -> Estimate:
    """No number, and why."""
    return Estimate(note=reason)
