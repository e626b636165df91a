"""The whole chain on phantoms of known truth."""

import unittest
from dataclasses import replace

import numpy as np
from alsTestCases import BAND, QUICK, arcInput
from ALSCortexProfileLib.measurement import measureProfile
from ALSCortexProfileLib.profileTables import MEASUREMENT_COLUMNS, measurementRow
from ALSCortexProfileLib.settings import ProfileSettings
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageRegion
from ALSStudyLib.phantom import Band


def errorPercent(measurement, band, variant=None):
    found = variant or measurement.selected
    return 100 * (found.shThkPerMm / band.shThkPerMm - 1)


def variantOf(measurement, voxelAware, align):
    return next(v for v in measurement.variants if (v.voxelAware, v.align) == (voxelAware, align))


class AccuracyTest(unittest.TestCase):
    """Smaller copies of what Testing/Benchmarks measures on many phantoms."""

    def testNoiseFree(self):
        for width, limit in ((1.5, 0.5), (1.2, 0.5), (0.8, 1.0)):
            with self.subTest(width=width):
                band = Band.symmetric(0.25, width)
                measurement = measureProfile(arcInput(band, superficialUnits=0.0), QUICK)
                self.assertEqual(measurement.status, "ok")
                self.assertLess(abs(errorPercent(measurement, band)), limit)
                self.assertLess(abs(measurement.selected.areaMm / band.areaMm - 1), 0.02)
                # Without the voxel in the fit the same profile is off by several times as much.
                plain = errorPercent(measurement, band, variantOf(measurement, False, True))
                self.assertLess(plain, -2.0)

    def testBrightSuperficialLayers(self):
        for width in (1.5, 1.2, 0.8):
            band = Band.symmetric(0.25, width)
            measurement = measureProfile(arcInput(band, superficialUnits=120.0), QUICK)
            self.assertLess(abs(errorPercent(measurement, band)), 2.0)
            self.assertIsNotNone(measurement.window.superficial)

    def testSevenTesla(self):
        band = Band.symmetric(0.5, 1.5)
        measurement = measureProfile(arcInput(band, spacingMm=0.5, superficialUnits=0.0), QUICK)
        self.assertLess(abs(errorPercent(measurement, band)), 1.0)

    def testMisplacedControlPoints(self):
        aligned, plain = [], []
        for seed in range(8):
            measurement = measureProfile(arcInput(seed=seed, jitterMm=0.2), QUICK)
            self.assertEqual(measurement.status, "ok")
            aligned.append(abs(errorPercent(measurement, BAND)))
            plain.append(abs(errorPercent(measurement, BAND, variantOf(measurement, True, False))))
        self.assertLess(np.median(aligned), 3.0)
        self.assertGreater(np.median(plain), 2 * np.median(aligned))

    def testNoiseAndIntervals(self):
        settings = ProfileSettings(resamples=300)
        errors, covered = [], 0
        for seed in range(10):
            measurement = measureProfile(arcInput(seed=seed, snr=25.0, nSlices=2), settings)
            self.assertEqual(measurement.status, "ok")
            errors.append(abs(errorPercent(measurement, BAND)))
            interval = measurement.intervals.shThkPerMm
            self.assertLess(interval.low, measurement.selected.shThkPerMm)
            self.assertGreater(interval.high, measurement.selected.shThkPerMm)
            covered += interval.low <= BAND.shThkPerMm <= interval.high
        self.assertLess(np.median(errors), 3.0)
        self.assertGreaterEqual(covered, 7)

    def testFlatCortexHasNoBand(self):
        for seed in range(12):
            measurement = measureProfile(arcInput(None, seed=seed, snr=25.0, superficialUnits=60.0), QUICK)
            self.assertIn(measurement.status, ("no_band", "not_converged"))
            row = measurementRow(measurement)
            for column in MEASUREMENT_COLUMNS:
                if column.name.startswith(("sh", "thickness", "area_mm")):
                    self.assertEqual(column.text(row), "n/a", column.name)

    def testTruthIsWhatThePhantomSays(self):
        """The phantom's intensity beneath the pia is its closed form: no error hides in the truth itself."""
        profiles = measureProfile(arcInput(superficialUnits=0.0), QUICK.with_(align=False)).mean
        deep = (profiles.depthMm > 4.5) & (profiles.depthMm < 5.8)
        np.testing.assert_allclose(profiles.meanIntensity[deep], 500.0, atol=0.7)
        np.testing.assert_allclose(profiles.meanIntensity[profiles.depthMm < -0.9], 800.0, atol=2.0)


class SettingsTest(unittest.TestCase):
    def testLiteralConventionGivesTheSameNumbers(self):
        paper = ProfileSettings.paper().with_(resamples=0)
        signed = measureProfile(arcInput(), paper.with_(convention="signed"))
        literal = measureProfile(arcInput(), paper)
        self.assertEqual(signed.selected.sh, literal.selected.sh)
        self.assertFalse(literal.selected.voxelAware or literal.selected.align)

    def testLinearInterpolationLosesMoreWithoutTheVoxelModel(self):
        cubic = measureProfile(arcInput(), QUICK)
        linear = measureProfile(arcInput(), QUICK.with_(interpolation="linear"))
        plain = (False, False)
        self.assertLess(
            errorPercent(linear, BAND, variantOf(linear, *plain)),
            errorPercent(cubic, BAND, variantOf(cubic, *plain)) - 2,
        )
        self.assertLess(abs(errorPercent(linear, BAND)), 1.5)

    def testFixedWindow(self):
        measurement = measureProfile(arcInput(), QUICK.with_(windowStartMm=1.0, windowEndMm=4.0))
        depth = measurement.mean.depthMm
        self.assertAlmostEqual(depth[measurement.window.first], 1.0, places=9)
        self.assertAlmostEqual(depth[measurement.window.last], 4.0, places=9)

    def testWindowTooShortIsSaid(self):
        measurement = measureProfile(arcInput(), QUICK.with_(windowStartMm=1.0, windowEndMm=2.3))
        self.assertNotEqual(measurement.status, "ok")
        self.assertTrue(np.isnan(measurement.selected.sh))

    def testWindowBeyondTheSamplesIsRefused(self):
        """A gyrus of 4.5 mm has no samples at 5 mm."""
        settings = QUICK.with_(windowStartMm=5.0, windowEndMm=6.0)
        measurement = measureProfile(arcInput(BAND, radiusMm=4.5), settings)
        self.assertEqual(measurement.status, "invalid_input")
        self.assertRegex(measurement.reason, r"holds 0.0 mm of the profile, .* to 4\.\d mm; expected at least")

    def testSameSeedSameIntervals(self):
        settings = ProfileSettings(resamples=100)
        profileInput = arcInput(snr=25.0)
        first, second = (measureProfile(profileInput, settings).intervals for _ in range(2))
        self.assertEqual(first, second)
        self.assertNotEqual(first, measureProfile(profileInput, settings.with_(seed=7)).intervals)

    def testBootstrapCanBeStopped(self):
        calls = []
        measurement = measureProfile(arcInput(snr=25.0), ProfileSettings(), lambda share: calls.append(share) or False)
        self.assertEqual(len(calls), 1)
        self.assertEqual(measurement.status, "ok")
        self.assertTrue(np.isnan(measurement.intervals.sh.low))

    def testRoundTripAndRefusals(self):
        settings = ProfileSettings(interpolation="linear", resamples=50)
        self.assertEqual(ProfileSettings.fromDict(settings.toDict()), settings)
        for bad in ({"interpolation": "nearest"}, {"resamples": -1}, {"depthStepMm": 0.0}, {"maxDepthMm": 2.0}):
            with self.assertRaisesRegex(InputError, "expected"):
                ProfileSettings(**bad)
        with self.assertRaisesRegex(InputError, "newer version"):
            ProfileSettings.fromDict({"tomorrow": 1})
        for wrong in ({"seed": "x"}, {"depthStepMm": "0.1"}, {"align": 1}, {"resamples": True}, {"seed": -1}):
            with self.assertRaisesRegex(InputError, "expected"):
                ProfileSettings.fromDict(wrong)


class GeometryTest(unittest.TestCase):
    def testTiltIsSeen(self):
        upright = measureProfile(arcInput(nSlices=3), QUICK)
        tilted = measureProfile(arcInput(nSlices=3, tiltDeg=25.0, jitterMm=0.1), QUICK)
        self.assertLess(upright.tiltDeg, 2.0)
        self.assertAlmostEqual(tilted.tiltDeg, 25.0, delta=5.0)
        self.assertIn("steep_tilt", tilted.flags)
        self.assertIn("tilt_unknown", measureProfile(arcInput(nSlices=1), QUICK).flags)

    def testSlicesArePooled(self):
        one, three = (measureProfile(arcInput(nSlices=n), QUICK) for n in (1, 3))
        self.assertEqual(three.nNormals, 3 * one.nNormals)
        self.assertEqual(measurementRow(three)["slices"], "2,3,4")

    def testR2starIsTurnedRound(self):
        """In an R2* map the band is bright: the same numbers come out with the sign turned."""
        source = arcInput(superficialUnits=0.0)
        # Mirrored about the splenium, so that both are normalized by the same mean.
        mean = source.image.array_KJI[tuple(source.splenium.voxels_IJK.T[::-1])].mean()
        turned = replace(source.image, array_KJI=2 * mean - source.image.array_KJI, darkIsHigh=True)
        plain, mirrored = measureProfile(source, QUICK), measureProfile(replace(source, image=turned), QUICK)
        self.assertEqual(mirrored.status, "ok")
        self.assertAlmostEqual(mirrored.selected.sh, plain.selected.sh, delta=1e-6)
        self.assertAlmostEqual(mirrored.selected.thicknessMm, plain.selected.thicknessMm, delta=1e-6)

    def testTightGyrusIsMeasuredAsDeepAsItIs(self):
        """Beyond its radius a gyrus has no depth: nothing is sampled there, and nothing fails."""
        band = Band.symmetric(0.25, 1.2, 1.8)
        source = arcInput(band, radiusMm=5.0, arcMm=11.0, superficialUnits=0.0)
        # The phantom's own white matter lies 9.5 mm deep, on the far side of so small a circle.
        center = np.rint(source.image.rasToIJK(source.contours[0].controlPoints_RAS.mean(0)[None])).astype(int)
        deep = center + np.argwhere(np.ones((4, 4, 1))) + [-2, -14, 0]
        measurement = measureProfile(replace(source, whiteMatter=replace(source.whiteMatter, voxels_IJK=deep)), QUICK)
        self.assertEqual(measurement.status, "ok", measurement.reason)
        self.assertTrue(np.isnan(measurement.mean.hypointensity[measurement.mean.depthMm > 5.1]).all())
        self.assertLess(abs(errorPercent(measurement, band)), 3.0)

    def testWideControlPointsAreSaid(self):
        self.assertIn("control_points_wider_than_3_mm", measureProfile(arcInput(controlSpacingMm=3.6), QUICK).flags)


class ReferencesTest(unittest.TestCase):
    """White matter that is painted into the cortex spoils every target that it serves."""

    def flags(self, **changes):
        return measureProfile(replace(arcInput(), **changes), QUICK).flags

    def testWhiteMatterInTheCortexIsSaid(self):
        source = arcInput()
        self.assertNotIn("white_matter_near_line", self.flags())
        line_RAS = source.contours[0].controlPoints_RAS
        toWhiteMatter = source.image.ijkToWorld(source.whiteMatter.voxels_IJK).mean(0) - line_RAS.mean(0)
        for depthMm, isNear in ((2.0, True), (5.0, False)):
            middle_RAS = line_RAS[len(line_RAS) // 2] + depthMm * toWhiteMatter / np.linalg.norm(toWhiteMatter)
            voxel = np.rint(source.image.rasToIJK(middle_RAS[None])).astype(int)
            region = replace(source.whiteMatter, voxels_IJK=np.concatenate([source.whiteMatter.voxels_IJK, voxel]))
            self.assertEqual("white_matter_near_line" in self.flags(whiteMatter=region), isNear, depthMm)

    def testTheLinesOfOtherTargetsCount(self):
        near_RAS = arcInput().image.ijkToWorld(arcInput().whiteMatter.voxels_IJK)[:1] + [[0, 0, 1], [0, 1, 1]]
        self.assertIn("white_matter_near_line", self.flags(otherLines_RAS=(near_RAS,)))
        self.assertNotIn("white_matter_near_line", self.flags(otherLines_RAS=(near_RAS + 20.0, near_RAS[:1])))


class BadInputTest(unittest.TestCase):
    """A target that cannot be measured keeps its row, with the reason."""

    def assertInvalid(self, profileInput, pattern):
        measurement = measureProfile(profileInput, QUICK)
        self.assertEqual(measurement.status, "invalid_input")
        self.assertRegex(measurement.reason, pattern)
        self.assertIn("expected", measurement.reason)
        self.assertRegex(measurementRow(measurement)["flags"], pattern.replace(";", ","))

    def testReferences(self):
        good = arcInput()
        empty = ImageRegion("Splenium", np.empty((0, 3), dtype=int))
        self.assertInvalid(replace(good, splenium=empty), "'Splenium' is empty")
        self.assertInvalid(replace(good, whiteMatter=replace(empty, name="White matter")), "'White matter' is empty")
        few = replace(good.splenium, voxels_IJK=good.splenium.voxels_IJK[:20])
        self.assertInvalid(replace(good, splenium=few), "covers 3.0 mm2")
        index = np.rint(good.image.rasToIJK(good.contours[0].controlPoints_RAS)).astype(int)
        over = replace(good.whiteMatter, voxels_IJK=np.vstack([good.whiteMatter.voxels_IJK, index]))
        self.assertInvalid(replace(good, whiteMatter=over), "covers .* points of")

    def testSpleniumThatCannotNormalize(self):
        good = arcInput()
        for value in (0, -300):
            array = good.image.array_KJI.copy()
            array[0] = value
            self.assertInvalid(replace(good, image=replace(good.image, array_KJI=array)), "has the mean")

    def testVoxelsThatAreNoNumbers(self):
        good = arcInput()
        for value in (np.nan, np.inf):
            array = good.image.array_KJI.astype(float)
            array[2] = value
            self.assertInvalid(replace(good, image=replace(good.image, array_KJI=array)), "NaN or infinite|not numbers")
            array = good.image.array_KJI.astype(float)
            array[2, :, : array.shape[2] // 2 - 6] = value
            partly = measureProfile(replace(good, image=replace(good.image, array_KJI=array)), QUICK)
            self.assertIn(partly.status, ("ok", "invalid_input"))
            if partly.status == "ok":
                self.assertGreater(partly.nExcluded, 5)
                self.assertLess(abs(errorPercent(partly, BAND)), 3.0)

    def testProblemFoundBefore(self):
        self.assertInvalid(replace(arcInput(), problem="Found X; expected Y; do Z."), "Found X. expected Y")


if __name__ == "__main__":
    unittest.main()
