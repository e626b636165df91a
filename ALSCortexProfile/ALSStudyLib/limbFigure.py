"""The homunculus-like table as a picture: value and UMN score of each limb where one expects it, seen from the front.

A card per exam: arms above legs, the patient's right on the left. Outside stands the limb's UMN score, inside the value
of the hemisphere that goes with it. Sixty cards fit a page, and more are not drawn; one exam alone is drawn large.
"""

from __future__ import annotations

import math
import re
import textwrap

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .reportWords import counted, realMinus
from .studyCharts import (
    GROUP_COLORS,
    GROUP_MARKERS,
    HIGHEST_LIMB_UMN,
    LEFT,
    MINUS,
    OK,
    RIGHT,
    LimbChart,
    LimbRow,
    groupName,
)

COLUMNS, MOST_EXAMS = 6, 60
# Sizes in units of a value's cell width.
UMN_WIDTH, CELL_HEIGHT, HEADER, GAP_X, GAP_Y, HEADING = 0.46, 0.54, 0.5, 0.36, 0.28, 0.75
CARD_WIDTH = 2.0 + 2 * UMN_WIDTH
UNIT_IN = 0.375
KEY_LINE = 0.34  # of the words in the key
ONE_UNIT_IN = 1.2
TITLE_IN, NOTE_LINE_IN, FOOT_IN = 0.42, 0.145, 0.2
DASH = "\N{EN DASH}"
BAR_COLOR, BAR_WIDTH = "#a03030", 0.06
# Pale, so that a number can be read on every color: yellow to red for the value, white to blue for the UMN score.
VALUE_COLORS = LinearSegmentedColormap.from_list("value", ["#ffffff", "#fdf0cf", "#f8cf9c", "#eda487", "#dd7f7f"])
UMN_COLORS = LinearSegmentedColormap.from_list("umn", ["#ffffff", "#9fb9dc"])
STATUS_WORDS = {
    "no_band": "no band", "at_edge": "at edge", "poor_fit": "poor fit", "not_converged": "no fit",
    "invalid_input": "invalid", "not_measured": DASH, "n/a": DASH,
}  # fmt: skip
_ABOUT_UMN = re.compile(r" beside the UMN score.*$")  # what a title says of the scores
REGION_WORDS = {"hand_knob": "hand knob", "paracentral": "paracentral"}
DARK, GRAY = "0.1", "0.45"


def drawLimbs(chart: LimbChart) -> Figure:
    """Cards of all exams, or the one exam large."""
    return _drawOne(chart) if len(chart.exams()) == 1 else _drawMany(chart)


def _drawMany(chart: LimbChart) -> Figure:
    every, regions = chart.exams(), chart.regions()
    exams = dict(list(every.items())[:MOST_EXAMS])
    cardHeight = HEADER + CELL_HEIGHT * len(regions)
    stepX, stepY = CARD_WIDTH + GAP_X, cardHeight + GAP_Y
    subjects = [subject for subject, _ in every]
    places, headings, y, column, last = {}, [], 0.0, 0, None
    for key, rows in exams.items():
        group = rows[0].group
        if group != last:
            y += stepY if column else 0.0
            headings.append((y, group))
            y, column, last = y + HEADING, 0, group
        elif column == COLUMNS:
            y, column = y + stepY, 0
        places[key] = (column * stepX, y)
        column += 1
    width, height = COLUMNS * stepX - GAP_X, y + cardHeight
    lines = _keyWords(chart).count("\n") + 1
    keyHeight = max(len(regions) * CELL_HEIGHT + 1.15, KEY_LINE * lines + 0.35)
    left = len(every) - len(exams)
    more = f"... and {counted(left, 'more exam')}." if left else ""
    note = " ".join(filter(None, (more, chart.note)))
    figure, ax = _canvas(chart, width, height, -keyHeight, UNIT_IN, note, 125)
    _key(ax, chart, regions, -keyHeight + 0.1, width)
    for y, group in headings:
        color = GROUP_COLORS.get(group, GROUP_COLORS[""])
        ax.plot([0.13], [y + 0.31], GROUP_MARKERS.get(group, "X"), color=color, ms=6, clip_on=False)
        ofGroup = [subject for (subject, _), rows in every.items() if rows[0].group == group]
        count = len(set(ofGroup))
        words = f"{groupName(group)} (n = {count}" + (f", {len(ofGroup)} exams)" if len(ofGroup) > count else ")")
        ax.text(0.4, y + 0.31, words, color=DARK, fontweight="bold", fontsize=9, va="center_baseline")
        ax.plot([0, width], [y + 0.62, y + 0.62], color=color, lw=1.0)
    for (subject, exam), (x, y) in places.items():
        words = f"{subject} · {exam}" if subjects.count(subject) > 1 else subject
        ax.text(
            x + 0.5 * CARD_WIDTH, y + HEADER - 0.09, words, ha="center", va="bottom", fontsize=6.8, fontweight="bold"
        )
        _card(ax, chart, exams[subject, exam], regions, x, y + HEADER, fontSize=6.4)
    return figure


def _drawOne(chart: LimbChart) -> Figure:
    """One exam: large cells, every limb in words."""
    (rows,) = chart.exams().values()
    regions = chart.regions()
    margin, width, height = 0.62, CARD_WIDTH + 1.24, CELL_HEIGHT * len(regions)
    note = " ".join(_explanations(chart))
    figure, ax = _canvas(chart, width, height, -0.42, ONE_UNIT_IN, note, 88)
    _card(ax, chart, rows, regions, margin, 0.0, fontSize=14)
    style = {"va": "bottom", "fontsize": 8.5}
    for side, left in ((RIGHT, margin + UMN_WIDTH), (LEFT, margin + UMN_WIDTH + 1)):
        ax.text(left + 0.5, -0.05, f"{side}\nhemisphere", ha="center", fontweight="bold", **style)
        for line, region in enumerate(regions):
            words = REGION_WORDS.get(region, region.replace("_", " "))
            ax.text(left + 0.5, line * CELL_HEIGHT + 0.05, words, ha="center", va="top", fontsize=7.5, color="0.35")
            row, middle = _find(rows, region, side), (line + 0.5) * CELL_HEIGHT
            place, ha = (margin - 0.06, "right") if side == RIGHT else (margin + CARD_WIDTH + 0.06, "left")
            if _hasUmn(chart) and row and row.limb:
                words = row.limbWords.replace(" and ", "\nand ")
                ax.text(place, middle, words, ha=ha, va="center", fontsize=8.5)
    if _hasUmn(chart):
        for left in (margin, margin + UMN_WIDTH + 2):
            ax.text(left + 0.5 * UMN_WIDTH, -0.05, "UMN", ha="center", **style)
    for letter, place, ha in (("R", 0.0, "left"), ("L", width, "right")):
        ax.text(place, -0.05, letter, ha=ha, va="bottom", fontsize=11, fontweight="bold", color=GRAY)
    return figure


def _canvas(chart: LimbChart, width: float, height: float, top: float, unitIn: float, note: str, characters: int):
    """A figure and its axes in units of cells, y down, with title and note."""
    note = textwrap.fill(realMinus(note), characters)
    noteIn = NOTE_LINE_IN * (note.count("\n") + 1) + 0.08 if note else 0.0
    title = textwrap.fill(_title(chart), int(0.7 * characters))
    high = height - top + noteIn / unitIn
    sizeIn = unitIn * (width + 0.1) + 0.2, unitIn * (high + 0.05) + TITLE_IN + 0.17 * title.count("\n") + FOOT_IN
    figure = Figure(figsize=sizeIn, layout="constrained")
    figure.get_layout_engine().set(h_pad=0.08, w_pad=0.05)
    figure.suptitle(title, fontweight="bold", fontsize=10)
    ax = figure.subplots()
    ax.set(xlim=(-0.05, width + 0.05), ylim=(top + high + 0.05, top), aspect="equal", anchor="N")
    ax.set_axis_off()
    below = height + 0.08 / unitIn
    ax.text(0, below, note, va="top", fontsize=7.5, color="0.25", linespacing=1.3, in_layout=False)
    return figure, ax


def _title(chart: LimbChart) -> str:
    """Without the scores, where there are none."""
    words = realMinus(chart.title)
    return words if _hasUmn(chart) else _ABOUT_UMN.sub("", words)


def _card(ax, chart: LimbChart, rows: list[LimbRow], regions: list[str], x: float, y: float, fontSize: float):
    """The cells of one exam, their upper left corner at (x, y)."""
    hasUmn = _hasUmn(chart)
    for line, region in enumerate(regions):
        top = y + line * CELL_HEIGHT
        for side, left, umnLeft in ((RIGHT, x + UMN_WIDTH, x), (LEFT, x + UMN_WIDTH + 1, x + UMN_WIDTH + 2)):
            row = _find(rows, region, side)
            _valueCell(ax, chart, row, left, top, fontSize)
            if row is not None and isBeyond(chart, row.value):  # a bar on the outer side, for those who see no color
                edge = left if side == RIGHT else left + 1 - BAR_WIDTH
                ax.add_patch(Rectangle((edge, top), BAR_WIDTH, CELL_HEIGHT, facecolor=BAR_COLOR, lw=0, zorder=4))
            if hasUmn:
                _umnCell(ax, row, umnLeft, top, fontSize)
    ax.add_patch(
        Rectangle((x + UMN_WIDTH, y), 2, CELL_HEIGHT * len(regions), fill=False, edgecolor="0.55", lw=0.6, zorder=3)
    )


def _valueCell(ax, chart, row, left, top, fontSize):
    isMeasured = row is not None and math.isfinite(row.value)
    face = valueColor(chart, row.value) if isMeasured else "0.965"
    ax.add_patch(Rectangle((left, top), 1, CELL_HEIGHT, facecolor=face, edgecolor="0.8", lw=0.5))
    words = valueText(chart, row.value) if isMeasured else missingText(row)
    # Six characters where four or five are usual: a minus sign.
    fontSize *= min(1.0, 5.3 / len(words)) if isMeasured else 0.78
    weight = "bold" if isMeasured and isBeyond(chart, row.value) else "normal"
    ax.text(
        left + 0.5, top + 0.53 * CELL_HEIGHT, words, ha="center", va="center_baseline", fontweight=weight, zorder=5,
        color=DARK if isMeasured else GRAY, fontsize=fontSize,
    )  # fmt: skip


def _umnCell(ax, row, left, top, fontSize):
    known = row is not None and math.isfinite(row.umn)
    face = UMN_COLORS(min(max(row.umn / row.highestUmn, 0.0), 1.0)) if known else "w"
    ax.add_patch(Rectangle((left, top), UMN_WIDTH, CELL_HEIGHT, facecolor=face, edgecolor="0.85", lw=0.5))
    words = f"{row.umn:g}" if known else DASH
    ax.text(
        left + 0.5 * UMN_WIDTH, top + 0.53 * CELL_HEIGHT, words, ha="center", va="center_baseline", fontsize=fontSize,
        color=DARK if known else GRAY,
    )  # fmt: skip


def _key(ax, chart, regions, y, width):
    """A card with words instead of numbers, the color scale, and how to read it."""
    hasUmn = _hasUmn(chart)
    x, cell = 1.8, 2.45
    for side, left in ((RIGHT, x), (LEFT, x + cell)):
        ax.text(left + 0.5 * cell, y + 0.36, f"{side} hemisphere", ha="center", va="bottom", fontsize=6.6)
        for line, region in enumerate(regions):
            top = y + 0.46 + line * CELL_HEIGHT
            ax.add_patch(Rectangle((left, top), cell, CELL_HEIGHT, facecolor="w", edgecolor="0.55", lw=0.6))
            words = REGION_WORDS.get(region, region.replace("_", " "))
            ax.text(left + 0.5 * cell, top + 0.5 * CELL_HEIGHT, words, ha="center", va="center_baseline", fontsize=6.6)
            row = next((row for row in chart.rows if (row.region, row.side) == (region, side)), None)
            if hasUmn and row and row.limb:
                edge, ha = (left - 0.12, "right") if side == RIGHT else (left + cell + 0.12, "left")
                words = f"UMN {row.limbWords}".replace(" and ", "\nand ")
                ax.text(edge, top + 0.5 * CELL_HEIGHT, words, ha=ha, va="center_baseline", fontsize=6.6, color="0.25")
    left = x + 2 * cell + 2.55
    scaleWidth = 3.4
    low, high = chart.colorScale()
    for step in range(60):
        value = low + (high - low) * (step + 0.5) / 60
        place = left + step * scaleWidth / 60
        ax.add_patch(Rectangle((place, y + 0.5), scaleWidth / 60, 0.3, color=valueColor(chart, value), lw=0))
    ax.add_patch(Rectangle((left, y + 0.5), scaleWidth, 0.3, fill=False, edgecolor="0.6", lw=0.5))
    ax.text(left, y + 0.4, chart.valueLabel, va="bottom", fontsize=6.8, fontweight="bold")
    for value, place in ((low, left), (high, left + scaleWidth)):
        ax.text(place, y + 0.9, valueText(chart, value), ha="center", va="top", fontsize=6.6)
    share = (chart.limit - low) / (high - low)
    if 0.0 < share < 1.0:
        place = left + scaleWidth * share
        ax.plot([place, place], [y + 0.45, y + 0.85], color=BAR_COLOR, lw=1.6)
        if 0.28 < share < 0.72:  # beside the numbers of both ends
            ax.text(place, y + 0.9, valueText(chart, chart.limit), ha="center", va="top", fontsize=6.6, color=BAR_COLOR)
    words = _keyWords(chart)
    ax.text(left + scaleWidth + 0.9, y + 0.12, words, va="top", fontsize=6.6, color="0.25", linespacing=1.35)


def _keyWords(chart: LimbChart) -> str:
    return textwrap.fill(" ".join(_explanations(chart, withNote=False)), 47)


def _explanations(chart: LimbChart, withNote: bool = True) -> list[str]:
    rule = {
        "opposite": "Each value stands beside the UMN score of the opposite limb (crossed pathway).",
        "same": "Each value stands beside the UMN score of the limb on the same side.",
    }
    words = ["Seen from the front: the patient's right is on the left."]
    if _hasUmn(chart):
        words.append(f"{rule.get(chart.sideRule, '')} UMN: 0 to {HIGHEST_LIMB_UMN:g} per limb.")
        if any(row.highestUmn > HIGHEST_LIMB_UMN for row in chart.rows):
            words.append("Arm and leg: their sum.")
    if math.isfinite(chart.limit):
        beyond = "at or above" if chart.isLargerWorse else "at or below"
        words.append(f"Bold with a bar: {beyond} {chart.limitLabel or 'the limit'} ({valueText(chart, chart.limit)}).")
    if withNote and chart.note:
        words.append(chart.note)
    return words


def _find(rows: list[LimbRow], region: str, side: str) -> LimbRow | None:
    return next((row for row in rows if (row.region, row.side) == (region, side)), None)


def _hasUmn(chart: LimbChart) -> bool:
    return any(math.isfinite(row.umn) for row in chart.rows)


def valueText(chart: LimbChart, value: float) -> str:
    """As many decimals for all cells of a chart as its scale needs."""
    reach = max(abs(end) for end in chart.colorScale())
    digits = 3 if reach < 1 else 2 if reach < 10 else 1 if reach < 100 else 0
    return f"{value:.{digits}f}".replace("-", MINUS)


def missingText(row: LimbRow | None) -> str:
    return DASH if row is None or row.status in (OK, "") else STATUS_WORDS.get(row.status, row.status.replace("_", " "))


def isBeyond(chart: LimbChart, value: float) -> bool:
    """On the abnormal side of the limit; a value on the limit is positive, as in the ROC."""
    return value >= chart.limit if chart.isLargerWorse else value <= chart.limit


def valueColor(chart: LimbChart, value: float) -> tuple:
    low, high = chart.colorScale()
    # A falling scale (phase) is turned: the end that is more abnormal is darker.
    share = (value - low) / (high - low)
    return mpl.colors.to_rgba(VALUE_COLORS(Normalize(0.0, 1.0, clip=True)(share)))
