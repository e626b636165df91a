"""Homodyne high-pass: the complex image divided by its own low-pass, slice by slice.

The vendor's "corrected phase" of Liu et al. 2021 is such an image (METHODS.md 2, "filter"): the central N x N lines of
k-space, tapered by a window, are the low-pass, and the phase that is left has no wraps and no smooth background.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from .angle import angle
from .parallel import forEach

WINDOWS = ("hann", "hamming", "rectangle")
USUAL_LINES = 64
FILTERED_RAD = 0.15  # a raw image, whose background turns, has ten times as much


def lineWindow(nPixels: int, nLines: float, window: str = "hann") -> np.ndarray:
    """Weights (nPixels,) of k-space lines in the order of the FFT; symmetric, so that the kernel is real.

    :param nLines: central lines that are kept; the window falls to its edge at nLines / 2 on either side of the center.
    """
    index = scipy.fft.fftfreq(nPixels, 1.0 / nPixels)
    share = np.abs(index) / (0.5 * nLines)
    if window == "rectangle":
        return (share < 1.0).astype(float)
    base = {"hann": 0.5, "hamming": 0.54}[window]
    return np.where(share <= 1.0, base + (1.0 - base) * np.cos(np.pi * share), 0.0)


def cutoffMm(nPixels: int, spacingMm: float, nLines: float) -> float:
    """Wavelength of the outermost line kept: 64 lines of 240 mm cut at 7.5 mm."""
    return 2.0 * nPixels * spacingMm / nLines


def homodyne(
    phaseRad_KJI: np.ndarray, magnitude_KJI: np.ndarray | None, nLines_IJ: tuple[float, float], window: str = "hann"
) -> np.ndarray:
    """High-passed phase, angle(C conj(low-pass of C)), float32, rad, (nK, nJ, nI).

    :param phaseRad_KJI: wrapped or not, rad. magnitude_KJI: weighs the low-pass; None weighs all pixels alike.
    """
    lowPass = LowPass(phaseRad_KJI.shape[1:], nLines_IJ, window)
    result = np.empty(phaseRad_KJI.shape, dtype=np.float32)

    def oneSlice(k: int) -> None:
        signal = complexSlice(phaseRad_KJI, magnitude_KJI, k)
        low = lowPass(signal)
        np.conjugate(low, out=low)
        low *= signal
        angle(low, out=result[k])

    forEach(oneSlice, range(len(phaseRad_KJI)))
    return result


class LowPass:
    """The low-pass of slices of one shape (nJ, nI): the central lines of k-space under a window."""

    def __init__(self, shape_JI: tuple[int, int], nLines_IJ: tuple[float, float], window: str):
        windowI = lineWindow(shape_JI[1], nLines_IJ[0], window)
        windowJ = lineWindow(shape_JI[0], nLines_IJ[1], window)
        # Only the lines that the window keeps are transformed along the second axis, and back.
        self._kept = np.flatnonzero(windowI)
        self._weights = (windowJ[:, None] * windowI[self._kept]).astype(np.float32)

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        """Complex64 (nJ, nI) to the same."""
        lines = scipy.fft.fft(scipy.fft.fft(signal, axis=1)[:, self._kept], axis=0, overwrite_x=True)
        lines *= self._weights
        spectrum = np.zeros(signal.shape, dtype=np.complex64)
        spectrum[:, self._kept] = scipy.fft.ifft(lines, axis=0, overwrite_x=True)
        return scipy.fft.ifft(spectrum, axis=1, overwrite_x=True)


def complexSlice(phaseRad_KJI: np.ndarray, magnitude_KJI: np.ndarray | None, k: int) -> np.ndarray:
    """Slice k as magnitude times exp(i phase), complex64, (nJ, nI); 0 where either is not finite."""
    phase = np.asarray(phaseRad_KJI[k], dtype=np.float32)
    signal = np.empty(phase.shape, dtype=np.complex64)
    np.cos(phase, out=signal.real)
    np.sin(phase, out=signal.imag)
    if magnitude_KJI is not None:
        signal *= np.asarray(magnitude_KJI[k], dtype=np.float32)
    if not np.isfinite(signal.sum()):
        signal[~np.isfinite(signal)] = 0
    return signal


def looksFiltered(phaseRad_KJI: np.ndarray, magnitude_KJI: np.ndarray | None) -> bool:
    """Whether a high-pass has been here before: the low-pass of such an image has hardly any phase.

    Looked at in a few slices, with half the lines of the usual kernel, weighted by the low-pass itself.
    """
    shape = phaseRad_KJI.shape
    lowPass = LowPass(shape[1:], (min(USUAL_LINES / 2, shape[2]), min(USUAL_LINES / 2, shape[1])), "hann")
    total = weighted = 0.0
    for k in np.unique(np.linspace(0, shape[0] - 1, 7).astype(int)):
        low = lowPass(complexSlice(phaseRad_KJI, magnitude_KJI, k))
        weight = np.abs(low) ** 2
        total += float(weight.sum())
        weighted += float((weight * np.abs(angle(low))).sum())
    return total > 0 and weighted / total < FILTERED_RAD
