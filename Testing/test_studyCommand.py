"""The command `study`, and the reports of single exams, as a user runs them."""

import json
import re
import tempfile
import unittest
from pathlib import Path

from alsTestCases import pageText
from ALSStudyLib.cohort import TARGETS, makeCohort, writeCohort
from ALSStudyLib.patientOutput import readRanges, writePatientReport
from ALSStudyLib.studyRows import STATISTICS_COLUMNS
from ALSStudyLib.tables import readTable
from commandTestCases import call, run
from studyTestCases import PUBLISHED, StudyCase


def pages(path):
    """Number of pages of a PDF."""
    return len(re.findall(rb"/Type\s*/Page\b", Path(path).read_bytes()))


class StudyCommandTest(StudyCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="alsStudy")
        cls.addClassCleanup(temporary.cleanup)
        folder = Path(temporary.name)
        paths = writeCohort(folder, makeCohort(sizes={"als": 8, "control": 12, "mimic": 4}))
        cls.out = folder / "study"
        cls.done = run(
            "study",
            "--measurements",
            paths["profile_measurements"],
            paths["profile_measurements_second_reader"],
            "--participants",
            paths["participants"],
            "--readings",
            paths["readings"],
            "--resamples",
            200,
            "--permutations",
            200,
            "--output",
            cls.out,
        )

    def testEndsWellAndSaysWhatWasStudied(self):
        self.assertEqual((self.done.returncode, self.done.stderr), (0, ""))
        self.assertIn("24 subjects (8 als, 12 control, 4 mimic), 35 exams", self.done.stdout)
        self.assertRegex(self.done.stdout, r"AUC 0\.\d\d .* symmetric rule")

    def testStatisticsHaveTheContractsColumnsAndADictionary(self):
        names = [column.name for column in STATISTICS_COLUMNS]
        for name in ("study_statistics", "study_supplement"):
            rows = readTable(self.out / f"{name}.tsv")
            self.assertEqual(list(rows[0]), names)
            self.assertEqual(list(json.loads((self.out / f"{name}.json").read_text())), names)
        self.assertTrue(
            any(
                row["analysis"] == "auc_delong" and row["rule"] == "paper"
                for row in readTable(self.out / "study_statistics.tsv")
            )
        )

    def testFiguresReportsAndRanges(self):
        names = {path.stem for path in (self.out / "figures").glob("*.png")}
        for name in (
            "roc_sh_thk_per_mm_all_control",
            "limbs_sh_thk_per_mm",
            "umn_sh_thk_per_mm",
            "groups_sh_thk_per_mm_hand_knob",
        ):
            self.assertIn(name, names)
        for path in (self.out / "study_report.pdf", self.out / "patients" / "ALS01_exam2_profile.pdf"):
            self.assertEqual(pages(path), 1)
        html = (self.out / "study_report.html").read_text(encoding="utf-8")
        self.assertIn("Supportive, not diagnostic", html)
        self.assertNotRegex(html, r'(src|href)="http')
        patient = pageText(self.out / "patients" / "ALS01_exam2_profile.html")
        for words in ("Among this site", "Change since", "repeatability coefficient", "controls", "Signature"):
            self.assertIn(words, patient)
        self.assertFalse(list((self.out / "patients").glob("CONTROL*")))
        ranges = readRanges(self.out / "reference_ranges.json")
        self.assertTrue(all(each.about["kind"] == "profile" for each in ranges))

    def testProvenance(self):
        record = json.loads((self.out / "provenance.json").read_text(encoding="utf-8"))
        self.assertEqual(len(record["inputs"]), 4)
        self.assertEqual(record["settings"]["sideRule"], "opposite")
        self.assertEqual(record["counts"]["profile"]["by_group"]["mimic"], 4)
        self.assertTrue(all((self.out / name).is_file() for name in record["outputs"]))

    def testReportOfOneExamAmongTheStudysControls(self):
        folder = self.folder / "exam"
        folder.mkdir()
        rows = [
            {"subject": "P", "exam": "1", "target": target, "side": target.rpartition("_")[2], "status": "ok"}
            | {
                "sh_thk_per_mm": 0.3,
                "sh": 0.6,
                "thickness_mm": 2.0,
                "sh_thk_per_mm_ci_low": 0.28,
                "sh_thk_per_mm_ci_high": 0.33,
            }
            for target in TARGETS
        ]
        ranges = readRanges(self.out / "reference_ranges.json")
        writePatientReport(folder, "profile", "P", "1", rows, {"age_years": 60, "sex": "F"}, ranges=ranges)
        text = pageText(folder / "report.html")
        self.assertEqual(sum(text.count(f"of {n} controls") for n in (10, 11, 12)), 4)
        other = {"echoes": {"combination": "rss"}, "settings": {}}
        for each in ranges:
            each.about["echo_combination"] = "mean"
        writePatientReport(folder, "profile", "P", "1", rows, {"age_years": 60}, ranges=ranges, provenance=other)
        text = pageText(folder / "report.html")
        self.assertIn("Not compared with the reference range", text)
        self.assertNotIn("of 12 controls", text)


class PublishedTableCommandTest(StudyCase):
    def testWithoutParticipantsBothSlipsAreFlagged(self):
        out = self.folder / "out"
        done = call("study", "--measurements", PUBLISHED, "--no-figures", "--no-patients", "--output", out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        audit = [row["note"] for row in readTable(out / "study_statistics.tsv") if row["analysis"] == "audit"]
        self.assertTrue(any("subject 3, exam 1, precentral_gyrus right" in note for note in audit))
        self.assertTrue(any("subject 5, exam 1, precentral_gyrus right" in note for note in audit))
        self.assertIn("other sign", done.stdout)
        self.assertEqual(pages(out / "study_report.pdf"), 1)
        self.assertFalse((out / "patients").exists())


class RefusedTest(StudyCase):
    def refused(self, *arguments):
        out = self.folder / "out"
        done = call("study", *arguments, "--output", out)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertFalse(out.exists())
        return done.stderr

    def testNothingThatCanBeStudied(self):
        self.assertSentence(self.refused("--measurements", self.folder / "none.tsv"), "none.tsv", "not found")
        table = self.write("other.tsv", "name value\nx 1")
        self.assertSentence(self.refused("--measurements", table), "columns name, value")

    def testSettingsThereAreNot(self):
        self.assertIn("prevalence is 1.5", self.refused("--measurements", PUBLISHED, "--prevalence", 1.5))
        self.assertIn("invalid choice", self.refused("--measurements", PUBLISHED, "--side-rule", "left"))

    def testOneBadFileDoesNotStopTheRest(self):
        out = self.folder / "out"
        bad = self.write("bad.tsv", "subject region side phase_mrad\nA putamen left -200")
        people = self.write("people.tsv", "subject group\n1 sick")
        arguments = ("--participants", people, "--no-figures", "--no-patients", "--output", out)
        done = call("study", "--measurements", bad, PUBLISHED, *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("bad.tsv", "'sick'"):
            self.assertEqual(sum(words in line for line in done.stdout.splitlines()), 1)
        notes = [row["note"] for row in readTable(out / "study_statistics.tsv") if row["analysis"] == "audit"]
        self.assertTrue(any("phase_mrad" in note for note in notes))

    def testNamesOfSubjectsAreNoPaths(self):
        table = self.write(
            "m.tsv", "subject target sh_thk_per_mm\n../../evil hand_knob_left 0.1\n<b>x</b> hand_knob_left 0.2"
        )
        out = self.folder / "out"
        done = call("study", "--measurements", table, "--no-figures", "--output", out)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        files = sorted(path.name for path in (out / "patients").glob("*.html"))
        self.assertEqual(len(files), 2)
        self.assertTrue(all("/" not in name and ".." not in name for name in files))
        text = "".join((out / "patients" / name).read_text(encoding="utf-8") for name in files)
        self.assertNotIn("<b>x</b>", text)


if __name__ == "__main__":
    unittest.main()
