"""Slicer nodes to arrays and back, for both modules. Every function takes its scene; none reaches for a global one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import slicer
import vtk
from .image import ImageVolume
from .provenance import VERSION
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from .errors import InputError

TARGET_ATTRIBUTE = "ALSMotorCortex.Target"
SIDE_ATTRIBUTE = "ALSMotorCortex.Side"
ROLE_ATTRIBUTE = "ALSMotorCortex.Role"
ECHO_TIME_ATTRIBUTE = "ALSMotorCortex.EchoTimeMs"
# No round decimal: positions such as 20.865 must not lie just between two grains.
GRAIN = 1.2345678e-10


def matrixToArray(matrix) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrixFromArray(array) -> vtk.vtkMatrix4x4:
    matrix = vtk.vtkMatrix4x4()
    for row in range(4):
        for column in range(4):
            matrix.SetElement(row, column, float(array[row][column]))
    return matrix


# Volumes --------------------------------------------------------------------------------------------------------


def addVolumeNode(scene, array_KJI: np.ndarray, ijkToRAS: np.ndarray, name: str):
    """A scalar volume node that owns a copy of the array (nK, nJ, nI)."""
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
    node.SetIJKToRASMatrix(matrixFromArray(ijkToRAS))
    slicer.util.updateVolumeFromArray(node, array_KJI)
    node.CreateDefaultDisplayNodes()
    return node


def volumeArray(node) -> np.ndarray:
    """Voxels (nK, nJ, nI) as a view of the node's own memory.

    :raises InputError: no image data, or more than one number per voxel.
    """
    image = node.GetImageData()
    if image is None or image.GetPointData().GetScalars() is None:
        raise InputError(f"Volume '{node.GetName()}' holds no image; expected voxels; load it again.")
    if image.GetNumberOfScalarComponents() != 1:
        raise InputError(
            f"Volume '{node.GetName()}' has {image.GetNumberOfScalarComponents()} numbers per voxel; "
            "expected one (a magnitude image); choose another."
        )
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1])


def imageFromVolumeNode(node) -> ImageVolume:
    """The node's voxels and their place in the world, parent transforms honored, nothing copied."""
    ijkToLocal = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijkToLocal)
    ijkToLocal = withoutLastBits(matrixToArray(ijkToLocal))
    array_KJI, name = volumeArray(node), node.GetName()
    parent = node.GetParentTransformNode()
    if parent is None:
        return ImageVolume(array_KJI, ijkToLocal, name=name)
    if parent.IsTransformToWorldLinear():
        localToWorld = vtk.vtkMatrix4x4()
        parent.GetMatrixTransformToWorld(localToWorld)
        return ImageVolume(array_KJI, withoutLastBits(matrixToArray(localToWorld) @ ijkToLocal), name=name)
    return ImageVolume(array_KJI, ijkToLocal, pointMap(None, parent), pointMap(parent, None), name=name)


def withoutLastBits(matrix: np.ndarray) -> np.ndarray:
    """Free of the last bits, which saving and loading changes: a saved scene must measure to the same digits."""
    return np.rint(matrix / GRAIN) * GRAIN


def pointMap(source, target):
    """Function that maps points (n, 3) from one transform node's frame to another's; None is the world."""
    transform = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(source, target, transform)

    def mapped(points):
        vtkPoints, result = vtk.vtkPoints(), vtk.vtkPoints()
        vtkPoints.SetData(numpy_to_vtk(np.ascontiguousarray(points, dtype=float), deep=True))
        result.SetDataTypeToDouble()
        transform.TransformPoints(vtkPoints, result)
        return vtk_to_numpy(result.GetData()).copy()

    return mapped


def scalarVolumeNodes(scene) -> list:
    """Scalar volumes of the scene that are no label maps, in order."""
    nodes = scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    nodes.UnRegister(None)
    found = [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]
    return [node for node in found if not node.IsA("vtkMRMLLabelMapVolumeNode")]


def nodesOfClass(scene, className: str) -> list:
    nodes = scene.GetNodesByClass(className)
    nodes.UnRegister(None)
    return [nodes.GetItemAsObject(index) for index in range(nodes.GetNumberOfItems())]


# Results --------------------------------------------------------------------------------------------------------


def outputNode(scene, className: str, module: str, key: str, name: str, settings: dict, references: dict):
    """The node that holds one result of a module for one image: the one of an earlier run, or a new one.

    :param module: prefix of its attributes. key: tells the results of an image apart.
    :param references: what it was made of, nodes by role; the first is the image.
    """
    attribute = f"{module}.Output"
    image = next(iter(references.items()))

    def isIt(node) -> bool:
        role, source = image
        return node.GetAttribute(attribute) == key and node.GetNodeReferenceID(f"{module}.{role}") == source.GetID()

    node = next(filter(isIt, nodesOfClass(scene, className)), None) or scene.AddNewNodeByClass(className, name)
    node.SetAttribute(attribute, key)
    node.SetName(name)
    node.SetAttribute(f"{module}.Version", VERSION)
    node.SetAttribute(f"{module}.Settings", json.dumps(settings))
    for role, source in references.items():
        node.SetNodeReferenceID(f"{module}.{role}", source.GetID())
    return node


# Tables ---------------------------------------------------------------------------------------------------------


def fillTableNode(node, columns: Sequence, rows: Sequence[dict]) -> None:
    """Replace a table's content and schema; the table is locked, for it is a result.

    :param columns: `ALSStudyLib.tables.Column`, in order. rows: dictionaries by column name.
    """
    node.SetLocked(False)
    node.RemoveAllColumns()
    table = vtk.vtkTable()
    for column in columns:
        array = vtk.vtkStringArray() if column.isText else vtk.vtkDoubleArray()
        array.SetName(column.name)
        for row in rows:
            array.InsertNextValue(column.text(row) if column.isText else column.number(row))
        table.AddColumn(array)
    node.SetAndObserveTable(table)
    for column in columns:
        node.SetColumnTitle(column.name, column.name)
        node.SetColumnDescription(column.name, column.description)
        if column.unit:
            node.SetColumnUnitLabel(column.name, column.unit)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)
