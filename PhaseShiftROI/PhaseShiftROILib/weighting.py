"""Susceptibility-weighted image: magnitude times a phase mask to a power, and its projection over a slab.

METHODS.md 2, row "SWI". The mask darkens phase of the paramagnetic sign only, so it needs to know that sign.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import minimum_filter1d

from .parallel import forEach, forEachSlab


def susceptibilityWeighted(
    magnitude_KJI: np.ndarray, correctedRad_KJI: np.ndarray, paramagneticSign: int, maskPower: float = 4.0
) -> np.ndarray:
    """SWI, float32, unit of the magnitude, (nK, nJ, nI).

    The mask is 1 - |phase| / pi where the phase has the paramagnetic sign, 1 elsewhere.

    :param paramagneticSign: -1 or 1.
    """
    result = np.empty(correctedRad_KJI.shape, dtype=np.float32)

    def oneSlice(k: int) -> None:
        paramagnetic = np.clip(paramagneticSign * np.nan_to_num(correctedRad_KJI[k]), 0.0, np.pi)
        result[k] = magnitude_KJI[k] * (1.0 - paramagnetic / np.pi) ** maskPower

    forEach(oneSlice, range(len(result)))
    return result


def minimumProjection(image_KJI: np.ndarray, nSlices: int) -> np.ndarray:
    """Minimum over `nSlices` slices around each; at the ends over those that exist."""
    result = np.empty_like(image_KJI)

    def rows(first: int, end: int) -> None:
        minimum_filter1d(image_KJI[:, first:end], nSlices, axis=0, output=result[:, first:end], mode="nearest")

    forEachSlab(rows, image_KJI.shape[1])
    return result
