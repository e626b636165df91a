"""Pictures of every intermediate step, as a neuroradiologist would put them in a report.

Donatelli et al. keep such pictures of each measurement. Needs matplotlib, which Slicer does not ship: the command
line has it, a panel uses Slicer's own plots.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ALSStudyLib.sliceFigures import (
    SliceView, addGrayBar, addScales, figureStyle, fitWidth, newAxes, newFigure, outlinePixels, panelGrid, saveFigure,
    showGray, whoText,
)  # fmt: skip
from matplotlib.figure import Figure

from .doubleSigmoid import WIDTH_FRACTION, doubleSigmoid
from .measurement import ProfileMeasurement
from .mrmlResults import COLORS, bandEdges_RAS
from .profileTables import variantName

STATUS_WORDS = {
    "no_band": "cortex looks flat: no number is given",
    "at_edge": "band touches the end of the fitted\ndepths: no number is given",
    "poor_fit": "profile does not look like one band:\nno number is given",
    "not_converged": "no stable fit: no number is given",
}
MARGIN_MM = 6.0
REFERENCE_MARGIN_MM = 14.0


def writeFigures(folder: Path, measurements: Sequence[ProfileMeasurement]) -> list[Path]:
    """All figures of one exam: per target the contour, single profiles and fit; once the references."""
    made = []
    with figureStyle():
        for measurement in measurements:
            if measurement.mean is None:
                continue
            slug = measurement.input.target.slug
            for name, draw in (("contour", drawContour), ("profiles", drawProfiles), ("fit", drawFit)):
                made.append(saveFigure(draw(measurement), folder / f"{slug}_{name}.png"))
        measured = [m for m in measurements if m.splenium is not None]
        if measured:
            made.append(saveFigure(drawReferences(measured), folder / "references.png"))
    return made


def _title(measurement: ProfileMeasurement) -> str:
    return measurement.input.target.label + _who(measurement)


def _who(measurement: ProfileMeasurement) -> str:
    return whoText(measurement.input.subject, measurement.input.exam)


# Slices ---------------------------------------------------------------------------------------------------------------


def drawContour(measurement: ProfileMeasurement) -> Figure:
    """The slices of one target: pial line, normals used and left out, and the band's edges."""
    count = len(measurement.normals)
    bySlice = sorted(range(count), key=lambda index: measurement.normals[index].slice)
    columns = min(count, 3)
    rows = int(np.ceil(count / columns))
    figure = newFigure(4.0 * columns + 0.4, 4.2 * rows + 0.6, _title(measurement))
    panels = panelGrid(figure, range(count), columns, edgesIn=(0.1, 0.1, 0.47, 0.45), gapsIn=(0.2, 0.25))
    edges = bandEdges_RAS(measurement)
    depthMm = measurement.settings.crossingDepthMm
    sampled = measurement.profiles.intensity
    low, high = np.percentile(sampled[np.isfinite(sampled)], [1, 99])
    grayLimits = (low - 0.25 * (high - low), high + 0.1 * (high - low))
    for index, ax in zip(bySlice, panels, strict=True):
        normals, used = measurement.normals[index], measurement.profiles.used[index]
        view = SliceView(measurement.input.image, normals.planeAxis, normals.slice, normals.points_RAS.mean(0))
        line = view.toMm(normals.points_RAS)
        ends = view.toMm(normals.points_RAS + depthMm * normals.normals_RAS)
        view.show(ax, np.concatenate([line, ends]), MARGIN_MM, grayLimits)
        for mask, color, name in ((used, "normals", "normals used"), (~used, "excluded", "normals left out")):
            if mask.any():
                pairs = np.stack([line[mask], ends[mask], np.full_like(line[mask], np.nan)], axis=1).reshape(-1, 2)
                ax.plot(*pairs.T, color=COLORS[color], lw=0.5, alpha=0.8, label=name)
        ax.plot(*line.T, color=COLORS["contour"], lw=1.6, label="pial line")
        for edge, edge_RAS in enumerate(edges[2 * index : 2 * index + 2]):
            ax.plot(*view.toMm(edge_RAS).T, color=COLORS["edges"], lw=1.4, label="band at 25 %" if edge == 0 else None)
        ax.set_title(f"slice {normals.slice}", fontsize=9)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="lower center", bbox_to_anchor=(0.5, 0.1 / figure.get_figheight()), ncols=4,
        frameon=False, fontsize=8, borderaxespad=0,
    )  # fmt: skip
    return figure


def drawReferences(measurements: Sequence[ProfileMeasurement]) -> Figure:
    """Where the references were painted, with what was read there; each region once, in its largest slice."""
    regions = {}
    for measurement in measurements:
        regions.setdefault(
            measurement.input.splenium.name, (measurement, measurement.input.splenium, measurement.splenium)
        )
        name = measurement.input.whiteMatter.name
        regions.setdefault(name, (measurement, measurement.input.whiteMatter, measurement.whiteMatter))
    figure = newFigure(4.0 * len(regions) + 0.4, 4.7, "Reference regions" + _who(measurements[0]))
    panels = panelGrid(figure, range(len(regions)), len(regions), edgesIn=(0.2, 0.2, 0.18, 0.87), gapsIn=(0.4, 0.0))
    for ax, (name, (measurement, region, value)) in zip(panels, regions.items(), strict=True):
        image = measurement.input.image
        slices = np.bincount(region.voxels_IJK[:, 2])
        largest = int(np.argmax(slices))
        voxels = region.voxels_IJK[region.voxels_IJK[:, 2] == largest]
        centers_RAS = image.ijkToWorld(voxels)
        view = SliceView(image, 2, largest, centers_RAS.mean(0))
        centers = view.toMm(centers_RAS)
        view.show(ax, centers, REFERENCE_MARGIN_MM)
        outlinePixels(ax, centers, view.spacing[view.axes[0]], view.spacing[view.axes[1]], COLORS["normals"])
        more = f", {np.count_nonzero(slices)} slices" if np.count_nonzero(slices) > 1 else ""
        title = f"{name}\nmean {value.mean:.4g} (SD {value.sd:.3g}), {value.areaMm2:.1f} mm², slice {largest}{more}"
        fitWidth(ax.set_title(title), 3.9)
    return figure


# Profiles -------------------------------------------------------------------------------------------------------


def drawProfiles(measurement: ProfileMeasurement) -> Figure:
    """Single profiles, as intensities side by side before and after alignment, and their mean with SD."""
    profiles, mean = measurement.profiles, measurement.mean
    d = {"as drawn": profiles.hypointensity}
    if measurement.settings.align:
        d["aligned"] = profiles.alignedHypointensity
    figure = newFigure(10.5, 3.9, _title(measurement) + ": single profiles")
    wide = (10.5 - 0.6 - 0.66 * (len(d) - 1) - 1.76 - 0.08) / (len(d) + 1.3)
    axes = [newAxes(figure, 0.6 + index * (wide + 0.66), 0.56, wide, 2.87) for index in range(len(d))]
    axes.append(newAxes(figure, 10.5 - 0.08 - 1.3 * wide, 0.56, 1.3 * wide, 2.87))
    x = profiles.depthMm
    finite = np.concatenate([values[np.isfinite(values)] for values in d.values()])
    limit = max(float(np.percentile(np.abs(finite), 90)), 0.05)
    for ax, (name, values) in zip(axes, d.items(), strict=False):
        extent = (x[0], x[-1], len(values), 0)
        drawn = showGray(ax, values, (-limit, limit), extent, "gray_r", aspect="auto")
        if name == "as drawn" and measurement.settings.align:
            found = profiles.alignment.shiftMm
            ax.plot(found, np.arange(len(values)) + 0.5, color=COLORS["edges"], lw=1.2, label="surface found")
            ax.axvline(0.0, color=COLORS["contour"], lw=1.0, label="line drawn")
            ax.legend(loc="lower right", fontsize=6)
        for border in np.flatnonzero(np.diff(profiles.contour)) + 1:
            ax.axhline(border, color="k", lw=0.8)
        ax.set_title(name)
        addScales(ax, "depth [mm]", "normal")
    barLeft = 10.5 - 0.08 - 1.3 * wide - 1.7
    addGrayBar(figure, (barLeft, 0.56, 0.143, 2.87), drawn, "hypointensity (dark = dark)")
    ax = axes[-1]
    band = np.isfinite(mean.sdIntensity)
    ax.fill_between(
        x[band], (mean.meanIntensity - mean.sdIntensity)[band], (mean.meanIntensity + mean.sdIntensity)[band],
        color="0.85", label="mean ± SD of single profiles",
    )  # fmt: skip
    ax.plot(x, mean.meanIntensity, color=COLORS["mean"], lw=1.6, label="mean, as drawn")
    ax.axhline(measurement.whiteMatter.mean, color=COLORS["normals"], lw=1.2, ls="--", label="white matter")
    ax.axhline(measurement.splenium.mean, color="0.5", lw=1.0, ls=":", label="splenium")
    ax.axvline(0.0, color=COLORS["contour"], lw=1.4, label="pial line")
    ax.set_xlim(x[0], x[-1])
    ax.legend(frameon=False, fontsize=7)
    addScales(ax, "depth [mm]", "intensity")
    return figure


def drawFit(measurement: ProfileMeasurement) -> Figure:
    """The mean hypointensity profile with its fit, the window, and the width at 25 % of the peak."""
    mean, window, chosen = measurement.mean, measurement.window, measurement.selected
    x = mean.depthMm
    figure = newFigure(8.2, 4.4, _title(measurement))
    ax = newAxes(figure, 0.76, 0.58, 5.14, 3.55)
    ax.axvspan(x[window.first], x[window.last], color="0.95", label="fitted depths")
    ax.axhline(0.0, color="0.6", lw=0.8)
    ax.axvline(0.0, color=COLORS["contour"], lw=1.4, label="pial line")
    ok = np.isfinite(mean.hypointensitySe)
    low, high = (mean.hypointensity + sign * 1.96 * mean.hypointensitySe for sign in (-1, 1))
    ax.fill_between(x[ok], low[ok], high[ok], color="0.8", label="mean, 95 % CI")
    ax.plot(x, mean.hypointensity, color=COLORS["mean"], lw=1.6, label="mean profile")
    top = float(np.nanmax(mean.hypointensity[window.slice]))
    if measurement.status == "ok":
        if chosen.voxelAware:
            seen = "model, as seen through the voxel"
            ax.plot(x, measurement.modelCurve, color=COLORS["fit"], lw=1.2, ls="--", label=seen)
        fit, name = chosen.fit, "band, without the voxel's blur" if chosen.voxelAware else "fit"
        fine = np.linspace(max(x[0], fit.startMm - 1.0), fit.endMm + 1.0, 400)
        band = doubleSigmoid(fine, fit.a, fit.b1, fit.c1, fit.b2, fit.c2)
        fitted = (fine >= x[window.first]) & (fine <= x[window.last])
        ax.plot(fine, band, color=COLORS["fit"], lw=1.0, alpha=0.5)
        ax.plot(fine[fitted], band[fitted], color=COLORS["fit"], lw=2.2, label=name)
        level = WIDTH_FRACTION * fit.peak
        ax.annotate("", (fit.startMm, level), (fit.endMm, level), arrowprops={"arrowstyle": "<->", "color": "k"})
        ax.text(
            0.5 * (fit.startMm + fit.endMm), level, f"Thk {fit.widthMm:.2f} mm", ha="center", va="bottom", fontsize=8
        )
        ax.annotate(
            f"SH {fit.peak:.3f}",
            (fit.peakDepthMm, fit.peak),
            (0, 4),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
        top = max(top, fit.peak)
    else:
        ax.plot(x, measurement.modelCurve, color="0.4", lw=1.2, ls="--", label="fit, not accepted")
    difference = "(I - WM)" if measurement.input.image.darkIsHigh else "(WM - I)"
    ax.set(xlim=(x[0], x[-1]), ylim=(-0.8 * max(top, 0.05), 1.25 * max(top, 0.05)))
    addScales(ax, "depth below the pial line [mm]", f"hypointensity  {difference} / splenium")
    numbers = ax.text(
        1.02, 0.98, "\n".join(_numbers(measurement)), transform=ax.transAxes, va="top", fontsize=8, linespacing=1.5
    )
    fitWidth(numbers, 2.15)
    ax.legend(loc="upper left", bbox_to_anchor=(1.01, 0.42), frameon=False, fontsize=7)
    return figure


def _numbers(measurement: ProfileMeasurement) -> list[str]:
    chosen, ci = measurement.selected, measurement.intervals
    lines = [f"status: {measurement.status}"]
    if measurement.status in STATUS_WORDS:
        lines.append(STATUS_WORDS[measurement.status])

    def line(name, value, interval, unit, digits):
        text = f"{name} {value:.{digits}f}{unit}"
        if np.isfinite(interval.low):
            text += f"  ({interval.low:.{digits}f} to {interval.high:.{digits}f})"
        lines.append(text)

    if measurement.status == "ok":
        line("SH", chosen.sh, ci.sh, "", 3)
        line("Thk", chosen.thicknessMm, ci.thicknessMm, " mm", 2)
        line("SH/Thk", chosen.shThkPerMm, ci.shThkPerMm, " /mm", 3)
        line("area", chosen.areaMm, ci.areaMm, " mm", 3)
        if np.isfinite(ci.sh.low):
            lines.append("(95 % CI)")
        for variant in measurement.variants:
            if variantName(variant) == "plain" and variant is not chosen and variant.fit.status == "ok":
                lines.append(f"plain fit: SH/Thk {variant.shThkPerMm:.3f} /mm")
    lines.append(f"{measurement.nNormals} normals, {measurement.nExcluded} left out")
    lines.append(f"R² {chosen.fit.rSquared:.3f}")
    lines += [f"! {flag.replace('_', ' ')}" for flag in measurement.flags]
    return lines
