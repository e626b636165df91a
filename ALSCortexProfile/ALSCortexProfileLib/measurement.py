"""The measurement of one target, from a drawn line to SH, thickness and SH/Thk, in the paper's order.

Donatelli et al., AJNR 2018;39:63. Steps that go beyond the paper - the voxel inside the fit, alignment of single
profiles, confidence intervals - can be turned off, and the plain variants are always reported beside.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from ALSStudyLib.errors import InputError

from .alignment import Alignment, alignProfiles
from .bandModel import NO_RESPONSE
from .bootstrap import ConfidenceIntervals, blockLabels, bootstrapIntervals, resampleCounts
from .contour import ContourNormals, PialContour, contourNormals
from .doubleSigmoid import INVALID_INPUT, OK, BandFit, fitManyDoubleSigmoids, singleFit
from .hypointensity import MeanProfile, hypointensity, meanProfile
from .image import ImageVolume, voxelWidthMm
from .references import ReferenceRegion, ReferenceValue, checkApart, checkSplenium, measureReference
from .sampling import residualResponse, sampleAlongNormals
from .settings import ProfileSettings
from .targets import Target
from .tilt import anglesToB0Deg, sliceTiltDeg
from .window import Window, chooseWindow

WIDE_SPACING_MM = 3.0
STEEP_TILT_DEG = 20.0
MIN_SAMPLED_SHARE = 0.5
MODEL_ERROR = 0.01  # of the peak: without noise the priors must still outweigh aliasing of the voxel grid


@dataclass(frozen=True)
class ProfileInput:
    """What one target is measured from.

    :param problem: why this target cannot be measured, found before the science began; "" if nothing was.
    """

    target: Target
    image: ImageVolume
    contours: tuple[PialContour, ...]
    splenium: ReferenceRegion
    whiteMatter: ReferenceRegion
    subject: str = ""
    exam: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Variant:
    """One way of measuring the same line; `sh`, `thicknessMm`... are NaN unless `fit.status` is ok."""

    voxelAware: bool
    align: bool
    fit: BandFit

    @property
    def sh(self) -> float:
        return self.fit.peak

    @property
    def thicknessMm(self) -> float:
        return self.fit.widthMm

    @property
    def shThkPerMm(self) -> float:
        return self.fit.peak / self.fit.widthMm

    @property
    def areaMm(self) -> float:
        return self.fit.areaMm


@dataclass(frozen=True)
class SampledProfiles:
    """Single profiles of all contours of a target, one row per normal that is used.

    :param intensity, hypointensity: where the line was drawn, (nNormals, nDepths).
    :param alignedHypointensity: after alignment; the same array if alignment is off.
    :param contour: index of the contour of each normal; arcMm: its place on it.
    :param used: one mask over `ContourNormals` rows per contour: the normals that are here.
    """

    depthMm: np.ndarray
    intensity: np.ndarray
    hypointensity: np.ndarray
    alignedHypointensity: np.ndarray
    contour: np.ndarray
    arcMm: np.ndarray
    alignment: Alignment
    used: tuple[np.ndarray, ...]


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
    splenium = measureReference(image, profileInput.splenium)
    checkSplenium(splenium, settings.minSpleniumMm2, profileInput.splenium.name)
    whiteMatter = measureReference(image, profileInput.whiteMatter)
    whiteMatterPoints_RAS = image.ijkToWorld(profileInput.whiteMatter.voxels_IJK)
    normals = tuple(
        contourNormals(contour, image, whiteMatterPoints_RAS, settings) for contour in profileInput.contours
    )
    for contour, rows in zip(profileInput.contours, normals, strict=True):
        for region in (profileInput.splenium, profileInput.whiteMatter):
            checkApart(image, region, rows.points_RAS, contour.name)

    profiles, flags = _sampledProfiles(image, normals, splenium, whiteMatter, settings)
    nNormals = len(profiles.arcMm)
    nExcluded = sum(len(rows.arcMm) for rows in normals) - nNormals
    blocks = blockLabels(profiles.contour, profiles.arcMm, settings.blockMm)
    kept_RAS = np.concatenate([rows.normals_RAS[used] for rows, used in zip(normals, profiles.used, strict=True)])
    edges = image.edgesNear(normals[0].points_RAS.mean(0))
    widthMm = float(np.sqrt((voxelWidthMm(edges, kept_RAS) ** 2).mean()))
    response = residualResponse(edges, kept_RAS, widthMm, settings.depthStepMm, settings.interpolation)

    # One window for all variants, so that they differ in nothing but what they are named for.
    both = {True: profiles.alignedHypointensity, False: profiles.hypointensity}
    means = {
        align: meanProfile(profiles.depthMm, profiles.intensity, d, blocks)
        for align, d in both.items()
        if allVariants or align == settings.align
    }
    mean = means[settings.align]
    window = chooseWindow(mean, settings)
    part = window.slice
    correlationMm = max(widthMm, settings.depthStepMm)
    noiseSd = _noiseSd(mean, window, correlationMm / settings.depthStepMm)
    variants, refit, fits = {}, {}, {}
    for voxelAware in (True, False) if allVariants else (settings.voxelAware,):
        refit[voxelAware] = {
            "voxelWidthMm": widthMm if voxelAware else 0.0,
            "response": response if voxelAware else NO_RESPONSE,
            "superficial": window.superficial,
            "noiseSd": noiseSd,
            "correlationMm": correlationMm,
        }
        rows = np.stack([values.hypointensity[part] for values in means.values()])
        fits[voxelAware] = fitManyDoubleSigmoids(profiles.depthMm[part], rows, **refit[voxelAware])
        for row, align in enumerate(means):
            variants[voxelAware, align] = Variant(voxelAware, align, singleFit(fits[voxelAware], row))
    chosen = variants.pop((settings.voxelAware, settings.align))
    variants = (chosen, *variants.values())
    row = list(means).index(settings.align)
    d, fits, refit = both[settings.align], fits[settings.voxelAware], refit[settings.voxelAware]

    flags += _geometryFlags(profileInput, normals, nExcluded)
    tiltDeg = sliceTiltDeg(normals)
    flags += ["tilt_unknown"] if np.isnan(tiltDeg) else ["steep_tilt"] if tiltDeg > STEEP_TILT_DEG else []
    if window.superficial is None and settings.windowPolicy == "superficial":
        flags.append("no_bright_edge_above_band")
    status = chosen.fit.status
    intervals = ConfidenceIntervals()
    if status == OK and settings.resamples > 0:
        rng = np.random.default_rng(settings.seed)
        intervals = bootstrapIntervals(
            profiles.depthMm[part],
            d[:, part],
            resampleCounts(profiles.contour, settings.normalSpacingMm, settings.blockMm, settings.resamples, rng),
            np.array([chosen.sh, chosen.thicknessMm, chosen.shThkPerMm, chosen.areaMm]),
            {**refit, "start": fits.free[row]},
            (whiteMatter.meanSe, splenium.meanSe),
            splenium.mean,
            rng,
            len(np.unique(blocks)),
            progress,
        )
        if intervals.resamples and np.isnan(intervals.sh.low):
            flags.append("interval_unstable")
    return ProfileMeasurement(
        input=profileInput,
        settings=settings,
        status=status,
        flags=tuple(flags),
        variants=variants,
        intervals=intervals,
        splenium=splenium,
        whiteMatter=whiteMatter,
        normals=normals,
        profiles=profiles,
        mean=mean,
        window=window,
        bandCurve=_onGrid(profiles.depthMm, window, fits.curve[row]),
        modelCurve=_onGrid(profiles.depthMm, window, fits.total[row]),
        nNormals=nNormals,
        nExcluded=nExcluded,
        tiltDeg=tiltDeg,
        normalsToB0Deg=anglesToB0Deg(kept_RAS),
        voxelWidthMm=widthMm,
    )


def _sampledProfiles(image, normals, splenium, whiteMatter, settings):
    """Sample every normal, drop those that cannot be used, and align the rest."""
    nDepths = round((settings.maxDepthMm - settings.minDepthMm) / settings.depthStepMm) + 1
    depthMm = settings.minDepthMm + settings.depthStepMm * np.arange(nDepths)

    def sample(rows, used, depths):
        values = sampleAlongNormals(
            image, rows.points_RAS[used], rows.normals_RAS[used], depths, settings.interpolation
        )
        values[np.broadcast_to(depths, values.shape) > rows.usableDepthMm[used, None]] = np.nan
        return values

    needed = (depthMm >= 0) & (depthMm <= settings.crossingDepthMm)
    intensities, masks, missing = [], [], 0
    for rows in normals:
        candidates = ~rows.excluded
        values = sample(rows, candidates, depthMm)
        sampled = np.isfinite(values[:, needed]).mean(1) > MIN_SAMPLED_SHARE
        missing += int((~sampled).sum())
        used = candidates.copy()
        used[candidates] = sampled
        intensities.append(values[sampled])
        masks.append(used)
    intensity = np.concatenate(intensities)
    if len(intensity) < settings.minNormals:
        crossing = int(sum(rows.excluded.sum() for rows in normals))
        total = sum(len(rows.arcMm) for rows in normals)
        raise InputError(
            f"Only {len(intensity)} of {total} normals can be used ({crossing} cross another within "
            f"{settings.crossingDepthMm:g} mm, {missing} leave the image or meet voxels that are not numbers); "
            f"expected at least {settings.minNormals}; draw a longer or smoother line."
        )

    def toD(values):
        return hypointensity(values, whiteMatter.mean, splenium.mean, image.darkIsHigh)

    contour = np.concatenate([np.full(int(used.sum()), index) for index, used in enumerate(masks)])
    arcMm = np.concatenate([rows.arcMm[used] for rows, used in zip(normals, masks, strict=True)])
    spacingMm = np.array([np.median(rows.controlSpacingMm) for rows in normals])
    d = toD(intensity)
    alignment = alignProfiles(depthMm, d, contour, arcMm, spacingMm, settings)
    # Sampled again, not interpolated from the samples: another interpolation would blur the band.
    depths = alignment.depthsMm(depthMm)
    aligned = np.concatenate(
        [
            sample(rows, used, depths[contour == index])
            for index, (rows, used) in enumerate(zip(normals, masks, strict=True))
        ]
    )
    flags = []
    if missing:
        flags.append(f"{missing}_normals_not_sampled")
    if np.abs(alignment.shiftMm).max() > 0.99 * settings.maxShiftMm:
        flags.append("shift_at_limit")
    profiles = SampledProfiles(depthMm, intensity, d, toD(aligned), contour, arcMm, alignment, tuple(masks))
    return profiles, flags


def _noiseSd(mean: MeanProfile, window: Window, correlatedDepths: float) -> float:
    """SD of the mean profile, to weigh data against priors; not below what the model itself can be trusted."""
    variance = np.nanmean(mean.hypointensitySe[window.slice] ** 2) * correlatedDepths
    return float(max(np.sqrt(variance), MODEL_ERROR * np.abs(mean.hypointensity[window.slice]).max(), 1e-4))


def _geometryFlags(profileInput, normals, nExcluded):
    flags = []
    if any(contour.closed for contour in profileInput.contours):
        flags.append("closed_contour")
    if any(contour.flip for contour in profileInput.contours):
        flags.append("normals_flipped_by_user")
    if any(rows.controlSpacingMm.max() > WIDE_SPACING_MM for rows in normals):
        flags.append("control_points_wider_than_3_mm")
    if nExcluded > 0.25 * sum(len(rows.arcMm) for rows in normals):
        flags.append("many_normals_excluded")
    return flags


def _onGrid(depthMm, window, values):
    curve = np.full(len(depthMm), np.nan)
    curve[window.slice] = values
    return curve
