"""`ProfileMeasurement` to Slicer nodes: tables with units, plots, and overlays on the slice.

Nodes of an earlier run are found by their attribute and used again, so that layouts and views keep what they show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from ALSStudyLib.mrmlNodes import fillTableNode, outputNode
from ALSStudyLib.tables import Column, allRows
from vtk.util.numpy_support import numpy_to_vtk

from .measurement import ProfileMeasurement
from .mrml import CaseNodes
from .profileTables import MEASUREMENT_COLUMNS, PROFILE_COLUMNS, measurementRow, profileRows

MODULE = "ALSCortexProfile"

# One color per meaning, on the slice and in the plot alike.
COLORS = {
    "mean": (0.12, 0.12, 0.12),
    "sd": (0.65, 0.65, 0.65),
    "fit": (0.84, 0.15, 0.16),
    "contour": (1.0, 0.85, 0.1),
    "normals": (0.25, 0.75, 0.95),
    "excluded": (0.95, 0.35, 0.75),
    "edges": (0.84, 0.15, 0.16),
}

_PLOT_COLUMNS = (
    Column("depth", "Depth below the pial line", "mm"),
    Column("hypointensity", "Mean hypointensity"),
    Column("upper", "Mean + SD over normals"),
    Column("lower", "Mean - SD over normals"),
    Column("fit", "Fitted band as seen through the voxel"),
)


@dataclass(frozen=True)
class ResultNodes:
    """:param charts, overlays: by target slug; overlays are (contour, normals, excluded, band edges) model nodes."""

    resultsTable: object
    profilesTable: object
    charts: dict
    overlays: dict


def writeResults(scene, caseNodes: CaseNodes, measurements: Sequence[ProfileMeasurement]) -> ResultNodes:
    """Write all measurements of one exam into the scene; earlier results of the same targets are replaced."""
    stem = caseNodes.images[0].GetName()
    results = _outputNode(scene, "vtkMRMLTableNode", "results", f"{stem} SH-Thk", caseNodes, measurements)
    fillTableNode(results, MEASUREMENT_COLUMNS, [measurementRow(m) for m in measurements])
    profiles = _outputNode(scene, "vtkMRMLTableNode", "profiles", f"{stem} profiles", caseNodes, measurements)
    fillTableNode(profiles, PROFILE_COLUMNS, allRows(measurements, profileRows))
    charts, overlays = {}, {}
    for measurement in measurements:
        slug = measurement.input.target.slug
        if measurement.mean is not None:
            charts[slug] = _writeChart(scene, stem, caseNodes, measurement)
            overlays[slug] = _writeOverlays(scene, stem, caseNodes, measurement)
    return ResultNodes(results, profiles, charts, overlays)


def _outputNode(scene, className, key, name, caseNodes, measurements):
    references = {"Image": caseNodes.images[0], "References": caseNodes.references}
    return outputNode(scene, className, MODULE, key, name, measurements[0].settings.toDict(), references)


# Plot -----------------------------------------------------------------------------------------------------------


def _writeChart(scene, stem, caseNodes, measurement):
    slug, label = measurement.input.target.slug, measurement.input.target.label
    table = _outputNode(scene, "vtkMRMLTableNode", f"plot:{slug}", f"{stem} {slug} plot", caseNodes, [measurement])
    mean = measurement.mean
    sd = mean.sdIntensity / measurement.splenium.mean
    rows = [
        {"depth": x, "hypointensity": d, "upper": d + s, "lower": d - s, "fit": f}
        for x, d, s, f in zip(mean.depthMm, mean.hypointensity, sd, measurement.bandCurve, strict=True)
    ]
    fillTableNode(table, _PLOT_COLUMNS, rows)
    chart = _outputNode(scene, "vtkMRMLPlotChartNode", f"chart:{slug}", f"{stem} {label}", caseNodes, [measurement])
    chart.RemoveAllPlotSeriesNodeIDs()
    looks = (
        ("upper", "mean + SD", "sd", 1.0),
        ("lower", "mean - SD", "sd", 1.0),
        ("hypointensity", "mean", "mean", 2.0),
        ("fit", "fit", "fit", 3.0),
    )
    for column, name, color, width in looks:
        key = f"series:{slug}:{column}"
        series = _outputNode(scene, "vtkMRMLPlotSeriesNode", key, f"{label} {name}", caseNodes, [measurement])
        series.SetAndObserveTableNodeID(table.GetID())
        # A line plot ignores x; scatter without markers does not.
        series.SetPlotType(slicer.vtkMRMLPlotSeriesNode.PlotTypeScatter)
        series.SetMarkerStyle(slicer.vtkMRMLPlotSeriesNode.MarkerStyleNone)
        series.SetXColumnName("depth")
        series.SetYColumnName(column)
        series.SetColor(*COLORS[color])
        series.SetLineWidth(width)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
    chart.SetTitle(label)
    chart.SetXAxisTitle("Depth below the pial line [mm]")
    chart.SetYAxisTitle("Hypointensity (positive = darker than white matter)")
    chart.Modified()
    return chart


# Overlay --------------------------------------------------------------------------------------------------------


def _writeOverlays(scene, stem, caseNodes, measurement):
    """Lines on the slice: where it was measured, what was left out, and what came out."""
    slug = measurement.input.target.slug
    depthMm = measurement.settings.crossingDepthMm
    lines = {"contour": [], "normals": [], "excluded": [], "edges": []}
    for rows, used in zip(measurement.normals, measurement.profiles.used, strict=True):
        lines["contour"].append(rows.points_RAS)
        ends = rows.points_RAS + depthMm * rows.normals_RAS
        for index in range(len(rows.points_RAS)):
            lines["normals" if used[index] else "excluded"].append(np.stack([rows.points_RAS[index], ends[index]]))
    lines["edges"] = bandEdges_RAS(measurement)
    nodes = []
    for kind, polylines in lines.items():
        key = f"overlay:{slug}:{kind}"
        node = _outputNode(scene, "vtkMRMLModelNode", key, f"{stem} {slug} {kind}", caseNodes, [measurement])
        node.SetAndObservePolyData(_polyData(polylines))
        if node.GetDisplayNode() is None:
            node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        display.SetColor(*COLORS[kind])
        display.SetVisibility2D(True)
        display.SetLineWidth(1 if kind in ("normals", "excluded") else 3)
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


def _polyData(polylines):
    points = vtk.vtkPoints()
    cells = vtk.vtkCellArray()
    if polylines:
        points.SetData(numpy_to_vtk(np.ascontiguousarray(np.concatenate(polylines), dtype=float), deep=True))
    first = 0
    for line in polylines:
        cells.InsertNextCell(len(line))
        for index in range(len(line)):
            cells.InsertCellPoint(first + index)
        first += len(line)
    polyData = vtk.vtkPolyData()
    polyData.SetPoints(points)
    polyData.SetLines(cells)
    return polyData
