"""`PhaseMeasurement` to Slicer nodes: corrected phase, SWI and projection as volumes, results as tables with units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import slicer
import vtk
from ALSStudyLib.mrmlNodes import ECHO_TIME_ATTRIBUTE, fillTableNode, outputNode
from ALSStudyLib.tables import allRows

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
    return PhaseResultNodes(*nodes, *volumes)


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


def _outputNode(scene, className, key, title, caseNodes):
    references = {**caseNodes.byRole, **({"Regions": caseNodes.regions} if caseNodes.regions else {})}
    name = f"{caseNodes.declared.GetName()} {title}"
    return outputNode(scene, className, MODULE, key, name, caseNodes.settings.toDict(), references)
