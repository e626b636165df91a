"""Slicer segmentations to regions on an image's grid and back, for both modules."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

from .errors import InputError
from .image import ImageRegion, ImageVolume
from .mrmlNodes import matrixToArray, pointMap

GRID_TOLERANCE = 0.02  # voxels
TERMINOLOGY_CONTEXT = "Segmentation category and type - 3D Slicer General Anatomy list"
ANATOMIC_CONTEXT = "Anatomic codes - DICOM master list"
LATERALITY = {"left": ("SCT", "7771000", "Left"), "right": ("SCT", "24028007", "Right")}


def addSegmentationNode(scene, masks_KJI: dict[str, np.ndarray], volumeNode, name: str):
    """A segmentation on the grid of a volume, one segment per mask (nK, nJ, nI)."""
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    node.CreateDefaultDisplayNodes()  # without one it stays invisible
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    for segmentName, mask in masks_KJI.items():
        addSegment(node, segmentName, mask, matrix)
    return node


def addSegment(segmentationNode, name: str, mask_KJI: np.ndarray, ijkToRAS) -> str:
    """Add a binary segment; only its own box is stored. Returns the segment's ID."""
    segmentation = segmentationNode.GetSegmentation()
    segmentId = segmentation.AddEmptySegment("", name)
    if np.any(mask_KJI):
        setSegmentVoxels(segmentationNode, segmentId, mask_KJI, ijkToRAS)
    return segmentId


def setSegmentVoxels(segmentationNode, segmentId: str, mask_KJI: np.ndarray, ijkToRAS) -> None:
    """Replace what is painted of a segment; the mask (nK, nJ, nI) has at least one voxel."""
    found = np.argwhere(mask_KJI)
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


def segmentNames(segmentationNode) -> dict[str, str]:
    """Segment name to segment ID."""
    segmentation = segmentationNode.GetSegmentation()
    identifiers = [segmentation.GetNthSegmentID(index) for index in range(segmentation.GetNumberOfSegments())]
    return {segmentation.GetSegment(identifier).GetName(): identifier for identifier in identifiers}


class _Labelmap:
    """A segment's voxels, and where they are.

    `inside_KJI` may be cropped; indices count from its first voxel.
    """

    def __init__(self, segmentationNode, segmentId: str):
        self.name = segmentationNode.GetSegmentation().GetSegment(segmentId).GetName()
        labelmap = slicer.vtkOrientedImageData()
        segmentationNode.GetBinaryLabelmapRepresentation(segmentId, labelmap)
        scalars = labelmap.GetPointData().GetScalars()
        if scalars is None or labelmap.IsEmpty():
            self.inside_KJI = np.zeros((0, 0, 0), dtype=bool)
        else:
            self.inside_KJI = vtk_to_numpy(scalars).reshape(labelmap.GetDimensions()[::-1]) > 0
        matrix = vtk.vtkMatrix4x4()
        labelmap.GetImageToWorldMatrix(matrix)
        self._matrix, self._start = matrixToArray(matrix), np.array(labelmap.GetExtent()[::2])
        parent = segmentationNode.GetParentTransformNode()
        self._toWorld = pointMap(parent, None) if parent else lambda points: points
        self._toLocal = pointMap(None, parent) if parent else lambda points: points

    @cached_property
    def voxels(self) -> np.ndarray:
        """Indices (n, 3) in i, j, k order."""
        return np.argwhere(self.inside_KJI)[:, ::-1]

    def toWorld(self, index) -> np.ndarray:
        return self._toWorld((index + self._start) @ self._matrix[:3, :3].T + self._matrix[:3, 3])

    def toIndex(self, points_RAS) -> np.ndarray:
        inverse = np.linalg.inv(self._matrix)
        return self._toLocal(points_RAS) @ inverse[:3, :3].T + inverse[:3, 3] - self._start


def hasVoxels(segmentationNode, segmentId: str) -> bool:
    """Whether anything of a segment is painted, on whatever grid."""
    return bool(_Labelmap(segmentationNode, segmentId).inside_KJI.any())


def segmentRegion(segmentationNode, segmentId: str, image: ImageVolume) -> ImageRegion:
    """Image voxels whose centers lie in the segment, whatever grid the segment was painted on."""
    labelmap = _Labelmap(segmentationNode, segmentId)
    empty = ImageRegion(labelmap.name, np.empty((0, 3), dtype=int))
    found = labelmap.voxels
    if len(found) == 0:
        return empty
    # The box of image voxels around the segment, each asked whether its center is inside.
    corners = np.array(np.meshgrid(*zip(found.min(0) - 0.5, found.max(0) + 0.5, strict=True))).reshape(3, -1).T
    box_IJK = image.rasToIJK(labelmap.toWorld(corners))
    low = np.maximum(np.floor(box_IJK.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(box_IJK.max(0)).astype(int), np.array(image.shape_IJK) - 1)
    if (high < low).any():
        return empty
    candidates = np.stack(
        np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low, high, strict=True)), indexing="ij"), axis=-1
    ).reshape(-1, 3)
    # Rounding noise of matrices must not decide a voxel that lies on an edge.
    nearest = np.floor(labelmap.toIndex(image.ijkToWorld(candidates)) + 0.5 + 1e-6).astype(int)
    valid = ((nearest >= 0) & (nearest < labelmap.inside_KJI.shape[::-1])).all(1)
    chosen = np.zeros(len(candidates), dtype=bool)
    i, j, k = nearest[valid].T
    chosen[valid] = labelmap.inside_KJI[k, j, i]
    return ImageRegion(labelmap.name, candidates[chosen])


def checkSegmentGrid(segmentationNode, segmentId: str, image: ImageVolume) -> None:
    """A segment that is counted voxel by voxel must be painted on the image's own grid, and inside it.

    :raises InputError: another grid, or voxels beyond the image.
    """
    labelmap = _Labelmap(segmentationNode, segmentId)
    found = labelmap.voxels
    if len(found) == 0:
        return
    corners = np.array(np.meshgrid(*zip(found.min(0), found.max(0), strict=True))).reshape(3, -1).T
    corners = np.vstack([corners, corners[:1] + np.eye(3, dtype=int)])
    at_IJK = image.rasToIJK(labelmap.toWorld(corners))
    nearest = np.rint(at_IJK)
    # The same voxels may be counted along other axes, or backwards: Slicer turns the slices of left-handed files.
    steps = nearest[-3:] - nearest[0]
    if np.abs(at_IJK - nearest).max() > GRID_TOLERANCE or not np.allclose(steps @ steps.T, np.eye(3)):
        raise InputError(
            f"Region '{labelmap.name}' is painted on another grid than '{image.name}'; expected the image's own "
            "voxels; paint it there, or have it resampled (on the command line --resample-regions)."
        )
    inside = nearest[0] + (found - corners[0]) @ steps
    outside = int(((inside < 0) | (inside >= image.shape_IJK)).any(1).sum())
    if outside:
        raise InputError(
            f"Region '{labelmap.name}' has {outside} of {len(found)} voxels outside '{image.name}'; expected all "
            "inside; is it of another image?"
        )


# Terminology ----------------------------------------------------------------------------------------------------


def setTerminology(segmentationNode, segmentId: str, code: tuple[str, str, str], side: str) -> None:
    """Say in codes what a segment is: an anatomical structure, `code` (scheme, value, meaning), and its side."""
    parts = [("SCT", "123037004", "Anatomical Structure"), code, LATERALITY.get(side, ("", "", ""))]
    entry = "~".join([TERMINOLOGY_CONTEXT, *("^".join(part) for part in parts), ANATOMIC_CONTEXT, "^^", "^^"])
    segmentationNode.GetSegmentation().GetSegment(segmentId).SetTerminology(entry)


def terminology(segmentationNode, segmentId: str) -> tuple[tuple[str, str], str]:
    """(scheme, value) of a segment's type, and its side ("" if none); (("", ""), "") without an entry."""
    entry = segmentationNode.GetSegmentation().GetSegment(segmentId).GetTerminology() or ""
    parts = [tuple(part.split("^")) for part in entry.split("~")]
    if len(parts) < 4 or len(parts[2]) < 2 or len(parts[3]) < 2:
        return ("", ""), ""
    side = next((side for side, code in LATERALITY.items() if code[:2] == parts[3][:2]), "")
    return parts[2][:2], side
