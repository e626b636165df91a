"""Uncertainty of a measurement: a block bootstrap over normals.

Neighboring normals share voxels, so pieces of the contour are drawn, not single normals. The noise of the
two reference means is drawn along with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .doubleSigmoid import BandFits, fitManyDoubleSigmoids
from .settings import ProfileSettings
from .singleProfiles import SampledProfiles
from .variants import FittedVariants

LEVEL = 0.95
MIN_SUCCESS = 0.9
PROGRESS_STEP = 0.1


@dataclass(frozen=True)
class Interval:
    low: float = float("nan")
    high: float = float("nan")


@dataclass(frozen=True)
class ConfidenceIntervals:
    """95 % intervals; `failed` of `resamples` refits gave no band."""

    sh: Interval = Interval()
    thicknessMm: Interval = Interval()
    shThkPerMm: Interval = Interval()
    areaMm: Interval = Interval()
    resamples: int = 0
    failed: int = 0


def blockLabels(contour: np.ndarray, arcMm: np.ndarray, blockMm: float) -> np.ndarray:
    """Label of the piece of contour that each normal belongs to, (nNormals,)."""
    piece = np.floor((arcMm - arcMm.min()) / blockMm + 1e-9).astype(int)
    return contour * (piece.max() + 1) + piece


def resampleCounts(contour: np.ndarray, spacingMm: float, blockMm: float, resamples: int, rng) -> np.ndarray:
    """How often each normal is drawn, (resamples, nNormals): moving blocks within each contour."""
    counts = np.zeros((resamples, len(contour)))
    size = max(round(blockMm / spacingMm), 1)
    rows = np.arange(resamples)[:, None]
    for index in np.unique(contour):
        members = np.flatnonzero(contour == index)
        n = len(members)
        length = min(size, n)
        blocks = int(np.ceil(n / length))
        # Circular, so that normals near the ends are drawn as often as any other.
        starts = rng.integers(0, n, (resamples, blocks))
        drawn = ((starts[..., None] + np.arange(length)) % n).reshape(resamples, -1)[:, :n]
        np.add.at(counts, (rows, members[drawn]), 1.0)
    return counts


def bootstrapIntervals(
    profiles: SampledProfiles,
    blocks: np.ndarray,
    fitted: FittedVariants,
    referenceSe: tuple[float, float],
    spleniumMean: float,
    settings: ProfileSettings,
    progress: Callable[[float], bool | None] | None = None,
) -> ConfidenceIntervals:
    """Percentile intervals of the chosen variant, widened for the finite number of blocks.

    :param referenceSe: SE of the white-matter mean and of the splenium mean, unit of the image.
    :param progress: called with the share done, 0-1; returning False stops and leaves the intervals blank.
    """
    rng = np.random.default_rng(settings.seed)
    counts = resampleCounts(profiles.contour, settings.normalSpacingMm, settings.blockMm, settings.resamples, rng)
    window, chosen = fitted.window.slice, fitted.variants[0]
    depthMm, d = profiles.depthMm[window], profiles.hypointensityOf(settings.align)[:, window]
    estimate = np.array([chosen.sh, chosen.thicknessMm, chosen.shThkPerMm, chosen.areaMm])
    nBlocks = len(np.unique(blocks))
    finite = np.isfinite(d)
    filled = np.where(finite, d, 0.0)
    resamples = len(counts)
    offset = rng.normal(0.0, referenceSe[0] / spleniumMean, resamples)
    gain = 1.0 / (1.0 + rng.normal(0.0, referenceSe[1] / spleniumMean, resamples))
    total = counts @ finite
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(total > 0, counts @ filled / total, np.nan)
    means = gain[:, None] * (means + offset[:, None])
    report = _Report(progress)
    values = _reported(fitManyDoubleSigmoids(depthMm, means, **fitted.refit, judge=False, progress=report))
    if not report(1.0):
        return ConfidenceIntervals()
    good = np.isfinite(values).all(1)
    failed = int((~good).sum())
    if good.mean() < MIN_SUCCESS:
        return ConfidenceIntervals(resamples=resamples, failed=failed)
    tail = 50.0 * (1.0 - LEVEL)
    low, high = np.percentile(values[good], [tail, 100.0 - tail], axis=0)
    # A spread estimated from few blocks is too small on average, and itself uncertain (Student's t).
    freedom = max(nBlocks - 1, 1)
    widen = np.sqrt(nBlocks / freedom) * stats.t.ppf(0.5 + LEVEL / 2, freedom) / stats.norm.ppf(0.5 + LEVEL / 2)
    low, high = estimate + widen * (low - estimate), estimate + widen * (high - estimate)
    return ConfidenceIntervals(
        *(Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)), resamples, failed
    )


class _Report:
    """Passes progress on, in steps worth a redraw; remembers that it was asked to stop."""

    def __init__(self, progress):
        self._progress = progress
        self._last = 0.0
        self.stopped = False

    def __call__(self, share: float) -> bool:
        if self._progress is not None and not self.stopped and (share >= self._last + PROGRESS_STEP or share == 1.0):
            self._last = share
            self.stopped = self._progress(share) is False
        return not self.stopped


def _reported(fits: BandFits) -> np.ndarray:
    """(SH, thickness, SH/Thk, area) of each refit, NaN where it did not converge on a band."""
    shape = fits.shape
    good = fits.converged & (shape.peak > 0)
    ratio = shape.peak / np.where(good, shape.widthMm, 1.0)
    return np.where(good[:, None], np.column_stack([shape.peak, shape.widthMm, ratio, shape.areaMm]), np.nan)
