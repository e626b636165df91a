"""Reports of single exams, as the commands write them."""

import json
import shutil
import unittest

import pydicom
from ALSStudyLib.referenceRange import ReferenceRange
from ALSStudyLib.tables import readTable
from alsTestCases import pageText, realData
from commandTestCases import CommandCase, call

DICOM_SERIES = "dicom_siemens_phase"


class ExamReportTest(CommandCase):
    runner = staticmethod(call)

    def ranges(self, **how):
        """A site's range of the left hand knob, of 12 controls."""
        about = {"kind": "profile", "measure": "sh_thk_per_mm", "region": "hand_knob", "side": "left", **how}
        values = [0.02 + 0.002 * index for index in range(12)]
        found = ReferenceRange.fromControls(values, [40 + 3 * (7 * index % 12) for index in range(12)], 10, None, about)
        path = self.folder / "ranges.json"
        path.write_text(json.dumps({"ranges": [found.toDict()]}), encoding="utf-8")
        return path

    def people(self):
        path = self.folder / "participants.tsv"
        path.write_text("participant_id\tgroup\tage_years\tsex\nsub-P012\tals\t61\tF\n", encoding="utf-8")
        return path

    def html(self):
        return pageText(self.output / "report.html")

    def testNoReportUnlessAsked(self):
        self.profile()
        self.assertFalse(list(self.output.glob("report*")))

    def testReportWithPicturesAndDicom(self):
        done = self.profile("--subject", "P012", "--report", figures=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        names = {path.name for path in self.output.iterdir()}
        self.assertLessEqual({"report.html", "report.pdf", "structured_report.dcm", "secondary_capture.dcm"}, names)
        (row,) = readTable(self.output / "profile_measurements.tsv")
        self.assertIn(f"{float(row['sh_thk_per_mm']):.3f}", self.html())
        self.assertIn("data:image/png", (self.output / "report.html").read_text(encoding="utf-8"))
        record = json.loads((self.output / "provenance.json").read_text())
        self.assertIn("report.pdf", record["outputs"])
        report = pydicom.dcmread(self.output / "structured_report.dcm")
        capture = pydicom.dcmread(self.output / "secondary_capture.dcm")
        self.assertEqual((report.PatientID, capture.PatientID), ("P012", "P012"))
        self.assertEqual(report.StudyInstanceUID, capture.StudyInstanceUID)

    def testAmongAStudysControls(self):
        files = [self.ranges(), self.people()]
        more = ("--reference-ranges", files[0], "--participants", files[1])
        done = self.profile("--subject", "sub-P012", "--exam", "1", *more)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("12 of 12 controls", self.html())
        self.assertIn("61 years", self.html())
        record = json.loads((self.output / "provenance.json").read_text())
        paths = [entry["path"] for entry in record["inputs"]]
        self.assertTrue(all(str(path) in paths for path in files))

    def testARangeOfOtherSamplingIsNotUsed(self):
        self.profile("--subject", "P012", "--reference-ranges", self.ranges(interpolation="linear"))
        self.assertIn("Not compared with the reference range", self.html())
        self.assertNotIn("of 12 controls", self.html())

    def testRerunReports(self):
        self.profile("--subject", "P012")
        again = self.folder / "again"
        done = call("rerun", self.output / "scene.mrb", "--report", "--no-figures", "--output", again)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("P012", (again / "report.html").read_text(encoding="utf-8"))
        self.assertFalse(list(again.glob("figures/*")))
        self.assertFalse((again / "structured_report.dcm").exists())  # no image to refer to

    def testRefused(self):
        missing = self.folder / "none.json"
        for option in ("--reference-ranges", "--participants", "--readings", "--source-dicom"):
            done = self.profile("--subject", "P012", option, missing)
            self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
            self.assertIn("none.json", done.stderr)
            self.assertFalse(self.output.exists())
        missing.write_text("{}", encoding="utf-8")
        done = self.profile("--subject", "P012", "--reference-ranges", missing)
        self.assertIn("holds no reference ranges", done.stderr)


class SourceDicomTest(CommandCase):
    runner = staticmethod(call)

    def testTheReportBelongsToTheImagesPatient(self):
        series = realData(DICOM_SERIES)
        if not series.is_dir():
            self.skipTest("the project's shared images are not here")
        folder = self.folder / "series"
        shutil.copytree(series, folder)
        done = self.profile("--subject", "P012", "--source-dicom", folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = pydicom.dcmread(self.output / "structured_report.dcm")
        source = pydicom.dcmread(next(folder.iterdir()))
        self.assertEqual(report.StudyInstanceUID, source.StudyInstanceUID)


if __name__ == "__main__":
    unittest.main()
