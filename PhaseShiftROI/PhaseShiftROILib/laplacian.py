"""Three-dimensional Laplacian unwrapping.

The Laplacian of the true phase is the divergence of the wrapped differences of neighbors, wherever the true differences
stay below pi. Solving Poisson's equation for it, with mirrored borders (a cosine transform), gives the phase without
wraps: Ghiglia and Romero, J Opt Soc Am A 1994;11:107, the least-squares form of Schofield and Zhu, Opt Lett
2003;28:1194, whose sines of the differences would be too small where the background is steep.
"""

from __future__ import annotations

import numpy as np
import scipy.fft

from .parallel import coreCount, forEach, forEachSlab


def unwrapLaplacian(
    phaseRad_KJI: np.ndarray, spacingMm: np.ndarray, magnitude_KJI: np.ndarray | None = None
) -> np.ndarray:
    """Phase without wraps, float32, rad, (nK, nJ, nI); its overall multiple of 2 pi is that of the wrapped phase.

    :param phaseRad_KJI: wrapped, rad; not finite counts as 0. spacingMm: along i, j, k.
    :param magnitude_KJI: weighs the comparison that finds the constant, nothing else.
    """
    phase = np.asarray(phaseRad_KJI, dtype=np.float32)
    if not np.isfinite(phase.sum(dtype=np.float64)):
        phase = np.nan_to_num(phase, posinf=0.0, neginf=0.0)
    weights_KJI = (1.0 / np.asarray(spacingMm, dtype=float)[::-1] ** 2) / np.max(1.0 / np.asarray(spacingMm) ** 2)
    unwrapped = _divergence(phase, weights_KJI.astype(np.float32))
    workers = coreCount()
    unwrapped = scipy.fft.dctn(unwrapped, overwrite_x=True, workers=workers)
    eigenvalues = [
        (w * (2.0 * np.cos(np.pi * np.arange(n) / n) - 2.0)).astype(np.float32)
        for w, n in zip(weights_KJI, phase.shape, strict=True)
    ]
    inPlane = eigenvalues[1][:, None] + eigenvalues[2]

    def divide(k: int) -> None:
        divisor = inPlane + eigenvalues[0][k]
        if k == 0:
            divisor[0, 0] = np.inf  # the mean, which differences do not know
        unwrapped[k] /= divisor

    forEach(divide, range(len(phase)))
    unwrapped = scipy.fft.idctn(unwrapped, overwrite_x=True, workers=workers)
    unwrapped += _constant(phase, unwrapped, magnitude_KJI)
    return unwrapped


def _divergence(phase, weights_KJI):
    """Divergence of the wrapped differences, nothing flowing through the borders."""
    result = np.empty_like(phase)
    turn = np.float32(2 * np.pi)

    def differences(after, before, weight):
        found = after - before
        turns = found * (1 / turn)
        np.rint(turns, out=turns)
        turns *= turn
        found -= turns
        found *= weight
        return found

    def slab(first: int, end: int) -> None:
        for k in range(first, end):
            plane, out = phase[k], result[k]
            flow = differences(plane[:, 1:], plane[:, :-1], weights_KJI[2])
            out[:, :-1] = flow
            out[:, -1] = 0
            out[:, 1:] -= flow
            flow = differences(plane[1:], plane[:-1], weights_KJI[1])
            out[:-1] += flow
            out[1:] -= flow
            if k > 0:
                out -= differences(plane, phase[k - 1], weights_KJI[0])
            if k + 1 < len(phase):
                out += differences(phase[k + 1], plane, weights_KJI[0])

    forEachSlab(slab, len(phase))
    return result


def _constant(phase, unwrapped, magnitude_KJI) -> np.float32:
    """What brings the unwrapped phase closest to the wrapped one, modulo 2 pi."""
    sums = np.zeros(len(phase), dtype=complex)

    def oneSlice(k: int) -> None:
        difference = phase[k] - unwrapped[k]
        weight = 1.0 if magnitude_KJI is None else np.nan_to_num(np.asarray(magnitude_KJI[k], dtype=np.float32))
        sums[k] = np.sum(weight * np.cos(difference)) + 1j * np.sum(weight * np.sin(difference))

    forEach(oneSlice, range(len(phase)))
    return np.float32(np.angle(sums.sum()))
