"""The panel of Phase Shift ROI in the stand-in for Slicer's desktop: its self-test, and what a panel can do wrong."""

import json
import re
import tempfile
import unittest
from pathlib import Path

from desktopStandIn import (
    choose,
    click,
    clickCell,
    closeScene,
    enter,
    enterValue,
    leave,
    popups,
    processEvents,
    start,
)
from panelTestCases import SelfTestCase
from phaseTestCases import rendered
from phasePanelTestCases import MODULE, PhasePanelCase, ROOT, SLUG


def setUpModule():
    start()  # before anything of the module is imported


class SelfTest(SelfTestCase, unittest.TestCase):
    moduleName = MODULE


class WordsTest(PhasePanelCase):
    def testEveryDisabledButtonSaysWhy(self):
        for state in ("empty", "prepared"):
            if state == "prepared":
                self.addCase()
            for name, widget in vars(self.ui).items():
                if name.endswith("Button") and not name.endswith("CollapsibleButton"):
                    with self.subTest(state=state, button=name):
                        self.assertTrue(widget.toolTip)

    def testEveryInputHasAToolTip(self):
        for name, widget in vars(self.ui).items():
            if name.endswith(("Selector", "LineEdit", "SpinBox", "ComboBox", "CheckBox")):
                with self.subTest(name):
                    self.assertTrue(widget.toolTip)
        for name in ("echoTime", "fieldStrength", "kernelLines", "pixelsToPlace", "filteredLines"):
            spinBox = getattr(self.ui, f"{name}SpinBox")
            self.assertRegex(spinBox.toolTip, r"\bms\b|tesla|lines|pixels")
            self.assertRegex(spinBox.suffix, "ms|T|lines|pixels")

    def testEveryFlagOfTheDocumentationHasWords(self):
        """What the module's page lists is said in words, and with what to do, not as the tables spell it."""
        from PhaseShiftROILib.panelTexts import flagTexts

        text = (ROOT / "Docs/PhaseShiftROI.md").read_text(encoding="utf-8")
        table = text[text.index("| flag | meaning |") :].split("\n\n")[0]
        flags = [flag for row in table.splitlines()[2:] for flag in re.findall(r"`(\S+?)`", row.split("|")[1])]
        self.assertGreater(len(flags), 20)
        for flag in set(flags) - {"invalid_input"}:  # of exams that no panel has
            with self.subTest(flag):
                words, advice = flagTexts(flag)
                self.assertNotIn("_", words)
                self.assertTrue(advice or flag == "sign_flips_corrected")
        self.assertEqual(flagTexts("a_flag_of_tomorrow"), ("a flag of tomorrow", ""))

    def testFilesAreTakenOverAndMarked(self):
        """A sidecar's values are shown and said to be from there; what it does not say is asked."""
        import slicer
        from ALSStudyLib.mrmlNodes import addVolumeNode

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "phase.nii.gz"
            path.with_name("phase.json").write_text(json.dumps({"EchoTime": 0.0186, "MagneticFieldStrength": 7}))
            volume = addVolumeNode(slicer.mrmlScene, rendered().phaseRad_KJI, rendered().case.ijkToRAS, "phase")
            storage = slicer.vtkMRMLVolumeArchetypeStorageNode()
            slicer.mrmlScene.AddNode(storage)
            storage.SetFileName(str(path))
            volume.SetAndObserveStorageNodeID(storage.GetID())
            choose(self.ui.phaseSelector, volume)
            self.assertEqual((self.ui.echoTimeSpinBox.value, self.ui.fieldStrengthSpinBox.value), (18.6, 7.0))
            self.assertEqual(self.ui.declaredLabel.text, "From the sidecar: echo time, field.")
            self.assertIn("never guessed", self.ui.prepareButton.toolTip)
            enterValue(self.ui.echoTimeSpinBox, 19.0)
            self.assertIn("! the sidecar says: echo time 18.6 ms", self.ui.declaredLabel.text)

    def testAttributesThatAreNotUnderstoodAreSaid(self):
        """Nothing of the volume before stays; the reason stays until the user has prepared."""
        import slicer
        from ALSStudyLib.mrmlNodes import ECHO_TIME_ATTRIBUTE, addVolumeNode
        from PhaseShiftROILib.mrml import ENCODING_ATTRIBUTE

        self.addCase()
        volume = addVolumeNode(slicer.mrmlScene, rendered().phaseRad_KJI, rendered().case.ijkToRAS, "other")
        volume.SetAttribute(ECHO_TIME_ATTRIBUTE, "nineteen")
        volume.SetAttribute(ENCODING_ATTRIBUTE, "radians")
        choose(self.ui.phaseSelector, volume)
        self.rest()
        self.assertIn("'nineteen'", self.ui.statusLabel.text)
        self.assertEqual(self.ui.encodingComboBox.currentText, "Choose...")
        self.assertEqual(self.ui.echoTimeSpinBox.value, 0)
        choose(self.ui.encodingComboBox, "Radians")
        enterValue(self.ui.echoTimeSpinBox, 19.0)
        enterValue(self.ui.fieldStrengthSpinBox, 3.0)
        self.assertIn("'nineteen'", self.ui.statusLabel.text)
        click(self.ui.prepareButton)
        self.assertNotIn("'nineteen'", self.ui.statusLabel.text)
        self.assertNotEqual(self.rows()[SLUG][5], "-")

    def testDicomThatIsNoPhaseIsRefused(self):
        from PhaseShiftROILib.mrmlDeclared import FileDeclaration, sourceKey

        nodes = self.addCase(prepared=False)
        said = FileDeclaration("DICOM", "magnitude", "", 19.0, 3.0)
        self.panel.logic._declarations[(nodes.phase.GetID(), *sourceKey(nodes.phase))] = said
        self.exam.update()
        self.assertIn("is magnitude, not phase", self.ui.prepareButton.toolTip)
        self.assertFalse(self.ui.prepareButton.enabled)


class RegionsTest(PhasePanelCase):
    def testRowsAreClickedWithTheMouseAndMovedWithTheKeys(self):
        self.addCase()
        row = self.table.keys.index(SLUG)
        clickCell(self.ui.regionsTable, row, 2)
        self.assertEqual(self.panel._parameterNode.selectedRegion, SLUG)
        self.ui.regionsTable.setCurrentCell(row + 1, 0)
        self.assertEqual(self.panel._parameterNode.selectedRegion, "frontal_cortex_right")
        self.assertEqual(self.slices.keys, [7, 8, 9])

    def testEditorAndTableShowOneRegion(self):
        from PhaseShiftROILib.mrml import regionSegments

        nodes = self.addCase()
        segments = regionSegments(nodes.regions)
        self.table.click(SLUG)
        self.assertEqual(self.exam.regions.editor.segmentId, segments[SLUG])
        self.exam.regions.editor.choose(segments["putamen_left"])
        processEvents()
        self.assertEqual(self.panel._parameterNode.selectedRegion, "putamen_left")

    def testPixelsToPlaceFollowTheRule(self):
        self.addCase()
        self.table.click("caudate_nucleus_left")
        self.assertEqual(self.ui.pixelsToPlaceSpinBox.value, 30)
        enterValue(self.ui.pixelsToPlaceSpinBox, 27)
        self.table.click("caudate_nucleus_right")  # the other side of the same structure
        self.assertEqual(self.ui.pixelsToPlaceSpinBox.value, 27)
        self.table.click(SLUG)
        self.assertEqual(self.ui.pixelsToPlaceSpinBox.value, 20)

    def testPlacingAndPaintingExcludeEachOther(self):
        self.addCase()
        self.table.click(SLUG)
        click(self.ui.placeButton)
        self.assertTrue(self.exam.regions.placer.isActive)
        self.assertIn("Placing", self.ui.placeButton.text)
        click(self.ui.paintButton)
        self.assertFalse(self.exam.regions.placer.isActive)
        self.assertEqual(self.ui.placeButton.text, "Place")
        click(self.ui.placeButton)
        click(self.ui.placeButton)
        self.assertFalse(self.exam.regions.placer.isActive)

    def testEscEndsPlacingAndTheEditorHasItsKeysBack(self):
        """Two shortcuts for one key cancel each other: while placing, Esc is not the editor's."""
        self.addCase()
        editor = self.exam.regions.editor
        keys = []
        editor.pauseShortcuts = lambda: keys.append("placing")
        editor.resumeShortcuts = lambda: keys.append("editor")
        click(self.ui.placeButton)
        self.assertEqual(keys, ["placing"])
        self.exam.regions.placer.stop()  # what Esc calls; a key needs a main window, which the stand-in has not
        self.assertFalse(self.exam.regions.placer.isActive)
        self.assertEqual(keys, ["placing", "editor"])

    def testEditorIsReadyInEveryScene(self):
        """A small brush that leaves other regions alone, also after the scene was closed."""
        import slicer

        for _scene in range(2):
            node = slicer.mrmlScene.GetSingletonNode(MODULE, "vtkMRMLSegmentEditorNode")
            self.assertEqual(node.GetOverwriteMode(), node.OverwriteNone)
            self.assertEqual(node.GetAttribute("BrushDiameterIsRelative"), "0")
            self.assertLess(float(node.GetAttribute("BrushAbsoluteDiameter")), 3)
            closeScene()

    def testRegionsAreShownOnTheirOwnImage(self):
        import numpy as np
        import slicer
        from ALSStudyLib import panelViews
        from ALSStudyLib.mrmlNodes import addVolumeNode

        self.addCase()
        foreign = addVolumeNode(slicer.mrmlScene, np.ones((3, 9, 9)), np.eye(4), "of another panel")
        panelViews.showImage(foreign)
        self.table.click(SLUG)
        self.assertNotEqual(panelViews.shownImageId(), foreign.GetID())
        self.assertEqual(panelViews.shownImageId(), self.exam.session.corrected.GetID())

    def testLeavingThePanelEndsPlacing(self):
        import slicer

        self.addCase()
        self.table.click(SLUG)
        for end in (lambda: leave(MODULE), closeScene):
            click(self.ui.placeButton)
            end()
            processEvents()
            self.assertFalse(self.exam.regions.placer.isActive)
            self.assertEqual(slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode"), [])
            interaction = slicer.app.applicationLogic().GetInteractionNode()
            self.assertEqual(interaction.GetCurrentInteractionMode(), interaction.ViewTransform)
            enter(MODULE)

    def testRegionsThatCannotBeUsedAreSaid(self):
        """Two segments of one name: no number stays, and the panel says why without a popup."""
        import numpy as np
        import vtk
        from ALSStudyLib.mrmlSegments import addSegment

        nodes = self.addCase()
        addSegment(nodes.regions, "putamen_left", np.zeros((1, 1, 1), dtype=bool), vtk.vtkMatrix4x4())
        self.rest()
        self.assertIn("segments of the same name", self.ui.readoutLabel.text)
        self.assertEqual(self.table.keys, [])
        self.assertFalse(self.ui.exportButton.enabled)
        self.assertEqual(popups(), [])

    def testRemovedNodesAreFollowed(self):
        import slicer

        nodes = self.addCase()
        slicer.mrmlScene.RemoveNode(nodes.regions)
        self.rest()
        self.assertEqual(self.table.keys, [])
        slicer.mrmlScene.RemoveNode(nodes.phase)
        self.rest()
        self.assertFalse(self.ui.prepareButton.enabled)
        self.assertEqual(popups(), [])

    def testNoOtherNodeIsTakenForARemovedOne(self):
        """Slicer's selectors jump to the next node of their class."""
        import slicer
        from ALSStudyLib.mrmlNodes import addVolumeNode
        from PhaseShiftROILib.mrml import addRegionsNode

        nodes = self.addCase()
        for name in ("before", "other"):
            addVolumeNode(slicer.mrmlScene, self.made.phaseRad_KJI, self.made.case.ijkToRAS, name)
        addRegionsNode(slicer.mrmlScene, dict(self.made.masks_KJI), nodes.phase, "Other")
        self.rest()
        chosen, scene = [], slicer.mrmlScene
        for name in ("regions", "magnitude", "phase"):

            def whenRemoved(*_, name=name):  # after the panel, and before the selectors
                chosen.append(self.panel._parameterNode.getValue(name))

            tag = scene.AddObserver(scene.NodeAboutToBeRemovedEvent, whenRemoved)
            scene.RemoveNode(getattr(nodes, name))
            scene.RemoveObserver(tag)
            self.rest()
            self.assertEqual([node for node in chosen if node is not None], [])
            with self.subTest(name):
                self.assertIsNone(self.panel._parameterNode.getValue(name))
                self.assertIsNone(getattr(self.ui, f"{name}Selector").currentNode())
        self.assertEqual(self.results("Table", "PlotChart", "PlotSeries", "ScalarVolume"), [])
        self.assertEqual(popups(), [])

    def testClosedSceneIsNotFollowedNodeByNode(self):
        self.addCase()
        followed = []
        self.exam.letGoOf = followed.append
        closeScene()
        self.assertEqual(followed, [])

    def testNewRegionsAreThoseOfTheScene(self):
        import slicer
        from PhaseShiftROILib.mrml import findPhaseCaseNodes

        nodes = self.addCase()
        click(self.ui.addRegionsButton)
        self.rest()
        chosen = self.panel._parameterNode.regions
        self.assertIsNot(chosen, nodes.regions)
        self.assertIs(findPhaseCaseNodes(slicer.mrmlScene).regions, chosen)
        self.panel._parameterNode.regions = None
        self.panel.logic.chooseDefaults(self.panel._parameterNode)
        self.assertIs(self.panel._parameterNode.regions, chosen)

    def testOnlyTheChosenRegionsAreInView(self):
        """A second reader does not see the regions of the first; what is not of the panel stays."""
        import slicer

        first = self.addCase().regions
        tumor = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Tumor")
        tumor.CreateDefaultDisplayNodes()
        self.assertTrue(first.GetDisplayVisibility())
        click(self.ui.addRegionsButton)
        self.rest()
        second = self.panel._parameterNode.regions
        for chosen in (second, None, first, second):
            choose(self.ui.regionsSelector, chosen)
            self.rest()
            seen = [node for node in (first, second) if node.GetDisplayVisibility()]
            self.assertEqual(seen, [node for node in (chosen,) if node is not None])
            self.assertTrue(tumor.GetDisplayVisibility())

    def place(self):
        state = self.exam.session.states[SLUG]
        point_RAS = state.centerOf_RAS(self.exam.session.image, state.values[0].slice)
        self.exam.regions.placeAt(point_RAS)
        self.rest()
        return point_RAS

    def testReadoutSpeaksOfTheSliceThatIsLookedAt(self):
        """A number beside an image that it does not come from would be taken for the image's."""
        from ALSStudyLib import panelViews

        self.addCase()
        self.table.click(SLUG)
        state, image = self.exam.session.states[SLUG], self.exam.session.image
        for value in (*state.values, state.values[0]):
            panelViews.jumpTo(state.centerOf_RAS(image, value.slice))
            self.assertIn(f"Slice {value.slice}: {value.nPixels} ", self.ui.readoutLabel.text)
        last = max(value.slice for value in state.values)
        panelViews.jumpTo(state.centerOf_RAS(image, last) + image.ijkToRAS[:3, 2])
        self.assertIn(f"Slice {last + 1}: nothing of the region in hand", self.ui.readoutLabel.text)
        self.place()
        self.assertIn(f"Slice {state.values[0].slice}: ", self.ui.readoutLabel.text)

    def testRemarksGoWithWhatTheySpeakOf(self):
        """Also where the number of pixels stays as it was."""
        import numpy as np
        import slicer
        from PhaseShiftROILib.mrml import regionSegments

        nodes = self.addCase()
        self.table.click(SLUG)
        point_RAS = self.place()
        self.place()
        self.assertIn("Replaced", self.ui.readoutLabel.text)
        click(self.ui.undoButton)
        self.assertNotIn("Replaced", self.ui.readoutLabel.text)
        self.rest()
        self.exam.regions.placeAt(np.asarray(point_RAS) + [0, 0, 900])
        self.assertIn("! The place is in slice", self.ui.readoutLabel.text)
        click(self.ui.undoButton)
        self.assertNotIn("The place is", self.ui.readoutLabel.text)
        self.rest()
        self.exam.regions.placeAt(np.asarray(point_RAS) + [0, 0, 900])
        mask_KJI = np.roll(self.made.masks_KJI["putamen_left"], 1, axis=2).astype(np.uint8)
        segmentId = regionSegments(nodes.regions)["putamen_left"]
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask_KJI, nodes.regions, segmentId, nodes.phase)
        self.rest()
        self.assertNotIn("The place is", self.ui.readoutLabel.text)

    def testRegionsPaintedElsewhereAreMeasuredOnComingBack(self):
        import numpy as np
        import slicer
        from PhaseShiftROILib.mrml import regionSegments

        nodes = self.addCase()
        before = self.rows()
        leave(MODULE)
        self.assertIsNone(self.panel._parameterNode)
        mask_KJI = np.roll(self.made.masks_KJI[SLUG], 1, axis=2).astype(np.uint8)
        segmentId = regionSegments(nodes.regions)[SLUG]
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask_KJI, nodes.regions, segmentId, nodes.phase)
        enter(MODULE)
        self.rest()
        after = self.rows()
        self.assertNotEqual(after.pop(SLUG), before.pop(SLUG))
        self.assertEqual(after, before)


if __name__ == "__main__":
    unittest.main()
