"""Comparison of groups and of sides: scipy's tests, with effect sizes and their 95 % intervals (METHODS.md section 3).

Every function takes plain arrays without NaN. What a group is too small for, or what all-equal values make meaningless,
is NaN with the reason as its note.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from scipy import optimize, stats

from .estimate import LEVEL, NAN, Estimate, notMeasurable
from .roc import delong

_Z = stats.norm.ppf(0.5 + 0.5 * LEVEL)


def _isConstant(values) -> bool:
    """All equal, but for rounding."""
    values = np.asarray(values, float)
    return len(values) == 0 or float(np.ptp(values)) <= 1e-12 * float(np.abs(values).max())


def _tooFew(*groups, least: int = 2) -> str:
    smallest = min(len(group) for group in groups)
    if smallest < least:
        return f"a group has {smallest} subject{'' if smallest == 1 else 's'}, at least {least} are needed"
    if _isConstant(np.concatenate([np.asarray(group, float) for group in groups])):
        return "all values are equal"
    return ""


def describe(values: np.ndarray) -> Estimate:
    """Mean with its t interval; the note has SD, median, quartiles and range."""
    values = np.asarray(values, float)
    if len(values) == 0:
        return notMeasurable("no values")
    mean, sd = float(values.mean()), float(values.std(ddof=1)) if len(values) > 1 else NAN
    low, high = NAN, NAN
    if len(values) > 1:
        half = stats.t.ppf(0.5 + 0.5 * LEVEL, len(values) - 1) * sd / np.sqrt(len(values))
        low, high = mean - half, mean + half
    lower, median, upper = np.percentile(values, [25, 50, 75])
    note = (
        f"SD {sd:.4g}, median {median:.4g}, quartiles {lower:.4g} to {upper:.4g}, range {values.min():.4g} to "
        f"{values.max():.4g}"
    )
    return Estimate(mean, low, high, statistic=sd, note=note)


# Two groups -----------------------------------------------------------------------------------------------------


def mannWhitney(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Mann-Whitney U with Cliff's delta: P(first > second) - P(first < second), its interval by DeLong's variance."""
    reason = _tooFew(first, second)
    if reason:
        return notMeasurable(reason)
    test = stats.mannwhitneyu(first, second, alternative="two-sided")
    area = delong(np.asarray(first, float), np.asarray(second, float))
    return Estimate(
        2.0 * area.value - 1.0,
        2.0 * area.ciLow - 1.0,
        2.0 * area.ciHigh - 1.0,
        float(test.pvalue),
        float(test.statistic),
        "estimate: Cliff's delta",
    )


def welchT(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Welch's t with the difference of means."""
    reason = _tooFew(first, second)
    if reason:
        return notMeasurable(reason)
    if _isConstant(first) and _isConstant(second):
        return Estimate(float(np.mean(first) - np.mean(second)), note="no test: neither group varies")
    test = stats.ttest_ind(first, second, equal_var=False)
    interval = test.confidence_interval(LEVEL)
    return Estimate(
        float(np.mean(first) - np.mean(second)),
        float(interval.low),
        float(interval.high),
        float(test.pvalue),
        float(test.statistic),
        f"estimate: difference of means; {test.df:.1f} degrees of freedom",
    )


def standardizedDifference(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Difference of means over the root of the mean variance, with the interval of Bonett (Psychol Methods 2008;13:99),
    which does not need equal variances; the value itself has Hedges' correction.
    """
    reason = _tooFew(first, second, least=3)
    if reason:
        return notMeasurable(reason)
    return standardizedFromSummary(
        (np.mean(first), np.std(first, ddof=1), len(first)), (np.mean(second), np.std(second, ddof=1), len(second))
    )


def standardizedFromSummary(first: tuple, second: tuple) -> Estimate:
    """As `standardizedDifference`, from (mean, SD, n) of each group."""
    (mean1, sd1, n1), (mean2, sd2, n2) = first, second
    variance = 0.5 * (sd1**2 + sd2**2)
    if variance == 0.0:
        return notMeasurable("neither group varies")
    d = (mean1 - mean2) / np.sqrt(variance)
    df1, df2 = n1 - 1, n2 - 1
    error = np.sqrt(
        d**2 * (sd1**4 / df1 + sd2**4 / df2) / (8.0 * variance**2) + (sd1**2 / df1 + sd2**2 / df2) / variance
    )
    corrected = d * (1.0 - 3.0 / (4.0 * (n1 + n2) - 9.0))
    return Estimate(float(corrected), float(d - _Z * error), float(d + _Z * error), note="standardized difference")


def welchFromSummary(first: tuple, second: tuple) -> Estimate:
    """Welch's t from (mean, SD, n) of each group, as a paper prints them."""
    test = stats.ttest_ind_from_stats(*first, *second, equal_var=False)
    return Estimate(first[0] - second[0], p=float(test.pvalue), statistic=float(test.statistic))


def anovaFromSummary(*groups: tuple) -> Estimate:
    """One-way analysis of variance from (mean, SD, n) of each group: the F a paper's own numbers give."""
    means, sds, counts = (np.array(column, float) for column in zip(*groups, strict=True))
    grand = np.average(means, weights=counts)
    between = float(np.sum(counts * (means - grand) ** 2)) / (len(groups) - 1)
    within = float(np.sum((counts - 1.0) * sds**2)) / (counts.sum() - len(groups))
    f = between / within
    return Estimate(statistic=f, p=float(stats.f.sf(f, len(groups) - 1, counts.sum() - len(groups))))


# Several groups, assumptions ------------------------------------------------------------------------------------


def anova(groups: Sequence[np.ndarray]) -> Estimate:
    """One-way analysis of variance (F) with eta squared, its interval by the noncentral F distribution."""
    reason = _tooFew(*groups)
    if reason:
        return notMeasurable(reason)
    if all(_isConstant(group) for group in groups):
        return notMeasurable("no group varies")
    test = stats.f_oneway(*groups)
    n, df1 = sum(len(group) for group in groups), len(groups) - 1
    df2 = n - len(groups)
    f = float(test.statistic)
    low, high = (_noncentrality(f, df1, df2, tail) for tail in (0.5 + 0.5 * LEVEL, 0.5 - 0.5 * LEVEL))
    return Estimate(
        df1 * f / (df1 * f + df2),
        low / (low + n),
        high / (high + n),
        float(test.pvalue),
        f,
        f"estimate: eta squared; {df1} and {df2} degrees of freedom",
    )


def _noncentrality(f: float, df1: int, df2: int, below: float) -> float:
    """The noncentrality for which F is at the quantile `below`; 0 if it is lower there without any."""
    if stats.f.cdf(f, df1, df2) <= below:
        return 0.0
    high = max(10.0, 2.0 * f * df1)
    while stats.ncf.cdf(f, df1, df2, high) > below:
        high *= 2.0
    return float(optimize.brentq(lambda nc: stats.ncf.cdf(f, df1, df2, nc) - below, 0.0, high))


def levene(groups: Sequence[np.ndarray]) -> Estimate:
    """Levene's test of equal variances, about the medians."""
    reason = _tooFew(*groups, least=3)
    if reason:
        return notMeasurable(reason)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        test = stats.levene(*groups, center="median")
    return Estimate(p=float(test.pvalue), statistic=float(test.statistic))


def shapiro(values: np.ndarray) -> Estimate:
    """Shapiro-Wilk test of a normal distribution."""
    reason = _tooFew(values, least=3)
    if reason:
        return notMeasurable(reason)
    test = stats.shapiro(values)
    return Estimate(p=float(test.pvalue), statistic=float(test.statistic))


def friedman(values: np.ndarray) -> Estimate:
    """Friedman's test over the columns of complete rows (nSubjects, kRegions), with Kendall's W."""
    values = np.asarray(values, float)
    if values.shape[1] < 3:
        return notMeasurable(f"{values.shape[1]} regions, at least 3 are needed")
    if len(values) < 2:
        return notMeasurable(f"{len(values)} subjects have all regions, at least 2 are needed")
    if (np.ptp(values, axis=1) == 0.0).all():
        return notMeasurable("all values are equal")
    test = stats.friedmanchisquare(*values.T)
    w = float(test.statistic) / (len(values) * (values.shape[1] - 1))
    return Estimate(w, p=float(test.pvalue), statistic=float(test.statistic), note="estimate: Kendall's W")


# Pairs ----------------------------------------------------------------------------------------------------------


def pairedT(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Paired t with the mean difference, first minus second."""
    difference = np.asarray(first, float) - np.asarray(second, float)
    if len(difference) < 2:
        return notMeasurable(f"{len(difference)} pairs, at least 2 are needed")
    if _isConstant(difference):
        return Estimate(float(difference[0]), note="no test: all differences are equal")
    test = stats.ttest_rel(first, second)
    interval = test.confidence_interval(LEVEL)
    return Estimate(
        float(difference.mean()),
        float(interval.low),
        float(interval.high),
        float(test.pvalue),
        float(test.statistic),
        "estimate: mean difference",
    )


def wilcoxon(first: np.ndarray, second: np.ndarray) -> Estimate:
    """Wilcoxon's signed-rank test with the Hodges-Lehmann difference, its interval from the Walsh averages."""
    difference = np.asarray(first, float) - np.asarray(second, float)
    if len(difference) < 2:
        return notMeasurable(f"{len(difference)} pairs, at least 2 are needed")
    if not difference.any():
        return Estimate(0.0, note="no test: all differences are zero")
    test = stats.wilcoxon(first, second)
    n = len(difference)
    rows, columns = np.triu_indices(n)
    walsh = np.sort(0.5 * (difference[rows] + difference[columns]))
    low, high = NAN, NAN
    quantile = _signedRankQuantile(n, 0.5 - 0.5 * LEVEL)
    if quantile > 0:
        low, high = walsh[quantile - 1], walsh[len(walsh) - quantile]
    return Estimate(
        float(np.median(walsh)),
        float(low),
        float(high),
        float(test.pvalue),
        float(test.statistic),
        "estimate: Hodges-Lehmann difference",
    )


def _signedRankQuantile(n: int, share: float) -> int:
    """The largest k for which P(W+ < k) <= share under no difference: exact."""
    counts = np.ones(1)
    for rank in range(1, n + 1):
        longer = np.zeros(len(counts) + rank)
        longer[: len(counts)] += counts
        longer[rank:] += counts
        counts = longer / 2.0
    return int(np.searchsorted(np.cumsum(counts), share, side="right"))


def holm(pValues: Sequence[float]) -> np.ndarray:
    """p-values corrected for their number (Holm); NaN stays NaN and does not count.

    The same as statsmodels' `multipletests`, which collects garbage at each of some hundred calls.
    """
    values = np.asarray(pValues, float)
    corrected, known = np.full(len(values), NAN), np.flatnonzero(np.isfinite(values))
    order = known[np.argsort(values[known], kind="stable")]
    stepped = values[order] * np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return corrected
