"""Alignment of single profiles: a slightly misplaced line no longer widens the band.

A line drawn 0.2 mm off (1 SD) widens the averaged band by about 6 %. Each profile is shifted by a small amount that
varies smoothly along the line (a smoothing spline whose stiffness follows the spacing of the control points, for that
is how a drawn line errs), and its depth is scaled by the cosine of the angle that this shift gives the true surface
against the line. Beyond the paper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solveh_banded

from .settings import ProfileSettings
from .window import bandPeakIndex

ITERATIONS = 8
MIN_SHARE = 0.5  # a depth that fewer profiles reach says nothing about the others
NOISE_INFLATION = (
    10.0  # neighboring depths and normals share voxels: what they say together is said this much less often
)
# The CSF edge may speak, but not much louder than the band. On a faint band it must: aligned to noise alone, profiles
# would make a band of it.
CSF_SHARE, CSF_LEAST = 0.5, 0.2
LENGTH_PER_SPACING = 0.6  # correlation length of the error of a drawn line, in distances of control points
LENGTH_RANGE_MM = (0.85, 2.1)


@dataclass(frozen=True)
class Alignment:
    """:param shiftMm: depth on each normal where the true surface lies, (nNormals,), mean zero.
    :param cosine: of the angle between normal and true surface normal, (nNormals,).
    """

    shiftMm: np.ndarray
    cosine: np.ndarray

    def depthsMm(self, depthMm: np.ndarray) -> np.ndarray:
        """Depth along each drawn normal, (nNormals, nDepths), of the true depths (nDepths,)."""
        return self.shiftMm[:, None] + depthMm / self.cosine[:, None]


def alignProfiles(
    depthMm: np.ndarray,
    d: np.ndarray,
    contour: np.ndarray,
    arcMm: np.ndarray,
    controlSpacingMm: np.ndarray,
    settings: ProfileSettings,
) -> Alignment:
    """Shifts that bring single profiles onto their mean.

    :param d: hypointensity, (nNormals, nDepths), NaN where not sampled.
    :param contour: index of each normal's contour, (nNormals,); arcMm: its place on it, mm.
    :param controlSpacingMm: typical distance of control points of each contour, mm.
    """
    used = (depthMm >= -0.8) & (depthMm <= settings.maxBandDepthMm) & (np.isfinite(d).mean(0) >= MIN_SHARE)
    x = depthMm[used]
    mean = np.nanmean(d[:, used], axis=0)
    peak = mean[bandPeakIndex(x, mean, settings.maxBandDepthMm)]
    clipped = np.maximum(d[:, used], -max(CSF_SHARE * peak, CSF_LEAST))
    priors = [
        _SmoothShift(arcMm, np.flatnonzero(contour == index), spacing, settings)
        for index, spacing in enumerate(controlSpacingMm)
    ]
    shiftMm = np.zeros(len(d))
    cosine = np.ones(len(d))
    for _ in range(ITERATIONS):
        moved = _resampled(x, clipped, shiftMm[:, None] + x / cosine[:, None])
        finite = np.isfinite(moved)
        unseen = ~finite.any(axis=0)
        moved[:, unseen] = 0.0
        template = np.nanmean(moved, axis=0)
        template[unseen] = np.nan
        # At a depth that no normal reaches any more, as in an image of noise, there is nothing to align by.
        slope = np.nan_to_num(np.gradient(template, x))
        residual = np.where(finite, moved - template, 0.0)
        information = np.maximum((finite * slope**2).sum(1), 1e-12)
        variance = (residual**2).sum() / max(finite.sum(), 1)
        seen = shiftMm - (residual * slope).sum(1) / information
        precision = information / (NOISE_INFLATION * variance + 1e-9)
        new = np.empty(len(d))
        for prior in priors:
            new[prior.members] = prior.estimate(seen[prior.members], precision[prior.members])
        new = np.clip(new - new.mean(), -settings.maxShiftMm, settings.maxShiftMm)
        change = np.abs(new - shiftMm).max()
        shiftMm = new
        cosine = 1.0 / np.hypot(1.0, _slopeAlong(contour, arcMm, shiftMm))
        if change < 2e-3:
            break
    return Alignment(shiftMm, cosine)


class _SmoothShift:
    """Prior of the shifts along one contour: SD `alignmentSdMm`, correlated over about the control points' distance.

    Spectrum 1 / (1 + (length * frequency)^4): a smoothing spline that returns to zero. Its precision has five
    diagonals, so that thousands of normals would take no time, whatever else the cores do.
    """

    def __init__(self, arcMm, members, controlSpacingMm, settings):
        self.members = members
        step = settings.normalSpacingMm
        # Normals that are left out leave gaps: the prior lives on all of them, the data on some.
        self.place = np.rint((arcMm[members] - arcMm[members].min()) / step).astype(int) if len(members) else members
        n = int(self.place.max()) + 1 if len(members) else 0
        lengthMm = float(np.clip(LENGTH_PER_SPACING * controlSpacingMm, *LENGTH_RANGE_MM))
        bands = np.zeros((3, n))
        bands[2] = 1.0
        if n > 2:
            stiffness = (lengthMm / step) ** 4
            for offset, weight in enumerate((1.0, -2.0, 1.0)):
                bands[2, offset : n - 2 + offset] += stiffness * weight**2
            bands[1, 1 : n - 1] += -2.0 * stiffness
            bands[1, 2:n] += -2.0 * stiffness
            bands[0, 2:n] += stiffness
        self.bands = bands * step / (2.0 * np.sqrt(2.0) * lengthMm * settings.alignmentSdMm**2)

    def estimate(self, seenMm, precision):
        """Most likely shifts (nMembers,) from measured ones with their precision (1/mm^2)."""
        if len(seenMm) == 0:
            return seenMm
        bands = self.bands.copy()
        bands[2, self.place] += precision
        right = np.zeros(bands.shape[1])
        right[self.place] = precision * seenMm
        return solveh_banded(bands, right, overwrite_ab=True, overwrite_b=True)[self.place]


def _resampled(x, profiles, depthsMm):
    """Profiles (n, nX) on grid x, linearly at depths (n, m); NaN beyond the grid."""
    position = (depthsMm - x[0]) / (x[1] - x[0])
    inside = (position >= -1e-9) & (position <= len(x) - 1 + 1e-9)
    left = np.clip(np.floor(position).astype(int), 0, len(x) - 2)
    share = position - left
    rows = np.arange(len(profiles))[:, None]
    value = (1.0 - share) * profiles[rows, left] + share * profiles[rows, left + 1]
    return np.where(inside, value, np.nan)


def _slopeAlong(contour, arcMm, shiftMm):
    slope = np.zeros(len(shiftMm))
    for index in np.unique(contour):
        rows = np.flatnonzero(contour == index)
        if len(rows) > 2:
            slope[rows] = np.gradient(shiftMm[rows], arcMm[rows])
    return slope
