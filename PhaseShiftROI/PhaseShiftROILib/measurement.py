"""Phase shift of regions, as Liu et al., J Int Med Res 2021;49(2) measure it: the whole chain in one function.

Corrected phase, mean of each region in each of its slices, the most extreme slices kept, every candidate reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError

from .angle import wrapped
from .midline import isAcross
from .polarity import UNKNOWN, PolarityCheck, checkPolarity
from .polarity import CHECKED as CHECKED_STRUCTURES
from .preparation import PhaseInput, PreparedPhase, preparePhase
from .regions import EXCHANGED, STRUCTURES, VEIN, PhaseRegion, PixelRule, parsePixelRules
from .retention import LinearResponse, gaussianResponse, homodyneResponse
from .settings import PhaseSettings
from .slices import CONSECUTIVE, chooseSlices

PROTON_HZ_PER_T = 42.577478518e6  # gyromagnetic ratio over 2 pi, CODATA 2018
LOW_RETENTION = 0.5
MIN_COHERENCE = 0.5  # of the low-pass: at half of the window, homodyne begins to mistake background for shift


@dataclass(frozen=True)
class SliceValue:
    """One region in one slice.

    :param phaseRad, sdRad: mean and SD over pixels; NaN if not measured. phaseHz, phasePpb: the mean in other units.
    :param retention: share of the region's shift that the filter leaves, predicted; NaN if the filter is not known.
    :param nPixels: on the image's own grid. areaMm2: of them. flags: remarks on this slice.
    """

    slice: int
    phaseRad: float
    sdRad: float
    phaseHz: float
    phasePpb: float
    retention: float
    nPixels: int
    areaMm2: float
    flags: tuple[str, ...]


@dataclass(frozen=True)
class PhaseMeasurement:
    """One region of one exam.

    :param candidates: a value per slice the region was painted on, in order of slices.
    :param selected: positions in `candidates` of those kept, the most extreme first.
    :param flags: remarks on the region or the exam.
    """

    prepared: PreparedPhase
    region: PhaseRegion
    candidates: tuple[SliceValue, ...]
    selected: tuple[int, ...]
    flags: tuple[str, ...]
    polarityChecks: tuple[PolarityCheck, ...] = ()

    @property
    def chosen(self) -> list[SliceValue]:
        return [self.candidates[position] for position in self.selected]


def measurePhaseShift(
    source: PhaseInput, settings: PhaseSettings, prepared: PreparedPhase | None = None
) -> list[PhaseMeasurement]:
    """All regions of one exam but the vein, which only checks the polarity.

    :param prepared: from `preparePhase` of the same image and settings, to measure again without filtering again.
    :raises InputError: settings that the image does not allow.
    """
    prepared = prepared or preparePhase(source, settings)
    rules = parsePixelRules(settings.pixelRules)
    _checkRules(rules, source.regions)
    checks = polarityChecks(prepared, source.regions)
    examFlags = [*prepared.flags, *_contradictions(checks, source.polarity)]
    found = []
    for region in source.regions:
        if region.structure.slug != VEIN:
            across = isAcross(region.side, region.voxels_IJK, source.phase, prepared.middle_R)
            flags = [*region.flags, *(["side_against_midline"] if across else [])]
            rule = rules.get(region.structure.slug, region.structure.rule)
            found.append(_measureRegion(prepared, region, rule, flags, examFlags, checks))
    return found


def _checkRules(rules, regions) -> None:
    """:raises InputError: a pixel rule for a region that there is not."""
    known = dict.fromkeys([*(s.slug for s in STRUCTURES), *(region.structure.slug for region in regions)])
    for slug in rules:
        if slug not in known:
            raise InputError(
                f"A pixel rule is given for '{slug}'; expected one of {', '.join(known)}; correct its name."
            )


def _measureRegion(prepared, region, rule, flags, examFlags, checks) -> PhaseMeasurement:
    settings, wanted = prepared.settings, region.structure.nSlices
    candidates = _sliceValues(prepared, region, rule)
    selected = chooseSlices(
        [value.slice for value in candidates],
        [value.phaseRad for value in candidates],
        settings.sliceRule,
        wanted,
        prepared.source.paramagneticSign,
    )
    if region.structure.code is not None and not region.side:
        flags.append("no_side")
    lost = sum(not np.isfinite(value.phaseRad) for value in candidates)
    if not candidates:
        flags += [] if EXCHANGED in region.flags else ["empty_region"]
    elif lost == len(candidates):
        flags.append("no_slice_measured")
    elif not selected and settings.sliceRule == CONSECUTIVE:
        flags.append(f"no_{wanted}_adjacent_slices")
    elif len(selected) < wanted:
        flags.append(f"{len(selected)}_of_{wanted}_slices")
    if 0 < lost < len(candidates):
        flags.append(f"{lost}_of_{len(candidates)}_slices_not_measured")
    return PhaseMeasurement(
        prepared, region, tuple(candidates), tuple(selected), tuple(dict.fromkeys([*flags, *examFlags])), checks
    )


def _sliceValues(prepared: PreparedPhase, region: PhaseRegion, rule: PixelRule) -> list[SliceValue]:
    voxels = region.voxels_IJK
    responseOf = _linearResponse(prepared)
    edges = prepared.corrected.ijkToRAS[:3, :2]
    pixelMm2 = float(np.linalg.norm(np.cross(edges[:, 0], edges[:, 1])))
    found = []
    for k in np.unique(voxels[:, 2]):
        pixels_IJ = voxels[voxels[:, 2] == k, :2]
        values = np.asarray(prepared.corrected.array_KJI[k, pixels_IJ[:, 1], pixels_IJ[:, 0]], dtype=float)
        flags = _notMeasurable(prepared, int(k), pixels_IJ)
        if flags:
            mean = sd = float("nan")
        else:
            mean, sd, flags = _meanAndSd(values, prepared.isWrapped)
        if not rule.allows(len(values)):
            flags.append(f"{len(values)}_pixels_outside_{rule.text}")
        response = responseOf(int(k), pixels_IJ)
        if response.retention < LOW_RETENTION:
            flags.append("low_retention")
        if response.coherence < MIN_COHERENCE:
            flags.append("steep_background")
        if _nearBorder(prepared, pixels_IJ):
            flags.append("near_image_border")
        if not prepared.isWrapped and mean * prepared.source.paramagneticSign < -2.0 * sd / np.sqrt(len(values)):
            flags.append("sign_against_polarity")
        hz = inHz(mean, prepared.source.echoTimeMs)
        found.append(
            SliceValue(
                slice=int(k),
                phaseRad=mean,
                sdRad=sd,
                phaseHz=hz,
                phasePpb=inPpb(hz, prepared.source.fieldStrengthT),
                retention=response.retention,
                nPixels=len(values),
                areaMm2=len(values) * pixelMm2,
                flags=tuple(flags),
            )
        )
    return found


def _notMeasurable(prepared: PreparedPhase, k: int, pixels_IJ) -> list[str]:
    """Why a region has no value in a slice: pixels without a phase, or without signal, as a mask leaves them."""
    at = k, pixels_IJ[:, 1], pixels_IJ[:, 0]
    flags = [] if np.isfinite(prepared.wrappedRad_KJI[at]).all() else ["not_finite"]
    magnitude = prepared.source.magnitude_KJI
    nothing = 0 if magnitude is None else int((magnitude[at] <= 0).sum())
    return flags + ([f"no_signal_in_{nothing}_of_{len(pixels_IJ)}_pixels"] if nothing else [])


def _meanAndSd(values, isWrapped):
    if isWrapped:
        mean = circularMean(values)
        away = wrapped(values - mean)
        return mean, float(np.sqrt((away**2).sum() / (len(values) - 1))) if len(values) > 1 else float("nan"), []
    # Filtered phase is small; a spread of half a turn means that it wrapped all the same.
    flags = ["wraps_in_region"] if np.ptp(values) > np.pi else []
    return float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else float("nan"), flags


def circularMean(valuesRad: np.ndarray) -> float:
    """Mean direction, rad, in (-pi, pi]: right at the wrap, where the arithmetic mean is near 0."""
    return float(np.arctan2(np.sin(valuesRad).mean(), np.cos(valuesRad).mean()))


def inHz(phaseRad: float, echoTimeMs: float) -> float:
    """Frequency shift that gives this phase at this echo time; its sign is that of the phase."""
    return phaseRad / (2.0 * np.pi * 1e-3 * echoTimeMs)


def inPpb(phaseHz: float, fieldStrengthT: float) -> float:
    """The same relative to the proton frequency, parts per billion of B0."""
    return 1e9 * phaseHz / (PROTON_HZ_PER_T * fieldStrengthT)


def _linearResponse(prepared: PreparedPhase):
    """Function (slice, pixels) to the predicted response of a region."""
    record, phase, magnitude = prepared.filter, prepared.wrappedRad_KJI, prepared.source.magnitude_KJI
    if record.kind == "laplacian":
        spacing = prepared.corrected.spacingMm
        return lambda k, pixels_IJ: gaussianResponse(phase, magnitude, k, pixels_IJ, record.sigmaMm, spacing)
    if record.nLines_IJ is None:
        known = LinearResponse(1.0 if record.kind == "none" else float("nan"))
        return lambda k, pixels_IJ: known
    return lambda k, pixels_IJ: homodyneResponse(phase, magnitude, k, pixels_IJ, record.nLines_IJ, record.window)


def _nearBorder(prepared: PreparedPhase, pixels_IJ) -> bool:
    """Whether a Fourier filter mixes the region with the opposite border of the image."""
    if prepared.filter.kind != "homodyne":
        return False
    shape_IJ = np.array(prepared.corrected.shape_IJK[:2])
    reach = 0.5 * np.array(prepared.filter.cutoffMm_IJ) / prepared.corrected.spacingMm[:2]
    return bool(((pixels_IJ < reach) | (pixels_IJ > shape_IJ - 1 - reach)).any())


# Polarity -------------------------------------------------------------------------------------------------------


def polarityChecks(prepared: PreparedPhase, regions: Sequence[PhaseRegion]) -> tuple[PolarityCheck, ...]:
    """What a painted vein and the globus pallidus say of the polarity; nothing of phase that is not filtered."""
    if prepared.isWrapped:
        return ()
    return tuple(
        checkPolarity(prepared.corrected, region)
        for region in regions
        if region.structure.slug in CHECKED_STRUCTURES and len(region.voxels_IJK)
    )


def _contradictions(checks, polarity):
    if polarity == UNKNOWN:
        return []
    return [f"polarity_contradicted_by_{check.region}" for check in checks if check.suggests not in (UNKNOWN, polarity)]
