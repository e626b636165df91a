"""The charts of a study as pictures for a paper or a report: readable at half the width of a page, in gray, with any
color vision (a group is a color and a marker). Needs matplotlib, which Slicer does not ship; there `mrmlStudy` draws.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, MultipleLocator
from matplotlib.transforms import blended_transform_factory

from .limbFigure import drawLimbs
from .reportWords import realMinus
from .sliceFigures import figureStyle, saveFigure
from .studyCharts import (
    ALS,
    CONTROL,
    GROUP_COLORS,
    GROUP_MARKERS,
    MIMIC,
    MINUS,
    PAIRS,
    BoxChart,
    Chart,
    DifferenceChart,
    LimbChart,
    RangeChart,
    RocChart,
    RocLine,
    ScatterChart,
    groupName,
    groupsOf,
    isWhole,
    quartiles,
    sideBySide,
    swarm,
    withInterval,
)

WIDTH_IN = 4.8
# Heights of the axes: with title and note, the pictures of a page are about as high as its halves are wide.
HEIGHT_IN, ROC_HEIGHT_IN = 2.35, 2.4
ROC_LINE, ROC_LINES = 23, 17  # characters of a line of the legend beside a ROC; lines beside it
# Points; half as wide as a page, a picture is printed at three quarters of its size.
TITLE_SIZE, LABEL_SIZE, TICK_SIZE, LEGEND_SIZE, NOTE_SIZE = 10, 11, 10, 10, 9.5
POINT_SIZE = 5.5  # points, a marker's diameter
DARK, GRAY = "0.15", "0.45"
DASH = "\N{EN DASH}"
READER_MARKERS = ("*", "P", "v", "^", "<", ">")
LABEL_CHARACTERS = 30  # of an axis beside so high a figure
NOTE_CHARACTERS = 66  # in a line of a figure of that width
LEGEND_ROW_IN, NOTE_LINE_IN, TITLE_LINE_IN, DECORATION_IN = 0.21, 0.182, 0.19, 0.92
NAMED_OUTLIERS = 3


def writeFigures(folder: Path, charts: Sequence[Chart]) -> list[Path]:
    """One PNG per chart, named after it, each with the disclaimer; the folder is made."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with figureStyle():
        return [saveFigure(drawChart(chart), folder / f"{chart.name}.png") for chart in charts]


def drawChart(chart: Chart) -> Figure:
    """:raises TypeError: no chart of a study."""
    for kind, draw in _DRAW.items():
        if isinstance(chart, kind):
            return draw(chart)
    raise TypeError(f"Found a {type(chart).__name__}; expected one of {', '.join(kind.__name__ for kind in _DRAW)}.")


# Groups ---------------------------------------------------------------------------------------------------------


def drawBoxes(chart: BoxChart) -> Figure:
    """Boxes of quartiles with every value as a point; whiskers end at the last value within 1.5 quartile ranges."""
    figure, ax = _newFigure(chart, HEIGHT_IN, max(WIDTH_IN, 1.2 * len(chart.groups) + 1.2))
    low, high = _span(np.concatenate([np.empty(0), *chart.values]), chart.cutoff)
    diameter = _diameter(HEIGHT_IN, high - low)
    acrossIn = 0.8 * figure.get_figwidth() / max(len(chart.groups), 1)
    labels = []
    for place, (group, values, subjects) in enumerate(zip(chart.groups, chart.values, chart.subjects, strict=True)):
        values = np.asarray(values, float)
        color = GROUP_COLORS.get(group, GROUP_COLORS[""])
        finite = values[np.isfinite(values)]
        if len(finite) > 1:
            names = ("whislo", "q1", "med", "q3", "whishi")
            ax.bxp(
                [dict(zip(names, quartiles(finite), strict=True))],
                positions=[place],
                widths=0.62,
                showfliers=False,
                patch_artist=True,
                boxprops={"facecolor": (*color, 0.13), "edgecolor": color, "lw": 1.2},
                medianprops={"color": color, "lw": 2.4},
                whiskerprops={"color": color, "lw": 1.2},
                capprops={"color": color, "lw": 1.2},
                manage_ticks=False,
                zorder=1,
            )
        offsets = _capped(swarm(values, diameter) * 1.1 * POINT_SIZE / 72 / acrossIn, 0.42)
        _points(ax, place + offsets, values, group)
        _nameOutliers(ax, place + offsets, values, subjects)
        missing = len(values) - len(finite)
        labels.append(f"{groupName(group)}\nn = {len(finite)}" + (f"\n({missing} not measured)" if missing else ""))
    if math.isfinite(chart.cutoff):
        ax.axhline(chart.cutoff, color=DARK, lw=1.0, ls=(0, (5, 3)), zorder=0)
        ax.annotate(
            textwrap.fill(realMinus(chart.cutoffLabel), 9), (1.0, chart.cutoff), (4, 0),
            xycoords=("axes fraction", "data"), textcoords="offset points", va="center",
            fontsize=NOTE_SIZE, color=DARK, annotation_clip=False,
        )  # fmt: skip
    ax.set_xticks(range(len(labels)), labels)
    ax.tick_params(axis="x", length=0, labelsize=LABEL_SIZE)
    ax.set(xlim=(-0.5, max(len(labels), 1) - 0.5), ylim=(low, high), ylabel=chart.yLabel)
    return _finished(figure, ax, chart)


def _nameOutliers(ax, x, values, subjects):
    """Names beside the few most distant values beyond the whiskers."""
    if np.count_nonzero(np.isfinite(values)) < 5:
        return
    bottom, _, median, _, top = quartiles(values)
    beyond = np.flatnonzero((values > top) | (values < bottom))
    for index in beyond[np.argsort(-np.abs(values[beyond] - median), kind="stable")][:NAMED_OUTLIERS]:
        ax.annotate(
            subjects[index], (x[index], values[index]), (5, 0), textcoords="offset points",
            va="center", fontsize=8, color=GRAY,
        )  # fmt: skip


# Scatter --------------------------------------------------------------------------------------------------------


def drawScatter(chart: ScatterChart) -> Figure:
    """Values over a score; where a score of whole numbers is shared, points stand side by side."""
    figure, ax = _newFigure(chart, HEIGHT_IN)
    x, y = np.asarray(chart.x, float), np.asarray(chart.y, float)
    drawn = np.isfinite(x) & np.isfinite(y)
    low, high = _span(y[drawn])
    ax.set(ylim=(low, high), xlabel=chart.xLabel, ylabel=chart.yLabel)
    places = x.copy()
    if drawn.any() and isWhole(x[drawn]):
        first, last = x[drawn].min() - 0.6, x[drawn].max() + 0.6
        perDiameter = POINT_SIZE / 72 / (0.82 * figure.get_figwidth()) * (last - first)
        places = x + _capped(sideBySide(x, y, _diameter(HEIGHT_IN, high - low)) * perDiameter, 0.4)
        ax.set_xlim(first, last)
        if last - first < 14:
            ax.xaxis.set_major_locator(MultipleLocator(1))
    for group in groupsOf(chart.groups):
        mask = drawn & np.array([g == group for g in chart.groups], dtype=bool)
        if mask.any():
            who = len({subject for subject, isIn in zip(chart.subjects, mask, strict=True) if isIn})
            values = f"{np.count_nonzero(mask)} values, " if np.count_nonzero(mask) != who else ""
            _points(ax, places[mask], y[mask], group, f"{groupName(group)} ({values}n = {who})")
    return _finished(figure, ax, chart, columns=2)


# ROC ------------------------------------------------------------------------------------------------------------


def drawRoc(chart: RocChart) -> Figure:
    """ROC curves with 95 % band and cut-off, and visual readings as points; the diagonal is a coin's toss."""
    figure, ax = _newFigure(chart, ROC_HEIGHT_IN)
    ax.plot([0, 1], [0, 1], color="0.7", lw=0.9, ls=":", zorder=0)
    for curve in chart.curves:
        _rocLine(ax, curve)
    for index, point in enumerate(chart.points):
        ax.plot(
            [point.oneMinusSpecificity], [point.sensitivity], READER_MARKERS[index % len(READER_MARKERS)],
            ms=8 if index % len(READER_MARKERS) else 11, mfc=GROUP_COLORS[MIMIC], mec=DARK, mew=0.8, ls="none",
            zorder=6, label=realMinus(point.label), clip_on=False,
        )  # fmt: skip
    ticks = np.linspace(0, 1, 6)
    ax.set(xlim=(-0.015, 1.0), ylim=(0, 1.015), xlabel=f"1 {MINUS} specificity", ylabel="sensitivity", aspect="equal")
    ax.set_xticks(ticks)
    ax.set_yticks(ticks)
    ax.grid(color="0.93", lw=0.7)
    ax.set_axisbelow(True)
    return _finished(figure, ax, chart, columns=0 if _legendBeside(ax) else 1)


def _legendBeside(ax) -> bool:
    """A legend right of the square axes, which leave room there; not if it would be higher than they are."""
    handles, labels = ax.get_legend_handles_labels()
    wrapped = [
        "\n".join(line for part in label.split("\n") for line in textwrap.wrap(part, ROC_LINE)) for label in labels
    ]
    if sum(label.count("\n") + 1 for label in wrapped) > ROC_LINES:
        return False
    ax.legend(
        handles, wrapped, loc="upper left", bbox_to_anchor=(1.06, 1.0), frameon=False, fontsize=9.5, borderaxespad=0,
        borderpad=0, labelspacing=0.5, handlelength=1.6, handletextpad=0.5,
    )  # fmt: skip
    return True


def _rocLine(ax, curve: RocLine):
    color = GROUP_COLORS[CONTROL] if curve.isSymmetric else GROUP_COLORS[ALS]
    style = {"ls": "-", "lw": 2.2} if curve.isSymmetric else {"ls": (0, (4, 2)), "lw": 1.5}
    if len(curve.bandGrid):
        # Two filled bands would mix to a third color.
        look = (
            {"alpha": 0.14, "lw": 0}
            if curve.isSymmetric
            else {"facecolor": "none", "alpha": 0.55, "lw": 0.9, "ls": ":"}
        )
        ax.fill_between(curve.bandGrid, curve.bandLow, curve.bandHigh, color=color, **look)
    label = "\n".join(filter(None, (curve.label, curve.aucText.replace(" to ", DASH))))
    ax.plot(curve.oneMinusSpecificity, curve.sensitivity, color=color, label=label, zorder=3, **style)
    if curve.cutoffPoint is not None:
        marker = "o" if curve.isSymmetric else "s"
        ax.plot(
            [curve.cutoffPoint[0]], [curve.cutoffPoint[1]], marker, ms=8, mfc="w", mec=color, mew=2, zorder=5,
            ls="none", label=realMinus(curve.cutoffText or f"cut-off, {curve.label}"), clip_on=False,
        )  # fmt: skip


# Agreement ------------------------------------------------------------------------------------------------------


def drawDifference(chart: DifferenceChart) -> Figure:
    """Differences over means; bias and 95 % limits of agreement as lines, each with its 95 % CI as a band."""
    result = chart.blandAltman
    figure, ax = _newFigure(chart, 2.9, WIDTH_IN + 0.6)
    means, differences = np.asarray(result.means, float), np.asarray(result.differences, float)
    lines = (
        ("upper limit", result.upperLimit, (0, (5, 3))),
        ("bias", result.bias, "-"),
        ("lower limit", result.lowerLimit, (0, (5, 3))),
    )
    ends = [v for _, line, _ in lines for v in (line.value, line.ciLow, line.ciHigh)]
    low, high = _span(np.concatenate([differences, ends]), 0.0)
    ax.axhline(0.0, color="0.75", lw=0.8, zorder=0)
    for name, line, style in lines:
        if math.isfinite(line.value):
            ax.axhline(line.value, color=GROUP_COLORS[CONTROL], lw=1.5, ls=style, zorder=1)
            if math.isfinite(line.ciLow) and math.isfinite(line.ciHigh):
                ax.axhspan(line.ciLow, line.ciHigh, color=GROUP_COLORS[CONTROL], alpha=0.12, lw=0, zorder=0)
            ax.annotate(
                f"{name}\n{withInterval(line)}", (1.0, line.value), (4, 0), xycoords=("axes fraction", "data"),
                textcoords="offset points", va="center", fontsize=NOTE_SIZE, color=DARK, annotation_clip=False,
            )  # fmt: skip
    groups = chart.groups or (PAIRS,) * len(means)
    for group in groupsOf(groups):
        mask = np.array([g == group for g in groups], dtype=bool) & np.isfinite(differences)
        label = f"{groupName(group)} (n = {np.count_nonzero(mask)})" if chart.groups else None
        _points(ax, means[mask], differences[mask], group, label)
    first, second = ("\n".join(textwrap.wrap(label, LABEL_CHARACTERS)) for label in chart.labels)
    ax.set(
        ylim=(low, high),
        xlabel=f"mean of both, {chart.valueLabel}" + ("" if chart.groups else f"  (n = {result.n})"),
        ylabel=f"{first}\n{MINUS} {second}",
    )
    return _finished(figure, ax, chart, columns=3)


# Reference range ------------------------------------------------------------------------------------------------


def drawRange(chart: RangeChart) -> Figure:
    """Controls over age with the central 95 % and the CI of its limits, and a patient's point."""
    figure, ax = _newFigure(chart, HEIGHT_IN)
    ages, controls = np.asarray(chart.ages, float), np.asarray(chart.controls, float)
    grid = np.asarray(chart.gridAges, float)
    blue = GROUP_COLORS[CONTROL]
    ax.fill_between(grid, chart.low, chart.high, color=blue, alpha=0.10, lw=0, label="central 95 % of controls")
    for limit, interval in ((chart.low, chart.lowCi), (chart.high, chart.highCi)):
        ax.plot(grid, limit, color=blue, lw=1.4, ls=(0, (5, 3)))
        if len(interval):
            ax.fill_between(grid, *np.asarray(interval, float).T, color=blue, alpha=0.16, lw=0, zorder=0)
    if len(chart.lowCi) or len(chart.highCi):
        ax.fill_between([], [], [], color=blue, alpha=0.3, lw=0, label="95 % CI of its limits")
    ax.plot(
        grid, chart.center, color=blue, lw=1.6, label="expected at this age" if chart.isAged else "mean of controls"
    )
    label = f"controls (n = {np.count_nonzero(np.isfinite(controls))})"
    middle = float(np.mean(grid))
    if chart.isAged:
        places, patientPlace = ages, chart.patientAge
    else:
        diameter = _diameter(HEIGHT_IN, float(np.ptp(_span(np.append(controls, chart.patientValue)))))
        perDiameter = POINT_SIZE / 72 / (0.82 * figure.get_figwidth()) * float(np.ptp(grid))
        places, patientPlace = middle + _capped(swarm(controls, diameter) * perDiameter, 0.3), middle
    if chart.isPatientApart:
        patientPlace = chart.placeApart()
        if chart.unagedLimits:
            middleOf = 0.5 * sum(chart.unagedLimits)
            reach = 0.5 * (chart.unagedLimits[1] - chart.unagedLimits[0])
            ax.errorbar([patientPlace], [middleOf], [reach], fmt="none", ecolor=blue, elinewidth=1.4, capsize=5)
    _points(ax, places, controls, CONTROL, label, hollow=True)
    if math.isfinite(chart.patientValue):
        ax.plot(
            [patientPlace], [chart.patientValue], "*", ms=15, mfc=GROUP_COLORS[ALS], mec="w", mew=0.8, zorder=6,
            ls="none", label=chart.patientLabel or "patient",
        )  # fmt: skip
    _axisOfAge(ax, chart, np.concatenate([grid, places, [patientPlace]]))
    extremes = (controls, [chart.patientValue], chart.low, chart.high, np.ravel(chart.lowCi), np.ravel(chart.highCi))
    ax.set(ylabel=chart.yLabel, ylim=_span(np.concatenate([*extremes, chart.unagedLimits])))
    return _finished(figure, ax, chart, columns=2)


def _axisOfAge(ax, chart: RangeChart, places: np.ndarray):
    first, last = float(np.nanmin(places)), float(np.nanmax(places))
    if not chart.isAged:
        ax.set(xlim=(first, last), xticks=[], xlabel="all ages together")
        return
    ax.set(xlim=(first - 2, last + 2), xlabel="age [years]")
    ax.xaxis.set_major_locator(MaxNLocator(8, integer=True, steps=(1, 2, 5, 10)))
    if chart.isPatientApart:
        ticks = [age for age in range(0, 121, 10) if first - 2 <= age <= np.max(chart.gridAges)]
        ax.set_xticks([*ticks, last], [*map(str, ticks), "not\nknown"])


# What the figures share -----------------------------------------------------------------------------------------


def _newFigure(chart, height: float, width: float = WIDTH_IN):
    """A figure with axes of that inner height (inches), to be completed by `_finished`."""
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.09, w_pad=0.06, hspace=0)
    title = textwrap.fill(realMinus(chart.title), int(0.86 * NOTE_CHARACTERS * width / WIDTH_IN))
    figure.suptitle(title, fontweight="bold", fontsize=TITLE_SIZE)
    ax, below = figure.subplots(2, 1, height_ratios=(height, 0.01))
    below.set_axis_off()
    ax.tick_params(labelsize=TICK_SIZE)
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_size(LABEL_SIZE)
    return figure, ax


def _finished(figure: Figure, ax, chart, columns: int = 1) -> Figure:
    """Legend and note below the axes, and the figure as high as they need. :param columns: 0 for no legend."""
    height, width = figure.get_figheight(), figure.get_figwidth()
    below = figure.axes[1]
    # From the left edge of the figure down from the upper edge of the lower axes.
    place = blended_transform_factory(figure.transFigure, below.transAxes)
    handles, labels = ax.get_legend_handles_labels() if columns else ([], [])
    legendIn = LEGEND_ROW_IN * _rowsOf(labels, columns) + 0.06 if handles else 0.0
    note = textwrap.fill(realMinus(chart.note), int(NOTE_CHARACTERS * width / WIDTH_IN))
    noteIn = NOTE_LINE_IN * (note.count("\n") + 1) if note else 0.0
    textIn = max(legendIn + noteIn, 0.01)
    if handles:
        legend = below.legend(
            handles, labels, loc="upper left", bbox_to_anchor=(0.02, 1.0), bbox_transform=place, ncols=columns,
            frameon=False, fontsize=LEGEND_SIZE, borderaxespad=0, borderpad=0, labelspacing=0.45,
        )  # fmt: skip
        legend.set_in_layout(False)
    below.text(
        0.025, 1.0 - legendIn / textIn, note, transform=place, va="top", fontsize=NOTE_SIZE, color="0.25",
        linespacing=1.3, in_layout=False,
    )  # fmt: skip
    ax.get_gridspec().set_height_ratios((height, textIn))
    titleIn = TITLE_LINE_IN * (figure.get_suptitle().count("\n") + 1)
    figure.set_size_inches(width, height + textIn + titleIn + DECORATION_IN)
    return figure


def _rowsOf(labels: Sequence[str], columns: int) -> int:
    """Lines of a legend."""
    return math.ceil(sum(label.count("\n") + 1 for label in labels) / columns)


def _points(ax, x, y, group: str, label: str | None = None, hollow: bool = False):
    color = GROUP_COLORS.get(group, GROUP_COLORS[""])
    ax.plot(
        x, y, GROUP_MARKERS.get(group, "X"), ms=POINT_SIZE, mfc="w" if hollow else (*color, 0.8),
        mec=color if hollow else "w", mew=1.0 if hollow else 0.5, ls="none", label=label, zorder=4,
    )  # fmt: skip


def _span(values: np.ndarray, *more: float) -> tuple[float, float]:
    """Limits of an axis that shows all finite values with some air."""
    every = np.concatenate([np.ravel(values), more])
    every = every[np.isfinite(every)]
    if not len(every):
        return 0.0, 1.0
    low, high = float(every.min()), float(every.max())
    air = 0.06 * (high - low) or 0.05 * abs(high) or 0.5
    return low - air, high + air


def _diameter(height: float, span: float) -> float:
    """Of a point, in units of an axis that spans so much in `height` inches."""
    return 1.1 * POINT_SIZE / 72 / height * span


def _capped(offsets: np.ndarray, most: float) -> np.ndarray:
    """Squeezed so that points of a group do not reach the next group."""
    greatest = np.nanmax(np.abs(offsets)) if np.isfinite(offsets).any() else 0.0
    return offsets * (most / greatest) if greatest > most else offsets


_DRAW = {
    BoxChart: drawBoxes,
    ScatterChart: drawScatter,
    RocChart: drawRoc,
    LimbChart: drawLimbs,
    DifferenceChart: drawDifference,
    RangeChart: drawRange,
}
