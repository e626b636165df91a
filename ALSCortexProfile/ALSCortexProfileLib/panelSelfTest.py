"""Self-test of ALS Cortex Profile: works the panel as a user does, in Slicer and in its stand-in for CI."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import slicer
from ALSStudyLib.panelPackages import PDF_PACKAGES, STUDY_PACKAGES, wouldAsk
from ALSStudyLib.panelTesting import PanelTest, wait


class ALSCortexProfileTest(PanelTest):
    """Works the panel with the ALS-like phantom."""

    moduleName = "ALSCortexProfile"

    # What a user does ------------------------------------------------------------------------------------------

    def test_fourActionsMeasureATarget(self):
        """Choose a target, draw its line, paint both references, read the number with its interval."""
        rendered = renderedPhantom()
        image = self._addImage(rendered)
        self.panel.ui.imageSelector.setCurrentNode(image)
        slug, _slice, points_RAS = rendered.contours[0]

        self.exam.targets.click(slug)
        self.assertTrue(self.exam.drawing.isDrawing)
        self.assertTrue(self.panel.ui.drawButton.checked)
        self._placePoints(points_RAS)
        self.assertFalse(self.exam.drawing.isDrawing)
        self.assertIn("splenium", self.exam.targets.text(slug, "status"))

        self._paint(self.panel.ui.paintSpleniumButton, rendered.referenceMasks["Splenium"], image)
        self.assertIn("ok", self.panel.ui.spleniumStateLabel.text)
        self._paint(self.panel.ui.paintWhiteMatterButton, rendered.referenceMasks["White matter"], image)
        self._wait()

        truth = next(target for target in rendered.case.targets if target.slug == slug)
        self.assertEqual(self.exam.targets.text(slug, "status").split(",")[0], "ok")
        self.assertLess(abs(float(self.exam.targets.text(slug, "sh")) / truth.band.sh - 1.0), 0.1)
        self.assertRegex(self.exam.targets.text(slug, "ratio"), r"^\d\.\d{3}\n\(\d\.\d{3}-\d\.\d{3}\)$")
        table = self.panel._parameterNode.resultsTable
        self.assertEqual(table.GetNumberOfRows(), 1)
        shown = table.GetTable().GetColumnByName("sh").GetValue(0)
        self.assertEqual(f"{shown:.3f}", self.exam.targets.text(slug, "sh"))

    def test_numbersFollowADraggedPoint(self):
        """While a point is dragged numbers come without interval; when it is dropped, with one."""
        curve, slug = self._phantomMeasured()
        before = self.exam.measurements[slug]
        self.assertTrue(np.isfinite(before.intervals.sh.low))
        curve.InvokeEvent(curve.PointStartInteractionEvent)
        for _step in range(3):
            self._moveMiddlePoint(curve, 0.3)
            self._wait(lambda: not self.exam.live.isFollowing)
            dragged = self.exam.measurements[slug]
            self.assertNotEqual(dragged.selected.sh, before.selected.sh)
            self.assertTrue(np.isnan(dragged.intervals.sh.low))
            self.assertNotIn("(", self.exam.targets.text(slug, "ratio"))
        curve.InvokeEvent(curve.PointEndInteractionEvent)
        self._wait()
        self.assertTrue(np.isfinite(self.exam.measurements[slug].intervals.sh.low))
        self.assertEqual(self.exam.measurements[slug].selected.sh, dragged.selected.sh)

    def test_closedSceneLeavesNothing(self):
        """Two scenes in a row: the second begins empty, and measures the same."""
        _curve, slug = self._phantomMeasured()
        first = self.exam.targets.text(slug, "ratio")
        slicer.mrmlScene.Clear()
        self.assertEqual(self.exam.measurements, {})
        self.assertEqual(self.exam.targets.text(slug, "ratio"), "-")
        self._phantomMeasured()
        self.assertEqual(self.exam.targets.text(slug, "ratio"), first)

    def test_savedSceneMeasuresTheSame(self):
        """A scene that is saved, closed and loaded shows the same digits without a click."""
        from ALSStudyLib import mrmlFiles

        self._phantomMeasured()
        self.panel.ui.subjectLineEdit.text = "P012"
        self._wait()
        slugs = list(self.exam.measurements)
        columns = ("slices", "sh", "thickness", "ratio", "status")
        before = {slug: [self.exam.targets.text(slug, column) for column in columns] for slug in slugs}
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "case.mrb")
            mrmlFiles.saveScene(slicer.mrmlScene, path)
            slicer.mrmlScene.Clear()
            mrmlFiles.loadScene(slicer.mrmlScene, path)
            self.panel.initializeParameterNode()
            self._wait()
        after = {slug: [self.exam.targets.text(slug, column) for column in columns] for slug in slugs}
        self.assertEqual(after, before)
        self.assertEqual(self.panel.ui.subjectLineEdit.text, "P012")

    def test_readingComesBeforeTheNumber(self):
        """In reading mode numbers are dots until the reader has scored the target, in the stored order."""
        _curve, slug = self._phantomMeasured()
        ui = self.panel.ui
        shown = self.exam.targets.text(slug, "sh")
        ui.readingModeCheckBox.checked = True
        self.assertNotIn(shown, self.exam.targets.text(slug, "sh"))
        self.assertFalse(ui.exportButton.enabled)
        self.assertFalse(ui.saveReadingButton.enabled)
        ui.readerLineEdit.text = "R1"
        read = []
        while self.exam.reading.target:
            read.append(self.exam.reading.target)
            self.exam.reading.score("pathologic", 2)
            self.assertTrue(ui.saveReadingButton.enabled)
            ui.saveReadingButton.click()
        self.assertCountEqual(read, self.panel.logic.targets(self.panel._parameterNode))
        self.assertEqual(self.exam.targets.text(slug, "sh"), shown)
        self.assertTrue(ui.exportButton.enabled)
        ui.sessionSpinBox.value = 2
        self.assertNotEqual(self.exam.targets.text(slug, "sh"), shown)

    def test_resultsLieBeneathTheImage(self):
        """What the panel makes is named after the image, and gathered beneath it."""
        _curve, slug = self._phantomMeasured()
        hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
        parameterNode = self.panel._parameterNode
        image = hierarchy.GetItemByDataNode(parameterNode.image)
        table = hierarchy.GetItemByDataNode(parameterNode.resultsTable)
        self.assertEqual(hierarchy.GetItemParent(table), image)
        self.assertTrue(parameterNode.resultsTable.GetName().startswith(parameterNode.image.GetName()))
        chart = hierarchy.GetItemByDataNode(self.panel.logic.chart(parameterNode, slug))
        self.assertEqual(hierarchy.GetItemParent(hierarchy.GetItemParent(chart)), image)

    def test_exportsWhatIsShown(self):
        """Tables, provenance and figures, by one button."""
        _curve, slug = self._phantomMeasured()
        with tempfile.TemporaryDirectory() as folder:
            self.exam.results.export(os.path.join(folder, "export"))
            written = set(os.listdir(os.path.join(folder, "export")))
            self.assertLessEqual({"profile_measurements.tsv", "profiles.tsv", "provenance.json", "figures"}, written)
            with open(os.path.join(folder, "export", "profile_measurements.tsv"), encoding="utf-8") as file:
                rows = file.read().splitlines()
        self.assertEqual(len(rows), 1 + len(self.exam.measurements))
        values = dict(zip(rows[0].split("\t"), next(row for row in rows if slug in row).split("\t"), strict=True))
        self.assertEqual(f"{float(values['sh']):.3f}", self.exam.targets.text(slug, "sh"))

    def test_reportsWhatIsShown(self):
        """A page to sign and a DICOM Structured Report, by one button."""
        if wouldAsk(PDF_PACKAGES):
            return
        _curve, slug = self._phantomMeasured()
        subject = self.panel._parameterNode.subject
        self.assertTrue(self.ui.reportButton.enabled)
        with self.exam.study.emptyFields(), tempfile.TemporaryDirectory() as folder:
            self.exam.results.report(folder)
            (report,) = [os.path.join(folder, name) for name in os.listdir(folder)]
            with open(os.path.join(report, "report.html"), encoding="utf-8") as file:
                page = file.read()
        self.assertIn(subject, page)
        self.assertIn(f"{self.exam.measurements[slug].selected.shThkPerMm:.3f}", page)
        self.assertIn("Supportive, not diagnostic", page)

    def test_studyOfTables(self):
        """Tables in; statistics, charts and a report out. Without pandas, a sentence says what to do."""
        if wouldAsk(STUDY_PACKAGES):
            return
        from ALSStudyLib.cohort import PARTICIPANT_COLUMNS, makeCohort
        from ALSStudyLib.tables import writeTable

        from .profileTables import MEASUREMENT_COLUMNS

        study, made = self.exam.study, makeCohort(2, sizes={"als": 4, "control": 10})
        handKnobs = [row for row in made.profile if row["target"].startswith("hand_knob")]
        with study.emptyFields(), tempfile.TemporaryDirectory() as folder:
            self.assertFalse(study.ui.runStudyButton.enabled)
            tables = [os.path.join(folder, name) for name in ("profile_measurements.tsv", "participants.tsv")]
            for name, columns, rows in zip(
                tables, (MEASUREMENT_COLUMNS, PARTICIPANT_COLUMNS), (handKnobs, made.participants), strict=True
            ):
                writeTable(Path(name), columns, rows)
            study.addTables(tables)
            study.ui.studyFolderPathLineEdit.currentPath = os.path.join(folder, "study")
            self.assertTrue(study.ui.runStudyButton.enabled)
            study.run()
            if study.outcome is None:  # Slicer does not ship what a study needs, and tests install nothing
                self.assertIn("pandas", study.ui.studyStatusLabel.text)
                return
            self.assertIn("study_statistics.tsv", os.listdir(os.path.join(folder, "study")))
            self.assertIn("4 ALS, 10 controls", study.ui.studyStatusLabel.text)
        self.assertTrue(study.ui.showStatisticsButton.enabled)
        study.ui.showStatisticsButton.click()
        self.assertGreater(study.outcome.tables[0].GetNumberOfRows(), 50)
        titles = [study.ui.studyChartsComboBox.itemText(i) for i in range(study.ui.studyChartsComboBox.count)]
        self.assertTrue([title for title in titles if title.startswith("ROC")])
        slicer.mrmlScene.Clear()
        self.assertFalse(study.ui.showStatisticsButton.enabled)

    def test_copiesALineToTheNextSlice(self):
        """A copied line lies one slice further, and is measured with the first."""
        _curve, slug = self._phantomMeasured()
        before = self.exam.targets.text(slug, "slices")
        self.exam.select(slug)
        self.panel.ui.deleteLineButton.click()
        self.assertNotEqual(self.exam.targets.text(slug, "slices"), before)
        buttons = (self.panel.ui.copyUpButton, self.panel.ui.copyDownButton)
        for button in buttons:
            self.assertTrue(button.toolTip)
        next(button for button in buttons if button.enabled).click()
        self._wait()
        self.assertEqual(len(self.exam.targets.text(slug, "slices")), len(before))
        self.assertTrue(np.isfinite(self.exam.measurements[slug].intervals.sh.low))

    def test_saysWhatIsMissing(self):
        """An empty scene asks for the image; each button that is disabled says why."""
        ui = self.panel.ui
        self.assertIn("image", self.exam.targets.text("hand_knob_left", "status"))
        for button in (
            ui.drawButton,
            ui.flipButton,
            ui.copyUpButton,
            ui.deleteLineButton,
            ui.paintSpleniumButton,
            ui.showChartButton,
            ui.showTableButton,
            ui.exportButton,
            ui.reportButton,
            ui.saveReadingButton,
        ):
            self.assertFalse(button.enabled)
            self.assertTrue(button.toolTip)
        with self.assertRaises(ValueError):
            self.panel.logic.measure(self.panel._parameterNode, "hand_knob_left")

    def test_settingsOfThePanelAreThoseOfTheLibrary(self):
        """Defaults agree, the paper's procedure is taken over, and a change of settings measures again."""
        from .settings import ProfileSettings

        parameterNode = self.panel._parameterNode
        self.assertEqual(self.panel.logic.settings(parameterNode), ProfileSettings())
        _curve, slug = self._phantomMeasured()
        before = self.exam.targets.text(slug, "ratio")
        self.panel.ui.paperButton.click()
        self.assertEqual(self.panel.logic.settings(self.panel._parameterNode), ProfileSettings.paper())
        self._wait()
        self.assertNotEqual(self.exam.targets.text(slug, "ratio"), before)
        self.panel.ui.defaultsButton.click()
        self._wait()
        self.assertEqual(self.exam.targets.text(slug, "ratio"), before)

    # Helpers ---------------------------------------------------------------------------------------------------

    def _addImage(self, rendered):
        from ALSStudyLib.mrmlNodes import addVolumeNode

        return addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "T2star")

    def _phantomMeasured(self):
        """The phantom case, measured in the panel; returns a curve and its target."""
        from ALSStudyLib import phantom
        from ALSStudyLib.mrmlNodes import TARGET_ATTRIBUTE

        rendered = renderedPhantom()
        caseNodes = phantom.addCaseToScene(slicer.mrmlScene, rendered.case, rendered)
        self.panel.logic.chooseCase(caseNodes)
        self._wait()
        curve = caseNodes.contours[0]
        self.assertIn(curve.GetAttribute(TARGET_ATTRIBUTE), self.exam.measurements)
        return curve, curve.GetAttribute(TARGET_ATTRIBUTE)

    def _placePoints(self, points_RAS):
        """Through the Markups logic, on the curve that place mode is for; then end it, as Esc does."""
        application = slicer.app.applicationLogic()
        curve = slicer.mrmlScene.GetNodeByID(application.GetSelectionNode().GetActivePlaceNodeID())
        for point_RAS in points_RAS:
            curve.AddControlPointWorld([float(value) for value in point_RAS])
        interaction = application.GetInteractionNode()
        self.assertEqual(interaction.GetCurrentInteractionMode(), interaction.Place)
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)

    def _paint(self, button, mask_KJI, image):
        """Press the paint button, and fill the segment it chose."""
        button.click()
        segmentation = self.panel._parameterNode.references
        segmentId = self.exam.references.editor.segmentId
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask_KJI.astype(np.uint8), segmentation, segmentId, image)
        button.click()
        self._wait()

    @staticmethod
    def _moveMiddlePoint(curve, byMm):
        index = curve.GetNumberOfControlPoints() // 2
        point_RAS = [0.0, 0.0, 0.0]
        curve.GetNthControlPointPositionWorld(index, point_RAS)
        curve.SetNthControlPointPositionWorld(index, point_RAS[0], point_RAS[1] + byMm, point_RAS[2])

    def _wait(self, isDone=None):
        """Let the panel work until nothing waits."""
        wait(isDone or (lambda: not (self.exam.live.isPending or self.exam.references.isPending)))


@cache
def renderedPhantom():
    """The ALS-like phantom, rendered once for all tests."""
    from ALSStudyLib import phantom

    return phantom.render(phantom.alsLikeCase())
