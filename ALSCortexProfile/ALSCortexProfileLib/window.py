"""Which depths of the mean profile belong to the band.

CSF is bright, and so may the superficial layers be: d is negative there and no double sigmoid can follow. Deeper
down another bank or sulcus may begin. The policy was chosen by bias and spread on the phantom battery
(Testing/Benchmarks/RESULTS.md): with bright superficial layers "superficial" is within 0.5 % (faint bands 1-4 %),
"zero_crossing" 0-7 % high, "whole" unusable; the spread is the same.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError

from .bandModel import SuperficialPrior
from .doubleSigmoid import WIDTH_FRACTION
from .hypointensity import MeanProfile
from .settings import ProfileSettings

MIN_SHARE_OF_NORMALS = 0.5  # a depth that fewer normals reach is another, smaller piece of cortex
MIN_WINDOW_MM = 2.5  # below this no model could be told from another
MIN_HAND_WINDOW_MM = 0.9  # the panel's least, less a depth step at its end
CLEAR_RISE = 0.1  # of the peak: above the band, this much up again is another structure
OTHER_STRUCTURE = 0.35  # of the peak: beyond the band, this much up or down is something else


@dataclass(frozen=True)
class Window:
    """:param first, last: indices of the first and last depth used.
    :param superficial: prior of the bright flank to model above the band; None to fit F alone.
    """

    first: int
    last: int
    superficial: SuperficialPrior | None = None

    @property
    def slice(self) -> slice:
        return slice(self.first, self.last + 1)


def _checkWindowByHand(depthMm: np.ndarray, first: int, last: int, low: int, high: int) -> None:
    heldMm = max(depthMm[last] - depthMm[first], 0.0)
    if heldMm < MIN_HAND_WINDOW_MM - 1e-9:
        raise InputError(
            f"The window by hand holds {heldMm:.1f} mm of the profile, which could be "
            f"sampled from {depthMm[low]:.1f} to {depthMm[high]:.1f} mm; expected at least {MIN_HAND_WINDOW_MM:g} mm; "
            "choose other depths."
        )


def bandPeakIndex(depthMm: np.ndarray, d: np.ndarray, maxBandDepthMm: float) -> int:
    """Index of the highest mean d between the pia and the deepest place of a band."""
    searched = (depthMm >= 0.3) & (depthMm <= maxBandDepthMm) & np.isfinite(d)
    return int(np.argmax(np.where(searched, _smooth(d), -np.inf)))


def chooseWindow(profile: MeanProfile, settings: ProfileSettings) -> Window:
    """The window of a mean profile, by the policy and fixed limits of the settings.

    :raises InputError: fixed limits between which next to nothing could be sampled.
    """
    x, d = profile.depthMm, profile.hypointensity
    reached = np.flatnonzero(profile.n >= MIN_SHARE_OF_NORMALS * profile.n.max())
    low, high = int(reached[0]), int(reached[-1])
    pia = int(np.searchsorted(x, -1e-9))
    top = bandPeakIndex(x, d, settings.maxBandDepthMm)
    superficial = None
    first = max(low, pia)
    last = high
    if settings.windowPolicy != "whole":
        last = _endOfBand(profile, top, high)
        upper = _upwardCrossing(d, top, first)
        dip = _dip(profile, top, first if upper is None else upper)
        if dip is not None:
            first = dip
        elif upper is not None:
            first = upper + 1
            if settings.windowPolicy == "superficial" and d[top] > 0:
                reach = max(round(settings.superficialReachMm / settings.depthStepMm), 1)
                first = max(upper + 1 - reach, low)
                crossingMm = float(np.interp(0.0, d[upper : upper + 2], x[upper : upper + 2]))
                level = 1.5 * max(-float(d[first]), 0.02)
                superficial = SuperficialPrior(crossingMm, settings.superficialLeak * float(d[top]), level)
        # Without a band, crossings lie anywhere: keep enough to see that there is none.
        enough = int(np.ceil(MIN_WINDOW_MM / settings.depthStepMm))
        last = min(max(last, first + enough), high)
        first = max(min(first, last - enough), low)
    if settings.windowStartMm is not None:
        first = int(np.clip(np.searchsorted(x, settings.windowStartMm - 1e-9), low, high))
    if settings.windowEndMm is not None:
        last = int(np.clip(np.searchsorted(x, settings.windowEndMm + 1e-9) - 1, low, high))
    if settings.windowStartMm is not None or settings.windowEndMm is not None:
        _checkWindowByHand(x, first, last, low, high)
    return Window(first, last, superficial)


def _upwardCrossing(d, top, first):
    """Index of the last depth below zero before the peak, or None if d is positive up to the pia."""
    below = np.flatnonzero(~(d[first:top] > 0))
    return None if len(below) == 0 else first + int(below[-1])


def _dip(profile: MeanProfile, top: int, first: int):
    """Index of a clear dip between the band and another dark structure above it, such as a vessel; or None."""
    d, noise = profile.hypointensity, np.nan_to_num(profile.hypointensitySe, nan=0.0)
    lowest = top
    for index in range(top - 1, first - 1, -1):
        if d[index] < d[lowest]:
            lowest = index
        elif d[index] > d[lowest] + CLEAR_RISE * d[top] + 2.0 * noise[index]:
            return lowest if d[lowest] < WIDTH_FRACTION * d[top] else None
    return None


def _endOfBand(profile: MeanProfile, top: int, high: int) -> int:
    """Last index before, behind the band, another dark or bright structure begins."""
    d = _smooth(profile.hypointensity)
    peak = d[top]
    noise = np.nan_to_num(profile.hypointensitySe, nan=0.0)
    margin = np.maximum(OTHER_STRUCTURE * max(peak, 0.0), 4.0 * noise)
    behind = np.flatnonzero(d[top : high + 1] < 0.25 * peak)
    if len(behind) == 0:
        return high
    behind = top + int(behind[0])
    for index in range(behind, high + 1):
        lowest = behind + int(np.argmin(d[behind : index + 1]))
        if d[index] > max(d[lowest], 0.0) + margin[index]:
            return max(lowest, behind)
        if d[index] < -margin[index]:
            sound = np.flatnonzero(d[behind : index + 1] > -0.3 * margin[index])
            return behind + int(sound[-1]) if len(sound) else behind
    return high


def _smooth(d):
    padded = np.pad(d, 1, mode="edge")
    return (padded[:-2] + padded[1:-1] + padded[2:]) / 3.0
