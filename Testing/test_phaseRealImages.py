"""Real phase images: as their scanners stored them, held to what is plausible and to other implementations."""

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
from alsTestCases import DATA, realData
from commandTestCases import call, writeNode
from ALSStudyLib.errors import InputError
from ALSStudyLib.mrmlFiles import HeadlessScene, loadSegmentation, loadVolumes
from ALSStudyLib.mrmlNodes import addVolumeNode, imageFromVolumeNode, volumeArray
from ALSStudyLib.tables import readTable
from PhaseShiftROILib import mrml
from PhaseShiftROILib.angle import wrapped
from PhaseShiftROILib.dicomFiles import chooseVolume, readDicom
from PhaseShiftROILib.encoding import phaseFromStored
from PhaseShiftROILib.laplacian import unwrapLaplacian
from PhaseShiftROILib.measurement import measurePhaseShift
from PhaseShiftROILib.preparation import PhaseInput, preparePhase
from PhaseShiftROILib.settings import PhaseSettings

SEVEN_TESLA = realData("gre_epi_7t")
MULTI_ECHO = realData("multi_echo_gre") / "phase_arbitrary.nii.gz"
COLIN = realData("simulated_colin27")
SIEMENS = realData("dicom_siemens_phase")
PHILIPS = realData("dicom_philips_mrad")
ENHANCED = realData("dicom_philips_enhanced")


@unittest.skipUnless(SEVEN_TESLA.is_dir(), "the shared real images are not here")
class CentralSulcusTest(unittest.TestCase):
    """Two limbs of the hand knob, regions along the pial lines of the profile; sign and TE are not documented."""

    @classmethod
    def setUpClass(cls):
        cls.headless = HeadlessScene()
        scene = cls.headless.scene
        (phase,) = loadVolumes(scene, [SEVEN_TESLA / "phase_siemens.nii.gz"])
        (magnitude,) = loadVolumes(scene, [SEVEN_TESLA / "magnitude.nii.gz"])
        mrml.declareAcquisition(phase, mrml.Acquisition("siemens", 20.0, 7.0, "unknown"))
        regions = loadSegmentation(scene, DATA / "gre_epi_7t" / "Regions.seg.nrrd", "Regions")
        cls.case = mrml.PhaseCaseNodes(regions, phase=phase, magnitude=magnitude)
        cls.source = mrml.readPhaseInput(cls.case, PhaseSettings(kernelMm=7.5))

    def measured(self, **changes):
        found = measurePhaseShift(self.source, PhaseSettings(kernelMm=7.5, **changes))
        return {m.region.slug: m for m in found}

    def testBothFiltersAgree(self):
        homodyne, laplacian = self.measured(filter="homodyne"), self.measured(filter="laplacian")
        for slug, measurement in homodyne.items():
            for first, second in zip(measurement.candidates, laplacian[slug].candidates, strict=True):
                self.assertAlmostEqual(first.phaseRad, second.phaseRad, delta=0.03)
                self.assertTrue(15 <= first.nPixels <= 25)
                # Cortex differs from what surrounds it: not noise, which would average to 0.
                self.assertGreater(first.phaseRad, 0.05)
                self.assertLess(first.phaseRad, 0.5)
                self.assertTrue(0.75 < first.retention < 1)

    def testTwoSlicesAreNotThree(self):
        self.assertIn("2_of_3_slices", self.measured()["precentral_gyrus_right"].flags)

    def testUsualKernelDoesNotFit(self):
        with self.assertRaisesRegex(InputError, "64 x 64 k-space lines.*132 x 44 pixels"):
            measurePhaseShift(self.source, PhaseSettings())

    def testUnwrappedAgreesWithAnotherImplementation(self):
        from skimage.restoration import unwrap_phase

        phase, magnitude = self.source.phase.array_KJI, self.source.magnitude_KJI
        tissue = magnitude > 0.5 * np.percentile(magnitude, 90)
        tissue[:, :, :30] = tissue[:, :, 105:] = False  # the skull's noise on both sides
        expected = unwrap_phase(np.ma.masked_array(phase, ~tissue)).filled(0)
        found = unwrapLaplacian(phase, self.source.phase.spacingMm, magnitude)
        difference = (found - expected)[tissue]
        difference -= np.median(difference)
        self.assertGreater((np.abs(difference) < 1).mean(), 0.9)
        self.assertGreater(np.corrcoef(found[tissue], expected[tissue])[0, 1], 0.9)


@unittest.skipUnless(MULTI_ECHO.is_file(), "the shared real images are not here")
class UndeclaredUnitTest(unittest.TestCase):
    def testArbitraryUnitIsNeverGuessed(self):
        scene = HeadlessScene().scene
        for volume in loadVolumes(scene, [MULTI_ECHO], (4, 8, 12)):
            for encoding in ("radians", "siemens", "philips_mrad"):
                with self.assertRaisesRegex(InputError, f"declared {encoding} but holds -0.003"):
                    phaseFromStored(volumeArray(volume), encoding, "echo")


@unittest.skipUnless(COLIN.is_dir(), "the shared real images are not here")
class SimulatedGyriTest(unittest.TestCase):
    """An independent forward model on a real brain's folds: gray matter differs from white in both filtered images."""

    def testGrayMatterStandsOut(self):
        scene = HeadlessScene().scene
        files = ("phase_siemens_0_4095", "mag", "tissue_1csf_2gm_3wm")
        phase, magnitude, tissue = (
            imageFromVolumeNode(loadVolumes(scene, [COLIN / f"{name}.nii.gz"])[0]) for name in files
        )
        encoded = phaseFromStored(phase.array_KJI, "siemens")
        self.assertIn("0 to 4095", encoded.description)
        k = phase.shape_IJK[2] // 2
        contrasts = []
        for name in ("homodyne", "laplacian"):
            source = PhaseInput(
                replace(phase, array_KJI=encoded.phaseRad_KJI), magnitude.array_KJI, (), 20.0, 3.0, "unknown"
            )
            corrected = preparePhase(source, PhaseSettings(filter=name, kernelMm=7.5)).corrected.array_KJI[k]
            gray, white = (corrected[tissue.array_KJI[k] == label] for label in (2, 3))
            contrasts.append(float(np.median(gray) - np.median(white)))
        self.assertGreater(abs(contrasts[0]), 0.005)
        self.assertAlmostEqual(contrasts[1] / contrasts[0], 1, delta=0.25)


@unittest.skipUnless(SIEMENS.is_dir(), "the shared real images are not here")
class DicomCommandTest(unittest.TestCase):
    """`phase` on DICOM folders, encoding as the header declares it."""

    def setUp(self):
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def regions(self, folder, echoTimeMs=None):
        """A disc of 21 pixels in the middle of every slice, on the grid of the phase."""
        volume = chooseVolume(readDicom(folder), "phase", echoTimeMs)
        headless = HeadlessScene()
        node = addVolumeNode(headless.scene, volume.values_KJI, volume.ijkToRAS, "grid")
        j, i = np.indices(volume.values_KJI.shape[1:])
        disc = (i - i.max() // 2) ** 2 + (j - j.max() // 2) ** 2 <= 5.5
        mask = np.broadcast_to(disc, volume.values_KJI.shape)
        path = self.folder / "Regions.seg.nrrd"
        writeNode(headless.scene, mrml.addRegionsNode(headless.scene, {"precentral_gyrus_left": mask}, node), path)
        return path, volume.values_KJI, disc

    def phase(self, folder, *more, encoding="dicom", echoTimeMs=None):
        path, _, _ = self.regions(folder, echoTimeMs)
        arguments = ["--phase", folder, "--encoding", encoding, "--polarity", "unknown", "--regions", path]
        output = self.folder / "out"
        echo = [] if echoTimeMs is None else ["--echo-time-ms", echoTimeMs]
        return call(
            "phase", *arguments, *echo, "--filter", "none", "--output", output, "--no-scene", "--no-figures", *more
        ), output

    def assertMeasured(self, done, output, folder, radiansOf, echoTimeMs):
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        _, stored, disc = self.regions(folder, echoTimeMs)
        rows = readTable(output / "phase_slices.tsv")
        self.assertEqual(len(rows), len(stored))
        for row, plane in zip(rows, stored, strict=True):
            expected = np.angle(np.exp(1j * radiansOf(plane[disc].astype(float))).mean())
            self.assertLess(abs(wrapped(float(row["phase_rad"]) - expected)), 1e-4)
            self.assertAlmostEqual(float(row["phase_hz"]) * 2 * np.pi * echoTimeMs * 1e-3, float(row["phase_rad"]), 5)

    def testSiemens(self):
        done, output = self.phase(SIEMENS)
        self.assertMeasured(done, output, SIEMENS, lambda stored: stored * np.pi / 4096, 7.65)

    def testSiemensMagnitudeOfTheSameFolder(self):
        done, _ = self.phase(SIEMENS, "--magnitude", SIEMENS)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def testPhilipsMilliradians(self):
        done, output = self.phase(PHILIPS, echoTimeMs=10.0)
        self.assertMeasured(done, output, PHILIPS, lambda stored: stored * 1e-3, 10.0)

    def testEchoMustBeChosen(self):
        path, _, _ = self.regions(PHILIPS, 10.0)
        arguments = ["--phase", PHILIPS, "--encoding", "dicom", "--polarity", "unknown", "--regions", path]
        done = call("phase", *arguments, "--filter", "none", "--output", self.folder / "out")
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "phase at the echo times 7.001, 10 ms")

    def testUnitOfTheRealWorldMapping(self):
        """RescaleType is US; both the header's mapping and the user may say milliradians."""
        for encoding in ("dicom", "philips_mrad"):
            done, output = self.phase(ENHANCED, encoding=encoding, echoTimeMs=4.6)
            self.assertMeasured(done, output, ENHANCED, lambda stored: stored * 1e-3, 4.6)


if __name__ == "__main__":
    unittest.main()
