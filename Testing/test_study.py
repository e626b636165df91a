"""The whole study: a made cohort of known truth, the published phase table, and input that is bad in part."""

import unittest

import numpy as np
import pandas as pd
from ALSStudyLib.cohort import CohortTruth
from ALSStudyLib.study import runStudies, runStudy
from ALSStudyLib.studyRows import CONTRACT_ANALYSES, STATISTICS_COLUMNS
from ALSStudyLib.studySettings import StudySettings
from ALSStudyLib.studyTables import readStudy
from scipy import stats
from statsmodels.stats.multitest import multipletests
from studyTestCases import PUBLISHED, QUICK, StudyCase, cohortData, cohortPaths, cohortResult, rows

PLACES = ("hand_knob", "paracentral")


def contains(row, value):
    return row["ci_low"] <= value <= row["ci_high"]


class PublishedTableTest(StudyCase):
    """Liu et al. 2021, as printed; the differences that METHODS.md lists."""

    @classmethod
    def setUpClass(cls):
        cls.result = runStudy(readStudy([PUBLISHED]), QUICK)

    def mean(self, rule, *words):
        found = [
            row
            for row in rows(self.result, "describe", measure="phase_rad", region="precentral_gyrus", side="both")
            if row["rule"] == rule and all(word in row["note"] for word in words)
        ]
        self.assertEqual(len(found), 1, [row["note"] for row in found])
        return round(found[0]["estimate"], 4), round(found[0]["statistic"], 4)

    def testMeansOverExamsSubjectsAndFirstExams(self):
        turned = "with the flagged sign slips turned"
        asGiven = [row for row in rows(self.result, "describe", measure="phase_rad") if turned not in row["note"]]
        exams = next(r for r in asGiven if (r["region"], r["side"], r["rule"]) == ("precentral_gyrus", "both", "paper"))
        self.assertEqual((round(exams["estimate"], 4), round(exams["statistic"], 4)), (-0.1749, 0.0516))
        self.assertEqual(exams["n_a"], 24)
        self.assertEqual(self.mean("paper", turned), (-0.1776, 0.0523))
        self.assertEqual(self.mean("symmetric", turned, "mean of their exams"), (-0.1729, 0.0504))
        self.assertEqual(self.mean("symmetric", turned, "unit: subjects;")[0], -0.1694)

    def testTheExtremeIsBiased(self):
        found = rows(self.result, "describe", measure="phase_rad_extreme", region="precentral_gyrus", side="both")
        self.assertTrue(any(row["estimate"] < -0.18 for row in found))

    def testRightAgainstLeft(self):
        turned = {
            row["analysis"]: row["p"]
            for row in self.result.rows
            if row["analysis"].startswith("left_right")
            and row["measure"] == "phase_rad"
            and (row["region"], row["rule"]) == ("precentral_gyrus", "paper")
            and "slips turned" in row["note"]
        }
        self.assertAlmostEqual(turned["left_right_paired_t"], 0.60, places=2)
        self.assertAlmostEqual(turned["left_right_wilcoxon"], 0.46, places=2)

    def testBothSlipsAreInTheAuditAndEveryTestHasItsCorrection(self):
        notes = [row["note"] for row in rows(self.result, "audit")]
        self.assertEqual(sum("subject 3, exam 1, precentral_gyrus right" in note for note in notes), 1)
        self.assertEqual(sum("subject 5, exam 1, precentral_gyrus right" in note for note in notes), 1)
        for row in self.result.rows:
            if np.isfinite(row["p"]):
                self.assertGreaterEqual(row["p_holm"], row["p"])

    def testWhatIsLeftOutIsSaid(self):
        self.assertTrue(any("no subject of group als or control" in note for note in self.result.notes))
        self.assertTrue(any("readings" in note for note in self.result.notes))


class MadeCohortTest(StudyCase):
    """27 + 13 + 10 whose truth is known."""

    @classmethod
    def setUpClass(cls):
        cls.result, cls.truth = cohortResult(), CohortTruth()
        main = cohortData().values
        main = main[(main["measure"] == "sh_thk_per_mm") & (main["source"] == "profile_measurements.tsv")]
        cls.first = (
            main[main["exam"] == "1"].set_index(["subject", "region", "side"])["value"].unstack(["region", "side"])
        )
        cls.groups = cohortData().participants["group"].reindex(cls.first.index)

    def testCountsSayWhatWasUsed(self):
        counts = self.result.counts
        self.assertEqual(counts["by_group"], {"als": 27, "control": 13, "mimic": 10})
        self.assertEqual((counts["subjects"], counts["exams"], counts["regions"]), (50, 61, 244))
        self.assertEqual(counts["not_measured"], counts["by_status"]["no_band"])

    def testColumnsAndAnalysesAreTheContracts(self):
        names = {column.name for column in STATISTICS_COLUMNS}
        for row in self.result.rows:
            self.assertEqual({name for name in row if not name.startswith("_")}, names)
            self.assertIn(row["analysis"], CONTRACT_ANALYSES)
        missing = set(CONTRACT_ANALYSES) - {row["analysis"] for row in self.result.rows}
        self.assertEqual(missing, {"audit"})  # a made cohort has no slips

    def testPValuesAreScipysOnTheSameValues(self):
        values = {name: self.first[("hand_knob", "left")][self.groups == name].dropna() for name in set(self.groups)}
        als, control = values["als"], values["control"]
        where = {"measure": "sh_thk_per_mm", "region": "hand_knob", "side": "left", "group_b": "control"}
        found = self.one(self.result, "mann_whitney", **where, group_a="als")
        self.assertEqual(found["p"], stats.mannwhitneyu(als, control).pvalue)
        self.assertEqual((found["n_a"], found["n_b"]), (len(als), len(control)))
        self.assertEqual(
            self.one(self.result, "welch_t", **where, group_a="als")["p"],
            stats.ttest_ind(als, control, equal_var=False).pvalue,
        )
        anova = self.one(self.result, "anova", measure="sh_thk_per_mm", region="hand_knob", side="left")
        self.assertAlmostEqual(anova["p"], stats.f_oneway(*values.values()).pvalue, places=12)
        self.assertIn("Shapiro-Wilk p", found["note"])

    def testHolmIsOverRegionsAndSides(self):
        found = [
            row
            for row in rows(self.result, "mann_whitney", measure="sh_thk_per_mm", group_a="als", group_b="control")
            if row["side"] != "both"
        ]
        self.assertEqual(len(found), 4)
        known = multipletests([row["p"] for row in found], method="holm")[1]
        np.testing.assert_allclose([row["p_holm"] for row in found], known)

    def testAucsHoldTheTruthAndThePaperRuleIsLarger(self):
        truth = self.truth.auc("control")
        where = {"measure": "sh_thk_per_mm", "region": "all", "group_b": "control"}
        symmetric = self.one(self.result, "auc_delong", rule="symmetric", **where)
        self.assertTrue(contains(symmetric, truth), (symmetric, truth))
        paper = self.one(self.result, "auc_delong", rule="paper", **where)
        self.assertGreater(paper["estimate"], symmetric["estimate"])
        null = self.one(self.result, "permutation_null", rule="paper", **where)
        self.assertAlmostEqual(null["estimate"], 0.7, delta=0.1)
        null = self.one(self.result, "permutation_null", rule="symmetric", **where)
        self.assertAlmostEqual(null["estimate"], 0.5, delta=0.03)

    def testCutoffAndMimics(self):
        where = {"measure": "sh_thk_per_mm", "region": "all", "rule": "symmetric"}
        cutoff = self.one(self.result, "cutoff", group_b="control", **where)
        self.assertLess(cutoff["ci_low"], cutoff["estimate"])
        mimics = self.one(self.result, "specificity", group_a="mimic", **where)
        greatest = self.first[self.groups == "mimic"].max(axis=1)
        self.assertAlmostEqual(mimics["estimate"], float((greatest < cutoff["estimate"]).mean()))
        self.assertEqual(mimics["n_a"], 10)
        corrected = self.one(self.result, "sensitivity", group_b="control", **where)
        apparent = self.one(self.result, "apparent_sensitivity", group_b="control", **where)
        self.assertLessEqual(corrected["estimate"], apparent["estimate"] + 0.02)

    def testPpvAndNpvFollowFromPrevalence(self):
        result = runStudy(cohortData(), StudySettings(resamples=200, permutations=200, prevalence=0.1), kind="profile")
        where = {"measure": "sh_thk_per_mm", "region": "all", "rule": "symmetric", "group_b": "control"}
        ppv = {r: self.one(r_, "ppv", **where) for r, r_ in (("half", self.result), ("rare", result))}
        self.assertLess(ppv["rare"]["estimate"], ppv["half"]["estimate"])
        self.assertIn("0.1", ppv["rare"]["note"])
        sensitivity, specificity = (
            self.one(result, n, group_a="als", **where)["estimate"] for n in ("sensitivity", "specificity")
        )
        expected = 0.1 * sensitivity / (0.1 * sensitivity + 0.9 * (1.0 - specificity))
        self.assertAlmostEqual(ppv["rare"]["estimate"], expected, places=6)

    def testCorrelationGoesWithTheOppositeLimb(self):
        people = cohortData().participants
        als = self.groups == "als"
        x, y = self.first[("hand_knob", "left")][als], people["umn_arm_right"].reindex(self.first.index)[als]
        where = {"measure": "sh_thk_per_mm", "region": "hand_knob", "side": "left"}
        found = self.one(self.result, "spearman", group_b="umn_arm_right", **where)
        self.assertEqual((found["estimate"], found["p"]), tuple(stats.spearmanr(x, y)))
        self.assertIn("opposite side", found["note"])
        same = runStudy(cohortData(), StudySettings(sideRule="same", resamples=200, permutations=200), kind="profile")
        self.one(same, "spearman", group_b="umn_arm_left", **where)
        clustered = self.one(
            self.result, "spearman", measure="sh_thk_per_mm", region="all", rule="symmetric", group_b="umn_limb"
        )
        naive = self.one(
            self.result, "spearman", measure="sh_thk_per_mm", region="all", rule="paper", group_b="umn_limb"
        )
        self.assertTrue(contains(clustered, self.truth.spearman), clustered)
        self.assertGreater(clustered["ci_high"] - clustered["ci_low"], naive["ci_high"] - naive["ci_low"])
        for name in ("umn_total", "duration_months", "norris", "alsfrs"):
            self.assertTrue(rows(self.result, "spearman", group_b=name, region="all", measure="sh_thk_per_mm"))

    def testAgreementOfTheTwoReaders(self):
        where = {"measure": "sh_thk_per_mm"}
        icc = self.one(self.result, "icc_a1", **where)
        self.assertGreater(icc["ci_low"], 0.9)
        bias = next(row for row in rows(self.result, "bland_altman", **where) if row["note"].startswith("bias"))
        self.assertTrue(contains(bias, 0.0))
        between = [row for row in rows(self.result, "repeatability", **where) if "controls" in row["note"]]
        self.assertEqual({row["region"] for row in between}, set(PLACES))
        self.assertTrue(all("5 controls" in row["note"] for row in between))

    def testKappaWithinAndBetweenReaders(self):
        found = rows(self.result, "kappa", measure="reading")
        notes = sorted(row["note"].split(";")[0] for row in found)
        self.assertEqual(notes, ["between readers"] * 2 + ["within the reader"] * 2)
        self.assertTrue(all(any(w in row["note"] for w in ("good", "moderate", "fair")) for row in found))
        self.assertTrue(rows(self.result, "mcnemar"))
        self.assertTrue(rows(self.result, "auc_difference"))
        self.assertEqual(len(rows(self.result, "visual_sensitivity", group_b="control")), 4)

    def testReferenceRangeAndPatients(self):
        self.assertIn(("sh_thk_per_mm", "hand_knob", "left"), self.result.ranges)
        percentile = rows(self.result, "percentile", measure="sh_thk_per_mm", region="hand_knob", side="left")
        self.assertEqual(len(percentile), 37)
        self.assertTrue(all(0.0 <= row["estimate"] <= 100.0 for row in percentile))
        self.assertTrue(rows(self.result, "change", measure="sh_thk_per_mm"))
        few = runStudy(cohortData(), StudySettings(minimumControls=40, resamples=200, permutations=200), kind="profile")
        self.assertEqual(few.ranges, {})
        self.assertTrue(all("control set too small" in row["note"] for row in rows(few, "reference_range")))

    def testSeedMakesTheSameNumbers(self):
        again = runStudy(cohortData(), QUICK, kind="profile")
        pd.testing.assert_frame_equal(pd.DataFrame(again.rows), pd.DataFrame(self.result.rows))

    def testPhaseStudyOfTheSameCohort(self):
        result = cohortResult("phase")
        where = {"measure": "phase_rad", "region": "precentral_gyrus", "rule": "symmetric", "group_b": "control"}
        self.assertGreater(self.one(result, "auc_delong", **where)["estimate"], 0.7)
        cutoff = self.one(result, "cutoff", **where)
        self.assertLess(cutoff["estimate"], -0.1)  # in radians as measured: more iron is more negative
        self.assertLessEqual(cutoff["ci_low"], cutoff["estimate"])
        friedman = rows(result, "friedman", measure="phase_rad")
        self.assertTrue(all(row["p"] < 0.001 for row in friedman))

    def testNoBandAsZeroIsADeclaredPolicy(self):
        zero = runStudy(cohortData(), StudySettings(noBand="zero", resamples=200, permutations=200), kind="profile")
        where = {
            "measure": "sh_thk_per_mm",
            "region": "hand_knob",
            "side": "right",
            "rule": "symmetric",
            "group_a": "control",
        }
        counts = [self.one_(result, **where)["n_a"] for result in (self.result, zero)]
        self.assertLess(counts[0], counts[1])

    def one_(self, result, **where):
        found = [row for row in rows(result, "describe", **where) if "unit: subjects;" in row["note"]]
        self.assertEqual(len(found), 1)
        return found[0]

    def testMixedModelUsesEveryExam(self):
        result = runStudy(
            cohortData(), StudySettings(examRule="mixed", resamples=200, permutations=200), kind="profile"
        )
        found = self.one(
            result, "mixed_model", measure="sh_thk_per_mm", region="hand_knob", group_a="als", group_b="control"
        )
        self.assertIn("51 exams", found["note"])
        self.assertLess(found["p"], 0.01)
        self.assertLess(found["ci_low"], found["estimate"])

    def testMeanOfExams(self):
        mean = runStudy(cohortData(), StudySettings(examRule="mean", resamples=200, permutations=200), kind="profile")
        where = {
            "measure": "sh_thk_per_mm",
            "region": "hand_knob",
            "side": "left",
            "group_a": "als",
            "group_b": "control",
        }
        self.assertNotEqual(self.one(mean, "welch_t", **where)["p"], self.one(self.result, "welch_t", **where)["p"])


class BadInPartTest(StudyCase):
    """What cannot be computed says so; the rest of the study runs."""

    def study(self, measurements, people, **settings):
        path = self.write("m.tsv", measurements)
        data = readStudy([path], self.write("people.tsv", people))
        return runStudy(data, StudySettings(resamples=100, permutations=100, **settings))

    def testOneSubjectPerGroup(self):
        result = self.study(
            "subject target sh_thk_per_mm\nA hand_knob_left 0.1\nA hand_knob_right 0.2\nB hand_knob_left 0.02\n"
            "B hand_knob_right 0.03",
            "subject group\nA als\nB control",
        )
        for analysis in ("mann_whitney", "welch_t", "anova", "auc_delong", "auc_cluster_bootstrap"):
            for row in rows(result, analysis):
                self.assertTrue(np.isnan(row["estimate"]) and np.isnan(row["p"]), row)
                self.assertIn("1 subject", row["note"])
        self.assertEqual(len(rows(result, "describe", group_a="als")), 3)

    def testAllValuesEqual(self):
        table = "subject target sh_thk_per_mm\n" + "\n".join(f"S{i} hand_knob_left 0.1" for i in range(24))
        people = "subject group\n" + "\n".join(f"S{i} {'als' if i < 12 else 'control'}" for i in range(24))
        result = self.study(table, people)
        for analysis in ("mann_whitney", "auc_delong"):
            self.assertTrue(rows(result, analysis))
            self.assertTrue(all("all values are equal" in row["note"] for row in rows(result, analysis)))
        self.assertTrue(all("expected values that differ" in row["note"] for row in rows(result, "reference_range")))

    def testMissingSides(self):
        lines = [
            f"S{i} hand_knob_{s} {0.01 * (i + 1) + 0.001 * (s == 'left')}" for i in range(12) for s in ("left", "right")
        ]
        lines = [line for line in lines if not line.startswith("S3 hand_knob_right")]
        people = "subject group\n" + "\n".join(f"S{i} {'als' if i > 5 else 'control'}" for i in range(12))
        result = self.study("subject target sh_thk_per_mm\n" + "\n".join(lines), people)
        found = self.one(result, "left_right_paired_t", measure="sh_thk_per_mm", group_a="control right")
        self.assertEqual(found["n_a"], 5)
        self.assertIn("1 without both sides", found["note"])
        self.assertTrue(any("right side is missing" in row["note"] for row in rows(result, "audit")))
        self.assertTrue(np.isfinite(self.one(result, "auc_delong", rule="symmetric", region="hand_knob")["estimate"]))

    def testNoPatientsOrNoControls(self):
        result = self.study(
            "subject target sh_thk_per_mm\nA hand_knob_left 0.1\nB hand_knob_left 0.2",
            "subject group\nA control\nB control",
        )
        self.assertTrue(any("no subject of group als" in note for note in result.notes))
        self.assertEqual(rows(result, "auc_delong"), [])

    def testNothingIsMeasured(self):
        result = self.study(
            "subject target status sh_thk_per_mm\nA hand_knob_left no_band n/a\nB hand_knob_left poor_fit n/a",
            "subject group\nA als\nB control",
        )
        self.assertEqual(result.counts["not_measured"], 2)
        self.assertTrue(all(np.isnan(row["estimate"]) for row in result.rows))

    def testSettingsThereAreNot(self):
        for name, value in (("sideRule", "left"), ("prevalence", 1.0), ("costRatio", -1.0), ("resamples", 3)):
            with self.assertRaisesRegex(ValueError, "expected"):
                StudySettings(**{name: value})

    def testProgressEndsAtOne(self):
        told = []
        runStudies(readStudy([cohortPaths()["phase_measurements"]]), QUICK, lambda name, share: told.append(share))
        self.assertEqual((told[0], told[-1]), (0.0, 1.0))


if __name__ == "__main__":
    unittest.main()
