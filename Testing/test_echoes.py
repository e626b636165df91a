"""Several echoes to one image, and what the choice does to SH."""

import unittest

import numpy as np
from ALSCortexProfileLib.echoes import combineEchoes
from ALSStudyLib.errors import InputError

TIMES_3T_MS = (13, 18.6, 24.3, 29.9, 35.5, 41.2, 46.8, 52.4, 58.1, 63.7)


def echoesOf(r2star_perS, times=TIMES_3T_MS, s0=1000.0):
    rate = np.asarray(r2star_perS, dtype=float)
    return [s0 * np.exp(-rate * time / 1000) for time in times]


class CombinationTest(unittest.TestCase):
    def setUp(self):
        self.rate = np.array([[[18.8, 30.0], [12.0, 45.0]]])
        self.echoes = echoesOf(self.rate)

    def testMeanAndRootSumOfSquares(self):
        stack = np.stack(self.echoes)
        np.testing.assert_allclose(combineEchoes(self.echoes, TIMES_3T_MS, "mean"), stack.mean(0), rtol=1e-6)
        np.testing.assert_allclose(
            combineEchoes(self.echoes, TIMES_3T_MS, "rss"), np.sqrt((stack**2).sum(0)), rtol=1e-6
        )

    def testSingleEchoIsTheEchoItself(self):
        self.assertIs(combineEchoes(self.echoes, TIMES_3T_MS, "single", 24.3), self.echoes[2])

    def testR2starIsExactWithoutNoise(self):
        np.testing.assert_allclose(combineEchoes(self.echoes, TIMES_3T_MS, "r2star"), self.rate, rtol=1e-5)

    def testR2starOfNothingIsNaN(self):
        self.echoes[3] = self.echoes[3].copy()
        self.echoes[3][0, 0, 0] = 0
        combined = combineEchoes(self.echoes, TIMES_3T_MS, "r2star")
        self.assertTrue(np.isnan(combined[0, 0, 0]))
        self.assertTrue(np.isfinite(combined[0, 1]).all())

    def testChoicesDoNotMix(self):
        """One band (R2* 30 against 18.8 1/s, METHODS.md) is far apart by first echo, rss, mean and last echo."""
        sh = []
        for combination, single in (("single", 13), ("rss", None), ("mean", None), ("single", 63.7)):
            dark, white = combineEchoes(echoesOf([[[30.0, 18.8]]]), TIMES_3T_MS, combination, single)[0, 0]
            sh.append(1 - float(dark / white))
        self.assertAlmostEqual(sh[0], 1 - np.exp(-11.2 * 0.013), delta=1e-6)
        self.assertAlmostEqual(sh[3], 1 - np.exp(-11.2 * 0.0637), delta=1e-6)
        self.assertTrue((np.diff(sh) > 0.03).all(), sh)

    def testRefusals(self):
        for times, combination, single, pattern in (
            (TIMES_3T_MS[:4], "mean", None, "4 echo times given for 10 echoes"),
            ((13, *TIMES_3T_MS[:9]), "mean", None, "all different"),
            (TIMES_3T_MS, "single", None, "no echo was named"),
            (TIMES_3T_MS, "single", 99.0, "echo at 99 ms"),
            (TIMES_3T_MS, "median", None, "median"),
        ):
            with self.assertRaisesRegex(InputError, pattern):
                combineEchoes(self.echoes, times, combination, single)


if __name__ == "__main__":
    unittest.main()
