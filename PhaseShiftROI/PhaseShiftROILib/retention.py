"""What a high-pass leaves of a small region: predicted from the filter's own linear response (METHODS.md 2).

A shift of one unit in the region, and nowhere else, changes the filtered mean of the region by `retention` units. A
structure that reaches beyond its region keeps less than that.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from .gaussianHighPass import SliceGaussian, sliceWeights
from .homodyne import complexSlice, lineWindow


def homodyneRetention(
    phaseRad_KJI: np.ndarray,
    magnitude_KJI: np.ndarray | None,
    slice: int,
    pixels_IJ: np.ndarray,
    nLines_IJ: tuple[float, float],
    window: str,
) -> float:
    """Derivative of the region's filtered mean by a shift of the region, at this image.

    With C = magnitude exp(i phase) and L the low-pass, angle(C conj(L C)) changes by 1 - Re(L(C in the region) / L C)
    per unit of shift. The steep background, the magnitude and the region's shape are all in it.

    :param pixels_IJ: (n, 2) int. :return: mean over the region; NaN where the low-pass vanishes.
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
    with np.errstate(divide="ignore", invalid="ignore"):
        retention = 1.0 - np.mean((response[at] / low[at]).real)
    return float(retention) if np.isfinite(retention) else float("nan")


def _kernelRows(nPixels, rows, nLines, window):
    """Rows of the low-pass as a matrix, (len(rows), nPixels)."""
    kernel = scipy.fft.ifft(lineWindow(nPixels, nLines, window)).real
    return kernel[(rows[:, None] - np.arange(nPixels)) % nPixels]


def gaussianRetention(
    phaseRad_KJI: np.ndarray,
    magnitude_KJI: np.ndarray | None,
    slice: int,
    pixels_IJ: np.ndarray,
    sigmaMm: float,
    spacingMm: np.ndarray,
) -> float:
    """Mean over the region of what the high-pass, which is linear, makes of 1 in the region and 0 elsewhere.

    :param pixels_IJ: (n, 2) int. :return: mean over the region.
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
    return 1.0 - float(gaussian.planes(sliceWeights(magnitude, phase)).of(inRegion)[at].mean())
