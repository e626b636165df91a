"""Slicer nodes to arrays and back, for both modules. Every function takes its scene; none reaches for a global one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import slicer
import vtk
from ALSCortexProfileLib.image import ImageVolume
from ALSCortexProfileLib.references import ReferenceRegion
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
    return ImageVolume(array_KJI, ijkToLocal, _pointMap(None, parent), _pointMap(parent, None), name=name)


def withoutLastBits(matrix: np.ndarray) -> np.ndarray:
    """Free of the last bits, which saving and loading changes: a saved scene must measure to the same digits."""
    return np.rint(matrix / GRAIN) * GRAIN


def _pointMap(source, target):
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


# Segmentations --------------------------------------------------------------------------------------------------


def addSegmentationNode(scene, masks_KJI: dict[str, np.ndarray], volumeNode, name: str):
    """A segmentation on the grid of a volume, one segment per mask (nK, nJ, nI)."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    for segmentName, mask in masks_KJI.items():
        addSegment(node, segmentName, mask, matrix)
    return node


def addSegment(segmentationNode, name: str, mask_KJI: np.ndarray, ijkToRAS) -> str:
    """Add a binary segment; only its own box is stored. Returns the segment's ID."""
    segmentation = segmentationNode.GetSegmentation()
    segmentId = segmentation.AddEmptySegment("", name)
    found = np.argwhere(mask_KJI)
    if len(found) == 0:
        return segmentId
    low, high = found.min(0), found.max(0)
    box = np.ascontiguousarray(
        mask_KJI[low[0] : high[0] + 1, low[1] : high[1] + 1, low[2] : high[2] + 1], dtype=np.uint8
    )
    labelmap = slicer.vtkOrientedImageData()
    labelmap.SetExtent(low[2], high[2], low[1], high[1], low[0], high[0])
    labelmap.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 1)
    vtk_to_numpy(labelmap.GetPointData().GetScalars())[:] = box.ravel()
    labelmap.SetGeometryFromImageToWorldMatrix(ijkToRAS)
    logicClass = slicer.vtkSlicerSegmentationsModuleLogic
    if not logicClass.SetBinaryLabelmapToSegment(labelmap, segmentationNode, segmentId, logicClass.MODE_REPLACE):
        raise RuntimeError("The segmentations logic is not attached to the scene: use HeadlessScene.")
    return segmentId


def segmentNames(segmentationNode) -> dict[str, str]:
    """Segment name to segment ID."""
    segmentation = segmentationNode.GetSegmentation()
    identifiers = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
    return {segmentation.GetSegment(identifier).GetName(): identifier for identifier in identifiers}


def segmentRegion(segmentationNode, segmentId: str, image: ImageVolume) -> ReferenceRegion:
    """Image voxels whose centers lie in the segment, whatever grid the segment was painted on."""
    name = segmentationNode.GetSegmentation().GetSegment(segmentId).GetName()
    labelmap = slicer.vtkOrientedImageData()
    segmentationNode.GetBinaryLabelmapRepresentation(segmentId, labelmap)
    scalars = labelmap.GetPointData().GetScalars()
    if scalars is None or labelmap.IsEmpty():
        return ReferenceRegion(name, np.empty((0, 3), dtype=int))
    inside_KJI = vtk_to_numpy(scalars).reshape(labelmap.GetDimensions()[::-1]) > 0
    found = np.argwhere(inside_KJI)[:, ::-1]
    if len(found) == 0:
        return ReferenceRegion(name, np.empty((0, 3), dtype=int))
    labelToWorld = vtk.vtkMatrix4x4()
    labelmap.GetImageToWorldMatrix(labelToWorld)
    labelToWorld = matrixToArray(labelToWorld)
    start = np.array(labelmap.GetExtent()[::2])
    toWorld, toLocal = _segmentationMaps(segmentationNode)

    def center_RAS(index):
        return toWorld((index + start) @ labelToWorld[:3, :3].T + labelToWorld[:3, 3])

    # The box of image voxels around the segment, each asked whether its center is inside.
    corners = np.array(np.meshgrid(*zip(found.min(0) - 0.5, found.max(0) + 0.5, strict=True))).reshape(3, -1).T
    box_IJK = image.rasToIJK(center_RAS(corners))
    low = np.maximum(np.floor(box_IJK.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(box_IJK.max(0)).astype(int), np.array(image.shape_IJK) - 1)
    if (high < low).any():
        return ReferenceRegion(name, np.empty((0, 3), dtype=int))
    candidates = np.stack(
        np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1
    ).reshape(-1, 3)
    inverse = np.linalg.inv(labelToWorld)
    label = toLocal(image.ijkToWorld(candidates)) @ inverse[:3, :3].T + inverse[:3, 3] - start
    # Rounding noise of matrices must not decide a voxel that lies on an edge.
    nearest = np.floor(label + 0.5 + 1e-6).astype(int)
    valid = ((nearest >= 0) & (nearest < inside_KJI.shape[::-1])).all(1)
    chosen = np.zeros(len(candidates), dtype=bool)
    i, j, k = nearest[valid].T
    chosen[valid] = inside_KJI[k, j, i]
    return ReferenceRegion(name, candidates[chosen])


def _segmentationMaps(node):
    """Point maps from the segmentation's frame to the world and back."""
    parent = node.GetParentTransformNode()
    if parent is None:
        return (lambda points: points), (lambda points: points)
    return _pointMap(parent, None), _pointMap(None, parent)


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
