"""The audit: both slips of the published table, and the others one sees in real tables; nothing is changed."""

import unittest

import numpy as np
from ALSStudyLib.audit import audit, turnedSigns
from ALSStudyLib.studyTables import readStudy
from studyTestCases import PUBLISHED, StudyCase, cohortData


class PublishedTableTest(unittest.TestCase):
    def setUp(self):
        self.values = readStudy([PUBLISHED]).values
        self.problems = audit(self.values)

    def testBothSlipsAreFlaggedAndNoOtherValue(self):
        flagged = [problem for problem in self.problems if problem.row >= 0]
        found = [(p.subject, p.exam, p.region, p.side, self.values.loc[p.row, "rank"]) for p in flagged]
        slips = [("3", "1", "precentral_gyrus", "right", 3), ("5", "1", "precentral_gyrus", "right", 3)]
        self.assertEqual(found, slips)
        self.assertIn("+0.197", flagged[0].text)
        self.assertIn("other sign", flagged[0].text)
        self.assertIn("-0.19 would fit", flagged[1].text)

    def testExamsWithTheSameValuesInTwoRegionsAreNamed(self):
        copies = [problem.text for problem in self.problems if "same values" in problem.text]
        self.assertEqual(len(copies), 2)  # 9 and 10: pallidum, putamen; 13 and 16: frontal cortex, caudate nucleus

    def testNothingIsChangedUnlessAsked(self):
        self.assertIn(0.197, set(self.values["value"]))
        turned = turnedSigns(self.values, self.problems)
        changed = np.flatnonzero(turned["value"] != self.values["value"])
        self.assertEqual(len(changed), 1)
        self.assertEqual(turned["value"].iloc[changed[0]], -0.197)
        self.assertIn(0.197, set(self.values["value"]))


class AuditTest(StudyCase):
    def flagged(self, tables, *words):
        problems = audit(readStudy([self.write(name, text) for name, text in tables.items()]).values)
        found = [problem for problem in problems if all(word in problem.text for word in words)]
        for problem in found:
            self.assertSentence(problem.text)
        return found

    def testAMadeCohortWithoutSlipsHasNoFlaggedValue(self):
        values = cohortData().values
        for kind in ("profile", "phase"):
            problems = [p for p in audit(values[values["kind"] == kind]) if p.row >= 0]
            self.assertEqual([p.text for p in problems], [])

    def testTheControlMeanOfThePaperIsATenFoldSlip(self):
        rows = "\n".join(f"C{i} frontal_cortex both {v}" for i, v in enumerate((-0.09, -0.084, -0.885, -0.088, -0.092)))
        found = self.flagged({"m.tsv": f"subject region side phase_rad\n{rows}"}, "would fit")
        self.assertEqual([problem.subject for problem in found], ["C2"])

    def testDuplicateRows(self):
        row = "A 1 hand_knob_left 0.1\n"
        table = f"subject exam target sh_thk_per_mm\n{row}{row}B 1 hand_knob_left 0.1"
        self.assertEqual([p.subject for p in self.flagged({"m.tsv": table}, "more than once")], ["A"])

    def testTheSameFileTwiceIsADuplicateButASecondMeasurementIsNot(self):
        first = "subject exam target sh_thk_per_mm\nA 1 hand_knob_left 0.1\nB 1 hand_knob_left 0.3"
        second = "subject exam target sh_thk_per_mm\nA 1 hand_knob_left 0.1\nB 1 hand_knob_left 0.31"
        found = self.flagged({"m.tsv": first, "n.tsv": second}, "another file")
        self.assertEqual([problem.subject for problem in found], ["A"])

    def testMissingSide(self):
        table = (
            "subject exam target sh_thk_per_mm\nA 1 hand_knob_left 0.1\nB 1 hand_knob_left 0.1\nB 1 hand_knob_right 0.1"
        )
        found = self.flagged({"m.tsv": table}, "right side is missing")
        self.assertEqual([problem.subject for problem in found], ["A"])

    def testRatioThatDoesNotFitItsParts(self):
        table = "subject target sh thickness_mm sh_thk_per_mm\nA hand_knob_left 0.2 2 0.1\nB hand_knob_left 0.2 2 0.15"
        found = self.flagged({"m.tsv": table}, "sh over thickness_mm is 0.1")
        self.assertEqual([problem.subject for problem in found], ["B"])

    def testImpossibleThickness(self):
        table = "subject target thickness_mm\nA hand_knob_left 2\nB hand_knob_left 14"
        self.assertEqual([p.subject for p in self.flagged({"m.tsv": table}, "thickness_mm is 14")], ["B"])

    def testPooledFiltersEchoesAndFields(self):
        table = (
            "subject region side phase_rad filter field_strength_t echo_time_ms\nA putamen left -0.2 homodyne 3 19\n"
            "B putamen left -0.2 laplacian 7 19\nC putamen left -0.2 homodyne 2.89 19.2"
        )
        self.assertEqual(len(self.flagged({"m.tsv": table}, "filters", "homodyne (2)", "laplacian (1)")), 1)
        self.assertEqual(len(self.flagged({"m.tsv": table}, "field strengths", "3 (2)", "7 (1)")), 1)
        self.assertEqual(self.flagged({"m.tsv": table}, "echo times"), [])
        table = "subject target sh echo_combination\nA hand_knob_left 0.2 mean\nB hand_knob_left 0.3 rss"
        self.assertEqual(len(self.flagged({"n.tsv": table}, "echo combinations", "mean (1)", "rss (1)")), 1)

    def testAFileInAnotherUnit(self):
        rad = "subject region side phase_rad\n" + "\n".join(f"A{i} putamen left -0.2{i}" for i in range(5))
        hz = "subject region side phase_rad\n" + "\n".join(f"B{i} putamen left -1.7{i}" for i in range(5))
        found = self.flagged({"rad.tsv": rad, "hz.tsv": hz}, "times that in")
        self.assertEqual(len(found), 1)
        self.assertSentence(found[0].text, "hz.tsv", "rad.tsv", "units")


if __name__ == "__main__":
    unittest.main()
