"""The phantom is what it says: known depth, known truth, noise and geometry as a scanner gives them."""

import unittest
from dataclasses import replace

import numpy as np
from ALSStudyLib import phantom
from scipy import stats


class PhantomTest(unittest.TestCase):
    def testDepthBelowACircle(self):
        curve = phantom.outline(phantom.PhantomLevel((0,), "circle", 12.0, 18.0, (1.0, -2.0)))
        points = np.random.default_rng(1).uniform(-14, 14, (2000, 2))
        depth, _ = phantom.depthBelow(points, curve)
        truth = 12.0 - np.linalg.norm(points - [1.0, -2.0], axis=1)
        near = truth < 9
        np.testing.assert_allclose(depth[near], truth[near], atol=2e-4)

    def testBandFadesOutsideTheStretch(self):
        """What is drawn lies where the band is whole."""
        case = phantom.alsLikeCase()
        curve = phantom.outline(case.levels[0])
        share = phantom._stretch(curve, case.targets[0])
        points = phantom.contourPoints_uv(case, case.targets[0], 5)
        _, index = phantom.depthBelow(points, curve)
        self.assertTrue((share[index] == 1.0).all())
        self.assertEqual(share.min(), 0.0)

    def testNoiseIsRician(self):
        case = replace(phantom.arcCase(None, superficialUnits=0.0), snr=5.0, spleniumSlice=0)
        rendered = phantom.render(case)
        values = rendered.array_KJI[rendered.referenceMasks["White matter"]].astype(float)
        many = np.concatenate(
            [
                phantom.render(replace(case, seed=seed), phantom.noiseFreeImage(case)).array_KJI[
                    rendered.referenceMasks["White matter"]
                ]
                for seed in range(20)
            ]
        )
        self.assertGreater(len(values), 50)
        self.assertGreater(stats.kstest(many, stats.rice(5.0, scale=100.0).cdf).pvalue, 0.001)

    def testStoredAsAScannerWould(self):
        rendered = phantom.render(phantom.arcCase(phantom.Band.symmetric(0.2, 1.2)))
        self.assertEqual(rendered.array_KJI.dtype, np.int16)
        axes = rendered.ijkToRAS[:3, :3] / np.linalg.norm(rendered.ijkToRAS[:3, :3], axis=0)
        np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-12)
        self.assertGreater(np.abs(axes - np.eye(3)).max(), 0.1, "the volume is oblique")

    def testSameSeedSameImage(self):
        case = phantom.arcCase(None)
        np.testing.assert_array_equal(phantom.render(case).array_KJI, phantom.render(case).array_KJI)
        other = phantom.render(replace(case, seed=2)).array_KJI
        self.assertTrue((phantom.render(case).array_KJI != other).any())

    def testCasesDiffer(self):
        als, control = phantom.alsLikeCase(), phantom.controlLikeCase()
        self.assertGreater(
            min(t.band.shThkPerMm for t in als.targets), 2 * max(t.band.shThkPerMm for t in control.targets if t.band)
        )
        self.assertEqual([t.slug for t in als.targets], [t.slug for t in control.targets])


if __name__ == "__main__":
    unittest.main()
