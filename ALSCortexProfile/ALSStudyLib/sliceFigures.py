"""What the figures of both modules share: a slice as a radiologist sees it, outlines of regions, one look.

Slices are shown in the radiological convention (the patient's right on the left of the picture) as far as the image's
own axes allow. Needs matplotlib, which Slicer does not ship: the command line has it, a panel uses Slicer's own views.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .image import ImageVolume
from .provenance import DISCLAIMER

DPI = 150
FOOTER = 0.03  # share of the height kept for the disclaimer
STYLE = {
    # Names are text, whatever signs they hold.
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


@contextmanager
def figureStyle() -> Iterator[None]:
    """The look of all figures; a subject's name may hold signs that the font has not."""
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def saveFigure(figure: Figure, path: Path) -> Path:
    """Save a figure of constrained layout as PNG, with the disclaimer below it."""
    engine = figure.get_layout_engine()
    engine.set(rect=(0.0, FOOTER, 1.0, 1.0 - FOOTER))
    figure.text(0.995, 0.006, DISCLAIMER, ha="right", va="bottom", fontsize=6, color="0.45")
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=DPI)
    return path


def whoText(subject: str, exam: str) -> str:
    """Subject and exam in brackets, to follow a title; or nothing."""
    who = ", ".join(part for part in (subject, f"exam {exam}" if exam else "") if part)
    return f"  ({who})" if who else ""


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
        height, width = pixels.shape
        du, dv = self.spacing[self.axes[0]], self.spacing[self.axes[1]]
        low, high = near_mm.min(0) - marginMm, near_mm.max(0) + marginMm
        # Square views compare better side by side.
        center, half = 0.5 * (low + high), 0.5 * float((high - low).max())
        low, high = center - half, center + half
        if grayLimits is None:
            columns = slice(max(int(low[0] / du), 0), max(int(high[0] / du) + 2, 1))
            rows = slice(max(int(low[1] / dv), 0), max(int(high[1] / dv) + 2, 1))
            seen = np.asarray(pixels[rows, columns], dtype=float)
            grayLimits = np.percentile(seen[np.isfinite(seen)], [1, 99])
        ax.set_facecolor("k")
        drawn = ax.imshow(
            pixels,
            cmap="gray",
            origin="lower",
            extent=(-0.5 * du, (width - 0.5) * du, -0.5 * dv, (height - 0.5) * dv),
            vmin=grayLimits[0],
            vmax=grayLimits[1],
            interpolation="nearest",
        )
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xticks=[], yticks=[])
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
