"""DICOM input: three vendors' real files, and the same ones damaged."""

import unittest

import numpy as np
import pydicom
import SimpleITK as sitk
from alsTestCases import realData
from dicomTestCases import LPS_TO_RAS, FolderTest, ijkToRAS, seriesOf
from ALSStudyLib.errors import InputError
from PhaseShiftROILib.dicomFiles import chooseVolume, declaredEncoding, readDicom
from pydicom.uid import generate_uid

ENHANCED = realData("dicom_philips_enhanced") / "2001_fieldmap.dcm"
PHILIPS = realData("dicom_philips_mrad")
SIEMENS = realData("dicom_siemens_phase")
OBLIQUE = [0.96, 0.0, 0.28, 0.0, 1.0, 0.0]
SERIES = generate_uid()


@unittest.skipUnless(ENHANCED.is_file(), "the shared real images are not here")
class PhilipsEnhancedTest(FolderTest):
    """One file with two components and two echoes mixed; the unit is not in RescaleType."""

    @classmethod
    def setUpClass(cls):
        cls.volumes = readDicom(ENHANCED)
        cls.dataset = pydicom.dcmread(ENHANCED)

    def testVolumes(self):
        found = [(volume.component, volume.echoTimeMs) for volume in self.volumes]
        self.assertEqual(found, [("magnitude", 2.3), ("magnitude", 4.6), ("phase", 2.3), ("phase", 4.6)])
        for volume in self.volumes:
            self.assertEqual(volume.values_KJI.shape, (53, 80, 80))
            self.assertEqual(volume.values_KJI.dtype, np.float32)
            self.assertEqual((volume.fieldStrengthT, volume.vendor), (3.0, "philips"))
            self.assertEqual(volume.rescaleType, {"phase": "mrad", "magnitude": "1"}[volume.component])
            self.assertEqual(volume.name, "series 2001")

    def testValuesOfEveryFrame(self):
        """Against the file's frames, by the type, echo and place that Philips' own nested header gives them."""
        stored = self.dataset.pixel_array
        for frame, stored_JI in zip(self.dataset.PerFrameFunctionalGroupsSequence, stored, strict=True):
            nested = frame[0x2005140F][0]
            component = {"M": "magnitude", "P": "phase"}[nested.ImageType[3]]
            volume = chooseVolume(self.volumes, component, float(nested.EchoTime))
            expected = stored_JI * float(nested.RescaleSlope) + float(nested.RescaleIntercept)
            k = frame.FrameContentSequence[0].InStackPositionNumber - 1
            np.testing.assert_allclose(volume.values_KJI[k], expected, atol=1e-3)

    def testRange(self):
        for volume in self.volumes[2:]:
            self.assertAlmostEqual(volume.values_KJI.min(), -3142, places=3)
            self.assertAlmostEqual(volume.values_KJI.max(), 3140.4654, places=3)
            self.assertEqual(volume.rescale, (1.53455433455433, -3142.0))
        self.assertEqual(self.volumes[0].rescale, (1.29157509157509, 0.0))
        self.assertEqual(self.volumes[0].values_KJI.min(), 0)

    def testGeometry(self):
        expected = ijkToRAS(sitk.ReadImage(str(ENHANCED)))
        for volume in self.volumes:
            np.testing.assert_allclose(volume.ijkToRAS, expected, atol=1e-5)
        for frame in self.dataset.PerFrameFunctionalGroupsSequence:
            k = frame.FrameContentSequence[0].InStackPositionNumber - 1
            corner_LPS = [*frame.PlanePositionSequence[0].ImagePositionPatient, 1.0]
            np.testing.assert_allclose(self.volumes[3].ijkToRAS @ [0, 0, k, 1], LPS_TO_RAS @ corner_LPS, atol=1e-4)

    def testUnitIsThatOfTheRealWorldMapping(self):
        """RescaleType is US, but a mapping of the same slope and intercept has the UCUM unit mrad."""
        self.assertEqual(declaredEncoding(self.volumes[2]), "philips_mrad")

    def testWithoutMappingTheUnitIsNotDeclared(self):
        for change_ in ("drop", "other slope"):
            dataset = pydicom.dcmread(ENHANCED)
            for frame in dataset.PerFrameFunctionalGroupsSequence:
                if change_ == "drop":
                    del frame.RealWorldValueMappingSequence
                else:
                    frame.RealWorldValueMappingSequence[0].RealWorldValueSlope = 1.0
            dataset.save_as(self.folder / "edited.dcm")
            (phase, _) = (v for v in readDicom(self.folder / "edited.dcm") if v.component == "phase")
            with self.assertRaisesRegex(InputError, r"declares no unit \(RescaleType US.*--encoding philips_mrad if"):
                declaredEncoding(phase)

    def testChoice(self):
        self.assertIs(chooseVolume(self.volumes, "phase", 4.6), self.volumes[3])
        self.assertIs(chooseVolume(self.volumes, "magnitude", 2.32), self.volumes[0])
        with self.assertRaisesRegex(InputError, "phase at the echo times 2.3, 4.6 ms; expected one echo"):
            chooseVolume(self.volumes, "phase")
        with self.assertRaisesRegex(InputError, "2.3, 4.6 ms; expected 3 ms"):
            chooseVolume(self.volumes, "phase", 3.0)
        with self.assertRaisesRegex(InputError, "holds magnitude and phase; expected real"):
            chooseVolume(self.volumes, "real")

    def edited(self, edit):
        """The file after `edit(dataset, frames)`."""
        dataset = pydicom.dcmread(ENHANCED)
        edit(dataset, dataset.PerFrameFunctionalGroupsSequence)
        path = self.folder / "edited.dcm"
        dataset.save_as(path)
        return path

    def testComponentInPrivateTagsOnly(self):
        def strip(dataset, frames):
            for frame in frames:
                del frame.MRImageFrameTypeSequence

        found = [(volume.component, volume.echoTimeMs) for volume in readDicom(self.edited(strip))]
        self.assertEqual(found, [("magnitude", 2.3), ("magnitude", 4.6), ("phase", 2.3), ("phase", 4.6)])

    def testContradictingComponent(self):
        def swap(dataset, frames):
            frames[0].MRImageFrameTypeSequence[0].ComplexImageComponent = "PHASE"

        self.assertRefused("calls one frame both magnitude and phase", self.edited(swap))

    def testTimePoints(self):
        def repeat(dataset, frames):
            frames[2].PlanePositionSequence = frames[0].PlanePositionSequence

        self.assertRefused("two frames at one position .*time points", self.edited(repeat))

    def testFrameCount(self):
        self.assertRefused("describes 211 frames", self.edited(lambda dataset, frames: frames.pop()))

    def testTruncated(self):
        content = ENHANCED.read_bytes()
        path = self.folder / "cut.dcm"
        for nBytes in (200, 100_000, len(content) // 2, len(content) - 1):
            path.write_bytes(content[:nBytes])
            self.assertRefused("broken off", path)


@unittest.skipUnless(PHILIPS.is_dir(), "the shared real images are not here")
class PhilipsClassicTest(FolderTest):
    """One series with two components and two echoes mixed, the unit declared."""

    def testVolumes(self):
        volumes = readDicom(PHILIPS)
        found = [(volume.component, volume.echoTimeMs) for volume in volumes]
        self.assertEqual(found, [("magnitude", 7.001), ("magnitude", 10), ("phase", 7.001), ("phase", 10)])
        names = (("057", "059"), ("058", "060"), ("061", "063"), ("062", "064"))
        for volume, pair in zip(volumes, names, strict=True):
            image = seriesOf([PHILIPS / f"{name}.dcm" for name in pair])
            self.assertEqual((volume.values_KJI.shape, volume.fieldStrengthT), ((2, 96, 96), 3.0))
            np.testing.assert_allclose(volume.values_KJI, sitk.GetArrayFromImage(image), atol=1e-3)
            np.testing.assert_allclose(volume.ijkToRAS, ijkToRAS(image), atol=1e-6)

    def testUnit(self):
        phase = chooseVolume(readDicom(PHILIPS), "phase", 7.0)
        self.assertEqual(declaredEncoding(phase), "philips_mrad")
        self.assertAlmostEqual(phase.values_KJI.min(), -3142)
        self.assertAlmostEqual(phase.values_KJI.max(), 3137.3963, places=3)
        with self.assertRaisesRegex(InputError, "is magnitude; expected phase"):
            declaredEncoding(chooseVolume(readDicom(PHILIPS), "magnitude", 7.0))

    def testOtherUnits(self):
        for unit, pattern in (("US", "RescaleType US"), ("normalized", "RescaleType normalized"), (None, "no Resc")):
            with self.assertRaisesRegex(InputError, f"declares no unit .{pattern}.*--encoding"):
                declaredEncoding(readDicom(self.copyOf(PHILIPS / "061.dcm", RescaleType=unit))[0])
        path = self.copyOf(PHILIPS / "061.dcm", RescaleType="rad", RescaleSlope="0.0015345", RescaleIntercept="-3.142")
        (phase,) = readDicom(path)
        self.assertEqual(declaredEncoding(phase), "radians")
        self.assertAlmostEqual(phase.values_KJI.min(), -3.142, places=5)

    def testUnitsDiffer(self):
        self.copyOf(PHILIPS / "061.dcm")
        self.copyOf(PHILIPS / "063.dcm", RescaleType="US")
        self.assertRefused("differ in the unit")

    def testDifferingPlanes(self):
        self.copyOf(PHILIPS / "061.dcm")
        self.copyOf(PHILIPS / "063.dcm", ImageOrientationPatient=OBLIQUE)
        self.assertRefused("differ in orientation")
        self.copyOf(PHILIPS / "063.dcm", PixelSpacing=[2.8, 2.8])
        self.assertRefused("differ in orientation or pixel spacing")
        pixels = pydicom.dcmread(PHILIPS / "063.dcm").PixelData
        self.copyOf(PHILIPS / "063.dcm", Rows=48, PixelData=pixels[: len(pixels) // 2])
        self.assertRefused("differ in size")


@unittest.skipUnless(SIEMENS.is_dir(), "the shared real images are not here")
class SiemensTest(FolderTest):
    """Two series of one component each, and what can go wrong in a folder of slices."""

    def phaseCopies(self, **changes):
        return [self.copyOf(file, **changes) for file in sorted(SIEMENS.glob("*_ph.dcm"))]

    def testVolumes(self):
        volumes = readDicom(SIEMENS)
        self.assertEqual([volume.component for volume in volumes], ["magnitude", "phase"])
        phaseFiles = set(SIEMENS.glob("*_ph.dcm"))
        for volume, files in zip(volumes, (set(SIEMENS.glob("*.dcm")) - phaseFiles, phaseFiles), strict=True):
            image = seriesOf(files)
            self.assertEqual((volume.values_KJI.shape, volume.values_KJI.dtype), ((6, 64, 64), np.int16))
            self.assertEqual((volume.echoTimeMs, volume.fieldStrengthT, volume.vendor), (7.65, 3.0, "siemens"))
            np.testing.assert_array_equal(volume.values_KJI, sitk.GetArrayFromImage(image))
            np.testing.assert_allclose(volume.ijkToRAS, ijkToRAS(image), atol=1e-6)
        self.assertEqual((volumes[1].values_KJI.min(), volumes[1].values_KJI.max()), (-4096, 4092))
        self.assertEqual((volumes[0].rescale, volumes[1].rescale), (None, (2.0, -4096.0)))
        self.assertAlmostEqual(volumes[1].ijkToRAS[2, 2], 3.6, places=5)

    def testUnit(self):
        self.assertEqual(declaredEncoding(chooseVolume(readDicom(SIEMENS), "phase")), "siemens")
        self.phaseCopies(RescaleSlope=None, RescaleIntercept=None, RescaleType=None)
        (phase,) = readDicom(self.folder)
        self.assertEqual(declaredEncoding(phase), "siemens")
        self.assertGreaterEqual(phase.values_KJI.min(), 0)
        self.phaseCopies(RescaleSlope="1.5")
        with self.assertRaisesRegex(InputError, "slope 1.5, intercept -4096"):
            declaredEncoding(readDicom(self.folder)[0])

    def testSpacingIsOfPositionsNotThickness(self):
        self.phaseCopies(SliceThickness="9", SpacingBetweenSlices="9")
        self.assertAlmostEqual(readDicom(self.folder)[0].ijkToRAS[2, 2], 3.6, places=5)

    def testMissingSlice(self):
        files = self.phaseCopies()
        files[2].unlink()
        self.assertRefused("slices 2 and 3 of 5 are 7.2 mm apart.*expected 3.6 mm")
        files[0].unlink()
        files[5].unlink()  # with two steps, the usual one is the shorter
        self.assertRefused("slices 1 and 2 of 3 are 7.2 mm apart.*expected 3.6 mm")

    def testShiftedSlice(self):
        self.phaseCopies()
        self.copyOf(SIEMENS / "e2_16_ph.dcm", ImagePositionPatient=[-103, -104, -9])
        self.assertRefused("shifted sideways")

    def testTwoAtOnePlace(self):
        self.phaseCopies()
        self.copyOf(SIEMENS / "e2_16_ph.dcm", "again.dcm", SOPInstanceUID=generate_uid())
        self.assertRefused("two frames at one position .again.dcm and e2_16_ph.dcm., such as several time points")

    def testTwoSeries(self):
        self.phaseCopies()
        self.copyOf(SIEMENS / "e2_16_ph.dcm", "again.dcm", SeriesInstanceUID=generate_uid())
        volumes = readDicom(self.folder)
        self.assertEqual(len(volumes), 2)
        with self.assertRaisesRegex(InputError, "2 phase volumes that no echo time tells apart"):
            chooseVolume(volumes, "phase")

    def testTruncatedSlice(self):
        files = self.phaseCopies()
        content = files[3].read_bytes()
        for nBytes in (300, 5000, len(content) - 5000, len(content) - 1):
            files[3].write_bytes(content[:nBytes])
            self.assertRefused("'.*e2_17_ph.dcm'.* broken off")

    def testNoPixelData(self):
        self.assertRefused("has no pixel data", self.copyOf(SIEMENS / "e2_14.dcm", PixelData=None))

    def testGEPrivateTag(self):
        """Its only word on the component; the phase is in milliradians."""
        for code, component in enumerate(("magnitude", "phase", "real", "imaginary")):
            dataset = pydicom.dcmread(SIEMENS / "e2_14_ph.dcm")
            dataset.Manufacturer = "GE MEDICAL SYSTEMS"
            dataset.ImageType = ["ORIGINAL", "PRIMARY", "OTHER"]
            dataset.RescaleSlope, dataset.RescaleIntercept = "1", "0"
            dataset.private_block(0x0043, "GEMS_PARM_01", create=True).add_new(0x2F, "SS", code)
            dataset.save_as(self.folder / "ge.dcm")
            (volume,) = readDicom(self.folder)
            self.assertEqual((volume.component, volume.vendor), (component, "ge"))
            if component == "phase":
                self.assertEqual(declaredEncoding(volume), "philips_mrad")

    def testRealAndImaginary(self):
        """Complex values of the Siemens magnitude and phase, written signed and read back."""
        magnitude, phase = readDicom(SIEMENS)
        angle = phase.values_KJI * np.pi / 4096
        complex_KJI = magnitude.values_KJI * np.exp(1j * angle)
        parts = {"R": complex_KJI.real, "I": complex_KJI.imag}
        for k, file in enumerate(sorted(SIEMENS.glob("*_ph.dcm"))):
            for letter, part in parts.items():
                self.copyOf(
                    file,
                    f"{letter}{k}.dcm",
                    ImageType=["ORIGINAL", "PRIMARY", letter],
                    PixelRepresentation=1,
                    BitsStored=16,
                    HighBit=15,
                    RescaleSlope=None,
                    RescaleIntercept=None,
                    SmallestImagePixelValue=None,
                    LargestImagePixelValue=None,
                    PixelData=np.round(part[k]).astype("<i2").tobytes(),
                )
        volumes = readDicom(self.folder)
        self.assertEqual([volume.component for volume in volumes], ["real", "imaginary"])
        for volume, part in zip(volumes, parts.values(), strict=True):
            np.testing.assert_array_equal(volume.values_KJI, np.round(part))
            np.testing.assert_array_equal(volume.ijkToRAS, phase.ijkToRAS)
            self.assertLess(volume.values_KJI.min(), 0)


# Files written here ---------------------------------------------------------------------------------------------


if __name__ == "__main__":
    unittest.main()
