"""DICOM input: small files written here, of every kind."""

import unittest

import numpy as np
import pydicom
import SimpleITK as sitk
from alsTestCases import realData
from dicomTestCases import FolderTest, ijkToRAS, seriesOf, sliceDataset
from ALSStudyLib.errors import InputError
from PhaseShiftROILib.dicomFiles import chooseVolume, declaredEncoding, isDicom, readDicom
from pydicom.dataset import Dataset
from pydicom.uid import EnhancedMRImageStorage, generate_uid

ENHANCED = realData("dicom_philips_enhanced") / "2001_fieldmap.dcm"
PHILIPS = realData("dicom_philips_mrad")
SIEMENS = realData("dicom_siemens_phase")


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
