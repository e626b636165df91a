"""The panel of ALS Cortex Profile in the stand-in for Slicer's desktop: its self-test, and what panels do wrong."""

import tempfile
import unittest
from pathlib import Path

from alsTestCases import renderedArc
from ALSStudyLib.tables import readTable
from desktopStandIn import (
    choose,
    click,
    enterText,
    popups,
    renderPanel,
    start,
)
from panelTestCases import SelfTestCase
from profilePanelTestCases import MODULE, ProfilePanelCase


def setUpModule():
    start()  # before anything of the module is imported


class SelfTest(SelfTestCase, unittest.TestCase):
    moduleName = MODULE


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

    def testOnlyTheChosenReferencesAreInView(self):
        """A second reader does not see the references of the first; what is not of the panel stays."""
        import slicer

        _image, _contours, first = self.addArc()
        tumor = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
        tumor.CreateDefaultDisplayNodes()
        self.assertTrue(first.GetDisplayVisibility())
        choose(self.ui.referencesSelector, None)
        self.assertFalse(first.GetDisplayVisibility())
        click(self.ui.paintSpleniumButton)
        self.rest()
        second = self.panel._parameterNode.references
        for chosen in (first, second):
            choose(self.ui.referencesSelector, chosen)
            self.rest()
            self.assertEqual([node for node in (first, second) if node.GetDisplayVisibility()], [chosen])
            self.assertTrue(tumor.GetDisplayVisibility())

    def testPaintButtonFollowsTheEditor(self):
        """It pops out when Esc, the arrow or another effect ends painting, and moves with the segment."""
        self.addArc()
        paintButtons = splenium, whiteMatter = self.ui.paintSpleniumButton, self.ui.paintWhiteMatterButton
        editor, editorNode = self.exam.references.editor, self.exam.references.editor._editorNode
        for effect in ("", "Erase"):
            click(splenium)
            self.assertEqual([button.checked for button in paintButtons], [True, False])
            editorNode.SetActiveEffectName(effect)
            self.assertEqual([button.checked for button in paintButtons], [False, False])
        click(whiteMatter)
        self.assertEqual([button.checked for button in paintButtons], [False, True])
        self.assertEqual(editor.effect, "Paint")
        click(splenium)
        self.assertEqual([button.checked for button in paintButtons], [True, False])
        click(splenium)
        self.assertEqual([button.checked for button in paintButtons], [False, False])
        self.assertEqual(editor.effect, "")

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
        self.assertEqual(self.exam.measurements["hand_knob_left"].status, "no_band")
        self.assertIn("this is no finding", self.ui.targetMessageLabel.text)
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

    def testBrushLeavesTheViewsWhereTheyAre(self):
        """Where the user aims, not where the region has paint already."""
        from ALSStudyLib import panelViews

        rendered = renderedArc()
        self.addArc(rendered)
        panelViews.jumpTo(rendered.contours[0][2].mean(0) - rendered.ijkToRAS[:3, 2])
        sliceToRAS = panelViews.axialSliceNode().GetSliceToRAS()  # a view of the matrix
        before = [sliceToRAS.GetElement(row, 3) for row in range(3)]
        for button in (self.ui.paintWhiteMatterButton, self.ui.paintSpleniumButton):
            click(button)
            self.assertEqual([sliceToRAS.GetElement(row, 3) for row in range(3)], before)

    def testUndoTakesTheLastPointBack(self):
        _image, (contour, *_others), _references = self.addArc()
        self.exam.select("hand_knob_left")
        count = contour.GetNumberOfControlPoints()
        click(self.ui.undoPointButton)
        self.assertEqual(contour.GetNumberOfControlPoints(), count - 1)

    def testLinesAreDeletedInTheSliceShown(self):
        """Never unseen in another slice; after a line is deleted the views go to the next."""
        from ALSStudyLib import panelViews

        rendered = renderedArc()
        _image, (contour, *_others), _references = self.addArc(rendered)
        self.exam.select("hand_knob_left")
        click(self.ui.copyUpButton)
        first, copy = self.panel.logic.contours("hand_knob_left")
        here, above = self.exam.targets.text("hand_knob_left", "slices").split(", ")
        panelViews.jumpTo(rendered.contours[0][2].mean(0) - rendered.ijkToRAS[:3, 2])
        for button in (self.ui.deleteLineButton, self.ui.undoPointButton):
            self.assertFalse(button.enabled)
            self.assertIn(f"there are lines in slices {here} and {above}.", button.toolTip)
        panelViews.jumpTo(rendered.contours[0][2].mean(0) + rendered.ijkToRAS[:3, 2])
        count = first.GetNumberOfControlPoints()
        click(self.ui.undoPointButton)
        self.assertEqual((first.GetNumberOfControlPoints(), copy.GetNumberOfControlPoints()), (count, count - 1))
        click(self.ui.deleteLineButton)
        self.assertEqual(self.panel.logic.contours("hand_knob_left"), [contour])
        self.assertEqual(self.panel.logic.lines.shownSlice(self.panel._parameterNode), int(here))
        click(self.ui.deleteLineButton)
        self.assertEqual(self.panel.logic.contours("hand_knob_left"), [])
        self.assertFalse(self.ui.deleteLineButton.enabled)

    def testLineOnSeveralSlicesIsDeletedFromAny(self):
        from ALSStudyLib import panelViews

        rendered = renderedArc()
        _image, (contour, *_others), _references = self.addArc(rendered)
        self.exam.select("hand_knob_left")
        contour.SetNthControlPointPositionWorld(0, *(rendered.contours[0][2][0] + 2 * rendered.ijkToRAS[:3, 2]))
        panelViews.jumpTo(rendered.contours[0][2].mean(0) - rendered.ijkToRAS[:3, 2])
        click(self.ui.deleteLineButton)
        self.assertEqual(self.panel.logic.contours("hand_knob_left"), [])

    def testWordsOfTheTableAreNotCutOff(self):
        """At the width that Slicer gives a panel at first; what is longer than its column wraps."""
        self.addArc()
        table = self.ui.targetsTable
        with tempfile.TemporaryDirectory() as folder:
            renderPanel(self.panel, str(Path(folder) / "panel.png"), width=460)
        for column, words in ((0, "Paracentral"), (5, "drawing..."), (5, "measured")):
            self.assertGreater(table.columnWidth(column), table.fontMetrics().horizontalAdvance(words) + 6)
        self.assertGreaterEqual(table.columnWidth(5), table.columnWidth(0) - 1)  # they share what the numbers leave

    def testOwnTargetGetsARow(self):
        self.addArc()
        self.openMore()
        enterText(self.ui.newTargetLineEdit, "Tongue left")
        click(self.ui.addTargetButton)
        self.assertEqual(self.exam.targets.text("tongue_left", "target"), "Tongue, left")
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


if __name__ == "__main__":
    unittest.main()
