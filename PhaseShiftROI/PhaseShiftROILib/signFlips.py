"""Alternate slices of opposite sign, as GE's real and imaginary images have them: found, and corrected when asked.

The complex signal of every second slice is multiplied by -1, so the phase jumps by pi from each slice to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .angle import wrapped

FLIPPED_STEP_RAD = 0.5 * np.pi  # a field that turns by more between all slices is less likely than flips
MIN_SHARE = 0.8
STRIDE = 2  # every other pixel is enough to see what holds for whole slices
MIN_COHERENCE = 0.15


@dataclass(frozen=True)
class SignFlips:
    """:param detected: the phase jumps by about pi at nearly every step.
    :param share: steps between slices, of those where neighbors are alike at all, that jump by more than 90 degrees.
    :param nSteps: steps that could be judged.
    """

    detected: bool
    share: float
    nSteps: int


def findSignFlips(phaseRad_KJI: np.ndarray, magnitude_KJI: np.ndarray | None = None) -> SignFlips:
    """Compare each slice with the next: magnitude-weighted mean of exp(i difference).

    :param phaseRad_KJI, magnitude_KJI: (nK, nJ, nI), wrapped phase in rad.
    """
    jumps = []
    seen = (slice(None, None, STRIDE), slice(None, None, STRIDE))
    for k in range(len(phaseRad_KJI) - 1):
        difference = phaseRad_KJI[k + 1][seen] - phaseRad_KJI[k][seen]
        weight = np.isfinite(difference).astype(np.float32)
        if magnitude_KJI is not None:
            weight *= np.sqrt(np.abs(magnitude_KJI[k][seen].astype(np.float32) * magnitude_KJI[k + 1][seen]))
        total = float(weight.sum())
        if total == 0:
            continue
        mean = np.sum(weight * np.exp(1j * np.nan_to_num(difference))) / total
        # A background that turns within the slice blurs the mean; slices that share nothing say nothing.
        if abs(mean) > MIN_COHERENCE:
            jumps.append(abs(np.angle(mean)) > FLIPPED_STEP_RAD)
    share = float(np.mean(jumps)) if jumps else 0.0
    return SignFlips(len(jumps) > 0 and share >= MIN_SHARE, share, len(jumps))


def correctSignFlips(phaseRad_KJI: np.ndarray) -> np.ndarray:
    """Phase (nK, nJ, nI) with pi added to every second slice, wrapped again; a copy.

    Which of the two sets is right is not known: a constant pi of the whole image remains open, and no filter sees it.
    """
    corrected = phaseRad_KJI.copy()
    corrected[1::2] = wrapped(corrected[1::2] + np.float32(np.pi))
    return corrected
