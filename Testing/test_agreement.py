"""Agreement: against published examples, and against what intervals promise."""

import sys
import unittest
import warnings
from pathlib import Path

import numpy as np
from ALSStudyLib.agreement import (
    accuracyCounts,
    altmanScale,
    blandAltman,
    clusteredKappa,
    cohensKappa,
    icc,
    repeatability,
)
from ALSStudyLib.errors import InputError
from scipy import stats

sys.path.insert(0, str(Path(__file__).parent / "Benchmarks"))
import coverageAgreement

# Shrout & Fleiss, Psychol Bull 1979;86:420, table 2: six targets, four judges.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
# Bland & Altman, Lancet 1986;327:307, table 1: peak flow of 17 subjects, l/min, twice with each of two meters.
WRIGHT = np.array(
    [494, 490, 395, 397, 516, 512, 434, 401, 476, 470, 557, 611, 413, 415, 442, 431, 650, 638, 433, 429, 417, 420]
    + [656, 633, 267, 275, 478, 492, 178, 165, 423, 372, 427, 421],
    dtype=float,
).reshape(17, 2)
MINI_WRIGHT = np.array(
    [512, 525, 430, 415, 520, 508, 428, 444, 500, 500, 600, 625, 364, 460, 380, 390, 658, 642, 445, 432, 432, 420]
    + [626, 605, 260, 227, 477, 467, 259, 268, 350, 370, 451, 443],
    dtype=float,
).reshape(17, 2)


def readings(bothYes, firstOnly, secondOnly, neither):
    first = [1] * (bothYes + firstOnly) + [0] * (secondOnly + neither)
    second = [1] * bothYes + [0] * firstOnly + [1] * secondOnly + [0] * neither
    return first, second


class AgreementTestCase(unittest.TestCase):
    def setUp(self):
        # A statistic that cannot be computed says so; it does not leave a warning on the clinician's terminal.
        catcher = warnings.catch_warnings()
        catcher.__enter__()
        self.addCleanup(catcher.__exit__, None, None, None)
        warnings.simplefilter("error", RuntimeWarning)

    def assertNoInterval(self, estimate, word):
        self.assertTrue(np.isnan(estimate.ciLow) and np.isnan(estimate.ciHigh))
        self.assertIn(word, estimate.note)


class KappaTest(AgreementTestCase):
    def testClosedForm(self):
        # 20, 5, 10, 15 of 50: 0.7 agree, 0.5 by chance.
        self.assertAlmostEqual(cohensKappa(*readings(20, 5, 10, 15)).value, 0.4, 12)

    def testEqualsStatsmodels(self):
        from statsmodels.stats.inter_rater import cohens_kappa, to_table

        rng = np.random.default_rng(1)
        first = rng.integers(0, 3, 60)
        second = np.where(rng.random(60) < 0.7, first, rng.integers(0, 3, 60))
        table = to_table(np.column_stack((first, second)))[0]
        for weights in (None, "linear"):
            expected = cohens_kappa(table, wt=weights)
            found = cohensKappa(first, second, weights)
            self.assertAlmostEqual(found.value, expected.kappa, 12)
            self.assertAlmostEqual(found.p, expected.pvalue_two_sided, 12)

    def testIntervalOfManyIsTheTextbookOne(self):
        from statsmodels.stats.inter_rater import cohens_kappa

        expected = cohens_kappa(np.array([[40000, 10000], [20000, 30000]]))
        found = cohensKappa(*readings(40000, 10000, 20000, 30000))
        self.assertAlmostEqual(found.ciLow, expected.kappa_low, 3)
        self.assertAlmostEqual(found.ciHigh, expected.kappa_upp, 3)

    def testIntervalHoldsKappaAndIsAsymmetricNearOne(self):
        found = cohensKappa(*readings(15, 2, 2, 21))
        self.assertTrue(found.ciLow < found.value < found.ciHigh < 1)
        self.assertGreater(found.value - found.ciLow, 1.5 * (found.ciHigh - found.value))

    def testScoreIntervalEndsWhereTheTestRejects(self):
        # Without one-sided disagreement and with even shares, kappa is 1 - 2 d of a share d of disagreement, and its
        # score interval is Wilson's of d.
        found = cohensKappa(*readings(18, 2, 2, 18))
        wilson = stats.binomtest(4, 40).proportion_ci(method="wilson")
        self.assertAlmostEqual(found.ciLow, 1 - 2 * wilson.high, 3)
        self.assertAlmostEqual(found.ciHigh, 1 - 2 * wilson.low, 3)

    def testIntervalLeavesOutZeroWhereTheTestRejects(self):
        rng = np.random.default_rng(6)
        for chance in (0.0, 0.3) * 60:
            first, guess = rng.random((2, 40)) < 0.4
            found = cohensKappa(first, np.where(rng.random(40) < chance, first, guess))
            if found.value > 0:
                self.assertEqual(found.ciLow > 0, found.p < 0.05, found)

    def testPerfectAgreementStillHasAnInterval(self):
        found = cohensKappa(*readings(20, 0, 0, 20))
        self.assertEqual((found.value, found.ciHigh), (1.0, 1.0))
        self.assertAlmostEqual(found.ciLow, 1 - 2 * stats.binomtest(0, 40).proportion_ci(method="wilson").high, 3)
        self.assertIn("no disagreement", found.note)
        self.assertEqual(cohensKappa([0, 1, 1, 2] * 9, [0, 1, 1, 2] * 9, "linear").ciHigh, 1.0)

    def testEveryTableHasAnIntervalAroundItsKappa(self):
        rng = np.random.default_rng(2)
        for _ in range(200):
            table = rng.integers(0, 8, 4) * rng.integers(0, 2, 4)
            found = cohensKappa(*readings(*table))
            if np.isfinite(found.ciLow):
                with self.subTest(table=table):
                    self.assertTrue(-1 <= found.ciLow <= found.value <= found.ciHigh <= 1, found)

    def testReadersSwappedAgreeAlike(self):
        first, second = readings(12, 5, 1, 22)
        a, b = cohensKappa(first, second), cohensKappa(second, first)
        for x, y in ((a.value, b.value), (a.ciLow, b.ciLow), (a.ciHigh, b.ciHigh)):
            self.assertAlmostEqual(x, y, 6)

    def testOneCategory(self):
        self.assertNoInterval(cohensKappa([1] * 9, [1] * 9), "one category")
        self.assertTrue(np.isnan(cohensKappa([1] * 9, [1] * 9).value))
        self.assertNoInterval(cohensKappa([1] * 9, [1] * 8 + [0]), "single category")

    def testMissingReadingsAreCounted(self):
        first, second = readings(15, 2, 2, 21)
        found = cohensKappa([*first, None, float("nan"), "", "n/a"], [*second, 1, 0, 1, 1])
        self.assertEqual(found.ciLow, cohensKappa(first, second).ciLow)
        self.assertIn("4 pairs", found.note)

    def testLinearWeightsHonorTheScoresDistances(self):
        # Scores 0, 1 and 3: confusing 1 with 3 costs twice as much as 0 with 1.
        agree = [0] * 10 + [1] * 10 + [3] * 10
        near = cohensKappa([*agree, 0, 1], [*agree, 1, 0], "linear").value
        far = cohensKappa([*agree, 1, 3], [*agree, 3, 1], "linear").value
        self.assertAlmostEqual((1 - far) / (1 - near), 2.0, 1)

    def testUnusableInput(self):
        for first, second, weights, word in (
            ([1, 0], [1], None, "number 2 and 1"),
            ([1, 0], [1, 0], "quadratic", "quadratic"),
            (["pathologic", "1"], ["1", "1"], "linear", "pathologic"),
        ):
            with self.subTest(word=word), self.assertRaisesRegex(InputError, word):
                cohensKappa(first, second, weights)
        self.assertIn("at least 2", cohensKappa([], []).note)

    def testAltmansXeromammograms(self):
        # Altman, Practical Statistics for Medical Research, 1991, section 14.3: two radiologists, 85 xeromammograms;
        # kappa 0.47, "moderate", and 0.57 with linear weights.
        table = np.array([[21, 12, 0, 0], [4, 17, 1, 0], [3, 9, 15, 2], [0, 0, 0, 1]])
        first, second = (np.repeat(axis.ravel(), table.ravel()) for axis in np.indices(table.shape))
        found = cohensKappa(first, second)
        self.assertEqual(round(found.value, 2), 0.47)
        self.assertIn("moderate", found.note)
        self.assertEqual(round(cohensKappa(first, second, "linear").value, 2), 0.57)

    def testAltman(self):
        words = [altmanScale(kappa) for kappa in (-0.1, 0.2, 0.3, 0.5, 0.74, 0.8, 0.85, float("nan"))]
        self.assertEqual(words, ["poor", "poor", "fair", "moderate", "good", "good", "very good", ""])
        self.assertIn("good", cohensKappa(*readings(15, 2, 2, 21)).note)


class ClusteredKappaTest(AgreementTestCase):
    def testCopiesOfATargetAreWorthOne(self):
        first, second = readings(15, 3, 3, 19)
        plain = cohensKappa(first, second)
        copied = clusteredKappa(
            np.repeat(first, 4), np.repeat(second, 4), np.repeat(range(40), 4), np.random.default_rng(1), 4000
        )
        self.assertAlmostEqual(copied.value, plain.value, 12)
        self.assertAlmostEqual(copied.ciLow, plain.ciLow, delta=0.03)
        self.assertAlmostEqual(copied.ciHigh, plain.ciHigh, delta=0.03)
        self.assertLess(copied.ciLow, cohensKappa(np.repeat(first, 4), np.repeat(second, 4)).ciLow - 0.05)
        self.assertGreater(copied.p, 1e-9)
        self.assertIn("160 targets of 40 subjects", copied.note)

    def testSameSeedSameInterval(self):
        first, second = readings(15, 3, 3, 19)
        a, b = (clusteredKappa(first, second, list("abcd") * 10, np.random.default_rng(7), 200) for _ in range(2))
        self.assertEqual(a, b)

    def testPerfectAgreementCountsSubjects(self):
        first, second = readings(20, 0, 0, 20)
        found = clusteredKappa(first, second, np.repeat(range(10), 4), np.random.default_rng(1), 200)
        self.assertLess(found.ciLow, cohensKappa(*readings(5, 0, 0, 5)).ciLow + 1e-3)

    def testOneSubject(self):
        found = clusteredKappa(*readings(2, 1, 1, 2), ["P1"] * 6, np.random.default_rng(1), 200)
        self.assertNoInterval(found, "one subject")


class IccTest(AgreementTestCase):
    def testShroutFleiss(self):
        found = icc(SHROUT_FLEISS)
        # Published as ICC(2,1) = .29 and ICC(3,1) = .71; the limits as R's psych and irr print them.
        for estimate, expected in ((found.a1, (0.2898, 0.0188, 0.7611)), (found.c1, (0.7148, 0.3425, 0.9459))):
            np.testing.assert_allclose((estimate.value, estimate.ciLow, estimate.ciHigh), expected, atol=1e-4)
        self.assertAlmostEqual(found.c1.statistic, 11.03, 2)
        self.assertAlmostEqual(found.c1.p, stats.f.sf(11.02725, 5, 15), 7)
        self.assertIn("raters differ", found.a1.note)

    def testAgreementFeelsAConstantThatConsistencyDoesNot(self):
        x = np.random.default_rng(3).normal(size=(30, 1)) + np.random.default_rng(4).normal(0, 0.3, (30, 2))
        plain, shifted = icc(x), icc(x + [0, 1])
        self.assertAlmostEqual(shifted.c1.value, plain.c1.value, 10)
        self.assertLess(shifted.a1.value, plain.a1.value - 0.2)

    def testIncompleteRowsAreCounted(self):
        found = icc(np.vstack((SHROUT_FLEISS, [[1, 2, np.nan, 4]])))
        self.assertAlmostEqual(found.a1.value, icc(SHROUT_FLEISS).a1.value, 12)
        self.assertIn("1 incomplete", found.a1.note)
        self.assertEqual((found.n, found.k), (6, 4))

    def testDegenerate(self):
        self.assertNoInterval(icc(np.ones((5, 2))).a1, "equal")
        self.assertNoInterval(icc([[1.0, 2.0]]).c1, "at least 2")
        self.assertNoInterval(icc(np.tile(np.arange(5.0)[:, None], 2)).a1, "no disagreement")
        self.assertEqual(icc(np.tile(np.arange(5.0)[:, None], 2)).a1.value, 1.0)
        self.assertNoInterval(icc(np.tile([1.0, 2.0], (5, 1))).a1, "do not differ")
        with self.assertRaisesRegex(InputError, "two raters"):
            icc([1.0, 2.0, 3.0])

    def testIntervalsAreOrdered(self):
        rng = np.random.default_rng(5)
        for _ in range(200):
            n, k = rng.integers(2, 8), rng.integers(2, 4)
            found = icc(rng.normal(size=(n, k)) + 3 * rng.normal(size=k) * rng.integers(0, 2))
            for estimate in (found.a1, found.c1):
                ordered = estimate.ciLow <= estimate.value <= estimate.ciHigh
                self.assertTrue(ordered or (estimate.value < 0 and "no agreement" in estimate.note), estimate)


class BlandAltmanTest(AgreementTestCase):
    def testPeakFlow(self):
        found = blandAltman(WRIGHT[:, 0], MINI_WRIGHT[:, 0])
        # Published: mean difference -2.1, SD 38.8, limits with 2 SD -79.7 and 75.5; of the mean -22.0 to 17.8.
        self.assertAlmostEqual(found.bias.value, -2.1, 1)
        self.assertAlmostEqual(found.sdDifference, 38.8, 1)
        self.assertAlmostEqual(found.bias.value - 2 * found.sdDifference, -79.7, delta=0.1)
        np.testing.assert_allclose((found.bias.ciLow, found.bias.ciHigh), (-22.0, 17.8), atol=0.1)
        self.assertAlmostEqual(found.upperLimit.value - found.lowerLimit.value, 2 * 1.959964 * found.sdDifference, 4)
        self.assertAlmostEqual(found.bias.p, stats.ttest_rel(WRIGHT[:, 0], MINI_WRIGHT[:, 0]).pvalue, 12)

    def testLimitsAreExact(self):
        # The limit is a 97.5th percentile: (limit - mean) sqrt(n) / SD is noncentral t.
        found = blandAltman(WRIGHT[:, 0], MINI_WRIGHT[:, 0])
        scale = found.sdDifference / np.sqrt(17)
        for end, p in ((found.upperLimit.ciLow, 0.025), (found.upperLimit.ciHigh, 0.975)):
            t = (end - found.bias.value) / scale
            self.assertAlmostEqual(stats.nct.cdf(t, 16, 1.959964 * np.sqrt(17)), p, 6)
        middle = found.bias.value * 2
        self.assertAlmostEqual(found.lowerLimit.ciLow, middle - found.upperLimit.ciHigh, 9)

    def testDegenerate(self):
        self.assertNoInterval(blandAltman([1.0], [2.0]).lowerLimit, "at least 2")
        self.assertEqual(blandAltman([1.0], [2.0]).bias.value, -1.0)
        self.assertNoInterval(blandAltman([1.0, 2.0], [0.0, 1.0]).bias, "equal")
        self.assertEqual(blandAltman([], []).n, 0)
        self.assertIn("1 incomplete", blandAltman([1, 2, np.nan, 4], [1, 3, 3, 3]).bias.note)
        with self.assertRaisesRegex(InputError, "number 1 and 2"):
            blandAltman([1.0], [1.0, 2.0])


class RepeatabilityTest(AgreementTestCase):
    def testPeakFlow(self):
        found = repeatability(WRIGHT)
        self.assertAlmostEqual(found.swithin.value, 15.3, 1)  # Bland & Altman's l/min
        self.assertAlmostEqual(found.coefficient.value, 42.4, 1)
        self.assertEqual((found.n, found.df), (17, 17))
        for end, p in ((found.swithin.ciLow, 0.975), (found.swithin.ciHigh, 0.025)):
            self.assertAlmostEqual(stats.chi2.cdf(17 * found.swithin.value**2 / end**2, 17), p, 9)

    def testMissingRepeats(self):
        x = np.array([[1, 2, 3], [4, 6, np.nan], [9, np.nan, np.nan]])
        found = repeatability(x)
        self.assertAlmostEqual(found.swithin.value, np.sqrt((2 + 2) / 3), 12)
        self.assertEqual((found.n, found.df), (2, 3))
        self.assertIn("1 targets", found.swithin.note)

    def testDegenerate(self):
        self.assertNoInterval(repeatability([[1.0, np.nan]]).coefficient, "measured twice")
        self.assertNoInterval(repeatability([[1.0, 1.0]] * 5).coefficient, "identical")
        with self.assertRaisesRegex(InputError, "two repeats"):
            repeatability([1.0, 2.0])


class AccuracyTest(AgreementTestCase):
    def testVisualReadingsOfTheProfilePaper(self):
        # Donatelli et al. 2018: right in patients, right in controls; sensitivity, specificity, accuracy as printed.
        for patients, controls, printed in (
            ((15, 27), (12, 13), (0.56, 0.92, 0.68)),
            ((17, 27), (11, 13), (0.63, 0.85, 0.70)),
        ):
            truth = np.arange(40) < 27
            reading = np.r_[np.arange(27) < patients[0], np.arange(13) >= controls[0]]
            found = accuracyCounts(reading, truth)
            self.assertEqual(tuple(round(estimate.value, 2) for estimate in found), printed)
            self.assertEqual(found.sensitivity.note, f"{patients[0]}/27")
        # Wilson's interval of 11 of 13 in closed form.
        z2, n, p = 1.959964**2, 13, 11 / 13
        middle, half = p + z2 / (2 * n), np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n * n)))
        np.testing.assert_allclose(
            (found.specificity.ciLow, found.specificity.ciHigh),
            ((middle - half) / (1 + z2 / n), (middle + half) / (1 + z2 / n)),
            atol=1e-7,
        )

    def testOnlyPatients(self):
        found = accuracyCounts([True, False], [True, True])
        self.assertNoInterval(found.specificity, "healthy")
        self.assertEqual(found.sensitivity.value, 0.5)


class CoverageTest(unittest.TestCase):
    def testIntervalsCoverTheTruth(self):
        # 40 runs: 95 % less 4.5 SD of chance; the benchmark has 500.
        found = coverageAgreement.coverages(40)
        for name, share in found.items():
            with self.subTest(interval=name):
                self.assertGreater(share, 0.8)
        # All in all they neither fail nor are needlessly wide.
        self.assertAlmostEqual(np.mean(list(found.values())), 0.95, delta=0.02)


if __name__ == "__main__":
    unittest.main()
