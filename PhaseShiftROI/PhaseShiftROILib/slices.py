"""Which slices are kept (Liu et al. 2021): the three with the largest shift, one by one or as neighbors.

The most extreme of several values is biased away from zero, so every candidate stays in the tables beside the chosen.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RANKED, CONSECUTIVE = "ranked", "consecutive"
SLICE_RULES = (RANKED, CONSECUTIVE)


def chooseSlices(
    slices: Sequence[int], meansRad: Sequence[float], rule: str, nSlices: int, paramagneticSign: int = 0
) -> list[int]:
    """Positions in `slices` of those kept, the most extreme first.

    :param slices: slice indices, in any order. meansRad: their means, rad; NaN was not measured.
    :param rule: "ranked": the most extreme means; "consecutive": the run of adjacent slices whose sum is most extreme.
    :param paramagneticSign: -1 or 1 looks for the most extreme value of that sign; 0 for the largest size.
    :return: at most `nSlices`; of a region on fewer slices all of them when ranked, none when consecutive.
    """
    values = np.asarray(meansRad, dtype=float)
    measured = [int(position) for position in np.argsort(slices, kind="stable") if np.isfinite(values[position])]

    def extreme(value: float) -> float:
        return paramagneticSign * value if paramagneticSign else abs(value)

    def byExtreme(positions):
        return sorted(positions, key=lambda position: (-extreme(values[position]), slices[position]))

    if rule == RANKED:
        return byExtreme(measured)[:nSlices]
    runs = [measured[first : first + nSlices] for first in range(len(measured) - nSlices + 1)]
    runs = [run for run in runs if slices[run[-1]] - slices[run[0]] == nSlices - 1]
    if not runs:
        return []
    return byExtreme(max(runs, key=lambda run: extreme(float(values[run].sum()))))
