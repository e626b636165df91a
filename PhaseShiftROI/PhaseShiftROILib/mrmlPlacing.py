"""Regions in a scene: made ready to be painted, and placed with one click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.mrmlNodes import imageFromVolumeNode, volumeArray
from ALSStudyLib.mrmlSegments import (
    addSegment,
    checkSegmentGrid,
    segmentNames,
    segmentRegion,
    setSegmentVoxels,
)
from vtk import vtkMatrix4x4

from .growth import growRegion
from .mrml import REGIONS_NAME, addRegionsNode, describeRegion, regionSegments
from .regions import SIDES, STRUCTURES, structureAndSide

OUTLINE_OPACITY, FILL_OPACITY = 1.0, 0.15


@dataclass(frozen=True)
class PlacedRegion:
    """What one click made.

    :param slice: index k. replaced: pixels that the segment had in this slice before. overlaps: names of other
        segments, and how many of the new pixels each of them has too.
    """

    slice: int
    nPixels: int
    replaced: int
    overlaps: tuple[tuple[str, int], ...]


def addEmptyRegions(scene, volumeNode):
    """A segmentation with an empty segment for each structure and side, on the grid of a volume."""
    nothing_KJI = np.zeros(volumeArray(volumeNode).shape, dtype=bool)
    masks_KJI = {f"{structure.slug}_{side}": nothing_KJI for structure in STRUCTURES for side in SIDES}
    node = addRegionsNode(scene, masks_KJI, volumeNode, scene.GenerateUniqueName(REGIONS_NAME))
    display = node.GetDisplayNode()
    if display is not None:  # what is measured stays visible below its region
        display.SetOpacity2DFill(FILL_OPACITY)
        display.SetOpacity2DOutline(OUTLINE_OPACITY)
    return node


def addRegionSegment(segmentationNode, name: str) -> str:
    """ID of an empty segment for a region, of the one that there is if the region is known already.

    :raises InputError: a name without letters.
    """
    structure, side = structureAndSide(name)
    slug = f"{structure.slug}_{side}" if side else structure.slug
    known = regionSegments(segmentationNode)
    if slug in known:
        return known[slug]
    segmentId = addSegment(segmentationNode, slug, np.zeros((0, 0, 0), dtype=bool), None)
    describeRegion(segmentationNode, segmentId, slug)
    return segmentId


def placeRegion(segmentationNode, segmentId: str, volumeNode, point_RAS, nPixels: int) -> PlacedRegion:
    """Grow a compact region around a point, in the slice of the image nearest to it, and join it to a segment.

    What the segment had in this slice is replaced; its other slices stay.

    :param point_RAS: in the world, mm. nPixels: of the image's own grid.
    :raises InputError: a point outside the image, or a segmentation that does not lie on the image's grid.
    """
    image = imageFromVolumeNode(volumeNode)
    if segmentationNode.GetParentTransformNode() is not volumeNode.GetParentTransformNode():
        raise InputError(
            f"Regions '{segmentationNode.GetName()}' and image '{volumeNode.GetName()}' are under different "
            "transforms; expected the same; put them under one transform."
        )
    checkSegmentGrid(segmentationNode, segmentId, image)
    at_IJK = np.rint(image.rasToIJK(np.asarray(point_RAS, dtype=float)[None])[0]).astype(int)
    nI, nJ, nK = image.shape_IJK
    if not 0 <= at_IJK[2] < nK:
        raise InputError(
            f"The place is in slice {at_IJK[2]} of '{image.name}'; expected 0 to {nK - 1}; click inside the image."
        )
    k = int(at_IJK[2])
    edges = image.edgesNear(np.asarray(point_RAS, dtype=float))[:, :2]
    pixels_IJ = growRegion((int(at_IJK[0]), int(at_IJK[1])), nPixels, (nI, nJ), edges)
    before = segmentRegion(segmentationNode, segmentId, image).voxels_IJK
    others = before[before[:, 2] != k]
    mask_KJI = np.zeros((nK, nJ, nI), dtype=bool)
    mask_KJI[k, pixels_IJ[:, 1], pixels_IJ[:, 0]] = True
    overlaps = _overlaps(segmentationNode, segmentId, image, mask_KJI[k], k)
    mask_KJI[others[:, 2], others[:, 1], others[:, 0]] = True
    ijkToLocal = vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(ijkToLocal)
    setSegmentVoxels(segmentationNode, segmentId, mask_KJI, ijkToLocal)
    return PlacedRegion(k, len(pixels_IJ), len(before) - len(others), overlaps)


def _overlaps(segmentationNode, segmentId, image, plane_JI, k) -> tuple[tuple[str, int], ...]:
    found = []
    for name, identifier in segmentNames(segmentationNode).items():
        if identifier != segmentId:
            voxels = segmentRegion(segmentationNode, identifier, image).voxels_IJK
            here = voxels[voxels[:, 2] == k]
            count = int(plane_JI[here[:, 1], here[:, 0]].sum())
            if count:
                found.append((name, count))
    return tuple(found)
