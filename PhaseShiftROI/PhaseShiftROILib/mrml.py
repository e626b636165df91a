"""Slicer nodes to `PhaseInput`: with `mrmlResults`, the only files of this module that know the scene.

A phase volume (or a real and an imaginary one), perhaps a magnitude, and a segmentation `Regions` with segments
`precentral_gyrus_left` and so on, or with the terminology of these structures. What a volume's voxels do not say is in
its attributes: `ALSMotorCortex.Encoding`, `.EchoTimeMs`, `.FieldStrengthT`, `.Polarity`, `.Filter`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageVolume
from ALSStudyLib.mrmlCase import assignRoles, storedParameters, storeParameters
from ALSStudyLib.mrmlNodes import (
    ECHO_TIME_ATTRIBUTE,
    ROLE_ATTRIBUTE,
    imageFromVolumeNode,
    nodesOfClass,
    scalarVolumeNodes,
)
from ALSStudyLib.mrmlSegments import (
    addSegmentationNode,
    checkSegmentGrid,
    segmentNames,
    segmentRegion,
    setTerminology,
    terminology,
)

from .encoding import COMPLEX, STORED_ENCODINGS, phaseFromComplex, phaseFromStored
from .measurement import PhaseMeasurement, measurePhaseShift
from .polarity import POLARITIES
from .preparation import MIN_LINES, PhaseInput, PreparedPhase, declaredAnew, preparePhase
from .regions import EXCHANGED, SIDES, STRUCTURES, VEIN, VEIN_STRUCTURE, PhaseRegion, Structure, structureAndSide
from .settings import PhaseSettings

ENCODING_ATTRIBUTE = "ALSMotorCortex.Encoding"
FIELD_STRENGTH_ATTRIBUTE = "ALSMotorCortex.FieldStrengthT"
POLARITY_ATTRIBUTE = "ALSMotorCortex.Polarity"
FILTER_ATTRIBUTE = "ALSMotorCortex.Filter"
FILTERED_LINES_ATTRIBUTE = "ALSMotorCortex.FilterKernelLines"
UNIT_ATTRIBUTE = "ALSMotorCortex.Unit"
UNFILTERED, BY_SCANNER = "none", "by the scanner"
PHASE_ROLE, REAL_ROLE, IMAGINARY_ROLE, MAGNITUDE_ROLE = "Phase", "PhaseReal", "PhaseImaginary", "PhaseMagnitude"
ROLES = (PHASE_ROLE, REAL_ROLE, IMAGINARY_ROLE, MAGNITUDE_ROLE)
REGIONS_ROLE = "PhaseRegions"
PARAMETER_NODE_NAME = "PhaseShiftROI"
REGIONS_NAME = "Regions"
GRID_TOLERANCE_MM = 1e-2
# Hues that color-blind readers tell apart (Okabe and Ito); the left side is a shade darker.
COLORS = {
    "precentral_gyrus": (0.90, 0.62, 0.00),
    "frontal_cortex": (0.34, 0.71, 0.91),
    "caudate_nucleus": (0.00, 0.62, 0.45),
    "globus_pallidus": (0.94, 0.89, 0.26),
    "putamen": (0.80, 0.47, 0.65),
    VEIN: (0.00, 0.45, 0.70),
}
OWN_COLOR = (0.84, 0.37, 0.00)
LEFT_SHADE = 0.75


@dataclass(frozen=True)
class Acquisition:
    """What is declared of a phase volume, None or "" where nothing is.

    :param encoding: one of `encoding.STORED_ENCODINGS`, or "complex". filter: "none", or how it was high-passed before.
    :param filteredLines: central k-space lines of that earlier filter, if known.
    """

    encoding: str = ""
    echoTimeMs: float | None = None
    fieldStrengthT: float | None = None
    polarity: str = ""
    filter: str = UNFILTERED
    filteredLines: int | None = None


@dataclass(frozen=True)
class PhaseCaseNodes:
    """The nodes one exam is measured from: `phase`, or `real` and `imaginary`; `magnitude` may be None.

    `regions` may be None as long as nothing is measured.
    """

    regions: object
    phase: object = None
    real: object = None
    imaginary: object = None
    magnitude: object = None
    subject: str = ""
    exam: str = ""
    settings: PhaseSettings = field(default_factory=PhaseSettings)

    @property
    def declared(self):
        """The volume whose attributes hold for the exam."""
        return self.phase or self.real

    @property
    def byRole(self) -> dict:
        nodes = zip(ROLES, (self.phase, self.real, self.imaginary, self.magnitude), strict=True)
        return {role: node for role, node in nodes if node is not None}


# Nodes of a case ------------------------------------------------------------------------------------------------


def declareAcquisition(volumeNode, acquisition: Acquisition) -> None:
    """Write into a volume's attributes what its voxels do not say."""
    values = {
        ENCODING_ATTRIBUTE: acquisition.encoding,
        ECHO_TIME_ATTRIBUTE: None if acquisition.echoTimeMs is None else repr(float(acquisition.echoTimeMs)),
        FIELD_STRENGTH_ATTRIBUTE: (
            None if acquisition.fieldStrengthT is None else repr(float(acquisition.fieldStrengthT))
        ),
        POLARITY_ATTRIBUTE: acquisition.polarity,
        FILTER_ATTRIBUTE: acquisition.filter,
        FILTERED_LINES_ATTRIBUTE: None if acquisition.filteredLines is None else str(acquisition.filteredLines),
    }
    for name, value in values.items():
        if value:
            volumeNode.SetAttribute(name, value)
        else:
            volumeNode.RemoveAttribute(name)


def declaredAcquisition(volumeNode) -> Acquisition:
    """What a volume's attributes say.

    :raises InputError: an attribute that is not a number where one is expected.
    """

    def number(name):
        text = volumeNode.GetAttribute(name)
        if not text:
            return None
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not np.isfinite(value) or (name == FILTERED_LINES_ATTRIBUTE and value < MIN_LINES):
            raise InputError(
                f"Attribute {name} of '{volumeNode.GetName()}' is '{text}'; expected a usable number; correct it."
            )
        return value

    lines = number(FILTERED_LINES_ATTRIBUTE)
    return Acquisition(
        volumeNode.GetAttribute(ENCODING_ATTRIBUTE) or "",
        number(ECHO_TIME_ATTRIBUTE),
        number(FIELD_STRENGTH_ATTRIBUTE),
        volumeNode.GetAttribute(POLARITY_ATTRIBUTE) or "",
        volumeNode.GetAttribute(FILTER_ATTRIBUTE) or UNFILTERED,
        None if lines is None else int(lines),
    )


def addRegionsNode(scene, masks_KJI: dict[str, np.ndarray], volumeNode, name: str = REGIONS_NAME):
    """A segmentation `Regions` on the grid of a volume, each known structure with its terminology."""
    node = addSegmentationNode(scene, masks_KJI, volumeNode, name)
    for segmentName, identifier in segmentNames(node).items():
        describeRegion(node, identifier, segmentName)
    return node


def describeRegion(segmentationNode, segmentId: str, name: str) -> None:
    """Give a segment the color of its structure and side, and its terminology if it is a known one."""
    structure, side = structureAndSide(name)
    shade = LEFT_SHADE if side == "left" else 1.0
    color = (shade * part for part in COLORS.get(structure.slug, OWN_COLOR))
    segmentationNode.GetSegmentation().GetSegment(segmentId).SetColor(*color)
    if structure.code is not None:
        setTerminology(segmentationNode, segmentId, structure.code, side)


def storePhaseCase(scene, caseNodes: PhaseCaseNodes) -> None:
    """Write into the scene what its nodes do not say themselves: roles, subject, exam, settings.

    Without regions, those that were measured last stay marked.
    """
    assignRoles(scene, {node: role for role, node in caseNodes.byRole.items()}, ROLES)
    if caseNodes.regions is not None:
        for node in markedRegions(scene):
            if node is not caseNodes.regions:
                node.RemoveAttribute(ROLE_ATTRIBUTE)
        caseNodes.regions.SetAttribute(ROLE_ATTRIBUTE, REGIONS_ROLE)
    storeParameters(scene, PARAMETER_NODE_NAME, caseNodes.subject, caseNodes.exam, caseNodes.settings)


def hasPhaseCase(scene) -> bool:
    """Whether a scene has a volume with the role of phase."""
    return any(node.GetAttribute(ROLE_ATTRIBUTE) in (PHASE_ROLE, REAL_ROLE) for node in scalarVolumeNodes(scene))


def findPhaseCaseNodes(scene) -> PhaseCaseNodes:
    """The phase case a scene holds.

    :raises InputError: what is missing, or more than one node it could be.
    """
    found = {}
    for node in scalarVolumeNodes(scene):
        role = node.GetAttribute(ROLE_ATTRIBUTE)
        if role in ROLES:
            if role in found:
                raise InputError(
                    f"The scene has two volumes with the role {role}, '{found[role].GetName()}' and "
                    f"'{node.GetName()}'; expected one; choose it in Phase Shift ROI."
                )
            found[role] = node
    if not (PHASE_ROLE in found or (REAL_ROLE in found and IMAGINARY_ROLE in found)):
        raise InputError(
            f"The scene has no volume with the attribute {ROLE_ATTRIBUTE}={PHASE_ROLE}, nor a {REAL_ROLE} with a "
            f"{IMAGINARY_ROLE}; expected a phase image; choose it in Phase Shift ROI."
        )
    parameters = storedParameters(scene, PARAMETER_NODE_NAME, PhaseSettings)
    return PhaseCaseNodes(_findRegions(scene), *(found.get(role) for role in ROLES), **parameters)


def markedRegions(scene) -> list:
    """Segmentations with the role of regions: those that were measured last."""
    nodes = nodesOfClass(scene, "vtkMRMLSegmentationNode")
    return [node for node in nodes if node.GetAttribute(ROLE_ATTRIBUTE) == REGIONS_ROLE]


def _findRegions(scene):
    nodes = nodesOfClass(scene, "vtkMRMLSegmentationNode")
    found = markedRegions(scene) or [node for node in nodes if node.GetName() == REGIONS_NAME]
    if not found:
        found = [
            node for node in nodes if any(_isKnown(node, identifier) for identifier in segmentNames(node).values())
        ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(node.GetName() for node in (found or nodes)) or "none"
    raise InputError(
        f"The scene has {len(found)} segmentations of regions (found: {names}); expected one named '{REGIONS_NAME}' "
        f"with segments such as {STRUCTURES[0].slug}_left; paint it or remove the others."
    )


def _isKnown(segmentationNode, identifier) -> bool:
    try:
        return _structureAndSide(segmentationNode, identifier)[0].code is not None
    except InputError:
        return False


# Reading --------------------------------------------------------------------------------------------------------


def readPhaseInput(caseNodes: PhaseCaseNodes, settings: PhaseSettings | None = None) -> PhaseInput:
    """The exam as the science takes it.

    :raises InputError: nothing declared of the phase, values that contradict it, grids that differ, no region.
    """
    settings = settings or caseNodes.settings
    declared = declaredAcquisition(caseNodes.declared)
    name = caseNodes.declared.GetName()
    values = _declaredValues(declared, name)
    image = imageFromVolumeNode(caseNodes.declared)
    if caseNodes.phase is not None:
        encoded = phaseFromStored(image.array_KJI, declared.encoding, name)
    else:
        imaginary = _onGrid(caseNodes.imaginary, image)
        encoded = phaseFromComplex(image.array_KJI, imaginary.array_KJI, name)
    magnitude = encoded.magnitude_KJI
    if caseNodes.magnitude is not None:
        magnitude = _magnitude(_onGrid(caseNodes.magnitude, image))
    return PhaseInput(
        phase=replace(image, array_KJI=encoded.phaseRad_KJI),
        magnitude_KJI=magnitude,
        regions=readRegions(caseNodes.regions, image, settings.resampleRegions) if caseNodes.regions else (),
        **values,
        alreadyFiltered=declared.filter != UNFILTERED,
        filteredLines=declared.filteredLines,
        encoding=encoded.description,
        subject=caseNodes.subject,
        exam=caseNodes.exam,
    )


def _declaredValues(declared: Acquisition, name: str) -> dict:
    """:raises InputError: echo time, field strength or polarity that is missing or no such thing."""
    echoTimeMs = _inRange(declared.echoTimeMs, "echo time", "ms, as 19", name, 0.5, 1000)
    fieldStrengthT = _inRange(declared.fieldStrengthT, "field strength", "T, as 3", name, 0.01, 30)
    if declared.polarity not in POLARITIES:
        found = f"'{declared.polarity}'" if declared.polarity else "nothing"
        raise InputError(
            f"Phase '{name}' declares {found} as its polarity; expected one of {', '.join(POLARITIES)}; say which sign "
            "iron has, or that it is unknown."
        )
    return {"echoTimeMs": echoTimeMs, "fieldStrengthT": fieldStrengthT, "polarity": declared.polarity}


def _inRange(value, what, example, name, smallest, largest):
    if value is None or not smallest <= value < largest:
        found = "no" if value is None else f"{value:g} as its"
        raise InputError(f"Phase '{name}' has {found} {what}; expected {example}; give the {what}.")
    return value


def _onGrid(node, image: ImageVolume) -> ImageVolume:
    """:raises InputError: a volume that does not lie voxel on voxel of the phase."""
    other = imageFromVolumeNode(node)
    if other.shape_IJK != image.shape_IJK or not np.allclose(other.ijkToRAS, image.ijkToRAS, atol=GRID_TOLERANCE_MM):
        sizes = (" x ".join(map(str, volume.shape_IJK)) for volume in (other, image))
        raise InputError(
            f"Volume '{other.name}' ({next(sizes)} voxels) lies on another grid than '{image.name}' ({next(sizes)}); "
            "expected images of one acquisition; choose them again."
        )
    return other


def _magnitude(image: ImageVolume) -> np.ndarray:
    array_KJI = image.array_KJI
    finite = np.isfinite(array_KJI)
    if not finite.all():
        array_KJI = np.where(finite, array_KJI, 0)  # no signal there
    low = float(np.min(array_KJI))
    if low < 0:
        raise InputError(
            f"Magnitude '{image.name}' holds values down to {low:g}; expected none below 0; is it the phase?"
        )
    if not np.any(array_KJI):
        raise InputError(f"Magnitude '{image.name}' has no voxel above 0; expected signal; choose another image.")
    return array_KJI


def readRegions(segmentationNode, image: ImageVolume, resample: bool = False) -> tuple[PhaseRegion, ...]:
    """All segments as regions on the image, known structures first, right before left as in the paper's tables.

    :param resample: accept segments on another grid; their regions say so.
    :raises InputError: no segment, two of one structure and side, or another grid.
    """
    found, names = {}, segmentNames(segmentationNode)
    if len(names) < segmentationNode.GetSegmentation().GetNumberOfSegments():
        raise InputError(
            f"Regions '{segmentationNode.GetName()}' have segments of the same name; expected a name for each; "
            "rename them."
        )
    for name, identifier in names.items():
        structure, side = _structureAndSide(segmentationNode, identifier)
        flags = ()
        try:
            checkSegmentGrid(segmentationNode, identifier, image)
        except InputError:
            if not resample:
                raise
            flags = ("region_resampled",)
        region = PhaseRegion(structure, side, segmentRegion(segmentationNode, identifier, image).voxels_IJK, flags)
        if region.slug in found:
            raise InputError(
                f"Regions '{segmentationNode.GetName()}' have '{name}' and another segment for {region.label}; "
                "expected one per structure and side; join or rename them."
            )
        found[region.slug] = region
    if not found:
        raise InputError(
            f"Regions '{segmentationNode.GetName()}' have no segment; expected segments such as "
            f"{STRUCTURES[0].slug}_left; paint them."
        )
    known = [structure.slug for structure in STRUCTURES]

    def order(region: PhaseRegion):
        slug = region.structure.slug
        place = known.index(slug) if slug in known else len(known)
        return place, "" if place < len(known) else slug, region.side != "right"

    return tuple(sorted(_withoutExchanged(found, image).values(), key=order))


def regionSegments(segmentationNode) -> dict[str, str]:
    """Slug of a region to the ID of its segment; a segment that is no region, or a second one of it, is left out."""
    found: dict[str, str] = {}
    for identifier in segmentNames(segmentationNode).values():
        try:
            structure, side = _structureAndSide(segmentationNode, identifier)
        except InputError:
            continue
        found.setdefault(PhaseRegion(structure, side, np.empty((0, 3), dtype=int)).slug, identifier)
    return found


def _structureAndSide(segmentationNode, identifier) -> tuple[Structure, str]:
    """By the segment's name; of a name that is no known structure, by its terminology if that is one."""
    name = segmentationNode.GetSegmentation().GetSegment(identifier).GetName()
    structure, side = structureAndSide(name)
    if structure.code is None:
        code, codedSide = terminology(segmentationNode, identifier)
        for known in (*STRUCTURES, VEIN_STRUCTURE):
            if known.code[:2] == code:
                return known, codedSide or side
    return structure, side


def _withoutExchanged(regions: dict[str, PhaseRegion], image: ImageVolume) -> dict[str, PhaseRegion]:
    """A left region to the right of its right one has no value: nobody knows which side it is of."""
    checked = dict(regions)
    for region in regions.values():
        left, right = (regions.get(f"{region.structure.slug}_{side}") for side in SIDES)
        if left is None or right is None or not (len(left.voxels_IJK) and len(right.voxels_IJK)):
            continue
        left_R, right_R = (image.ijkToWorld(side.voxels_IJK.mean(0)[None])[0, 0] for side in (left, right))
        if left_R > right_R:
            nothing = np.empty((0, 3), dtype=int)
            for side in (left, right):
                checked[side.slug] = replace(side, voxels_IJK=nothing, flags=(*side.flags, EXCHANGED))
    return checked


# Measuring ------------------------------------------------------------------------------------------------------


def preparePhaseCase(caseNodes: PhaseCaseNodes) -> PreparedPhase:
    """Read and filter an exam, before or after its regions are painted."""
    return preparePhase(readPhaseInput(caseNodes), caseNodes.settings)


def redeclared(prepared: PreparedPhase, declared: Acquisition, caseNodes: PhaseCaseNodes) -> PreparedPhase:
    """Prepared phase with its regions read anew, and with what does not touch the filter as it is declared now.

    :raises InputError: regions that cannot be used, or something that is not declared.
    """
    image, settings = prepared.source.phase, caseNodes.settings
    return declaredAnew(
        prepared,
        replace(
            prepared.source,
            **_declaredValues(declared, image.name),
            regions=readRegions(caseNodes.regions, image, settings.resampleRegions) if caseNodes.regions else (),
            subject=caseNodes.subject,
            exam=caseNodes.exam,
        ),
        settings,
    )


def measurePhaseCase(caseNodes: PhaseCaseNodes, prepared: PreparedPhase | None = None) -> list[PhaseMeasurement]:
    """Measure every region of an exam, with the case's settings.

    :param prepared: from `preparePhaseCase` of the same images and filter, to measure again without filtering again.
    :raises InputError: input that cannot be used, or only a vein in the regions.
    """
    if caseNodes.regions is None:
        raise InputError(
            f"Phase '{caseNodes.declared.GetName()}' has no regions; expected a segmentation; paint or choose one."
        )
    if prepared is not None:
        prepared = redeclared(prepared, declaredAcquisition(caseNodes.declared), caseNodes)
        source = prepared.source
    else:
        source = readPhaseInput(caseNodes)
    measurements = measurePhaseShift(source, caseNodes.settings, prepared)
    if not measurements:
        raise InputError(
            f"Regions '{caseNodes.regions.GetName()}' hold only a vein, which checks the polarity; expected a region "
            f"to measure, such as {STRUCTURES[0].slug}_left; paint one."
        )
    return measurements


__all__ = [
    "COMPLEX",
    "STORED_ENCODINGS",
    "Acquisition",
    "PhaseCaseNodes",
    "addRegionsNode",
    "declareAcquisition",
    "declaredAcquisition",
    "describeRegion",
    "findPhaseCaseNodes",
    "hasPhaseCase",
    "markedRegions",
    "measurePhaseCase",
    "preparePhaseCase",
    "readPhaseInput",
    "readRegions",
    "redeclared",
    "regionSegments",
    "storePhaseCase",
]
