"""The scene: real MRML nodes in, real MRML nodes out, saved and loaded."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import slicer
import vtk
from alsTestCases import BAND, QUICK, renderedArc
from ALSCortexProfileLib import mrml, mrmlResults
from ALSCortexProfileLib.profileTables import MEASUREMENT_COLUMNS
from ALSStudyLib.errors import InputError
from ALSStudyLib.mrmlFiles import HeadlessScene, loadScene, saveScene
from ALSStudyLib.mrmlNodes import (
    ECHO_TIME_ATTRIBUTE,
    SIDE_ATTRIBUTE,
    TARGET_ATTRIBUTE,
    addVolumeNode,
    imageFromVolumeNode,
    matrixFromArray,
    nodesOfClass,
    volumeArray,
)
from ALSStudyLib.mrmlSegments import addSegment, addSegmentationNode, segmentNames, segmentRegion
from scipy.spatial.transform import Rotation
from vtk.util.numpy_support import vtk_to_numpy


class SceneCase(unittest.TestCase):
    """One arc phantom in a scene of its own."""

    def setUp(self):
        self.headless = HeadlessScene()
        self.scene = self.headless.scene

    def addCase(self, rendered=None, dtype=np.int16, settings=QUICK):
        rendered = rendered or renderedArc()
        image = addVolumeNode(self.scene, rendered.array_KJI.astype(dtype), rendered.ijkToRAS, "T2star")
        contours = tuple(
            mrml.addCurveNode(self.scene, points, f"{slug}_{index}", slug) for slug, index, points in rendered.contours
        )
        references = addSegmentationNode(self.scene, rendered.referenceMasks, image, "References")
        return mrml.CaseNodes((image,), contours, references, "S1", "1", settings)

    def measured(self, case):
        (measurement,) = mrml.measureCase(case)
        self.assertEqual(measurement.status, "ok", measurement.reason)
        return measurement

    def addTransform(self, matrix=None):
        node = self.scene.AddNewNodeByClass("vtkMRMLTransformNode")
        if matrix is not None:
            node.SetMatrixTransformToParent(matrixFromArray(matrix))
        return node


class ReadingTest(SceneCase):
    def testVolumeIsNotCopied(self):
        case = self.addCase()
        array = volumeArray(case.images[0])
        self.assertTrue(np.shares_memory(array, imageFromVolumeNode(case.images[0]).array_KJI))
        self.assertEqual(array.dtype, np.int16)

    def testIntegersAndFloatsGiveTheSame(self):
        whole = self.measured(self.addCase()).selected.sh
        self.scene.Clear(0)
        self.assertEqual(self.measured(self.addCase(dtype=np.float32)).selected.sh, whole)

    def testParentTransformMovesEverythingTogether(self):
        """The whole case under a rigid transform measures the same."""
        case = self.addCase()
        before = self.measured(case)
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_euler("xyz", (30, 10, -50), degrees=True).as_matrix()
        matrix[:3, 3] = (12, -7, 30)
        transform = self.addTransform(matrix)
        for node in (*case.images, *case.contours, case.references):
            node.SetAndObserveTransformNodeID(transform.GetID())
        after = self.measured(case)
        self.assertAlmostEqual(after.selected.sh, before.selected.sh, delta=1e-6)
        self.assertAlmostEqual(after.selected.thicknessMm, before.selected.thicknessMm, delta=1e-5)
        self.assertGreater(np.linalg.norm(after.normals[0].points_RAS - before.normals[0].points_RAS, axis=1).min(), 5)

    def testTransformOfTheImageAloneIsHonored(self):
        """An image moved away from its contour: the line no longer lies in it."""
        case = self.addCase()
        matrix = np.eye(4)
        matrix[:3, 3] = (100, 0, 0)
        case.images[0].SetAndObserveTransformNodeID(self.addTransform(matrix).GetID())
        with self.assertRaisesRegex(InputError, "empty on|outside"):
            mrml.measureCase(case)

    def testScalingTransformScalesMillimeters(self):
        case = self.addCase()
        before = self.measured(case).selected.thicknessMm
        transform = self.addTransform(np.diag([1.25, 1.25, 1.25, 1.0]))
        for node in (*case.images, *case.contours, case.references):
            node.SetAndObserveTransformNodeID(transform.GetID())
        self.assertAlmostEqual(self.measured(case).selected.thicknessMm / before, 1.25, delta=0.01)

    def testNonLinearTransform(self):
        """A thin-plate spline that happens to be a shift."""
        case = self.addCase()
        before = self.measured(case)
        source, target = vtk.vtkPoints(), vtk.vtkPoints()
        for corner in np.array(np.meshgrid([-60, 60], [-60, 80], [0, 120])).reshape(3, -1).T:
            source.InsertNextPoint(*corner)
            target.InsertNextPoint(*(corner + [4.0, -3.0, 2.0]))
        spline = vtk.vtkThinPlateSplineTransform()
        spline.SetBasisToR()
        spline.SetSourceLandmarks(source)
        spline.SetTargetLandmarks(target)
        transform = self.addTransform()
        transform.SetAndObserveTransformToParent(spline)
        for node in (*case.images, *case.contours, case.references):
            node.SetAndObserveTransformNodeID(transform.GetID())
        after = self.measured(case)
        self.assertAlmostEqual(after.selected.sh, before.selected.sh, delta=2e-4)
        self.assertAlmostEqual(after.selected.thicknessMm, before.selected.thicknessMm, delta=2e-3)

    def testUndefinedControlPointsDoNotCount(self):
        case = self.addCase()
        curve = case.contours[0]
        before = len(mrml.readContour(curve).controlPoints_RAS)
        curve.UnsetNthControlPointPosition(2)
        self.assertEqual(len(mrml.readContour(curve).controlPoints_RAS), before - 1)
        self.assertEqual(curve.GetNumberOfControlPoints(), before)

    def testClosedCurveIsAcceptedAndSaid(self):
        rendered = renderedArc()
        case = self.addCase(rendered)
        center = rendered.case.uvToRAS(np.array([[0.13, -1.57]]), 2)[0]
        plane = np.linalg.qr(rendered.ijkToRAS[:3, :2])[0]
        angle = np.arange(30) / 30 * 2 * np.pi
        ring = center + 12 * (np.cos(angle)[:, None] * plane[:, 0] + np.sin(angle)[:, None] * plane[:, 1])
        closed = mrml.addCurveNode(self.scene, ring, "ring", "hand_knob_left", closed=True)
        (measurement,) = mrml.measureCase(mrml.CaseNodes(case.images, (closed,), case.references, settings=QUICK))
        self.assertIn("closed_contour", measurement.flags)
        self.assertGreater(len(measurement.normals[0].arcMm), 290)

    def testFlip(self):
        case = self.addCase()
        case.contours[0].SetAttribute(mrml.FLIP_ATTRIBUTE, "1")
        (measurement,) = mrml.measureCase(case)
        self.assertNotEqual(measurement.status, "ok")
        self.assertIn("normals_flipped_by_user", measurement.flags)


class ReferencesTest(SceneCase):
    def regionOf(self, name, case):
        return segmentRegion(case.references, segmentNames(case.references)[name], imageFromVolumeNode(case.images[0]))

    def asSet(self, voxels):
        return set(map(tuple, np.asarray(voxels).tolist()))

    def testSegmentsAreTheMasks(self):
        rendered = renderedArc()
        case = self.addCase(rendered)
        for name, mask in rendered.referenceMasks.items():
            self.assertEqual(self.asSet(self.regionOf(name, case).voxels_IJK), self.asSet(np.argwhere(mask)[:, ::-1]))

    def testSegmentsThatShareALabelmap(self):
        rendered = renderedArc()
        case = self.addCase(rendered)
        case.references.GetSegmentation().CollapseBinaryLabelmaps(True)
        for name, mask in rendered.referenceMasks.items():
            self.assertEqual(self.asSet(self.regionOf(name, case).voxels_IJK), self.asSet(np.argwhere(mask)[:, ::-1]))

    def testSegmentOnAFinerGrid(self):
        """Painted on a grid of half the spacing, a region covers the same image voxels."""
        rendered = renderedArc()
        case = self.addCase(rendered)
        mask = rendered.referenceMasks["Splenium"]
        fine = np.repeat(np.repeat(mask, 2, axis=1), 2, axis=2)
        matrix = rendered.ijkToRAS.copy()
        matrix[:3, :2] /= 2
        matrix[:3, 3] -= 0.5 * (matrix[:3, 0] + matrix[:3, 1])
        node = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Fine")
        identifier = addSegment(node, "Splenium", fine, matrixFromArray(matrix))
        region = segmentRegion(node, identifier, imageFromVolumeNode(case.images[0]))
        self.assertEqual(self.asSet(region.voxels_IJK), self.asSet(np.argwhere(mask)[:, ::-1]))

    def testOwnWhiteMatterOfATarget(self):
        rendered = renderedArc()
        case = self.addCase(rendered)
        matrix = matrixFromArray(rendered.ijkToRAS)
        own = np.roll(rendered.referenceMasks["White matter"], 2, axis=2)
        addSegment(case.references, "White matter  Hand_knob_left", own, matrix)
        (profileInput,) = mrml.readProfileInputs(case)
        self.assertEqual(self.asSet(profileInput.whiteMatter.voxels_IJK), self.asSet(np.argwhere(own)[:, ::-1]))

    def testMissingSegments(self):
        case = self.addCase()
        segments = segmentNames(case.references)
        case.references.GetSegmentation().RemoveSegment(segments["White matter"])
        with self.assertRaisesRegex(InputError, "hold Splenium; expected a segment 'White matter'"):
            mrml.measureCase(case)
        case.references.GetSegmentation().RemoveSegment(segments["Splenium"])
        with self.assertRaisesRegex(InputError, "expected a segment 'Splenium'"):
            mrml.measureCase(case)


class TargetsTest(SceneCase):
    def addShifted(self, case, slug, shift_RAS):
        points = mrml.readContour(case.contours[0]).controlPoints_RAS + np.asarray(shift_RAS)
        return mrml.addCurveNode(self.scene, points, slug, slug)

    def testOneBadTargetLeavesTheOthers(self):
        case = self.addCase()
        short = mrml.addCurveNode(self.scene, mrml.readContour(case.contours[0]).controlPoints_RAS[:3], "short", "mine")
        case = mrml.CaseNodes(case.images, (*case.contours, short), case.references, settings=QUICK)
        good, bad = mrml.measureCase(case)
        self.assertEqual((good.status, bad.status), ("ok", "invalid_input"))
        self.assertRegex(bad.reason, "3 defined control points")

    def testTargetOnTwoSides(self):
        case = self.addCase()
        case.contours[0].SetAttribute(SIDE_ATTRIBUTE, "right")
        with self.assertRaisesRegex(InputError, "on the right side but its target is 'hand_knob_left'"):
            mrml.measureCase(case)

    def testTargetInTwoPlaces(self):
        case = self.addCase()
        far = self.addShifted(case, "hand_knob_left", (45.0, 0, 0))
        with self.assertRaisesRegex(InputError, "45 mm apart, as on different sides"):
            mrml.measureCase(mrml.CaseNodes(case.images, (*case.contours, far), case.references, settings=QUICK))

    def testSameLineTwice(self):
        case = self.addCase()
        again = self.addShifted(case, "hand_knob_left", (0, 0, 0))
        with self.assertRaisesRegex(InputError, "are the same line"):
            mrml.measureCase(mrml.CaseNodes(case.images, (*case.contours, again), case.references, settings=QUICK))

    def testSideAgainstTheSplenium(self):
        rendered = renderedArc()
        case = self.addCase(rendered)
        self.assertNotIn("side_against_splenium", self.measured(case).flags)
        moved = {**rendered.referenceMasks, "Splenium": np.roll(rendered.referenceMasks["Splenium"], -25, axis=2)}
        references = addSegmentationNode(self.scene, moved, case.images[0], "Other")
        flags = self.measured(mrml.CaseNodes(case.images, case.contours, references, settings=QUICK)).flags
        self.assertIn("side_against_splenium", flags)

    def testSidesExchangedOrTheSame(self):
        case = self.addCase()
        for shift, pattern in (((-8.0, 0, 0), "lies to the right of"), ((0.1, 0, 0), "in the same place")):
            other = self.addShifted(case, "hand_knob_right", shift)
            with self.assertRaisesRegex(InputError, pattern):
                mrml.measureCase(mrml.CaseNodes(case.images, (*case.contours, other), case.references, settings=QUICK))

    def testNameThatIsNone(self):
        case = self.addCase()
        case.contours[0].SetAttribute(TARGET_ATTRIBUTE, "Left Hand!")
        with self.assertRaisesRegex(InputError, "'Left Hand!' is not a name"):
            mrml.measureCase(case)


class EchoesTest(SceneCase):
    def addEchoes(self, case, times=(10.0, 20.0, 30.0)):
        array, matrix = volumeArray(case.images[0]), imageFromVolumeNode(case.images[0]).ijkToRAS
        nodes = []
        for index, time in enumerate(times):
            node = addVolumeNode(self.scene, array * (1.0 + 0.1 * (1 - index)), matrix, f"echo{index}")
            node.SetAttribute(ECHO_TIME_ATTRIBUTE, repr(time))
            nodes.append(node)
        return nodes

    def testMeanOfEchoes(self):
        case = self.addCase()
        expected = self.measured(case).selected.sh
        nodes = self.addEchoes(case)
        echoes = mrml.CaseNodes(tuple(nodes), case.contours, case.references, settings=QUICK)
        self.assertAlmostEqual(self.measured(echoes).selected.sh, expected, delta=1e-5)
        self.assertEqual(mrml.echoTimesMs(echoes), [10.0, 20.0, 30.0])

    def testSequenceOfEchoes(self):
        case = self.addCase()
        expected = self.measured(case).selected.sh
        sequence = self.scene.AddNewNodeByClass("vtkMRMLSequenceNode", "echoes")
        sequence.SetIndexName("echo time")
        sequence.SetIndexUnit("ms")
        for node in self.addEchoes(case):
            sequence.SetDataNodeAtValue(node, node.GetAttribute(ECHO_TIME_ATTRIBUTE))
        echoes = mrml.CaseNodes((sequence,), case.contours, case.references, settings=QUICK)
        self.assertEqual(mrml.echoTimesMs(echoes), [10.0, 20.0, 30.0])
        self.assertAlmostEqual(self.measured(echoes).selected.sh, expected, delta=1e-5)

    def testEchoWithoutTime(self):
        case = self.addCase()
        nodes = self.addEchoes(case)
        nodes[1].RemoveAttribute(ECHO_TIME_ATTRIBUTE)
        with self.assertRaisesRegex(InputError, "2 echo times found for 3 volumes"):
            mrml.measureCase(mrml.CaseNodes(tuple(nodes), case.contours, case.references, settings=QUICK))

    def testEchoOnAnotherGrid(self):
        case = self.addCase()
        nodes = self.addEchoes(case)
        nodes[2].SetOrigin(1, 2, 3)
        with self.assertRaisesRegex(InputError, "another grid"):
            mrml.measureCase(mrml.CaseNodes(tuple(nodes), case.contours, case.references, settings=QUICK))


class ResultsTest(SceneCase):
    def written(self):
        case = self.addCase()
        measurements = mrml.measureCase(case)
        return case, measurements, mrmlResults.writeResults(self.scene, case, measurements)

    def testResultsTable(self):
        _, (measurement,), nodes = self.written()
        table = nodes.resultsTable
        names = [table.GetColumnName(index) for index in range(table.GetNumberOfColumns())]
        self.assertEqual(names, [column.name for column in MEASUREMENT_COLUMNS])
        self.assertEqual(table.GetColumnUnitLabel("thickness_mm"), "mm")
        self.assertEqual(table.GetColumnUnitLabel("sh_thk_per_mm"), "1/mm")
        self.assertIn("splenium", table.GetColumnDescription("sh"))
        self.assertTrue(table.GetLocked())
        columns = table.GetTable()
        self.assertEqual(columns.GetColumnByName("status").GetValue(0), "ok")
        self.assertEqual(columns.GetColumnByName("sh").GetValue(0), measurement.selected.sh)
        self.assertTrue(np.isnan(columns.GetColumnByName("tilt_deg").GetValue(0)))

    def testProfileAndChart(self):
        _, (measurement,), nodes = self.written()
        self.assertEqual(nodes.profilesTable.GetNumberOfRows(), len(measurement.mean.depthMm))
        chart = nodes.charts["hand_knob_left"]
        series = [chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes())]
        self.assertEqual(
            [node.GetName() for node in series], ["mean \u00b1 SD", "window", "mean", "fit", "width at 25 %"]
        )
        self.assertIn("[mm]", chart.GetXAxisTitle())
        tables = {node.GetYColumnName(): node.GetTableNode().GetTable() for node in series}
        for node in series:
            for name in (node.GetXColumnName(), node.GetYColumnName()):
                self.assertIsNotNone(tables[node.GetYColumnName()].GetColumnByName(name))
        self.assertEqual(tables["fit"].GetNumberOfRows(), len(measurement.mean.depthMm))
        start, end = (tables["width"].GetColumnByName("width_depth").GetValue(row) for row in range(2))
        self.assertAlmostEqual(end - start, measurement.selected.thicknessMm, places=9)
        self.assertAlmostEqual(
            tables["width"].GetColumnByName("width").GetValue(0), 0.25 * measurement.selected.sh, places=9
        )

    def testOverlaysLieWhereTheBandIs(self):
        _, (measurement,), nodes = self.written()
        contour, normals, excluded, edges = nodes.overlays["hand_knob_left"]
        self.assertEqual(normals.GetPolyData().GetNumberOfCells(), measurement.nNormals)
        self.assertEqual(excluded.GetPolyData().GetNumberOfCells(), measurement.nExcluded)
        self.assertTrue(contour.GetDisplayNode().GetVisibility2D())
        rendered = renderedArc()
        center = rendered.case.uvToRAS(np.array([[0.13, -1.57]]), 2)[0]
        axis = measurement.normals[0].planeNormal_RAS
        depths = 12 - np.linalg.norm(self.cutBySlice(edges, center, axis) - center, axis=1)
        outer, inner = depths[depths < 2.2], depths[depths > 2.2]
        self.assertAlmostEqual(outer.mean(), 2.2 - BAND.thicknessMm / 2, delta=0.03)
        self.assertAlmostEqual(inner.mean(), 2.2 + BAND.thicknessMm / 2, delta=0.03)
        # A view that cuts through this slice shows the overlay, one that cuts the next does not.
        upMm = np.linalg.norm(rendered.ijkToRAS[:3, 2]) * axis
        self.assertEqual(len(self.cutBySlice(edges, center + 0.4 * upMm, axis)), len(depths))
        self.assertEqual(len(self.cutBySlice(edges, center + 0.6 * upMm, axis)), 0)

    @staticmethod
    def cutBySlice(modelNode, origin_RAS, normal_RAS):
        plane = vtk.vtkPlane()
        plane.SetOrigin(origin_RAS)
        plane.SetNormal(normal_RAS)
        cutter = vtk.vtkCutter()
        cutter.SetInputData(modelNode.GetPolyData())
        cutter.SetCutFunction(plane)
        cutter.Update()
        points = cutter.GetOutput().GetPoints()
        return np.empty((0, 3)) if points is None else vtk_to_numpy(points.GetData()).reshape(-1, 3)

    def testOneTargetsDrawingsAreFound(self):
        case, (_measurement,), nodes = self.written()
        found = mrmlResults.targetResults(self.scene, case.images[0], "hand_knob_left")
        expected = [*nodes.charts.values(), *nodes.overlays["hand_knob_left"]]
        self.assertLessEqual({node.GetID() for node in expected}, {node.GetID() for node in found})
        self.assertNotIn(nodes.resultsTable.GetID(), {node.GetID() for node in found})
        kinds = [mrmlResults.overlayKind(node) for node in nodes.overlays["hand_knob_left"]]
        self.assertEqual(tuple(kinds), mrmlResults.OVERLAYS)
        self.assertEqual(mrmlResults.targetResults(self.scene, case.images[0], "hand_knob"), [])

    def testNodesAreUsedAgain(self):
        case, measurements, first = self.written()
        count = self.scene.GetNumberOfNodes()
        second = mrmlResults.writeResults(self.scene, case, measurements)
        self.assertEqual(self.scene.GetNumberOfNodes(), count)
        self.assertEqual(first.resultsTable.GetID(), second.resultsTable.GetID())
        self.assertEqual(first.charts["hand_knob_left"].GetID(), second.charts["hand_knob_left"].GetID())
        self.assertEqual(second.resultsTable.GetNodeReferenceID("ALSCortexProfile.Image"), case.images[0].GetID())


class SceneAfterSceneTest(unittest.TestCase):
    def testALaterSceneCopiesNoMoreRulesThanTheFirst(self):
        """Each new segmentations logic registers its rules again, and each segmentation copies all there are."""
        self.assertEqual([self.numberOfWays() for _ in range(4)], [(1, 1)] * 4)

    def numberOfWays(self):
        HeadlessScene()
        names = slicer.vtkSegmentationConverter
        labelmap, surface = names.GetBinaryLabelmapRepresentationName(), names.GetClosedSurfaceRepresentationName()
        counts = []
        for source, target in ((labelmap, surface), (surface, labelmap)):
            segmentation, ways = slicer.vtkSegmentation(), slicer.vtkSegmentationConversionPaths()
            segmentation.SetSourceRepresentationName(source)
            segmentation.GetPossibleConversions(target, ways)
            counts.append(ways.GetNumberOfPaths())
        return tuple(counts)


class SavedSceneTest(SceneCase):
    def testSavedSceneMeasuresToTheSameDigits(self):
        case = self.addCase(renderedArc(snr=25.0, jitterMm=0.1, nSlices=2), settings=QUICK.with_(resamples=50, seed=3))
        (before,) = mrml.measureCase(case)
        mrml.storeCase(self.scene, case)
        mrmlResults.writeResults(self.scene, case, [before])
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "case.mrb"
            saveScene(self.scene, path)
            opened = HeadlessScene()
            loadScene(opened.scene, path)
        again = mrml.findCaseNodes(opened.scene)
        self.assertEqual((again.subject, again.exam, again.settings), ("S1", "1", case.settings))
        (after,) = mrml.measureCase(again)
        self.assertEqual(after.selected, before.selected)
        self.assertEqual(after.intervals, before.intervals)
        np.testing.assert_array_equal(after.mean.hypointensity, before.mean.hypointensity)
        tables = [node.GetName() for node in nodesOfClass(opened.scene, "vtkMRMLTableNode")]
        self.assertIn("T2star SH-Thk", tables)

    def testTableUnitsSurviveSaving(self):
        case = self.addCase()
        mrmlResults.writeResults(self.scene, case, mrml.measureCase(case))
        with tempfile.TemporaryDirectory() as folder:
            saveScene(self.scene, Path(folder) / "case.mrb")
            opened = HeadlessScene()
            loadScene(opened.scene, Path(folder) / "case.mrb")
        table = next(n for n in nodesOfClass(opened.scene, "vtkMRMLTableNode") if n.GetName().endswith("SH-Thk"))
        self.assertEqual(table.GetColumnUnitLabel("area_mm"), "mm")
        self.assertEqual(table.GetTable().GetColumnByName("target").GetValue(0), "hand_knob_left")

    def testSceneWithoutACase(self):
        for build, pattern in (
            (lambda: None, "no curve with the attribute"),
            (lambda: mrml.addCurveNode(self.scene, np.eye(3), "c", "mine"), "has 0 volumes"),
            (lambda: addVolumeNode(self.scene, np.zeros((3, 4, 5)), np.eye(4), "v"), "has 0 segmentations"),
        ):
            build()
            with self.assertRaisesRegex(InputError, pattern):
                mrml.findCaseNodes(self.scene)


if __name__ == "__main__":
    unittest.main()
