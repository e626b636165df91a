"""Intensities and references to the hypointensity profile d(x), and its mean over normals.

Donatelli et al., AJNR 2018;39:63, steps 2, 4 and 5. Signed, never rectified: superficial layers and CSF are brighter
than white matter and come out negative.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class MeanProfile:
    """Over normals, at each depth; arrays have shape (nDepths,).

    :param hypointensity: mean d(x), positive = darker than white matter.
    :param hypointensitySe: its standard error, from blocks of neighboring normals.
    :param meanIntensity, sdIntensity: unit of the image. n: normals with a value at this depth.
    """

    depthMm: np.ndarray
    hypointensity: np.ndarray
    hypointensitySe: np.ndarray
    meanIntensity: np.ndarray
    sdIntensity: np.ndarray
    n: np.ndarray


def hypointensity(intensity, whiteMatterMean: float, spleniumMean: float, darkIsHigh: bool = False):
    """d = (WM - I) / S; for R2*, where dark cortex has high values, (I - WM) / S. NaN stays NaN."""
    d = (whiteMatterMean - np.asarray(intensity, dtype=float)) / spleniumMean
    return -d if darkIsHigh else d


def meanProfile(depthMm, intensity, d, blocks) -> MeanProfile:
    """:param intensity, d: (nNormals, nDepths), NaN where not sampled; blocks: label per normal (nNormals,)."""
    finite = np.isfinite(d)
    n = finite.sum(0)
    some = np.maximum(n, 1)
    meanD, _ = _meanAndSd(d)
    meanI, sd = _meanAndSd(intensity)
    membership = np.equal.outer(np.unique(blocks), blocks).astype(float)
    blockN = membership @ finite
    # Sum over blocks of squared residual totals: the variance of a mean whose neighbors correlate.
    residualTotals = membership @ np.where(finite, d - meanD, 0.0)
    nBlocks = (blockN > 0).sum(0)
    correction = nBlocks / np.maximum(nBlocks - 1, 1)
    se = np.where(nBlocks > 1, np.sqrt(correction * (residualTotals**2).sum(0)) / some, np.nan)
    return MeanProfile(depthMm, meanD, se, meanI, sd, n)


def _meanAndSd(values):
    """Over rows, leaving out NaN; NaN where there is none (SD: where there are fewer than two)."""
    finite = np.isfinite(values)
    n = finite.sum(0)
    mean = np.where(n > 0, np.where(finite, values, 0.0).sum(0) / np.maximum(n, 1), np.nan)
    squares = np.where(finite, values - mean, 0.0) ** 2
    return mean, np.where(n > 1, np.sqrt(squares.sum(0) / np.maximum(n - 1, 1)), np.nan)
