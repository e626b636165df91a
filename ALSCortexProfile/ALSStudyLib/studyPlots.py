"""The charts of a study as points and lines, which is all that Slicer's plots can draw; without Slicer, to be tested.

Slicer has neither boxes nor filled bands: a box, and a band, is one line around it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from .reportWords import counted, realMinus
from .studyCharts import (
    ALS,
    CONTROL,
    GROUP_COLORS,
    MIMIC,
    MINUS,
    PAIRS,
    BoxChart,
    Chart,
    DifferenceChart,
    RangeChart,
    RocChart,
    ScatterChart,
    groupName,
    groupsOf,
    isWhole,
    quartiles,
    sideBySide,
    swarm,
    withInterval,
)

_GRAY = GROUP_COLORS[""]
_BLACK = (0.1, 0.1, 0.1)
_MARKERS = {ALS: "Circle", CONTROL: "Square", MIMIC: "Diamond", PAIRS: "Circle"}
_READER_MARKERS = ("Diamond", "Cross", "Plus", "Circle", "Square")
_LEGEND_ROW = 0.04  # of the height of a plot
_BOX_HALF_WIDTH, _CAP_HALF_WIDTH = 0.31, 0.15


@dataclass(frozen=True)
class PlotSeries:
    """Points or a line of a plot.

    :param key: column name, and what tells it apart in its plot. labels: one per point, shown under the mouse.
    :param line: Solid, Dash, Dot or None; marker: Circle, Square, Diamond, Cross, Plus or None, as Slicer names them.
    """

    key: str
    name: str
    x: np.ndarray
    y: np.ndarray
    color: tuple[float, float, float]
    line: str = "None"
    width: float = 1.0
    marker: str = "None"
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plot:
    """:param hasLegend: False where the title of an axis says what is drawn."""

    title: str
    xLabel: str
    yLabel: str
    series: tuple[PlotSeries, ...]
    hasLegend: bool = True

    def ranges(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of both axes: nothing is cut, and the legend, which Slicer puts at the upper right, covers nothing."""
        x = np.concatenate([part.x for part in self.series]) if self.series else np.empty(0)
        y = np.concatenate([part.y for part in self.series]) if self.series else np.empty(0)
        rows = sum(len(part.x) > 0 for part in self.series) if self.hasLegend else 0
        return span(x, air=0.03), span(y, headroom=min(_LEGEND_ROW * rows, 0.4))


def span(values: np.ndarray, air: float = 0.04, headroom: float = 0.0) -> tuple[float, float]:
    """Ends of an axis around values; `air` is a share of theirs on both ends, `headroom` the axis' share on top."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    margin = air * (high - low) or 0.05 * abs(high) or 0.5
    low, high = low - margin, high + margin
    return low, low + (high - low) / (1.0 - headroom)


def plotOf(chart: Chart) -> Plot:
    """What Slicer draws of a chart.

    :raises TypeError: no chart that Slicer can plot.
    """
    for kind, make in _PLOTS.items():
        if isinstance(chart, kind):
            plot = make(chart)
            series = tuple(replace(part, name=realMinus(part.name)) for part in plot.series)
            return replace(plot, title=realMinus(plot.title), xLabel=realMinus(plot.xLabel), series=series)
    raise TypeError(f"Found a {type(chart).__name__}; expected one of {', '.join(kind.__name__ for kind in _PLOTS)}.")


def _boxPlot(chart: BoxChart) -> Plot:
    series, words = [], []
    finite = np.concatenate([np.empty(0), *chart.values])
    diameter = 0.025 * (np.ptp(finite[np.isfinite(finite)]) if np.isfinite(finite).any() else 1.0) or 1.0
    for number, (group, values, subjects) in enumerate(zip(chart.groups, chart.values, chart.subjects, strict=True), 1):
        values = np.asarray(values, float)
        measured = np.isfinite(values)
        name = f"{groupName(group)} (n = {np.count_nonzero(measured)})"
        words.append(f"{number}: {name}")
        if np.count_nonzero(measured) > 1:
            x, y = _boxLine(number, quartiles(values))
            color = GROUP_COLORS.get(group, _GRAY)
            series.append(PlotSeries(f"box_{number}", f"{groupName(group)}, quartiles", x, y, color, "Solid", 2.0))
        offsets = np.clip(0.045 * swarm(values, diameter), -0.4, 0.4)
        series.append(_points(f"group_{number}", name, number + offsets, values, group, subjects))
    last = len(chart.groups) + 0.6
    if math.isfinite(chart.cutoff):
        series.append(_level("cutoff", chart.cutoffLabel or "cut-off", 0.4, last, chart.cutoff, _BLACK, "Dash"))
        words.append(f"dashed: {chart.cutoffLabel or 'cut-off'}")
    return Plot(chart.title, "   ".join(words), chart.yLabel, tuple(series), hasLegend=False)


def _boxLine(place: float, levels: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A box with median and whiskers in one stroke, some of it drawn twice."""
    bottom, lower, median, upper, top = levels
    left, right = place - _BOX_HALF_WIDTH, place + _BOX_HALF_WIDTH
    first, last = place - _CAP_HALF_WIDTH, place + _CAP_HALF_WIDTH
    path = [
        (left, median), (right, median), (right, upper), (place, upper), (place, top), (first, top), (last, top),
        (place, top), (place, upper), (left, upper), (left, lower), (place, lower), (place, bottom), (first, bottom),
        (last, bottom), (place, bottom), (place, lower), (right, lower), (right, median),
    ]  # fmt: skip
    x, y = np.array(path).T
    return x, y


def _scatterPlot(chart: ScatterChart) -> Plot:
    x, y = np.asarray(chart.x, float), np.asarray(chart.y, float)
    drawn = np.isfinite(x) & np.isfinite(y)
    places = x
    if drawn.any() and isWhole(x[drawn]):
        offsets = sideBySide(x, y, 0.025 * float(np.ptp(y[drawn])) or 1.0)
        places = x + np.clip(0.012 * (np.ptp(x[drawn]) + 1.2) * offsets, -0.4, 0.4)
    series = []
    for number, group in enumerate(groupsOf(chart.groups), 1):
        mask = drawn & np.array([g == group for g in chart.groups], dtype=bool)
        subjects = tuple(subject for subject, isIn in zip(chart.subjects, mask, strict=True) if isIn)
        name = f"{groupName(group)} ({counted(len(subjects), 'value')}, n = {len(set(subjects))})"
        series.append(_points(f"group_{number}", name, places[mask], y[mask], group, subjects))
    return Plot(chart.title, chart.xLabel, chart.yLabel, tuple(series))


def _rocPlot(chart: RocChart) -> Plot:
    ends = np.array([0.0, 1.0])
    series = [PlotSeries("chance", "chance", ends, ends, _GRAY, "Dot", 1.0)]
    for number, curve in enumerate(chart.curves, 1):
        color = GROUP_COLORS[CONTROL if curve.isSymmetric else ALS]
        line, width = ("Solid", 3.0) if curve.isSymmetric else ("Dash", 2.0)
        if len(curve.bandGrid):
            x, y = _around(curve.bandGrid, curve.bandLow, curve.bandHigh)
            series.append(PlotSeries(f"band_{number}", f"{curve.label}: 95 % band", x, y, color, "Dot", 1.0))
        name = ": ".join(filter(None, (curve.label, curve.aucText)))
        x, y = np.asarray(curve.oneMinusSpecificity, float), np.asarray(curve.sensitivity, float)
        series.append(PlotSeries(f"curve_{number}", name, x, y, color, line, width))
        if curve.cutoffPoint is not None:
            name = curve.cutoffText or f"cut-off, {curve.label}"
            marker = "Circle" if curve.isSymmetric else "Square"
            series.append(_point(f"cutoff_{number}", name, *curve.cutoffPoint, color, marker))
    for number, point in enumerate(chart.points, 1):
        marker = _READER_MARKERS[(number - 1) % len(_READER_MARKERS)]
        series.append(
            _point(
                f"reading_{number}",
                point.label,
                point.oneMinusSpecificity,
                point.sensitivity,
                GROUP_COLORS[MIMIC],
                marker,
            )
        )
    return Plot(chart.title, f"1 {MINUS} specificity", "sensitivity", tuple(series))


def _differencePlot(chart: DifferenceChart) -> Plot:
    result = chart.blandAltman
    means, differences = np.asarray(result.means, float), np.asarray(result.differences, float)
    series = []
    groups = chart.groups or (PAIRS,) * len(means)
    for number, group in enumerate(groupsOf(groups), 1):
        mask = np.array([g == group for g in groups], dtype=bool)
        name = f"{groupName(group)} (n = {np.count_nonzero(mask)})"
        series.append(_points(f"group_{number}", name, means[mask], differences[mask], group))
    first, last = (float(np.min(means)), float(np.max(means))) if len(means) else (0.0, 1.0)
    for key, name, line, style in (
        ("upper", "upper limit", result.upperLimit, "Dash"),
        ("bias", "bias", result.bias, "Solid"),
        ("lower", "lower limit", result.lowerLimit, "Dash"),
    ):
        if math.isfinite(line.value):
            words = f"{name} {withInterval(line)}"
            series.append(_level(key, words, first, last, line.value, GROUP_COLORS[CONTROL], style, 2.0))
        if math.isfinite(line.ciLow) and math.isfinite(line.ciHigh):
            x, y = _around(np.array([first, last]), np.full(2, line.ciLow), np.full(2, line.ciHigh))
            words = f"{name}: 95 % CI"
            series.append(PlotSeries(f"{key}_ci", words, x, y, _GRAY, "Dot", 1.0))
    return Plot(
        chart.title,
        f"mean of both, {chart.valueLabel}",
        f"{chart.labels[0]} {MINUS} {chart.labels[1]}",
        tuple(series),
    )


def _rangePlot(chart: RangeChart) -> Plot:
    blue = GROUP_COLORS[CONTROL]
    grid, controls = np.asarray(chart.gridAges, float), np.asarray(chart.controls, float)
    middle = float(np.mean(grid))
    x, y = _around(grid, chart.low, chart.high)
    series = [PlotSeries("limits", "central 95 % of controls", x, y, blue, "Dash", 2.0)]
    for key, name, interval in (("low_ci", "lower", chart.lowCi), ("high_ci", "upper", chart.highCi)):
        if len(interval):
            x, y = _around(grid, *np.asarray(interval, float).T)
            series.append(PlotSeries(key, f"{name} limit, 95 % CI", x, y, _GRAY, "Dot", 1.0))
    center = "expected at this age" if chart.isAged else "mean of controls"
    series.append(PlotSeries("center", center, grid, np.asarray(chart.center, float), blue, "Solid", 2.0))
    places = np.asarray(chart.ages, float) if chart.isAged else np.full(len(controls), middle)
    name = f"controls (n = {np.count_nonzero(np.isfinite(controls))})"
    series.append(_points("controls", name, places, controls, CONTROL))
    if math.isfinite(chart.patientValue):
        name, place = chart.patientLabel or "patient", chart.patientAge if chart.isAged else middle
        if chart.isPatientApart:
            name, place = f"{name}, age not known", chart.placeApart()
            if chart.unagedLimits:
                limits = np.array(chart.unagedLimits)
                words = "central 95 %, all ages together"
                series.append(PlotSeries("unaged", words, np.full(2, place), limits, blue, "Solid", 2.0))
        series.append(_point("patient", name, place, chart.patientValue, GROUP_COLORS[ALS], "Diamond"))
    return Plot(chart.title, "age [years]" if chart.isAged else "all ages together", chart.yLabel, tuple(series))


_PLOTS = {
    BoxChart: _boxPlot,
    ScatterChart: _scatterPlot,
    RocChart: _rocPlot,
    DifferenceChart: _differencePlot,
    RangeChart: _rangePlot,
}


def _points(key, name, x, y, group, labels=()) -> PlotSeries:
    """Points of a group; what is NaN is left out."""
    drawn = np.isfinite(x) & np.isfinite(y)
    labels = tuple(label for label, isIn in zip(labels, drawn, strict=True) if isIn) if len(labels) else ()
    color, marker = GROUP_COLORS.get(group, _GRAY), _MARKERS.get(group, "Cross")
    return PlotSeries(key, name, x[drawn], y[drawn], color, marker=marker, labels=labels)


def _point(key, name, x, y, color, marker) -> PlotSeries:
    return PlotSeries(key, name, np.array([x]), np.array([y]), color, marker=marker)


def _level(key, name, first, last, level, color, line, width=1.0) -> PlotSeries:
    return PlotSeries(key, name, np.array([first, last]), np.full(2, level), color, line, width)


def _around(x, low, high) -> tuple[np.ndarray, np.ndarray]:
    """A band as one line around it."""
    x, low, high = (np.asarray(values, float) for values in (x, low, high))
    return np.concatenate([x, x[::-1], x[:1]]), np.concatenate([low, high[::-1], low[:1]])
