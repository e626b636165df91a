"""The page of a study: what it says, from rows of the statistics."""

import math
import unittest
from types import SimpleNamespace

from ALSStudyLib.report import writeHtml
from ALSStudyLib.studyPage import studyPage
from ALSStudyLib.studySettings import StudySettings

from reportTestCases import ReportTestCase, allText, table


class StudyPageTest(ReportTestCase):
    def row(self, analysis, estimate, low=math.nan, high=math.nan, **more):
        row = dict.fromkeys(("measure", "region", "side", "rule", "group_a", "group_b", "note"), "")
        row |= {"analysis": analysis, "estimate": estimate, "ci_low": low, "ci_high": high, "p": math.nan}
        row |= {"n_a": 27, "n_b": 13, "statistic": math.nan, "p_holm": math.nan, "measure": "sh_thk_per_mm"}
        return {**row, **more}

    def result(self, **more):
        pair = {"region": "all", "side": "both", "group_a": "als", "group_b": "control"}
        rows = [
            self.row("auc_delong", 0.89, 0.79, 0.96, rule="paper", **pair),
            self.row("auc_delong", 0.8, 0.6, 0.92, rule="symmetric", **pair),
            self.row("specificity", 0.77, 0.46, 0.92, rule="symmetric", **pair),
            self.row("specificity", 0.7, 0.39, 0.89, rule="symmetric", **{**pair, "group_a": "mimic", "group_b": ""}),
            self.row("describe", 0.11, 0.08, 0.14, rule="symmetric", region="hand_knob", side="both", group_a="als")
            | {"statistic": 0.09},
            self.row("kappa", 0.75, 0.56, 0.87, measure="reading", group_a="A", group_b="B", note="readers; 9; good"),
            self.row("spearman", math.nan, region="all", group_a="als", group_b="umn_total"),
        ]
        null = self.row("permutation_null", 0.68, 0.55, 0.8, rule="paper", **pair)
        counts = {
            "subjects": 40,
            "exams": 45,
            "regions": 160,
            "not_measured": 3,
            "by_group": {"als": 27, "control": 13},
        }
        counts["by_status"] = {"ok": 157, "poor_fit": 3}
        problem = SimpleNamespace(kind="suspect", text="exam 3a R3 is +0.197: the sign may have slipped")
        found = {
            "kind": "profile",
            "main": "sh_thk_per_mm",
            "rows": rows,
            "supplement": [null],
            "counts": counts,
            "problems": [problem],
        }
        return SimpleNamespace(**{**found, "settings": StudySettings(), "notes": ["mixed model: no exams"], **more})

    def testBothRulesStandSideBySideWithTheirNull(self):
        page = studyPage(self.result())
        paper, symmetric = table(page, "Telling groups apart: SH/Thk, 1/mm, all regions")
        self.assertEqual(paper["AUC (95 % CI)"], "0.89 (0.79\u20130.96)")
        self.assertEqual(paper["Without disease"], "0.68 (0.55\u20130.80)")
        self.assertEqual(symmetric["AUC (95 % CI)"], "0.80 (0.60\u20130.92)")
        self.assertEqual(symmetric["Without disease"], "\u2013")
        self.assertEqual(symmetric["Specificity"], "0.77 (0.46\u20130.92)")
        self.assertEqual(symmetric["Mimics"], "0.70 (0.39\u20130.89)")

    def testSaysWhoWasStudiedAndWhatFailed(self):
        page = studyPage(self.result())
        self.assertEqual(page.subtitle, "27 ALS, 13 controls")
        facts = dict(page.sections[0].facts)
        self.assertEqual(facts["Not measured"], "3 (3 poor fit)")
        text = allText(page)
        for words in ("sign may have slipped", "Left out: mixed model", "AUC 0.973", "91.1 % against mimics"):
            self.assertIn(words, text)
        self.assertEqual(
            table(page, "Groups, one value per subject")[0]["ALS \u00b1 SD (n)"], "0.110 \u00b1 0.090 (27)"
        )
        self.assertEqual(table(page, "Agreement and repeatability")[0]["In words"], "readers; good")
        self.assertEqual(table(page, "With clinical scores, patients")[0]["Spearman's rho (95 % CI)"], "not computed")

    def testAStudyWithoutComparisonsStillHasAPage(self):
        counts = {"subjects": 1, "exams": 1, "regions": 1, "not_measured": 1, "by_group": {}}
        page = studyPage(self.result(rows=[], supplement=[], counts=counts, problems=[], notes=[]))
        self.assertTrue(writeHtml(page, self.folder / "study.html").is_file())

    def testTheMainFiguresAreChosen(self):
        names = ("limbs_x", "roc_sh_all_control", "roc_sh_thk_per_mm_all_control", "groups_sh_thk_per_mm_hand_knob")
        more = ("umn_sh_thk_per_mm", "range_sh_thk_per_mm_hand_knob_both")
        page = studyPage(self.result(), [(self.picture(f"{name}.png"), name) for name in (*names, *more)])
        shown = [path.stem for section in page.sections for path, _caption in section.pictures]
        self.assertEqual(shown, ["roc_sh_thk_per_mm_all_control", "groups_sh_thk_per_mm_hand_knob"])

    def testSaysHowManyEnteredAndHowManyDidNot(self):
        result = self.result()
        for row in result.rows[:2]:
            row |= {"n_b": 12, "note": "one rule; 1 subjects without any value are left out; 27 against 12 values"}
        page = studyPage(result)
        paper, symmetric = table(page, "Telling groups apart: SH/Thk, 1/mm, all regions")
        self.assertEqual((paper["n"], symmetric["n"]), ("27 v 12", "27 v 12"))
        sentence = "ALS against controls: 1 subject without any value is left out."
        self.assertEqual(allText(page).count(sentence), 1)

    def testMimicsHaveAColumnOnlyIfTheyAreThere(self):
        result = self.result()
        result.rows = [row for row in result.rows if row["group_a"] != "mimic"]
        page = studyPage(result)
        heading = "Telling groups apart: SH/Thk, 1/mm, all regions"
        self.assertNotIn("Mimics", table(page, heading)[0])
        self.assertNotIn("Mimics", allText(page))
        self.assertIn("Mimics", table(studyPage(self.result()), heading)[0])

    def testSaysWhyThereIsNoReferenceRange(self):
        reason = "control set too small: 3 controls with a value; expected at least 10; measure more."
        rows = [
            self.row("reference_range", math.nan, region=region, side=side, note=reason, group_a="control")
            for region in ("hand_knob", "paracentral")
            for side in ("left", "right", "both")
        ]
        alone = self.row("reference_range", math.nan, region="vein", side="left", note="all are equal")
        text = allText(studyPage(self.result(supplement=[*rows, alone])))
        self.assertIn(f"No reference range (Hand knob; Paracentral lobule): {reason}", text)
        self.assertIn("No reference range (Vein, left): all are equal.", text)

    def testValuesAndPatientsOfACorrelationAreToldApart(self):
        pair = {"region": "all", "side": "both", "rule": "paper", "group_a": "als"}
        rows = [
            self.row("spearman", 0.5, 0.3, 0.7, group_b="umn_limb", **pair) | {"n_a": 103, "n_b": 27},
            self.row("spearman", 0.5, 0.3, 0.7, group_b="umn_limb", **pair) | {"n_a": 27, "n_b": 27},
            self.row("spearman", 0.5, 0.3, 0.7, group_b="umn_total", **pair) | {"n_a": 26, "n_b": 26},
        ]
        found = [row["n"] for row in table(studyPage(self.result(rows=rows)), "With clinical scores, patients")]
        self.assertEqual(found, ["103 values, 27 patients", "27", "26"])

    def testTheMotorCortexComesBeforeOtherRegionsAndHertzAreNamed(self):
        pair = {"measure": "phase_hz", "side": "both", "group_a": "als", "group_b": "control", "rule": "symmetric"}
        rows = [
            self.row("auc_delong", 0.8, 0.6, 0.9, region=region, **pair)
            for region in ("caudate_nucleus", "precentral_gyrus")
        ]
        page = studyPage(self.result(kind="phase", main="phase_hz", rows=rows))
        self.assertEqual(len(table(page, "Telling groups apart: phase shift, Hz, precentral gyrus")), 1)

    def testOneOfAGroupIsSingularAndMinusesAreReal(self):
        result = self.result()
        result.counts["by_group"] = {"als": 2, "control": 1, "mimic": 1}
        result.problems[0].text = "exam 3a R3 is -0.197 (median -0.2)"
        page = studyPage(result)
        self.assertEqual(page.subtitle, "2 ALS, 1 control, 1 mimic")
        self.assertIn("is \u22120.197 (median \u22120.2)", allText(page))


if __name__ == "__main__":
    unittest.main()
