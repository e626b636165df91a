"""The pial lines of a scene: begun, copied to the next slice, turned round, and found again."""

from __future__ import annotations

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageVolume
from ALSStudyLib.mrmlNodes import TARGET_ATTRIBUTE

from .contour import PialContour
from .mrml import FLIP_ATTRIBUTE, addCurveNode, readContour
from .targets import target


def beginContour(scene, targetSlug: str):
    """An empty curve of a target, ready to be drawn: small points, no text in the way of the cortex."""
    return addCurveNode(scene, np.empty((0, 3)), _contourName(scene, targetSlug), targetSlug)


def copyToNeighbor(scene, curveNode, image: ImageVolume, step: int):
    """The same line on a neighboring slice, to be edited there.

    :param step: 1 for the next slice, towards higher slice numbers; -1 for the one before.
    :raises InputError: a line without points, or no slice there.
    """
    contour = readContour(curveNode)
    if len(contour.controlPoints_RAS) == 0:
        raise InputError(f"{contour.name} has no points; expected a line to copy; draw it first.")
    points_IJK = image.rasToIJK(contour.controlPoints_RAS)
    points_IJK[:, 2] += step
    if not -0.5 <= points_IJK[:, 2].mean() <= image.shape_IJK[2] - 0.5:
        raise InputError(
            f"{contour.name} lies on the image's last slice on this side; expected a neighbor; copy it the other way."
        )
    slug = curveNode.GetAttribute(TARGET_ATTRIBUTE)
    copy = addCurveNode(
        scene, image.ijkToWorld(points_IJK), _contourName(scene, slug), slug, bool(curveNode.GetCurveClosed())
    )
    copy.SetAttribute(FLIP_ATTRIBUTE, curveNode.GetAttribute(FLIP_ATTRIBUTE))
    return copy


def flipNormals(curveNodes) -> bool:
    """Turn the normals of lines round, all to the same side; returns whether they are now turned."""
    flipped = not all(node.GetAttribute(FLIP_ATTRIBUTE) == "1" for node in curveNodes)
    for node in curveNodes:
        node.SetAttribute(FLIP_ATTRIBUTE, "1" if flipped else "0")
    return flipped


def sliceOf(contour: PialContour, image: ImageVolume) -> int | None:
    """Index of the axial slice a line lies on; None without points."""
    if len(contour.controlPoints_RAS) == 0:
        return None
    return int(np.rint(image.rasToIJK(contour.controlPoints_RAS)[:, 2].mean()))


def _contourName(scene, targetSlug: str) -> str:
    return scene.GenerateUniqueName(target(targetSlug).label)
