"""`PhaseMeasurement` to Slicer nodes: corrected phase, SWI and projection as volumes, results as tables with units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from ALSStudyLib.mrmlNodes import ECHO_TIME_ATTRIBUTE, fillTableNode, nodesOfClass, outputNode
from ALSStudyLib.tables import Column, allRows

from .measurement import PhaseMeasurement
from .mrml import (
    ENCODING_ATTRIBUTE,
    FIELD_STRENGTH_ATTRIBUTE,
    FILTER_ATTRIBUTE,
    POLARITY_ATTRIBUTE,
    UNIT_ATTRIBUTE,
    PhaseCaseNodes,
)
from .phaseTables import (
    MEASUREMENT_COLUMNS,
    REGION_COLUMNS,
    SLICE_COLUMNS,
    WIDE_COLUMNS,
    measurementRows,
    regionRow,
    sliceRows,
    wideRow,
)
from .preparation import PreparedPhase

MODULE = "PhaseShiftROI"
DISPLAY_RAD = 0.5
ALL_COLOR, KEPT_COLOR = (0.34, 0.71, 0.91), (0.90, 0.62, 0.00)


@dataclass(frozen=True)
class PhaseResultNodes:
    """:param weighted, projection: None where there is no SWI."""

    resultsTable: object
    slicesTable: object
    regionsTable: object
    wideTable: object
    corrected: object
    weighted: object
    projection: object


def writePhaseResults(scene, caseNodes: PhaseCaseNodes, measurements: Sequence[PhaseMeasurement]) -> PhaseResultNodes:
    """Write one exam into the scene; results of an earlier run are replaced."""
    volumes = writePreparedPhase(scene, caseNodes, measurements[0].prepared)
    return PhaseResultNodes(*writePhaseTables(scene, caseNodes, measurements), *volumes)


def writePhaseTables(scene, caseNodes: PhaseCaseNodes, measurements: Sequence[PhaseMeasurement]) -> list:
    """Tables of results, slices and regions, and the paper's layout."""
    tables = (
        ("results", "phase shift", MEASUREMENT_COLUMNS, allRows(measurements, measurementRows)),
        ("slices", "phase shift slices", SLICE_COLUMNS, allRows(measurements, sliceRows)),
        ("regions", "phase shift regions", REGION_COLUMNS, [regionRow(m) for m in measurements]),
        ("wide", "phase shift, paper's layout", WIDE_COLUMNS, [wideRow(measurements)]),
    )
    nodes = []
    for key, title, columns, rows in tables:
        node = _outputNode(scene, "vtkMRMLTableNode", key, title, caseNodes)
        fillTableNode(node, columns, rows)
        nodes.append(node)
    return nodes


def writeSlicesChart(scene, caseNodes: PhaseCaseNodes, measurement: PhaseMeasurement):
    """Value per slice of one region as a Slicer chart, the slices kept as a series of their own; and its tables.

    :return: the chart, and the nodes it is made of.
    """
    plots = slicer.vtkMRMLPlotSeriesNode
    columns = (Column("slice", "Index of the slice"), Column("phase_rad", "Mean over the region", "rad"))
    # A marker for what is not measured would be drawn at 0.
    measured = [value for value in measurement.candidates if np.isfinite(value.phaseRad)]
    kept = [value for value in measurement.chosen if np.isfinite(value.phaseRad)]
    chart = _outputNode(scene, "vtkMRMLPlotChartNode", "chart", "phase shift chart", caseNodes)
    chart.RemoveAllPlotSeriesNodeIDs()
    nodes = []
    for key, words, values, marker, size, color in (
        ("all", "every slice", measured, plots.MarkerStyleCircle, 7.0, ALL_COLOR),
        ("kept", "kept by the slice rule", kept, plots.MarkerStyleSquare, 11.0, KEPT_COLOR),
    ):
        table = _outputNode(scene, "vtkMRMLTableNode", f"chart {key}", f"phase shift chart, {words}", caseNodes)
        fillTableNode(table, columns, [{"slice": value.slice, "phase_rad": value.phaseRad} for value in values])
        table.SetHideFromEditors(True)  # only the chart reads it
        series = _outputNode(scene, "vtkMRMLPlotSeriesNode", f"series {key}", words, caseNodes)
        series.SetName(words)
        series.SetAndObserveTableNodeID(table.GetID())
        series.SetPlotType(plots.PlotTypeScatter)
        series.SetXColumnName("slice")
        series.SetYColumnName("phase_rad")
        series.SetMarkerStyle(marker)
        series.SetMarkerSize(size)
        isLine = key == "all" and len(values) > 1
        series.SetLineStyle(plots.LineStyleDot if isLine else plots.LineStyleNone)
        series.SetColor(*color)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
        nodes += [table, series]
    chart.SetTitle(measurement.region.label)
    chart.SetXAxisTitle("Slice")
    chart.SetYAxisTitle("Phase shift [rad]")
    # From 0, and with room for the markers and the legend: what is small must look small.
    chart.SetXAxisRangeAuto(not measured)
    chart.SetYAxisRangeAuto(not measured)
    if measured:
        slices, means = zip(*((value.slice, value.phaseRad) for value in measured), strict=True)
        low, high = min(0.0, *means), max(0.0, *means)
        chart.SetXAxisRange(min(slices) - 1, max(slices) + 1)
        chart.SetYAxisRange(low - 0.1 * (high - low), high + 0.3 * (high - low))
    chart.Modified()
    return chart, [chart, *nodes]


def writePreparedPhase(scene, caseNodes: PhaseCaseNodes, prepared: PreparedPhase) -> tuple:
    """Corrected phase, SWI and projection as volume nodes; the latter two None where there is no SWI."""
    corrected = _volume(scene, "corrected", "corrected phase", caseNodes, prepared, prepared.corrected.array_KJI)
    corrected.SetAttribute(UNIT_ATTRIBUTE, "rad")
    corrected.SetAttribute(ENCODING_ATTRIBUTE, "radians")
    units = slicer.vtkCodedEntry()
    units.SetValueSchemeMeaning("rad", "UCUM", "radian")
    corrected.SetVoxelValueUnits(units)
    display = corrected.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(-DISPLAY_RAD, DISPLAY_RAD)
    images = prepared.susceptibilityWeighted()
    if images is None:
        for key in ("weighted", "projection"):  # those of an earlier run hold no longer
            _removeOutput(scene, key, caseNodes)
        return corrected, None, None
    slabMm = prepared.slabSlices * float(prepared.corrected.spacingMm[2])
    return (
        corrected,
        _volume(scene, "weighted", "SWI", caseNodes, prepared, images[0]),
        _volume(scene, "projection", f"SWI minimum over {slabMm:.3g} mm", caseNodes, prepared, images[1]),
    )


def _volume(scene, key, title, caseNodes, prepared, array_KJI):
    node = _outputNode(scene, "vtkMRMLScalarVolumeNode", key, title, caseNodes)
    source, matrix = caseNodes.declared, vtk.vtkMatrix4x4()
    source.GetIJKToRASMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    slicer.util.updateVolumeFromArray(node, np.asarray(array_KJI, dtype=np.float32))
    if node.GetDisplayNode() is None:
        node.CreateDefaultDisplayNodes()
    node.SetAttribute(ECHO_TIME_ATTRIBUTE, repr(float(prepared.source.echoTimeMs)))
    node.SetAttribute(FIELD_STRENGTH_ATTRIBUTE, repr(float(prepared.source.fieldStrengthT)))
    node.SetAttribute(POLARITY_ATTRIBUTE, prepared.source.polarity)
    node.SetAttribute(FILTER_ATTRIBUTE, prepared.filter.text)
    return node


def _removeOutput(scene, key, caseNodes) -> None:
    role, source = next(iter(caseNodes.byRole.items()))
    for node in nodesOfClass(scene, "vtkMRMLScalarVolumeNode"):
        isIt = node.GetAttribute(f"{MODULE}.Output") == key
        if isIt and node.GetNodeReferenceID(f"{MODULE}.{role}") == source.GetID():
            scene.RemoveNode(node)


def _outputNode(scene, className, key, title, caseNodes):
    references = {**caseNodes.byRole, **({"Regions": caseNodes.regions} if caseNodes.regions else {})}
    name = f"{caseNodes.declared.GetName()} {title}"
    return outputNode(scene, className, MODULE, key, name, caseNodes.settings.toDict(), references)
