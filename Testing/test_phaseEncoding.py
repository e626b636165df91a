"""Stored values to radians: every encoding gives the same phase, and nothing is guessed."""

import unittest

import numpy as np
from phaseTestCases import rendered
from ALSStudyLib.errors import InputError
from ALSStudyLib.phasePhantom import storedComplex, storedPhase
from PhaseShiftROILib.angle import angle, wrapped
from PhaseShiftROILib.encoding import phaseFromComplex, phaseFromStored
from PhaseShiftROILib.signFlips import correctSignFlips, findSignFlips


def ramp(low, high, dtype=np.float64):
    """All values from low to high, as an image."""
    return np.linspace(low, high, 5 * 40 * 50).astype(dtype).reshape(5, 40, 50)


class EncodingTest(unittest.TestCase):
    def testEveryEncodingGivesTheSamePhase(self):
        phase = rendered().phaseRad_KJI
        siemens = storedPhase(phase, "siemens")
        forms = {
            "radians": phaseFromStored(phase, "radians"),
            "radians from 0": phaseFromStored(np.mod(phase, 2 * np.pi), "radians"),
            "siemens as stored": phaseFromStored(siemens, "siemens"),
            "siemens with slope and intercept": phaseFromStored(2 * siemens.astype(np.int16) - 4096, "siemens"),
            "milliradians": phaseFromStored(storedPhase(phase, "philips_mrad"), "philips_mrad"),
        }
        for name, encoded in forms.items():
            with self.subTest(form=name):
                self.assertLess(np.abs(wrapped(encoded.phaseRad_KJI - phase)).max(), 1e-3)
                self.assertEqual(encoded.phaseRad_KJI.dtype, np.float32)
                self.assertLessEqual(np.abs(encoded.phaseRad_KJI).max(), np.float32(np.pi))

    def testComplexImagesGivePhaseAndMagnitude(self):
        made = rendered()
        encoded = phaseFromComplex(*storedComplex(made))
        signal = made.magnitude_KJI > 500
        self.assertLess(np.abs(wrapped(encoded.phaseRad_KJI - made.phaseRad_KJI))[signal].max(), 1e-3)
        self.assertLess(np.abs(encoded.magnitude_KJI / 4 - made.magnitude_KJI).max(), 1)

    def testKnownValues(self):
        stored = np.arange(4096).reshape(4, 32, 32)
        found = phaseFromStored(stored, "siemens").phaseRad_KJI.ravel()
        np.testing.assert_allclose(found[[0, 2048, 3072]], [-np.pi, 0, np.pi / 2], atol=1e-6)
        found = phaseFromStored(2 * stored - 4096, "siemens").phaseRad_KJI.ravel()
        np.testing.assert_allclose(found[[0, 2048, 3072]], [-np.pi, 0, np.pi / 2], atol=1e-6)
        found = phaseFromStored(np.array([[[-3142, -176, 0, 3141]]]), "philips_mrad").phaseRad_KJI.ravel()
        np.testing.assert_allclose(found, [-np.pi, -0.176, 0, 3.141], atol=1e-6)
        self.assertAlmostEqual(
            float(phaseFromComplex(np.array([[[-2.0, 1.0]]]), np.array([[[2.0, -1.0]]])).phaseRad_KJI[0, 0, 0]),
            0.75 * np.pi,
            places=6,
        )

    def testRangeThatContradictsIsRefused(self):
        cases = (
            ("radians", ramp(0, 4095), "0 to 4095"),
            ("radians", ramp(-4096, 4092), "-pi to pi"),
            ("radians", ramp(-3142, 3141), "radians"),
            ("radians", ramp(-0.0036744, 0.0036744), "spans more than"),
            ("radians", np.arange(4000).reshape(4, 10, 100) % 4, "not whole numbers"),
            ("siemens", ramp(-np.pi, np.pi), "look like radians"),
            ("siemens", ramp(-3142, 3141), "milliradians"),
            ("siemens", ramp(0, 8191), "4095"),
            ("siemens", 2 * ramp(0, 2047, int), "only even values"),
            ("philips_mrad", ramp(-4096, 4092), "milliradians"),
            ("philips_mrad", ramp(0, 4095), "milliradians"),
            ("philips_mrad", ramp(-np.pi, np.pi), "look like radians"),
            ("siemens", ramp(7, 7), "everywhere"),
            ("radians", np.full((1, 2, 2), np.nan), "no finite"),
        )
        for encoding, stored, words in cases:
            with self.subTest(encoding=encoding, words=words):
                with self.assertRaises(InputError) as caught:
                    phaseFromStored(stored, encoding, "image 7")
                self.assertIn("image 7", str(caught.exception))
                self.assertIn(words, str(caught.exception))

    def testContradictionNamesTheEncodingAndTheRange(self):
        with self.assertRaisesRegex(InputError, "declared radians but holds -4096 to 4092"):
            phaseFromStored(ramp(-4096, 4092), "radians")

    def testNoEncodingNoValue(self):
        for encoding in ("", None, "ge"):
            with self.assertRaisesRegex(InputError, "radians, siemens, philips_mrad"):
                phaseFromStored(ramp(-3, 3), encoding)

    def testNotFiniteStaysSo(self):
        stored = ramp(-3.1, 3.1)
        stored[2, 3, 4] = np.nan
        self.assertEqual(np.argwhere(np.isnan(phaseFromStored(stored, "radians").phaseRad_KJI)).tolist(), [[2, 3, 4]])

    def testMagnitudeGivenAsRealIsRefused(self):
        with self.assertRaisesRegex(InputError, "positive and negative"):
            phaseFromComplex(ramp(0, 900), ramp(-500, 500))
        with self.assertRaisesRegex(InputError, "the same image"):
            phaseFromComplex(ramp(-1, 1), ramp(-1, 1))
        with self.assertRaisesRegex(InputError, "50 x 40 x 5 and 50 x 40 x 4"):
            phaseFromComplex(ramp(-1, 1), ramp(-1, 1)[:4])


class AngleTest(unittest.TestCase):
    def testAgreesWithNumpy(self):
        rng = np.random.default_rng(0)
        signal = (rng.normal(size=(400, 400)) + 1j * rng.normal(size=(400, 400))).astype(np.complex64)
        signal[:9, 0] = [0, 1, -1, 1j, -1j, 1 + 1j, -1 + 1j, -1 - 1j, 1e-30]
        self.assertLess(np.abs(angle(signal) - np.angle(signal.astype(complex))).max(), 4e-7)

    def testWrapped(self):
        np.testing.assert_allclose(wrapped(np.array([0, 4, -4, 7])), [0, 4 - 2 * np.pi, 2 * np.pi - 4, 7 - 2 * np.pi])


class SignFlipsTest(unittest.TestCase):
    def encoded(self, signFlips, turns=1.0):
        return phaseFromComplex(*storedComplex(rendered(backgroundTurns=turns), signFlips))

    def testFoundWhereTheyAre(self):
        for turns in (1.0, 2.0, 6.0):
            flipped, plain = self.encoded(True, turns), self.encoded(False, turns)
            self.assertTrue(findSignFlips(flipped.phaseRad_KJI, flipped.magnitude_KJI).detected)
            self.assertFalse(findSignFlips(plain.phaseRad_KJI, plain.magnitude_KJI).detected)

    def testCorrectedIsTheUnflipped(self):
        flipped, plain = self.encoded(True), self.encoded(False)
        corrected = correctSignFlips(flipped.phaseRad_KJI)
        self.assertLess(np.abs(wrapped(corrected - plain.phaseRad_KJI))[plain.magnitude_KJI > 100].max(), 1e-5)

    def testNothingToCompareIsNoFinding(self):
        rng = np.random.default_rng(1)
        self.assertFalse(findSignFlips(rng.uniform(-np.pi, np.pi, (6, 40, 40))).detected)
        self.assertFalse(findSignFlips(np.zeros((1, 4, 4))).detected)


if __name__ == "__main__":
    unittest.main()
