"""Regions placed with a click, what files declare of a volume, measuring again without filtering, and pictures."""

import json
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from phaseTestCases import SMALL, rendered
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageVolume
from ALSStudyLib.mrmlFiles import HeadlessScene, loadVolume
from ALSStudyLib.mrmlNodes import addVolumeNode, imageFromVolumeNode
from ALSStudyLib.mrmlSegments import segmentNames, segmentRegion, terminology
from ALSStudyLib.phasePhantom import addPhaseCaseToScene
from PhaseShiftROILib import mrml, mrmlResults
from PhaseShiftROILib.closeUps import closeUp, writePng
from PhaseShiftROILib.growth import growRegion
from PhaseShiftROILib.mrmlDeclared import INSTANCES_ATTRIBUTE, fileDeclaration
from PhaseShiftROILib.mrmlPictures import inputFiles
from PhaseShiftROILib.mrmlPlacing import addEmptyRegions, addRegionSegment, placeRegion
from PhaseShiftROILib.regions import SIDES, STRUCTURES
from scipy.ndimage import label
from test_dicomFiles import enhancedDataset, sliceDataset

SQUARE = np.array([[0.5, 0.0], [0.0, 0.5], [0.0, 0.0]])


class GrowthTest(unittest.TestCase):
    def testAsManyPixelsAsAskedForInOnePiece(self):
        for nPixels in (1, 2, 5, 15, 20, 25, 30, 35, 200):
            pixels_IJ = growRegion((20, 30), nPixels, (64, 48), SQUARE)
            self.assertEqual(len({tuple(pixel) for pixel in pixels_IJ}), nPixels)
            mask = np.zeros((64, 48), dtype=bool)
            mask[tuple(pixels_IJ.T)] = True
            self.assertEqual(label(mask)[1], 1)
            self.assertTrue(mask[20, 30])

    def testNoPixelOutsideIsNearerThanOneInside(self):
        """Compact: a disk in mm, whatever the shape of the pixels."""
        oblong = np.array([[0.4, 0.0], [0.0, 0.3], [0.0, 0.8]])
        for edges in (SQUARE, oblong):
            inside = growRegion((32, 24), 30, (64, 48), edges)
            mask = np.zeros((64, 48), dtype=bool)
            mask[tuple(inside.T)] = True
            i, j = np.indices(mask.shape)
            distancesMm = np.linalg.norm(np.stack([i - 32, j - 24], axis=-1) @ edges.T, axis=-1)
            self.assertLessEqual(distancesMm[mask].max(), distancesMm[~mask].min() + 1e-9)
        self.assertGreater(np.ptp(inside[:, 0]), np.ptp(inside[:, 1]))  # more of the pixels' short side

    def testIsCutAtTheBorder(self):
        pixels_IJ = growRegion((0, 47), 20, (64, 48), SQUARE)
        self.assertEqual(len(pixels_IJ), 20)
        self.assertTrue(((pixels_IJ >= 0) & (pixels_IJ < (64, 48))).all())

    def testSamePixelSameRegion(self):
        np.testing.assert_array_equal(*(growRegion((9, 9), 22, (20, 20), SQUARE * scale) for scale in (1, 0.1 + 0.2)))

    def testRefusesWhatIsOutside(self):
        for center, nPixels, words in (
            ((-1, 3), 5, "inside the image"),
            ((3, 48), 5, "inside the image"),
            ((3, 3), 0, "expected 1 to"),
            ((3, 3), 64 * 48 + 1, "expected 1 to"),
        ):
            with self.assertRaisesRegex(InputError, words):
                growRegion(center, nPixels, (64, 48), SQUARE)


class SceneCase(unittest.TestCase):
    def setUp(self):
        self.headless = HeadlessScene()
        self.scene = self.headless.scene
        self.case = replace(addPhaseCaseToScene(self.scene, rendered()), settings=SMALL)
        self.image = imageFromVolumeNode(self.case.phase)

    def voxels(self, regions, name):
        return {tuple(voxel) for voxel in segmentRegion(regions, segmentNames(regions)[name], self.image).voxels_IJK}

    def place(self, regions, name, at_IJK, nPixels=20):
        point_RAS = self.image.ijkToWorld(np.array([at_IJK], dtype=float))[0]
        return placeRegion(regions, segmentNames(regions)[name], self.case.phase, point_RAS, nPixels)


class PlacingTest(SceneCase):
    def testEmptyRegionsAreReady(self):
        """A segment per structure and side with color and terminology; structures tell apart by color."""
        regions = addEmptyRegions(self.scene, self.case.phase)
        self.assertEqual(len(segmentNames(regions)), 10)
        colors = set()
        for name, identifier in segmentNames(regions).items():
            code, side = terminology(regions, identifier)
            self.assertTrue(all(code) and name.endswith(side), name)
            colors.add(regions.GetSegmentation().GetSegment(identifier).GetColor())
            self.assertEqual(self.voxels(regions, name), set())
        self.assertEqual(len(colors), 10)
        self.assertLess(regions.GetDisplayNode().GetOpacity2DFill(), 0.5)
        known = {f"{structure.slug}_{side}" for structure in STRUCTURES for side in SIDES}
        self.assertEqual(set(mrml.regionSegments(regions)), known)

    def testEachSliceIsItsOwn(self):
        """Placing again in a slice replaces it; other slices and other segments stay, also where they overlap."""
        regions = addEmptyRegions(self.scene, self.case.phase)
        first = self.place(regions, "putamen_left", (60, 70, 4))
        self.assertEqual((first.slice, first.nPixels, first.replaced, first.overlaps), (4, 20, 0, ()))
        self.place(regions, "putamen_left", (60, 70, 5), 12)
        other = self.place(regions, "globus_pallidus_left", (62, 70, 4), 30)
        self.assertEqual([name for name, _count in other.overlaps], ["putamen_left"])
        both = self.voxels(regions, "putamen_left") & self.voxels(regions, "globus_pallidus_left")
        self.assertEqual(other.overlaps[0][1], len(both))
        self.assertGreater(len(both), 5)
        before = self.voxels(regions, "globus_pallidus_left")
        again = self.place(regions, "putamen_left", (64, 73, 4), 15)
        self.assertEqual(again.replaced, 20)
        found = self.voxels(regions, "putamen_left")
        self.assertEqual([sum(k == slice for _i, _j, k in found) for slice in (4, 5)], [15, 12])
        self.assertIn((64, 73, 4), found)
        self.assertEqual(self.voxels(regions, "globus_pallidus_left"), before)
        self.assertTrue(np.isfinite(mrml.measurePhaseCase(replace(self.case, regions=regions))[9].chosen[0].phaseRad))

    def testNearestSliceAndPixel(self):
        regions = addEmptyRegions(self.scene, self.case.phase)
        placed = self.place(regions, "putamen_left", (60.4, 69.6, 4.45), 1)
        self.assertEqual((placed.slice, self.voxels(regions, "putamen_left")), (4, {(60, 70, 4)}))

    def testUnderATransform(self):
        """Image and regions moved together; regions left behind are refused."""
        transform = self.scene.AddNewNodeByClass("vtkMRMLTransformNode")
        matrix = vtk.vtkTransform()
        matrix.Translate(11, -7, 5)
        matrix.RotateX(20)
        transform.SetMatrixTransformToParent(matrix.GetMatrix())
        self.case.phase.SetAndObserveTransformNodeID(transform.GetID())
        self.image = imageFromVolumeNode(self.case.phase)
        regions = addEmptyRegions(self.scene, self.case.phase)
        self.place(regions, "putamen_left", (60, 70, 4), 5)
        cross = {(60, 70, 4), (61, 70, 4), (59, 70, 4), (60, 71, 4), (60, 69, 4)}
        self.assertEqual(self.voxels(regions, "putamen_left"), cross)
        with self.assertRaisesRegex(InputError, "different transforms"):
            self.place(self.case.regions, "putamen_left", (60, 70, 4))

    def testRefusesAPlaceOutside(self):
        for at_IJK in ((60, 70, -2), (60, 70, 14), (-3, 70, 4), (60, 300, 4)):
            with self.assertRaisesRegex(InputError, "inside the image"):
                self.place(self.case.regions, "putamen_left", at_IJK)

    def testRefusesAnotherGrid(self):
        other = addVolumeNode(self.scene, np.zeros((7, 144, 160), np.float32), rendered().case.ijkToRAS * 1.5, "other")
        segmentId = segmentNames(self.case.regions)["putamen_left"]
        with self.assertRaisesRegex(InputError, "another grid|outside"):
            placeRegion(self.case.regions, segmentId, other, other.GetOrigin(), 5)

    def testOwnRegionsAreAddedOnce(self):
        own = addRegionSegment(self.case.regions, "Thalamus L")
        self.assertEqual(addRegionSegment(self.case.regions, "left thalamus"), own)
        self.assertEqual(mrml.regionSegments(self.case.regions)["thalamus_left"], own)
        self.assertEqual(
            addRegionSegment(self.case.regions, "Putamen left"), segmentNames(self.case.regions)["putamen_left"]
        )
        with self.assertRaises(InputError):
            addRegionSegment(self.case.regions, "--")


class MeasuredAgainTest(SceneCase):
    def testSameDigitsWithoutFilteringAgain(self):
        """What does not touch the filter may change between preparing and measuring."""
        prepared = mrml.preparePhaseCase(replace(self.case, regions=None))
        for case in (
            self.case,
            replace(self.case, settings=SMALL.with_(sliceRule="consecutive", pixelRules="putamen=1-2"), subject="P9"),
        ):
            for polarity in ("paramagnetic_positive", "unknown", "paramagnetic_negative"):
                mrml.declareAcquisition(self.case.phase, mrml.Acquisition("siemens", 8.0, 1.5, polarity))
                again = mrml.measurePhaseCase(case, prepared)
                fresh = mrml.measurePhaseCase(case)
                for one, other in zip(again, fresh, strict=True):
                    self.assertEqual(
                        (one.region.slug, one.selected, one.flags), (other.region.slug, other.selected, other.flags)
                    )
                    self.assertEqual(one.candidates, other.candidates)
                self.assertEqual(again[0].prepared.flags, fresh[0].prepared.flags)
                self.assertEqual(again[0].prepared.source.subject, case.subject)
                self.assertIs(again[0].prepared.corrected, prepared.corrected)

    def testSwiOfAnotherPolarityDoesNotStay(self):
        """Without polarity there is no SWI, also none of the run before."""
        measurements = mrml.measurePhaseCase(self.case)
        mrmlResults.writePhaseResults(self.scene, self.case, measurements)
        count = self.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode")
        mrml.declareAcquisition(self.case.phase, mrml.Acquisition("siemens", 19.0, 3.0, "unknown"))
        mrmlResults.writePhaseResults(self.scene, self.case, mrml.measurePhaseCase(self.case))
        self.assertEqual(self.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), count - 2)

    def testChartMarksTheSlicesKept(self):
        measurement = mrml.measurePhaseCase(self.case)[0]
        for _run in range(2):  # the second reuses the nodes
            chart, nodes = mrmlResults.writeSlicesChart(self.scene, self.case, measurement)
            self.assertEqual(chart.GetNumberOfPlotSeriesNodes(), 2)
        tables = [node for node in nodes if node.IsA("vtkMRMLTableNode")]
        self.assertEqual(self.scene.GetNumberOfNodesByClass("vtkMRMLTableNode"), 2)
        found = [
            [table.GetTable().GetColumnByName("slice").GetValue(row) for row in range(table.GetNumberOfRows())]
            for table in tables
        ]
        self.assertEqual(found[0], [value.slice for value in measurement.candidates])
        self.assertEqual(found[1], [value.slice for value in measurement.chosen])


class Database:
    """As Slicer's DICOM database answers."""

    def __init__(self, files):
        self.files = files

    def fileForInstance(self, instance):
        return self.files.get(instance, "")


class DeclaredTest(SceneCase):
    def setUp(self):
        super().setUp()
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def declared(self, *datasets):
        """What the files of a volume say that Slicer's DICOM module loaded from these data sets."""
        files = {}
        for index, dataset in enumerate(datasets):
            files[f"1.2.{index}"] = str(self.folder / f"{index}.dcm")
            dataset.save_as(files[f"1.2.{index}"])
        self.case.phase.SetAttribute(INSTANCES_ATTRIBUTE, " ".join(files))
        return fileDeclaration(self.case.phase, Database(files))

    def testDicomSaysWhatItIs(self):
        stored = np.zeros((4, 6), np.uint16)
        found = self.declared(*(sliceDataset(stored, k, MagneticFieldStrength="3") for k in range(3)))
        self.assertEqual((found.source, found.component, found.encoding), ("DICOM", "phase", "siemens"))
        self.assertEqual((found.echoTimeMs, found.fieldStrengthT, found.problem), (20.0, 3.0, ""))
        found = self.declared(sliceDataset(stored, ImageType=["ORIGINAL", "PRIMARY", "M", "ND"]))
        self.assertEqual((found.component, found.encoding, found.problem), ("magnitude", "", ""))

    def testUnitThatIsNotDeclaredIsNotGuessed(self):
        found = self.declared(sliceDataset(np.zeros((4, 6), np.uint16), Manufacturer="Philips"))
        self.assertEqual((found.component, found.encoding, found.echoTimeMs), ("phase", "", 20.0))
        self.assertIn("declares no unit", found.problem)

    def testFramesThatDisagreeSayNothing(self):
        stored = np.zeros((2, 4, 6), np.uint16)
        for datasets, words in (
            ((sliceDataset(stored[0]), sliceDataset(stored[0], 1, EchoTime="7")), "echo time"),
            ((enhancedDataset(stored, [("PHASE", 5.0, 0, 1.0, 0.0), ("MAGNITUDE", 5.0, 1, 1.0, 0.0)]),), "component"),
            ((enhancedDataset(stored, [("PHASE", 5.0, 0, 1.0, 0.0), ("PHASE", 5.0, 1, 2.0, 0.0)]),), "rescales"),
        ):
            found = self.declared(*datasets)
            self.assertIn(words, found.problem)
            self.assertEqual((found.component, found.encoding, found.echoTimeMs), ("", "", None))

    def testFilesThatAreGoneSayNothing(self):
        self.case.phase.SetAttribute(INSTANCES_ATTRIBUTE, "1.2.3 1.2.4")
        self.assertIsNone(fileDeclaration(self.case.phase, Database({"1.2.3": str(self.folder / "gone.dcm")})))
        self.assertIsNone(fileDeclaration(self.case.phase, None))

    def sidecar(self, content):
        path = self.folder / "phase.nii.gz"
        path.write_bytes(b"")
        if content is not None:
            (self.folder / "phase.json").write_text(content, encoding="utf-8")
        storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
        self.scene.AddNode(storage)
        storage.SetFileName(str(path))
        self.case.phase.SetAndObserveStorageNodeID(storage.GetID())
        return fileDeclaration(self.case.phase)

    def testSidecarSaysWhatItIs(self):
        self.assertIsNone(self.sidecar(None))
        found = self.sidecar(json.dumps({"Units": "rad", "EchoTime": 0.019, "MagneticFieldStrength": 3}))
        self.assertEqual((found.source, found.encoding, found.fieldStrengthT), ("sidecar", "radians", 3))
        self.assertAlmostEqual(found.echoTimeMs, 19.0)
        found = self.sidecar(json.dumps({"EchoTime": 0.02}))
        self.assertEqual((found.encoding, found.fieldStrengthT, found.problem), ("", None, ""))
        self.assertIn("not JSON", self.sidecar("{").problem)

    def testInputFilesAreThoseThatHoldWhatIsMeasured(self):
        """A file that the node was loaded from counts, until the node is changed."""
        self.assertEqual(inputFiles(self.case), [])
        path = self.folder / "magnitude.nii.gz"
        sitk.WriteImage(sitk.GetImageFromArray(rendered().magnitude_KJI), str(path))
        loaded = replace(self.case, magnitude=loadVolume(self.scene, path))
        self.assertEqual(inputFiles(loaded), [path])
        loaded.magnitude.GetImageData().Modified()
        self.assertEqual(inputFiles(loaded), [])
        loaded.magnitude.SetAttribute(INSTANCES_ATTRIBUTE, "1.2.3")
        self.assertEqual(inputFiles(loaded, Database({"1.2.3": str(path)})), [])


class CloseUpTest(unittest.TestCase):
    def picture(self, ijkToRAS, marked_IJK=(20, 15, 1)):
        values = np.zeros((3, 30, 40))
        values[1, 17, 25] = 1.0  # front, and to one side
        image = ImageVolume(values, np.asarray(ijkToRAS, dtype=float))
        return closeUp(image, 1, [(np.array([marked_IJK]), (1.0, 0.0, 0.0))], (0.0, 1.0))

    def testAsRadiologistsLook(self):
        """Patient's right on the left, front above, whichever way the image counts."""
        for signs in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
            picture = self.picture(np.diag([signs[0] * 1.0, signs[1] * 1.0, 2.0, 1.0])).astype(int)
            bright = np.argwhere(picture.min(axis=2) == 255).mean(0)
            red = np.argwhere((picture[..., 0] == 255) & (picture[..., 1] == 0)).mean(0)
            self.assertEqual(bright[0] < red[0], signs[1] > 0)  # two pixels further along j
            self.assertEqual(bright[1] < red[1], signs[0] > 0)  # five further along i

    def testOblongPixelsAndSagittalSlices(self):
        picture = self.picture([[0, 0, 2, 0], [0.5, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
        red = np.argwhere((picture[..., 0] == 255) & (picture[..., 1] == 0))
        height, width = np.ptp(red, axis=0) + 1
        self.assertEqual((height, width), (14, 7))

    def testPngIsWritten(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.png"
            writePng(path, self.picture(np.eye(4)))
            reader = vtk.vtkPNGReader()
            reader.SetFileName(str(path))
            reader.Update()
            self.assertEqual(reader.GetOutput().GetDimensions()[:2], self.picture(np.eye(4)).shape[1::-1])


if __name__ == "__main__":
    unittest.main()
