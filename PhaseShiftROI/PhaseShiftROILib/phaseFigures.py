"""Pictures of the phase measurement: corrected phase with its regions, SWI and projection, value per slice.

Needs matplotlib, which Slicer does not ship: the command line has it, a panel uses Slicer's own views.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ALSStudyLib.sliceFigures import (
    SliceView, addGrayBar, addScales, figureStyle, fitWidth, newFigure, outlinePixels, panelGrid, saveFigure, whoText,
)  # fmt: skip
from matplotlib.figure import Figure

from .measurement import PhaseMeasurement
from .preparation import PreparedPhase

SIDE_COLORS = {"right": (0.95, 0.55, 0.10), "left": (0.20, 0.65, 0.95), "": (0.35, 0.85, 0.40)}
SIDE_TEXT_COLORS = {"right": (0.75, 0.38, 0.0), "left": (0.05, 0.40, 0.70), "": (0.1, 0.5, 0.15)}  # on white
OTHER_COLOR = (0.75, 0.75, 0.75)
CLOSE_UP_MARGIN_MM = 10.0
WINDOW_RAD = 0.4
MAX_COLUMNS = 3
LEGEND_COLUMN_IN, LEGEND_ROW_IN = 2.1, 0.17
IRON_WORDS = {
    -1: "iron: negative phase (dark)",
    1: "iron: positive phase (bright)",
    0: "polarity unknown",
}


def writePhaseFigures(folder: Path, measurements: Sequence[PhaseMeasurement]) -> list[Path]:
    """All figures of one exam: per structure the chosen slices; once the steps with SWI, and the value per slice."""
    made = []
    with figureStyle():
        for slug, ofStructure in _byStructure(measurements).items():
            if any(measurement.chosen for measurement in ofStructure):
                made.append(saveFigure(drawRegions(ofStructure), folder / f"phase_{slug}.png"))
        if any(measurement.candidates for measurement in measurements):
            made.append(saveFigure(drawSteps(measurements), folder / "phase_steps.png"))
            made.append(saveFigure(drawSlices(measurements), folder / "phase_slices.png"))
    return made


def _byStructure(measurements) -> dict[str, list[PhaseMeasurement]]:
    found: dict[str, list[PhaseMeasurement]] = {}
    for measurement in measurements:
        found.setdefault(measurement.region.structure.slug, []).append(measurement)
    return found


def _subtitle(prepared: PreparedPhase) -> str:
    words = {"none": "not filtered"}.get(prepared.filter.kind, prepared.filter.text)
    return f"{words}; {IRON_WORDS[prepared.source.paramagneticSign]}"


def _grayLimits(prepared: PreparedPhase):
    return (-np.pi, np.pi) if prepared.isWrapped else (-WINDOW_RAD, WINDOW_RAD)


# Regions --------------------------------------------------------------------------------------------------------


def drawRegions(measurements: Sequence[PhaseMeasurement]) -> Figure:
    """The slices that are kept of one structure, close up: a row per side where several are kept, else side by side."""
    prepared = measurements[0].prepared
    shown = [measurement for measurement in measurements if measurement.chosen]
    panelsOf = [(measurement, value) for measurement in shown for value in measurement.chosen]
    columns = max(*(len(measurement.chosen) for measurement in shown), 2)
    rows, places = 1, list(range(len(panelsOf)))
    if len(panelsOf) > columns:
        rows = len(shown)
        places = [row * columns + column for row in range(rows) for column in range(len(shown[row].chosen))]
    width, height = 3.6 * columns + 1.0, 3.8 * rows + 0.9
    source = prepared.source
    title = f"{shown[0].region.structure.label}, corrected phase" + whoText(source.subject, source.exam)
    figure = newFigure(width, height, title)
    axes = panelGrid(figure, places, columns, edgesIn=(0.04, 1.14, 0.4, 0.46), gapsIn=(0.08, 0.25))
    drawn = None
    for ax, (measurement, value) in zip(axes, panelsOf, strict=True):
        drawn = _drawCloseUp(ax, measurements, measurement, value)
    barHeight = 0.7 * (height - 0.86)
    barPlace = (width - 0.79, 0.4 + 0.5 * (height - 0.86 - barHeight), 0.142, barHeight)
    addGrayBar(figure, barPlace, drawn, "phase [rad]")
    _writeBelow(figure, _subtitle(prepared))
    return figure


def _writeBelow(figure: Figure, words: str) -> None:
    """At the left of the lower edge, above the disclaimer."""
    height = figure.get_figheight()
    text = figure.text(0.01, 0.19 / height, words, fontsize=8)
    fitWidth(text, 0.98 * figure.get_figwidth())


def _drawCloseUp(ax, measurements, measurement, value):
    prepared, region = measurement.prepared, measurement.region
    near = region.voxels_IJK[region.voxels_IJK[:, 2] == value.slice]
    view = _view(prepared.corrected, near)
    corners = view.toMm(prepared.corrected.ijkToWorld(near))
    drawn = view.show(ax, corners, CLOSE_UP_MARGIN_MM, _grayLimits(prepared))
    for other in measurements:
        _outlineRegion(ax, view, other, value.slice)
    rank = f"{region.side[:1].upper()}{measurement.chosen.index(value) + 1}"
    ax.set_title(
        f"{rank}: slice {value.slice}, {value.phaseRad:+.3f} ± {value.sdRad:.3f} rad, {value.nPixels} px",
        fontsize=8,
        color=SIDE_TEXT_COLORS[region.side],
    )
    return drawn


def _view(image, near_IJK) -> SliceView:
    center_RAS = image.ijkToWorld(near_IJK.mean(0)[None])[0]
    return SliceView(image, 2, int(near_IJK[0, 2]), center_RAS)


def _outlineRegion(ax, view: SliceView, measurement: PhaseMeasurement, slice: int) -> None:
    """The region's border on this slice: in its side's color where the slice is kept, gray elsewhere."""
    region = measurement.region
    voxels = region.voxels_IJK[region.voxels_IJK[:, 2] == slice]
    if len(voxels) == 0:
        return
    kept = any(value.slice == slice for value in measurement.chosen)
    color = SIDE_COLORS[region.side] if kept else OTHER_COLOR
    du, dv = (view.spacing[axis] for axis in view.axes)
    outlinePixels(ax, view.toMm(view.image.ijkToWorld(voxels)), du, dv, color, 1.6 if kept else 1.0)


# Steps ----------------------------------------------------------------------------------------------------------


def drawSteps(measurements: Sequence[PhaseMeasurement]) -> Figure:
    """One slice through all steps: magnitude, phase as encoded, corrected phase, SWI and its projection."""
    prepared = measurements[0].prepared
    slice = next(
        (measurement.chosen[0].slice for measurement in measurements if measurement.chosen),
        measurements[0].prepared.corrected.array_KJI.shape[0] // 2,
    )
    images = _stepImages(prepared)
    columns = 3 if len(images) > 2 else len(images)
    rows = int(np.ceil(len(images) / columns))
    source = prepared.source
    figure = newFigure(
        4.0 * columns + 0.4, 4.2 * rows + 0.9, f"Steps, slice {slice}" + whoText(source.subject, source.exam)
    )
    places = range(min(len(images) + 1, rows * columns))
    panels = panelGrid(figure, places, columns, edgesIn=(0.04, 0.04, 0.56, 0.4), gapsIn=(0.08, 0.25))
    nI, nJ, _ = prepared.corrected.shape_IJK
    corners_IJK = np.array([[0, 0, slice], [nI - 1, nJ - 1, slice]], dtype=float)
    for ax, (title, array, limits) in zip(panels, images, strict=False):
        view = _view(replace(prepared.corrected, array_KJI=array), corners_IJK)
        view.show(ax, view.toMm(prepared.corrected.ijkToWorld(corners_IJK)), 0.0, limits)
        ax.set_title(title, fontsize=9)
        if array is prepared.corrected.array_KJI:
            for measurement in measurements:
                _outlineRegion(ax, view, measurement, slice)
    for ax in panels[len(images) :]:
        ax.set_axis_off()
    if len(panels) > len(images):
        panels[len(images)].text(0.0, 0.95, "\n".join(_notes(measurements)), va="top", fontsize=8, linespacing=1.6)
    _writeBelow(figure, _subtitle(prepared))
    return figure


def _stepImages(prepared: PreparedPhase):
    """(title, array, gray limits) of what there is."""
    images = []
    magnitude = prepared.source.magnitude_KJI
    if magnitude is not None:
        images.append(("magnitude", magnitude, None))
    images.append(("phase, -π to π", prepared.wrappedRad_KJI, (-np.pi, np.pi)))
    if not prepared.isWrapped and prepared.filter.kind != "vendor":
        title = f"corrected phase, ±{WINDOW_RAD:g} rad"
        images.append((title, prepared.corrected.array_KJI, _grayLimits(prepared)))
    weighted = prepared.susceptibilityWeighted()
    if weighted is not None:
        slabMm = prepared.slabSlices * float(prepared.corrected.spacingMm[2])
        images.append((f"SWI, mask to the power {prepared.settings.maskPower:g}", weighted[0], None))
        images.append((f"SWI, minimum over {slabMm:.3g} mm", weighted[1], None))
    return images


def _notes(measurements) -> list[str]:
    prepared = measurements[0].prepared
    source = prepared.source
    lines = [
        f"encoding: {source.encoding}",
        f"TE {source.echoTimeMs:g} ms, {source.fieldStrengthT:g} T",
    ]
    for check in measurements[0].polarityChecks:
        said = "undecided" if check.suggests == "unknown" else check.suggests.replace("_", " ")
        lines.append(f"polarity by {check.region.replace('_', ' ')}:\n   {said}")
    lines += [f"! {flag.replace('_', ' ')}" for flag in prepared.flags]
    return lines


# Value per slice ------------------------------------------------------------------------------------------------


def drawSlices(measurements: Sequence[PhaseMeasurement]) -> Figure:
    """Value of every candidate slice, the kept ones filled, with the mean of all as a line."""
    structures = _byStructure([measurement for measurement in measurements if measurement.candidates])
    columns = min(len(structures), MAX_COLUMNS)
    rows = int(np.ceil(len(structures) / columns))
    source = measurements[0].prepared.source
    width, height = 3.9 * columns + 0.4, 3.2 * rows + 0.9
    figure = newFigure(width, height, "Phase shift by slice" + whoText(source.subject, source.exam))
    sides = {measurement.region.side for ofStructure in structures.values() for measurement in ofStructure}
    legendColumns = min(int(width / LEGEND_COLUMN_IN), 4)
    legendRows = -(-3 * len(sides) // legendColumns)
    edgesIn = (0.84, 0.05, 0.76 + LEGEND_ROW_IN * legendRows, 0.47)
    panels = panelGrid(figure, range(len(structures)), columns, edgesIn, gapsIn=(0.86, 0.69))
    for ax, ofStructure in zip(panels, structures.values(), strict=True):
        for measurement in ofStructure:
            _drawValues(ax, measurement)
        ax.axhline(0.0, color="0.7", lw=0.8)
        ax.set_title(ofStructure[0].region.structure.label)
        ax.margins(x=0.12, y=0.18)
        addScales(ax, "slice", "phase shift [rad]", isWhole=True)
    handles, labels = [], []
    for ax in panels:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    figure.legend(
        handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.13 / height), ncols=legendColumns,
        frameon=False, fontsize=8, borderaxespad=0,
    )  # fmt: skip
    return figure


def _drawValues(ax, measurement: PhaseMeasurement) -> None:
    side, color = measurement.region.side, SIDE_COLORS[measurement.region.side]
    offset = {"right": -0.08, "left": 0.08}.get(side, 0.0)
    slices = np.array([value.slice for value in measurement.candidates]) + offset
    means = np.array([value.phaseRad for value in measurement.candidates])
    nPixels = np.array([value.nPixels for value in measurement.candidates])
    se = np.array([value.sdRad for value in measurement.candidates]) / np.sqrt(nPixels)
    name = side or "one side"
    ax.errorbar(
        slices, means, se, fmt="o", color=color, mfc="w", ms=6, lw=1.0, label=f"{name}: mean of the region ± SE"
    )
    kept = list(measurement.selected)
    ax.plot(slices[kept], means[kept], "o", color=color, ms=6, zorder=4, label=f"{name}: kept")
    for rank, position in enumerate(kept, start=1):
        ax.annotate(
            f"{side[:1].upper()}{rank}", (slices[position], means[position]),
            (5, 5) if side == "left" else (-5, -5), textcoords="offset points", fontsize=7, color=color,
            ha="left" if side == "left" else "right", va="bottom" if side == "left" else "top",
        )  # fmt: skip
    finite = np.isfinite(means)
    if finite.any():
        ax.axhline(
            np.average(means[finite], weights=nPixels[finite]),
            color=color,
            lw=0.9,
            ls="--",
            alpha=0.8,
            label=f"{name}: mean of all slices",
        )
