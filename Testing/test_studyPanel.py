"""The section Study and the button Report... of both panels, in the stand-in for Slicer's desktop."""

import json
import unittest
from pathlib import Path

from ALSStudyLib.tables import readTable
from desktopStandIn import (
    answerNext,
    choose,
    click,
    closeModule,
    enterValue,
    openModule,
    popups,
    start,
)
from panelTestCases import importedByAnEmptyPanel
from studyPanelTestCases import MODULE, StudyPanelCase, raised, smallCohort


def setUpModule():
    start()  # before anything of a module is imported


class TablesTest(StudyPanelCase):
    def testTablesAreToldApart(self):
        self.addCohort()
        other = self.folder / "other.tsv"
        other.write_text("a\tb\n1\t2\n", encoding="utf-8")
        self.study.addTables([other, self.paths["profile_measurements"]])
        widget = self.fields.tablesListWidget
        shown = [widget.item(index).text() for index in range(widget.count)]
        self.assertEqual([text.split(":")[0] for text in shown], ["measurements", "readings", "not recognized"])
        self.assertEqual(self.fields.participantsPathLineEdit.currentPath, str(self.paths["participants"]))
        self.assertEqual(self.study.files().readings, (self.paths["readings"],))
        self.assertFalse(self.fields.removeTablesButton.enabled)
        widget.setCurrentRow(2)
        click(self.fields.removeTablesButton)
        self.assertNotIn(other, self.study.tables)
        self.assertTrue(other.is_file())

    def testFolderOfExamsIsSearched(self):
        import qt
        from ALSStudyLib.cohort import writeCohort

        for name in ("P1", "P2"):
            writeCohort(self.folder / "exams" / name, smallCohort())
        qt.QFileDialog.getExistingDirectory = lambda *_arguments: str(self.folder / "exams")
        try:
            click(self.fields.addFolderButton)
        finally:
            del qt.QFileDialog.getExistingDirectory
        names = sorted({path.name for path in self.study.tables})
        self.assertIn("profile_measurements.tsv", names)
        self.assertNotIn("participants.tsv", names)
        self.assertEqual(Path(self.fields.participantsPathLineEdit.currentPath).name, "participants.tsv")
        self.assertEqual(len([path for path in self.study.tables if path.name == "readings.tsv"]), 2)

    def testEveryDisabledButtonSaysWhyAndEveryFieldWhatItIs(self):
        kinds = ("LineEdit", "SpinBox", "ComboBox", "ListWidget")
        for state in ("empty", "with tables"):
            if state == "with tables":
                self.addCohort()
            for name, widget in vars(self.fields).items():
                isButton = name.endswith("Button") and not name.endswith("CollapsibleButton")
                if (isButton or name.endswith(kinds)) and not name.startswith("qt_"):
                    with self.subTest(state=state, widget=name):
                        self.assertTrue(widget.toolTip)
        self.fields.studyFolderPathLineEdit.currentPath = " "
        self.assertIn("folder", self.fields.runStudyButton.toolTip)
        self.assertFalse(self.fields.runStudyButton.enabled)

    def testFieldsBecomeSettings(self):
        from ALSStudyLib.studySettings import StudySettings

        self.assertEqual(self.study.settings(), StudySettings())
        fields = self.fields
        click(fields.studySettingsCollapsibleButton)
        self.assertFalse(fields.sensitivitySpinBox.visible or fields.costSpinBox.visible)
        choose(fields.examsComboBox, "Mean of a subject's exams")
        choose(fields.summaryComboBox, "Mean of the regions")
        choose(fields.sideComboBox, "Same side's")
        choose(fields.noBandComboBox, "Counts as SH = 0")
        choose(fields.cutoffComboBox, "Sensitivity of at least")
        enterValue(fields.sensitivitySpinBox, 95.0)
        choose(fields.cutoffComboBox, "Cost of a miss")
        enterValue(fields.costSpinBox, 4.0)
        enterValue(fields.prevalenceSpinBox, 20.0)
        enterValue(fields.controlsSpinBox, 12)
        self.assertNarrow()
        expected = StudySettings(
            sideRule="same",
            examRule="mean",
            summary="mean",
            noBand="zero",
            cutoff="cost",
            minimumSensitivity=0.95,
            costRatio=4.0,
            prevalence=0.2,
            minimumControls=12,
        )
        self.assertEqual(self.study.settings(), expected)
        self.assertFalse(fields.sensitivitySpinBox.visible)
        self.assertEqual(popups(), [])

    def testBothModulesShowTheSameFields(self):
        self.addCohort()
        self.fields.prevalenceSpinBox.value = 12.5
        tables = list(self.study.tables)
        other = openModule("PhaseShiftROI").exam.study
        try:
            self.assertEqual(other.tables, tables)
            self.assertEqual(other.settings().prevalence, 0.125)
            self.assertEqual(other.path("participants"), self.paths["participants"])
            other.ui.prevalenceSpinBox.value = 30.0
            self.follow(openModule(MODULE))
            self.assertEqual(self.fields.prevalenceSpinBox.value, 30.0)
        finally:
            closeModule("PhaseShiftROI")

    def testSceneKeepsNoPathsOfOtherPatients(self):
        import slicer

        self.addCohort()
        self.addArc()
        slicer.mrmlScene.SetSaveToXMLString(1)
        slicer.mrmlScene.Commit()
        text = slicer.mrmlScene.GetSceneXMLString()
        slicer.mrmlScene.SetSaveToXMLString(0)  # else no later test saves a scene
        self.assertIn("P012", text)
        self.assertNotIn("cohort", text)


class RunTest(StudyPanelCase):
    def testStudyIsWrittenAndShown(self):
        import slicer
        from ALSStudyLib.study import runStudy
        from ALSStudyLib.studyTables import readStudy

        self.addCohort()
        other = self.folder / "other.tsv"
        other.write_text("a\tb\n1\t2\n", encoding="utf-8")
        self.study.addTables([other])  # refused, in a sentence
        self.fields.pagesCheckBox.checked = True
        click(self.fields.runStudyButton)
        self.assertEqual(popups(), [])
        self.assertIn("other.tsv", self.fields.auditLabel.text)
        self.fields.studyStatusLabel.text += (
            "/a_folder_whose_name_is_much_longer_than_the_panel_is_wide_in_any_of_its_fonts"
        )
        self.assertNarrow()
        output = self.folder / "study"
        self.assertIn("4 ALS, 10 controls", self.said())
        written = readTable(output / "study_statistics.tsv")
        data = readStudy([self.paths["profile_measurements"]], self.paths["participants"], [self.paths["readings"]])
        headless = runStudy(data, self.study.settings())
        self.assertEqual(len(written), len(headless.rows) + 1)  # of the refused table
        at = next(i for i, row in enumerate(headless.rows) if row["analysis"] == "auc_delong")
        self.assertAlmostEqual(float(written[at]["estimate"]), headless.rows[at]["estimate"], places=6)
        record = json.loads((output / "provenance.json").read_text(encoding="utf-8"))
        self.assertEqual(record["command"], "ALS Cortex Profile, Study")
        self.assertEqual(len(record["inputs"]), 4)

        pages = {path.name.split("_")[0] for path in (output / "patients").glob("*.html")}
        self.assertEqual(pages, {"ALS01", "ALS02", "ALS03", "ALS04"})
        names = [node.GetName() for node in slicer.util.getNodesByClass("vtkMRMLPlotChartNode")]
        self.assertEqual([name for name in names if "ALS0" in name], [])

        selection = slicer.app.applicationLogic().GetSelectionNode()
        click(self.fields.showStatisticsButton)
        table = slicer.mrmlScene.GetNodeByID(selection.GetActiveTableID())
        self.assertEqual(table.GetNumberOfRows(), len(written))
        self.assertTrue(table.GetLocked())
        combo = self.fields.studyChartsComboBox
        titles = [combo.itemText(index) for index in range(combo.count)]
        self.assertEqual(len(titles), len(headless.charts) + 3)
        for words in ("ROC: ", "Groups: ", "Reference range: "):
            choose(combo, next(title for title in titles if title.startswith(words)))
            click(self.fields.showStudyChartButton)
            chart = slicer.mrmlScene.GetNodeByID(selection.GetActivePlotChartID())
            self.assertIn(chart.GetTitle(), combo.currentText)
        self.assertEqual(self.fields.rangesPathLineEdit.currentPath, str(output / "reference_ranges.json"))
        click(self.fields.openReportButton)
        (opened,) = popups()
        self.assertTrue(opened.text.startswith("file:"))
        self.assertTrue(opened.text.endswith("study_report.html"))

        nodes = slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode")
        self.fields.pagesCheckBox.checked = False
        click(self.fields.runStudyButton)  # again: nothing twice
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotChartNode"), nodes)
        self.assertFalse((output / "patients").exists() and list((output / "patients").iterdir()))
        slicer.mrmlScene.Clear(0)
        self.assertFalse(self.fields.showStatisticsButton.enabled)
        self.assertIn("closed", self.fields.showStatisticsButton.toolTip)
        self.assertTrue(self.fields.openReportButton.enabled)

    def testUnusableInputWritesNothing(self):
        self.addCohort()
        table = self.paths["profile_measurements"]
        table.write_text(table.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")
        self.fields.runStudyButton.click()
        (shown,) = popups()
        self.assertIn("no rows", shown.text)
        self.assertFalse((self.folder / "study").exists())
        self.assertTrue(self.fields.runStudyButton.enabled)
        self.assertFalse(self.fields.openReportButton.enabled)
        raised()

    def testTablesAreNotReplacedByTheStudy(self):
        """A folder whose earlier results are the study's input is refused: it would lose them."""
        self.addCohort()
        folder = self.paths["profile_measurements"].parent
        record = {"outputs": ["profile_measurements.tsv", "provenance.json"]}
        (folder / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
        self.fields.studyFolderPathLineEdit.currentPath = str(folder)
        self.fields.runStudyButton.click()
        (shown,) = popups()
        self.assertIn("holds the results of an exam", shown.text)
        self.assertTrue(self.paths["profile_measurements"].is_file())
        raised()

    def testCancelledStudyWritesNothing(self):
        self.addCohort()
        seen = []
        original = self.study._onProgress

        def progress(words, share):
            seen.append((self.fields.cancelStudyButton.enabled, self.fields.runStudyButton.enabled))
            if len(seen) == 2:
                click(self.fields.cancelStudyButton)
            original(words, share)

        self.study._onProgress = progress
        click(self.fields.runStudyButton)
        self.assertEqual(len(seen), 2)
        self.assertEqual(seen[1], (True, False))
        self.assertIn("cancelled", self.said())
        self.assertFalse((self.folder / "study").exists())
        self.assertTrue(self.fields.runStudyButton.enabled)
        self.assertEqual(popups(), [])


class PackagesTest(StudyPanelCase):
    def testDecliningEndsWithASentence(self):
        from ALSStudyLib.panelStudyRun import StudyCancelled
        from desktopStandIn.packaging import absent, withoutPackages

        def cancel():
            raise StudyCancelled

        self.addCohort()
        with withoutPackages("reportlab"):
            answerNext("Cancel")
            click(self.fields.runStudyButton)
            (asked,) = popups()
            self.assertIn("1 Python package", asked.text)
            self.assertIn("reportlab missing: the installation was declined", self.said())
            self.assertFalse((self.folder / "study").exists())
            self.study._onProgress = lambda *_step: self.fail("the study began") if "reportlab" in absent else cancel()
            click(self.fields.runStudyButton)  # agrees
            self.assertEqual(len(popups()), 1)
            self.assertIn("cancelled", self.said())

    def testFailedInstallationEndsWithASentence(self):
        from desktopStandIn.packaging import withoutPackages

        self.addCohort()
        with withoutPackages("reportlab", installationFails=True):
            click(self.fields.runStudyButton)
            self.assertEqual(len(popups()), 2)  # the question, and Slicer's own message
            self.assertIn("failed", self.said())

    def testStandInRefusesWhatSlicerRefuses(self):
        import slicer.packaging

        with self.assertRaises(TypeError):
            slicer.packaging.pip_ensure(("pandas>=2.2",))
        self.assertTrue(slicer.packaging.pip_check(["numpy>=1"]))
        self.assertFalse(slicer.packaging.pip_check("numpy>=99"))
        with self.assertRaisesRegex(NotImplementedError, "really missing"):
            slicer.packaging.pip_ensure(["numpy>=99"])
        popups()

    def testPanelsOpenWithoutTheStudysPackages(self):
        slow = {"pandas", "statsmodels", "reportlab", "matplotlib", "highdicom"}
        self.assertEqual(importedByAnEmptyPanel("ALSCortexProfile", slow), "")


if __name__ == "__main__":
    unittest.main()
