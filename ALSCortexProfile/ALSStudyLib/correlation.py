"""Rank correlation of a measurement with a clinical score, with one value per subject or with several."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from .estimate import LEVEL, Estimate, notMeasurable

LEAST = 5
_Z = stats.norm.ppf(0.5 + 0.5 * LEVEL)


def _unusable(x, y) -> str:
    if len(x) < LEAST:
        return f"{len(x)} pairs, at least {LEAST} are needed"
    return "all values are equal" if np.ptp(x) == 0.0 or np.ptp(y) == 0.0 else ""


def spearman(x: np.ndarray, y: np.ndarray) -> Estimate:
    """Spearman's rho of independent pairs; interval by Fisher's z with the variance of Bonett and Wright (Psychometrika
    2000;65:23).
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    reason = _unusable(x, y)
    if reason:
        return notMeasurable(reason)
    test = stats.spearmanr(x, y)
    rho = float(test.statistic)
    half = _Z * np.sqrt((1.0 + 0.5 * rho**2) / (len(x) - 3.0))
    z = np.arctanh(np.clip(rho, -0.999999, 0.999999))
    return Estimate(rho, float(np.tanh(z - half)), float(np.tanh(z + half)), float(test.pvalue), rho)


def clusteredSpearman(
    xBySubject: Sequence[np.ndarray], yBySubject: Sequence[np.ndarray], rng: np.random.Generator, resamples: int
) -> Estimate:
    """Spearman's rho of all values of all subjects, whose interval and p know that a subject's values belong together.

    Interval: t of Fisher's z with the standard error of a bootstrap over subjects; p: the same against rho = 0.
    """
    keep = [index for index, x in enumerate(xBySubject) if len(x)]
    xs, ys = [np.asarray(xBySubject[i], float) for i in keep], [np.asarray(yBySubject[i], float) for i in keep]
    if len(xs) < LEAST:
        return notMeasurable(f"{len(xs)} subjects, at least {LEAST} are needed")
    x, y = np.concatenate(xs), np.concatenate(ys)
    reason = _unusable(x, y)
    if reason:
        return notMeasurable(reason)
    rho = float(stats.spearmanr(x, y).statistic)
    members = np.split(np.arange(len(x)), np.cumsum([len(values) for values in xs])[:-1])
    draws = []
    for chosen in rng.integers(0, len(xs), (resamples, len(xs))):
        rows = np.concatenate([members[index] for index in chosen])
        if np.ptp(x[rows]) and np.ptp(y[rows]):
            ranks = stats.rankdata(np.vstack([x[rows], y[rows]]), axis=1)
            draws.append(np.corrcoef(ranks)[0, 1])
    z = np.arctanh(np.clip(rho, -0.999999, 0.999999))
    error = np.std(np.arctanh(np.clip(draws, -0.999999, 0.999999)), ddof=1)
    half = stats.t.ppf(0.5 + 0.5 * LEVEL, len(xs) - 1) * error
    p = 2.0 * stats.t.sf(abs(z) / error, len(xs) - 1) if error > 0.0 else np.nan
    return Estimate(rho, float(np.tanh(z - half)), float(np.tanh(z + half)), float(p), rho)
