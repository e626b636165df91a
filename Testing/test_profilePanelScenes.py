"""The panel of ALS Cortex Profile while nodes, scenes and the module itself come and go."""

import tempfile
import unittest
from pathlib import Path

from alsTestCases import renderedArc
from desktopStandIn import (
    choose,
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
from profilePanelTestCases import MAX_SEED, MODULE, ProfilePanelCase


def setUpModule():
    start()  # before anything of the module is imported


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
