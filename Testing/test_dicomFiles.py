"""DICOM input: three vendors' real files, the same ones damaged, and small files written here."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from alsTestCases import realData
from ALSStudyLib.errors import InputError
from PhaseShiftROILib.dicomFiles import chooseVolume, declaredEncoding, isDicom, readDicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

ENHANCED = realData("dicom_philips_enhanced") / "2001_fieldmap.dcm"
PHILIPS = realData("dicom_philips_mrad")
SIEMENS = realData("dicom_siemens_phase")
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
OBLIQUE = [0.96, 0.0, 0.28, 0.0, 1.0, 0.0]
SERIES = generate_uid()


def ijkToRAS(image: sitk.Image) -> np.ndarray:
    """Geometry of an image that SimpleITK read."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) @ np.diag(image.GetSpacing())
    matrix[:3, 3] = image.GetOrigin()
    return LPS_TO_RAS @ matrix


def seriesOf(files) -> sitk.Image:
    """Classic files through ITK's own reader, ordered by their position."""
    heights = {pydicom.dcmread(file).ImagePositionPatient[2]: str(file) for file in files}
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([heights[height] for height in sorted(heights)])
    return reader.Execute()


class FolderTest(unittest.TestCase):
    """Tests that write files of their own."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def assertRefused(self, pattern, path=None):
        with self.assertRaisesRegex(InputError, pattern):
            readDicom(path or self.folder)

    def copyOf(self, file, name=None, **changes):
        """A real file in the temporary folder, with other values for some keywords; None removes one."""
        dataset = pydicom.dcmread(file)
        change(dataset, changes)
        path = self.folder / (name or file.name)
        dataset.save_as(path)
        return path


def change(dataset, changes):
    for keyword, value in changes.items():
        if value is None:
            del dataset[keyword]
        else:
            setattr(dataset, keyword, value)


# Real files -----------------------------------------------------------------------------------------------------


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
            self.assertEqual((volume.fieldStrengthT, volume.vendor, volume.rescaleType), (3.0, "philips", "US"))
            self.assertEqual(volume.name, "fcMRI Field Mapping")

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

    def testUnitIsNotDeclared(self):
        with self.assertRaisesRegex(InputError, r"declares no unit \(RescaleType US.*--encoding philips_mrad if"):
            declaredEncoding(self.volumes[2])

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
        self.assertRefused("211 frames described", self.edited(lambda dataset, frames: frames.pop()))

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


def sliceDataset(stored_JI, k=0, **changes) -> Dataset:
    """A classic phase slice, oblique, 0.5 mm between rows, 0.75 mm between columns, 2 mm between slices."""
    normal = np.cross(OBLIQUE[:3], OBLIQUE[3:])
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = MRImageStorage, generate_uid()
    dataset.SeriesInstanceUID, dataset.Modality = SERIES, "MR"
    dataset.Manufacturer, dataset.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "P", "ND"]
    dataset.EchoTime, dataset.SliceThickness = "20", "1.5"
    dataset.ImagePositionPatient = [float(round(x, 6)) for x in np.array([-10.0, 20.0, 30.0]) + 2 * k * normal]
    dataset.ImageOrientationPatient, dataset.PixelSpacing = OBLIQUE, [0.5, 0.75]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored_JI.shape[-2:]
    nBits = 8 * stored_JI.dtype.itemsize
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = nBits, nBits, nBits - 1
    dataset.PixelRepresentation = int(stored_JI.dtype.kind == "i")
    dataset.add_new("PixelData", "OW", stored_JI.tobytes())
    change(dataset, changes)
    return dataset


def enhancedDataset(stored_KJI, frames, **changes) -> Dataset:
    """:param frames: (component, echo time in ms, k, slope, intercept) per frame; geometry as in `sliceDataset`."""
    dataset = sliceDataset(stored_KJI, SOPClassUID=EnhancedMRImageStorage, NumberOfFrames=len(frames), **changes)
    shared, items = Dataset(), []
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [Dataset()], [Dataset()]
    shared.PlaneOrientationSequence[0].ImageOrientationPatient = dataset.ImageOrientationPatient
    shared.PixelMeasuresSequence[0].PixelSpacing = dataset.PixelSpacing
    for component, echoTimeMs, k, slope, intercept in frames:
        item = Dataset()
        item.MRImageFrameTypeSequence, item.MREchoSequence = [Dataset()], [Dataset()]
        item.PlanePositionSequence, item.PixelValueTransformationSequence = [Dataset()], [Dataset()]
        item.MRImageFrameTypeSequence[0].ComplexImageComponent = component
        item.MREchoSequence[0].EffectiveEchoTime = echoTimeMs
        item.PlanePositionSequence[0].ImagePositionPatient = sliceDataset(stored_KJI, k).ImagePositionPatient
        transformation = item.PixelValueTransformationSequence[0]
        transformation.RescaleSlope, transformation.RescaleIntercept = slope, intercept
        transformation.RescaleType = "mrad" if component == "PHASE" else "US"
        items.append(item)
    dataset.SharedFunctionalGroupsSequence, dataset.PerFrameFunctionalGroupsSequence = [shared], items
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "EchoTime", "ImageType"):
        del dataset[keyword]
    return dataset


class SyntheticTest(FolderTest):
    """What outside users can run, and formats that the real files do not have."""

    def setUp(self):
        super().setUp()
        self.stored_KJI = np.random.default_rng(3).integers(0, 4096, (4, 6, 8)).astype(np.uint16)

    def write(self, dataset, name="slice.dcm"):
        path = self.folder / name
        pydicom.dcmwrite(path, dataset, enforce_file_format=True)
        return path

    def writeStack(self, **changes):
        # The order of names is not that of positions.
        for k, stored_JI in enumerate(self.stored_KJI):
            self.write(sliceDataset(stored_JI, k, **changes), f"{9 - k}.dcm")

    def testObliqueStack(self):
        self.writeStack(RescaleSlope="2", RescaleIntercept="-4096")
        (volume,) = readDicom(self.folder)
        image = seriesOf(self.folder.iterdir())
        np.testing.assert_array_equal(volume.values_KJI, self.stored_KJI.astype(int) * 2 - 4096)
        np.testing.assert_allclose(volume.ijkToRAS, ijkToRAS(image), atol=1e-5)
        # By hand: i along the first direction with the spacing between columns, k along the normal, x and y turned.
        expected = [[-0.72, 0, 0.56], [0, -0.5, 0], [0.21, 0, 1.92]]
        np.testing.assert_allclose(volume.ijkToRAS[:3, :3], expected, atol=1e-5)
        np.testing.assert_allclose(volume.ijkToRAS[:3, 3], [10, -20, 30], atol=1e-5)

    def testTypes(self):
        cases = (
            (np.array([[-5, 7]], np.int16), {}, np.int16, [[-5, 7]]),
            (np.array([[0, 40000]], np.uint16), {}, np.int32, [[0, 40000]]),
            (np.array([[0, 5]], np.uint16), {"RescaleSlope": "0.5", "RescaleIntercept": "1"}, np.float32, [[1, 3.5]]),
            (np.array([[0, 5]], np.uint16), {"RescaleIntercept": "-4096"}, np.int16, [[-4096, -4091]]),
        )
        for stored_JI, changes, kind, expected in cases:
            (volume,) = readDicom(self.write(sliceDataset(stored_JI, **changes)))
            self.assertEqual(volume.values_KJI.dtype, kind)
            np.testing.assert_array_equal(volume.values_KJI[0], expected)

    def testLoneSlice(self):
        """Its thickness of 1.5 mm is not the spacing."""
        for changes, spacingMm in (({}, 1.0), ({"SpacingBetweenSlices": "2.5"}, 2.5)):
            (volume,) = readDicom(self.write(sliceDataset(self.stored_KJI[0], **changes)))
            self.assertAlmostEqual(np.linalg.norm(volume.ijkToRAS[:3, 2]), spacingMm)

    def testEnhanced(self):
        frames = [("MAGNITUDE", 20.0, 1, 3.0, 0), ("PHASE", 20.0, 1, 1.5, -3142)]
        frames += [("PHASE", 20.0, 0, 2.5, -3000), ("MAGNITUDE", 20.0, 0, 1.0, 0)]
        path = self.write(enhancedDataset(self.stored_KJI, frames))
        magnitude, phase = readDicom(path)
        stored = self.stored_KJI.astype(float)
        np.testing.assert_array_equal(magnitude.values_KJI, [stored[3], stored[0] * 3])
        np.testing.assert_array_equal(phase.values_KJI, [stored[2] * 2.5 - 3000, stored[1] * 1.5 - 3142])
        self.assertEqual(
            (phase.rescale, phase.echoTimeMs, declaredEncoding(phase)), ((2.5, -3000.0), 20, "philips_mrad")
        )
        np.testing.assert_allclose(phase.ijkToRAS[:3, 2], [0.56, 0, 1.92], atol=1e-5)
        self.assertEqual(magnitude.values_KJI.dtype, np.int16)

    def testWithoutPreamble(self):
        dataset = sliceDataset(self.stored_KJI[0])
        del dataset.file_meta
        path = self.folder / "bare"
        for isImplicit in (True, False):
            pydicom.dcmwrite(path, dataset, implicit_vr=isImplicit, little_endian=True)
            self.assertNotEqual(path.read_bytes()[128:132], b"DICM")
            self.assertTrue(isDicom(path))
            np.testing.assert_array_equal(readDicom(path)[0].values_KJI[0], self.stored_KJI[0])

    def testCompressionOnlyGdcmReads(self):
        """Lossless JPEG, which pydicom alone does not decode; the rescale is applied once."""
        image = self.folder / "image.dcm"
        writer = sitk.ImageFileWriter()
        writer.SetFileName(str(image))
        writer.UseCompressionOn()
        writer.SetCompressor("JPEG")
        for stored_KJI, frames in ((self.stored_KJI[:1], None), (self.stored_KJI, [3.0, 2.0, 1.0, 2.0])):
            writer.Execute(sitk.GetImageFromArray(stored_KJI))
            compressed = pydicom.dcmread(image)
            if frames:
                frames = [("PHASE", 20.0, k, slope, -4096) for k, slope in enumerate(frames)]
                dataset = enhancedDataset(stored_KJI, frames)
            else:
                dataset = sliceDataset(stored_KJI, RescaleSlope="2", RescaleIntercept="-4096")
            dataset["PixelData"] = compressed["PixelData"]
            dataset.file_meta.TransferSyntaxUID = compressed.file_meta.TransferSyntaxUID
            self.assertEqual(dataset.file_meta.TransferSyntaxUID, "1.2.840.10008.1.2.4.70")
            (volume,) = readDicom(self.write(dataset))
            slopes = np.array([frame[3] for frame in frames] if frames else [2.0])
            expected = stored_KJI * slopes[:, None, None] - 4096
            np.testing.assert_array_equal(volume.values_KJI, expected)

    def testCompressionNothingReads(self):
        dataset = sliceDataset(self.stored_KJI[0])
        dataset.PixelData = pydicom.encaps.encapsulate([b"no image at all!"])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.70"
        path = self.write(dataset)
        self.assertRefused("is compressed .JPEG Lossless.*uncompressed", path)

    def testComponents(self):
        cases = (
            ({"ImageType": ["ORIGINAL", "PRIMARY", "I"]}, "imaginary"),
            ({"ImageType": ["ORIGINAL", "PRIMARY", "M_FFE", "M", "FFE"], "Manufacturer": "Philips"}, "magnitude"),
            ({"ImageType": ["ORIGINAL", "PRIMARY", "PHASE MAP"], "Manufacturer": "Philips"}, "phase"),
            ({"ImageType": ["ORIGINAL", "PRIMARY"], "ComplexImageComponent": "REAL"}, "real"),
        )
        for changes, component in cases:
            (volume,) = readDicom(self.write(sliceDataset(self.stored_KJI[0], **changes)))
            self.assertEqual(volume.component, component)
        self.write(sliceDataset(self.stored_KJI[0], ComplexImageComponent="REAL"))
        self.assertRefused("both phase and real")

    def testUnknownComponent(self):
        """A field map among the phase is left out; alone it is refused."""
        fieldMap = sliceDataset(self.stored_KJI[0], ImageType=["ORIGINAL", "PRIMARY", "B0 MAP", "B0"])
        self.assertRefused("does not say whether it is magnitude", self.write(fieldMap))
        self.writeStack()
        self.assertEqual([volume.values_KJI.shape for volume in readDicom(self.folder)], [(4, 6, 8)])

    def testDeclaredEncoding(self):
        """Outcome by maker, RescaleType and slope; None where nothing is declared."""
        cases = (
            ("SIEMENS", None, None, "siemens"),
            ("Siemens Healthineers", "US", ("2", "-4096"), "siemens"),
            ("SIEMENS", "mrad", ("1", "0"), "philips_mrad"),
            ("SIEMENS", "US", ("1.5", "-3142"), None),
            ("GE MEDICAL SYSTEMS", None, None, "philips_mrad"),
            ("GE MEDICAL SYSTEMS", "US", ("1", "0"), "philips_mrad"),
            ("GE MEDICAL SYSTEMS", "US", ("2", "-4096"), None),
            ("Philips", "mrad", ("1.5", "-3142"), "philips_mrad"),
            ("Philips", "US", ("1.5", "-3142"), None),
            ("Philips", "cm/s", ("1.5", "-3142"), None),
            ("Philips", None, None, None),
            ("UIH", "rad", ("0.001", "-3.1"), "radians"),
            ("UIH", "US", ("2", "-4096"), None),
            ("Gemstone Imaging", None, None, None),
            ("", None, None, None),
        )
        for maker, unit, rescale, expected in cases:
            with self.subTest(maker=maker, unit=unit, rescale=rescale):
                changes = {"Manufacturer": maker} | ({"RescaleType": unit} if unit else {})
                if rescale:
                    changes |= dict(zip(("RescaleSlope", "RescaleIntercept"), rescale, strict=True))
                (volume,) = readDicom(self.write(sliceDataset(self.stored_KJI[0], **changes)))
                if expected:
                    self.assertEqual(declaredEncoding(volume), expected)
                else:
                    with self.assertRaisesRegex(InputError, "declares no unit.*--encoding"):
                        declaredEncoding(volume)

    def testRefusedImages(self):
        stored_JI = self.stored_KJI[0]
        color = {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "Columns": 2}
        cases = (
            (color, "is in color .RGB"),
            ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "MOSAIC"]}, "mosaic"),
            ({"ImagePositionPatient": None}, "no valid ImagePositionPatient"),
            ({"PixelSpacing": None}, "no valid PixelSpacing"),
            ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, "not perpendicular"),
            ({"PixelData": stored_JI.tobytes()[:-2]}, "broken off"),
            ({"PixelData": None}, "has no pixel data"),
        )
        for changes, pattern in cases:
            with self.subTest(pattern):
                self.assertRefused(pattern, self.write(sliceDataset(stored_JI, **changes)))

    def testUnevenStack(self):
        self.writeStack()
        (self.folder / "8.dcm").unlink()
        self.assertRefused("slices 1 and 2 of 3 are 4 mm apart.*expected 2 mm")
        position = sliceDataset(self.stored_KJI[1], 1.03).ImagePositionPatient
        self.write(sliceDataset(self.stored_KJI[1], ImagePositionPatient=position), "8.dcm")
        self.assertRefused("mm apart.*expected 2 mm")
        position = sliceDataset(self.stored_KJI[1], 1.004).ImagePositionPatient
        self.write(sliceDataset(self.stored_KJI[1], ImagePositionPatient=position), "8.dcm")
        self.assertEqual(readDicom(self.folder)[0].values_KJI.shape, (4, 6, 8))

    def testFoldersAndOtherFiles(self):
        self.assertRefused("is missing or no DICOM file", self.folder / "nowhere")
        self.assertRefused("is empty")
        self.assertFalse(isDicom(self.folder))
        text = self.folder / "notes.txt"
        text.write_text("not an image " * 50)
        (self.folder / "tricky.bin").write_bytes(b"\x08\0\5\0" + bytes(256))
        self.assertFalse(isDicom(text))
        self.assertFalse(isDicom(self.folder))
        self.assertRefused("is missing or no DICOM file", text)
        self.assertRefused("holds no DICOM file")
        report = sliceDataset(self.stored_KJI[0], SOPClassUID=pydicom.uid.BasicTextSRStorage, Rows=None, PixelData=None)
        self.write(report, "report.dcm")
        self.assertRefused("holds DICOM files but no image")
        (self.folder / "deep").mkdir()
        path = self.write(sliceDataset(self.stored_KJI[0]), "deep/slice")
        for found in (path, self.folder):
            self.assertTrue(isDicom(found))
            self.assertEqual(len(readDicom(found)), 1)

    def testEchoTimes(self):
        for number, echoTimeMs in enumerate(("4.92", "7.38", "")):
            series = generate_uid()
            path = self.write(sliceDataset(self.stored_KJI[number], EchoTime=echoTimeMs, SeriesInstanceUID=series))
            (volume,) = readDicom(path)
            self.assertEqual(volume.echoTimeMs, float(echoTimeMs) if echoTimeMs else None)
            path.rename(self.folder / f"{number}.dcm")
        # What the header does not know, the user may; what it knows, the user cannot change.
        self.assertIs(chooseVolume([volume], "phase", 20.0), volume)
        volumes = readDicom(self.folder)
        chosen = chooseVolume(volumes, "phase", 7.38)
        np.testing.assert_array_equal(chosen.values_KJI[0], self.stored_KJI[1])
        with self.assertRaisesRegex(InputError, "4.92, 7.38 ms; expected 20 ms"):
            chooseVolume(volumes, "phase", 20.0)


if __name__ == "__main__":
    unittest.main()
