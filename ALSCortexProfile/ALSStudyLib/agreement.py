"""How well readings repeat: Cohen's kappa, intraclass correlation, Bland-Altman, repeatability, visual accuracy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy import stats

from .errors import InputError
from .estimate import LEVEL, NAN, Estimate, notMeasurable

_HIGH = 0.5 + LEVEL / 2
_LOW = 1.0 - _HIGH
NORMAL_QUANTILE = float(stats.norm.ppf(_HIGH))
COEFFICIENT_PER_SW = NORMAL_QUANTILE * np.sqrt(2.0)  # 2.77: two values of a subject differ by less, 19 times of 20
_ALTMAN = ((0.8, "very good"), (0.6, "good"), (0.4, "moderate"), (0.2, "fair"))
_WIDEST_TILT, _STEPS, _REFINEMENTS, _FITTING_ROUNDS = 15.0, 33, 4, 50
_ROUNDING = 1e-9
_LEAST_EFFECT = 0.5  # 1 would cover 0.98 of the time with 13 subjects
_MISSING = ("", "n/a", "None", "nan", "<NA>", "NaT")  # pandas.NA answers no comparison


# Kappa ----------------------------------------------------------------------------------------------------------


def altmanScale(kappa: float) -> str:
    """Altman's word for a kappa (Practical Statistics for Medical Research, 1991); "" for NaN."""
    if np.isnan(kappa):
        return ""
    # 0.80 itself is still "good"; rounding keeps 0.8 from floating-point work on its side.
    return next((word for least, word in _ALTMAN if round(float(kappa), 9) > least), "poor")


def cohensKappa(first, second, weights: str | None = None) -> Estimate:
    """Agreement of two readings of the same targets beyond chance (Cohen 1960; weighted: Cohen 1968).

    The interval is a score interval: the kappas that the observed one is within 1.96 standard errors of, the standard
    error (Fleiss, Cohen & Everitt 1969) being that of the kappa in question. The textbook interval around the
    observed kappa is too narrow near 1, and of no width at 1.

    :param first, second: (n,) categories; a pair with a missing one (None, NaN, n/a, "") is left out and counted.
    :param weights: None, or "linear" for ordered categories given as numbers.
    :return: kappa; p of kappa = 0 (two-sided, normal); the note has Altman's word.
    :raises InputError: different lengths, unknown weights, linear weights of text.
    """
    return _kappaEstimate(_Readings.of(first, second, weights))


def clusteredKappa(first, second, subjects, rng, resamples: int, weights: str | None = None) -> Estimate:
    """Kappa of several targets per subject: subjects, not targets, are the independent units.

    Kappa is that of all targets. A bootstrap over subjects gives its standard error, and so how many independent
    targets the clustered ones are worth (design effect); the score interval of `cohensKappa` is then that of so many,
    with Student's t for the few subjects. Without any disagreement a subject is worth one target.

    :param subjects: (n,) whose target each is; rng: numpy Generator; resamples: of the bootstrap.
    :raises InputError: as `cohensKappa`.
    """
    return _kappaEstimate(_Readings.of(first, second, weights, subjects), rng, resamples)


@dataclass(frozen=True)
class _Readings:
    """Complete pairs, counted.

    :param tables: (nSubjects, k, k) counts of first x second; weights: (k, k) agreement, 1 on the diagonal.
    """

    tables: np.ndarray
    weights: np.ndarray
    isLinear: bool
    nMissing: int

    @staticmethod
    def of(first, second, weights, subjects=None) -> _Readings:
        if weights not in (None, "linear"):
            raise InputError(f"Kappa's weights are '{weights}'; expected none or 'linear'; choose one.")
        first, second = (np.asarray(values, dtype=object).ravel() for values in (first, second))
        subjects = np.arange(len(first)) if subjects is None else np.asarray(subjects, dtype=object).ravel()
        _checkLengths(first, second, subjects)
        complete = ~(_missing(first) | _missing(second))
        first, second, subjects = first[complete], second[complete], subjects[complete]
        categories = list(dict.fromkeys([*first, *second]))
        if weights:
            categories = _numbers(categories)
        categories.sort(key=lambda category: (isinstance(category, str), category))
        k = len(categories)
        index = {category: i for i, category in enumerate(categories)}
        whose = {subject: i for i, subject in enumerate(dict.fromkeys(subjects))}
        tables = np.zeros((len(whose), k, k))
        for a, b, subject in zip(first, second, subjects, strict=True):
            tables[whose[subject], index[a], index[b]] += 1
        agreement = np.eye(k)
        if weights and k > 1:
            positions = np.array(categories, float)
            agreement = 1 - np.abs(positions[:, None] - positions) / np.ptp(positions)
        return _Readings(tables, agreement, bool(weights), int(np.sum(~complete)))


def _checkLengths(*columns) -> None:
    if len({len(column) for column in columns}) > 1:
        lengths = " and ".join(str(len(column)) for column in columns)
        raise InputError(
            f"Readings to be compared number {lengths}; expected pairs; give the same targets in the same order."
        )


def _missing(values: np.ndarray) -> np.ndarray:
    return np.array([str(value) in _MISSING for value in values], dtype=bool)


def _numbers(categories: list) -> list:
    try:
        [float(category) for category in categories]
    except (TypeError, ValueError):
        text = next(category for category in categories if isinstance(category, str))
        raise InputError(
            f"A reading is '{text}'; expected numbers for linear weights; give scores, or leave the weights out."
        ) from None
    return categories


def _kappaEstimate(readings: _Readings, rng=None, resamples: int = 0) -> Estimate:
    """Kappa; with a generator of subjects, which are the units."""
    from statsmodels.stats.inter_rater import cohens_kappa

    table = readings.tables.sum(axis=0)
    n, k, nSubjects = table.sum(), len(table), len(readings.tables)
    remark = f"{readings.nMissing} pairs with a missing reading left out" if readings.nMissing else ""
    if n < 2:
        return notMeasurable(f"kappa needs at least 2 pairs of readings, found {n:.0f}").noted(remark)
    if k < 2:
        return notMeasurable("only one category was used: kappa is not defined").noted(remark)
    if min(np.count_nonzero(table.sum(axis=axis)) for axis in (0, 1)) < 2:
        note = "one of the readings used a single category: kappa is 0 whatever the agreement, and has no interval"
        return Estimate(0.0, note=note).noted(remark)
    with np.errstate(invalid="ignore"):  # rounding may leave its variance below 0 where all agree; it is not used
        results = cohens_kappa(table, weights=1 - readings.weights)
    kappa, z = float(results.kappa), float(results.z_value)
    note = altmanScale(kappa) + (" (linear weights)" if readings.isLinear else "")
    if table.trace() == n:
        kappa, note = 1.0, f"{note}; no disagreement seen"
    estimate = Estimate(kappa, NAN, NAN, float(results.pvalue_two_sided), z, note).noted(remark)
    if rng is None:
        low, high = _kappaInterval(table / n, readings.weights, n, NORMAL_QUANTILE)
        return replace(estimate, ciLow=min(low, kappa), ciHigh=max(high, kappa))
    if nSubjects < 2:
        return replace(estimate, p=NAN, statistic=NAN).noted("one subject: no interval")
    effect = _designEffect(readings, rng, resamples)
    quantile = float(stats.t.ppf(_HIGH, nSubjects - 1))
    low, high = _kappaInterval(table / n, readings.weights, n / effect, quantile)
    z = z / np.sqrt(effect)
    p = float(2 * stats.norm.sf(abs(z)))
    return replace(estimate, ciLow=min(low, kappa), ciHigh=max(high, kappa), p=p, statistic=float(z)).noted(
        f"{n:.0f} targets of {nSubjects} subjects, design effect {effect:.2f}"
    )


def _designEffect(readings: _Readings, rng, resamples: int) -> float:
    """Variance of kappa over subjects (bootstrap) over that of independent targets; at most the targets per subject."""
    tables, nSubjects = readings.tables, len(readings.tables)
    total = tables.sum(axis=0)
    largest = total.sum() / nSubjects
    variance = _kappaMoments(total / total.sum(), readings.weights)[1] / total.sum()
    if variance < np.finfo(float).eps:
        return float(largest)
    counts = rng.multinomial(nSubjects, np.full(nSubjects, 1 / nSubjects), resamples)
    resampled = np.tensordot(counts, tables, axes=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        kappas = _kappaMoments(resampled / resampled.sum(axis=(1, 2), keepdims=True), readings.weights)[0]
    kappas = kappas[np.isfinite(kappas)]  # a resample with one category only has no kappa
    return (
        float(np.clip(np.var(kappas, ddof=1) / variance, _LEAST_EFFECT, largest)) if len(kappas) > 1 else float(largest)
    )


def _kappaMoments(p: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kappa of cell probabilities (..., k, k), and n times its variance (Fleiss, Cohen & Everitt 1969), each (...)."""
    rows, columns = p.sum(axis=-1), p.sum(axis=-2)
    meansByRow, meansByColumn = columns @ weights, rows @ weights
    chance = np.sum(rows * meansByRow, axis=-1)
    observed = np.sum(weights * p, axis=(-2, -1))
    kappa = (observed - chance) / (1 - chance)
    means = meansByRow[..., :, None] + meansByColumn[..., None, :]
    influence = weights - means * (1 - kappa)[..., None, None]
    square = np.sum(p * influence**2, axis=(-2, -1)) - (kappa - chance * (1 - kappa)) ** 2
    return kappa, np.maximum(square, 0.0) / (1 - chance) ** 2


def _kappaInterval(p: np.ndarray, weights: np.ndarray, n: float, quantile: float) -> tuple[float, float]:
    """The kappas that are not rejected, along a family of tables through the observed one.

    The table is mixed with perfect agreement upwards, and with agreement by chance downwards; below a kappa of 0 the
    latter is tilted towards disagreement. Downwards both readings use each category as often as they did.
    """
    observed = float(_kappaMoments(p, weights)[0])
    rows, columns = p.sum(axis=1), p.sum(axis=0)
    chance = np.outer(rows, columns)
    perfect = np.diag((rows + columns) / 2)

    def towards(other: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return lambda steps: p + steps[:, None, None] * (other - p)

    def tilted(tilts: np.ndarray) -> np.ndarray:
        return _fitted(chance * np.exp(tilts[:, None, None] * weights), rows, columns)

    high = _kappaLimit(towards(perfect), np.linspace(1.0, 0.0, _STEPS), weights, n, -quantile, observed)
    low = _kappaLimit(towards(chance), np.linspace(1.0, 0.0, _STEPS), weights, n, quantile, observed)
    if observed <= 0 or low < _ROUNDING:
        low = _kappaLimit(tilted, np.linspace(-_WIDEST_TILT, 0.0, _STEPS), weights, n, quantile, observed)
    return low, high


def _kappaLimit(family, steps: np.ndarray, weights: np.ndarray, n: float, quantile: float, observed: float) -> float:
    """Where a kappa that comes from afar along a family stops being rejected; positive quantile: from below."""
    side = np.sign(quantile)
    for _ in range(_REFINEMENTS):
        kappas, variances = _kappaMoments(family(steps), weights)
        distances = side * (observed - kappas) - abs(quantile) * np.sqrt(variances / n)
        inside = np.flatnonzero(distances <= 0)
        if not len(inside):
            return observed
        if inside[0] == 0:
            return float(kappas[0])
        steps = np.linspace(steps[inside[0] - 1], steps[inside[0]], _STEPS)
    return float(kappas[inside[0]])


def _fitted(tables: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Tables (nTables, k, k) scaled to the given shares (iterative proportional fitting)."""
    tiny = np.finfo(float).tiny  # a category that one reading never used has empty cells, which stay empty
    for _ in range(_FITTING_ROUNDS):
        tables = tables * (rows / np.maximum(tables.sum(axis=2), tiny))[:, :, None]
        tables = tables * (columns / np.maximum(tables.sum(axis=1), tiny))[:, None, :]
    return tables


# Intraclass correlation -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class IccResult:
    """:param a1: ICC(A,1), absolute agreement; c1: ICC(C,1), consistency; n, k: targets and raters that were used."""

    a1: Estimate
    c1: Estimate
    n: int
    k: int


def icc(values) -> IccResult:
    """Intraclass correlations of single measurements, two-way model (McGraw & Wong 1996, tables 4, 7 and 8).

    :param values: (nTargets, kRaters); incomplete rows are left out and counted.
    :return: each with the F interval and the p of no correlation. That of A,1 (Satterthwaite's degrees of freedom)
        covers as it should while raters differ little. Where half of the error lies between two raters it covers 0.82
        to 0.94 of the time if they are a sample of many, and more than 0.98 if they are the only ones. A generalized
        interval covers better there, but is up to five times as wide; so the published one is kept, and a note says
        when raters differ.
    :raises InputError: not a table, or fewer than two raters.
    """
    values = _table(values, "raters")
    complete = np.all(np.isfinite(values), axis=1)
    x = values[complete]
    n, k = x.shape
    remark = f"{np.sum(~complete)} incomplete rows left out" if not complete.all() else ""
    reason = ""
    if n < 2:
        reason = f"needs at least 2 targets, found {n}"
    elif np.ptp(x) == 0:
        reason = "all values are equal"
    if reason:
        missing = notMeasurable(f"ICC is not measurable: {reason}").noted(remark)
        return IccResult(missing, missing, n, k)
    msr, msc, mse = _meanSquares(x)
    if mse == 0 and msr == 0:
        missing = notMeasurable("ICC is not measurable: targets do not differ").noted(remark)
        return IccResult(missing, missing, n, k)
    c1, a1 = (estimate.noted(remark) for estimate in (_iccC1(msr, mse, n, k), _iccA1(msr, msc, mse, n, k)))
    return IccResult(a1, c1, n, k)


def _table(values, columns: str) -> np.ndarray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or values.shape[1] < 2:
        raise InputError(
            f"Values have the shape {values.shape}; expected one row per target and at least two {columns}; "
            "rearrange them."
        )
    return values


def _meanSquares(x: np.ndarray) -> tuple[float, float, float]:
    """Mean squares of rows (targets), columns (raters) and the rest."""
    n, k = x.shape
    rows, columns, mean = x.mean(axis=1), x.mean(axis=0), x.mean()
    msr = k * np.sum((rows - mean) ** 2) / (n - 1)
    msc = n * np.sum((columns - mean) ** 2) / (k - 1)
    rest = np.sum((x - rows[:, None] - columns + mean) ** 2)
    # What rounding leaves of identical raters is no error variance.
    rest = 0.0 if rest <= (1e-12 * np.abs(x).max()) ** 2 * x.size else rest
    return float(msr), float(msc), float(rest / ((n - 1) * (k - 1)))


def _iccC1(msr: float, mse: float, n: int, k: int) -> Estimate:
    if mse == 0:
        return Estimate(1.0, note="no disagreement seen but by a constant: no interval")
    df = (n - 1, (n - 1) * (k - 1))
    f = msr / mse
    lowF, highF = f / stats.f.ppf(_HIGH, *df), f * stats.f.ppf(_HIGH, *df[::-1])
    low, high = ((x - 1) / (x + k - 1) for x in (lowF, highF))
    return Estimate((f - 1) / (f + k - 1), float(low), float(high), float(stats.f.sf(f, *df)), f)


def _iccA1(msr: float, msc: float, mse: float, n: int, k: int) -> Estimate:
    value = (msr - mse) / (msr + (k - 1) * mse + k * (msc - mse) / n)
    if mse == 0:
        return Estimate(value, note="no disagreement seen but by a constant: no interval")
    a = k * value / (n * (1 - value))
    b = 1 + k * value * (n - 1) / (n * (1 - value))
    df = (a * msc + b * mse) ** 2 / ((a * msc) ** 2 / (k - 1) + (b * mse) ** 2 / ((n - 1) * (k - 1)))
    lowF, highF = stats.f.ppf(_HIGH, n - 1, df), stats.f.ppf(_HIGH, df, n - 1)
    rest = k * msc + (k * n - k - n) * mse
    with np.errstate(invalid="ignore", divide="ignore"):
        low = n * (msr - lowF * mse) / (lowF * rest + n * msr)
        high = n * (highF * msr - mse) / (rest + n * highF * msr)
    f, rest = msr / mse, (n - 1) * (k - 1)
    differ = float(stats.f.sf(msc / mse, k - 1, rest))
    note = f"raters differ systematically (p = {differ:.2g}): the interval is approximate" if differ < 1 - LEVEL else ""
    if not low <= value <= high:  # Satterthwaite's formula may break down below 0
        low, high, note = NAN, NAN, "no interval: there is no agreement"
    return Estimate(value, float(low), float(high), float(stats.f.sf(f, n - 1, rest)), f, note)


# Bland-Altman ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BlandAltman:
    """Limits of agreement of two methods, readers or sessions; differences are first minus second.

    :param bias: mean difference, p of none (paired t); lowerLimit, upperLimit: bias -+ 1.96 SD.
    :param sdDifference: of the differences; means, differences: (n,) per target, for the plot.
    """

    bias: Estimate
    lowerLimit: Estimate
    upperLimit: Estimate
    sdDifference: float
    means: np.ndarray = field(repr=False)
    differences: np.ndarray = field(repr=False)
    n: int


def blandAltman(first, second) -> BlandAltman:
    """Bland & Altman, Lancet 1986; limits with exact intervals from the noncentral t (Carkeet, Optom Vis Sci 2015).

    :param first, second: (n,) in the same unit; pairs with a missing value are left out and counted.
    :raises InputError: different lengths.
    """
    first, second = (np.asarray(values, dtype=float).ravel() for values in (first, second))
    _checkLengths(first, second)
    complete = np.isfinite(first) & np.isfinite(second)
    first, second = first[complete], second[complete]
    remark = f"{np.sum(~complete)} incomplete pairs left out" if not complete.all() else ""
    differences, means, n = first - second, (first + second) / 2, len(first)
    if n < 2:
        missing = notMeasurable(f"needs at least 2 pairs, found {n}").noted(remark)
        bias = replace(missing, value=float(differences[0])) if n else missing
        return BlandAltman(bias, missing, missing, NAN, means, differences, n)
    mean, sd = float(differences.mean()), float(differences.std(ddof=1))
    if sd <= 1e-12 * np.abs(differences).max():
        estimate = Estimate(mean, note="all differences are equal: no interval").noted(remark)
        return BlandAltman(estimate, estimate, estimate, 0.0, means, differences, n)
    low, high = normalQuantileInterval(NORMAL_QUANTILE, mean, sd, n - 1, 1 / n)
    half = stats.t.ppf(_HIGH, n - 1) * sd / np.sqrt(n)
    t = mean / (sd / np.sqrt(n))
    p = 2 * stats.t.sf(abs(t), n - 1)
    return BlandAltman(
        Estimate(mean, float(mean - half), float(mean + half), float(p), float(t), remark),
        Estimate(mean - NORMAL_QUANTILE * sd, 2 * mean - high, 2 * mean - low, note=remark),
        Estimate(mean + NORMAL_QUANTILE * sd, low, high, note=remark),
        sd,
        means,
        differences,
        n,
    )


def normalQuantileInterval(z: float, mean: float, sd: float, df: float, leverage: float) -> tuple[float, float]:
    """Exact 95 % interval of mean + z SD of a normal population, from an estimated mean and SD.

    :param df: degrees of freedom of the SD; leverage: variance of the mean over that of one value (1/n; in a
        regression the leverage of the place).
    """
    root = np.sqrt(leverage)
    low, high = stats.nct.ppf((_LOW, _HIGH), df, z / root)
    return float(mean + low * root * sd), float(mean + high * root * sd)


# Repeatability --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repeatability:
    """:param swithin: within-subject SD; coefficient: 2.77 of it, in the unit of the values.
    n: targets with two values or more; df: degrees of freedom.
    """

    swithin: Estimate
    coefficient: Estimate
    n: int
    df: int


def repeatability(values) -> Repeatability:
    """Within-subject SD and repeatability coefficient (Bland & Altman, BMJ 1996;312:1654 and 313:744).

    Two measurements of an unchanged target differ by less than the coefficient 19 times of 20.

    :param values: (nTargets, kRepeats), NaN where missing; a target with a single value does not count.
    :raises InputError: not a table, or fewer than two repeats.
    """
    x = _table(values, "repeats")
    x = np.where(np.isfinite(x), x, NAN)
    counts = np.sum(np.isfinite(x), axis=1)
    x, counts = x[counts >= 2], counts[counts >= 2]
    n, df = len(x), int(np.sum(counts - 1))
    left = len(np.asarray(values)) - n
    remark = f"{left} targets with fewer than two values left out" if left else ""
    if not n:
        missing = notMeasurable("no target was measured twice").noted(remark)
        return Repeatability(missing, missing, n, df)
    squares = float(np.nansum((x - np.nanmean(x, axis=1, keepdims=True)) ** 2))
    sw = float(np.sqrt(squares / df))
    low, high = np.sqrt(squares / stats.chi2.ppf((_HIGH, _LOW), df))
    if squares == 0:
        low = high = NAN
        remark = "; ".join(filter(None, ("repeats are identical: no interval", remark)))
    estimate = Estimate(sw, float(low), float(high), note=remark)
    scaled = (float(COEFFICIENT_PER_SW * v) for v in (estimate.value, estimate.ciLow, estimate.ciHigh))
    return Repeatability(estimate, Estimate(*scaled, note=remark), n, df)


# Visual accuracy ------------------------------------------------------------------------------------------------


class AccuracyCounts(NamedTuple):
    """Shares of readings that are right: among the diseased, among the others, among all."""

    sensitivity: Estimate
    specificity: Estimate
    accuracy: Estimate


def accuracyCounts(reading, truth) -> AccuracyCounts:
    """Sensitivity, specificity and accuracy of yes-or-no readings, with Wilson's intervals.

    :param reading: (n,) bool, read as diseased; truth: (n,) bool, diseased.
    :return: notes have the counts.
    :raises InputError: different lengths.
    """
    reading, truth = (np.asarray(values, dtype=bool).ravel() for values in (reading, truth))
    _checkLengths(reading, truth)
    right = reading == truth
    return AccuracyCounts(
        _share(right[truth], "nobody is diseased"),
        _share(right[~truth], "nobody is healthy"),
        _share(right, "no readings"),
    )


def _share(right: np.ndarray, reason: str) -> Estimate:
    n, k = len(right), int(np.sum(right))
    if not n:
        return notMeasurable(reason)
    interval = stats.binomtest(k, n).proportion_ci(LEVEL, "wilson")
    return Estimate(k / n, float(interval.low), float(interval.high), note=f"{k}/{n}")
