"""`ProfileMeasurement` to Slicer nodes: tables with units, plots, and overlays on the slice.

Nodes of an earlier run are found by their attribute and used again, so that layouts and views keep what they show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from ALSStudyLib.mrmlNodes import fillTableNode, nodesOfClass, outputNode
from ALSStudyLib.tables import Column, allRows
from vtk.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray

from .doubleSigmoid import OK
from .measurement import ProfileMeasurement
from .mrml import CONTOUR_COLOR, CaseNodes
from .profileTables import MEASUREMENT_COLUMNS, PROFILE_COLUMNS, measurementRow, profileRows

MODULE = "ALSCortexProfile"

# One color per meaning, on the slice and in the plot alike.
COLORS = {
    "mean": (0.12, 0.12, 0.12),
    "sd": (0.65, 0.65, 0.65),
    "fit": (0.84, 0.15, 0.16),
    "contour": CONTOUR_COLOR,
    "normals": (0.25, 0.75, 0.95),
    "excluded": (0.95, 0.35, 0.75),
    "edges": (0.84, 0.15, 0.16),
    "width": (0.84, 0.15, 0.16),
    "window": (0.45, 0.45, 0.75),
}
OVERLAYS = ("contour", "normals", "excluded", "edges")

# Each is a table of its own: a line through its points.
_PLOT_COLUMNS = {
    "profile": (
        Column("depth", "Depth below the pial line", "mm"),
        Column("hypointensity", "Mean hypointensity"),
        Column("fit", "Fitted band as seen through the voxel"),
    ),
    "band": (
        Column("band_depth", "Depth below the pial line, down and up again", "mm"),
        Column("band", "Mean + SD over normals, then mean - SD"),
    ),
    "marks": (
        Column("window_depth", "Frame around what the fit looks at", "mm"),
        Column("window", "Lowest and highest hypointensity in it"),
        Column("width_depth", "Start and end of the band at 25 % of its peak", "mm"),
        Column("width", "25 % of the peak"),
    ),
}
# table, x, y, words in the legend, color, line width; drawn in this order
_SERIES = (
    ("band", "band_depth", "band", "mean \u00b1 SD", "sd", 1.0),
    ("marks", "window_depth", "window", "window", "window", 1.0),
    ("profile", "depth", "hypointensity", "mean", "mean", 2.0),
    ("profile", "depth", "fit", "fit", "fit", 3.0),
    ("marks", "width_depth", "width", "width at 25 %", "width", 4.0),
)


@dataclass(frozen=True)
class ResultNodes:
    """:param charts, overlays: by target slug; overlays are model nodes in the order of `OVERLAYS`."""

    resultsTable: object
    profilesTable: object
    charts: dict
    overlays: dict


def writeResults(scene, caseNodes: CaseNodes, measurements: Sequence[ProfileMeasurement]) -> ResultNodes:
    """Write all measurements of one exam into the scene; earlier results of the same targets are replaced."""
    results, profiles = writeTables(scene, caseNodes, measurements)
    charts, overlays = {}, {}
    for measurement in measurements:
        if measurement.mean is not None:
            slug = measurement.input.target.slug
            charts[slug] = writeChart(scene, caseNodes, measurement)
            overlays[slug] = writeOverlays(scene, caseNodes, measurement)
    return ResultNodes(results, profiles, charts, overlays)


def writeTables(scene, caseNodes: CaseNodes, measurements: Sequence[ProfileMeasurement]) -> tuple:
    """The tables of results and of profiles, without charts and overlays."""
    stem, settings = caseNodes.images[0].GetName(), measurements[0].settings
    results = _outputNode(scene, "vtkMRMLTableNode", "results", f"{stem} SH-Thk", caseNodes, settings)
    fillTableNode(results, MEASUREMENT_COLUMNS, [measurementRow(m) for m in measurements])
    profiles = _outputNode(scene, "vtkMRMLTableNode", "profiles", f"{stem} profiles", caseNodes, settings)
    fillTableNode(profiles, PROFILE_COLUMNS, allRows(measurements, profileRows))
    return results, profiles


def targetResults(scene, imageNode, targetSlug: str) -> list:
    """Charts, plot tables, series and overlays that one target of an image has."""
    return [node for node in drawings(scene, imageNode) if _keyOf(node)[1] == targetSlug]


def drawings(scene, imageNode) -> list:
    """Charts, plot tables, series and overlays of all targets of an image."""
    return [node for node in _outputsOf(scene, imageNode) if len(_keyOf(node)) > 1]


def _outputsOf(scene, imageNode) -> list:
    """What this module made of an image."""
    classes = ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode", "vtkMRMLModelNode")
    nodes = [node for className in classes for node in nodesOfClass(scene, className)]
    role = f"{MODULE}.Image"
    return [node for node in nodes if _keyOf(node) and node.GetNodeReferenceID(role) == imageNode.GetID()]


def _keyOf(node) -> list[str]:
    """(kind,) of a table of the exam; (kind, target) or (kind, target, detail) of a drawing; empty of another node."""
    key = node.GetAttribute(f"{MODULE}.Output")
    return key.split(":") if key else []


def resultTables(scene, imageNode) -> list:
    """The tables of results and of profiles of an image."""
    return [node for node in _outputsOf(scene, imageNode) if len(_keyOf(node)) == 1]


def overlayKind(modelNode) -> str:
    """Which of `OVERLAYS` a model is, or ""."""
    key = _keyOf(modelNode)
    return key[-1] if key and key[0] == "overlay" else ""


def _outputNode(scene, className, key, name, caseNodes, settings):
    references = {"Image": caseNodes.images[0], "References": caseNodes.references}
    return outputNode(scene, className, MODULE, key, name, settings.toDict(), references)


# Plot -----------------------------------------------------------------------------------------------------------


def writeChart(scene, caseNodes: CaseNodes, measurement: ProfileMeasurement):
    """The profile, the fit, its window and the width at 25 % of one target, as a Slicer chart; it must have a mean."""
    stem, target = caseNodes.images[0].GetName(), measurement.input.target

    def output(className, key, name):
        return _outputNode(scene, className, f"{key}:{target.slug}", name, caseNodes, measurement.settings)

    tables = {}
    for name, rows in _plotRows(measurement).items():
        tables[name] = output("vtkMRMLTableNode", f"plot-{name}", f"{stem} {target.slug} {name}")
        with slicer.util.NodeModify(tables[name]):
            fillTableNode(tables[name], _PLOT_COLUMNS[name], rows)
            tables[name].SetHideFromEditors(True)  # only the chart reads it
    chart = output("vtkMRMLPlotChartNode", "chart", f"{stem} {target.label}")
    with slicer.util.NodeModify(chart):
        chart.RemoveAllPlotSeriesNodeIDs()
        for table, x, y, name, color, width in _SERIES:
            series = output("vtkMRMLPlotSeriesNode", f"series-{y}", name)
            with slicer.util.NodeModify(series):
                _lookOfSeries(series, x, y, color, width)
                series.SetHideFromEditors(True)
                series.SetAndObserveTableNodeID(tables[table].GetID())
            if measurement.status == OK or y != "width":
                chart.AddAndObservePlotSeriesNodeID(series.GetID())
        _showBand(chart, tables["profile"])
        chart.SetTitle(target.label)
        chart.SetXAxisTitle("Depth below the pial line [mm]")
        chart.SetYAxisTitle("Hypointensity (dark is up)")
        chart.SetTitleFontSize(14)
        chart.SetAxisTitleFontSize(12)
        chart.SetAxisLabelFontSize(11)
        chart.SetLegendFontSize(11)
    chart.Modified()
    return chart


def _showBand(chart, profileTable):
    """The band fills the chart: liquor, far below, need not be seen whole."""
    column = profileTable.GetTable().GetColumnByName("hypointensity")
    highest = np.nanmax([column.GetValue(row) for row in range(column.GetNumberOfTuples())])
    chart.SetYAxisRangeAuto(not highest > 0)
    if highest > 0:
        chart.SetYAxisRange(-highest, 1.3 * highest)


def _lookOfSeries(series, x, y, color, width):
    kind = slicer.vtkMRMLPlotSeriesNode
    # A line plot ignores x; scatter without markers does not.
    series.SetPlotType(kind.PlotTypeScatter)
    series.SetMarkerStyle(kind.MarkerStyleNone)
    series.SetLineStyle(kind.LineStyleDash if color == "window" else kind.LineStyleSolid)
    series.SetXColumnName(x)
    series.SetYColumnName(y)
    series.SetColor(*COLORS[color])
    series.SetLineWidth(width)


def _plotRows(measurement) -> dict[str, list[dict]]:
    """Rows of the three tables that the chart draws."""
    mean, fit, window = measurement.mean, measurement.selected.fit, measurement.window
    depthMm, d = mean.depthMm, mean.hypointensity
    sd = mean.sdIntensity / measurement.splenium.mean
    start, end = (float(depthMm[index]) for index in (window.first, window.last))
    low, high = float(np.nanmin(d[window.slice])), float(np.nanmax(d[window.slice]))
    isBand = measurement.status == OK
    widthMm = [fit.startMm, fit.endMm] if isBand else [np.nan, np.nan]
    quarter = 0.25 * measurement.selected.sh if isBand else np.nan
    # The frame of the window has four corners, the width two ends: it goes there and back.
    frame = zip((start, start, end, end), (low, high, high, low), (*widthMm, *widthMm[::-1]), strict=True)
    around = zip(np.concatenate([depthMm, depthMm[::-1]]), np.concatenate([d + sd, (d - sd)[::-1]]), strict=True)
    return {
        "profile": [
            {"depth": x, "hypointensity": y, "fit": f}
            for x, y, f in zip(depthMm, d, measurement.bandCurve, strict=True)
        ],
        "band": [{"band_depth": x, "band": y} for x, y in around if np.isfinite(y)],
        "marks": [{"window_depth": x, "window": y, "width_depth": edge, "width": quarter} for x, y, edge in frame],
    }


# Overlay --------------------------------------------------------------------------------------------------------


def writeOverlays(scene, caseNodes: CaseNodes, measurement: ProfileMeasurement) -> tuple:
    """Lines on the slice: where it was measured, what was left out, and what came out."""
    stem, slug = caseNodes.images[0].GetName(), measurement.input.target.slug
    depthMm = measurement.settings.crossingDepthMm
    image = measurement.input.image
    lines = {kind: [] for kind in OVERLAYS}
    for rows, used in zip(measurement.normals, measurement.profiles.used, strict=True):
        # As high as the slice is thick: a view that cuts the slice cuts the wall in a line.
        wall_RAS = (
            0.5 * np.linalg.norm(image.edgesNear(rows.points_RAS.mean(0))[:, rows.planeAxis]) * rows.planeNormal_RAS
        )
        lines["contour"].append((rows.points_RAS, wall_RAS))
        ends = rows.points_RAS + depthMm * rows.normals_RAS
        for index in range(len(rows.points_RAS)):
            normal_RAS = np.stack([rows.points_RAS[index], ends[index]])
            lines["normals" if used[index] else "excluded"].append((normal_RAS, wall_RAS))
    walls_RAS = [wall for _, wall in lines["contour"] for _edge in range(2)]
    lines["edges"] = list(zip(bandEdges_RAS(measurement), walls_RAS, strict=False))
    nodes = []
    for kind in OVERLAYS:
        node = _outputNode(
            scene,
            "vtkMRMLModelNode",
            f"overlay:{slug}:{kind}",
            f"{stem} {slug} {kind}",
            caseNodes,
            measurement.settings,
        )
        node.SetAndObservePolyData(_walls(lines[kind]))
        display = node.GetDisplayNode()
        if display is None:
            node.CreateDefaultDisplayNodes()
            display = node.GetDisplayNode()
            display.SetColor(*COLORS[kind])
            display.SetVisibility2D(True)
            display.SetVisibility3D(False)
            display.SetSliceIntersectionThickness(1 if kind in ("normals", "excluded") else 3)
        nodes.append(node)
    return tuple(nodes)


def bandEdges_RAS(measurement: ProfileMeasurement) -> list[np.ndarray]:
    """The two depths at 25 % of the peak, as one line (n, 3) each per contour; none without a band."""
    if measurement.status != "ok":
        return []
    fit, profiles = measurement.selected.fit, measurement.profiles
    edges = np.array([fit.startMm, fit.endMm])
    depths = (
        profiles.alignment.depthsMm(edges) if measurement.settings.align else np.tile(edges, (len(profiles.arcMm), 1))
    )
    lines = []
    for index, (rows, used) in enumerate(zip(measurement.normals, profiles.used, strict=True)):
        ofContour = depths[profiles.contour == index]
        for edge in range(2):
            lines.append(rows.points_RAS[used] + ofContour[:, edge, None] * rows.normals_RAS[used])
    return lines


def _walls(lines):
    """Polylines (n, 3) that stand on a slice, each as a wall of quads from `-wall` to `+wall`."""
    points_RAS, cells, first = [], [], 0
    for line_RAS, wall_RAS in lines:
        count = len(line_RAS)
        points_RAS += [line_RAS - wall_RAS, line_RAS + wall_RAS]
        lower = first + np.arange(count - 1)
        cells.append(np.column_stack([lower, lower + 1, lower + 1 + count, lower + count]))
        first += 2 * count
    polyData = vtk.vtkPolyData()
    points = vtk.vtkPoints()
    polygons = vtk.vtkCellArray()
    if points_RAS:
        points.SetData(numpy_to_vtk(np.ascontiguousarray(np.concatenate(points_RAS), dtype=float), deep=True))
        quads = np.ascontiguousarray(np.concatenate(cells), dtype=np.int64)
        offsets = 4 * np.arange(len(quads) + 1, dtype=np.int64)
        polygons.SetData(numpy_to_vtkIdTypeArray(offsets, deep=True), numpy_to_vtkIdTypeArray(quads.ravel(), deep=True))
    polyData.SetPoints(points)
    polyData.SetPolys(polygons)
    return polyData
