"""What the tests of DICOM input share: a folder of their own, slices written here, and edited copies of files."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from ALSStudyLib.errors import InputError
from PhaseShiftROILib.dicomFiles import readDicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

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
