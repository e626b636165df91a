"""Tables of a study: what is read, and one clear sentence for what cannot be used while the rest goes on."""

import json
import unittest

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.studyTables import readStudy
from studyTestCases import PUBLISHED, StudyCase, cohortData

PROFILE = """
    subject exam target status sh thickness_mm sh_thk_per_mm
    A 1 hand_knob_left ok 0.2 2 0.1
    A 1 hand_knob_right no_band n/a n/a n/a
    B 1 hand_knob_left ok 0.05 2 0.025
"""


class ReadTest(StudyCase):
    def testProfileTable(self):
        data = readStudy([self.write("p.tsv", PROFILE)])
        self.assertEqual(data.kinds, ["profile"])
        main = data.values[data.values["measure"] == "sh_thk_per_mm"]
        self.assertEqual(list(main["region"]), ["hand_knob"] * 3)
        self.assertEqual(list(main["side"]), ["left", "right", "left"])
        np.testing.assert_array_equal(main["value"], [0.1, np.nan, 0.025])
        self.assertEqual(list(main["status"]), ["ok", "no_band", "ok"])
        self.assertEqual(data.problems, [])

    def testPhaseTableWithItsOwnAges(self):
        data = readStudy([PUBLISHED])
        self.assertEqual(data.kinds, ["phase"])
        self.assertEqual(len(data.values), 240)
        self.assertEqual(
            data.values.loc[(data.values.subject == "3") & (data.values.exam == "2"), "age_years"].iloc[0], 48
        )
        self.assertEqual(data.participants.loc["1", "sex"], "F")
        self.assertEqual(data.problems, [])

    def testParticipantsJoinWhateverTheirPrefix(self):
        people = self.write("p/participants.tsv", "participant_id group age_years\nsub-A als 60\nB HC 50")
        data = readStudy([self.write("m.tsv", PROFILE)], people)
        self.assertEqual(data.problems, [])
        groups = data.values.groupby("subject")["group"].first().to_dict()
        self.assertEqual(groups, {"sub-A": "als", "B": "control"})

    def testReadingsAreReadAsThePanelExportsThem(self):
        readings = cohortData().readings
        self.assertEqual(len(readings), 50 * 4 * 2 * 2)
        self.assertEqual(set(readings["session"]), {1, 2})
        self.assertEqual(cohortData().problems, [])

    def testEchoTimeAndFieldFollowFromTheColumns(self):
        hz = -0.176 / (2.0 * np.pi * 0.019)
        ppb = hz / (42.577478518 * 3.0) * 1e3
        table = f"subject region side phase_rad phase_hz phase_ppb\nA putamen left -0.176 {hz:.6f} {ppb:.6f}"
        row = readStudy([self.write("q.tsv", table)]).values.iloc[0]
        self.assertEqual((row["echo_time_ms"], row["field_strength_t"]), ("19", "3"))

    def testProvenanceBesideATableSaysHowItsValuesCameAbout(self):
        path = self.write("one/m.tsv", PROFILE)
        record = {"filter": None, "echoes": {"combination": "rss"}, "settings": {"interpolation": "cubic"}}
        (path.parent / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
        row = readStudy([path]).values.iloc[0]
        self.assertEqual((row["echo_combination"], row["interpolation"]), ("rss", "cubic"))


class BadInputTest(StudyCase):
    def problem(self, data, *words):
        found = [problem for problem in data.problems if all(word in problem.text for word in words)]
        self.assertEqual(len(found), 1, [problem.text for problem in data.problems])
        self.assertSentence(found[0].text, *words)
        return found[0]

    def testTextInANumberColumn(self):
        text = PROFILE.replace("0.05 2 0.025", "0.05 2 0,025")
        data = readStudy([self.write("p.tsv", text)])
        self.problem(data, "'0,025'", "sh_thk_per_mm", "line 4", "decimal point")
        main = data.values[data.values["measure"] == "sh_thk_per_mm"].set_index("subject")
        self.assertTrue(np.isnan(main.loc["B", "value"]))
        self.assertEqual(main.loc["B", "status"], "not_measured")
        self.assertEqual(main.loc["A", "value"].iloc[0], 0.1)

    def testUnknownGroup(self):
        people = self.write("people.tsv", "subject group\nA patient\nB sick")
        data = readStudy([self.write("p.tsv", PROFILE)], people)
        self.problem(data, "'sick'", "line 3", "als, control or mimic")
        self.assertEqual(data.participants["group"].to_dict(), {"A": "als", "B": ""})

    def testSubjectWithoutParticipant(self):
        data = readStudy([self.write("p.tsv", PROFILE)], self.write("people.tsv", "subject group\nA als"))
        self.assertEqual(self.problem(data, "not among the participants").subject, "B")

    def testImpossibleAgeAndScoreAreLeftOut(self):
        people = self.write("people.tsv", "subject group age_years umn_arm_left\nA als 203 4\nB als 50 9")
        data = readStudy([self.write("p.tsv", PROFILE)], people)
        self.problem(data, "age_years is 203", "0 to 110")
        self.problem(data, "umn_arm_left is 9", "0 to 8")
        self.assertTrue(np.isnan(data.participants.loc["A", "age_years"]))
        self.assertTrue(np.isnan(data.participants.loc["B", "umn_arm_left"]))

    def testImpossibleAgeInTheMeasurements(self):
        table = "subject region side phase_rad age_years\nA putamen left -0.2 171\nB putamen left -0.2 71"
        data = readStudy([self.write("q.tsv", table)])
        self.problem(data, "age_years is 171")
        self.assertEqual(data.participants["age_years"].dropna().to_dict(), {"B": 71.0})
        self.assertTrue(data.values.set_index("subject").loc["A", "age_years"] != 171)

    def testUnitsByColumnByDictionaryAndBySize(self):
        good = self.write("good.tsv", "subject region side phase_rad\nA putamen left -0.2")
        named = self.write("named.tsv", "subject region side phase_mrad\nB putamen left -200")
        declared = self.write("declared.tsv", "subject region side phase_rad\nC putamen left -2")
        declared.with_suffix(".json").write_text('{"phase_rad": {"Units": "deg"}}', encoding="utf-8")
        large = self.write("large.tsv", "subject region side phase_rad\nD putamen left -200")
        data = readStudy([named, good, declared, large])
        self.assertEqual(set(data.values["subject"]), {"A"})
        self.problem(data, "phase_mrad", "named.tsv")
        self.problem(data, "declared.tsv", "in deg", "expected rad")
        self.problem(data, "large.tsv", "200", "another unit")

    def testOtherFiles(self):
        good = self.write("good.tsv", PROFILE)
        comma = self.folder / "comma.tsv"
        comma.write_text("subject,target,sh\nA,hand_knob_left,0.2\n", encoding="utf-8")
        binary = self.folder / "binary.tsv"
        binary.write_bytes(b"\xff\xfe\x00\x81" * 20)
        empty = self.folder / "empty.tsv"
        empty.write_text("", encoding="utf-8")
        other = self.write("other.tsv", "name value\nx 1")
        headed = self.write("headed.tsv", "subject target sh")
        data = readStudy([comma, binary, empty, other, headed, good])
        self.assertEqual(len(data.problems), 5, [problem.text for problem in data.problems])
        for problem in data.problems:
            self.assertSentence(problem.text)
        with self.assertRaisesRegex(InputError, "commas"):
            readStudy([comma])
        # A mistyped name is no bad file: nothing runs without it.
        for paths in ([self.folder / "missing.tsv", good], [self.folder, good]):
            with self.assertRaisesRegex(InputError, "missing.tsv|is a folder"):
                readStudy(paths)
        with self.assertRaisesRegex(InputError, "missing.tsv"):
            readStudy([good], self.folder / "missing.tsv")

    def testUnusableParticipantsAndReadingsDoNotStopTheStudy(self):
        people = self.write("people.tsv", "name group\nA als")
        readings = self.write("readings.tsv", "subject target\nA hand_knob_left")
        wrong = self.write(
            "wrong.tsv",
            "subject exam reader session target reading score\nA 1 X 1 hand_knob_left maybe 1\nA 1 X 1 hand_knob_left "
            "pathologic 2\nA 1 X 1 hand_knob_left pathologic 1",
        )
        data = readStudy([self.write("p.tsv", PROFILE)], people, [readings, wrong])
        self.problem(data, "people.tsv", "participant_id")
        self.problem(data, "readings.tsv", "no column reading")
        self.problem(data, "'maybe'", "pathologic")
        self.problem(data, "read twice")
        self.assertEqual(list(data.readings["score"]), [2.0])


if __name__ == "__main__":
    unittest.main()
