"""The measurement of one target, from a drawn line to SH, thickness and SH/Thk, in the paper's order.

Donatelli et al., AJNR 2018;39:63. Steps that go beyond the paper - the voxel inside the fit, alignment of single
profiles, confidence intervals - can be turned off, and the plain variants are always reported beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from ALSStudyLib.errors import InputError

from .bootstrap import ConfidenceIntervals, blockLabels, bootstrapIntervals
from .contour import ContourNormals, PialContour, contourNormals
from .doubleSigmoid import INVALID_INPUT, OK
from .hypointensity import MeanProfile
from ALSStudyLib.image import ImageRegion, ImageVolume, voxelWidthMm
from .references import ReferenceValue, checkApart, checkPositive, checkSplenium, isNearLine, measureReference
from .sampling import residualResponse
from .settings import ProfileSettings
from .singleProfiles import SampledProfiles, sampleProfiles
from .targets import Target
from .tilt import anglesToB0Deg, sliceTiltDeg
from .variants import Variant, VoxelBlur, fitVariants
from .window import Window

WIDE_SPACING_MM = 3.0
STEEP_TILT_DEG = 20.0
MIDLINE_MM = 5.0  # a head may be turned this much


@dataclass(frozen=True)
class ProfileInput:
    """What one target is measured from.

    :param problem: why this target cannot be measured, found before the science began; "" if nothing was.
    :param otherLines_RAS: control points of the exam's other lines, (n, 3) each: white matter may serve all targets.
    """

    target: Target
    image: ImageVolume
    contours: tuple[PialContour, ...]
    splenium: ImageRegion
    whiteMatter: ImageRegion
    subject: str = ""
    exam: str = ""
    problem: str = ""
    otherLines_RAS: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True)
class ProfileMeasurement:
    """All that is known of one target. What could not be measured is NaN or None, never 0."""

    input: ProfileInput
    settings: ProfileSettings
    status: str
    flags: tuple[str, ...] = ()
    reason: str = ""
    variants: tuple[Variant, ...] = ()
    intervals: ConfidenceIntervals = field(default_factory=ConfidenceIntervals)
    splenium: ReferenceValue | None = None
    whiteMatter: ReferenceValue | None = None
    normals: tuple[ContourNormals, ...] = ()
    profiles: SampledProfiles | None = None
    mean: MeanProfile | None = None
    window: Window | None = None
    bandCurve: np.ndarray | None = None
    modelCurve: np.ndarray | None = None
    nNormals: int = 0
    nExcluded: int = 0
    tiltDeg: float = float("nan")
    normalsToB0Deg: float = float("nan")
    voxelWidthMm: float = float("nan")

    @property
    def selected(self) -> Variant | None:
        """The variant that the settings ask for."""
        return self.variants[0] if self.variants else None


def measureProfile(
    profileInput: ProfileInput,
    settings: ProfileSettings | None = None,
    progress: Callable[[float], bool | None] | None = None,
    allVariants: bool = True,
) -> ProfileMeasurement:
    """SH, thickness, SH/Thk and area of the deep cortex beneath one target's pial lines.

    :param progress: called with the share of the bootstrap done; returning False leaves the intervals out.
    :param allVariants: also fit the plain variants; off, with `resamples=0`, follows a line that is being dragged.
    :return: a measurement whatever the input; unusable input has status `invalid_input` and a reason.
    """
    settings = settings or ProfileSettings()
    try:
        if profileInput.problem:
            raise InputError(profileInput.problem)
        return _measure(profileInput, settings, progress, allVariants)
    except InputError as error:
        return ProfileMeasurement(profileInput, settings, INVALID_INPUT, reason=str(error))


def _measure(profileInput, settings, progress, allVariants) -> ProfileMeasurement:
    image = profileInput.image
    # Steps 2 and 5: the references.
    splenium = measureReference(image, profileInput.splenium)
    checkSplenium(splenium, settings.minSpleniumMm2, profileInput.splenium.name)
    whiteMatter = measureReference(image, profileInput.whiteMatter)
    checkPositive(whiteMatter, profileInput.whiteMatter.name)
    # Step 3: the line, and its normals towards white matter.
    normals = _normalsOf(profileInput, settings)
    # Step 4: intensities along the normals, and their mean.
    profiles, remarks = sampleProfiles(image, normals, splenium, whiteMatter, settings)
    used_RAS = np.concatenate([rows.normals_RAS[used] for rows, used in zip(normals, profiles.used, strict=True)])
    blocks = blockLabels(profiles.contour, profiles.arcMm, settings.blockMm)
    # Steps 6 and 7: the fit, and what is read off it.
    blur = _voxelBlur(image, normals, used_RAS, settings)
    fitted = fitVariants(profiles, blocks, blur, settings, allVariants)
    chosen = fitted.variants[0]
    intervals = ConfidenceIntervals()
    if chosen.fit.status == OK and settings.resamples > 0:
        intervals = bootstrapIntervals(
            profiles, blocks, fitted, (whiteMatter.meanSe, splenium.meanSe), splenium.mean, settings, progress
        )

    nNormals = len(profiles.arcMm)
    nExcluded = sum(len(rows.arcMm) for rows in normals) - nNormals
    tiltDeg = sliceTiltDeg(normals)
    return ProfileMeasurement(
        input=profileInput,
        settings=settings,
        status=chosen.fit.status,
        flags=(
            *remarks,
            *_geometryFlags(profileInput, normals, nExcluded, tiltDeg),
            *_resultFlags(fitted, intervals, settings),
        ),
        variants=fitted.variants,
        intervals=intervals,
        splenium=splenium,
        whiteMatter=whiteMatter,
        normals=normals,
        profiles=profiles,
        mean=fitted.mean,
        window=fitted.window,
        bandCurve=fitted.bandCurve,
        modelCurve=fitted.modelCurve,
        nNormals=nNormals,
        nExcluded=nExcluded,
        tiltDeg=tiltDeg,
        normalsToB0Deg=anglesToB0Deg(used_RAS),
        voxelWidthMm=blur.widthMm,
    )


def _normalsOf(profileInput, settings) -> tuple[ContourNormals, ...]:
    """Normals of every contour, each apart from the references."""
    image = profileInput.image
    whiteMatter_RAS = image.ijkToWorld(profileInput.whiteMatter.voxels_IJK)
    normals = tuple(contourNormals(contour, image, whiteMatter_RAS, settings) for contour in profileInput.contours)
    for contour, rows in zip(profileInput.contours, normals, strict=True):
        for region in (profileInput.splenium, profileInput.whiteMatter):
            checkApart(image, region, rows.points_RAS, contour.name)
    return normals


def _voxelBlur(image, normals, used_RAS, settings) -> VoxelBlur:
    edges = image.edgesNear(normals[0].points_RAS.mean(0))
    widthMm = float(np.sqrt((voxelWidthMm(edges, used_RAS) ** 2).mean()))
    return VoxelBlur(widthMm, residualResponse(edges, used_RAS, widthMm, settings.depthStepMm, settings.interpolation))


def _geometryFlags(profileInput, normals, nExcluded, tiltDeg):
    flags = []
    if any(contour.closed for contour in profileInput.contours):
        flags.append("closed_contour")
    if any(contour.flip for contour in profileInput.contours):
        flags.append("normals_flipped_by_user")
    if any(rows.controlSpacingMm.max() > WIDE_SPACING_MM for rows in normals):
        flags.append("control_points_wider_than_3_mm")
    if nExcluded > 0.25 * sum(len(rows.arcMm) for rows in normals):
        flags.append("many_normals_excluded")
    if _isAcrossSplenium(profileInput, normals):
        flags.append("side_against_splenium")
    lines_RAS = [*(contour.controlPoints_RAS for contour in profileInput.contours), *profileInput.otherLines_RAS]
    if isNearLine(profileInput.image, profileInput.whiteMatter, lines_RAS):
        flags.append("white_matter_near_line")
    if np.isnan(tiltDeg):
        flags.append("tilt_unknown")
    elif tiltDeg > STEEP_TILT_DEG:
        flags.append("steep_tilt")
    return flags


def _isAcrossSplenium(profileInput, normals) -> bool:
    """Whether a left target lies to the right of the splenium, which is in the midline, or the other way round."""
    splenium_R = profileInput.image.ijkToWorld(profileInput.splenium.voxels_IJK)[:, 0].mean()
    target_R = np.concatenate([rows.points_RAS for rows in normals])[:, 0].mean()
    toTheRight = target_R - splenium_R
    return {"left": toTheRight, "right": -toTheRight}.get(profileInput.target.side, 0.0) > MIDLINE_MM


def _resultFlags(fitted, intervals, settings):
    flags = []
    if fitted.window.superficial is None and settings.windowPolicy == "superficial":
        flags.append("no_bright_edge_above_band")
    if intervals.resamples and np.isnan(intervals.sh.low):
        flags.append("interval_unstable")
    return flags
