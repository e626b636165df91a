"""The panel of Phase Shift ROI with what was prepared before, and while scenes and the module come and go."""

import json
import tempfile
import unittest
from pathlib import Path

from desktopStandIn import (
    SlotError,
    choose,
    click,
    enter,
    enterText,
    enterValue,
    leave,
    popups,
    reloadModule,
    renderPanel,
    start,
)
from panelTestCases import importedByAnEmptyPanel
from phaseTestCases import rendered
from phasePanelTestCases import MODULE, PhasePanelCase, SLUG


def setUpModule():
    start()  # before anything of the module is imported


class PreparedTest(PhasePanelCase):
    def testNumbersOfOtherSettingsNeverStay(self):
        """Whatever the filter depends on takes the numbers away at once; the same value brings nothing back."""
        nodes = self.addCase()
        self.assertNotEqual(self.rows()[SLUG][5], "-")
        for change in (
            lambda: choose(self.ui.filterComboBox, "None"),
            lambda: click(self.ui.correctSignFlipsCheckBox),
            lambda: choose(self.ui.magnitudeSelector, None),
            lambda: nodes.phase.GetImageData().Modified() or self.exam.update(),
        ):
            click(self.ui.prepareButton)
            self.assertNotEqual(self.rows()[SLUG][5], "-")
            change()
            self.assertEqual(self.rows()[SLUG][5], "-")
            self.assertIn("press Prepare again", self.ui.statusLabel.text)
            self.assertNotEqual(self.rows()[SLUG][3], "-")  # pixels are still counted

    def testOnlyWhatTheSceneWasMeasuredWithIsPreparedByItself(self):
        self.addCase()
        self.reopen()
        self.assertNotEqual(self.rows()[SLUG][5], "-")
        enterValue(self.ui.kernelLinesSpinBox, 16)
        self.rest()
        self.assertEqual(self.stored()["kernelLines"], 22)
        self.reopen()
        self.assertEqual(self.stored()["kernelLines"], 22)
        self.assertEqual(self.rows()[SLUG][5], "-")
        self.assertIn("press Prepare", self.ui.statusLabel.text)
        click(self.ui.prepareButton)
        self.assertEqual(self.stored()["kernelLines"], 16)
        self.assertNotEqual(self.rows()[SLUG][5], "-")

    def testResultsGoWithTheirMeasurement(self):
        import slicer

        nodes = self.addCase()
        self.table.click(SLUG)
        click(self.ui.chartButton)
        count = len(self.results())
        self.assertEqual(count, 4 + 5)
        enterValue(self.ui.kernelLinesSpinBox, 16)
        self.rest()
        self.assertEqual(self.results(), [])
        self.assertEqual(len(self.results("ScalarVolume")), 3)
        click(self.ui.prepareButton)
        self.rest()
        self.assertEqual(len(self.results()), count)  # the chart is shown again
        slicer.mrmlScene.RemoveNode(nodes.regions)
        self.rest()
        self.assertEqual(self.results(), [])
        self.assertEqual(len(self.results("ScalarVolume")), 3)
        slicer.mrmlScene.RemoveNode(nodes.phase)
        self.rest()
        self.assertEqual(self.results("ScalarVolume"), [])

    def testWhatAFieldRoundsStaysAsItIs(self):
        import slicer
        from ALSStudyLib.mrmlNodes import ECHO_TIME_ATTRIBUTE
        from ALSStudyLib.phasePhantom import addPhaseCaseToScene
        from PhaseShiftROILib.mrml import FIELD_STRENGTH_ATTRIBUTE

        nodes = addPhaseCaseToScene(slicer.mrmlScene, rendered())
        nodes.phase.SetAttribute(ECHO_TIME_ATTRIBUTE, "18.617342")
        nodes.phase.SetAttribute(FIELD_STRENGTH_ATTRIBUTE, "2.89362")
        node, logic = self.panel._parameterNode, self.panel.logic
        logic.chooseCase(nodes)
        self.openSections()
        enterValue(self.ui.kernelLinesSpinBox, 22)
        self.assertEqual((self.ui.echoTimeSpinBox.value, self.ui.fieldStrengthSpinBox.value), (18.62, 2.89))
        node.echoTimeMs = self.ui.echoTimeSpinBox.value  # as a field does that writes back what it shows
        click(self.ui.prepareButton)
        self.rest()
        self.assertEqual(nodes.phase.GetAttribute(ECHO_TIME_ATTRIBUTE), "18.617342")
        self.assertEqual(nodes.phase.GetAttribute(FIELD_STRENGTH_ATTRIBUTE), "2.89362")
        self.openSections()
        enterValue(self.ui.echoTimeSpinBox, 18.63)
        self.rest()
        self.assertEqual(nodes.phase.GetAttribute(ECHO_TIME_ATTRIBUTE), "18.63")
        node.settings = json.dumps({**self.stored(), "kernelLines": 5000, "kernelMm": 7.5})
        self.rest()
        self.assertEqual(self.ui.kernelLinesSpinBox.value, 4096)
        settings = logic.settings(node)
        self.assertEqual((settings.kernelLines, settings.kernelMm), (5000, 7.5))
        enterValue(self.ui.kernelLinesSpinBox, 24)
        settings = logic.settings(node)
        self.assertEqual((settings.kernelLines, settings.kernelMm), (24, None))

    def testFieldsShowHundredths(self):
        self.addCase(prepared=False)
        self.openSections()
        enterValue(self.ui.fieldStrengthSpinBox, 2.89)
        self.assertEqual((self.ui.echoTimeSpinBox.text, self.ui.fieldStrengthSpinBox.text), ("19.00 ms", "2.89 T"))
        enterValue(self.ui.echoTimeSpinBox, 19.01)
        self.assertEqual(self.panel._parameterNode.echoTimeMs, 19.01)

    def testFieldsHaveTheDecimalsThatTheLogicKnows(self):
        from PhaseShiftROILib.panelParameters import ECHO_TIME_DECIMALS, FIELD_STRENGTH_DECIMALS

        found = (self.ui.echoTimeSpinBox.decimals, self.ui.fieldStrengthSpinBox.decimals)
        self.assertEqual(found, (ECHO_TIME_DECIMALS, FIELD_STRENGTH_DECIMALS))

    def testImagesCanBeShown(self):
        import slicer

        self.addCase()
        composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
        for title in ("SWI", "Magnitude", "Corrected phase"):
            choose(self.ui.shownComboBox, title)
            shown = slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID())
            self.assertIn(title.split()[0].lower(), shown.GetName().lower())
            self.exam.update()
            self.assertEqual(self.ui.shownComboBox.currentText, title)

    def testResultsLieBeneathTheImage(self):
        import slicer

        nodes = self.addCase()
        self.table.click(SLUG)
        click(self.ui.chartButton)
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        image = hierarchy.GetItemByDataNode(nodes.phase)
        charts = hierarchy.GetItemChildWithName(image, "Charts")
        self.assertTrue(charts)
        for name, parent, count in (("ScalarVolume", image, 3), ("Table", image, 4), ("PlotChart", charts, 1)):
            made = [
                node
                for node in slicer.util.getNodesByClass(f"vtkMRML{name}Node")
                if node.GetAttribute("PhaseShiftROI.Output") and not node.GetHideFromEditors()
            ]
            self.assertEqual(len(made), count)
            for node in made:
                with self.subTest(node.GetName()):
                    self.assertEqual(hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)), parent)

    def testTablesAreShown(self):
        import slicer

        self.addCase()
        selection = slicer.app.applicationLogic().GetSelectionNode()
        for button, key in ((self.ui.paperTableButton, "wide"), (self.ui.tidyTableButton, "results")):
            click(button)
            table = slicer.mrmlScene.GetNodeByID(selection.GetActiveTableID())
            self.assertEqual(table.GetAttribute("PhaseShiftROI.Output"), key)

    def testFailedExportLeavesNothingBehind(self):
        self.addCase()
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "file"
            target.write_text("in the way")
            with self.assertRaisesRegex(ValueError, "is a file"):
                self.exam.results.exportTo(str(target))
            self.assertEqual([path.name for path in Path(folder).iterdir()], ["file"])

    def testErrorsAreShownOnce(self):
        """Values that contradict the declared encoding: one message, no number."""
        self.addCase(prepared=False)
        choose(self.ui.encodingComboBox, "Radians")
        with self.assertRaisesRegex(SlotError, "declared radians"):  # Slicer shows it, and writes it into the log
            click(self.ui.prepareButton)
        shown = popups()
        self.assertEqual(len(shown), 1)
        self.assertIn("declared radians", shown[0].text)
        self.assertIsNone(self.exam.session.prepared)


class LifeTest(PhasePanelCase):
    def testPanelSurvivesReloadAndAnotherModule(self):
        self.addCase()
        shown = self.rows()
        leave(MODULE)
        enter(MODULE)
        self.rest()
        self.assertEqual(self.rows(), shown)
        self.follow(reloadModule(MODULE))
        self.rest()
        self.assertEqual(self.rows(), shown)
        self.assertEqual(popups(), [])

    def testNothingSlowIsImportedByAnEmptyPanel(self):
        slow = {"scipy", "SimpleITK", "pydicom", "matplotlib"}
        self.assertEqual(importedByAnEmptyPanel("PhaseShiftROI", slow), "")

    def testSampleDataIsMadeOnTheSpot(self):
        import PhaseShiftROI

        PhaseShiftROI.addPhantomCase()
        self.rest()
        self.assertEqual(len(self.table.keys), 11)
        click(self.ui.prepareButton)
        self.assertIn("iron is negative", self.ui.polarityChecksLabel.text)
        self.assertEqual(popups(), [])

    def testPanelIsDrawnInBothThemesAndIsNarrow(self):
        self.addCase()
        with tempfile.TemporaryDirectory() as folder:
            for theme in ("light", "dark"):
                path = renderPanel(self.panel, Path(folder) / f"{theme}.png", width=480, theme=theme)
                self.assertGreater(path.stat().st_size, 10_000)
                self.assertEqual(pngSize(path)[0], 480)  # wider than asked for if it does not fit

    def testOwnNameIsTypedAndEntered(self):
        self.addCase()
        enterText(self.ui.ownRegionLineEdit, "Thalamus R")
        click(self.ui.addOwnRegionButton)
        self.assertEqual(self.table.text("thalamus_right", "region"), "Thalamus")
        self.assertEqual(self.table.text("thalamus_right", "side"), "right")
        self.assertEqual(self.ui.ownRegionLineEdit.text, "")


def pngSize(path: Path) -> tuple[int, int]:
    head = path.read_bytes()[16:24]
    return int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")


if __name__ == "__main__":
    unittest.main()
