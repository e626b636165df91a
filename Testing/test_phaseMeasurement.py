"""Regions to values: means, units, rules, slices, polarity, and what the phantom is known to hold."""

import unittest
from dataclasses import replace

import numpy as np
from phaseTestCases import SMALL, phaseInput, region, rendered
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageVolume
from PhaseShiftROILib.measurement import circularMean, inHz, inPpb, measurePhaseShift
from PhaseShiftROILib.phaseTables import (
    MEASUREMENT_COLUMNS,
    WIDE_COLUMNS,
    measurementRows,
    regionRow,
    sliceRows,
    summary,
    wideRow,
)
from PhaseShiftROILib.polarity import checkPolarity
from PhaseShiftROILib.regions import FREE, PixelRule, parsePixelRules, structure, structureAndSide
from PhaseShiftROILib.settings import PhaseSettings
from PhaseShiftROILib.slices import chooseSlices

NOT_FILTERED = PhaseSettings(filter="none")


def measured(settings=SMALL, **changes):
    return {m.region.slug: m for m in measurePhaseShift(phaseInput(**changes), settings)}


def painted(values_KJI, masks, settings=NOT_FILTERED, **changes):
    """Measurements of an image of known values, by region slug."""
    source = phaseInput(
        phase=ImageVolume(np.asarray(values_KJI, dtype=np.float32), np.diag([0.5, 0.5, 2.0, 1.0])),
        magnitude_KJI=None,
        regions=tuple(region(name, mask) for name, mask in masks.items()),
        **changes,
    )
    return {m.region.slug: m for m in measurePhaseShift(source, settings)}


class UnitsTest(unittest.TestCase):
    def testThePapersValueInHzAndPpb(self):
        self.assertAlmostEqual(inHz(-0.176, 19.0), -1.474, places=3)
        self.assertAlmostEqual(inPpb(inHz(-0.176, 19.0), 3.0), -11.542, places=3)

    def testCircularMeanAtTheWrap(self):
        values = np.array([3.10, -3.12, 3.13, -3.09])
        expected = np.angle(np.exp(1j * values).mean())
        self.assertAlmostEqual(circularMean(values), expected, places=12)
        self.assertGreater(abs(circularMean(values)), 3.1)
        self.assertLess(abs(values.mean()), 0.1)  # what an arithmetic mean makes of it
        self.assertAlmostEqual(circularMean(values - 3.0), (np.mod(values, 2 * np.pi) - 3.0).mean(), places=5)


class MeanTest(unittest.TestCase):
    def setUp(self):
        self.values = np.zeros((6, 20, 20))
        self.mask = np.zeros(self.values.shape, dtype=bool)
        self.mask[2, 4:8, 5:10] = True
        rng = np.random.default_rng(3)
        self.values[self.mask] = rng.normal(-0.3, 0.05, 20)

    def testFilteredPhaseHasAnArithmeticMean(self):
        (value,) = painted(self.values, {"putamen_left": self.mask}, alreadyFiltered=True)["putamen_left"].candidates
        inside = self.values[self.mask]
        self.assertAlmostEqual(value.phaseRad, inside.mean(), places=6)
        self.assertAlmostEqual(value.sdRad, inside.std(ddof=1), places=6)
        self.assertEqual((value.slice, value.nPixels, value.areaMm2), (2, 20, 5.0))
        self.assertTrue(np.isnan(value.retention), "the scanner's filter is not known")

    def testWrappedPhaseHasACircularMean(self):
        around = self.values - 0.1 + np.where(self.mask, 3.4, 0.0)
        values = around - 2 * np.pi * np.rint(around / (2 * np.pi))
        (value,) = painted(values, {"putamen_left": self.mask})["putamen_left"].candidates
        self.assertAlmostEqual(value.phaseRad, circularMean(around[self.mask]), places=5)
        self.assertAlmostEqual(value.sdRad, self.values[self.mask].std(ddof=1), places=4)
        self.assertEqual(value.retention, 1.0)

    def testWrapInFilteredPhaseIsFlagged(self):
        self.values[2, 4, 5] = 3.1
        (value,) = painted(self.values, {"putamen_left": self.mask}, alreadyFiltered=True)["putamen_left"].candidates
        self.assertIn("wraps_in_region", value.flags)

    def testNotFinitePixelsLeaveNoValue(self):
        self.values[2, 4, 5] = np.nan
        measurement = painted(self.values, {"putamen_left": self.mask}, alreadyFiltered=True)["putamen_left"]
        self.assertEqual(measurement.chosen, [])
        (row,) = measurementRows(measurement)
        self.assertIn("not_finite", row["flags"])
        self.assertNotIn("phase_rad", row)

    def testPixelsWithoutSignalLeaveNoValue(self):
        """A mask that cuts into the cortex: neither 0 nor a mean of half the region."""
        magnitude = np.ones(self.values.shape, dtype=np.float32)
        magnitude[2, 4:6, 5:10] = 0
        for filterName in ("none", "homodyne", "laplacian"):
            source = phaseInput(
                phase=ImageVolume(self.values.astype(np.float32), np.diag([0.5, 0.5, 2.0, 1.0])),
                magnitude_KJI=magnitude,
                regions=(region("putamen_left", self.mask),),
            )
            (measurement,) = measurePhaseShift(source, PhaseSettings(filter=filterName, kernelLines=8))
            (row,) = measurementRows(measurement)
            self.assertNotIn("phase_rad", row)
            self.assertIn("no_signal_in_10_of_20_pixels", row["flags"])
            self.assertIn("no_slice_measured", row["flags"])

    def testNotFinitePhaseLeavesNoValueWhateverTheFilter(self):
        self.values[2, 4, 5] = np.nan
        for filterName in ("homodyne", "laplacian"):
            settings = PhaseSettings(filter=filterName, kernelLines=8)
            measurement = painted(self.values, {"putamen_left": self.mask}, settings)["putamen_left"]
            self.assertEqual(measurement.chosen, [])
            self.assertIn("not_finite", measurementRows(measurement)[0]["flags"])

    def testALostSliceIsSaid(self):
        masks = np.zeros(self.values.shape, dtype=bool)
        masks[1:5, 4:8, 5:10] = True
        self.values[2, 4, 5] = np.nan
        measurement = painted(self.values, {"precentral_gyrus_left": masks})["precentral_gyrus_left"]
        self.assertEqual(len(measurement.chosen), 3)
        self.assertIn("1_of_4_slices_not_measured", measurement.flags)

    def testOppositeSignIsFlagged(self):
        """As the sign slip of exam 3 in the paper's Table 2."""
        self.values[self.mask] *= -1
        found = painted(self.values, {"putamen_left": self.mask}, alreadyFiltered=True)["putamen_left"]
        self.assertIn("sign_against_polarity", found.candidates[0].flags)

    def testKnownStructureWithoutASideIsFlagged(self):
        found = painted(self.values, {"precentral_gyrus": self.mask})["precentral_gyrus"]
        self.assertIn("no_side", found.flags)

    def testEmptyRegionIsABlankRow(self):
        measurement = painted(self.values, {"putamen_left": self.mask & False})["putamen_left"]
        (row,) = measurementRows(measurement)
        self.assertEqual((row["region"], row["side"], row["rank"]), ("putamen", "left", None))
        self.assertIn("empty_region", row["flags"])
        self.assertNotIn("phase_rad", row)
        self.assertEqual([r["selected"] for r in sliceRows(measurement)], [0])
        self.assertNotIn("putamen", wideRow([measurement]))

    def testPixelRuleIsAFlagNotARefusal(self):
        masks = {"caudate_nucleus_left": self.mask, "precentral_gyrus_left": self.mask, "putamen_left": self.mask}
        flags = {slug: m.candidates[0].flags for slug, m in painted(self.values, masks).items()}
        self.assertEqual(flags["caudate_nucleus_left"], ("20_pixels_outside_25-35",))
        self.assertEqual((flags["precentral_gyrus_left"], flags["putamen_left"]), ((), ()))
        edited = PhaseSettings(filter="none", pixelRules="caudate_nucleus=free;putamen=1-19;precentral_gyrus=21-")
        flags = {slug: m.candidates[0].flags for slug, m in painted(self.values, masks, edited).items()}
        self.assertEqual(flags["caudate_nucleus_left"], ())
        self.assertEqual(flags["putamen_left"], ("20_pixels_outside_1-19",))
        self.assertEqual(flags["precentral_gyrus_left"], ("20_pixels_outside_21-",))


class RemarkTest(unittest.TestCase):
    def flagsAt(self, i, j, slopePerPixel, filterName="homodyne"):
        """Flags of 20 pixels at a place of a slice of 200 x 200 pixels with a sloping background."""
        mask = np.zeros((1, 200, 200), dtype=bool)
        mask[0, j : j + 5, i : i + 4] = True
        phase = np.angle(np.exp(1j * slopePerPixel * np.arange(200))) * np.ones((1, 200, 1))
        settings = PhaseSettings(kernelLines=32, filter=filterName)
        found = painted(phase, {"putamen_left": mask}, settings, polarity="unknown")["putamen_left"]
        return set(found.candidates[0].flags)

    def testSteepBackground(self):
        edge = 2 * np.pi * 16 / 200  # slope of the outermost line, rad per pixel
        self.assertEqual(self.flagsAt(100, 100, 0.3 * edge), set())
        self.assertEqual(self.flagsAt(100, 100, 0.6 * edge), {"steep_background"})
        self.assertEqual(self.flagsAt(100, 100, 0.9 * edge), {"steep_background", "low_retention"})
        self.assertEqual(self.flagsAt(100, 100, 0.9 * edge, "laplacian"), set())

    def testImageBorder(self):
        # The kernel reaches 200 / 32 = 6 pixels.
        self.assertEqual(self.flagsAt(4, 100, 0.1), {"near_image_border"})
        self.assertEqual(self.flagsAt(100, 192, 0.1), {"near_image_border"})
        self.assertEqual(self.flagsAt(7, 100, 0.1), set())
        self.assertEqual(self.flagsAt(4, 100, 0.1, "laplacian"), set())


class SideTest(unittest.TestCase):
    """A head of 140 mm whose middle lies 8 mm to the left of the origin, in noise; putamen painted 20 mm beside it."""

    def flags(self, name: str, offsetMm: float, widthMm=140.0, axis=0, withMagnitude=True) -> tuple[str, ...]:
        matrix = np.diag([-1.0, 1.0, 2.0, 1.0])
        matrix[:3, 3] = 100.0, -100.0, 0.0
        if axis == 1:
            matrix[:2, :2] = [[0.0, -1.0], [-1.0, 0.0]]
            matrix[:2, 3] = 100.0, 100.0
        position_R = 100.0 - np.arange(200)
        column = np.abs(position_R + 8.0) <= widthMm / 2
        inside = np.zeros((3, 200, 200), dtype=bool)
        inside[:, 30:170, :] = column
        mask = np.zeros(inside.shape, dtype=bool)
        mask[1, 100:104, np.flatnonzero(np.abs(position_R + 8.0 - offsetMm) <= 2)] = True
        magnitude = np.where(inside, 500.0, 0.0) + np.random.default_rng(0).rayleigh(20.0, inside.shape)
        if axis == 1:
            magnitude, mask = magnitude.transpose(0, 2, 1), mask.transpose(0, 2, 1)
        source = phaseInput(
            phase=ImageVolume(np.zeros(mask.shape, dtype=np.float32), matrix),
            magnitude_KJI=magnitude if withMagnitude else None,
            regions=(region(name, mask),),
        )
        (measurement,) = measurePhaseShift(source, NOT_FILTERED)
        self.assertTrue(measurement.chosen)  # it keeps its value
        return measurement.flags

    def testARegionOnTheOtherSideIsSaid(self):
        for axis in (0, 1):
            for name, offsetMm, isAcross in (
                ("putamen_left", 20.0, True),
                ("putamen_left", -20.0, False),
                ("putamen_right", -20.0, True),
                ("putamen_right", 20.0, False),
                ("putamen_left", 4.0, False),  # within what the middle is worth
                ("my_place", 20.0, False),
            ):
                with self.subTest(name=name, offsetMm=offsetMm, axis=axis):
                    self.assertEqual("side_against_midline" in self.flags(name, offsetMm, axis=axis), isAcross)

    def testNothingIsSaidWhereTheMiddleIsNotKnown(self):
        self.assertNotIn("side_against_midline", self.flags("putamen_left", 20.0, widthMm=100.0))
        self.assertNotIn("side_against_midline", self.flags("putamen_left", 20.0, withMagnitude=False))


class RulesTest(unittest.TestCase):
    def testThePapersRules(self):
        for slug, low, high in (("precentral_gyrus", 15, 25), ("frontal_cortex", 15, 25), ("caudate_nucleus", 25, 35)):
            rule = structure(slug).rule
            self.assertEqual([rule.allows(n) for n in (low - 1, low, high, high + 1)], [False, True, True, False])
        self.assertTrue(structure("putamen").rule.allows(1000))
        self.assertEqual([structure(s).nSlices for s in ("precentral_gyrus", "putamen", "my own")], [3, 1, 1])

    def testEditedRules(self):
        rules = parsePixelRules("precentral_gyrus=10-30; caudate_nucleus=free;x=5-")
        expected = {"precentral_gyrus": PixelRule(10, 30), "caudate_nucleus": FREE, "x": PixelRule(5, None)}
        self.assertEqual(rules, expected)
        self.assertEqual(parsePixelRules("Left Putamen=3-9"), {"putamen": PixelRule(3, 9)})
        for text in ("precentral_gyrus", "a=b", "=3-4", "a=9-4", "a=0-4", "a=3"):
            with self.assertRaises(InputError):
                parsePixelRules(text)

    def testNames(self):
        for name in ("precentral_gyrus_left", "Left Precentral Gyrus", "precentral-gyrus L", "lh precentral gyrus"):
            found, side = structureAndSide(name)
            self.assertEqual((found.slug, side), ("precentral_gyrus", "left"), name)
        self.assertEqual(structureAndSide("Red nucleus")[1], "")
        self.assertEqual(structureAndSide("vein")[0].slug, "vein")
        with self.assertRaises(InputError):
            structureAndSide("left")

    def testRuleForNoRegionIsRefused(self):
        with self.assertRaisesRegex(
            InputError, "pixel rule is given for 'precentral'; expected one of precentral_gyrus"
        ):
            measurePhaseShift(phaseInput(), SMALL.with_(pixelRules="precentral=1-2"))


class SliceRuleTest(unittest.TestCase):
    SLICES = (4, 5, 6, 7, 8, 9)
    MEANS = (-0.30, -0.05, -0.15, -0.16, -0.14, -0.29)

    def choose(self, rule, sign=-1, nSlices=3, slices=SLICES, means=MEANS):
        return [slices[position] for position in chooseSlices(slices, means, rule, nSlices, sign)]

    def testRanked(self):
        self.assertEqual(self.choose("ranked"), [4, 9, 7])
        self.assertEqual(self.choose("ranked", nSlices=1), [4])

    def testConsecutive(self):
        self.assertEqual(self.choose("consecutive"), [9, 7, 8])
        self.assertEqual(self.choose("consecutive", slices=(4, 5, 6, 7, 10, 11)), [4, 6, 5])

    def testPolarityDecidesWhatIsExtreme(self):
        means = (0.5, -0.1, -0.2, 0.3, -0.4, 0.1)
        self.assertEqual(self.choose("ranked", -1, means=means), [8, 6, 5])
        self.assertEqual(self.choose("ranked", 1, means=means), [4, 7, 9])
        self.assertEqual(self.choose("ranked", 0, means=means), [4, 8, 7])

    def testOrderOfSlicesDoesNotMatter(self):
        self.assertEqual(
            [self.SLICES[::-1][p] for p in chooseSlices(self.SLICES[::-1], self.MEANS[::-1], "consecutive", 3, -1)],
            [9, 7, 8],
        )

    def testTooFewSlices(self):
        self.assertEqual(self.choose("ranked", slices=(4, 6), means=(-0.1, -0.2)), [6, 4])
        self.assertEqual(self.choose("consecutive", slices=(4, 6, 8), means=(-0.1, -0.2, -0.3)), [])
        self.assertEqual(self.choose("ranked", slices=(), means=()), [])

    def testNotMeasuredSlicesAreNotChosen(self):
        means = (np.nan, -0.1, -0.2, np.nan, -0.1, -0.1)
        self.assertEqual(self.choose("ranked", means=means), [6, 5, 8])
        self.assertEqual(self.choose("consecutive", means=means), [])


class PhantomTest(unittest.TestCase):
    def testValuesAreTruthTimesRetention(self):
        for name in ("homodyne", "laplacian"):
            differences = {True: [], False: []}
            for slug, measurement in measured(SMALL.with_(filter=name)).items():
                truth = rendered().truthRad[slug]
                self.assertEqual([value.slice for value in measurement.candidates], sorted(truth))
                # In the small head pallidum and putamen lie in each other's kernels.
                crowded = measurement.region.structure.slug in ("globus_pallidus", "putamen")
                for value in measurement.candidates:
                    self.assertLess(value.phaseRad, 0)
                    differences[crowded].append(value.phaseRad - truth[value.slice] * value.retention)
                    self.assertAlmostEqual(value.phaseHz, inHz(value.phaseRad, 19.0))
                    self.assertAlmostEqual(value.phasePpb, inPpb(value.phaseHz, 3.0))
            with self.subTest(filter=name):
                # Noise of one mean is 0.025 / sqrt(20); the rest is background that the filter leaves.
                self.assertLess(np.abs(np.median(differences[False])), 0.006)
                self.assertLess(np.abs(differences[False]).max(), 0.02)
                self.assertLess(np.abs(differences[True]).max(), 0.04)

    def testSliceRules(self):
        ranked = measured()["precentral_gyrus_right"]
        self.assertEqual([value.slice for value in ranked.chosen], [12, 9, 11])
        consecutive = measured(SMALL.with_(sliceRule="consecutive"))["precentral_gyrus_right"]
        self.assertEqual(sorted(value.slice for value in consecutive.chosen), [10, 11, 12])
        self.assertEqual(len(ranked.candidates), 6)

    def testTableRows(self):
        rows = measurementRows(measured()["precentral_gyrus_left"])
        self.assertEqual([row["rank"] for row in rows], [1, 2, 3])
        self.assertEqual(set(rows[0]), {column.name for column in MEASUREMENT_COLUMNS})
        self.assertLess(rows[0]["phase_rad"], rows[2]["phase_rad"])
        candidates = sliceRows(measured()["precentral_gyrus_left"])
        self.assertEqual([row["selected"] for row in candidates], [0, 1, 0, 1, 1, 0])
        self.assertEqual([row["rank"] for row in candidates], [None, 2, None, 3, 1, None])

    def testMeanAndExtremeAreBothGiven(self):
        row = regionRow(measured()["precentral_gyrus_left"])
        self.assertLess(row["extreme_rad"], row["mean_selected_rad"])
        self.assertLess(row["mean_selected_rad"], row["mean_all_rad"])
        self.assertIn("homodyne (2D)", row["filter"])
        self.assertEqual((row["polarity"], row["n_slices"]), ("paramagnetic_negative", 6))

    def testWideRowIsThePapersLayout(self):
        found = measured()
        row = wideRow(list(found.values()))
        names = [column.name for column in WIDE_COLUMNS]
        self.assertEqual(names[2:], "R1 L1 R2 L2 R3 L3 frontal caudate pallidum putamen".split())
        self.assertEqual(set(row), set(names))
        self.assertEqual(row["R2"], found["precentral_gyrus_right"].chosen[1].phaseRad)
        both = [found[f"putamen_{side}"].chosen[0].phaseRad for side in ("left", "right")]
        self.assertEqual(row["putamen"], min(both))

    def testUnknownPolarityGivesValuesButNoWordOfIron(self):
        found = measured(polarity="unknown")
        self.assertEqual(len(found), 10)
        for measurement in found.values():
            self.assertIn("polarity_unknown", measurement.flags)
            self.assertTrue(np.isfinite(measurement.chosen[0].phaseRad))
            words = summary(measurement) + str(measurementRows(measurement))
            self.assertNotRegex(words, "(?i)iron|paramagnetic")

    def testTheVeinIsNotMeasured(self):
        self.assertNotIn("vein", measured())


class PolarityTest(unittest.TestCase):
    def checks(self, **changes):
        return {check.region: check for check in next(iter(measured(**changes).values())).polarityChecks}

    def testVeinAndPallidumAgreeWithWhatIsTrue(self):
        for polarity in ("paramagnetic_negative", "paramagnetic_positive"):
            found = self.checks(made=rendered(polarity=polarity), polarity=polarity)
            self.assertEqual(set(found), {"vein", "globus_pallidus_left", "globus_pallidus_right"})
            self.assertEqual({check.suggests for check in found.values()}, {polarity})

    def testContradictionIsFlagged(self):
        found = measured(polarity="paramagnetic_positive")["putamen_left"]
        self.assertIn("polarity_contradicted_by_vein", found.flags)

    def testVeinAcrossTheFieldHasTheOtherSign(self):
        values = np.zeros((40, 40, 60), dtype=np.float32)
        values += np.random.default_rng(0).normal(0, 0.01, values.shape)
        mask = np.zeros(values.shape, dtype=bool)
        mask[20, 19:22, 10:50] = True
        values[mask] += 0.3
        image = ImageVolume(values, np.eye(4))
        check = checkPolarity(image, region("vein", mask))
        self.assertEqual(check.suggests, "paramagnetic_negative")
        # The same voxels in an image whose first axis is the patient's long axis.
        alongS = ImageVolume(values, np.array([[0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1.0]]))
        self.assertEqual(checkPolarity(alongS, region("vein", mask)).suggests, "paramagnetic_positive")

    def testUndecidedIsSaid(self):
        values = np.random.default_rng(0).normal(0, 0.1, (20, 40, 40)).astype(np.float32)
        image = ImageVolume(values, np.eye(4))
        mask = np.zeros(values.shape, dtype=bool)
        mask[10, 18:22, 18:22] = True
        self.assertEqual(checkPolarity(image, region("globus_pallidus_left", mask)).suggests, "unknown")
        nothing = ImageVolume(np.zeros_like(values), np.eye(4))
        self.assertEqual(checkPolarity(nothing, region("globus_pallidus_left", mask)).suggests, "unknown")
        values[mask] -= 2
        check = checkPolarity(image, region("vein", mask))
        self.assertEqual(check.suggests, "unknown")
        self.assertIn("direction", check.reason)

    def testPreparedImageIsUsedAgain(self):
        source = phaseInput()
        first = measurePhaseShift(source, SMALL)
        fewer = replace(source, regions=source.regions[:1])
        (again,) = measurePhaseShift(fewer, SMALL, first[0].prepared)
        self.assertIs(again.prepared.corrected, first[0].prepared.corrected)
        self.assertEqual(again.candidates, first[0].candidates)


if __name__ == "__main__":
    unittest.main()
