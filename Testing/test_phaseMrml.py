"""Slicer nodes to the phase measurement and back, on real MRML nodes."""

import json
import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
import slicer
import vtk
from phaseTestCases import SMALL, rendered
from ALSStudyLib.caseIO import measureScene
from ALSStudyLib.errors import InputError
from ALSStudyLib.mrmlFiles import HeadlessScene, saveScene
from ALSStudyLib.mrmlNodes import addVolumeNode, imageFromVolumeNode, matrixFromArray, nodesOfClass, volumeArray
from ALSStudyLib.mrmlSegments import addSegment, segmentNames, terminology
from ALSStudyLib.phasePhantom import addPhaseCaseToScene, storedComplex
from PhaseShiftROILib import mrml, mrmlResults
from PhaseShiftROILib.mrml import Acquisition


class SceneCase(unittest.TestCase):
    def setUp(self):
        self.headless = HeadlessScene()
        self.scene = self.headless.scene
        self.made = rendered()
        self.case = replace(addPhaseCaseToScene(self.scene, self.made), settings=SMALL)

    def values(self, case=None):
        return {m.region.slug: [v.phaseRad for v in m.chosen] for m in mrml.measurePhaseCase(case or self.case)}

    def addRegion(self, name, mask_KJI, ijkToRAS=None):
        matrix = matrixFromArray(self.made.case.ijkToRAS if ijkToRAS is None else ijkToRAS)
        return addSegment(self.case.regions, name, mask_KJI, matrix)

    def refused(self, words, case=None):
        with self.assertRaisesRegex(InputError, words):
            mrml.measurePhaseCase(case or self.case)


class ReadTest(SceneCase):
    def testDeclaredIsReadBack(self):
        for acquisition in (
            Acquisition("siemens", 19.0, 3.0, "paramagnetic_negative"),
            Acquisition("radians", 7.5, 7.0, "unknown", "by the scanner", 64),
            Acquisition(),
        ):
            mrml.declareAcquisition(self.case.phase, acquisition)
            self.assertEqual(mrml.declaredAcquisition(self.case.phase), acquisition)

    def testWhatIsNotDeclaredIsAskedFor(self):
        full = mrml.declaredAcquisition(self.case.phase)
        for change, words in (
            ({"encoding": ""}, "no encoding declared.*radians, siemens, philips_mrad"),
            ({"echoTimeMs": None}, "no echo time.*give the echo time"),
            ({"echoTimeMs": -1.0}, "-1 as its echo time"),
            ({"echoTimeMs": 0.019}, "0.019 as its echo time; expected ms"),
            ({"fieldStrengthT": None}, "no field strength"),
            ({"polarity": ""}, "nothing as its polarity"),
            ({"encoding": "radians"}, "declared radians but holds 0 to 4095"),
        ):
            with self.subTest(change=change):
                mrml.declareAcquisition(self.case.phase, replace(full, **change))
                self.refused(words)

    def testAttributeThatIsNoNumber(self):
        for name, text in (("EchoTimeMs", "nineteen"), ("FilterKernelLines", "nan"), ("FilterKernelLines", "-3")):
            self.case.phase.SetAttribute(f"ALSMotorCortex.{name}", text)
            self.refused(f"{name} of .* is '{text}'")
            self.case.phase.SetAttribute(f"ALSMotorCortex.{name}", "19")

    def testMagnitudeThatIsNotFinite(self):
        nothing = np.full(self.made.magnitude_KJI.shape, np.nan, dtype=np.float32)
        node = addVolumeNode(self.scene, nothing, self.made.case.ijkToRAS, "nothing")
        self.refused("'nothing' has no voxel above 0", replace(self.case, magnitude=node))
        holes = self.made.magnitude_KJI.copy()
        holes[:, 0, 0] = [np.nan, np.inf] * 7
        node = addVolumeNode(self.scene, holes, self.made.case.ijkToRAS, "holes")
        found = self.values(replace(self.case, magnitude=node))
        for slug, values in self.values().items():
            np.testing.assert_allclose(found[slug], values, atol=1e-3)

    def testRegionsComeInThePapersOrder(self):
        slugs = [m.region.slug for m in mrml.measurePhaseCase(self.case)]
        self.assertEqual(slugs[:3], ["precentral_gyrus_right", "precentral_gyrus_left", "frontal_cortex_right"])
        self.assertEqual(len(slugs), 10)

    def testComplexImagesGiveTheSameValues(self):
        expected = self.values()
        real, imaginary = (
            addVolumeNode(self.scene, array, self.made.case.ijkToRAS, name)
            for array, name in zip(storedComplex(self.made), ("real", "imaginary"), strict=True)
        )
        mrml.declareAcquisition(real, Acquisition("complex", 19.0, 3.0, "paramagnetic_negative"))
        found = self.values(replace(self.case, phase=None, magnitude=None, real=real, imaginary=imaginary))
        for slug, values in expected.items():
            np.testing.assert_allclose(found[slug], values, atol=1e-3, err_msg=slug)

    def testOtherGridsAreRefused(self):
        shifted = self.made.case.ijkToRAS.copy()
        shifted[0, 3] += 5
        magnitude = addVolumeNode(self.scene, self.made.magnitude_KJI, shifted, "elsewhere")
        self.refused("'elsewhere' .* on another grid", replace(self.case, magnitude=magnitude))
        self.refused("below 0", replace(self.case, magnitude=self.negative()))

    def negative(self):
        return addVolumeNode(self.scene, -self.made.magnitude_KJI, self.made.case.ijkToRAS, "negative")

    def testParentTransformsDoNotMatter(self):
        expected = self.values()
        transform = self.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        moved = vtk.vtkTransform()
        moved.RotateX(20)
        moved.Translate(10, -4, 7)
        transform.SetMatrixTransformToParent(moved.GetMatrix())
        for node in (self.case.phase, self.case.magnitude, self.case.regions):
            node.SetAndObserveTransformNodeID(transform.GetID())
        self.assertEqual(self.values(), expected)

    def testFilteredVolumeCountsAsFiltered(self):
        """The corrected phase that this module made, given to it again."""
        results = mrmlResults.writePhaseResults(self.scene, self.case, mrml.measurePhaseCase(self.case))
        again = mrml.measurePhaseCase(replace(self.case, phase=results.corrected))
        self.assertIn("filter_on_filtered_phase", again[0].flags)
        kept = mrml.measurePhaseCase(replace(self.case, phase=results.corrected, settings=SMALL.with_(filter="none")))
        self.assertNotIn("not_filtered", kept[0].flags)
        for measurement in kept:
            np.testing.assert_allclose(
                [v.phaseRad for v in measurement.chosen], self.values()[measurement.region.slug], atol=1e-6
            )


class RegionsTest(SceneCase):
    def testTerminologySaysWhatANameDoesNot(self):
        expected = self.values()
        names = segmentNames(self.case.regions)
        code, side = terminology(self.case.regions, names["putamen_left"])
        self.assertEqual((code, side), (("SCT", "89278009"), "left"))
        for index, identifier in enumerate(names.values()):
            self.case.regions.GetSegmentation().GetSegment(identifier).SetName(f"Segment_{index}")
        self.assertEqual(self.values(), expected)

    def testAnotherGridIsRefusedOrResampledWhenAsked(self):
        coarse = self.made.case.ijkToRAS @ np.diag([2, 2, 1, 1])
        coarse[:3, 3] += self.made.case.ijkToRAS[:3, :2].sum(1) * 0.5
        mask = self.made.masks_KJI["putamen_left"][:, ::2, ::2]
        grid = addVolumeNode(self.scene, mask.astype(np.uint8), coarse, "grid")
        case = replace(self.case, regions=mrml.addRegionsNode(self.scene, {"putamen_left": mask}, grid, "Coarse"))
        self.refused("'putamen_left' is painted on another grid.*resampled", case)
        (found,) = mrml.measurePhaseCase(replace(case, settings=SMALL.with_(resampleRegions=True)))
        self.assertIn("region_resampled", found.flags)
        self.assertNotIn("region_resampled", mrml.measurePhaseCase(self.case)[0].flags)
        nPixels = found.chosen[0].nPixels
        self.assertEqual(nPixels, 4 * int(mask.sum(axis=(1, 2)).max()))

    def testTheSameVoxelsCountedBackwardsAreTheSameGrid(self):
        """As a segmentation of a left-handed file, whose slices Slicer turns."""
        expected = self.values()
        matrix, nK = self.made.case.ijkToRAS.copy(), self.made.case.shape_IJK[2]
        matrix[:3, 3] += (nK - 1) * matrix[:3, 2]
        matrix[:3, 2] *= -1
        masks = {name: mask[::-1] for name, mask in self.made.masks_KJI.items()}
        grid = addVolumeNode(self.scene, self.made.phaseRad_KJI, matrix, "turned")
        case = replace(self.case, regions=mrml.addRegionsNode(self.scene, masks, grid, "Turned"))
        self.assertEqual(self.values(case), expected)

    def testHalfAPixelIsAnotherGrid(self):
        half = self.made.case.ijkToRAS.copy()
        half[:3, 3] += 0.5 * half[:3, 0]
        self.addRegion("my region", self.made.masks_KJI["putamen_left"], half)
        self.refused("another grid")

    def testRegionBeyondTheImageIsRefused(self):
        moved = self.made.case.ijkToRAS.copy()
        moved[:3, 3] += 3 * moved[:3, 2]
        self.addRegion("my region", self.made.masks_KJI["precentral_gyrus_left"], moved)
        self.refused("63 of 126 voxels outside")

    def testExchangedSidesHaveNoValue(self):
        names = segmentNames(self.case.regions)
        segmentation = self.case.regions.GetSegmentation()
        segmentation.GetSegment(names["putamen_left"]).SetName("x")
        segmentation.GetSegment(names["putamen_right"]).SetName("putamen_left")
        segmentation.GetSegment(names["putamen_left"]).SetName("putamen_right")
        found = {m.region.slug: m for m in mrml.measurePhaseCase(self.case)}
        for side in ("left", "right"):
            self.assertEqual(found[f"putamen_{side}"].chosen, [])
            self.assertIn("left_and_right_exchanged", found[f"putamen_{side}"].flags)
        self.assertTrue(found["caudate_nucleus_left"].chosen)

    def testTwiceTheSameRegionIsRefused(self):
        self.addRegion("Left putamen", self.made.masks_KJI["putamen_left"])
        self.refused("another segment for Putamen, left")
        segmentation = self.case.regions.GetSegmentation()
        segmentation.GetSegment(segmentNames(self.case.regions)["Left putamen"]).SetName("putamen_left")
        self.refused("segments of the same name")

    def testNothingToMeasureIsRefused(self):
        for name, identifier in segmentNames(self.case.regions).items():
            if name != "vein":
                self.case.regions.GetSegmentation().RemoveSegment(identifier)
        self.refused("only a vein")
        self.case.regions.GetSegmentation().RemoveAllSegments()
        self.refused("have no segment")


class FindTest(SceneCase):
    def testSavedCaseIsFoundAndGivesTheSameDigits(self):
        settings = SMALL.with_(sliceRule="consecutive", filter="laplacian")
        case = replace(self.case, settings=settings, subject="P7", exam="2")
        mrml.storePhaseCase(self.scene, case)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            saveScene(self.scene, path)
            opened = HeadlessScene()
            (exam,) = measureScene(opened.scene, path)
        self.assertEqual((exam.caseNodes.subject, exam.caseNodes.exam, exam.caseNodes.settings), ("P7", "2", settings))
        self.assertEqual({m.region.slug: [v.phaseRad for v in m.chosen] for m in exam.measurements}, self.values(case))

    def testSceneWithoutACase(self):
        self.assertFalse(mrml.hasPhaseCase(self.scene))
        with self.assertRaisesRegex(InputError, "no volume with the attribute ALSMotorCortex.Role=Phase"):
            mrml.findPhaseCaseNodes(self.scene)
        mrml.storePhaseCase(self.scene, self.case)
        self.assertTrue(mrml.hasPhaseCase(self.scene))
        self.case.magnitude.SetAttribute("ALSMotorCortex.Role", "Phase")
        with self.assertRaisesRegex(InputError, "two volumes with the role Phase"):
            mrml.findPhaseCaseNodes(self.scene)

    def testTheLastMeasuredIsTheCase(self):
        mrml.storePhaseCase(self.scene, self.case)
        other = addVolumeNode(self.scene, self.made.phaseRad_KJI, self.made.case.ijkToRAS, "other")
        mrml.storePhaseCase(self.scene, replace(self.case, phase=other, magnitude=None))
        found = mrml.findPhaseCaseNodes(self.scene)
        self.assertEqual((found.phase.GetName(), found.magnitude), ("other", None))

    def testThePanelsParameterNodeIsTheCases(self):
        """Slicer makes it with the singleton tag and an attribute, and without a module name."""
        node = slicer.vtkMRMLScriptedModuleNode()
        node.SetSingletonTag("PhaseShiftROI")
        node.SetAttribute("ModuleName", "PhaseShiftROI")
        node.SetParameter("encoding", "siemens")
        node = self.scene.AddNode(node)
        mrml.storePhaseCase(self.scene, replace(self.case, subject="P3"))
        self.assertEqual(len(nodesOfClass(self.scene, "vtkMRMLScriptedModuleNode")), 1)
        self.assertEqual((node.GetParameter("subject"), node.GetParameter("encoding")), ("P3", "siemens"))

    def testRegionsAreFoundByNameOrByWhatTheyHold(self):
        mrml.storePhaseCase(self.scene, self.case)
        self.case.regions.SetName("Something")
        self.assertEqual(mrml.findPhaseCaseNodes(self.scene).regions.GetName(), "Something")
        self.scene.RemoveNode(self.case.regions)
        with self.assertRaisesRegex(InputError, "0 segmentations of regions"):
            mrml.findPhaseCaseNodes(self.scene)

    def testMeasuredRegionsAreTheCasesWhateverTheirName(self):
        mask_KJI = self.made.masks_KJI["putamen_left"]
        other = mrml.addRegionsNode(self.scene, {"putamen_left": mask_KJI}, self.case.phase, "Regions_1")
        mrml.storePhaseCase(self.scene, self.case)
        mrml.storePhaseCase(self.scene, replace(self.case, regions=other))
        self.assertIs(mrml.findPhaseCaseNodes(self.scene).regions, other)
        self.assertEqual(other.GetAttribute("ALSMotorCortex.Role"), "PhaseRegions")
        self.assertIsNone(self.case.regions.GetAttribute("ALSMotorCortex.Role"))
        mrml.storePhaseCase(self.scene, replace(self.case, regions=None))  # prepared before any are painted
        self.assertIs(mrml.findPhaseCaseNodes(self.scene).regions, other)
        mrml.storePhaseCase(self.scene, self.case)
        self.assertIs(mrml.findPhaseCaseNodes(self.scene).regions, self.case.regions)

    def testStoredSettingsOfANewerVersion(self):
        mrml.storePhaseCase(self.scene, self.case)
        (node,) = (n for n in nodesOfClass(self.scene, "vtkMRMLScriptedModuleNode") if n.GetModuleName())
        node.SetParameter("settings", json.dumps({"filter": "homodyne", "dipoles": 3}))
        with self.assertRaisesRegex(InputError, "dipoles"):
            mrml.findPhaseCaseNodes(self.scene)


class ResultsTest(SceneCase):
    def write(self):
        return mrmlResults.writePhaseResults(self.scene, self.case, mrml.measurePhaseCase(self.case))

    def testTablesHaveUnits(self):
        results = self.write()
        table = results.resultsTable
        units = {name: table.GetColumnUnitLabel(name) for name in ("phase_rad", "phase_hz", "phase_ppb", "area_mm2")}
        self.assertEqual(units, {"phase_rad": "rad", "phase_hz": "Hz", "phase_ppb": "ppb", "area_mm2": "mm2"})
        self.assertTrue(table.GetLocked())
        # Three slices of each precentral gyrus, one of each of the eight other regions.
        self.assertEqual(table.GetNumberOfRows(), 14)
        self.assertEqual(results.slicesTable.GetNumberOfRows(), sum(len(t) for t in self.made.truthRad.values()))
        self.assertEqual((results.regionsTable.GetNumberOfRows(), results.wideTable.GetNumberOfRows()), (10, 1))

    def testVolumesSayWhatTheyAre(self):
        results = self.write()
        attributes = {
            name: results.corrected.GetAttribute(f"ALSMotorCortex.{name}")
            for name in ("Unit", "EchoTimeMs", "FieldStrengthT", "Polarity", "Filter")
        }
        self.assertEqual(attributes.pop("Filter"), "homodyne (2D), 22.87 x 20.58 lines = 7.5 x 7.5 mm, hann window")
        expected = {"Unit": "rad", "EchoTimeMs": "19.0", "FieldStrengthT": "3.0", "Polarity": "paramagnetic_negative"}
        self.assertEqual(attributes, expected)
        self.assertEqual(results.corrected.GetVoxelValueUnits().GetCodeValue(), "rad")
        phase = imageFromVolumeNode(self.case.phase)
        for volume in (results.corrected, results.weighted, results.projection):
            np.testing.assert_allclose(imageFromVolumeNode(volume).ijkToRAS, phase.ijkToRAS)
            self.assertEqual(volumeArray(volume).shape, phase.array_KJI.shape)
        self.assertEqual(results.corrected.GetNodeReferenceID("PhaseShiftROI.Phase"), self.case.phase.GetID())

    def testNodesAreUsedAgain(self):
        first = self.write()
        count = self.scene.GetNumberOfNodes()
        second = self.write()
        self.assertEqual(self.scene.GetNumberOfNodes(), count)
        self.assertIs(first.corrected, second.corrected)

    def testResultsOfAnotherImageAreKept(self):
        """Also where the other image is a result itself."""
        first = self.write()
        before = volumeArray(first.corrected).copy()
        self.case = replace(self.case, phase=first.corrected, settings=SMALL.with_(filter="none"))
        second = self.write()
        self.assertIsNot(second.corrected, first.corrected)
        self.assertIsNot(second.resultsTable, first.resultsTable)
        np.testing.assert_array_equal(volumeArray(first.corrected), before)

    def testPreparedBeforeRegionsArePainted(self):
        case = replace(self.case, regions=None)
        prepared = mrml.preparePhaseCase(case)
        corrected, weighted, _ = mrmlResults.writePreparedPhase(self.scene, case, prepared)
        self.assertIsNotNone(weighted)
        self.assertLess(abs(np.median(volumeArray(corrected))), 0.1)
        self.refused("has no regions", case)

    def testInputIsLeftAlone(self):
        before = volumeArray(self.case.phase).copy()
        self.write()
        np.testing.assert_array_equal(volumeArray(self.case.phase), before)

    def testBothCasesInOneScene(self):
        from ALSCortexProfileLib import mrml as profileMrml
        from ALSCortexProfileLib.settings import ProfileSettings
        from ALSStudyLib import phantom

        profile = phantom.addCaseToScene(self.scene, phantom.arcCase(phantom.Band.symmetric(0.25, 1.2)))
        profileMrml.storeCase(self.scene, replace(profile, settings=ProfileSettings(resamples=0)))
        mrml.storePhaseCase(self.scene, self.case)
        self.write()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            saveScene(self.scene, path)
            opened = HeadlessScene()
            exams = measureScene(opened.scene, path)
        self.assertEqual([exam.kind for exam in exams], ["profile", "phase"])
        self.assertEqual(exams[0].measurements[0].status, "ok")
        self.assertEqual(len(exams[1].measurements), 10)


if __name__ == "__main__":
    unittest.main()
