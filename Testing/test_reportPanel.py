"""The button Report... of both panels, and the exam of the scene as a study takes it."""

import unittest
from dataclasses import replace
from unittest import mock

from alsTestCases import pageText
from ALSStudyLib.tables import readTable
from desktopStandIn import (
    answerNext,
    click,
    popups,
    start,
)
from studyPanelTestCases import StudyPanelCase


def setUpModule():
    start()  # before anything of a module is imported


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


if __name__ == "__main__":
    unittest.main()
