"""What the tests of DICOM input share: a folder of their own, and edited copies of files."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from ALSStudyLib.errors import InputError
from PhaseShiftROILib.dicomFiles import readDicom

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


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
