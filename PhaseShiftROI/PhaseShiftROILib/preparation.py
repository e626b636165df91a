"""Phase as encoded to corrected phase: sign flips and filter, before any region is looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageVolume

from .gaussianHighPass import cutoffForSigma, gaussianHighPass, sigmaForCutoff
from .homodyne import cutoffMm, homodyne, looksFiltered
from .laplacian import unwrapLaplacian
from .midline import midline_R
from .polarity import SIGNS
from .regions import PhaseRegion
from .settings import HOMODYNE, LAPLACIAN, NONE, PhaseSettings
from .signFlips import SignFlips, correctSignFlips, findSignFlips
from .weighting import minimumProjection, susceptibilityWeighted

NARROW_CUTOFF_MM = 5.0
MIN_LINES = 4
POLARITY_UNKNOWN = "polarity_unknown"


@dataclass(frozen=True)
class PhaseInput:
    """One exam as the science takes it.

    :param phase: in rad, wrapped (`encoding`). magnitude_KJI: (nK, nJ, nI), any positive unit, or None.
    :param polarity: one of `polarity.POLARITIES`, as declared.
    :param alreadyFiltered: a scanner or another program has high-passed the phase.
    :param filteredLines: of that filter, if known: its central k-space lines.
    :param encoding: how stored values became radians, in words. flags: remarks on the input.
    """

    phase: ImageVolume
    magnitude_KJI: np.ndarray | None
    regions: tuple[PhaseRegion, ...]
    echoTimeMs: float
    fieldStrengthT: float
    polarity: str
    alreadyFiltered: bool = False
    filteredLines: int | None = None
    encoding: str = ""
    subject: str = ""
    exam: str = ""
    flags: tuple[str, ...] = ()

    @property
    def paramagneticSign(self) -> int:
        """-1 or 1; 0 when it is not known."""
        return SIGNS[self.polarity]


@dataclass(frozen=True)
class FilterRecord:
    """A filter as it was applied, stored with every value.

    :param kind: "none", "homodyne", "laplacian" or "vendor". nLines_IJ, cutoffMm_IJ: of the lines; None without.
    :param sigmaMm: of the Gaussian; None without.
    """

    kind: str
    nLines_IJ: tuple[float, float] | None = None
    cutoffMm_IJ: tuple[float, float] | None = None
    window: str = ""
    sigmaMm: float | None = None

    @property
    def text(self) -> str:
        """In words, with lines and mm."""
        if self.kind == "laplacian":
            return f"Laplacian unwrapping (3D), Gaussian high-pass (2D) of SD {self.sigmaMm:.2f} mm"
        if self.nLines_IJ is None:
            return {"none": "none", "vendor": "by the scanner, kernel unknown"}[self.kind]
        lines = " x ".join(f"{n:.4g}" for n in self.nLines_IJ)
        mm = " x ".join(f"{n:.1f}" for n in self.cutoffMm_IJ)
        how = "homodyne (2D)" if self.kind == "homodyne" else "by the scanner"
        return f"{how}, {lines} lines = {mm} mm, {self.window} window"


@dataclass(frozen=True)
class PreparedPhase:
    """:param wrappedRad_KJI: before the filter, sign flips corrected if asked. corrected: after it, rad.
    :param isWrapped: corrected phase may still jump by 2 pi: means are circular.
    :param flags: remarks that hold for the whole exam. middle_R: see `midline_R`.
    """

    source: PhaseInput
    settings: PhaseSettings
    wrappedRad_KJI: np.ndarray
    corrected: ImageVolume
    isWrapped: bool
    filter: FilterRecord
    signFlips: SignFlips
    flags: tuple[str, ...]
    middle_R: float | None = None

    def susceptibilityWeighted(self) -> tuple[np.ndarray, np.ndarray] | None:
        """SWI and its minimum intensity projection, made once; None without magnitude, filter or polarity."""
        return self._weighted

    @cached_property
    def _weighted(self) -> tuple[np.ndarray, np.ndarray] | None:
        source = self.source
        if source.magnitude_KJI is None or self.isWrapped or not source.paramagneticSign:
            return None
        image = susceptibilityWeighted(
            source.magnitude_KJI, self.corrected.array_KJI, source.paramagneticSign, self.settings.maskPower
        )
        return image, minimumProjection(image, self.slabSlices)

    @property
    def slabSlices(self) -> int:
        """Slices of the projection's slab, at least 1, at most all."""
        count = round(self.settings.slabMm / self.corrected.spacingMm[2])
        return int(min(max(count, 1), len(self.corrected.array_KJI)))


def preparePhase(source: PhaseInput, settings: PhaseSettings) -> PreparedPhase:
    """Correct what was asked to be corrected, and filter.

    :raises InputError: a kernel that the image has no lines for.
    """
    record = filterRecord(source, settings)
    flags = list(source.flags)
    phase = source.phase.array_KJI
    flips = findSignFlips(phase, source.magnitude_KJI)
    if flips.detected:
        flags.append("sign_flips_corrected" if settings.correctSignFlips else "sign_flips_found_not_corrected")
    elif settings.correctSignFlips:
        flags.append("sign_flips_not_found_but_corrected")
    if settings.correctSignFlips:
        phase = correctSignFlips(phase)
    looks = looksFiltered(phase, source.magnitude_KJI)
    if source.alreadyFiltered and not looks:
        flags.append("does_not_look_filtered")
    if settings.filter != NONE:
        if source.alreadyFiltered:
            flags.append("filter_on_filtered_phase")
        elif looks:
            flags.append("looks_already_filtered")
        if source.magnitude_KJI is None:
            flags.append("filtered_without_magnitude")
        if min(record.cutoffMm_IJ) < NARROW_CUTOFF_MM:
            flags.append(f"kernel_cuts_at_{min(record.cutoffMm_IJ):.1f}_mm")
    elif not source.alreadyFiltered:
        flags.append("not_filtered")
    if source.phase.axesBySlice[0] != 2:
        flags.append("slices_not_along_the_thick_axis")  # the filter works in other planes than those acquired
    if not source.paramagneticSign:
        flags.append(POLARITY_UNKNOWN)
    return PreparedPhase(
        source,
        settings,
        phase,
        replace(source.phase, array_KJI=_filtered(source, settings, record, phase), name="corrected phase"),
        settings.filter == NONE and not source.alreadyFiltered,
        record,
        flips,
        tuple(flags),
        midline_R(source.phase, source.magnitude_KJI),
    )


def declaredAnew(prepared: PreparedPhase, source: PhaseInput, settings: PhaseSettings) -> PreparedPhase:
    """The same filtered phase, with other values for what does not touch it: echo time, field, polarity, slice rule...

    :param source: of the same image and filter as `prepared`.
    """
    flags = tuple(flag for flag in prepared.flags if flag != POLARITY_UNKNOWN)
    if not source.paramagneticSign:
        flags += (POLARITY_UNKNOWN,)
    return replace(prepared, source=source, settings=settings, flags=flags)


def _filtered(source, settings, record, phase):
    if settings.filter == HOMODYNE:
        return homodyne(phase, source.magnitude_KJI, record.nLines_IJ, settings.window)
    if settings.filter == LAPLACIAN:
        spacing = source.phase.spacingMm
        unwrapped = unwrapLaplacian(phase, spacing, source.magnitude_KJI)
        return gaussianHighPass(phase, unwrapped, source.magnitude_KJI, record.sigmaMm, spacing)
    return phase


def filterRecord(source: PhaseInput, settings: PhaseSettings) -> FilterRecord:
    """The filter in lines and mm, for this image's matrix and field of view.

    :raises InputError: more lines than the image has, or hardly any.
    """
    if settings.filter == NONE:
        if not source.alreadyFiltered:
            return FilterRecord("none")
        if source.filteredLines is None:
            return FilterRecord("vendor")
        lines = _lines(source.phase, float(source.filteredLines), None)
        return FilterRecord("vendor", lines, _cutoffs(source.phase, lines), settings.window)
    kernelMm = settings.kernelMm
    if settings.filter == LAPLACIAN and settings.highPassSigmaMm is not None:
        kernelMm = cutoffForSigma(settings.highPassSigmaMm)
    lines = _lines(source.phase, float(settings.kernelLines), kernelMm)
    cutoffs = _cutoffs(source.phase, lines)
    if settings.filter == HOMODYNE:
        return FilterRecord("homodyne", lines, cutoffs, settings.window)
    sigmaMm = settings.highPassSigmaMm or sigmaForCutoff(float(np.mean(cutoffs)))
    return FilterRecord("laplacian", lines, cutoffs, "", sigmaMm)


def _lines(image, kernelLines, kernelMm):
    nI, nJ, _ = image.shape_IJK
    lines = (kernelLines, kernelLines)
    if kernelMm is not None:
        lines = tuple(2.0 * n * spacing / kernelMm for n, spacing in zip((nI, nJ), image.spacingMm, strict=False))
    if lines[0] > nI or lines[1] > nJ or min(lines) < MIN_LINES:
        found = "of " + " x ".join(f"{n:.3g}" for n in lines) + " k-space lines"
        raise InputError(
            f"The filter's kernel is {found} but the image has {nI} x {nJ} pixels of {image.spacingMm[0]:.3g} x "
            f"{image.spacingMm[1]:.3g} mm; expected {MIN_LINES} to {min(nI, nJ)} lines; change the lines or the mm."
        )
    return lines


def _cutoffs(image, lines):
    nI, nJ, _ = image.shape_IJK
    return tuple(
        cutoffMm(n, float(spacing), count)
        for n, spacing, count in zip((nI, nJ), image.spacingMm[:2], lines, strict=True)
    )
