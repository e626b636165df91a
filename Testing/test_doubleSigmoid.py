"""The double sigmoid against closed forms, against lmfit, and on profiles without a band."""

import unittest

import numpy as np
from ALSCortexProfileLib.bandModel import BandModel, SuperficialPrior
from ALSCortexProfileLib.doubleSigmoid import (
    bandShape,
    doubleSigmoid,
    fitDoubleSigmoid,
    fitManyDoubleSigmoids,
)
from ALSStudyLib.errors import InputError
from scipy.integrate import quad

DEPTH_MM = np.arange(61) * 0.1
# METHODS.md, closed forms for a = 1: slope, width, peak, full width at 25 %.
CLOSED_FORMS = (
    (4, 1.5, 0.905148, 2.1126),
    (2, 1, 0.462117, 2.8449),
    (8, 2, 0.999329, 2.2749),
    (1, 0.5, 0.124353, 5.2949),
)


def symmetric(slope, width, center=3.0, a=1.0):
    return a, slope, center - 0.5 * width, slope, center + 0.5 * width


class ShapeTest(unittest.TestCase):
    """Peak, width and area of a known curve."""

    def testClosedForms(self):
        for slope, width, peak, fullWidth in CLOSED_FORMS:
            with self.subTest(slope=slope, width=width):
                shape = bandShape(*symmetric(slope, width))
                c = np.cosh(0.5 * slope * width)
                self.assertAlmostEqual(shape.peak[0], np.tanh(0.25 * slope * width), delta=1e-9)
                self.assertAlmostEqual(shape.widthMm[0], 2 / slope * np.arccosh(4 + 3 * c), delta=1e-9)
                self.assertAlmostEqual(shape.areaMm[0], width, delta=1e-12)
                self.assertAlmostEqual(shape.peak[0], peak, delta=1e-6)
                self.assertAlmostEqual(shape.widthMm[0], fullWidth, delta=1e-4)

    def testUnequalSlopesAgainstQuadratureAndGrid(self):
        cases = ((0.3, 3.0, 1.5, 9.0, 2.9), (0.2, 10.0, 1.0, 3.0, 1.6), (-0.2, 4.0, 1.0, 5.0, 2.0))
        peaksBeyondItsEdges = (0.38, 2.72, 1.25, 1.33, 1.30)
        for parameters in (*cases, peaksBeyondItsEdges):
            with self.subTest(parameters=parameters):
                shape = bandShape(*parameters)
                area, _ = quad(doubleSigmoid, -30, 40, args=parameters, limit=400)
                self.assertAlmostEqual(shape.areaMm[0], area, delta=1e-6)
                fine = np.linspace(-4, 8, 1200001)
                values = doubleSigmoid(fine, *parameters) * np.sign(parameters[0])
                self.assertAlmostEqual(abs(shape.peak[0]), values.max(), delta=1e-9)
                above = fine[values >= 0.25 * values.max()]
                self.assertAlmostEqual(shape.widthMm[0], above[-1] - above[0], delta=3e-5)

    def testVoxelAverageIsTheIntegralOverTheBox(self):
        parameters = (0.25, 6.0, 1.6, 8.0, 2.8)
        for x in (1.0, 1.7, 2.9):
            mean, _ = quad(lambda t: doubleSigmoid(t, *parameters), x - 0.25, x + 0.25)
            self.assertAlmostEqual(float(doubleSigmoid(x, *parameters, 0.5)), mean / 0.5, delta=1e-10)


class JacobianTest(unittest.TestCase):
    """The analytic derivatives of the model against central differences."""

    def testDerivatives(self):
        kernel = np.array([-0.1, 0.2, 0.8, 0.2, -0.1])
        prior = SuperficialPrior(1.1, 0.03, 0.2)
        for width, response, superficial in ((0.0, np.ones(1), None), (0.4, kernel, None), (0.4, kernel, prior)):
            model = BandModel(DEPTH_MM, width, response, superficial)
            natural = [0.3, 2.4, np.log(1.3), np.log(5.0), 0.2] + (
                [np.log(0.3), 0.9, np.log(5.0)] if superficial else []
            )
            free = model.free(np.array([natural]))
            jacobian = model.rowsAndJacobian(free)[1]
            for index in range(model.nParameters):
                step = np.zeros_like(free)
                step[0, index] = 1e-6
                numeric = (model.rowsAndJacobian(free + step)[0] - model.rowsAndJacobian(free - step)[0]) / 2e-6
                np.testing.assert_allclose(jacobian[0, :, index], numeric[0], atol=2e-8 * max(1, np.abs(numeric).max()))


class FitTest(unittest.TestCase):
    """What goes in comes out."""

    def testRecoversClosedForms(self):
        for slope, width, peak, _ in CLOSED_FORMS[:3]:
            with self.subTest(slope=slope, width=width):
                fit = fitDoubleSigmoid(DEPTH_MM, doubleSigmoid(DEPTH_MM, *symmetric(slope, width)))
                truth = bandShape(*symmetric(slope, width))
                self.assertEqual(fit.status, "ok")
                self.assertAlmostEqual(fit.peak, peak, delta=1e-6)
                self.assertAlmostEqual(fit.widthMm, truth.widthMm[0], delta=1e-6)
                self.assertAlmostEqual(fit.areaMm, width, delta=1e-6)

    def testRecoversUnequalSlopesThroughTheVoxel(self):
        parameters = (0.25, 4.0, 1.9, 7.0, 3.0)
        fit = fitDoubleSigmoid(DEPTH_MM, doubleSigmoid(DEPTH_MM, *parameters, 0.39), voxelWidthMm=0.39)
        truth = bandShape(*parameters)
        self.assertAlmostEqual(fit.peak, truth.peak[0], delta=1e-6)
        self.assertAlmostEqual(fit.widthMm, truth.widthMm[0], delta=1e-6)
        self.assertAlmostEqual(fit.b2, 7.0, delta=1e-3)

    def testManyIsTheSameAsEachAlone(self):
        rng = np.random.default_rng(1)
        truth = [(0.2, 5, 1.5, 5, 2.8), (0.1, 8, 2.0, 6, 3.0), (0.3, 3, 1.8, 3, 3.5)]
        profiles = np.stack([doubleSigmoid(DEPTH_MM, *p) + rng.normal(0, 0.004, 61) for p in truth])
        many = fitManyDoubleSigmoids(DEPTH_MM, profiles)
        for row, profile in enumerate(profiles):
            single = fitDoubleSigmoid(DEPTH_MM, profile)
            self.assertEqual(many.status[row], single.status)
            self.assertAlmostEqual(many.peak[row], single.peak, delta=1e-9)
            self.assertAlmostEqual(many.widthMm[row], single.widthMm, delta=1e-9)
            self.assertAlmostEqual(many.areaMm[row], single.areaMm, delta=1e-9)

    def testMissingDepthsAreLeftOut(self):
        profile = doubleSigmoid(DEPTH_MM, *symmetric(5, 1.3, a=0.2))
        profile[[3, 20, 31, 55]] = np.nan
        fit = fitDoubleSigmoid(DEPTH_MM, profile)
        self.assertAlmostEqual(fit.peak, bandShape(*symmetric(5, 1.3, a=0.2)).peak[0], delta=1e-7)

    def testAgreesWithLmfit(self):
        try:
            from lmfit.models import RectangleModel
        except ImportError:
            self.skipTest("lmfit is not installed")
        rng = np.random.default_rng(2)
        profile = doubleSigmoid(DEPTH_MM, 0.2, 5.0, 2.2, 7.0, 3.6) + rng.normal(0, 0.003, 61)
        ours = fitDoubleSigmoid(DEPTH_MM, profile)
        model = RectangleModel(form="logistic")
        parameters = model.make_params(amplitude=0.2, center1=2.2, sigma1=0.2, center2=3.6, sigma2=0.15)
        theirs = model.fit(profile, parameters, x=DEPTH_MM, fit_kws={"xtol": 1e-12, "ftol": 1e-12}).best_values
        shape = bandShape(
            theirs["amplitude"], 1 / theirs["sigma1"], theirs["center1"], 1 / theirs["sigma2"], theirs["center2"]
        )
        self.assertAlmostEqual(ours.peak / shape.peak[0], 1, delta=2e-4)
        self.assertAlmostEqual(ours.widthMm / shape.widthMm[0], 1, delta=2e-4)
        self.assertAlmostEqual(ours.areaMm / shape.areaMm[0], 1, delta=2e-4)


class StatusTest(unittest.TestCase):
    """A fit that means nothing gives no number."""

    def assertNoNumber(self, fit, *statuses):
        self.assertIn(fit.status, statuses)
        self.assertTrue(np.isnan([fit.peak, fit.widthMm, fit.areaMm]).all())

    def testFlatNoiseIsNoBand(self):
        noise = np.random.default_rng(3).normal(0, 0.02, (300, 61))
        for smooth in (1, 5):
            profiles = np.stack([np.convolve(row, np.ones(smooth) / smooth, mode="same") for row in noise])
            fits = fitManyDoubleSigmoids(DEPTH_MM, profiles)
            self.assertLessEqual((fits.status == "ok").sum(), 6)
            self.assertGreaterEqual((fits.status == "no_band").sum(), 270)
            self.assertTrue(np.isnan(fits.peak[fits.status != "ok"]).all())

    def testExactlyFlatIsNoBand(self):
        self.assertNoNumber(fitDoubleSigmoid(DEPTH_MM, np.zeros(61)), "no_band")
        # A plateau wider than the window follows a constant exactly, wherever its edges are.
        self.assertNoNumber(fitDoubleSigmoid(DEPTH_MM, np.full(61, 0.1)), "no_band", "not_converged")

    def testSingleEdgeIsNoBand(self):
        edge = 0.2 / (1 + np.exp(-4 * (3 - DEPTH_MM))) + np.random.default_rng(4).normal(0, 0.003, 61)
        self.assertNoNumber(fitDoubleSigmoid(DEPTH_MM, edge), "no_band", "at_edge")

    def testBrightBandIsNoBand(self):
        self.assertNoNumber(fitDoubleSigmoid(DEPTH_MM, -doubleSigmoid(DEPTH_MM, *symmetric(5, 1.3, a=0.2))), "no_band")

    def testBandThatLeavesTheWindow(self):
        noise = np.random.default_rng(5).normal(0, 0.002, 61)
        fit = fitDoubleSigmoid(DEPTH_MM, doubleSigmoid(DEPTH_MM, *symmetric(4, 1.5, center=5.4, a=0.2)) + noise)
        self.assertNoNumber(fit, "at_edge", "no_band")

    def testBandThatNeverComesBack(self):
        """The fit returns to zero by construction; the profile must too."""
        profile = doubleSigmoid(DEPTH_MM, *symmetric(5, 1.3, center=2.5, a=0.2)) + 0.06 * (DEPTH_MM > 5.0)
        self.assertNoNumber(fitDoubleSigmoid(DEPTH_MM, profile), "at_edge")

    def testTwoBandsFitPoorly(self):
        two = doubleSigmoid(DEPTH_MM, *symmetric(9, 0.7, 1.2, 0.2)) + doubleSigmoid(
            DEPTH_MM, *symmetric(9, 0.7, 4.5, 0.19)
        )
        self.assertNotEqual(fitDoubleSigmoid(DEPTH_MM, two).status, "ok")

    def testTooFewDepths(self):
        profile = np.full(61, np.nan)
        profile[:5] = 0.1
        self.assertNoNumber(fitDoubleSigmoid(DEPTH_MM, profile), "invalid_input")

    def testUnusableArraysAreRefused(self):
        for depth, profile in ((DEPTH_MM, np.zeros(5)), (DEPTH_MM[::-1], np.zeros(61)), (DEPTH_MM**2, np.zeros(61))):
            with self.assertRaisesRegex(InputError, "expected"):
                fitDoubleSigmoid(depth, profile)


if __name__ == "__main__":
    unittest.main()
