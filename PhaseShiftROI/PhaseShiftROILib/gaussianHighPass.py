"""Gaussian high-pass of unwrapped phase, slice by slice: each pixel minus the plane fitted around it.

The plane is fitted with weights magnitude x Gaussian, so the noise outside the head does not bleed into the cortex at
its border, and neither does the slope of the background, which a weighted mean turns into a shift wherever its weights
lie to one side. Away from borders plane and mean are the same.
"""

from __future__ import annotations

import numpy as np
from scipy.ndimage import correlate1d

from .angle import wrapped
from .parallel import forEach

TRUNCATE = 4.0  # of a Gaussian, in SD
HALF_AMPLITUDE = np.sqrt(0.5 * np.log(2.0)) / np.pi  # SD times frequency at which a Gaussian passes one half
RIDGE = 0.005  # of the variance of the Gaussian: keeps the plane level where there is hardly any signal


def sigmaForCutoff(cutoffMm: float) -> float:
    """SD in mm of the Gaussian whose response is one half where a Hann window with that cut-off has one half."""
    return float(HALF_AMPLITUDE * 2.0 * cutoffMm)


def cutoffForSigma(sigmaMm: float) -> float:
    """The inverse of `sigmaForCutoff`, mm."""
    return float(sigmaMm / (2.0 * HALF_AMPLITUDE))


def gaussianHighPass(
    phaseRad_KJI: np.ndarray,
    unwrappedRad_KJI: np.ndarray,
    magnitude_KJI: np.ndarray | None,
    sigmaMm: float,
    spacingMm: np.ndarray,
) -> np.ndarray:
    """High-passed phase, float32, rad, (nK, nJ, nI). Replaces `unwrappedRad_KJI`.

    Noise outside the head bends the unwrapped phase near the border, smoothly. The bend, phase - unwrapped, is known
    modulo 2 pi; its own plane is fitted to it as complex numbers. Where unwrapping was exact there is no bend.

    :param phaseRad_KJI: wrapped. unwrappedRad_KJI: from `unwrapLaplacian`, float32. spacingMm: along i, j, k.
    """
    gaussian = SliceGaussian(sigmaMm, spacingMm)
    result = unwrappedRad_KJI

    def oneSlice(k: int) -> None:
        phase = np.asarray(phaseRad_KJI[k], dtype=np.float32)
        weight = sliceWeights(None if magnitude_KJI is None else magnitude_KJI[k], phase)
        bend = np.where(weight > 0, phase - result[k], np.float32(0))
        plane = gaussian.planes(weight)
        result[k] += wrapped(bend - plane.ofAngle(bend)) - plane.of(result[k])

    forEach(oneSlice, range(len(result)))
    return result


def sliceWeights(magnitude_JI: np.ndarray | None, phaseRad_JI: np.ndarray) -> np.ndarray:
    """Magnitude, or 1, float32; 0 where magnitude or phase is not finite."""
    finite = np.isfinite(phaseRad_JI)
    if magnitude_JI is None:
        return finite.astype(np.float32)
    weight = np.maximum(np.asarray(magnitude_JI, dtype=np.float32), 0)
    return np.where(finite & np.isfinite(weight), weight, np.float32(0))


class SliceGaussian:
    """Gaussian moments around each pixel of a slice (nJ, nI); beyond the border there is nothing."""

    def __init__(self, sigmaMm: float, spacingMm: np.ndarray):
        # Kernels of order 0, 1, 2 by axis: Gaussian times offset to that power, offsets in SD.
        self._kernels = [_momentKernels(sigmaMm / float(spacing)) for spacing in (spacingMm[1], spacingMm[0])]

    @property
    def radius_JI(self) -> tuple[int, int]:
        """How far the kernels reach, pixels."""
        return tuple(len(kernels[0]) // 2 for kernels in self._kernels)

    def moments(self, values: np.ndarray, highest: int) -> dict[tuple[int, int], np.ndarray]:
        """Sums of Gaussian x values x offsets to the powers (along j, along i), up to that total order."""
        found = {}
        for orderJ in range(highest + 1):
            rows = correlate1d(values, self._kernels[0][orderJ], axis=0, mode="constant")
            for orderI in range(highest + 1 - orderJ):
                found[orderJ, orderI] = correlate1d(rows, self._kernels[1][orderI], axis=1, mode="constant")
        return found

    def planes(self, weight: np.ndarray) -> Planes:
        return Planes(self, weight)


class Planes:
    """The plane around each pixel, fitted with weights weight x Gaussian; its value at the pixel is what counts."""

    def __init__(self, gaussian: SliceGaussian, weight: np.ndarray):
        self._gaussian, self._weight = gaussian, weight
        m = gaussian.moments(weight, 2)
        m20, m02 = m[2, 0] + RIDGE * m[0, 0], m[0, 2] + RIDGE * m[0, 0]
        # Cramer's rule for the constant of the 3 x 3 normal equations.
        self._minors = m20 * m02 - m[1, 1] ** 2, m[1, 0] * m02 - m[1, 1] * m[0, 1], m[1, 0] * m[1, 1] - m20 * m[0, 1]
        self._determinant = m[0, 0] * self._minors[0] - m[1, 0] * self._minors[1] + m[0, 1] * self._minors[2]
        self._some = self._determinant > 1e-6 * m[0, 0] ** 3

    def of(self, values: np.ndarray) -> np.ndarray:
        """Linear in `values` (nJ, nI); where there is no weight, the values themselves."""
        fitted = self._constant(self._gaussian.moments(self._weight * values, 1))
        return np.where(self._some, fitted, values)

    def ofAngle(self, angleRad: np.ndarray) -> np.ndarray:
        """Of an angle that may wrap: its mean direction, and one step of least squares from there, rad."""
        cosines = self._gaussian.moments(self._weight * np.cos(angleRad), 1)
        sines = self._gaussian.moments(self._weight * np.sin(angleRad), 1)
        size = np.maximum(np.hypot(cosines[0, 0], sines[0, 0]), np.finfo(np.float32).tiny)
        cosine, sine = cosines[0, 0] / size, sines[0, 0] / size
        beside = {order: sines[order] * cosine - cosines[order] * sine for order in sines}
        return np.arctan2(sine, cosine) + np.where(self._some, self._constant(beside), np.float32(0))

    def _constant(self, b):
        numerator = b[0, 0] * self._minors[0] - b[1, 0] * self._minors[1] + b[0, 1] * self._minors[2]
        return np.divide(numerator, self._determinant, out=np.zeros_like(numerator), where=self._some)


def _momentKernels(sigmaPixels: float) -> list[np.ndarray]:
    radius = max(int(TRUNCATE * sigmaPixels + 0.5), 1)
    offset = np.arange(-radius, radius + 1) / max(sigmaPixels, 1e-3)
    gaussian = np.exp(-0.5 * offset**2)
    gaussian /= gaussian.sum()
    return [gaussian, gaussian * offset, gaussian * offset**2]
