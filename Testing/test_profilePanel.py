"""The panel of ALS Cortex Profile in the stand-in for Slicer's desktop: its self-test, and what panels do wrong."""

import tempfile
import unittest
from pathlib import Path

from alsTestCases import renderedArc
from ALSStudyLib.tables import readTable
from desktopStandIn import (
    choose,
    click,
    enter,
    enterText,
    enterValue,
    leave,
    popups,
    processEvents,
    reloadModule,
    renderPanel,
    start,
)
from panelTestCases import PanelCase, SelfTestCase

MODULE = "ALSCortexProfile"
MAX_SEED = 99999999


def setUpModule():
    start()  # before anything of the module is imported


class SelfTest(SelfTestCase, unittest.TestCase):
    moduleName = MODULE


class ProfilePanelCase(PanelCase):
    moduleName = MODULE

    def addArc(self, rendered=None):
        """An arc phantom of one target, chosen and measured."""
        import slicer
        from ALSCortexProfileLib import mrml

        rendered = rendered or renderedArc()
        image = mrml.addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "T2star")
        contours = tuple(
            mrml.addCurveNode(slicer.mrmlScene, points_RAS, f"{slug}_{index}", slug)
            for slug, index, points_RAS in rendered.contours
        )
        references = mrml.addSegmentationNode(slicer.mrmlScene, rendered.referenceMasks, image, "References")
        self.panel.logic.chooseCase(mrml.CaseNodes((image,), contours, references))
        self.rest()
        return image, contours, references

    def openMore(self):
        self.ui.moreLinesCollapsibleButton.collapsed = False

    def rest(self):
        from ALSStudyLib.panelTesting import wait

        wait(lambda: not (self.exam.live.isPending or self.exam.references.isPending))


class FollowingTest(ProfilePanelCase):
    def testEveryDisabledButtonSaysWhy(self):
        for state in ("empty", "measured"):
            if state == "measured":
                self.addArc()
            for name, widget in vars(self.ui).items():
                if name.endswith("Button") and not name.endswith(("RadioButton", "CollapsibleButton")):
                    with self.subTest(state=state, button=name):
                        self.assertTrue(widget.toolTip)

    def testEveryInputHasAToolTip(self):
        kinds = ("Selector", "LineEdit", "SpinBox", "ComboBox", "CheckBox", "RadioButton", "Table")
        for name, widget in vars(self.ui).items():
            if name.endswith(kinds):
                with self.subTest(name):
                    self.assertTrue(widget.toolTip)

    def testReferencesAreFollowedWhileTheyArePainted(self):
        import numpy as np
        import slicer
        from ALSStudyLib.mrmlSegments import segmentNames

        image, _contours, references = self.addArc()
        before = self.exam.measurements["hand_knob_left"].selected.sh
        splenium = segmentNames(references)["Splenium"]
        brighter_KJI = slicer.util.arrayFromVolume(image) * 0
        brighter_KJI[0, :8, :8] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(brighter_KJI.astype(np.uint8), references, splenium, image)
        self.rest()
        self.assertNotEqual(self.exam.measurements["hand_knob_left"].selected.sh, before)
        slicer.util.updateSegmentBinaryLabelmapFromArray(0 * brighter_KJI.astype(np.uint8), references, splenium, image)
        self.rest()
        self.assertNotIn("hand_knob_left", self.exam.measurements)
        self.assertIn("splenium", self.exam.targets.text("hand_knob_left", "status"))
        self.assertEqual(popups(), [])

    def testBootstrapIsGivenUpWhenTheLineMoves(self):
        _image, (contour, *_others), _references = self.addArc()
        ended = []
        original = self.panel.logic.measure

        def measure(parameterNode, target, quick=False, progress=None):
            def step(share):
                if not ended:  # the user takes hold of a point during the bootstrap
                    point = [0.0, 0.0, 0.0]
                    contour.GetNthControlPointPositionWorld(3, point)
                    contour.SetNthControlPointPositionWorld(3, point[0], point[1] + 0.05, point[2])
                ended.append(progress(share))
                return ended[-1]

            return original(parameterNode, target, quick, None if quick else step)

        self.panel.logic.measure = measure
        self.exam.live.refine(["hand_knob_left"])
        self.rest()
        self.assertIs(ended[0], False)
        self.assertIs(ended[1], True)
        self.assertGreater(self.exam.measurements["hand_knob_left"].intervals.resamples, 0)

    def testExportDoesNotWaitForTheUserToPause(self):
        _image, (contour, *_others), _references = self.addArc()
        before = self.exam.measurements["hand_knob_left"].selected.sh
        contour.InvokeEvent(contour.PointStartInteractionEvent)
        point = [0.0, 0.0, 0.0]
        contour.GetNthControlPointPositionWorld(3, point)
        contour.SetNthControlPointPositionWorld(3, point[0], point[1] + 0.2, point[2])
        with tempfile.TemporaryDirectory() as folder:
            self.exam.results.export(str(Path(folder) / "export"))
            written = readTable(Path(folder) / "export" / "profile_measurements.tsv")
        measurement = self.exam.measurements["hand_knob_left"]
        self.assertNotEqual(measurement.selected.sh, before)
        self.assertGreater(measurement.intervals.resamples, 0)
        self.assertAlmostEqual(float(written[0]["sh"]), measurement.selected.sh, places=6)
        contour.InvokeEvent(contour.PointEndInteractionEvent)

    def testFlippedNormalsAreMeasuredAtOnce(self):
        self.addArc()
        self.exam.select("hand_knob_left")
        click(self.ui.flipButton)
        self.rest()
        self.assertIn("normals_flipped_by_user", self.exam.measurements["hand_knob_left"].flags)
        click(self.ui.flipButton)
        self.rest()
        self.assertNotIn("normals_flipped_by_user", self.exam.measurements["hand_knob_left"].flags)

    def testDrawingThatIsGivenUpLeavesNoLine(self):
        import slicer

        self.addArc()
        count = len(self.panel.logic.contours())
        self.exam.targets.click("paracentral_left")
        self.assertTrue(self.exam.drawing.isDrawing)
        self.assertEqual(len(self.panel.logic.contours()), count + 1)
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        self.assertFalse(self.exam.drawing.isDrawing)
        self.assertFalse(self.ui.drawButton.checked)
        self.assertEqual(len(self.panel.logic.contours()), count)

    def testEditorLeavesEscToDrawing(self):
        """Two shortcuts for one key cancel each other: while drawing, Esc is not the editor's."""
        self.addArc()
        keys, editor = [], self.exam.references.editor
        editor.pauseShortcuts = lambda: keys.append("drawing")
        editor.resumeShortcuts = lambda: keys.append("editor")
        self.exam.targets.click("paracentral_left")
        self.assertEqual(keys, ["drawing"])
        self.exam.drawing.end()  # what Esc calls
        self.assertEqual(keys[1:], ["editor"])

    def testFurtherLineDoesNotTakeTheNumberAway(self):
        import slicer

        rendered = renderedArc()
        _image, _contours, _references = self.addArc(rendered)
        shown = self.exam.targets.text("hand_knob_left", "ratio")
        self.exam.select("hand_knob_left")
        from ALSStudyLib import panelViews

        panelViews.jumpTo(rendered.contours[0][2].mean(0) + 2 * rendered.ijkToRAS[:3, 2])
        self.exam.draw("hand_knob_left")
        curve = self.exam.drawing.drawnCurve
        self.assertEqual(len(self.panel.logic.contours("hand_knob_left")), 2)
        curve.AddControlPointWorld([float(value) for value in rendered.contours[0][2][0]])
        self.rest()
        self.assertEqual(self.exam.measurements["hand_knob_left"].status, "ok")
        slicer.mrmlScene.RemoveNode(curve)
        self.rest()
        self.assertEqual(self.exam.targets.text("hand_knob_left", "ratio"), shown)

    def testFaultOfTheProgramLeavesNoOldNumber(self):
        _image, (contour, *_others), _references = self.addArc()

        def fault(*_arguments, **_named):
            raise RuntimeError("broken on purpose")

        self.panel.logic.measure = fault
        self.exam.live.refine(["hand_knob_left"])
        self.rest()
        self.assertEqual(self.exam.targets.text("hand_knob_left", "sh"), "-")
        self.assertIn("broken on purpose", self.exam.measured.problems["hand_knob_left"])
        del contour

    def testUndoTakesTheLastPointBack(self):
        _image, (contour, *_others), _references = self.addArc()
        self.exam.select("hand_knob_left")
        count = contour.GetNumberOfControlPoints()
        click(self.ui.undoPointButton)
        self.assertEqual(contour.GetNumberOfControlPoints(), count - 1)

    def testOwnTargetGetsARow(self):
        self.addArc()
        self.openMore()
        enterText(self.ui.newTargetLineEdit, "Tongue left")
        click(self.ui.addTargetButton)
        self.assertEqual(self.exam.targets.text("tongue_left", "target"), "Tongue\nleft")
        self.assertEqual(self.panel._parameterNode.selectedTarget, "tongue_left")

    def testNameOfAnOwnTarget(self):
        parameterNode = self.panel._parameterNode
        self.assertEqual(self.panel.logic.addTarget(parameterNode, "Zungengr\u00f6\u00dfe left"), "zungengrosse_left")
        for name in ("123", "  ", "x" * 31):
            with self.subTest(name), self.assertRaisesRegex(ValueError, "name of a target"):
                self.panel.logic.addTarget(parameterNode, name)
        self.openMore()
        enterText(self.ui.newTargetLineEdit, "123")
        click(self.ui.addTargetButton)
        self.assertIn("123", self.ui.targetMessageLabel.text)
        self.assertEqual(popups(), [])

    def testOwnTargetIsRemovedAgain(self):
        self.addArc()
        self.openMore()
        enterText(self.ui.newTargetLineEdit, "tongue left")
        click(self.ui.addTargetButton)
        self.assertEqual(self.ui.deleteLineButton.text, "Remove target")
        click(self.ui.deleteLineButton)
        self.assertNotIn("tongue_left", self.panel.logic.targets(self.panel._parameterNode))

    def testCurveOfTheSceneBecomesALine(self):
        import slicer

        rendered = renderedArc()
        _image, (contour, *_others), _references = self.addArc(rendered)
        loaded = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsCurveNode", "loaded")
        for point_RAS in rendered.contours[0][2]:
            loaded.AddControlPointWorld([float(value) for value in point_RAS])
        shown = self.exam.targets.text("hand_knob_left", "ratio")
        slicer.mrmlScene.RemoveNode(contour)
        self.exam.select("hand_knob_left")
        self.openMore()
        choose(self.ui.curveSelector, loaded)
        click(self.ui.useCurveButton)
        self.rest()
        self.assertEqual(self.exam.targets.text("hand_knob_left", "ratio"), shown)
        click(self.ui.deleteLineButton)
        self.assertIs(loaded.GetScene(), slicer.mrmlScene)  # it is the user's
        self.assertNotIn("hand_knob_left", self.exam.measurements)


class ReadingTest(ProfilePanelCase):
    def testReadingOfAnExamWithoutANumber(self):
        """An empty exam and blanks in a name are kept as they are: each target is read once."""
        self.addArc()
        self.ui.readingModeCheckBox.checked = True
        self.ui.readingCollapsibleButton.collapsed = False
        enterText(self.ui.readerLineEdit, "A  B ")
        self.assertEqual(self.exam.reading.target, "")
        self.assertIn("subject", self.ui.readingTargetLabel.text)
        enterText(self.ui.subjectLineEdit, "P1 ")
        read = []
        while self.exam.reading.target and len(read) < 9:
            read.append(self.exam.reading.target)
            self.exam.reading.score("nonpathologic", 0)
            click(self.ui.saveReadingButton)
        self.assertEqual(len(read), 4)
        self.assertRegex(self.exam.targets.text("hand_knob_left", "sh"), r"\d")

    def testReadingAfterTheNumberIsNotBlind(self):
        import slicer
        from ALSStudyLib.mrmlReadings import storedReadings

        self.addArc()
        enterText(self.ui.subjectLineEdit, "P1")
        self.rest()
        self.panel._parameterNode.reader, self.panel._parameterNode.readingMode = "R", True
        while self.exam.reading.target:
            self.exam.reading.score("pathologic", 1)
            self.ui.saveReadingButton.click()
        blind = {reading.target: reading.blind for reading in storedReadings(slicer.mrmlScene)}
        self.assertEqual(blind.pop("hand_knob_left"), "no")
        self.assertEqual(set(blind.values()), {"yes"})


class GoneTest(ProfilePanelCase):
    """What was measured goes with what it was measured from."""

    def assertNothingLeft(self):
        import slicer
        from ALSCortexProfileLib.mrmlResults import overlayKind
        from ALSStudyLib.mrmlNodes import nodesOfClass

        self.assertEqual(self.exam.measurements, {})
        models = [node for node in nodesOfClass(slicer.mrmlScene, "vtkMRMLModelNode") if overlayKind(node)]
        self.assertEqual(models, [])
        self.assertEqual(nodesOfClass(slicer.mrmlScene, "vtkMRMLPlotChartNode"), [])
        self.assertEqual(self.exam.targets.text("hand_knob_left", "sh"), "-")
        self.assertFalse(self.ui.exportButton.enabled)
        self.assertEqual(popups(), [])

    def testDeletedLine(self):
        import slicer

        _image, (contour, *_others), _references = self.addArc()
        slicer.mrmlScene.RemoveNode(contour)
        self.assertNothingLeft()
        self.assertIsNone(self.panel._parameterNode.resultsTable)

    def testDeletedPoints(self):
        _image, (contour, *_others), _references = self.addArc()
        while contour.GetNumberOfControlPoints() > 3:
            contour.RemoveNthControlPoint(0)
        self.rest()
        self.assertNothingLeft()

    def testDeletedImage(self):
        import slicer
        from ALSStudyLib.mrmlNodes import addVolumeNode

        rendered = renderedArc()
        image, _contours, _references = self.addArc(rendered)
        addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "another")
        slicer.mrmlScene.RemoveNode(image)
        processEvents(0.2)  # longer than a panel waits for the voxels of a new node
        self.rest()
        self.assertIsNone(self.panel._parameterNode.image)  # no other is taken in its place
        self.assertNothingLeft()

    def testDeletedReferences(self):
        import slicer

        _image, _contours, references = self.addArc()
        slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
        slicer.mrmlScene.RemoveNode(references)
        self.rest()
        self.assertIsNone(self.panel._parameterNode.references)
        self.assertIsNone(self.panel._parameterNode.resultsTable)
        self.assertNothingLeft()

    def testImageWithoutVoxels(self):
        import slicer

        self.addArc()
        choose(self.ui.imageSelector, slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty"))
        self.rest()
        self.assertNothingLeft()
        self.assertIn("voxels", self.exam.targets.text("hand_knob_left", "status"))

    def testSettingsThatContradictEachOther(self):
        self.addArc()
        parameterNode = self.panel._parameterNode
        shown = self.exam.targets.text("hand_knob_left", "sh")
        parameterNode.windowStartMm, parameterNode.windowEndMm = 3.0, 2.0
        parameterNode.fixedWindow = True
        self.rest()
        self.assertNothingLeft()
        self.assertIn("3 to 2 mm", self.ui.examMessageLabel.text)
        parameterNode.fixedWindow = False
        self.rest()
        self.assertEqual(self.exam.targets.text("hand_knob_left", "sh"), shown)
        self.assertEqual(self.ui.examMessageLabel.text, "")

    def testLineDeletedWhileItIsDrawn(self):
        import slicer

        self.addArc()
        self.exam.targets.click("paracentral_left")
        slicer.mrmlScene.RemoveNode(self.exam.drawing.drawnCurve)
        self.assertFalse(self.exam.drawing.isDrawing)
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        self.assertNotEqual(interaction.GetCurrentInteractionMode(), interaction.Place)


class LoadingTest(ProfilePanelCase):
    def testOnlyImageOfTheSceneIsChosen(self):
        import slicer
        from ALSStudyLib.mrmlNodes import addVolumeNode

        rendered = renderedArc()
        volume = addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "T2star")
        processEvents(0.3)
        self.assertIs(self.panel._parameterNode.image, volume)
        addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "another")
        processEvents(0.3)
        self.assertIs(self.panel._parameterNode.image, volume)


class SameDigitsTest(ProfilePanelCase):
    """The panel and the headless library measure the same of one scene."""

    def testSettingsThatTheFieldsCannotShow(self):
        import json

        import slicer
        from ALSCortexProfileLib import mrml
        from ALSCortexProfileLib.settings import ProfileSettings

        self.addArc()
        settings = ProfileSettings(
            normalSpacingMm=0.051, windowEndMm=4.37, resamples=50, alignmentSdMm=0.21, seed=MAX_SEED + 7
        )
        self.panel._parameterNode.settings = json.dumps(settings.toDict())  # as a scene of the command line has them
        self.rest()
        self.assertEqual(self.panel.logic.settings(self.panel._parameterNode), settings)
        (headless,) = mrml.measureCase(mrml.findCaseNodes(slicer.mrmlScene))
        shown = self.exam.measurements["hand_knob_left"]
        self.assertEqual(headless.settings, settings)
        self.assertEqual(headless.selected, shown.selected)
        self.assertEqual(headless.intervals, shown.intervals)
        self.ui.advancedCollapsibleButton.collapsed = False
        enterValue(self.ui.resamplesSpinBox, 60)
        self.assertEqual(self.panel.logic.settings(self.panel._parameterNode), settings.with_(resamples=60))

    def testReferencesThatWereChosen(self):
        import slicer
        from ALSCortexProfileLib import mrml

        rendered = renderedArc()
        image, _contours, references = self.addArc(rendered)
        other = {name: mask & (mask.cumsum(axis=2) > 2) for name, mask in rendered.referenceMasks.items()}
        chosen = mrml.addSegmentationNode(slicer.mrmlScene, other, image, "Other references")
        for segmentation in (chosen, references):
            choose(self.ui.referencesSelector, segmentation)
            self.rest()
            (headless,) = mrml.measureCase(mrml.findCaseNodes(slicer.mrmlScene))
            self.assertEqual(headless.selected, self.exam.measurements["hand_knob_left"].selected)


class EchoesTest(ProfilePanelCase):
    def testEchoesOfSeveralVolumesAreCombined(self):
        import slicer
        from ALSStudyLib.mrmlNodes import addVolumeNode

        rendered = renderedArc()
        self.addArc(rendered)
        self.assertFalse(self.panel.logic.hasEchoes(self.panel._parameterNode))
        single = self.exam.targets.text("hand_knob_left", "sh")
        later = addVolumeNode(slicer.mrmlScene, 0.8 * rendered.array_KJI, rendered.ijkToRAS, "later echo")
        self.panel._parameterNode.echoes = [later]
        enterText(self.ui.echoTimesLineEdit, "13 18.6")
        self.rest()
        self.assertEqual(self.panel.logic.echoTimesText(self.panel._parameterNode), "13 18.6")
        # The same image twice, one darker by a factor: the mean has the same shape.
        self.assertEqual(self.exam.targets.text("hand_knob_left", "sh"), single)
        choose(self.ui.combinationComboBox, "Root of the sum of squares")
        self.rest()
        self.assertEqual(self.panel.logic.settings(self.panel._parameterNode).echoCombination, "rss")
        self.assertEqual(self.exam.measurements["hand_knob_left"].settings.echoCombination, "rss")

    def testEchoTimesThatAreNoneAreRefused(self):
        import slicer
        from ALSStudyLib.mrmlNodes import addVolumeNode

        rendered = renderedArc()
        self.addArc(rendered)
        parameterNode = self.panel._parameterNode
        later = addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "later echo")
        parameterNode.echoes = [later]
        for text in ("13", "13 abc", "13 18.6 24", "13 -5"):
            with self.subTest(text):
                enterText(self.ui.echoTimesLineEdit, text)
                self.assertIn("2 numbers in ms", self.ui.examMessageLabel.text)
        self.assertEqual(popups(), [])
        parameterNode.echoes = []
        self.rest()
        self.assertEqual(self.ui.echoTimesLineEdit.text, "")  # they were of those echoes
        self.assertEqual(self.ui.examMessageLabel.text, "")


class LifeTest(ProfilePanelCase):
    def testPanelSurvivesReloadAndAnotherModule(self):
        self.addArc()
        shown = self.exam.targets.text("hand_knob_left", "ratio")
        leave(MODULE)
        self.assertIsNone(self.panel._parameterNode)
        enter(MODULE)
        self.rest()
        self.assertEqual(self.exam.targets.text("hand_knob_left", "ratio"), shown)
        self.follow(reloadModule(MODULE))
        self.rest()
        self.assertEqual(self.exam.targets.text("hand_knob_left", "ratio"), shown)
        self.assertEqual(popups(), [])

    def testReadingModeHidesChartAndBandToo(self):
        import slicer
        from ALSCortexProfileLib.mrmlResults import overlayKind
        from ALSStudyLib.mrmlNodes import nodesOfClass

        self.addArc()
        self.exam.select("hand_knob_left")
        selection = slicer.app.applicationLogic().GetSelectionNode()
        self.assertTrue(selection.GetActivePlotChartID())
        self.panel._parameterNode.readingMode = True
        self.assertFalse(selection.GetActivePlotChartID())
        self.assertEqual(nodesOfClass(slicer.mrmlScene, "vtkMRMLPlotChartNode"), [])
        self.assertFalse([node for node in nodesOfClass(slicer.mrmlScene, "vtkMRMLModelNode") if overlayKind(node)])
        table = self.panel._parameterNode.resultsTable
        self.assertIsNone(table)

    def testPanelIsDrawnInBothThemes(self):
        self.addArc()
        with tempfile.TemporaryDirectory() as folder:
            sizes = {}
            for theme in ("light", "dark"):
                path = Path(folder) / f"{theme}.png"
                renderPanel(self.panel, str(path), width=460, theme=theme)
                sizes[theme] = path.stat().st_size
            self.assertGreater(min(sizes.values()), 10_000)


if __name__ == "__main__":
    unittest.main()
