"""What the figures of both modules share: panels at known places, a slice as a radiologist sees it, one look.

Slices are shown in the radiological convention (the patient's right on the left of the picture) as far as the image's
own axes allow. Needs matplotlib, which Slicer does not ship: the command line has it, a panel uses Slicer's own views.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import TICKDOWN, TICKLEFT, TICKRIGHT, Line2D
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation
from PIL import Image

from .image import ImageVolume
from .provenance import DISCLAIMER

DPI = 150
FOOTER = 0.03  # share of the height kept for the disclaimer
TITLE_TOP_IN, X_LABEL_IN, TICK_IN, LABEL_GAP_IN = 0.042, 0.29, 3.5 / 72, 4 / 72
# Widths of DejaVu Sans in ems: of the signs in a number, and what words are surely narrower than.
DIGIT_EM, NUMBER_EM, WIDEST_EM = 0.637, {".": 0.318, "\N{MINUS SIGN}": 0.838}, 0.8
# Of a scale: marker of a tick, direction of what is written, its alignment.
SIDES = {
    "bottom": (TICKDOWN, 0, -1, "center", "top"),
    "left": (TICKLEFT, -1, 0, "right", "center_baseline"),
    "right": (TICKRIGHT, 1, 0, "left", "center_baseline"),
}
COMPRESS_LEVEL = 1  # of PNG: higher ones take up to three times as long and save less than a tenth
STYLE = {
    # Names are text, whatever signs they hold.
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titley": 1.0,  # else it is searched for
}


@contextmanager
def figureStyle() -> Iterator[None]:
    """The look of all figures; a subject's name may hold signs that the font has not."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def newFigure(widthIn: float, heightIn: float, title: str) -> Figure:
    """A titled figure whose panels are put at known places: to find them takes longer than to draw them."""
    figure = Figure(figsize=(widthIn, heightIn), dpi=DPI)
    FigureCanvasAgg(figure)
    fitWidth(figure.suptitle(title, y=1.0 - TITLE_TOP_IN / heightIn, fontweight="bold"), widthIn - 0.2)
    return figure


class _PlainAxes(Axes):
    """Axes that have no grid, not even one to switch off, for which all ticks would be made."""

    name = "plain"

    def grid(self, *_arguments, **_options) -> None:
        pass


def newAxes(figure: Figure, leftIn: float, bottomIn: float, widthIn: float, heightIn: float):
    """Axes without scales at a place, in inches from the lower left corner of the figure."""
    width, height = figure.get_size_inches()
    place = (leftIn / width, bottomIn / height, widthIn / width, heightIn / height)
    ax = figure.add_axes(place, axes_class=_PlainAxes)
    ax.xaxis.set_visible(False)
    ax.yaxis.set_visible(False)
    return ax


def panelGrid(figure: Figure, places: Sequence[int], columns: int, edgesIn: Sequence[float], gapsIn) -> list:
    """Axes of equal size at these places, counted row by row from the upper left.

    :param edgesIn: left, right, bottom and top margin in inches. gapsIn: between columns, between rows.
    """
    width, height = figure.get_size_inches()
    left, right, bottom, top = edgesIn
    rows = max(places) // columns + 1
    wide = (width - left - right - (columns - 1) * gapsIn[0]) / columns
    high = (height - bottom - top - (rows - 1) * gapsIn[1]) / rows
    axes = []
    for place in places:
        row, column = divmod(place, columns)
        x, y = left + column * (wide + gapsIn[0]), height - top - high - row * (high + gapsIn[1])
        axes.append(newAxes(figure, x, y, wide, high))
    return axes


def addScales(ax, across: str, up: str, isWhole: bool = False) -> None:
    """Ticks, numbers and names below and at the left of axes whose contents are complete.

    They look as matplotlib's own, each of which consists of six artists that take longer than all the rest.

    :param isWhole: numbers across are whole ones.
    """
    ax.set(xlim=ax.get_xlim(), ylim=ax.get_ylim())  # what is added must not change them
    _addScale(ax, "bottom", across, isWhole)
    _addScale(ax, "left", up)


def addGrayBar(figure: Figure, placeIn: Sequence[float], image, name: str) -> None:
    """What the gray levels of an image mean. :param placeIn: left, bottom, width and height in inches."""
    ax = newAxes(figure, *placeIn)
    low, high = image.get_clim()
    levels = np.linspace(low, high, 256)[:, None]
    showGray(ax, levels, (low, high), (0.0, 1.0, low, high), image.get_cmap().name, aspect="auto", origin="lower")
    for spine in ax.spines.values():
        spine.set_visible(True)
    _addScale(ax, "right", name)


def _addScale(ax, side: str, name: str, isWhole: bool = False) -> None:
    isAcross, edge = side == "bottom", 1.0 if side == "right" else 0.0
    low, high = sorted(ax.get_xlim() if isAcross else ax.get_ylim())
    ticks, numbers = _numbersOf(low, high, _sizeIn(ax)[0 if isAcross else 1], isAcross, isWhole)
    marks = np.column_stack([ticks, np.full(len(ticks), edge)])
    marks = marks if isAcross else marks[:, ::-1]
    along = ax.get_xaxis_transform() if isAcross else ax.get_yaxis_transform()
    marker, dx, dy, ha, va = SIDES[side]
    ax.add_artist(
        Line2D(*marks.T, transform=along, marker=marker, ms=TICK_IN * 72, mew=0.8, color="k", ls="none", clip_on=False)
    )

    def moved(transform, inches: float):
        return transform + ScaledTranslation(dx * inches, dy * inches, ax.figure.dpi_scale_trans)

    place = moved(along, 2 * TICK_IN)
    for mark, number in zip(marks, numbers, strict=True):
        ax.text(*mark, number, transform=place, ha=ha, va=va)
    if isAcross:
        ax.text(0.5, 0.0, name, transform=moved(ax.transAxes, X_LABEL_IN), ha="center", va="top")
        return
    widthEm = max((sum(NUMBER_EM.get(sign, DIGIT_EM) for sign in number) for number in numbers), default=0.0)
    widthIn = widthEm * STYLE["font.size"] / 72
    ax.text(
        edge, 0.5, name, transform=moved(ax.transAxes, 2 * TICK_IN + widthIn + LABEL_GAP_IN), rotation=90,
        rotation_mode="anchor", ha="center", va="bottom" if side == "left" else "top",
    )  # fmt: skip


def _sizeIn(ax) -> np.ndarray:
    return ax.get_position().size * ax.figure.get_size_inches()


def _numbersOf(low: float, high: float, lengthIn: float, isAcross: bool, isWhole: bool):
    """Round numbers from low to high as they have room: values, texts."""
    if isWhole:
        locator = MaxNLocator(integer=True)
    else:
        room = lengthIn * 72 / STYLE["font.size"] / (3 if isAcross else 2)
        locator = MaxNLocator(int(np.clip(room, 1, 9)), steps=(1, 2, 2.5, 5, 10))
    ticks = locator.tick_values(low, high)
    step, air = ticks[1] - ticks[0], 1e-6 * (high - low)
    digits = next((n for n in range(5) if abs(step * 10**n - round(step * 10**n)) < 1e-6 * step * 10**n), None)
    ticks = ticks[(ticks >= low - air) & (ticks <= high + air)]
    isLong = digits is None or np.abs(ticks).max(initial=0.0) >= 1e6
    texts = [f"{tick:.4g}" if isLong else f"{tick + 0.0:.{digits}f}" for tick in ticks]
    return ticks, [text.replace("-", "\N{MINUS SIGN}") for text in texts]


def fitWidth(text, widthIn: float) -> None:
    """Write a text smaller if it is wider than there is room."""
    longest = max(map(len, text.get_text().splitlines()), default=0)
    if longest * WIDEST_EM * text.get_fontsize() / 72 <= widthIn:
        return  # measuring takes longer than drawing
    found = text.get_window_extent(text.figure.canvas.get_renderer()).width / DPI
    if found > widthIn:
        text.set_fontsize(text.get_fontsize() * widthIn / found)


def saveFigure(figure: Figure, path: Path) -> Path:
    """Save a figure as PNG, with the disclaimer below it; one with a layout engine is laid out above that."""
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0.0, FOOTER, 1.0, 1.0 - FOOTER))
    figure.text(0.995, 0.006, DISCLAIMER, ha="right", va="bottom", fontsize=6, color="0.45")
    if engine is not None:
        # savefig would draw everything twice, the first time for the layout.
        engine.execute(figure)
        figure.set_layout_engine("none")
    canvas.draw()
    pixels = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    pixels.convert("RGB").save(path, format="PNG", dpi=(DPI, DPI), compress_level=COMPRESS_LEVEL)
    return path


def whoText(subject: str, exam: str) -> str:
    """Subject and exam in brackets, to follow a title; or nothing."""
    who = ", ".join(part for part in (subject, f"exam {exam}" if exam else "") if part)
    return f"  ({who})" if who else ""


def showGray(ax, values: np.ndarray, limits, extent, colors: str = "gray", **options):
    """A picture of values whose gray levels are looked up before it is enlarged; what is not finite stays clear."""
    limits = [float(limit) for limit in limits]
    gray = mpl.colormaps[colors](Normalize(*limits)(values), bytes=True)
    return ax.imshow(
        gray, extent=extent, interpolation="nearest", cmap=colors, vmin=limits[0], vmax=limits[1], **options
    )


class SliceView:
    """One image slice in millimeters of its own plane, turned so that right and foot or back are where expected."""

    def __init__(self, image: ImageVolume, planeAxis: int, slice: int, near_RAS: np.ndarray):
        self.image, self.planeAxis, self.slice = image, planeAxis, slice
        self.inPlane = [axis for axis in range(3) if axis != planeAxis]
        edges = image.edgesNear(near_RAS)
        self.spacing = np.linalg.norm(edges, axis=0)
        directions = edges / self.spacing
        # Across: the axis nearer to left-right, or else to front-back.
        u, v = self.inPlane
        across = u if abs(directions[0, u]) >= abs(directions[0, v]) else v
        up = v if across == u else u
        self.axes = (across, up)
        mainOf = [int(np.argmax(np.abs(directions[:, axis]))) for axis in self.axes]
        signs = [np.sign(directions[main, axis]) for main, axis in zip(mainOf, self.axes, strict=True)]
        # Radiological: patient right (or front, on a sagittal slice) on the left; front or head up.
        self.flip = (signs[0] > 0, signs[1] < 0)
        letters = (("R", "L"), ("A", "P"), ("S", "I"))
        self.labels = (letters[mainOf[0]], letters[mainOf[1]])

    def pixels(self) -> np.ndarray:
        """Intensities with rows up and columns across, in display order (first row at the bottom)."""
        array = np.moveaxis(self.image.array_KJI, 2 - self.planeAxis, 0)[self.slice]
        # The remaining axes are in K, J, I order, so the higher IJK axis comes first.
        pixels = array if self.axes[1] > self.axes[0] else array.T
        return pixels[:: -1 if self.flip[1] else 1, :: -1 if self.flip[0] else 1]

    def toMm(self, points_RAS: np.ndarray) -> np.ndarray:
        """World points (n, 3) to picture coordinates (n, 2) in mm."""
        ijk = self.image.rasToIJK(points_RAS)
        columns = []
        for axis, flip in zip(self.axes, self.flip, strict=True):
            last = self.image.shape_IJK[axis] - 1
            columns.append((last - ijk[:, axis] if flip else ijk[:, axis]) * self.spacing[axis])
        return np.column_stack(columns)

    def show(self, ax, near_mm: np.ndarray, marginMm: float, grayLimits=None):
        """Draw the slice around picture points (n, 2), and return the picture; gray levels by what is seen there."""
        pixels = self.pixels()
        du, dv = self.spacing[self.axes[0]], self.spacing[self.axes[1]]
        low, high = near_mm.min(0) - marginMm, near_mm.max(0) + marginMm
        # Square views compare better side by side.
        center, half = 0.5 * (low + high), 0.5 * float((high - low).max())
        low, high = center - half, center + half
        height, width = pixels.shape
        columns = slice(min(max(int(low[0] / du), 0), width - 1), max(int(high[0] / du) + 2, 1))
        rows = slice(min(max(int(low[1] / dv), 0), height - 1), max(int(high[1] / dv) + 2, 1))
        seen = pixels[rows, columns]
        if grayLimits is None:
            grayLimits = np.percentile(seen[np.isfinite(seen)].astype(float), [1, 99])
        ax.set_facecolor("k")
        left, bottom = (columns.start - 0.5) * du, (rows.start - 0.5) * dv
        extent = (left, left + seen.shape[1] * du, bottom, bottom + seen.shape[0] * dv)
        drawn = showGray(ax, seen, grayLimits, extent, origin="lower")
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        for spine in ax.spines.values():
            spine.set_visible(False)
        first, opposite = self.labels[0]
        upper, lower = self.labels[1]
        style = {"color": "w", "fontsize": 9, "fontweight": "bold", "transform": ax.transAxes}
        style["bbox"] = {"facecolor": "k", "alpha": 0.45, "pad": 1.5, "lw": 0}
        ax.text(0.01, 0.5, first, va="center", ha="left", **style)
        ax.text(0.99, 0.5, opposite, va="center", ha="right", **style)
        ax.text(0.5, 0.99, upper, va="top", ha="center", **style)
        ax.text(0.5, 0.01, lower, va="bottom", ha="center", **style)
        self._scaleBar(ax, low, high, style["bbox"])
        return drawn

    def _scaleBar(self, ax, low, high, box):
        lengthMm = next(mm for mm in (50.0, 20.0, 10.0, 5.0) if mm < 0.35 * (high[0] - low[0]) or mm == 5.0)
        x, y = low[0] + 0.05 * (high[0] - low[0]), low[1] + 0.05 * (high[1] - low[1])
        ax.plot([x, x + lengthMm], [y, y], color="w", lw=3, solid_capstyle="butt")
        ax.text(
            x + 0.5 * lengthMm,
            y + 0.015 * (high[1] - low[1]),
            f"{lengthMm:g} mm",
            color="w",
            ha="center",
            va="bottom",
            fontsize=7,
            bbox=box,
        )


def outlinePixels(ax, centers: np.ndarray, du: float, dv: float, color, width: float = 1.4) -> None:
    """The boundary of a set of pixels with centers (n, 2) and edge lengths du, dv in mm, along their edges."""
    cells = {tuple(cell) for cell in np.rint(centers / [du, dv]).astype(int)}
    segments = []
    for x, y in cells:
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            if (x + dx, y + dy) not in cells:
                along = np.array([[-0.5, 0.5], [0.5, 0.5]]) if dy else np.array([[0.5, -0.5], [0.5, 0.5]])
                sign = np.array([1, dy]) if dy else np.array([dx, 1])
                segments += [*((np.array([x, y]) + sign * along) * [du, dv]), [np.nan, np.nan]]
    ax.plot(*np.array(segments).T, color=color, lw=width)
