"""Receiver operating characteristic: areas with intervals and tests, two markers on the same subjects, null, band.

"Patients" and "controls" are 1D arrays of oriented values: larger means more diseased. How well each interval covers is
measured by Testing/Benchmarks/coverageRoc.py at the sizes of the papers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from .estimate import LEVEL, NAN, Estimate, notMeasurable
from .rocCutoff import CutoffResult, sensitivityAt, specificityAt, studyCutoff
from .rocSubjects import (
    entriesByRule,
    pairTotals,
    resampleWeights,
    ruleScores,
    shuffledGroups,
    superiority,
    weightedAucs,
)
from .studySettings import PAPER

__all__ = [
    "CutoffResult",
    "Null",
    "RocCurve",
    "auc",
    "clusterBootstrapAuc",
    "delong",
    "delongPaired",
    "mcnemar",
    "permutationNull",
    "rocBand",
    "rocCurve",
    "ruleScores",
    "sensitivityAt",
    "specificityAt",
    "studyCutoff",
]

Z = float(stats.norm.ppf(0.5 + 0.5 * LEVEL))
TAIL = 0.5 * (1.0 - LEVEL)


@dataclass(frozen=True)
class RocCurve:
    """Points of a curve, from (0, 0) to (1, 1): positive means value >= cutoff; the first cutoff is infinite.

    :param cutoffs: (n,) falling. sensitivity, specificity: (n,) shares, 0-1.
    """

    cutoffs: np.ndarray
    sensitivity: np.ndarray
    specificity: np.ndarray


@dataclass(frozen=True)
class Null:
    """AUCs when groups are assigned at random.

    :param auc: observed. mean; low, high: 2.5 and 97.5 % of the null. p: one-sided, of an AUC as large by chance.
    """

    auc: float = NAN
    mean: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    note: str = ""


def auc(patients: np.ndarray, controls: np.ndarray) -> float:
    """Area under the curve: share of pairs in which the patient has the larger value, ties half; NaN without pairs."""
    patients, controls = np.asarray(patients, float), np.asarray(controls, float)
    if not patients.size or not controls.size:
        return NAN
    return float(superiority(patients, controls).mean())


def rocCurve(patients: np.ndarray, controls: np.ndarray) -> RocCurve:
    """The empirical curve, a point for each different value."""
    patients, controls = np.sort(np.asarray(patients, float)), np.sort(np.asarray(controls, float))
    cutoffs = np.concatenate([[np.inf], np.unique(np.concatenate([patients, controls]))[::-1]])
    below = [np.searchsorted(group, cutoffs, side="left") / (group.size or NAN) for group in (patients, controls)]
    return RocCurve(cutoffs, 1.0 - below[0], below[1])


def delong(patients: np.ndarray, controls: np.ndarray) -> Estimate:
    """AUC of the population of such subjects, one value each; interval on the logit scale from DeLong's variance.

    DeLong et al., Biometrics 1988;44:837. `statistic` is z of the logit against 0, `p` two-sided against AUC 0.5, so
    that p < 0.05 exactly where the interval leaves out 0.5.
    """
    patients, controls = np.asarray(patients, float), np.asarray(controls, float)
    problem = _problem(patients, controls)
    if problem:
        return notMeasurable(problem)
    placements = _placements(patients, controls)
    area = float(placements[0].mean())
    if area in (0.0, 1.0):
        return _separated(area, len(patients), len(controls))
    return _logitEstimate(area, math.sqrt(sum(v.var(ddof=1) / v.size for v in placements)))


def delongPaired(
    firstPatients: np.ndarray, firstControls: np.ndarray, secondPatients: np.ndarray, secondControls: np.ndarray
) -> Estimate:
    """Difference of the AUCs of two markers (first minus second) on the same subjects, in the same order.

    DeLong et al., Biometrics 1988;44:837: interval and two-sided p on the plain scale, `statistic` is z.
    """
    first = np.asarray(firstPatients, float), np.asarray(firstControls, float)
    second = np.asarray(secondPatients, float), np.asarray(secondControls, float)
    if first[0].shape != second[0].shape or first[1].shape != second[1].shape:
        return notMeasurable("the two markers are not of the same subjects")
    problem = _problem(*first) or _problem(*second)
    if problem:
        return notMeasurable(problem)
    differences = [a - b for a, b in zip(_placements(*first), _placements(*second), strict=True)]
    value = float(differences[0].mean())
    error = math.sqrt(sum(d.var(ddof=1) / d.size for d in differences))
    if error == 0.0:
        return Estimate(value, note="no interval: the two markers order all pairs alike")
    z = value / error
    low, high = max(value - Z * error, -1.0), min(value + Z * error, 1.0)
    return Estimate(value, low, high, float(2.0 * stats.norm.sf(abs(z))), z)


def clusterBootstrapAuc(
    valuesBySubject: Sequence[np.ndarray],
    isPatient: np.ndarray,
    rule: str,
    summary: str,
    rng: np.random.Generator,
    resamples: int,
) -> Estimate:
    """AUC under a rule (see `ruleScores`) in the population of such subjects; subjects are resampled within groups.

    The standard error of the logit comes from the bootstrap, so that a subject's regions stay together; the percentiles
    themselves cover 0.83 to 0.94 only at the papers' sizes. No p: under the
    paper's rule an AUC of 0.5 is not what chance gives, see `permutationNull`.
    """
    entries = entriesByRule(valuesBySubject, isPatient, rule, summary)
    problem = entries.problem()
    if problem:
        return notMeasurable(problem)
    patient, control = entries.isPatient, ~entries.isPatient
    totals, counts = pairTotals(entries)[np.ix_(patient, control)], entries.counts[control]
    area = float(totals.sum() / (patient.sum() * counts.sum()))
    if area in (0.0, 1.0):
        exact = _separated(area, int(patient.sum()), int(control.sum()))
        return Estimate(area, exact.ciLow, exact.ciHigh, note=exact.note)
    areas = weightedAucs(
        totals,
        counts,
        resampleWeights(rng, int(patient.sum()), resamples),
        resampleWeights(rng, int(control.sum()), resamples),
    )
    error, n = float(areas.std(ddof=1)), patient.size
    if rule == PAPER and n > 2:
        # Correlated values of one control: without these it covers 0.93 of AUCs of 0.96.
        error *= float(stats.t.ppf(0.5 + 0.5 * LEVEL, n - 2)) / Z * math.sqrt(n / (n - 2.0))
    estimate = _logitEstimate(area, error)
    return Estimate(area, estimate.ciLow, estimate.ciHigh)


def permutationNull(
    valuesBySubject: Sequence[np.ndarray],
    isPatient: np.ndarray,
    rule: str,
    summary: str,
    rng: np.random.Generator,
    permutations: int,
) -> Null:
    """What the rule (see `ruleScores`) gives when groups of the same sizes are assigned to the subjects at random.

    p has +1 in numerator and denominator (Phipson and Smyth, Stat Appl Genet Mol Biol 2010;9:39).
    """
    entries = entriesByRule(valuesBySubject, isPatient, rule, summary)
    problem = entries.problem()
    if problem:
        return Null(note=problem)
    totals, counts = pairTotals(entries), entries.counts
    groups = np.vstack([entries.isPatient.astype(float), shuffledGroups(rng, entries.isPatient, permutations)])
    areas = weightedAucs(totals, counts, groups, 1.0 - groups)
    observed, null = float(areas[0]), areas[1:]
    low, high = np.quantile(null, [TAIL, 1.0 - TAIL])
    p = (1 + int((null >= observed - 1e-12).sum())) / (1 + permutations)
    note = "not 0.5: the paper's rule favors patients by construction" if rule == PAPER else ""
    return Null(observed, float(null.mean()), float(low), float(high), p, note)


def rocBand(
    patients: np.ndarray,
    controls: np.ndarray,
    rng: np.random.Generator,
    resamples: int,
    specificityGrid: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Pointwise 95 % band (low, high) of the population's sensitivity at each specificity (0-1) of the grid.

    Zhou and Qin, Stat Med 2005;24:465, their BTII: mean and variance of the Agresti-Coull share over resamples, the
    upper limit at least Wilson's, as resamples hardly vary where nearly all patients are above.
    """
    patients, controls = np.asarray(patients, float), np.asarray(controls, float)
    grid = np.asarray(specificityGrid, float)
    if min(patients.size, controls.size) < 2:
        return np.full(grid.shape, NAN), np.full(grid.shape, NAN)
    drawnPatients = np.sort(rng.choice(patients, (resamples, patients.size)), axis=1)
    drawnControls = np.sort(rng.choice(controls, (resamples, controls.size)), axis=1)
    # Patients must lie above the k-th smallest control for that specificity, above none for specificity 0.
    k = np.ceil(grid * controls.size - 1e-9).astype(int)
    bounds = np.concatenate([np.full((resamples, 1), -np.inf), drawnControls], axis=1)[:, k]
    below = np.stack([np.searchsorted(p, b, side="right") for p, b in zip(drawnPatients, bounds, strict=True)])
    shares = (patients.size - below + 0.5 * Z**2) / (patients.size + Z**2)
    center, half = shares.mean(0), Z * shares.std(0, ddof=1)
    raw = 1.0 - below.mean(0) / patients.size
    wilson = Z * np.sqrt(patients.size * raw * (1.0 - raw) + 0.25 * Z**2) / (patients.size + Z**2)
    return np.clip(center - half, 0.0, 1.0), np.clip(center + np.maximum(half, wilson), 0.0, 1.0)


def mcnemar(firstCorrect: np.ndarray, secondCorrect: np.ndarray) -> Estimate:
    """Difference of the shares of subjects that two readings of the same subjects call correctly, first minus second.

    `p` is McNemar's exact one; `statistic` is the number of subjects the two disagree on. Interval of Bonett and Price
    (J Educ Behav Stat 2012;37:479): Wald with one added to either kind of disagreement.
    """
    first, second = np.asarray(firstCorrect, bool), np.asarray(secondCorrect, bool)
    if first.shape != second.shape or not first.size:
        return notMeasurable("the two readings are not of the same subjects")
    n, onlyFirst, onlySecond = first.size, int((first & ~second).sum()), int((second & ~first).sum())
    p = stats.binomtest(onlyFirst, onlyFirst + onlySecond).pvalue if onlyFirst + onlySecond else 1.0
    a, b = (onlyFirst + 1) / (n + 2), (onlySecond + 1) / (n + 2)
    half = Z * math.sqrt((a + b - (a - b) ** 2) / (n + 2))
    return Estimate(
        (onlyFirst - onlySecond) / n,
        max(a - b - half, -1.0),
        min(a - b + half, 1.0),
        float(p),
        float(onlyFirst + onlySecond),
    )


def _problem(patients: np.ndarray, controls: np.ndarray) -> str:
    if min(patients.size, controls.size) < 2:
        return f"needs 2 subjects in either group, found {patients.size} and {controls.size}"
    return "all values are equal" if np.ptp(np.concatenate([patients, controls])) == 0 else ""


def _placements(patients: np.ndarray, controls: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """DeLong's structural components: (nPatients,) and (nControls,); the mean of either is the AUC."""
    wins = superiority(patients, controls)
    return wins.mean(1), wins.mean(0)


def _logitEstimate(area: float, error: float) -> Estimate:
    slope = 1.0 / (area * (1.0 - area))
    center, half = math.log(area / (1.0 - area)), Z * error * slope
    z = center / (error * slope) if error else NAN
    return Estimate(area, _expit(center - half), _expit(center + half), float(2.0 * stats.norm.sf(abs(z))), z)


def _expit(x: float) -> float:
    return 1.0 / (1.0 + math.exp(-x))


def _separated(area: float, nPatients: int, nControls: int) -> Estimate:
    """AUC 0 or 1, where variances vanish: as many independent pairs as the smaller group has, all won or all lost."""
    bound = TAIL ** (1.0 / min(nPatients, nControls))
    low, high = (bound, 1.0) if area == 1.0 else (0.0, 1.0 - bound)
    p = min(2.0 / math.comb(nPatients + nControls, nPatients), 1.0)
    return Estimate(area, low, high, p, note="groups do not overlap: exact bound from pairs, exact permutation p")
