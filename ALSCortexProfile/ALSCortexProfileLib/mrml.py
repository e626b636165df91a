"""Slicer nodes to `ProfileInput`: with `mrmlResults`, the only files of this module that know the scene.

Image (one scalar volume, or several with their echo time, or a sequence of them), markups curves with the node
attributes `ALSMotorCortex.Target` and `ALSMotorCortex.Side`, and a segmentation with the segments `Splenium` and
`White matter` (or `White matter hand_knob_left` and so on).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import slicer
import vtk
from ALSStudyLib.errors import InputError
from ALSStudyLib.mrmlCase import assignRoles, storedParameters, storeParameters
from ALSStudyLib.mrmlNodes import (
    ECHO_TIME_ATTRIBUTE,
    ROLE_ATTRIBUTE,
    SIDE_ATTRIBUTE,
    TARGET_ATTRIBUTE,
    addVolumeNode,
    imageFromVolumeNode,
    nodesOfClass,
    scalarVolumeNodes,
    withoutLastBits,
)
from ALSStudyLib.mrmlSegments import addSegmentationNode, segmentNames, segmentRegion

from .contour import PialContour
from .echoes import combineEchoes
from ALSStudyLib.image import ImageRegion, ImageVolume
from .doubleSigmoid import INVALID_INPUT
from .measurement import ProfileInput, ProfileMeasurement, measureProfile
from .settings import ProfileSettings
from .targets import Target, oppositeSlug, target

FLIP_ATTRIBUTE = "ALSCortexProfile.FlipNormals"
IMAGE_ROLE, REFERENCES_ROLE = "ProfileImage", "ProfileReferences"
PARAMETER_NODE_NAME = "ALSCortexProfile"
SPLENIUM = "Splenium"
WHITE_MATTER = "White matter"
CONTOUR_COLOR = (1.0, 0.85, 0.1)
CONTROL_POINT_PERCENT, LINE_MM = 1.2, 0.15  # of the view's height; across the line
MAX_APART_MM = 20.0  # contours of one target lie on adjacent slices
SAME_PLACE_MM = 2.0

__all__ = [
    "CaseNodes",
    "addCurveNode",
    "addSegmentationNode",
    "addVolumeNode",
    "assignTarget",
    "findCaseNodes",
    "measureCase",
    "readProfileInputs",
    "storeCase",
]


@dataclass(frozen=True)
class CaseNodes:
    """The nodes one exam is measured from.

    :param images: one scalar volume; or one per echo; or one sequence of them.
    """

    images: tuple
    contours: tuple
    references: object
    subject: str = ""
    exam: str = ""
    settings: ProfileSettings = field(default_factory=ProfileSettings)


# Nodes of a case ------------------------------------------------------------------------------------------------


def addCurveNode(scene, points_RAS: np.ndarray, name: str, targetSlug: str, closed: bool = False):
    """A markups curve through world points (n, 3), assigned to a target."""
    className = "vtkMRMLMarkupsClosedCurveNode" if closed else "vtkMRMLMarkupsCurveNode"
    node = scene.AddNewNodeByClass(className, name)
    for point in points_RAS:
        node.AddControlPointWorld(vtk.vtkVector3d(*(float(v) for v in point)))
    assignTarget(node, targetSlug)
    _look(node)
    return node


def _look(curveNode) -> None:
    """A thin line with small points and no text: nothing may hide the surface of the cortex."""
    curveNode.CreateDefaultDisplayNodes()
    display = curveNode.GetDisplayNode()
    if display is None:
        return
    display.SetColor(*CONTOUR_COLOR)
    display.SetSelectedColor(*CONTOUR_COLOR)
    display.SetGlyphScale(CONTROL_POINT_PERCENT)
    display.SetPointLabelsVisibility(False)
    display.SetPropertiesLabelVisibility(False)
    display.SetCurveLineSizeMode(slicer.vtkMRMLMarkupsDisplayNode.UseLineDiameter)
    display.SetLineDiameter(LINE_MM)


def assignTarget(curveNode, targetSlug: str) -> None:
    """Say which target a curve belongs to; its side follows."""
    curveNode.SetAttribute(TARGET_ATTRIBUTE, targetSlug)
    curveNode.SetAttribute(SIDE_ATTRIBUTE, target(targetSlug).side)


def storeCase(scene, caseNodes: CaseNodes) -> None:
    """Write into the scene what its nodes do not say themselves: subject, exam, settings, which volume is the image."""
    assignRoles(scene, dict.fromkeys(caseNodes.images, IMAGE_ROLE), (IMAGE_ROLE,))
    for node in nodesOfClass(scene, "vtkMRMLSegmentationNode"):
        if node is caseNodes.references:
            node.SetAttribute(ROLE_ATTRIBUTE, REFERENCES_ROLE)
        elif node.GetAttribute(ROLE_ATTRIBUTE) == REFERENCES_ROLE:
            node.RemoveAttribute(ROLE_ATTRIBUTE)
    storeParameters(scene, PARAMETER_NODE_NAME, caseNodes.subject, caseNodes.exam, caseNodes.settings)


def hasCase(scene) -> bool:
    """Whether a scene has a curve that is assigned to a target."""
    return bool(contoursOf(scene))


def contoursOf(scene, targetSlug: str | None = None) -> list:
    """Curves assigned to a target, or to any."""
    curves = [node for node in nodesOfClass(scene, "vtkMRMLMarkupsCurveNode") if node.GetAttribute(TARGET_ATTRIBUTE)]
    return [node for node in curves if targetSlug in (None, node.GetAttribute(TARGET_ATTRIBUTE))]


def findCaseNodes(scene) -> CaseNodes:
    """The case a scene holds.

    :raises InputError: what is missing, or more than one node it could be.
    """
    contours = tuple(contoursOf(scene))
    if not contours:
        raise InputError(
            f"The scene has no curve with the attribute {TARGET_ATTRIBUTE}; expected at least one pial line that is "
            "assigned to a target; draw it in ALS Cortex Profile."
        )
    parameters = storedParameters(scene, PARAMETER_NODE_NAME, ProfileSettings)
    return CaseNodes(_findImages(scene), contours, _findReferences(scene), **parameters)


def _findImages(scene) -> tuple:
    volumes = scalarVolumeNodes(scene)
    marked = [node for node in volumes if node.GetAttribute(ROLE_ATTRIBUTE) == IMAGE_ROLE]
    if marked:
        return tuple(marked)
    sequences = [
        node for node in nodesOfClass(scene, "vtkMRMLSequenceNode") if node.GetAttribute(ROLE_ATTRIBUTE) == IMAGE_ROLE
    ]
    if sequences:
        return tuple(sequences)
    if len(volumes) == 1:
        return tuple(volumes)
    raise InputError(
        f"The scene has {len(volumes)} volumes ({', '.join(node.GetName() for node in volumes) or 'none'}); "
        f"expected one, or the attribute {ROLE_ATTRIBUTE}={IMAGE_ROLE} on the image; "
        "remove the others or choose it in ALS Cortex Profile."
    )


def _findReferences(scene):
    candidates = nodesOfClass(scene, "vtkMRMLSegmentationNode")
    complete = [node for node in candidates if node.GetAttribute(ROLE_ATTRIBUTE) == REFERENCES_ROLE]
    complete = complete or [node for node in candidates if isReferences(node)]
    if len(complete) == 1:
        return complete[0]
    names = ", ".join(node.GetName() for node in (complete or candidates)) or "none"
    raise InputError(
        f"The scene has {len(complete)} segmentations with a segment '{SPLENIUM}' (found: {names}); "
        f"expected one, with '{SPLENIUM}' and '{WHITE_MATTER}'; paint the references or remove the others."
    )


def isReferences(segmentationNode) -> bool:
    """Whether a segmentation has a segment for the splenium."""
    return SPLENIUM.lower() in _normalizedSegments(segmentationNode)


def _normalizedSegments(segmentationNode) -> dict[str, str]:
    return {" ".join(name.split()).lower(): identifier for name, identifier in segmentNames(segmentationNode).items()}


# Reading --------------------------------------------------------------------------------------------------------


def readImage(caseNodes: CaseNodes, settings: ProfileSettings) -> ImageVolume:
    """The image to measure: the volume itself, not copied, or the echoes combined as the settings say."""
    volumes, times = _echoes(caseNodes.images)
    image = imageFromVolumeNode(volumes[0])
    if len(volumes) == 1 and not times:
        if settings.echoCombination != "mean":
            raise InputError(
                f"Echo combination {settings.echoCombination} was asked of one image without echo time; expected "
                "several echoes and their times; give them, or leave the combination out."
            )
        return image
    if len(times) != len(volumes):
        raise InputError(
            f"{len(times)} echo times found for {len(volumes)} volumes; expected one per echo, as the attribute "
            f"{ECHO_TIME_ATTRIBUTE}; set them."
        )
    others = [imageFromVolumeNode(volume) for volume in volumes[1:]]
    for volume, other in zip(volumes[1:], others, strict=True):
        if other.shape_IJK != image.shape_IJK or not np.allclose(other.ijkToRAS, image.ijkToRAS, atol=1e-3):
            raise InputError(
                f"Echo '{volume.GetName()}' lies on another grid than '{volumes[0].GetName()}'; "
                "expected echoes of one acquisition; load them again."
            )
    combined = combineEchoes(
        [image.array_KJI, *(other.array_KJI for other in others)],
        times,
        settings.echoCombination,
        settings.singleEchoMs,
    )
    return replace(image, array_KJI=combined, darkIsHigh=settings.echoCombination == "r2star")


def echoKey(caseNodes: CaseNodes) -> tuple:
    """Changes when combined echoes have to be combined again: voxels, places, times or how."""
    volumes, times = _echoes(caseNodes.images)
    states = [
        (node.GetID(), node.GetMTime(), node.GetImageData().GetMTime() if node.GetImageData() else 0)
        for node in volumes
    ]
    parents = [node.GetParentTransformNode() for node in volumes]
    moved = [parent.GetTransformToWorldMTime() for parent in parents if parent is not None]
    return (*states, *moved, *times, caseNodes.settings.echoCombination, caseNodes.settings.singleEchoMs)


def echoTimesMs(caseNodes: CaseNodes) -> list[float]:
    """Echo times in ms, in the order of the echoes; empty for a single image without one."""
    return _echoes(caseNodes.images)[1]


def _echoes(nodes: Sequence):
    """Volume nodes and their echo times, of volumes with the attribute or of a sequence indexed by echo time."""
    if len(nodes) == 1 and nodes[0].IsA("vtkMRMLSequenceNode"):
        sequence = nodes[0]
        count = sequence.GetNumberOfDataNodes()
        try:
            times = [float(sequence.GetNthIndexValue(index)) for index in range(count)]
        except ValueError as error:
            raise InputError(
                f"Sequence '{sequence.GetName()}' is not indexed by numbers; expected echo times in ms; set its index."
            ) from error
        factor = 1000.0 if sequence.GetIndexUnit() == "s" else 1.0
        return [sequence.GetNthDataNode(index) for index in range(count)], [factor * time for time in times]
    try:
        times = [
            float(node.GetAttribute(ECHO_TIME_ATTRIBUTE)) for node in nodes if node.GetAttribute(ECHO_TIME_ATTRIBUTE)
        ]
    except ValueError as error:
        raise InputError(f"An attribute {ECHO_TIME_ATTRIBUTE} is not a number; expected ms; correct it.") from error
    return list(nodes), times


def readContour(curveNode) -> PialContour:
    """The placed control points of a curve, in the world."""
    points = []
    for index in range(curveNode.GetNumberOfControlPoints()):
        if curveNode.GetNthControlPointPositionStatus(index) == slicer.vtkMRMLMarkupsNode.PositionDefined:
            point = [0.0, 0.0, 0.0]
            curveNode.GetNthControlPointPositionWorld(index, point)
            points.append(point)
    return PialContour(
        controlPoints_RAS=withoutLastBits(np.array(points, dtype=float).reshape(-1, 3)),
        closed=bool(curveNode.GetCurveClosed()),
        flip=curveNode.GetAttribute(FLIP_ATTRIBUTE) == "1",
        name=f"Contour '{curveNode.GetName()}'",
    )


def readProfileInputs(
    caseNodes: CaseNodes, settings: ProfileSettings | None = None, image: ImageVolume | None = None
) -> list[ProfileInput]:
    """One input per target, in the order in which targets first appear.

    What spoils the exam is raised; what spoils one target is its `problem`, so that the others are still measured.

    :param image: from `readImage`, to read the case again without combining its echoes again.
    :raises InputError: no image, no splenium, echoes that do not match, or a target on two sides.
    """
    settings = settings or caseNodes.settings
    image = image or readImage(caseNodes, settings)
    regions = _ReferenceRegions(caseNodes.references, image)
    grouped: dict[str, list] = {}
    for node in caseNodes.contours:
        slug = node.GetAttribute(TARGET_ATTRIBUTE) or ""
        wanted = target(slug)
        side = node.GetAttribute(SIDE_ATTRIBUTE) or wanted.side
        if side != wanted.side:
            raise InputError(
                f"Contour '{node.GetName()}' is on the {side} side but its target is '{slug}'; "
                "expected one side per target; assign it to the right target."
            )
        grouped.setdefault(slug, []).append(node)
    contours = {slug: tuple(readContour(node) for node in nodes) for slug, nodes in grouped.items()}
    problems = _sideProblems(contours)
    return [
        _profileInput(target(slug), image, contours, regions, caseNodes, problems.get(slug, "")) for slug in grouped
    ]


def measureCase(
    caseNodes: CaseNodes, progress: Callable[[int, int, float], bool | None] | None = None
) -> list[ProfileMeasurement]:
    """Measure every target of an exam, with the case's settings.

    :param progress: called with (target index, number of targets, share of this target done); returning False leaves
        the target's confidence intervals out.
    :raises InputError: input that spoils the exam, or every one of its targets.
    """
    inputs = readProfileInputs(caseNodes)
    measurements = []
    for index, profileInput in enumerate(inputs):

        def step(share, index=index):
            return None if progress is None else progress(index, len(inputs), share)

        measurements.append(measureProfile(profileInput, caseNodes.settings, step))
        step(1.0)
    if all(measurement.status == INVALID_INPUT for measurement in measurements):
        raise InputError(measurements[0].reason)
    return measurements


def _profileInput(wanted: Target, image, contours, regions, caseNodes, problem) -> ProfileInput:
    try:
        whiteMatter = regions.whiteMatter(wanted.slug)
    except InputError as error:
        problem = problem or str(error)
        whiteMatter = ImageRegion(WHITE_MATTER, np.empty((0, 3), dtype=int))
    others = [line for slug, lines in contours.items() if slug != wanted.slug for line in lines]
    return ProfileInput(
        wanted,
        image,
        contours[wanted.slug],
        regions.splenium,
        whiteMatter,
        caseNodes.subject,
        caseNodes.exam,
        problem,
        tuple(line.controlPoints_RAS for line in others),
    )


class _ReferenceRegions:
    """The segments of one exam, each mapped onto the image once."""

    def __init__(self, segmentationNode, image: ImageVolume):
        self._node, self._image = segmentationNode, image
        self._segments = _normalizedSegments(segmentationNode)
        self._found: dict[str, ImageRegion] = {}
        self.splenium = self._region(SPLENIUM)

    def whiteMatter(self, slug: str) -> ImageRegion:
        own = f"{WHITE_MATTER} {slug}"
        return self._region(own if own.lower() in self._segments else WHITE_MATTER)

    def _region(self, name: str) -> ImageRegion:
        identifier = self._segments.get(name.lower())
        if identifier is None:
            names = list(segmentNames(self._node))
            found = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "") or "no segment"
            raise InputError(
                f"References '{self._node.GetName()}' hold {found}; expected a segment '{name}'; "
                "paint it or rename one."
            )
        if identifier not in self._found:
            self._found[identifier] = segmentRegion(self._node, identifier, self._image)
        return self._found[identifier]


def _sideProblems(contours: dict[str, tuple[PialContour, ...]]) -> dict[str, str]:
    """Targets whose lines lie where they cannot: two places for one name, or left and right exchanged."""
    centers = {
        slug: [line.controlPoints_RAS.mean(0) for line in lines if len(line.controlPoints_RAS)]
        for slug, lines in contours.items()
    }
    problems = {}
    for slug, lines in contours.items():
        for first, second in combinations(lines, 2):
            a, b = first.controlPoints_RAS, second.controlPoints_RAS
            if a.shape == b.shape and np.allclose(a, b, atol=0.01):
                problems[slug] = (
                    f"{first.name} and {second.name} of target '{slug}' are the same line; expected a line of its own "
                    "per slice; leave one out."
                )
    for slug, places in centers.items():
        if len(places) > 1:
            apart = max(float(np.linalg.norm(a - b)) for a in places for b in places)
            if apart > MAX_APART_MM:
                problems[slug] = (
                    f"Target '{slug}' has contours {apart:.0f} mm apart, as on different sides; expected adjacent "
                    "slices of one place; assign each line to its own target."
                )
    for slug, places in centers.items():
        other = centers.get(oppositeSlug(slug))
        if slug.endswith("_left") and places and other:
            left_R, right_R = np.mean(places, axis=0)[0], np.mean(other, axis=0)[0]
            if np.linalg.norm(np.mean(places, axis=0) - np.mean(other, axis=0)) < SAME_PLACE_MM:
                for name in (slug, oppositeSlug(slug)):
                    problems.setdefault(
                        name,
                        f"Targets '{slug}' and '{oppositeSlug(slug)}' have their contours in the same place; "
                        "expected one on each side; assign each line to its own target.",
                    )
            elif left_R > right_R:
                for name in (slug, oppositeSlug(slug)):
                    problems.setdefault(
                        name,
                        f"Target '{slug}' lies to the right of '{oppositeSlug(slug)}' (R {left_R:.0f} against "
                        f"{right_R:.0f} mm); expected left to be left; exchange the two.",
                    )
    return problems
