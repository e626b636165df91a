"""What a high-pass leaves of a small region: predicted from the filter's own linear response (METHODS.md 2).

A shift of one unit in the region, and nowhere else, changes the filtered mean of the region by `retention` units. A
structure that reaches beyond its region keeps less than that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from .gaussianHighPass import SliceGaussian, sliceWeights
from .homodyne import complexSlice, lineWindow


@dataclass(frozen=True)
class LinearResponse:
    """:param retention: change of the region's filtered mean by a unit of shift; NaN where the low-pass vanishes.
    :param coherence: what a steep background leaves of the low-pass: the window's value at its slope, 1 where level.
    """

    retention: float
    coherence: float = 1.0


def homodyneResponse(
    phaseRad_KJI: np.ndarray,
    magnitude_KJI: np.ndarray | None,
    slice: int,
    pixels_IJ: np.ndarray,
    nLines_IJ: tuple[float, float],
    window: str,
) -> LinearResponse:
    """Derivative of the region's filtered mean by a shift of the region, at this image.

    With C = magnitude exp(i phase) and L the low-pass, angle(C conj(L C)) changes by 1 - Re(L(C in the region) / L C)
    per unit of shift. The steep background, the magnitude and the region's shape are all in it.

    :param pixels_IJ: (n, 2) int.
    """
    signal = complexSlice(phaseRad_KJI, magnitude_KJI, slice)
    i, j = pixels_IJ.T
    rowsJ, rowsI = np.unique(j), np.unique(i)
    toJ = _kernelRows(signal.shape[0], rowsJ, nLines_IJ[1], window)
    toI = _kernelRows(signal.shape[1], rowsI, nLines_IJ[0], window)
    low = toJ @ signal @ toI.T
    inRegion = np.zeros(low.shape, dtype=complex)
    at = np.searchsorted(rowsJ, j), np.searchsorted(rowsI, i)
    inRegion[at] = signal[j, i]
    response = toJ[:, rowsJ] @ inRegion @ toI[:, rowsI].T
    level = toJ @ np.abs(signal) @ toI.T
    with np.errstate(divide="ignore", invalid="ignore"):
        retention = float(1.0 - np.mean((response[at] / low[at]).real))
        coherence = float(np.mean(np.abs(low[at]) / np.abs(level[at])))
    return LinearResponse(retention if np.isfinite(retention) else float("nan"), coherence)


def _kernelRows(nPixels, rows, nLines, window):
    """Rows of the low-pass as a matrix, (len(rows), nPixels)."""
    kernel = scipy.fft.ifft(lineWindow(nPixels, nLines, window)).real
    return kernel[(rows[:, None] - np.arange(nPixels)) % nPixels]


def gaussianResponse(
    phaseRad_KJI: np.ndarray,
    magnitude_KJI: np.ndarray | None,
    slice: int,
    pixels_IJ: np.ndarray,
    sigmaMm: float,
    spacingMm: np.ndarray,
) -> LinearResponse:
    """Mean over the region of what the high-pass, which is linear, makes of 1 in the region and 0 elsewhere.

    :param pixels_IJ: (n, 2) int.
    """
    gaussian = SliceGaussian(sigmaMm, spacingMm)
    pixels_JI = pixels_IJ[:, ::-1]
    low = np.maximum(pixels_JI.min(0) - gaussian.radius_JI, 0)
    high = np.minimum(pixels_JI.max(0) + gaussian.radius_JI + 1, phaseRad_KJI.shape[1:])
    phase = phaseRad_KJI[slice, low[0] : high[0], low[1] : high[1]]
    magnitude = None if magnitude_KJI is None else magnitude_KJI[slice, low[0] : high[0], low[1] : high[1]]
    inRegion = np.zeros(phase.shape, dtype=np.float32)
    at = tuple((pixels_JI - low).T)
    inRegion[at] = 1.0
    return LinearResponse(1.0 - float(gaussian.planes(sliceWeights(magnitude, phase)).of(inRegion)[at].mean()))
