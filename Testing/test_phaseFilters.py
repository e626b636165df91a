"""High-pass filters: against independent implementations, and against their own predicted response."""

import unittest
from dataclasses import replace

import numpy as np
from phaseTestCases import SMALL, phaseInput, rendered
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageVolume
from PhaseShiftROILib.angle import wrapped
from PhaseShiftROILib.gaussianHighPass import SliceGaussian, gaussianHighPass, sigmaForCutoff
from PhaseShiftROILib.homodyne import cutoffMm, homodyne, lineWindow, looksFiltered
from PhaseShiftROILib.laplacian import unwrapLaplacian
from PhaseShiftROILib.preparation import filterRecord, preparePhase
from PhaseShiftROILib.retention import gaussianResponse, homodyneResponse
from PhaseShiftROILib.settings import PhaseSettings

SPACING = np.array([0.536, 0.536, 2.0])


def plainHomodyne(phase, magnitude, nLines, window):
    """Slice by slice with numpy's whole transforms, in double precision."""
    result = np.empty(phase.shape)
    for k in range(len(phase)):
        signal = magnitude[k] * np.exp(1j * phase[k].astype(float))
        weights = np.outer(*(lineWindow(n, nLines, window) for n in signal.shape))
        low = np.fft.ifft2(np.fft.fft2(signal) * weights)
        result[k] = np.angle(signal * np.conj(low))
    return result


class WindowTest(unittest.TestCase):
    def testCentralLinesInFftOrder(self):
        for n in (63, 64):
            shifted = np.fft.fftshift(lineWindow(n, 16))
            center = n // 2
            self.assertEqual(shifted[center], 1.0)
            np.testing.assert_allclose(shifted[center - 8 : center + 9], shifted[center - 8 : center + 9][::-1])
            self.assertAlmostEqual(shifted[center + 4], 0.5)
            self.assertEqual(np.count_nonzero(shifted > 1e-12), 15)
        self.assertEqual(np.count_nonzero(lineWindow(64, 16, "rectangle")), 15)
        self.assertAlmostEqual(lineWindow(64, 16, "hamming")[8], 0.08)

    def testSixtyFourLinesOf240MmCutAt7Mm5(self):
        self.assertAlmostEqual(cutoffMm(448, 240 / 448, 64), 7.5)

    def testGaussianMeetsHannAtOneHalf(self):
        sigmaMm = sigmaForCutoff(7.5)
        frequency = 64 / 4 / 240  # where the Hann window of 64 lines of 240 mm is one half
        self.assertAlmostEqual(np.exp(-2 * (np.pi * sigmaMm * frequency) ** 2), 0.5, places=9)


class HomodyneTest(unittest.TestCase):
    def testAgreesWithWholeTransforms(self):
        made = rendered()
        for window in ("hann", "hamming", "rectangle"):
            found = homodyne(made.phaseRad_KJI[:3], made.magnitude_KJI[:3], (23, 23), window)
            expected = plainHomodyne(made.phaseRad_KJI[:3], made.magnitude_KJI[:3], 23, window)
            self.assertLess(np.abs(wrapped(found - expected))[made.magnitude_KJI[:3] > 500].max(), 1e-4)

    def testRemovesAConstantAndKeepsTheSign(self):
        phase = np.full((1, 64, 64), 2.9, dtype=np.float32)
        phase[0, 30:34, 30:35] -= 0.2
        found = homodyne(phase, None, (16, 16))
        self.assertLess(abs(found[0, 5, 5]), 1e-3)
        self.assertTrue((found[0, 30:34, 30:35] < -0.1).all())

    def testNotFiniteVoxelsDoNotSpread(self):
        made = rendered()
        phase = made.phaseRad_KJI[:1].copy()
        phase[0, 40, 40] = np.nan
        found = homodyne(phase, made.magnitude_KJI[:1], (23, 23))
        self.assertTrue(np.isfinite(found).all())

    def testLooksFiltered(self):
        made = rendered()
        self.assertFalse(looksFiltered(made.phaseRad_KJI, made.magnitude_KJI))
        self.assertFalse(looksFiltered(made.phaseRad_KJI, None))
        once = homodyne(made.phaseRad_KJI, made.magnitude_KJI, (64, 64))
        self.assertTrue(looksFiltered(once, made.magnitude_KJI))
        self.assertTrue(looksFiltered(once, None))


class LaplacianTest(unittest.TestCase):
    def smooth(self, shape=(12, 90, 110), turns=4.0):
        k, j, i = np.meshgrid(*(np.linspace(-1, 1, n) for n in shape), indexing="ij")
        return (2 * np.pi * turns * (0.5 * i**2 - 0.4 * j**2 + 0.3 * i * j + 0.3 * k + 0.2 * j**3) + 2.0).astype(
            np.float32
        )

    def testNoiseFreePhaseIsRecovered(self):
        true = self.smooth()
        self.assertGreater(np.ptp(true), 4 * 2 * np.pi)
        found = unwrapLaplacian(wrapped(true), SPACING)
        turns = np.rint((found - true).mean() / (2 * np.pi))
        np.testing.assert_allclose(found - 2 * np.pi * turns, true, atol=2e-4)

    def testAgreesWithAnotherUnwrapper(self):
        from skimage.restoration import unwrap_phase

        made = rendered(snr=40.0)
        brain = made.magnitude_KJI > 600
        inner = brain.copy()
        expected = unwrap_phase(np.ma.masked_array(made.phaseRad_KJI, ~brain)).filled(0)
        sigmaMm = 2.8
        found, other = (
            gaussianHighPass(made.phaseRad_KJI, unwrapped.astype(np.float32), made.magnitude_KJI, sigmaMm, SPACING)
            for unwrapped in (unwrapLaplacian(made.phaseRad_KJI, SPACING, made.magnitude_KJI), expected)
        )
        inner[:, :45] = inner[:, -45:] = inner[:, :, :50] = inner[:, :, -50:] = False
        self.assertLess(np.sqrt(np.mean((found - other)[inner] ** 2)), 0.01)

    def testOneSlice(self):
        true = self.smooth((1, 90, 110), 2.0)
        found = unwrapLaplacian(wrapped(true), SPACING)
        np.testing.assert_allclose(found - found.mean(), true - true.mean(), atol=2e-4)

    def testNotFiniteVoxelsDoNotSpread(self):
        phase = wrapped(self.smooth())
        phase[5, 40, 40] = np.nan
        self.assertTrue(np.isfinite(unwrapLaplacian(phase, SPACING)).all())


class GaussianHighPassTest(unittest.TestCase):
    def testSlopesLeaveNothingEvenAtABorder(self):
        j, i = np.mgrid[:80, :90]
        slope = (0.05 * i - 0.03 * j).astype(np.float32)
        weight = (i > 30).astype(np.float32) * 500
        left = slope - SliceGaussian(2.6, SPACING).planes(weight).of(slope)
        inside = weight > 0
        # The mean of one side alone would be 0.1 rad off next to the border.
        self.assertLess(np.abs(left[inside]).max(), 0.004)

    def testMeanOfAConstantIsTheConstant(self):
        weight = np.random.default_rng(0).uniform(0.2, 1, (40, 50)).astype(np.float32)
        planes = SliceGaussian(2.0, SPACING).planes(weight)
        np.testing.assert_allclose(planes.of(np.full((40, 50), 3.0, np.float32)), 3.0, atol=1e-5)
        np.testing.assert_allclose(planes.ofAngle(np.full((40, 50), 3.0, np.float32)), 3.0, atol=1e-5)

    def testBendOfTheUnwrappedPhaseDoesNotMatter(self):
        made = rendered()
        j, i = np.mgrid[: made.phaseRad_KJI.shape[1], : made.phaseRad_KJI.shape[2]]
        unwrapped = made.background_KJI.astype(np.float32)
        # As noise bends it: by more than a turn across the head.
        bent = unwrapped + (0.0006 * (i - 70.0) ** 2 + 0.02 * j).astype(np.float32)
        straight, found = (
            gaussianHighPass(made.phaseRad_KJI, each.copy(), made.magnitude_KJI, 2.8, SPACING)
            for each in (unwrapped, bent)
        )
        brain = made.magnitude_KJI > 600
        self.assertLess(np.sqrt(np.mean(wrapped(found - straight)[brain] ** 2)), 0.02)
        self.assertLess(abs(wrapped(found - straight)[brain].mean()), 0.01)

    def testWithoutWeightNothingIsTakenAway(self):
        values = np.random.default_rng(0).normal(size=(30, 30)).astype(np.float32)
        np.testing.assert_array_equal(SliceGaussian(2.0, SPACING).planes(np.zeros((30, 30))).of(values), values)


class RetentionTest(unittest.TestCase):
    """The predicted retention is the measured change of the filtered region by a small shift of it."""

    PIXELS_IJ = np.array([(i, j) for i in range(60, 64) for j in range(70, 75)])

    def shifted(self, phase, shiftRad):
        i, j = self.PIXELS_IJ.T
        changed = phase.copy()
        changed[4, j, i] = wrapped(changed[4, j, i] + np.float32(shiftRad))
        return changed

    def change(self, filtered, phase, shiftRad):
        i, j = self.PIXELS_IJ.T
        with_, without = filtered(self.shifted(phase, shiftRad)), filtered(phase)
        return float(wrapped(with_ - without)[4, j, i].mean()) / shiftRad

    def testHomodyne(self):
        for magnitude in (True, False):
            made = rendered(snr=None, vein=False, backgroundTurns=6.0)
            weights = made.magnitude_KJI if magnitude else None
            for nLines in (16, 23, 48):
                predicted = homodyneResponse(
                    made.phaseRad_KJI, weights, 4, self.PIXELS_IJ, (nLines,) * 2, "hann"
                ).retention
                found = self.change(lambda p, n=nLines, w=weights: homodyne(p, w, (n, n)), made.phaseRad_KJI, -0.2)
                with self.subTest(nLines=nLines, magnitude=magnitude):
                    self.assertAlmostEqual(found / predicted, 1, delta=0.01)
                    self.assertLess(predicted, 1)

    def testGaussian(self):
        made = rendered(snr=None, vein=False)
        unwrapped = made.background_KJI.astype(np.float32)

        def filtered(phase, sigmaMm):
            unwrappedToo = unwrapped + wrapped(phase - unwrapped)
            return gaussianHighPass(phase, unwrappedToo.astype(np.float32), made.magnitude_KJI, sigmaMm, SPACING)

        for sigmaMm in (1.5, 2.8):
            predicted = gaussianResponse(
                made.phaseRad_KJI, made.magnitude_KJI, 4, self.PIXELS_IJ, sigmaMm, SPACING
            ).retention
            found = self.change(lambda p, s=sigmaMm: filtered(p, s), made.phaseRad_KJI, -0.2)
            self.assertAlmostEqual(found / predicted, 1, delta=0.005)

    def testFreeSpaceIsTheKernelsMean(self):
        # 4 x 5 pixels under a Gaussian of SD s lose the mean over pairs of pixels of the kernel between them.
        sigmaPixels = 2.8 / 0.536
        i, j = self.PIXELS_IJ.T.astype(float)
        pairs = np.exp(-((i[:, None] - i) ** 2 + (j[:, None] - j) ** 2) / (2 * sigmaPixels**2))
        expected = 1 - pairs.sum(1).mean() / (2 * np.pi * sigmaPixels**2)
        found = gaussianResponse(np.zeros((5, 150, 150)), None, 4, self.PIXELS_IJ, 2.8, SPACING).retention
        self.assertAlmostEqual(found, expected, delta=1e-3)

    def testSteepBackgroundIsNoticed(self):
        """The low-pass of a slope has the window's value there: 1 cycle in 20 pixels is 8 of 160 lines."""
        slope = np.tile(2 * np.pi * np.arange(160) / 20, (5, 160, 1)).astype(np.float32)
        for nLines in (20, 32, 48):
            found = homodyneResponse(slope, None, 4, self.PIXELS_IJ, (nLines, nLines), "hann").coherence
            self.assertAlmostEqual(found, lineWindow(160, nLines)[8], places=5)

    def testSmallerKernelsKeepLess(self):
        made = rendered()
        kept = [
            homodyneResponse(made.phaseRad_KJI, made.magnitude_KJI, 4, self.PIXELS_IJ, (n, n), "hann").retention
            for n in (16, 32, 64, 96)
        ]
        self.assertEqual(kept, sorted(kept, reverse=True))


class PreparationTest(unittest.TestCase):
    def testKernelInLinesAndMm(self):
        source = phaseInput()
        record = filterRecord(source, PhaseSettings(kernelLines=32))
        self.assertEqual(record.nLines_IJ, (32, 32))
        np.testing.assert_allclose(record.cutoffMm_IJ, [2 * 160 * 0.536 / 32, 2 * 144 * 0.536 / 32], rtol=1e-9)
        record = filterRecord(source, SMALL)
        np.testing.assert_allclose(record.cutoffMm_IJ, [7.5, 7.5])
        self.assertIn("22.87 x 20.58 lines = 7.5 x 7.5 mm, hann window", record.text)

    def testKernelThatTheImageHasNoLinesForIsRefused(self):
        for settings in (
            PhaseSettings(kernelLines=150),
            PhaseSettings(kernelMm=60.0),
            PhaseSettings(filter="laplacian", highPassSigmaMm=900.0),
            PhaseSettings(filter="laplacian", highPassSigmaMm=1e-5),
        ):
            with self.assertRaisesRegex(InputError, "160 x 144 pixels.*change the lines"):
                filterRecord(phaseInput(), settings)

    def testGivenGaussianDoesNotAskForLines(self):
        record = filterRecord(phaseInput(), PhaseSettings(filter="laplacian", kernelLines=400, highPassSigmaMm=3.0))
        self.assertEqual(record.sigmaMm, 3.0)
        self.assertAlmostEqual(sigmaForCutoff(record.cutoffMm_IJ[0]), 3.0)

    def testFlags(self):
        cases = (
            ({}, SMALL, set()),
            ({"alreadyFiltered": True}, SMALL, {"filter_on_filtered_phase", "does_not_look_filtered"}),
            ({"magnitude_KJI": None}, SMALL, {"filtered_without_magnitude"}),
            ({"polarity": "unknown"}, SMALL, {"polarity_unknown"}),
            ({}, PhaseSettings(filter="none"), {"not_filtered"}),
            ({"alreadyFiltered": True}, PhaseSettings(filter="none"), {"does_not_look_filtered"}),
            ({}, PhaseSettings(kernelLines=64), {"kernel_cuts_at_2.4_mm"}),
        )
        for changes, settings, expected in cases:
            with self.subTest(changes=list(changes), settings=settings.filter):
                self.assertEqual(set(preparePhase(phaseInput(**changes), settings).flags), expected)

    def testFilteringWhatLooksFilteredIsSaid(self):
        once = preparePhase(phaseInput(), SMALL).corrected
        again = preparePhase(phaseInput(phase=once), SMALL)
        self.assertIn("looks_already_filtered", again.flags)

    def testSignFlipsAreCorrectedOnlyWhenAsked(self):
        made = rendered()
        phase = made.phaseRad_KJI.copy()
        phase[1::2] = wrapped(phase[1::2] + np.float32(np.pi))
        source = phaseInput(phase=ImageVolume(phase, made.case.ijkToRAS))
        left = preparePhase(source, SMALL.with_(filter="laplacian"))
        self.assertIn("sign_flips_found_not_corrected", left.flags)
        mended = preparePhase(source, SMALL.with_(filter="laplacian", correctSignFlips=True))
        self.assertIn("sign_flips_corrected", mended.flags)
        expected = preparePhase(phaseInput(), SMALL.with_(filter="laplacian"))
        brain = made.magnitude_KJI > 600
        difference = np.abs(wrapped(mended.corrected.array_KJI - expected.corrected.array_KJI))[brain]
        self.assertLess(np.quantile(difference, 0.99), 1e-3)

    def testWeightedImageNeedsPolarityAndMagnitude(self):
        prepared = preparePhase(phaseInput(), SMALL)
        weighted, projection = prepared.susceptibilityWeighted()
        made = rendered()
        vein = made.masks_KJI["vein"]
        self.assertLess((weighted / made.magnitude_KJI)[vein].mean(), 0.4)
        self.assertTrue((projection <= weighted).all())
        np.testing.assert_array_equal(projection[5], weighted[3:7].min(0))
        for changes in ({"magnitude_KJI": None}, {"polarity": "unknown"}):
            self.assertIsNone(preparePhase(phaseInput(**changes), SMALL).susceptibilityWeighted())
        self.assertIsNone(preparePhase(phaseInput(), PhaseSettings(filter="none")).susceptibilityWeighted())

    def testMaskDarkensTheParamagneticSignOnly(self):
        source = replace(phaseInput(), polarity="paramagnetic_positive")
        weighted, _ = preparePhase(source, SMALL).susceptibilityWeighted()
        made = rendered()
        self.assertGreater((weighted / made.magnitude_KJI)[made.masks_KJI["vein"]].mean(), 0.95)


if __name__ == "__main__":
    unittest.main()
