"""What a study's charts show, as plain numbers and words: matplotlib and Slicer's plots draw the same content.

`name` is a file name without suffix, and the key by which Slicer's nodes are found again. `note` is one line that is
printed with the chart (a statistic with its interval, what was left out). Arrays are 1D; NaN is not drawn, but counted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .agreement import BlandAltman
    from .estimate import Estimate

ALS, CONTROL, MIMIC = "als", "control", "mimic"
GROUP_NAMES = {ALS: "ALS", CONTROL: "Controls", MIMIC: "Mimics", "": "Group unknown"}
# Told apart with any color vision and in gray print (after Paul Tol), and by the shape of the marker.
GROUP_COLORS = {
    ALS: (0.733, 0.333, 0.400),
    CONTROL: (0.000, 0.267, 0.533),
    MIMIC: (0.800, 0.580, 0.120),
    "": (0.45, 0.45, 0.45),
}
GROUP_MARKERS = {ALS: "o", CONTROL: "s", MIMIC: "D", "": "X", "pairs": "o"}  # as matplotlib names them
PAIRS = "pairs"  # instead of a group, where all are drawn alike
RIGHT, LEFT = "right", "left"
OK = "ok"
MINUS = "\N{MINUS SIGN}"
HIGHEST_LIMB_UMN = 8.0  # of the papers' UMN score per limb


def groupName(group: str) -> str:
    return GROUP_NAMES.get(group, group)


def groupsOf(groups: Sequence[str]) -> list[str]:
    """Groups that occur, in the order of legends."""
    known = [group for group in GROUP_NAMES if group in groups]
    return known + sorted(set(groups) - set(known))


@dataclass(frozen=True)
class BoxChart:
    """One measure by group.

    :param groups: "als", "control", "mimic" (or other words), in the order drawn. values: one array per group.
    :param subjects: who each value is of, one tuple per group; an outlier is named in the picture.
    :param cutoff: a line across the groups, in words `cutoffLabel`; NaN for none.
    """

    name: str
    title: str
    yLabel: str
    groups: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    subjects: tuple[tuple[str, ...], ...]
    note: str = ""
    cutoff: float = math.nan
    cutoffLabel: str = ""


@dataclass(frozen=True)
class ScatterChart:
    """One measure against a clinical score; groups and subjects name each point. `note` holds rho and its CI."""

    name: str
    title: str
    xLabel: str
    yLabel: str
    x: np.ndarray
    y: np.ndarray
    groups: tuple[str, ...]
    subjects: tuple[str, ...]
    note: str = ""


@dataclass(frozen=True)
class RocLine:
    """One ROC curve, from (0, 0) to (1, 1) or back.

    :param label: the rule or the test. aucText: such as "AUC 0.89 (0.79 to 0.99)".
    :param bandGrid, bandLow, bandHigh: pointwise 95 % band of the sensitivity over 1 - specificity; empty for none.
    :param cutoffPoint: (1 - specificity, sensitivity) at the cut-off; None for none. cutoffText: names it.
    :param isSymmetric: drawn as the main curve; the paper's rule, which favors patients, is drawn thinner and dashed.
    """

    label: str
    oneMinusSpecificity: np.ndarray
    sensitivity: np.ndarray
    bandGrid: np.ndarray = field(default_factory=lambda: np.empty(0))
    bandLow: np.ndarray = field(default_factory=lambda: np.empty(0))
    bandHigh: np.ndarray = field(default_factory=lambda: np.empty(0))
    cutoffPoint: tuple[float, float] | None = None
    aucText: str = ""
    cutoffText: str = ""
    isSymmetric: bool = True


@dataclass(frozen=True)
class RocPoint:
    """A yes-or-no test on the same subjects, such as a reader's visual reading."""

    label: str
    oneMinusSpecificity: float
    sensitivity: float


@dataclass(frozen=True)
class RocChart:
    """Curves side by side (paper and symmetric rule), and visual readings as points."""

    name: str
    title: str
    curves: tuple[RocLine, ...]
    points: tuple[RocPoint, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class LimbRow:
    """One hemisphere's value of one region, and the limb that goes with it.

    :param region: "hand_knob", "paracentral", or another. side: the hemisphere's, "left" or "right".
    :param value: NaN where not measured; `status` says why.
    :param limb: such as "arm_left", or "arm_leg_left" for both of a body side. umn: 0-8 for each, or NaN.
    """

    subject: str
    exam: str
    group: str
    region: str
    side: str
    value: float
    status: str
    limb: str
    umn: float

    @property
    def limbWords(self) -> str:
        """The limb for a person: left arm, left arm and leg, or nothing."""
        *names, side = self.limb.split("_")
        return f"{side} {' and '.join(names)}" if names else self.limb

    @property
    def highestUmn(self) -> float:
        return HIGHEST_LIMB_UMN * max(self.limb.count("_"), 1)


@dataclass(frozen=True)
class LimbChart:
    """The homunculus-like table: each exam's four values as seen from the front (the patient's right on the left), hand
    knob above paracentral lobule, each beside the UMN score of its limb. One exam alone is drawn large.

    :param rows: exams are drawn in the order of their first row, group by group. sideRule: "opposite" or "same".
    :param limit: values beyond it are marked (a cut-off, or a reference limit); NaN for none. limitLabel: its name.
    :param isLargerWorse: False for phase values, where iron is negative.
    :param scale: least and most abnormal value of the color scale; empty for that of the rows.
    """

    name: str
    title: str
    valueLabel: str
    rows: tuple[LimbRow, ...]
    sideRule: str = "opposite"
    limit: float = math.nan
    limitLabel: str = ""
    isLargerWorse: bool = True
    note: str = ""
    scale: tuple[float, ...] = ()

    def exams(self) -> dict[tuple[str, str], list[LimbRow]]:
        """Rows by (subject, exam), in the order drawn: ALS, controls, mimics, others."""
        order = list(GROUP_NAMES)
        found: dict[tuple[str, str], list[LimbRow]] = {}
        for row in sorted(self.rows, key=lambda row: order.index(row.group) if row.group in order else len(order)):
            found.setdefault((row.subject, row.exam), []).append(row)
        return found

    def regions(self) -> list[str]:
        """Hand knob above paracentral lobule, others below in order."""
        order = {"hand_knob": -2, "paracentral": -1}
        return sorted(dict.fromkeys(row.region for row in self.rows), key=lambda name: order.get(name, 0))

    def ofExam(self, subject: str, exam: str, name: str, title: str) -> LimbChart:
        """The chart of one exam alone, in the colors of the whole."""
        rows = tuple(row for row in self.rows if (row.subject, row.exam) == (subject, exam))
        return replace(self, name=name, title=title, rows=rows, scale=self.colorScale())

    def colorScale(self) -> tuple[float, float]:
        """Least and most abnormal value of the color scale: 5 % of the values are beyond each.

        A limit is not beyond its middle, so that a cohort without disease does not look ill.
        """
        if self.scale:
            return self.scale[0], self.scale[1]
        values = np.array([row.value for row in self.rows if math.isfinite(row.value)])
        if not len(values):
            return 0.0, 1.0
        low, high = (float(value) for value in np.percentile(values, (5, 95) if self.isLargerWorse else (95, 5)))
        if math.isfinite(self.limit):
            high = (max if self.isLargerWorse else min)(high, 2 * self.limit - low)
        return (low, high) if low != high else (low, low + (1.0 if self.isLargerWorse else -1.0))


@dataclass(frozen=True)
class DifferenceChart:
    """Bland-Altman: differences over means, bias and limits of agreement with their 95 % CI.

    :param labels: what was compared, first and second ("reader A", "reader B"); the difference is first minus second.
    :param groups: group of each pair, or empty.
    """

    name: str
    title: str
    valueLabel: str
    blandAltman: BlandAltman
    labels: tuple[str, str]
    groups: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class RangeChart:
    """A site's reference range over age, its controls, and a patient's value.

    :param ages, controls: (n,) of each control, years; all ages NaN where the range does not allow for age: then the
        limits are the same everywhere, and age is not drawn.
    :param gridAges, low, center, high: (m,) the central 95 % of controls over age.
    :param patientAge, patientValue: no value for a chart of the range alone; a patient of unknown age stands apart,
        beside `unagedLimits` (low, high).
    :param lowCi, highCi: (m, 2) 95 % CI of each limit; empty for none.
    """

    name: str
    title: str
    yLabel: str
    ages: np.ndarray
    controls: np.ndarray
    gridAges: np.ndarray
    low: np.ndarray
    center: np.ndarray
    high: np.ndarray
    patientAge: float = math.nan
    patientValue: float = math.nan
    patientLabel: str = ""
    note: str = ""
    lowCi: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    highCi: np.ndarray = field(default_factory=lambda: np.empty((0, 2)))
    unagedLimits: tuple[float, ...] = ()

    @property
    def isAged(self) -> bool:
        return bool(np.isfinite(self.ages).all())

    @property
    def isPatientApart(self) -> bool:
        """A patient without age beside a range over age."""
        return self.isAged and math.isfinite(self.patientValue) and not math.isfinite(self.patientAge)

    def placeApart(self) -> float:
        """Where on the axis of age a patient of unknown age stands: right of all ages."""
        ages = np.concatenate([self.ages, self.gridAges])
        return float(ages.max() + 0.14 * max(np.ptp(ages), 10.0))


Chart = BoxChart | ScatterChart | RocChart | LimbChart | DifferenceChart | RangeChart


def swarm(values: np.ndarray, diameter: float) -> np.ndarray:
    """Places side by side for points that would cover each other; always the same for the same values.

    :param values: (n,). diameter: of a point, in units of the values.
    :returns: (n,) sideways offsets in diameters; NaN for NaN.
    """
    values = np.asarray(values, dtype=float)
    offsets = np.full(len(values), np.nan)
    placed = np.empty((0, 2))
    for index in np.argsort(values, kind="stable"):
        if not math.isfinite(values[index]):
            continue
        height = values[index] / diameter
        near = placed[np.abs(placed[:, 1] - height) < 1.0]
        for step in range(4 * len(near) + 2):
            offset = 0.5 * ((step + 1) // 2) * (-1) ** step
            if not len(near) or np.min(np.hypot(near[:, 0] - offset, near[:, 1] - height)) >= 0.999:
                break
        offsets[index] = offset
        placed = np.vstack([placed, [offset, height]])
    return offsets


def isWhole(values: np.ndarray) -> bool:
    """Few whole numbers: a score, no duration or age."""
    return bool(np.all(values == np.round(values)) and np.ptp(values) <= 40)


def sideBySide(x: np.ndarray, y: np.ndarray, diameter: float) -> np.ndarray:
    """Offsets (n,) in diameters for points that share a score x."""
    offsets = np.zeros(len(x))
    for score in np.unique(x[np.isfinite(x)]):
        offsets[x == score] = swarm(y[x == score], diameter)
    return offsets


def quartiles(values: np.ndarray) -> tuple[float, float, float, float, float]:
    """Lower whisker, quartiles 1 to 3, upper whisker: the last value within 1.5 quartile ranges (Tukey).

    :raises ValueError: no value.
    """
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        raise ValueError("Found no finite value; expected at least one.")
    lower, median, upper = np.percentile(finite, [25, 50, 75])
    reach = 1.5 * (upper - lower)
    # A whisker never ends inside its box.
    bottom = min(finite[finite >= lower - reach].min(), lower)
    top = max(finite[finite <= upper + reach].max(), upper)
    return float(bottom), float(lower), float(median), float(upper), float(top)


def withInterval(estimate: Estimate) -> str:
    """A number with its 95 % CI, to digits that the interval's width warrants."""
    ends = (estimate.ciLow, estimate.ciHigh)
    if not all(map(math.isfinite, ends)):
        return f"{estimate.value:.3g}".replace("-", MINUS)
    width = ends[1] - ends[0]
    digits = min(max(1 - math.floor(math.log10(width)), 0), 6) if width > 0 else 3
    return f"{estimate.value:.{digits}f} ({ends[0]:.{digits}f} to {ends[1]:.{digits}f})".replace("-", MINUS)
