"""Coverage of every interval of roc.py, and false-positive rates of its tests, in simulated studies of two sizes.

The sizes are those of the profile paper. A region's value is normal and correlated with its neighbors in the same
subject; the skewed values are the exponential of it, as skewed as the paper's SH/Thk. Areas and shares are the same for
both, and exact, by integration. As a script:

    python coverageRoc.py [runs]
"""

from __future__ import annotations

import logging
import sys
from collections import defaultdict
from dataclasses import dataclass, replace

import numpy as np
from ALSStudyLib.roc import (
    clusterBootstrapAuc,
    delong,
    delongPaired,
    mcnemar,
    permutationNull,
    rocBand,
    ruleScores,
    sensitivityAt,
    specificityAt,
    studyCutoff,
)
from scipy import stats

SIZES = ((27, 13), (19, 18))
RULES = ("symmetric", "paper")
CRITERIA = ("youden", "sensitivity", "cost")
MINIMUM_SENSITIVITY, COST_RATIO, PREVALENCE = 0.9, 2.0, 0.3
REGIONS, CORRELATION, SKEW = (2, 3, 4), 0.5, 0.6
SPECIFICITIES = np.array([0.6, 0.7, 0.8])
SHARES_CORRECT = 0.85, 0.70  # of two readers
RESAMPLES, SEED = 200, 20180101
LOW, HIGH = 0.92, 0.98
GRID = np.linspace(-8.0, 14.0, 11001)
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(61)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Population:
    """Regions of a patient are normal around `shift` with SD `spread`; those of a control are standard normal."""

    shift: float = 1.9
    spread: float = 1.3
    skewed: bool = False

    def draw(self, rng, sizes) -> tuple[list[np.ndarray], np.ndarray]:
        """Values by subject, isPatient."""
        isPatient = np.arange(sum(sizes)) < sizes[0]
        values = []
        for patient, count in zip(isPatient, rng.choice(REGIONS, isPatient.size), strict=True):
            own = np.sqrt(CORRELATION) * rng.normal() + np.sqrt(1.0 - CORRELATION) * rng.normal(size=count)
            values.append(self.measured(self.shift + self.spread * own if patient else own))
        return values, isPatient

    def measured(self, normal):
        return np.exp(SKEW * normal) if self.skewed else normal

    def normal(self, measured):
        return np.log(measured) / SKEW if self.skewed else measured

    def curve(self, rule: str) -> tuple[np.ndarray, np.ndarray]:
        """Sensitivity and specificity at each cut-off of GRID, on the normal scale."""
        controls = stats.norm.sf(GRID) if rule == "paper" else greatestAbove(GRID)
        return greatestAbove((GRID - self.shift) / self.spread), 1.0 - controls


def greatestAbove(cutoffs: np.ndarray) -> np.ndarray:
    """Share of subjects whose greatest standard value is above each cut-off."""
    common = np.sqrt(CORRELATION) * NODES
    below = stats.norm.cdf((cutoffs[:, None] - common) / np.sqrt(1.0 - CORRELATION))
    return 1.0 - np.mean([(below**k) @ WEIGHTS for k in REGIONS], axis=0) / WEIGHTS.sum()


def areaUnder(curve) -> float:
    sensitivity, specificity = curve
    return float((0.5 * (sensitivity[1:] + sensitivity[:-1]) * np.diff(specificity)).sum())


def bestCutoff(curve, criterion: str) -> float:
    """The population's, on the normal scale."""
    sensitivity, specificity = curve
    if criterion == "sensitivity":
        return float(np.interp(-MINIMUM_SENSITIVITY, -sensitivity, GRID))
    sick, well = (PREVALENCE * COST_RATIO, 1.0 - PREVALENCE) if criterion == "cost" else (1.0, 1.0)
    return float(GRID[np.argmax(sick * sensitivity + well * specificity)])


class Tally:
    """How often an interval held the truth. An interval that could not be given counts as one that did not."""

    def __init__(self, name: str):
        self.name = name
        self.hits = defaultdict(list)

    def add(self, interval: str, estimate, truth: float):
        self.hits[f"{interval}, {self.name}"].append(estimate.ciLow <= truth <= estimate.ciHigh)

    def coverages(self) -> dict[str, float]:
        return {key: float(np.mean(hits)) for key, hits in self.hits.items()}


def coverages(runs: int = 500, seed: int = SEED, population: Population = Population()) -> dict[str, float]:
    """Share of simulated studies in which each 95 % interval holds the truth, by interval, group sizes and shape."""
    found = {}
    for sizes in SIZES:
        for skewed in (False, True):
            name = f"{sizes[0]} v {sizes[1]}, {'skewed' if skewed else 'normal'}"
            tally = Tally(name)
            _simulate(tally, replace(population, skewed=skewed), sizes, runs, np.random.default_rng(seed))
            found |= tally.coverages()
    return found


def _simulate(tally, population, sizes, runs, rng):
    curves = {rule: population.curve(rule) for rule in RULES}
    areas = {rule: areaUnder(curve) for rule, curve in curves.items()}
    fixed = bestCutoff(curves["symmetric"], "youden")
    for _ in range(runs):
        values, isPatient = population.draw(rng, sizes)
        patients, controls, _, _ = ruleScores(values, isPatient, "symmetric", "greatest")
        tally.add("AUC, DeLong", delong(patients, controls), areas["symmetric"])
        for rule, curve in curves.items():
            area = clusterBootstrapAuc(values, isPatient, rule, "greatest", rng, RESAMPLES)
            tally.add(f"AUC, cluster bootstrap, {rule}", area, areas[rule])
            for criterion in CRITERIA:
                _addCutoff(tally, population, curve, values, isPatient, rule, criterion, rng)
        # A cut-off from elsewhere, never the same: at one share alone, the coverage of so few subjects goes in steps.
        given = fixed + rng.uniform(-0.5, 0.5)
        sensitivity, specificity = (float(np.interp(given, GRID, share)) for share in curves["symmetric"])
        tally.add("sensitivityAt", sensitivityAt(population.measured(given), patients), sensitivity)
        tally.add("specificityAt", specificityAt(population.measured(given), controls), specificity)
        band = zip(*rocBand(patients, controls, rng, RESAMPLES, SPECIFICITIES), SPECIFICITIES, strict=True)
        for low, high, at in band:
            truth = float(np.interp(at, curves["symmetric"][1], curves["symmetric"][0]))
            tally.hits[f"ROC band at {at:g}, {tally.name}"].append(low <= truth <= high)
        if not population.skewed:  # the two below do not depend on the shape
            _addPaired(tally, sizes, rng)


def _addCutoff(tally, population, curve, values, isPatient, rule, criterion, rng):
    found = studyCutoff(
        values, isPatient, rule, "greatest", criterion, MINIMUM_SENSITIVITY, COST_RATIO, PREVALENCE, rng, RESAMPLES
    )
    cutoff = population.normal(found.cutoff.value)
    sensitivity, specificity = (float(np.interp(cutoff, GRID, share)) for share in curve)
    called = PREVALENCE * sensitivity, (1.0 - PREVALENCE) * specificity
    name = f"{rule}, {criterion}"
    tally.add(f"cut-off, {name}", found.cutoff, population.measured(bestCutoff(curve, criterion)))
    tally.add(f"sensitivity, {name}", found.sensitivity, sensitivity)
    tally.add(f"specificity, {name}", found.specificity, specificity)
    tally.add(f"PPV, {name}", found.ppv, called[0] / (called[0] + (1.0 - PREVALENCE) * (1.0 - specificity)))
    tally.add(f"NPV, {name}", found.npv, called[1] / (called[1] + PREVALENCE * (1.0 - sensitivity)))


def _addPaired(tally, sizes, rng):
    """Two markers, and two readers, on the same subjects."""
    shifts = np.array([1.7, 1.2])
    patients, controls = (rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], n) for n in sizes)
    patients = patients + shifts
    truth = float(np.diff(-stats.norm.cdf(shifts / np.sqrt(2.0)))[0])
    paired = delongPaired(patients[:, 0], controls[:, 0], patients[:, 1], controls[:, 1])
    tally.add("difference of AUCs, paired DeLong", paired, truth)
    correct = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], sum(sizes)) < stats.norm.ppf(SHARES_CORRECT)
    tally.add("difference, McNemar", mcnemar(*correct.T), SHARES_CORRECT[0] - SHARES_CORRECT[1])


def falsePositiveRates(runs: int = 500, seed: int = SEED, permutations: int = 400) -> dict[str, float]:
    """Share of studies without any disease that each test calls significant at 5 %."""
    nothing, found = Population(shift=0.0, spread=1.0), {}
    for sizes in SIZES:
        rng = np.random.default_rng(seed)
        called = defaultdict(list)
        for _ in range(runs):
            values, isPatient = nothing.draw(rng, sizes)
            for rule in RULES:
                patients, controls, _, _ = ruleScores(values, isPatient, rule, "greatest")
                null = permutationNull(values, isPatient, rule, "greatest", rng, permutations)
                called[f"{rule} rule, DeLong p"].append(delong(patients, controls).p < 0.05)
                called[f"{rule} rule, permutation p"].append(null.p < 0.05)
        found |= {f"{key}, {sizes[0]} v {sizes[1]}": float(np.mean(hits)) for key, hits in called.items()}
    return found


def main(runs: int) -> None:
    found = coverages(runs)
    for key, coverage in found.items():
        logger.info("%-58s %.3f%s", key, coverage, "" if LOW <= coverage <= HIGH else "  OUTSIDE")
    logger.info("%d intervals, %.3f to %.3f", len(found), min(found.values()), max(found.values()))
    for key, rate in falsePositiveRates(runs).items():
        logger.info("false positives at 5 %%: %-42s %.3f", key, rate)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
