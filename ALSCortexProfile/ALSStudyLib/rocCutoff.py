"""The cut-off between patients and controls, and what it is worth in new subjects.

The cut-off that is best in a sample of some ten controls jumps from value to value: its error shrinks with the cube
root of n only, too erratic to resample. So each group is taken as normal after one Yeo-Johnson power, found by maximum
likelihood with the groups apart; the best cut-off is then where two weighted normal densities cross (the transformed
normal method of Fluss et al., Biom J 2005;47:458). Shares below and above it are counted, never modeled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from .errors import InputError
from .estimate import LEVEL, NAN, Estimate, notMeasurable
from .rocSubjects import Entries, entriesByRule, resampleWeights

YOUDEN, SENSITIVITY, COST = CRITERIA = ("youden", "sensitivity", "cost")
POWERS = np.linspace(-1.0, 2.0, 25)
Z = float(stats.norm.ppf(0.5 + 0.5 * LEVEL))


@dataclass(frozen=True)
class CutoffResult:
    """A cut-off (positive means value >= cutoff) and what it is worth.

    :param sensitivity, specificity: of this cut-off in new subjects, corrected for optimism. ppv, npv: from these at
        the stated prevalence. apparentSensitivity, apparentSpecificity: shares in the very subjects it was found in.
    """

    cutoff: Estimate
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate
    apparentSensitivity: float = NAN
    apparentSpecificity: float = NAN


@dataclass(frozen=True)
class Criterion:
    """What the best cut-off does.

    :param kind: "youden": greatest sensitivity + specificity. "sensitivity": greatest specificity with a sensitivity of
        at least `minimumSensitivity`. "cost": least prevalence x costRatio x (1 - sensitivity) + (1 - prevalence) x
        (1 - specificity).
    """

    kind: str
    minimumSensitivity: float = 0.9
    costRatio: float = 1.0
    prevalence: float = 0.5

    def best(self, patientMean, patientSd, controlMean, controlSd) -> np.ndarray:
        """(n,) the best cut-off between normal groups; not finite where all or none should be called."""
        if self.kind == SENSITIVITY:
            return patientMean + patientSd * stats.norm.ppf(1.0 - self.minimumSensitivity)
        weight = self.prevalence * self.costRatio / (1.0 - self.prevalence) if self.kind == COST else 1.0
        # Where the weighted densities cross: a c^2 + b c + d = 0, at the root where the patients' overtakes.
        a = 0.5 / controlSd**2 - 0.5 / patientSd**2
        b = patientMean / patientSd**2 - controlMean / controlSd**2
        d = 0.5 * (controlMean / controlSd) ** 2 - 0.5 * (patientMean / patientSd) ** 2
        d = d + np.log(weight * controlSd / patientSd)
        root = np.sqrt(np.maximum(b**2 - 4.0 * a * d, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            cutoff = np.where(b >= 0, -2.0 * d / (b + root), 0.5 * (root - b) / a)
        return np.where(b**2 < 4.0 * a * d, np.where(a > 0, -np.inf, np.inf), cutoff)


def studyCutoff(
    valuesBySubject: Sequence[np.ndarray],
    isPatient: np.ndarray,
    rule: str,
    summary: str,
    criterion: str,
    minimumSensitivity: float,
    costRatio: float,
    prevalence: float,
    rng: np.random.Generator,
    resamples: int,
) -> CutoffResult:
    """The cut-off by a criterion (see `Criterion`) under a rule (see `ruleScores`), and what it is worth.

    What each 95 % interval is for:

    - cutoff: the population's best cut-off under this rule and criterion. Bootstrap over subjects (power and cut-off
      found anew in each resample), as a t interval on the transformed scale: percentiles cover too little here.
      For "sensitivity", a quantile of the patients, the limits are a normal quantile's, stretched by the bootstrap.
    - sensitivity, specificity: of the very cut-off that was found, in the population, scored by the same rule (under
      the paper's: a patient's greatest value, any one value of a control). The value is the share in this study minus
      the optimism (Harrell et al., Stat Med 1996;15:361); the interval is Wilson's around it, with t for z as the
      cut-off was found in the same subjects, and under the paper's rule with the number of independent values that
      the controls' correlated ones are worth. By "sensitivity", which pins the share of this study, the limits of
      the sensitivity are as far as the error of the cut-off reaches in normal patients.
    - ppv, npv: of the cut-off that was found, at this prevalence; interval by MOVER from the two above (Donner and
      Zou, Stat Methods Med Res 2012;21:347).

    :param minimumSensitivity, prevalence: 0-1.
    :raises InputError: an unknown rule, summary or criterion, or a subject without a value.
    """
    if criterion not in CRITERIA:
        raise InputError(f"The cut-off's criterion is '{criterion}'; expected {' or '.join(CRITERIA)}; choose one.")
    entries = entriesByRule(valuesBySubject, isPatient, rule, summary)
    problem = entries.problem()
    if problem:
        return CutoffResult(*[notMeasurable(problem)] * 5)
    nPatients, nControls = len(entries.patients), int((~entries.isPatient).sum())
    weights = _weights(entries, rng, nPatients, nControls, resamples)
    sought = Criterion(criterion, minimumSensitivity, costRatio, prevalence)
    cutoffs, scale = _cutoffs(entries, weights, sought)
    if criterion == SENSITIVITY:
        cutoff, reach = _quantileEstimate(cutoffs, scale, entries.patients, weights[0], 1.0 - minimumSensitivity)
    else:
        cutoff = _crossingEstimate(cutoffs, scale, min(nPatients, nControls))
    hits = entries.patients >= cutoffs[:, None], entries.controls < cutoffs[:, None]
    inResample = [_share(h, w) for h, w in zip(hits, weights, strict=True)]
    apparent = [float(s[0]) for s in inResample]
    optimism = [float((s - h.mean(1))[1:].mean()) for s, h in zip(inResample, hits, strict=True)]
    corrected = [min(max(a - o, 0.0), 1.0) for a, o in zip(apparent, optimism, strict=True)]
    sensitivity = wilson(corrected[0], nPatients, _t(nPatients - 1))
    specificity = wilson(corrected[1], _effectiveSize(entries, cutoff.value), _t(nPatients + nControls - 2))
    if criterion == SENSITIVITY:
        low, high = reach
        sensitivity = replace(sensitivity, ciLow=min(low, corrected[0]), ciHigh=max(high, corrected[0]))
    return CutoffResult(
        cutoff,
        sensitivity,
        specificity,
        _predictiveValue(sensitivity, specificity, prevalence),
        _predictiveValue(specificity, sensitivity, 1.0 - prevalence),
        *apparent,
    )


def specificityAt(cutoff: float, values: np.ndarray) -> Estimate:
    """Share of the population of these subjects (one value each) that is below a given cut-off; Wilson's interval."""
    return _shareEstimate(np.asarray(values, float) < cutoff)


def sensitivityAt(cutoff: float, values: np.ndarray) -> Estimate:
    """Share of the population of these subjects (one value each) at or above a given cut-off; Wilson's interval."""
    return _shareEstimate(np.asarray(values, float) >= cutoff)


def wilson(share: float, n: float, z: float = Z) -> Estimate:
    """A share of n with the interval of Wilson, J Am Stat Assoc 1927;22:209; `share` x n need not be whole."""
    shrink = 1.0 / (1.0 + z**2 / n)
    center = shrink * (share + 0.5 * z**2 / n)
    half = shrink * z * math.sqrt(share * (1.0 - share) / n + 0.25 * z**2 / n**2)
    # A share of 0 or 1 is its own limit, which rounding may miss.
    return Estimate(share, max(center - half, 0.0) if share else 0.0, min(center + half, 1.0) if share < 1 else 1.0)


def _t(degrees: int) -> float:
    return float(stats.t.ppf(0.5 + 0.5 * LEVEL, degrees))


def _shareEstimate(hits: np.ndarray) -> Estimate:
    return wilson(float(hits.mean()), hits.size) if hits.size else notMeasurable("no subject")


def _share(hits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return (hits * weights).sum(1) / weights.sum(1)


def _weights(entries: Entries, rng, nPatients, nControls, resamples) -> tuple[np.ndarray, np.ndarray]:
    """(1 + resamples, n) of the patients' and of the controls' values; the first row is the study itself."""
    patients = np.vstack([np.ones(nPatients), resampleWeights(rng, nPatients, resamples)])
    controls = np.vstack([np.ones(nControls), resampleWeights(rng, nControls, resamples)])
    _, subject = np.unique(entries.controlOwners, return_inverse=True)
    return patients, controls[:, subject]


# The cut-off --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Scale:
    """Yeo-Johnson's power of values in units of `unit` (Yeo and Johnson, Biometrika 2000;87:954)."""

    unit: float
    power: np.ndarray | float

    def forward(self, values):
        x = values / self.unit
        positive = special.boxcox1p(np.maximum(x, 0.0), self.power)
        return np.where(x >= 0, positive, -special.boxcox1p(np.maximum(-x, 0.0), 2.0 - self.power))

    def back(self, values):
        with np.errstate(invalid="ignore"):
            positive = special.inv_boxcox1p(np.maximum(values, 0.0), self.power)
            negative = special.inv_boxcox1p(np.maximum(-values, 0.0), 2.0 - self.power)
        return self.unit * np.where(values >= 0, positive, -negative)


def _cutoffs(entries: Entries, weights, criterion: Criterion) -> tuple[np.ndarray, _Scale]:
    """(1 + resamples,) best cut-offs within the range of all values, and the scale of the study itself."""
    groups = entries.patients, entries.controls
    pooled = np.concatenate(groups)
    sizes = np.abs(pooled[pooled != 0])
    # Small against the values, so that the power 0 is nearly their logarithm.
    unit = 0.25 * float(np.quantile(sizes, 0.1))
    scales = _Scale(unit, POWERS[:, None])
    moments = []
    likelihood = np.zeros((len(weights[0]), len(POWERS)))
    for values, w in zip(groups, weights, strict=True):
        transformed, total = scales.forward(values).T, w.sum(1, keepdims=True)
        mean = w @ transformed / total
        center = transformed.mean(0)
        variance = np.maximum(w @ (transformed - center) ** 2 / total - (mean - center) ** 2, 0.0)
        # A resample of one subject only has no spread: a hundredth of the whole stands for it.
        variance = np.maximum(variance, 1e-4 * scales.forward(pooled).var(1))
        jacobian = w @ (np.sign(values) * np.log1p(np.abs(values) / unit))
        likelihood += (POWERS - 1.0) * jacobian[:, None] - 0.5 * total * np.log(variance)
        moments += [mean, np.sqrt(variance * total / (total - 1.0))]
    chosen = np.argmax(likelihood, axis=1)
    best = criterion.best(*(m[np.arange(len(m)), chosen] for m in moments))
    scale = _Scale(unit, POWERS[chosen])
    best = np.clip(best, scale.forward(pooled.min()), scale.forward(pooled.max()))
    return scale.back(best), _Scale(unit, float(POWERS[chosen[0]]))


def _crossingEstimate(cutoffs: np.ndarray, scale: _Scale, n: int) -> Estimate:
    """A t interval on the transformed scale; n: subjects of the smaller group."""
    transformed = scale.forward(cutoffs)
    # The bootstrap's variance is too small by (n - 1) / n.
    error = float(transformed[1:].std(ddof=1)) * math.sqrt(n / (n - 1.0))
    half = _t(n - 1) * error
    return _limits(cutoffs, scale, transformed[0] - half, transformed[0] + half)


def _quantileEstimate(
    cutoffs: np.ndarray, scale: _Scale, patients: np.ndarray, weights: np.ndarray, share: float
) -> tuple[Estimate, tuple[float, float]]:
    """Exact (noncentral t) limits of a normal quantile, stretched by what finding the power anew adds to its error; and
    the sensitivities of cut-offs that are too high and too low by as much as that error allows.
    """
    transformed, values, n = scale.forward(cutoffs), scale.forward(patients), len(patients)
    mean = _share(values, weights)
    variance = _share((values - values.mean()) ** 2, weights) - (mean - values.mean()) ** 2
    sd = np.sqrt(np.maximum(variance, 0.0) * n / (n - 1.0))
    normal = float(stats.norm.ppf(share))
    stretch = max(float(transformed[1:].std() / ((mean + normal * sd)[1:].std() or np.inf)), 1.0)
    stretch *= math.sqrt(n / (n - 1.0))
    exact = mean[0] - sd[0] / math.sqrt(n) * stats.nct.ppf(
        [0.5 + 0.5 * LEVEL, 0.5 - 0.5 * LEVEL], n - 1, -normal * math.sqrt(n)
    )
    estimate = _limits(cutoffs, scale, *(transformed[0] + stretch * (exact - transformed[0])))
    half = _t(n - 1) * float(transformed[1:].std(ddof=1)) * math.sqrt(n / (n - 1.0)) / (sd[0] or np.inf)
    low, high = stats.norm.cdf([-half - normal, half - normal])
    return estimate, (float(low), float(high))


def _limits(cutoffs: np.ndarray, scale: _Scale, low: float, high: float) -> Estimate:
    value = float(cutoffs[0])
    if cutoffs.min() == cutoffs.max():
        return Estimate(value, note="no interval: the groups have no spread")
    limits = scale.back(np.array([low, high]))
    low, high = (float(x) for x in np.where(np.isfinite(limits), limits, [-np.inf, np.inf]))
    note = "" if math.isfinite(low) and math.isfinite(high) else "interval open at one end"
    return Estimate(value, min(low, value), max(high, value), note=note)


# What it is worth ---------------------------------------------------------------------------------------------------


def _effectiveSize(entries: Entries, cutoff: float) -> float:
    """How many independent values the controls' are worth as shares below the cut-off; their number if each has one.

    Values / (1 + (mean size - 1) x intraclass correlation, by analysis of variance); all alike: the number of subjects.
    """
    counts = entries.counts[~entries.isPatient]
    n, k = int(counts.sum()), len(counts)
    if n == k:
        return float(n)
    below = (entries.controls < cutoff).astype(float)
    _, subject = np.unique(entries.controlOwners, return_inverse=True)
    means = np.bincount(subject, below) / counts
    between = float((counts * (means - below.mean()) ** 2).sum()) / (k - 1)
    within = float(((below - means[subject]) ** 2).sum()) / (n - k)
    size = float((counts**2).sum()) / n
    spread = between + ((n - size) / (k - 1) - 1.0) * within
    correlation = min(max((between - within) / spread, 0.0), 1.0) if spread else 1.0
    return n / (1.0 + (size - 1.0) * correlation)


def _predictiveValue(right: Estimate, other: Estimate, prevalence: float) -> Estimate:
    """Share of the truly so among those called so.

    :param right: share called so of those who are; other: share not called so of those who are not.
        prevalence: of those who are, 0-1.
    """
    odds = (1.0 - prevalence) / prevalence
    wrong = 1.0 - other.value
    if right.value == 0.0 and wrong == 0.0:
        return notMeasurable("nobody is called so")
    low, high = _ratioLimits((wrong, 1.0 - other.ciHigh, 1.0 - other.ciLow), (right.value, right.ciLow, right.ciHigh))
    value = right.value / (right.value + odds * wrong)
    return Estimate(value, 1.0 / (1.0 + odds * high), 1.0 / (1.0 + odds * low))


def _ratioLimits(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float]:
    """Limits of first / second from (value, low, high) of either; infinite where `second` may be 0."""
    a, aLow, aHigh = first
    b, bLow, bHigh = second
    lowFactor, highFactor = bHigh * (2.0 * b - bHigh), bLow * (2.0 * b - bLow)
    if lowFactor <= 0.0 or highFactor <= 0.0:
        return aLow / bHigh, aHigh / bLow if bLow > 0.0 else math.inf
    low = a * b - math.sqrt(max((a * b) ** 2 - aLow * (2.0 * a - aLow) * lowFactor, 0.0))
    high = a * b + math.sqrt(max((a * b) ** 2 - aHigh * (2.0 * a - aHigh) * highFactor, 0.0))
    return max(low / lowFactor, 0.0), high / highFactor
