"""Real cortex: contours of this project on images of others, held to what is plausible, not to digits."""

import unittest

import numpy as np
from alsTestCases import DATA, realData
from ALSCortexProfileLib import mrml
from ALSCortexProfileLib.echoes import combineEchoes
from ALSCortexProfileLib.settings import ProfileSettings
from ALSStudyLib.errors import InputError
from ALSStudyLib.mrmlFiles import HeadlessScene, loadCurve, loadSegmentation, loadVolumes
from ALSStudyLib.mrmlNodes import volumeArray
from ALSStudyLib.mrmlSegments import segmentNames

SEVEN_TESLA = realData("gre_epi_7t") / "magnitude.nii.gz"
MULTI_ECHO = realData("multi_echo_gre") / "magnitude.nii.gz"


@unittest.skipUnless(SEVEN_TESLA.is_file(), "the shared real images are not here")
class CentralSulcusTest(unittest.TestCase):
    """The anterior bank of the central sulcus on gradient-echo EPI, two limbs of the hand knob, two slices each."""

    @classmethod
    def setUpClass(cls):
        cls.headless = HeadlessScene()
        scene = cls.headless.scene
        folder = DATA / "gre_epi_7t"
        images = tuple(loadVolumes(scene, [SEVEN_TESLA]))
        contours = []
        for slug in ("hand_knob_right", "hand_knob_right_medial"):
            for slice in (7, 8):
                curve = loadCurve(scene, folder / f"{slug}_slice{slice}.mrk.json")
                mrml.assignTarget(curve, slug)
                contours.append(curve)
        references = loadSegmentation(scene, folder / "references.seg.nrrd")
        cls.case = mrml.CaseNodes(images, tuple(contours), references, settings=ProfileSettings(resamples=200))
        cls.lateral, cls.medial = mrml.measureCase(cls.case)

    def testGeometry(self):
        for measurement in (self.lateral, self.medial):
            self.assertGreater(measurement.nNormals, 60)
            self.assertLess(measurement.nExcluded, 20)
            self.assertEqual(sorted(rows.slice for rows in measurement.normals), [1, 2])
            self.assertAlmostEqual(measurement.voxelWidthMm, 0.745, delta=0.01)
            self.assertLess(np.abs(measurement.profiles.alignment.shiftMm).max(), 0.61)
            for rows in measurement.normals:
                self.assertGreater((rows.normals_RAS[:, 1] > 0).mean(), 0.9, "white matter lies in front of the sulcus")

    def testIntensitiesFollowAnatomy(self):
        """Bright CSF before the line, darker cortex behind it, white matter between."""
        for measurement in (self.lateral, self.medial):
            mean, depth = measurement.mean.meanIntensity, measurement.mean.depthMm
            csf, cortex = np.nanmean(mean[depth < -0.4]), np.nanmin(mean[(depth > 1) & (depth < 4)])
            self.assertGreater(csf, 1.1 * measurement.whiteMatter.mean)
            self.assertLess(cortex, 0.95 * measurement.whiteMatter.mean)

    def testLateralLimb(self):
        """A dark band in the deep cortex, against the white matter beneath it."""
        self.assertEqual(self.lateral.status, "ok")
        self.assertPlausible(self.lateral, depthMm=(2.0, 4.5))
        depth = self.lateral.mean.depthMm
        self.assertTrue(-0.5 < depth[self.lateral.window.first] < 1.5)
        self.assertGreater(depth[self.lateral.window.last], 4.5)

    def testBaselineOfAnotherPlaceIsNoticed(self):
        """Against the frontal white matter the profile stays dark at 6 mm: no width is given."""
        own = self.case.references.GetSegmentation()
        segment = own.GetSegment(segmentNames(self.case.references)["White matter hand_knob_right"])
        segment.SetName("elsewhere")
        try:
            lateral = mrml.measureCase(self.case)[0]
        finally:
            segment.SetName("White matter hand_knob_right")
        self.assertEqual(lateral.status, "at_edge")
        self.assertTrue(np.isnan(lateral.selected.thicknessMm))

    def assertPlausible(self, measurement, depthMm):
        found, interval = measurement.selected, measurement.intervals.shThkPerMm
        self.assertTrue(0.03 < found.sh < 0.25, found.sh)
        self.assertTrue(0.8 < found.thicknessMm < 4.0, found.thicknessMm)
        self.assertTrue(depthMm[0] < found.fit.peakDepthMm < depthMm[1], found.fit.peakDepthMm)
        self.assertTrue(0 < interval.low < found.shThkPerMm < interval.high < 0.3, interval)

    def testMedialLimb(self):
        self.assertIn(self.medial.status, ("ok", "no_band"))
        if self.medial.status == "ok":
            self.assertPlausible(self.medial, depthMm=(0.5, 3.0))


@unittest.skipUnless(MULTI_ECHO.is_file(), "the shared real images are not here")
class MultiEchoTest(unittest.TestCase):
    """Three echoes in one 4D file."""

    def testCombinations(self):
        headless = HeadlessScene()
        with self.assertRaisesRegex(InputError, "4D with 3 volumes"):
            loadVolumes(headless.scene, [MULTI_ECHO])
        nodes = loadVolumes(headless.scene, [MULTI_ECHO], [4.0, 8.0, 12.0])
        self.assertEqual(len(nodes), 3)
        echoes = [volumeArray(node) for node in nodes]
        mean = combineEchoes(echoes, (4, 8, 12), "mean")
        rss = combineEchoes(echoes, (4, 8, 12), "rss")
        np.testing.assert_allclose(mean, np.mean(echoes, axis=0), rtol=1e-5)
        self.assertTrue((rss >= mean * 0.999).all())
        rate = combineEchoes(echoes, (4, 8, 12), "r2star")
        bright = mean > np.percentile(mean, 60)
        self.assertTrue(10 < np.nanmedian(rate[bright]) < 80, np.nanmedian(rate[bright]))


if __name__ == "__main__":
    unittest.main()
