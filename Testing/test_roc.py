"""Areas, tests and intervals against published results, against scipy and statsmodels, and against known truths."""

import time
import unittest
import warnings

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.roc import (
    auc,
    clusterBootstrapAuc,
    delong,
    delongPaired,
    mcnemar,
    permutationNull,
    rocBand,
    rocCurve,
    ruleScores,
    sensitivityAt,
    specificityAt,
    studyCutoff,
)
from ALSStudyLib.rocCutoff import CRITERIA, Criterion
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodelsMcnemar
from statsmodels.stats.proportion import proportion_confint

# DeLong, DeLong and Clarke-Pearson, Biometrics 1988;44:837: albumin, total protein, K-G score, benefit from surgery, as
# printed, complete records, in SAS/STAT User's Guide, The LOGISTIC Procedure, "Comparing Receiver Operating
# Characteristic Curves", with the results below. A low K-G score is the better one.
OVARIAN = """
3.0 5.8 10 0  3.2 6.3 5 1  3.9 6.8 3 1  2.8 4.8 6 0  3.2 5.8 3 1  0.9 4.0 5 0  2.5 5.7 8 0  1.6 5.6 5 1  3.8 5.7 5 1
3.7 6.7 6 1  3.2 5.4 4 1  3.8 6.6 6 1  4.1 6.6 5 1  3.6 5.7 5 1  4.3 7.0 4 1  3.6 6.7 4 0  2.3 4.4 6 1  4.2 7.6 4 0
4.0 6.6 6 0  3.5 5.8 6 1  3.8 6.8 7 1  3.0 4.7 8 0  4.5 7.4 5 1  3.7 7.4 5 1  3.1 6.6 6 1  4.1 8.2 6 1  4.3 7.0 5 1
4.3 6.5 4 1  3.2 5.1 5 1  2.6 4.7 6 1  3.3 6.8 6 0  1.7 4.0 7 0  3.7 6.1 5 1  3.3 6.3 7 1  4.2 7.7 6 1  3.5 6.2 5 1
2.9 5.7 9 0  2.1 4.8 7 1  2.8 6.2 8 0  4.0 7.0 7 1  3.3 5.7 6 1  3.7 6.9 5 1  3.6 6.6 5 1
"""
# marker: area, standard error; and the difference from the K-G score with its 95 % limits.
PRINTED_AREAS = {"albumin": (0.7366, 0.0927), "protein": (0.6478, 0.1000), "score": (0.7258, 0.1028)}
PRINTED_DIFFERENCES = {"albumin": (0.0108, -0.1761, 0.1976), "protein": (-0.0780, -0.2830, 0.1271)}
DELTA = 5.1e-5  # four printed digits
RULES = ("paper", "symmetric")


def ovarian():
    """(patients, controls) of each marker."""
    table = np.array(OVARIAN.split(), float).reshape(-1, 4) * [1, 1, -1, 1]
    benefits = table[:, 3] == 1
    return {name: (table[benefits, i], table[~benefits, i]) for i, name in enumerate(("albumin", "protein", "score"))}


def logit(share):
    return np.log(share / (1 - share))


def study(rng, nPatients=27, nControls=13, regions=4, shift=1.5):
    """Values by subject and isPatient; regions correlated by half."""
    isPatient = np.arange(nPatients + nControls) < nPatients
    own = rng.normal(size=(isPatient.size, 1)) + rng.normal(size=(isPatient.size, regions))
    return list(own / np.sqrt(2) + shift * isPatient[:, None]), isPatient


def cutoffOf(values, isPatient, rule="symmetric", criterion="youden", minimum=0.9, ratio=1.0, prevalence=0.5, seed=1):
    rng = np.random.default_rng(seed)
    return studyCutoff(values, isPatient, rule, "greatest", criterion, minimum, ratio, prevalence, rng, 300)


class AreaTest(unittest.TestCase):
    def testPublishedAreasAndStandardErrors(self):
        for name, (area, error) in PRINTED_AREAS.items():
            with self.subTest(marker=name):
                estimate = delong(*ovarian()[name])
                self.assertAlmostEqual(estimate.value, area, delta=DELTA)
                # The interval is symmetric on the logit scale, where the error is divided by area x (1 - area).
                half = 0.5 * (logit(estimate.ciHigh) - logit(estimate.ciLow)) / stats.norm.ppf(0.975)
                self.assertAlmostEqual(half * estimate.value * (1 - estimate.value), error, delta=DELTA)
                self.assertAlmostEqual(2 * stats.norm.sf(abs(estimate.statistic)), estimate.p, delta=1e-12)

    def testPublishedPairedDifferences(self):
        markers = ovarian()
        for name, (value, low, high) in PRINTED_DIFFERENCES.items():
            with self.subTest(marker=name):
                estimate = delongPaired(*markers[name], *markers["score"])
                self.assertAlmostEqual(estimate.value, value, delta=DELTA)
                self.assertAlmostEqual(estimate.ciLow, low, delta=DELTA)
                self.assertAlmostEqual(estimate.ciHigh, high, delta=DELTA)

    def testAreaIsMannWhitneysAndTheCurves(self):
        rng = np.random.default_rng(3)
        patients, controls = rng.integers(2, 9, 27).astype(float), rng.integers(0, 6, 13).astype(float)
        u = stats.mannwhitneyu(patients, controls).statistic
        self.assertAlmostEqual(auc(patients, controls), u / (27 * 13), delta=1e-12)
        curve = rocCurve(patients, controls)
        x, y = 1 - curve.specificity, curve.sensitivity
        self.assertAlmostEqual(float((0.5 * (y[1:] + y[:-1]) * np.diff(x)).sum()), u / (27 * 13), delta=1e-12)
        self.assertEqual((x[0], y[0], x[-1], y[-1]), (0, 0, 1, 1))
        i = int(np.flatnonzero(curve.cutoffs == 5.0)[0])
        self.assertAlmostEqual(curve.sensitivity[i], np.mean(patients >= 5), delta=1e-12)
        self.assertAlmostEqual(curve.specificity[i], np.mean(controls < 5), delta=1e-12)

    def testSeparatedGroupsHaveAnExactBound(self):
        estimate = delong(np.arange(10.0, 15), np.arange(4.0))
        # Four independent pairs, all won: Clopper and Pearson's lower limit.
        self.assertAlmostEqual(estimate.ciLow, stats.binomtest(4, 4).proportion_ci().low, delta=1e-9)
        self.assertEqual((estimate.value, estimate.ciHigh), (1.0, 1.0))
        self.assertAlmostEqual(
            estimate.p, stats.mannwhitneyu(range(10, 15), range(4), method="exact").pvalue, delta=1e-12
        )
        self.assertIn("do not overlap", estimate.note)
        self.assertEqual(delong(np.arange(4.0), np.arange(10.0, 15)).ciLow, 0.0)

    def testBandHoldsTheCurveAndNarrowsWithSubjects(self):
        rng, grid = np.random.default_rng(4), np.array([0.5, 0.7, 0.9])
        widths = []
        for n in (20, 500):
            patients, controls = rng.normal(1.5, 1, n), rng.normal(0, 1, n)
            low, high = rocBand(patients, controls, rng, 300, grid)
            truth = stats.norm.sf(stats.norm.ppf(grid) - 1.5)
            self.assertTrue(np.all((low < truth) & (truth < high)), (low, truth, high))
            widths.append(high - low)
        self.assertTrue(np.all(widths[1] < 0.5 * widths[0]))


class RulesTest(unittest.TestCase):
    values = (np.array([1.0, 4.0]), np.array([2.0]), np.array([3.0, 0.5, 2.5]), np.array([1.0, 1.5]))
    isPatient = np.array([True, True, False, False])

    def testWhoEntersWithWhat(self):
        expected = {
            ("paper", "mean"): ([4, 2], [3, 0.5, 2.5, 1, 1.5], [2, 2, 2, 3, 3]),
            ("symmetric", "greatest"): ([4, 2], [3, 1.5], [2, 3]),
            ("symmetric", "mean"): ([2.5, 2], [2, 1.25], [2, 3]),
        }
        for (rule, summary), (patients, controls, owners) in expected.items():
            with self.subTest(rule=rule, summary=summary):
                found = ruleScores(self.values, self.isPatient, rule, summary)
                for a, b in zip(found, (patients, controls, [0, 1], owners), strict=True):
                    np.testing.assert_allclose(a, b)
                area = clusterBootstrapAuc(self.values, self.isPatient, rule, summary, np.random.default_rng(1), 50)
                self.assertAlmostEqual(area.value, auc(patients, controls), delta=1e-12)
                null = permutationNull(self.values, self.isPatient, rule, summary, np.random.default_rng(1), 50)
                self.assertAlmostEqual(null.auc, auc(patients, controls), delta=1e-12)

    def testUnusableInputIsOneSentence(self):
        for values, rule, summary in (
            (self.values, "other", "greatest"),
            (self.values, "paper", "median"),
            (self.values[:3], "paper", "mean"),
            ((*self.values[:3], np.array([])), "paper", "mean"),
            ((*self.values[:3], np.array([np.nan])), "paper", "mean"),
        ):
            with self.subTest(rule=rule, summary=summary), self.assertRaisesRegex(InputError, "expected"):
                ruleScores(values, self.isPatient, rule, summary)
        with self.assertRaisesRegex(InputError, "criterion"):
            cutoffOf(self.values, self.isPatient, criterion="best")

    def testClusterBootstrapKeepsTheRegionsOfASubjectTogether(self):
        rng = np.random.default_rng(5)
        values, isPatient = study(rng, regions=1)
        once = clusterBootstrapAuc(values, isPatient, "paper", "greatest", np.random.default_rng(6), 2000)
        fourTimes = [np.repeat(v, 4) for v in values]
        four = clusterBootstrapAuc(fourTimes, isPatient, "paper", "greatest", np.random.default_rng(6), 2000)
        self.assertEqual((once.ciLow, once.ciHigh), (four.ciLow, four.ciHigh))
        plain = delong(np.concatenate(values)[isPatient], np.concatenate(values)[~isPatient])
        self.assertAlmostEqual(once.ciLow, plain.ciLow, delta=0.03)


class NullTest(unittest.TestCase):
    """METHODS.md: with no disease the paper's rule gives 0.67 for two regions, 0.80 for four."""

    def testNullOfTheRules(self):
        rng = np.random.default_rng(7)
        for regions, mean in ((2, 2 / 3), (4, 4 / 5)):
            values = list(rng.normal(size=(120, regions)))  # independent regions, for which these are exact
            isPatient = np.arange(120) < 60
            null = permutationNull(values, isPatient, "paper", "greatest", rng, 400)
            self.assertAlmostEqual(null.mean, mean, delta=0.02)
            self.assertIn("favors", null.note)
            symmetric = permutationNull(values, isPatient, "symmetric", "greatest", rng, 400)
            self.assertAlmostEqual(symmetric.mean, 0.5, delta=0.01)
            self.assertTrue(symmetric.low < 0.5 < symmetric.high)

    def testPIsMannWhitneys(self):
        rng = np.random.default_rng(8)
        values, isPatient = study(rng, 12, 9, regions=1, shift=0.8)
        null = permutationNull(values, isPatient, "symmetric", "greatest", rng, 20000)
        flat = np.concatenate(values)
        p = stats.mannwhitneyu(flat[isPatient], flat[~isPatient], alternative="greater", method="exact").pvalue
        self.assertAlmostEqual(null.p, p, delta=4 * np.sqrt(p / 20000))

    def testPIsNeverZeroAndFast(self):
        values, isPatient = study(np.random.default_rng(9), 30, 20, shift=9.0)
        start = time.perf_counter()
        null = permutationNull(values, isPatient, "paper", "greatest", np.random.default_rng(1), 1000)
        self.assertLess(time.perf_counter() - start, 1.0)
        self.assertAlmostEqual(null.p, 1 / 1001, delta=1e-12)

    def testFalsePositives(self):
        """At 5 %, without disease: the symmetric rule keeps it, the paper's does not, its own null does."""
        rng, found = np.random.default_rng(10), {rule: [] for rule in RULES}
        for _ in range(200):
            values, isPatient = study(rng, shift=0.0)
            for rule in RULES:
                patients, controls, _, _ = ruleScores(values, isPatient, rule)
                null = permutationNull(values, isPatient, rule, "greatest", rng, 200)
                found[rule].append((delong(patients, controls).p < 0.05, null.p < 0.05))
        (paperDelong, paperNull), (delongRate, nullRate) = (np.mean(found[rule], 0) for rule in RULES)
        self.assertGreater(paperDelong, 0.4)
        for rate in (paperNull, delongRate, nullRate):
            self.assertLess(rate, 0.11)


class CutoffTest(unittest.TestCase):
    def testCriterionFindsTheBestOfNormalGroups(self):
        grid = np.linspace(-3, 8, 110001)
        groups = (2.0, 1.4, 0.3, 0.8)
        below = stats.norm.cdf(grid, 2.0, 1.4), stats.norm.cdf(grid, 0.3, 0.8)
        for criterion, loss in (
            (Criterion("youden"), below[0] - below[1]),
            (Criterion("cost", costRatio=4, prevalence=0.3), 0.3 * 4 * below[0] + 0.7 * (1 - below[1])),
            (Criterion("sensitivity", 0.85), np.where(below[0] <= 0.15, -grid, np.inf)),
        ):
            with self.subTest(criterion=criterion.kind):
                best = criterion.best(*(np.array([g]) for g in groups))[0]
                self.assertAlmostEqual(best, grid[np.argmin(loss)], delta=2e-4)
        same = Criterion("youden").best(np.array([2.0]), np.array([1.0]), np.array([0.0]), np.array([1.0]))
        self.assertAlmostEqual(same[0], 1.0, delta=1e-12)

    def testFindsThePopulationsCutoffAndShares(self):
        for power in (None, 0.6):  # normal and skewed
            values, isPatient = study(np.random.default_rng(11), 1500, 1500, regions=1, shift=2.0)
            values = values if power is None else [np.exp(power * v) for v in values]
            for criterion, truth in (("youden", 1.0), ("sensitivity", 2 - stats.norm.ppf(0.9))):
                with self.subTest(power=power, criterion=criterion):
                    found = cutoffOf(values, isPatient, criterion=criterion, prevalence=0.2)
                    cutoff = found.cutoff.value if power is None else np.log(found.cutoff.value) / power
                    self.assertAlmostEqual(cutoff, truth, delta=0.12)
                    sensitivity, specificity = stats.norm.sf(cutoff - 2), stats.norm.cdf(cutoff)
                    self.assertAlmostEqual(found.sensitivity.value, sensitivity, delta=0.03)
                    self.assertAlmostEqual(found.specificity.value, specificity, delta=0.03)
                    ppv = 0.2 * sensitivity / (0.2 * sensitivity + 0.8 * (1 - specificity))
                    npv = 0.8 * specificity / (0.8 * specificity + 0.2 * (1 - sensitivity))
                    for estimate, expected in ((found.ppv, ppv), (found.npv, npv)):
                        self.assertAlmostEqual(estimate.value, expected, delta=0.05)
                        self.assertTrue(estimate.ciLow < estimate.value < estimate.ciHigh)

    def testOptimismIsTakenAway(self):
        """On average the corrected shares are those in new subjects; the apparent ones are better."""
        rng, apparent, corrected, truth = np.random.default_rng(12), [], [], []
        for _ in range(150):
            values, isPatient = study(rng, 12, 12, regions=1, shift=1.0)
            found = cutoffOf(values, isPatient, seed=int(rng.integers(1e6)))
            apparent.append(found.apparentSensitivity + found.apparentSpecificity)
            corrected.append(found.sensitivity.value + found.specificity.value)
            truth.append(stats.norm.sf(found.cutoff.value - 1) + stats.norm.cdf(found.cutoff.value))
        self.assertGreater(np.mean(apparent) - np.mean(truth), 0.02)
        self.assertLess(abs(np.mean(corrected) - np.mean(truth)), 0.6 * (np.mean(apparent) - np.mean(truth)))

    def testCostMovesTheCutoff(self):
        values, isPatient = study(np.random.default_rng(13))
        cutoffs = [cutoffOf(values, isPatient, criterion="cost", ratio=ratio).cutoff.value for ratio in (0.3, 1, 5)]
        self.assertTrue(cutoffs[0] > cutoffs[1] > cutoffs[2])
        self.assertEqual(cutoffs[1], cutoffOf(values, isPatient).cutoff.value)  # equal costs, half of them sick

    def testIntervalsHoldTheirValueAndTheSeedRepeats(self):
        values, isPatient = study(np.random.default_rng(14))
        for rule in RULES:
            for criterion in CRITERIA:
                found = cutoffOf(values, isPatient, rule, criterion)
                self.assertEqual(found, cutoffOf(values, isPatient, rule, criterion))
                for name in ("cutoff", "sensitivity", "specificity", "ppv", "npv"):
                    with self.subTest(rule=rule, criterion=criterion, name=name):
                        estimate = getattr(found, name)
                        self.assertTrue(estimate.ciLow < estimate.value < estimate.ciHigh, estimate)

    def testUnitsDoNotMatter(self):
        values, isPatient = study(np.random.default_rng(15))
        one, thousand = (cutoffOf([k * v for v in values], isPatient).cutoff for k in (1, 1000))
        self.assertAlmostEqual(thousand.value, 1000 * one.value, delta=1e-6)
        self.assertAlmostEqual(thousand.ciHigh, 1000 * one.ciHigh, delta=1e-6)


class SharesTest(unittest.TestCase):
    def testWilson(self):
        values = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
        for function, count, cutoff in ((specificityAt, 11, 12.0), (sensitivityAt, 2, 12.0), (specificityAt, 13, 99.0)):
            estimate = function(cutoff, values)
            low, high = proportion_confint(count, 13, method="wilson")
            self.assertAlmostEqual(estimate.value, count / 13, delta=1e-12)
            self.assertAlmostEqual(estimate.ciLow, low, delta=1e-9)
            self.assertAlmostEqual(estimate.ciHigh, high, delta=1e-9)

    def testMcnemar(self):
        first = np.array([True] * 30 + [False] * 10)
        second = np.array([True] * 18 + [False] * 12 + [True] * 3 + [False] * 7)
        estimate = mcnemar(first, second)
        self.assertAlmostEqual(estimate.p, statsmodelsMcnemar([[18, 12], [3, 7]], exact=True).pvalue, delta=1e-12)
        self.assertAlmostEqual(estimate.value, 9 / 40, delta=1e-12)
        self.assertTrue(0 < estimate.ciLow < 9 / 40 < estimate.ciHigh)
        self.assertAlmostEqual(mcnemar(second, first).ciHigh, -estimate.ciLow, delta=1e-12)
        self.assertEqual(mcnemar(first, first).p, 1.0)


class DegenerateTest(unittest.TestCase):
    """Never an exception, never a warning: NaN and why."""

    def setUp(self):
        self.rng = np.random.default_rng(1)
        catcher = warnings.catch_warnings()
        catcher.__enter__()
        self.addCleanup(catcher.__exit__, None, None, None)
        warnings.simplefilter("error")

    def testOneSubjectOrNoSpreadIsNotMeasurable(self):
        for values, nPatients in (
            ([np.array([1.0, 2.0])] * 6, 1),
            ([np.array([1.0])] * 6, 0),
            ([np.array([3.0, 3.0])] * 6, 3),
            ([np.zeros(2)] * 6, 3),
        ):
            isPatient = np.arange(6) < nPatients
            for rule in RULES:
                with self.subTest(values=values[0], nPatients=nPatients, rule=rule):
                    patients, controls, _, _ = ruleScores(values, isPatient, rule)
                    cutoff = cutoffOf(values, isPatient, rule)
                    for estimate in (
                        clusterBootstrapAuc(values, isPatient, rule, "greatest", self.rng, 50),
                        delong(patients, controls[: 6 - nPatients]),
                        delongPaired(patients, controls, patients, controls),
                        *(cutoff.cutoff, cutoff.sensitivity, cutoff.specificity, cutoff.ppv, cutoff.npv),
                    ):
                        self.assertTrue(np.isnan([estimate.value, estimate.ciLow, estimate.ciHigh]).all())
                        self.assertTrue(estimate.note)
                    null = permutationNull(values, isPatient, rule, "greatest", self.rng, 50)
                    self.assertTrue(np.isnan(null.p) and null.note)
                    self.assertTrue(np.isnan(cutoff.apparentSensitivity))
        self.assertTrue(np.isnan(auc([], [1.0])))
        self.assertTrue(np.isnan(rocBand([1.0], [2.0, 3.0], self.rng, 50, np.array([0.5]))).all())
        self.assertTrue(np.isnan(specificityAt(1.0, []).value))
        self.assertTrue(np.isnan(mcnemar([], []).value))

    def testOddButMeasurable(self):
        isPatient = np.arange(8) < 4
        odd = {
            "separated": [np.array([5.0 + i, 6.0]) for i in range(4)] + [np.array([0.1 * i]) for i in range(4)],
            "reversed": [np.array([0.1 * i]) for i in range(4)] + [np.array([5.0 + i, 6.0]) for i in range(4)],
            "constant groups": [np.array([2.0])] * 4 + [np.array([1.0, 1.0])] * 4,
            "mostly zero": [np.array([x]) for x in (0.0, 3, 4, 0, 0, 0, 0)] + [np.array([0.0, 0.1])],
            "large": [np.array([1e8 + 3 * i]) for i in range(4)] + [np.array([1e8 - i]) for i in range(4)],
        }
        for name, values in odd.items():
            for rule in RULES:
                patients, controls, _, _ = ruleScores(values, isPatient, rule)
                area = clusterBootstrapAuc(values, isPatient, rule, "greatest", self.rng, 100)
                for criterion in CRITERIA:
                    with self.subTest(name=name, rule=rule, criterion=criterion):
                        self.assertTrue(area.ciLow <= area.value <= area.ciHigh)
                        found = cutoffOf(values, isPatient, rule, criterion)
                        lowest, highest = min(v.min() for v in values), max(v.max() for v in values)
                        self.assertTrue(lowest - 1e-6 <= found.cutoff.value <= highest + 1e-6)
                        self.assertEqual(found.apparentSensitivity, np.mean(patients >= found.cutoff.value))
                        self.assertEqual(found.apparentSpecificity, np.mean(controls < found.cutoff.value))
                        for estimate in (found.sensitivity, found.specificity):
                            self.assertTrue(0 <= estimate.ciLow <= estimate.value <= estimate.ciHigh <= 1)


if __name__ == "__main__":
    unittest.main()
