"""Tests between groups: equal to scipy and statsmodels called directly, and to published examples."""

import unittest

import numpy as np
import statsmodels.api as sm
from ALSStudyLib import groupComparison as tests
from ALSStudyLib.correlation import clusteredSpearman, spearman
from scipy import stats
from statsmodels.stats.multitest import multipletests


class GroupComparisonTest(unittest.TestCase):
    def setUp(self):
        rng = np.random.default_rng(3)
        self.als, self.control = rng.normal(0.11, 0.09, 27), rng.normal(0.03, 0.02, 13)
        self.mimic = rng.normal(0.05, 0.03, 10)

    def testTwoGroupsAreScipys(self):
        found, known = tests.mannWhitney(self.als, self.control), stats.mannwhitneyu(self.als, self.control)
        self.assertEqual((found.p, found.statistic), (known.pvalue, known.statistic))
        self.assertAlmostEqual(found.value, 2.0 * known.statistic / (27 * 13) - 1.0)
        found, known = tests.welchT(self.als, self.control), stats.ttest_ind(self.als, self.control, equal_var=False)
        self.assertEqual((found.p, found.statistic), (known.pvalue, known.statistic))
        frame = sm.stats.CompareMeans(sm.stats.DescrStatsW(self.als), sm.stats.DescrStatsW(self.control))
        low, high = frame.tconfint_diff(usevar="unequal")
        np.testing.assert_allclose((found.ciLow, found.ciHigh), (low, high))

    def testSeveralGroupsAreScipys(self):
        groups = [self.als, self.control, self.mimic]
        found, known = tests.anova(groups), stats.f_oneway(*groups)
        self.assertEqual((found.p, found.statistic), (known.pvalue, known.statistic))
        self.assertLess(found.ciLow, found.value)
        self.assertGreater(found.ciHigh, found.value)
        self.assertEqual(tests.levene(groups).p, stats.levene(*groups).pvalue)
        self.assertEqual(tests.shapiro(self.als).p, stats.shapiro(self.als).pvalue)

    def testEtaSquaredIntervalIsOfTheNoncentralF(self):
        found = tests.anova([self.als, self.control, self.mimic])
        n, df = 50, (2, 47)
        for limit, tail in ((found.ciLow, 0.975), (found.ciHigh, 0.025)):
            noncentrality = n * limit / (1.0 - limit)
            self.assertAlmostEqual(stats.ncf.cdf(found.statistic, *df, noncentrality), tail, places=6)

    def testPairsAreScipys(self):
        other = self.als + np.random.default_rng(4).normal(0.01, 0.03, 27)
        found, known = tests.pairedT(other, self.als), stats.ttest_rel(other, self.als)
        self.assertEqual((found.p, found.statistic), (known.pvalue, known.statistic))
        found, known = tests.wilcoxon(other, self.als), stats.wilcoxon(other, self.als)
        self.assertEqual((found.p, found.statistic), (known.pvalue, known.statistic))

    def testHodgesLehmannIntervalIsTheTestsInversion(self):
        difference = np.array([1.1, 2.2, -0.7, 3.9, 0.4, 1.8, 2.6, -1.5, 0.9, 3.1])
        found = tests.wilcoxon(difference, np.zeros(10))
        # Just inside each limit the shift is accepted at 5 %, just outside it is rejected.
        for limit, inside in ((found.ciLow, 1e-6), (found.ciHigh, -1e-6)):
            self.assertGreaterEqual(stats.wilcoxon(difference - (limit + inside)).pvalue, 0.05)
            self.assertLess(stats.wilcoxon(difference - (limit - inside)).pvalue, 0.05)

    def testFriedmanAndKendallsW(self):
        table = np.random.default_rng(5).normal(size=(12, 4)) + [0.0, 0.5, 1.0, 1.5]
        found, known = tests.friedman(table), stats.friedmanchisquare(*table.T)
        self.assertEqual((found.p, found.statistic), (known.pvalue, known.statistic))
        self.assertAlmostEqual(tests.friedman(np.tile([1.0, 2.0, 3.0], (5, 1))).value, 1.0)

    def testHolmIsStatsmodels(self):
        p = [0.01, np.nan, 0.04, 0.03, 0.2, 0.01]
        known = multipletests([value for value in p if np.isfinite(value)], method="holm")[1]
        found = tests.holm(p)
        np.testing.assert_allclose(found[np.isfinite(found)], known)
        self.assertTrue(np.isnan(found[1]))

    def testStandardizedDifferenceIsBonettsExample(self):
        # R package statpsych, ci.stdmean2(.05, 35.1, 26.7, 7.32, 6.98, 30, 30): 1.159240 (0.6170771 to 1.731909).
        found = tests.standardizedFromSummary((35.1, 7.32, 30), (26.7, 6.98, 30))
        np.testing.assert_allclose((found.value, found.ciLow, found.ciHigh), (1.159240, 0.6170771, 1.731909), rtol=1e-6)

    def testWhatThePhasePapersOwnNumbersGive(self):
        # Liu et al. 2021 print F = 16.859 for the precentral gyrus and "no difference" for the caudate nucleus.
        self.assertAlmostEqual(
            tests.anovaFromSummary((-0.176, 0.050, 20), (-0.119, 0.016, 19)).statistic, 22.5, places=1
        )
        caudate = (-0.065, 0.016, 20), (-0.079, 0.018, 19)
        self.assertAlmostEqual(tests.anovaFromSummary(*caudate).p, 0.014, places=3)
        self.assertAlmostEqual(tests.welchFromSummary(*caudate).p, 0.014, places=2)

    def testFromSummaryIsFromValues(self):
        summaries = [(values.mean(), values.std(ddof=1), len(values)) for values in (self.als, self.control)]
        self.assertAlmostEqual(
            tests.anovaFromSummary(*summaries).statistic, tests.anova([self.als, self.control]).statistic
        )
        self.assertAlmostEqual(tests.welchFromSummary(*summaries).p, tests.welchT(self.als, self.control).p)

    def testTooFewOrAllEqualHasNoNumber(self):
        one, equal = np.array([0.1]), np.full(5, 0.2)
        for test in (tests.mannWhitney, tests.welchT, tests.standardizedDifference):
            self.assertIn("1 subject", test(self.als, one).note)
            self.assertTrue(np.isnan(test(self.als, one).p))
            self.assertEqual(test(equal, equal).note, "all values are equal")
        self.assertTrue(np.isnan(tests.welchT(equal, equal + 1.0).p))
        self.assertIn("pairs", tests.pairedT(one, one).note)
        self.assertIn("zero", tests.wilcoxon(equal, equal).note)
        self.assertIn("equal", tests.friedman(np.ones((4, 4))).note)
        self.assertIn("no group varies", tests.anova([equal, equal + 1.0]).note)


class CorrelationTest(unittest.TestCase):
    def testRhoAndPAreScipys(self):
        rng = np.random.default_rng(6)
        x = rng.normal(size=27)
        y = np.round(x + rng.normal(size=27))
        found, known = spearman(x, y), stats.spearmanr(x, y)
        self.assertEqual((found.value, found.p), (known.statistic, known.pvalue))

    def testBonettWrightInterval(self):
        # rho 0.57 of 27: tanh(atanh(0.57) -+ 1.96 sqrt((1 + 0.57^2 / 2) / 24)).
        rng, best = np.random.default_rng(7), None
        while best is None or abs(best.value - 0.57) > 0.02:
            x = rng.normal(size=27)
            best = spearman(x, 0.6 * x + 0.8 * rng.normal(size=27))
        half = 1.959964 * np.sqrt((1.0 + best.value**2 / 2.0) / 24.0)
        self.assertAlmostEqual(best.ciLow, np.tanh(np.arctanh(best.value) - half), places=6)
        self.assertAlmostEqual(best.ciHigh, np.tanh(np.arctanh(best.value) + half), places=6)

    def testSeveralValuesOfASubjectAreNotIndependent(self):
        rng = np.random.default_rng(8)
        x, y = rng.normal(size=(27, 1)), None
        y = 0.6 * x + 0.8 * rng.normal(size=(27, 1))
        # Four copies of each value say nothing new.
        xs, ys = list(np.repeat(x, 4, axis=1)), list(np.repeat(y, 4, axis=1))
        naive, clustered = spearman(np.concatenate(xs), np.concatenate(ys)), clusteredSpearman(xs, ys, rng, 500)
        single = spearman(x[:, 0], y[:, 0])
        self.assertAlmostEqual(clustered.value, single.value, places=6)
        width = clustered.ciHigh - clustered.ciLow
        self.assertGreater(width, 1.6 * (naive.ciHigh - naive.ciLow))
        self.assertAlmostEqual(width / (single.ciHigh - single.ciLow), 1.0, delta=0.25)

    def testTooFewOrAllEqual(self):
        self.assertIn("pairs", spearman([1, 2], [1, 2]).note)
        self.assertIn("equal", spearman(np.ones(9), np.arange(9)).note)
        self.assertIn(
            "subjects", clusteredSpearman([np.ones(2)] * 3, [np.ones(2)] * 3, np.random.default_rng(), 100).note
        )


if __name__ == "__main__":
    unittest.main()
