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

_PLOT_COLUMNS = (
    Column("depth", "Depth below the pial line", "mm"),
    Column("hypointensity", "Mean hypointensity"),
    Column("upper", "Mean + SD over normals"),
    Column("lower", "Mean - SD over normals"),
    Column("fit", "Fitted band as seen through the voxel"),
)
# Two points each: where the fit looks, and the width it finds.
_MARK_COLUMNS = (
    Column("start", "Start of the window", "mm"),
    Column("end", "End of the window", "mm"),
    Column("height", "Lowest and highest hypointensity shown"),
    Column("width", "Start and end of the band at 25 % of its peak", "mm"),
    Column("quarter", "25 % of the peak"),
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
    stem = caseNodes.images[0].GetName()
    settings = measurements[0].settings
    results = _outputNode(scene, "vtkMRMLTableNode", "results", f"{stem} SH-Thk", caseNodes, settings)
    fillTableNode(results, MEASUREMENT_COLUMNS, [measurementRow(m) for m in measurements])
    profiles = _outputNode(scene, "vtkMRMLTableNode", "profiles", f"{stem} profiles", caseNodes, settings)
    fillTableNode(profiles, PROFILE_COLUMNS, allRows(measurements, profileRows))
    charts, overlays = {}, {}
    for measurement in measurements:
        if measurement.mean is not None:
            slug = measurement.input.target.slug
            charts[slug] = writeChart(scene, caseNodes, measurement)
            overlays[slug] = writeOverlays(scene, caseNodes, measurement)
    return ResultNodes(results, profiles, charts, overlays)


def targetResults(scene, imageNode, targetSlug: str) -> list:
    """Charts, plot tables, series and overlays that one target of an image has."""
    suffixes = [f":{targetSlug}", f":{targetSlug}:"]
    found = []
    for className in ("vtkMRMLPlotChartNode", "vtkMRMLPlotSeriesNode", "vtkMRMLTableNode", "vtkMRMLModelNode"):
        for node in nodesOfClass(scene, className):
            key = node.GetAttribute(f"{MODULE}.Output") or ""
            if node.GetNodeReferenceID(f"{MODULE}.Image") == imageNode.GetID() and (
                key.endswith(suffixes[0]) or suffixes[1] in key
            ):
                found.append(node)
    return found


def resultTables(scene, imageNode) -> list:
    """The tables of results and of profiles of an image."""
    return [
        node
        for node in nodesOfClass(scene, "vtkMRMLTableNode")
        if node.GetAttribute(f"{MODULE}.Output") in ("results", "profiles")
        and node.GetNodeReferenceID(f"{MODULE}.Image") == imageNode.GetID()
    ]


def overlayKind(modelNode) -> str:
    """Which of `OVERLAYS` a model is, or ""."""
    key = (modelNode.GetAttribute(f"{MODULE}.Output") or "").split(":")
    return key[-1] if key[0] == "overlay" else ""


def _outputNode(scene, className, key, name, caseNodes, settings):
    references = {"Image": caseNodes.images[0], "References": caseNodes.references}
    return outputNode(scene, className, MODULE, key, name, settings.toDict(), references)


# Plot -----------------------------------------------------------------------------------------------------------


def writeChart(scene, caseNodes: CaseNodes, measurement: ProfileMeasurement):
    """The profile, the fit, its window and the width at 25 % of one target, as a Slicer chart; it must have a mean."""
    stem, target = caseNodes.images[0].GetName(), measurement.input.target

    def output(className, key, name):
        return _outputNode(scene, className, f"{key}:{target.slug}", name, caseNodes, measurement.settings)

    table = output("vtkMRMLTableNode", "plot", f"{stem} {target.slug} plot")
    fillTableNode(table, _PLOT_COLUMNS, _plotRows(measurement))
    marks = output("vtkMRMLTableNode", "marks", f"{stem} {target.slug} marks")
    fillTableNode(marks, _MARK_COLUMNS, _markRows(measurement))
    chart = output("vtkMRMLPlotChartNode", "chart", f"{stem} {target.label}")
    chart.RemoveAllPlotSeriesNodeIDs()
    looks = (
        (table, "depth", "upper", "mean + SD", "sd", 1.0),
        (table, "depth", "lower", "mean - SD", "sd", 1.0),
        (marks, "start", "height", "window starts", "window", 1.0),
        (marks, "end", "height", "window ends", "window", 1.0),
        (table, "depth", "hypointensity", "mean", "mean", 2.0),
        (table, "depth", "fit", "fit", "fit", 3.0),
        (marks, "width", "quarter", "width at 25 %", "width", 4.0),
    )
    for source, x, y, name, color, width in looks:
        if measurement.status != OK and (x, y) == ("width", "quarter"):
            continue
        series = output("vtkMRMLPlotSeriesNode", f"series:{x}-{y}", f"{target.label} {name}")
        series.SetAndObserveTableNodeID(source.GetID())
        # A line plot ignores x; scatter without markers does not.
        series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
        series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleNone)
        series.SetLineStyle(
            slicer.vtkMRMLPlotSeriesNode.LineStyleDash
            if color == "window"
            else slicer.vtkMRMLPlotSeriesNode.LineStyleSolid
        )
        series.SetXColumnName(x)
        series.SetYColumnName(y)
        series.SetColor(*COLORS[color])
        series.SetLineWidth(width)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(target.label)
    chart.SetXAxisTitle("Depth below the pial line [mm]")
    chart.SetYAxisTitle("Hypointensity (positive = darker than white matter)")
    chart.Modified()
    return chart


def _plotRows(measurement):
    mean = measurement.mean
    sd = mean.sdIntensity / measurement.splenium.mean
    return [
        {"depth": x, "hypointensity": d, "upper": d + s, "lower": d - s, "fit": f}
        for x, d, s, f in zip(mean.depthMm, mean.hypointensity, sd, measurement.bandCurve, strict=True)
    ]


def _markRows(measurement):
    mean, window = measurement.mean, measurement.window
    fit = measurement.selected.fit
    inside = mean.hypointensity[window.slice]
    heights = (float(np.nanmin(inside)), float(np.nanmax(inside)))
    width = (fit.startMm, fit.endMm) if measurement.status == OK else (np.nan, np.nan)
    quarter = 0.25 * measurement.selected.sh if measurement.status == OK else np.nan
    start, end = (float(mean.depthMm[index]) for index in (window.first, window.last))
    return [
        {"start": start, "end": end, "height": height, "width": x, "quarter": quarter}
        for height, x in zip(heights, width, strict=True)
    ]


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
