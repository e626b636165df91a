"""The section Study and the button Report... of both panels, in the stand-in for Slicer's desktop."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from dataclasses import replace
from functools import cache
from pathlib import Path
from unittest import mock

from alsTestCases import QUICK, pageText, renderedArc
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
from panelTestCases import PanelCase

MODULE = "ALSCortexProfile"


def setUpModule():
    start()  # before anything of a module is imported


@cache
def smallCohort():
    """Ten controls and four patients, hand knobs only: it is studied in a second."""
    from ALSStudyLib.cohort import makeCohort

    made = makeCohort(2, sizes={"als": 4, "control": 10})
    return replace(made, profile=[row for row in made.profile if row["target"].startswith("hand_knob")])


class StudyPanelCase(PanelCase):
    moduleName = MODULE

    def setUp(self):
        import slicer
        from ALSStudyLib import panelViews
        from ALSStudyLib.panelStudy import FIELDS_KEY

        slicer.app.userSettings().remove(FIELDS_KEY)
        quick = mock.patch.object(panelViews, "RENDER_S", 0.0)  # nothing is drawn here
        quick.start()
        self.addCleanup(quick.stop)
        temporary = tempfile.TemporaryDirectory(prefix="alsStudyPanel")
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        super().setUp()
        click(self.ui.studyCollapsibleButton)

    def follow(self, panel):
        super().follow(panel)
        self.study, self.fields = panel.exam.study, panel.exam.study.ui

    def addCohort(self, output="study"):
        """The tables of the small cohort, and a folder for the study."""
        from ALSStudyLib.cohort import writeCohort

        self.paths = writeCohort(self.folder / "cohort", smallCohort())
        self.study.addTables([self.paths[name] for name in ("profile_measurements", "participants", "readings")])
        self.fields.studyFolderPathLineEdit.currentPath = str(self.folder / output)
        self.quick()

    def quick(self):
        """Few resamples: what the panel does is tested here."""
        original = type(self.study).settings
        self.study.settings = lambda: replace(original(self.study), resamples=100, permutations=100)

    def assertNarrow(self):
        self.assertLess(self.study.ui.ALSStudy.minimumSizeHint.width(), 420)

    def said(self):
        return self.fields.studyStatusLabel.text

    def addArc(self, subject="P012"):
        """An arc phantom of one target, chosen and measured."""
        import slicer
        from ALSCortexProfileLib import mrml
        from ALSStudyLib.panelTesting import wait

        rendered = renderedArc()
        image = mrml.addVolumeNode(slicer.mrmlScene, rendered.array_KJI, rendered.ijkToRAS, "T2star")
        contours = tuple(
            mrml.addCurveNode(slicer.mrmlScene, points_RAS, f"{slug}_{index}", slug)
            for slug, index, points_RAS in rendered.contours
        )
        references = mrml.addSegmentationNode(slicer.mrmlScene, rendered.referenceMasks, image, "References")
        settings = replace(QUICK, resamples=50)
        self.panel.logic.chooseCase(mrml.CaseNodes((image,), contours, references, subject, "1", settings))
        wait(lambda: not (self.exam.live.isPending or self.exam.references.isPending))


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
        code = (
            "import sys; from desktopStandIn import start, openModule; start(); openModule('ALSCortexProfile'); "
            "sys.exit(','.join({'pandas', 'statsmodels', 'reportlab', 'matplotlib', 'highdicom'} & set(sys.modules)))"
        )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        ended = subprocess.run(
            [sys.executable, "-c", code], check=False, capture_output=True, text=True, env=environment
        )
        self.assertEqual(ended.stderr.strip(), "")


class ExamTest(StudyPanelCase):
    def testExamOfTheSceneIsAdded(self):
        button = self.fields.addExamButton
        self.assertIn("Measure", button.toolTip)
        self.addArc(subject="")
        self.assertIn("subject", button.toolTip)
        self.panel._parameterNode.subject = "P012"
        self.rest()
        self.assertIn("folder", button.toolTip)
        self.fields.studyFolderPathLineEdit.currentPath = str(self.folder / "study")
        self.panel._parameterNode.reader, self.panel._parameterNode.readingMode = "R", True
        self.assertIn("score", button.toolTip)
        self.panel._parameterNode.readingMode = False
        self.rest()
        click(button)
        (table,) = self.study.tables
        (row,) = readTable(table)
        self.assertEqual(row["subject"], "P012")
        self.assertEqual(f"{float(row['sh']):.3f}", self.exam.targets.text("hand_knob_left", "sh"))
        self.assertTrue((table.parent / "provenance.json").is_file())
        click(button)
        self.assertEqual(self.study.tables, [table])
        self.assertEqual(popups(), [])

    def rest(self):
        from ALSStudyLib.panelTesting import wait

        wait(lambda: not (self.exam.live.isPending or self.exam.references.isPending))

    def testReportHoldsTheNumbersAndTheReferenceRange(self):
        from desktopStandIn.packaging import withoutPackages

        self.addCohort()
        self.fields.rangesPathLineEdit.currentPath = str(self.writeRange())
        self.addArc(subject="ALS01")
        self.exam.results.report(str(self.folder / "reports"))
        report = self.folder / "reports" / "ALS01_exam1_profile_report"
        page = pageText(report / "report.html")
        shown = self.exam.targets.text("hand_knob_left", "ratio").split()[0]
        self.assertIn(shown, page)
        self.assertIn("10 controls", page)
        person = readTable(self.paths["participants"])[0]
        self.assertIn(f"{person['age_years']} years", page)
        self.assertIn(f"right arm {person['umn_arm_right']}/8", page)
        self.assertTrue((report / "report.pdf").is_file())
        self.assertIn(str(report), self.ui.statusLabel.text)
        with withoutPackages("reportlab"):
            answerNext("Cancel")
            self.exam.results.report(str(self.folder / "html"))
        self.assertEqual(len(popups()), 1)
        self.assertIn("PDF left out", self.ui.statusLabel.text)
        folder = self.folder / "html" / "ALS01_exam1_profile_report"
        self.assertTrue((folder / "report.html").is_file())
        self.assertFalse((folder / "report.pdf").exists())

    def writeRange(self):
        from ALSStudyLib.provenance import writeJson
        from ALSStudyLib.referenceRange import ReferenceRange

        about = {"kind": "profile", "measure": "sh_thk_per_mm", "region": "hand_knob", "side": "left"}
        found = ReferenceRange.fromControls([0.02, 0.03, 0.025, 0.04, 0.035, 0.028, 0.033, 0.022, 0.031, 0.027])
        path = self.folder / "reference_ranges.json"
        writeJson(path, {"ranges": [replace(found, about=about).toDict()]})
        return path

    def testReportSaysThatARangeIsNone(self):
        self.addArc()
        wrong = self.folder / "ranges.json"
        wrong.write_text("{}", encoding="utf-8")
        self.fields.rangesPathLineEdit.currentPath = str(wrong)
        with self.assertRaisesRegex(ValueError, "reference ranges"):  # shown, and written into the log
            self.exam.results.report(str(self.folder / "reports"))
        (shown,) = popups()
        self.assertIn("reference ranges", shown.text)
        self.assertFalse((self.folder / "reports").exists())

    def testReportWaitsForSubjectAndReader(self):
        self.addArc(subject=" ")
        self.assertFalse(self.ui.reportButton.enabled)
        self.assertIn("subject", self.ui.reportButton.toolTip)
        self.panel._parameterNode.subject = "P012"
        self.rest()
        self.assertTrue(self.ui.reportButton.enabled)
        self.panel._parameterNode.reader, self.panel._parameterNode.readingMode = "R", True
        self.assertFalse(self.ui.reportButton.enabled)
        self.assertIn("score", self.ui.reportButton.toolTip)

    def testFilesOfTheSeriesAreTheEvidence(self):
        import slicer
        from ALSStudyLib.panelReport import dicomFiles

        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        self.assertEqual(dicomFiles([node]), [])
        node.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4 1.2.5")
        here = self.folder / "a.dcm"
        here.write_bytes(b"")
        database = mock.Mock()
        database.fileForInstance = lambda uid: {"1.2.3": str(here), "1.2.4": str(self.folder / "gone.dcm")}.get(uid, "")
        with mock.patch.object(slicer, "dicomDatabase", database, create=True):
            self.assertEqual(dicomFiles([None, node]), [here])
        self.assertEqual(dicomFiles([node]), [])

    def testParticipantOfAnExam(self):
        from ALSStudyLib.limbs import limbsOf
        from ALSStudyLib.panelReport import participantOf

        path = self.folder / "participants.tsv"
        path.write_text("participant_id\tage_years\tsex\tumn_arm_right\nsub-P1\t61\tF\t5\nsub-P2\tn/a\tM\t0\n")
        self.assertEqual(
            participantOf(path, "P1"),
            ({"participant_id": "sub-P1", "age_years": 61.0, "sex": "F", "umn_arm_right": 5.0}, ""),
        )
        self.assertNotIn("age_years", participantOf(path, "P2")[0])
        self.assertIn("P3 is not among", participantOf(path, "P3")[1])
        row = {"target": "hand_knob_left", "side": "left", "sh_thk_per_mm": 0.1, "status": "ok"}
        (limb,) = limbsOf([row], {"umn_arm_right": 5.0}, "P1", "1", "opposite")
        self.assertEqual((limb.limb, limb.umn), ("arm_right", 5.0))
        self.assertEqual(limbsOf([row], {"umn_arm_right": 5.0}, "P1", "1", "same"), [])


def raised():
    """An error that Slicer shows in a dialog also reaches the log: forget it."""
    from desktopStandIn import signals

    signals.errors.clear()


if __name__ == "__main__":
    unittest.main()
