"""Reference range of a site's controls, a patient's percentile, and change."""

import json
import unittest
import warnings

import numpy as np
from ALSStudyLib.agreement import repeatability
from ALSStudyLib.errors import InputError
from ALSStudyLib.referenceRange import ReferenceRange, change
from scipy import stats


def controls(n=13, seed=1):
    rng = np.random.default_rng(seed)
    ages = rng.uniform(40, 70, n)
    return 0.03 + 0.0005 * (ages - 55) + rng.normal(0, 0.01, n), ages


def standardized(n):
    """Values of mean 0 and SD 1."""
    x = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return x / x.std(ddof=1)


class ReferenceTestCase(unittest.TestCase):
    def setUp(self):
        catcher = warnings.catch_warnings()
        catcher.__enter__()
        self.addCleanup(catcher.__exit__, None, None, None)
        warnings.simplefilter("error", RuntimeWarning)


class RangeTest(ReferenceTestCase):
    def testWithoutAgeIsThePredictionInterval(self):
        values, _ = controls()
        made = ReferenceRange.fromControls(values)
        low, high = made.limits()
        half = stats.t.ppf(0.975, 12) * values.std(ddof=1) * np.sqrt(1 + 1 / 13)
        self.assertAlmostEqual(low.value, values.mean() - half, 12)
        self.assertAlmostEqual(high.value, values.mean() + half, 12)
        for end, p in ((high.ciLow, 0.025), (high.ciHigh, 0.975)):
            t = (end - values.mean()) / (values.std(ddof=1) / np.sqrt(13))
            self.assertAlmostEqual(stats.nct.cdf(t, 12, 1.959964 * np.sqrt(13)), p, 6)
        self.assertIn("ages unknown", made.note)

    def testWithAgeEqualsStatsmodels(self):
        import statsmodels.api as sm

        values, ages = controls()
        made = ReferenceRange.fromControls(values, ages)
        fit = sm.OLS(values, sm.add_constant(ages)).fit()
        self.assertTrue(made.usesAge)
        self.assertAlmostEqual(made.slopePerYear.value, fit.params[1], 12)
        np.testing.assert_allclose((made.slopePerYear.ciLow, made.slopePerYear.ciHigh), fit.conf_int()[1])
        self.assertAlmostEqual(made.slopePerYear.p, fit.pvalues[1], 10)
        self.assertAlmostEqual(made.residualSd, np.sqrt(fit.mse_resid), 12)
        self.assertAlmostEqual(made.shapiroP, stats.shapiro(fit.resid).pvalue, 6)
        for age in (45.0, 82.0):
            frame = fit.get_prediction([[1.0, age]]).summary_frame(alpha=0.05)
            low, high = made.limits(age)
            self.assertAlmostEqual(low.value, frame["obs_ci_lower"].iloc[0], 10)
            self.assertAlmostEqual(high.value, frame["obs_ci_upper"].iloc[0], 10)
            self.assertTrue(low.ciLow < low.value < low.ciHigh < high.ciLow < high.value < high.ciHigh)
        wide, narrow = made.limits(82.0)[1], made.limits(ages.mean())[1]
        self.assertGreater(wide.ciHigh - wide.ciLow, 1.2 * (narrow.ciHigh - narrow.ciLow))

    def testTooSmall(self):
        with self.assertRaisesRegex(InputError, "control set too small: 9 controls with a value; expected at least 10"):
            ReferenceRange.fromControls([*range(9), np.nan, np.nan])
        self.assertEqual(ReferenceRange.fromControls(range(5), minimum=5).n, 5)
        with self.assertRaisesRegex(InputError, "expected at least 3"):
            ReferenceRange.fromControls([1.0, 2.0], minimum=1)

    def testUnusableInput(self):
        with self.assertRaisesRegex(InputError, "All 12 controls have the value 3"):
            ReferenceRange.fromControls([3.0] * 12)
        with self.assertRaisesRegex(InputError, "one line"):
            ReferenceRange.fromControls(np.arange(12.0), np.arange(12.0) + 40)
        with self.assertRaisesRegex(InputError, "'C1' is there twice"):
            ReferenceRange.fromControls(range(10), ids=["C1", "C1", *map(str, range(8))])
        with self.assertRaisesRegex(InputError, "10 controls' values, 9 ages"):
            ReferenceRange.fromControls(range(10), range(9))

    def testMissingValuesAndAgesAreSaid(self):
        values, ages = controls(14)
        values[0] = np.nan
        self.assertIn("1 control without a value", ReferenceRange.fromControls(values, ages).note)
        ages[1] = np.nan
        made = ReferenceRange.fromControls(values, ages)
        self.assertFalse(made.usesAge)
        self.assertEqual((made.n, made.nAged), (13, 12))
        self.assertIn("12 of 13", made.note)
        self.assertTrue(np.isnan(made.slopePerYear.value))
        self.assertIn("one age", ReferenceRange.fromControls(values, np.full(14, 60.0)).note)

    def testSkewIsSaid(self):
        self.assertIn("normal", ReferenceRange.fromControls([*range(9), 50]).note)
        # Mean 1.5 SD of values that cannot be negative, as in the profile paper's controls.
        skewed = np.exp(0.6 * standardized(13))
        self.assertGreater(ReferenceRange.fromControls(skewed).shapiroP, 0.05)
        self.assertIn("normal", ReferenceRange.fromControls(skewed).note)
        self.assertNotIn("normal", ReferenceRange.fromControls(skewed, scale="log").note)
        self.assertEqual("", ReferenceRange.fromControls(*controls(40)).note)

    def testLogarithmsOfLognormalControls(self):
        values, ages = controls(20)
        plain = ReferenceRange.fromControls(values, ages)
        made = ReferenceRange.fromControls(np.exp(values), ages, scale="log")
        for a, b in zip(made.limits(60.0), plain.limits(60.0), strict=True):
            np.testing.assert_allclose((a.value, a.ciLow, a.ciHigh), np.exp((b.value, b.ciLow, b.ciHigh)))
        self.assertAlmostEqual(
            made.compare(np.exp(0.05), 60.0).percentile.ciLow, plain.compare(0.05, 60.0).percentile.ciLow, 8
        )
        self.assertEqual(ReferenceRange.fromDict(json.loads(json.dumps(made.toDict()))), made)
        self.assertIn("logarithmic", made.compare(0.0, 60.0).note)
        with self.assertRaisesRegex(InputError, "above 0 for logarithms"):
            ReferenceRange.fromControls([*values, 0.0], scale="log")
        with self.assertRaisesRegex(InputError, "scale is 'sqrt'"):
            ReferenceRange.fromControls(values, scale="sqrt")

    def testJsonRoundTrip(self):
        values, ages = controls(14)
        values[3] = np.nan
        for given in (ages, None, np.where(np.arange(14) == 5, np.nan, ages)):
            made = ReferenceRange.fromControls(
                values, given, ids=[f"C{i}" for i in range(14)], about={"measure": "sh", "region": "hand_knob_left"}
            )
            again = ReferenceRange.fromDict(json.loads(json.dumps(made.toDict(), allow_nan=False)))
            self.assertEqual(again, made)
            self.assertEqual(again.limits(60.0), made.limits(60.0))

    def testUnreadableJson(self):
        stored = ReferenceRange.fromControls(*controls()).toDict()
        for bad in ({}, {**stored, "version": 99}, {**stored, "values": ["a"]}, {**stored, "ids": 3}, [], None):
            with (
                self.subTest(stored=str(bad)[:40]),
                self.assertRaisesRegex(InputError, "reference range cannot be read"),
            ):
                ReferenceRange.fromDict(bad)


class PatientTest(ReferenceTestCase):
    def testPublishedExample(self):
        # singcar (R; Rittmo & McIntosh, JOSS 2021), README: patient DF, 28 controls, visual size-weight illusion.
        # Z-CC -1.754857: t = -1.7243, df 27, p = .04804; below the case 4.804 %, 95 % CI 0.95 to 12.47 (its search
        # has steps of 0.01 SD).
        made = ReferenceRange.fromControls(standardized(28))
        found = made.compare(-1.754857, largerIsAbnormal=False)
        self.assertAlmostEqual(found.z, -1.7243, 4)
        self.assertAlmostEqual(found.p, 0.04804, 5)
        self.assertAlmostEqual(found.percentile.value, 4.804003, 5)
        self.assertAlmostEqual(found.percentile.ciLow, 0.95, delta=0.02)
        self.assertAlmostEqual(found.percentile.ciHigh, 12.47, delta=0.1)

    def testPercentileIntervalInvertsTheNoncentralT(self):
        for n in (10, 13, 40, 200):
            made = ReferenceRange.fromControls(standardized(n))
            for value in (-2.0, 0.0, 0.7, 3.0):
                found = made.compare(value).percentile
                for end, p in ((found.ciLow, 0.975), (found.ciHigh, 0.025)):
                    delta = stats.norm.ppf(end / 100) * np.sqrt(n)
                    self.assertAlmostEqual(stats.nct.cdf(value * np.sqrt(n), n - 1, delta), p, 4)

    def testOnTheLimitIsThePercentile(self):
        made = ReferenceRange.fromControls(*controls())
        low, high = made.limits(50.0)
        self.assertAlmostEqual(made.compare(low.value, 50.0).percentile.value, 2.5, 6)
        self.assertAlmostEqual(made.compare(high.value, 50.0).percentile.value, 97.5, 6)
        self.assertAlmostEqual(made.compare(high.value, 50.0).p, 0.025, 8)

    def testDirection(self):
        made = ReferenceRange.fromControls(standardized(13))
        up, down = made.compare(1.0), made.compare(1.0, largerIsAbnormal=False)
        self.assertAlmostEqual(up.p + down.p, 1.0, 12)
        self.assertEqual(up.percentile.value, down.percentile.value)
        self.assertEqual(up.nBeyond + down.nBeyond, 13)
        self.assertIn(f"greater than {up.nBeyond} of 13 controls", up.beyond)

    def testAgeIsAllowedFor(self):
        ages = np.linspace(40, 70, 13)
        values = 0.001 * ages + np.tile([0.001, -0.001], 7)[:13]
        made = ReferenceRange.fromControls(values, ages)
        young, old = made.compare(0.055, 42.0), made.compare(0.055, 68.0)
        self.assertGreater(young.z, 5)
        self.assertLess(old.z, -5)
        self.assertEqual((young.nBeyond, old.nBeyond), (13, 0))
        self.assertIn("age allowed for", young.beyond)

    def testAgeUnknownOrOutside(self):
        values, ages = controls()
        made, plain = ReferenceRange.fromControls(values, ages), ReferenceRange.fromControls(values)
        for unknown in (None, float("nan")):
            found = made.compare(0.05, unknown)
            self.assertIn("age unknown", found.note)
            self.assertFalse(found.usesAge)
            self.assertEqual(found.z, plain.compare(0.05).z)
        self.assertIn("extrapolated", made.compare(0.05, 90.0).note)
        self.assertTrue(np.isfinite(made.compare(0.05, 90.0).z))
        self.assertEqual(made.compare(0.05, float(ages.mean())).note, "")

    def testExtremeValues(self):
        made = ReferenceRange.fromControls(standardized(10))
        for value, share in ((1e6, 100.0), (-1e6, 0.0)):
            found = made.compare(value).percentile
            np.testing.assert_allclose((found.value, found.ciLow, found.ciHigh), share, atol=1e-9)

    def testNoValue(self):
        found = ReferenceRange.fromControls(standardized(10)).compare(float("nan"))
        self.assertTrue(np.isnan(found.z) and np.isnan(found.percentile.value) and np.isnan(found.p))
        self.assertIn("no value", found.note)


class ChangeTest(ReferenceTestCase):
    def testAgainstTheCoefficient(self):
        for second, words in ((0.16, "exceeds"), (0.14, "does not exceed"), (0.04, "exceeds")):
            found = change(0.10, second, 0.05)
            self.assertAlmostEqual(found.value, second - 0.10, 12)
            self.assertTrue(found.note.startswith(words), found.note)
            # It exceeds the coefficient where the interval of the true change leaves out 0, and p < 0.05.
            self.assertEqual(words == "exceeds", not found.ciLow <= 0 <= found.ciHigh)
            self.assertEqual(words == "exceeds", found.p < 0.05)

    def testDegreesOfFreedomWiden(self):
        repeats = repeatability(np.random.default_rng(1).normal(0, 0.02, (13, 2)))
        known, estimated = change(0.1, 0.2, repeats.coefficient), change(0.1, 0.2, repeats.coefficient, repeats.df)
        ratio = (estimated.ciHigh - estimated.ciLow) / (known.ciHigh - known.ciLow)
        self.assertAlmostEqual(ratio, stats.t.ppf(0.975, 13) / 1.959964, 5)

    def testMissing(self):
        self.assertIn("no value", change(float("nan"), 0.1, 0.05).note)
        found = change(0.1, 0.2, float("nan"))
        self.assertAlmostEqual(found.value, 0.1)
        self.assertIn("no repeatability coefficient", found.note)
        self.assertTrue(np.isnan(found.ciLow))


if __name__ == "__main__":
    unittest.main()
