"""The reference regions in a scene: made ready to be painted, and measured while they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageVolume
from ALSStudyLib.mrmlNodes import volumeArray
from ALSStudyLib.mrmlSegments import (
    addSegment,
    addSegmentationNode,
    hasVoxels,
    segmentNames,
    segmentRegion,
    setTerminology,
)

from .mrml import SPLENIUM, WHITE_MATTER
from .references import ReferenceValue, measureReference

REFERENCES_NAME = "References"
CODES = {
    SPLENIUM: ("SCT", "88442005", "Corpus callosum"),  # Slicer's lists have no code of its splenium
    WHITE_MATTER: ("SCT", "389080008", "White matter of brain"),
}
SEGMENT_COLORS = {SPLENIUM: (0.30, 0.75, 0.35), WHITE_MATTER: (0.35, 0.60, 0.95)}
OWN_COLOR = (0.60, 0.45, 0.90)


@dataclass(frozen=True)
class ReferenceState:
    """What of one reference region can be said while it is painted.

    :param value: None as long as there is nothing to measure; `problem` says why.
    """

    name: str
    value: ReferenceValue | None
    problem: str = ""


def addReferencesNode(scene, volumeNode, name: str = REFERENCES_NAME):
    """Empty references on the grid of an image, ready to be painted."""
    nothing_KJI = np.zeros(volumeArray(volumeNode).shape, dtype=bool)
    node = addSegmentationNode(scene, {SPLENIUM: nothing_KJI, WHITE_MATTER: nothing_KJI}, volumeNode, name)
    for segmentName, identifier in segmentNames(node).items():
        _describe(node, identifier, segmentName)
    return node


def ownWhiteMatterName(targetSlug: str) -> str:
    return f"{WHITE_MATTER} {targetSlug}"


def segmentIdOf(segmentationNode, name: str, create: bool = False) -> str:
    """ID of the segment with a name, whatever its case; "" if there is none and none is to be made."""
    for segmentName, identifier in segmentNames(segmentationNode).items():
        if " ".join(segmentName.split()).lower() == name.lower():
            return identifier
    if not create:
        return ""
    identifier = addSegment(segmentationNode, name, np.zeros((0, 0, 0), dtype=bool), None)
    _describe(segmentationNode, identifier, name)
    return identifier


def paintedNames(segmentationNode) -> frozenset[str]:
    """Names, in lower case, of the segments that have any voxel, on whatever grid."""
    names = segmentNames(segmentationNode) if segmentationNode else {}
    return frozenset(
        " ".join(name.split()).lower() for name, identifier in names.items() if hasVoxels(segmentationNode, identifier)
    )


def paintState(segmentationNode) -> tuple:
    """Changes when a segment is painted, renamed, added or removed."""
    if segmentationNode is None:
        return ()
    segmentation = segmentationNode.GetSegmentation()
    states = []
    for name, identifier in segmentNames(segmentationNode).items():
        segment = segmentation.GetSegment(identifier)
        voxels = segment.GetRepresentation(segmentation.GetSourceRepresentationName())
        states.append((name, identifier, voxels.GetMTime() if voxels else 0))
    return (segmentationNode.GetID(), *states)


def referenceState(segmentationNode, name: str, image: ImageVolume) -> ReferenceState:
    """Mean and area of one reference as it is painted now."""
    identifier = segmentIdOf(segmentationNode, name) if segmentationNode else ""
    if not identifier:
        return ReferenceState(name, None, "not painted")
    region = segmentRegion(segmentationNode, identifier, image)
    if len(region.voxels_IJK) == 0:
        return ReferenceState(name, None, "not painted")
    try:
        return ReferenceState(name, measureReference(image, region))
    except InputError as error:
        return ReferenceState(name, None, str(error))


def _describe(segmentationNode, identifier: str, name: str) -> None:
    base = next((known for known in CODES if name.lower().startswith(known.lower())), None)
    segment = segmentationNode.GetSegmentation().GetSegment(identifier)
    segment.SetColor(*SEGMENT_COLORS.get(name, OWN_COLOR))
    if base:
        setTerminology(segmentationNode, identifier, CODES[base], "")
