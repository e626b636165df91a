"""Coverage of the intervals of group comparison and correlation, at the sizes of the papers' studies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ALSStudyLib import groupComparison as tests
from ALSStudyLib.correlation import clusteredSpearman, spearman
from ALSStudyLib.estimate import Estimate
from scipy import stats

SEED = 20180101
RESAMPLES = 200
RHO, SHARED = 0.57, 0.49  # of the paper; share of a value that all regions of a subject have in common


def coverages(runs: int = 500, seed: int = SEED) -> dict[str, float]:
    """Share of runs whose interval holds the truth, by statistic."""
    found = {}
    for (name, (draw, truth)), stream in zip(_trials().items(), np.random.SeedSequence(seed).spawn(20), strict=False):
        rng = np.random.default_rng(stream)
        estimates = [draw(rng) for _ in range(runs)]
        known = [e for e in estimates if np.isfinite(e.ciLow)]
        found[name] = sum(e.ciLow <= truth <= e.ciHigh for e in known) / len(known)
    return found


def clusteredFalsePositives(runs: int = 500, seed: int = SEED) -> float:
    """Share of runs with p < 0.05 where four values of a patient share something, but not with their scores."""
    rng = np.random.default_rng(seed)
    return float(np.mean([_clustered(rng, 0.0).p < 0.05 for _ in range(runs)]))


def _trials() -> dict[str, tuple[Callable[[np.random.Generator], Estimate], float]]:
    means, counts = np.array([1.0, 0.0, 0.5]), np.array([27, 13, 10])
    noncentrality = float(np.sum(counts * (means - np.average(means, weights=counts)) ** 2))
    als, control = (0.11, 0.09, 27), (0.03, 0.02, 13)
    return {
        "difference of means (Welch), SD 0.09 and 0.02": (
            lambda rng: tests.welchT(rng.normal(*als), rng.normal(*control)),
            0.08,
        ),
        "standardized difference, SD 0.09 and 0.02": (
            lambda rng: tests.standardizedDifference(rng.normal(*als), rng.normal(*control)),
            0.08 / np.sqrt(0.5 * (0.09**2 + 0.02**2)),
        ),
        "Cliff's delta, 27 v 13": (
            lambda rng: tests.mannWhitney(rng.normal(1.0, 1.0, 27), rng.normal(0.0, 1.0, 13)),
            2.0 * stats.norm.cdf(np.sqrt(0.5)) - 1.0,
        ),
        "eta squared, 27, 13 and 10": (
            lambda rng: tests.anova([rng.normal(m, 1.0, n) for m, n in zip(means, counts, strict=True)]),
            noncentrality / (noncentrality + counts.sum()),
        ),
        "mean, 13": (lambda rng: tests.describe(rng.normal(0.03, 0.02, 13)), 0.03),
        "mean difference of pairs, 20": (lambda rng: _pairs(tests.pairedT, rng), 0.5),
        "Hodges-Lehmann difference of pairs, 20": (lambda rng: _pairs(tests.wilcoxon, rng), 0.5),
        "Spearman's rho, 27 patients": (_single, 6.0 / np.pi * np.arcsin(RHO / 2.0)),
        "Spearman's rho, 4 values of 27 patients": (
            lambda rng: _clustered(rng, RHO),
            6.0 / np.pi * np.arcsin(RHO * SHARED / 2.0),
        ),
    }


def _pairs(test, rng) -> Estimate:
    return test(rng.normal(0.5, 1.0, 20), rng.normal(0.0, 1.0, 20))


def _single(rng) -> Estimate:
    x = rng.normal(size=27)
    return spearman(x, RHO * x + np.sqrt(1.0 - RHO**2) * rng.normal(size=27))


def _clustered(rng, rho: float) -> Estimate:
    own = rng.normal(size=(27, 1))
    other = rho * own + np.sqrt(1.0 - rho**2) * rng.normal(size=(27, 1))
    x, y = (np.sqrt(SHARED) * latent + np.sqrt(1.0 - SHARED) * rng.normal(size=(27, 4)) for latent in (own, other))
    return clusteredSpearman(list(x), list(y), rng, RESAMPLES)
