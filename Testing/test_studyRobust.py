"""What real tables do to a study: files of one name, stray quotes, other row orders, names that differ by a prefix."""

import json
import random
import re
import unittest

import numpy as np
import pandas as pd
from alsTestCases import pageText
from ALSStudyLib.audit import audit
from ALSStudyLib.errors import InputError
from ALSStudyLib.patientOutput import readRanges
from ALSStudyLib.reading import VERDICTS
from ALSStudyLib.study import runStudy
from ALSStudyLib.studyOutput import writeStudies
from ALSStudyLib.studySettings import StudySettings
from ALSStudyLib.studyTables import readStudy
from commandTestCases import call
from scipy import stats
from studyTestCases import StudyCase, rows

FEW = StudySettings(resamples=100, permutations=100)


def cohort(n=12, seed=5, exams=1):
    """Lines of a profile table, of n patients S00... and n controls, two hand knobs each, and of its participants."""
    rng = np.random.default_rng(seed)
    lines, people = [], []
    for index in range(2 * n):
        isPatient = index < n
        people.append(f"S{index:02d} {'als' if isPatient else 'control'} {50 + index % 17}")
        for exam in range(1, exams + 1):
            for side in ("left", "right"):
                value = (0.10 if isPatient else 0.03) * np.exp(0.3 * rng.normal())
                lines.append(f"S{index:02d} {exam} hand_knob_{side} {value:.4f}")
    return lines, people


class ProfileTables(StudyCase):
    header = "subject exam target sh_thk_per_mm\n"
    people = "subject group age_years\n"

    def data(self, lines, people, name="m.tsv", readings=()):
        return readStudy(
            [self.write(name, self.header + "\n".join(lines))],
            self.write("people.tsv", self.people + "\n".join(people)),
            readings,
        )

    def pages(self, data, settings=FEW):
        result = runStudy(data, settings)
        writeStudies(self.folder, [result], [], "study", lambda folder, charts: [])
        return result, {path.stem: pageText(path) for path in (self.folder / "patients").glob("*.html")}


class TablesTest(ProfileTables):
    def testFilesOfOneNameInFoldersOfOneName(self):
        lines, people = cohort()
        half = len(lines) // 2
        paths = [
            self.write(f"{site}_ses1", "x") and self.write(f"{site}/m.tsv", self.header + "\n".join(part))
            for site, part in (("X", lines[:half]), ("Y", lines[half:]))
        ]
        deep = []
        for path, site in zip(paths, ("X", "Y"), strict=True):
            folder = self.folder / site / "ses1"
            folder.mkdir()
            deep.append(path.rename(folder / "m.tsv"))
        data = readStudy(deep, self.write("people.tsv", self.people + "\n".join(people)))
        self.assertEqual(len(data.sources), 2)
        self.assertEqual(set(data.values["source"]), set(data.sources))
        _, pages = self.pages(data)
        self.assertEqual(len(pages), 12)
        again = readStudy([deep[0], deep[0]])
        self.assertEqual([p.kind for p in again.problems], ["suspect"])
        self.assertIn("given twice", again.problems[0].text)

    def testNoNumberHangsOnTheOrderOfRows(self):
        lines, people = cohort(exams=2)
        first = runStudy(self.data(lines, people), FEW)
        shuffled, persons = lines[:], people[:]
        random.Random(3).shuffle(shuffled)
        random.Random(4).shuffle(persons)
        other = runStudy(self.data(shuffled, persons), FEW)
        pd.testing.assert_frame_equal(pd.DataFrame(first.rows), pd.DataFrame(other.rows))
        pd.testing.assert_frame_equal(pd.DataFrame(first.supplement), pd.DataFrame(other.supplement))
        self.assertTrue(all("exam 2 minus exam 1" in row["note"] for row in rows(first, "change")))

    def testExamTenComesAfterExamTwo(self):
        lines = [
            f"S{i:02d} {exam} hand_knob_left {0.1 + 0.01 * int(exam) + 0.001 * i}"
            for i in range(5)
            for exam in ("10", "2")
        ]
        result = runStudy(self.data(lines, [f"S{i:02d} als 60" for i in range(5)]), FEW)
        self.assertTrue(all("exam 10 minus exam 2" in row["note"] for row in rows(result, "change")))
        self.assertTrue(all(row["estimate"] > 0 for row in rows(result, "change")))

    def testQuotesAndTabsSwallowNothing(self):
        lines, people = cohort()
        text = self.header.replace("\n", " flags\n") + "\n".join(
            line + (' "noisy' if index in (3, 30) else ' "a""b"' if index == 5 else " x")
            for index, line in enumerate(lines)
        )
        data = readStudy([self.write("quoted.tsv", text)], self.write("people.tsv", self.people + "\n".join(people)))
        self.assertEqual(data.values["subject"].nunique(), 24)
        self.assertIn('a"b', set(data.values["flags"]))
        path = self.write("long.tsv", self.header + "\n".join(lines))
        path.write_text(path.read_text().replace("\n", "\t\n"), encoding="utf-8")
        self.assertEqual(readStudy([path]).values["subject"].nunique(), 24)
        path.write_text(path.read_text().replace("S03", "S03\tS03", 1), encoding="utf-8")
        with self.assertRaisesRegex(InputError, "cells in line"):
            readStudy([path])

    def testExcelsUnicodeText(self):
        path = self.write("m.tsv", self.header + "\n".join(cohort()[0]))
        path.write_bytes(path.read_text().replace("\n", "\r\n").encode("utf-16"))
        self.assertEqual(readStudy([path]).values["subject"].nunique(), 24)
        path.write_bytes("subject\ttarget\tsh_thk_per_mm\nJosé\thand_knob_left\t0.1\n".encode("latin-1"))
        with self.assertRaisesRegex(InputError, "UTF-8"):
            readStudy([path])

    def testReadingsJoinLikeMeasurements(self):
        lines, people = cohort()
        readings = self.write(
            "r.tsv",
            "subject exam reader session target reading score\n"
            + "\n".join(
                f"S{i:02d} 1 A {session} hand_knob_{side} {'pathologic' if i < 10 else 'nonpathologic'} {int(i < 10)}"
                for i in range(24)
                for session in (1, 2)
                for side in ("left", "right")
            ),
        )
        result, pages = self.pages(self.data(lines, ["sub-" + person for person in people], readings=[readings]))
        self.assertEqual(len(rows(result, "visual_sensitivity")), 2)
        self.assertTrue(rows(result, "mcnemar"))
        self.assertIn("athologic", pages["sub-S00_exam1_profile"])

    def testSideInAColumnOfItsOwnOrNowhere(self):
        lines, people = cohort()
        lines = [
            line.replace("hand_knob_left", "Hand_knob L").replace("hand_knob_right", "Hand_knob R") for line in lines
        ]
        self.header = "subject exam target side sh_thk_per_mm\n"
        _, pages = self.pages(self.data(lines, people))
        page = pages["S00_exam1_profile"]
        for words in ("Hand knob, left", "Hand knob, right"):
            self.assertIn(words, page)
        self.assertEqual(page.count("of 12 controls"), 2)

    def testFailedFitsHaveNoNumberOnThePage(self):
        lines, people = cohort()
        self.header = "subject exam target sh_thk_per_mm status\n"
        lines = [f"{line} {'poor_fit' if line.startswith('S00 1 hand_knob_left') else 'ok'}" for line in lines]
        failed = lines[0].split()[3]
        _, pages = self.pages(self.data(lines, people))
        self.assertNotIn(f"{float(failed):.3f}", pages["S00_exam1_profile"])
        self.assertEqual(pages["S00_exam1_profile"].count("of 12 controls"), 1)

    def testTextInAMeasureLeavesThePagesWhole(self):
        lines, people = cohort()
        lines[0] = lines[0].rpartition(" ")[0] + " abc"
        result, pages = self.pages(self.data(lines, people))
        self.assertEqual(len(pages), 12)
        self.assertEqual(sum("'abc'" in problem.text for problem in result.problems), 1)

    def testManyTextsAreOneSentence(self):
        lines, people = cohort()
        data = self.data([line.replace("0.", "0,") for line in lines], people)
        found = [problem for problem in data.problems if "no numbers" in problem.text]
        self.assertEqual(len(data.problems), 1, [p.text for p in data.problems])
        self.assertSentence(found[0].text, "48 values", "line 2", "decimal point")

    def testWhoIsWho(self):
        lines, people = cohort()
        people[0], people[1] = "sub-S00 als 60", "S01 n/a 60"
        people.append("S00 control 60")
        people.append("S99 control 60")
        data = self.data(lines, people)
        texts = [problem.text for problem in data.problems]
        for words in ("sub-S00 and S00", "S99", "have no measurement", "1 participant (S01) has no group"):
            self.assertEqual(sum(words in text for text in texts), 1, (words, texts))
        stripped = self.data(
            [line.replace("S0", "").replace("S", "") for line in lines], [p.replace("S", "") for p in people[2:]]
        )
        self.assertEqual(sum("leading zeros" in problem.text for problem in stripped.problems), 1)

    def testTheSamePersonUnderTwoSpellingsWithoutParticipants(self):
        lines = ["S1 1 hand_knob_left 0.1", "sub-S1 1 hand_knob_right 0.1"]
        self.assertEqual(
            readStudy([self.write("m.tsv", self.header + "\n".join(lines))]).values["subject"].nunique(), 1
        )

    def testTheMeasurementsOwnGroups(self):
        self.header = "subject exam target sh_thk_per_mm group\n"
        lines = [
            f"{line} {'normal' if index < 2 else 'control' if index < 4 else 'als'}"
            for index, line in enumerate(cohort()[0])
        ]
        data = self.data(lines, ["S01 als 60", *(f"S{i:02d} als 60" for i in range(2, 24)), "S00 als 50"])
        texts = [problem.text for problem in data.problems]
        self.assertEqual(sum("group normal" in text for text in texts), 1)
        self.assertEqual(sum("say group control, the participants als" in text for text in texts), 1)

    def testTheAuditReachesThePatientsPage(self):
        lines, people = cohort()
        lines[0] = "S00 1 hand_knob_left -0.12"
        _, pages = self.pages(self.data(lines, people))
        self.assertIn("other sign", pages["S00_exam1_profile"])
        self.assertNotIn("other sign", pages["S01_exam1_profile"])

    def testLastAgainstFirstExamPairsNoValueWithItself(self):
        lines, people = cohort(exams=2)
        lines = [line.rpartition(" ")[0] + " n/a" if line.startswith(("S00 1", "S01 1")) else line for line in lines]
        result = runStudy(self.data(lines, people), FEW)
        self.assertEqual(self.one(result, "wilcoxon", measure="sh_thk_per_mm", group_a="als last exam")["n_a"], 10)

    def testNoBandAsZeroIsOnThePageToo(self):
        lines, people = cohort()
        self.header = "subject exam target sh_thk_per_mm status\n"
        lines = [f"{line.rpartition(' ')[0]} n/a no_band" if line.startswith("S00") else f"{line} ok" for line in lines]
        data = self.data(lines, people)
        self.assertNotIn("of 12 controls", self.pages(data)[1]["S00_exam1_profile"])
        zero = self.pages(data, StudySettings(noBand="zero", resamples=100, permutations=100))
        self.assertIn("0 of 12 controls", zero[1]["S00_exam1_profile"])

    def testOneSideOnlyIsSaid(self):
        lines, people = cohort()
        result = runStudy(self.data(lines[1:], people), FEW)
        notes = [row["note"] for row in rows(result, "describe", region="hand_knob", side="both", group_a="als")]
        self.assertTrue(all("1 with one side only" in note for note in notes))

    def testASmallControlSetIsSaidOnThePage(self):
        lines, people = cohort(n=6)
        _, pages = self.pages(self.data(lines, people))
        self.assertIn("control set too small", pages["S00_exam1_profile"])

    def testAStudyDoesNotReplaceItsOwnInput(self):
        lines, _people = cohort()
        table = self.write("m.tsv", self.header + "\n".join(lines))
        out = self.folder / "out"
        arguments = ("--no-figures", "--no-patients", "--resamples", 100, "--permutations", 100, "--output", out)
        self.assertEqual(call("study", "--measurements", table, *arguments).returncode, 0)
        (out / "study_statistics.tsv").write_bytes(table.read_bytes())
        done = call("study", "--measurements", out / "study_statistics.tsv", *arguments)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        self.assertIn("would be replaced", done.stderr)


class ReviewedTest(ProfileTables):
    """What a review found."""

    def testAMissingPlaceMovesNoValue(self):
        lines, people = cohort()
        given = {tuple(line.split()[:3]): float(line.split()[3]) for line in lines[1:]}
        exams = runStudy(self.data(lines[1:], people), FEW).exams
        for (subject, exam, target), value in given.items():
            region, side = target.rsplit("_", 1)
            self.assertEqual(exams.loc[(subject, exam), (region, side)], value)
        self.assertTrue(np.isnan(exams.loc[("S00", "1"), ("hand_knob", "left")]))

    def testPlacesInTwoFiles(self):
        lines, people = cohort()
        random.Random(2).shuffle(lines)
        paths = [self.write(f"{n}.tsv", self.header + "\n".join(lines[n::2])) for n in range(2)]
        exams = runStudy(readStudy(paths, self.write("people.tsv", self.people + "\n".join(people))), FEW).exams
        for line in lines:
            subject, exam, target, value = line.split()
            self.assertEqual(exams.loc[(subject, exam), tuple(target.rsplit("_", 1))], float(value))

    def testGroupsDoNotHangOnTheOrderOfFiles(self):
        lines, people = cohort()
        groups = dict(person.split()[:2] for person in people)
        plain = self.write("plain.tsv", self.header + "\n".join(lines[::2]))
        told = [f"{line} {groups[line.split()[0]]}" for line in lines[1::2]]
        grouped = self.write("grouped.tsv", self.header.replace("\n", " group\n") + "\n".join(told))
        for paths in ([plain, grouped], [grouped, plain]):
            self.assertEqual(readStudy(paths).participants["group"].to_dict(), groups)

    def testHolmIsOverTheLimbs(self):
        lines, people = cohort()
        rng = np.random.default_rng(1)
        people = [f"{person} {rng.integers(0, 9)} {rng.integers(0, 9)}" for person in people]
        self.people = "subject group age_years umn_arm_left umn_arm_right\n"
        result = runStudy(self.data(lines, people), FEW)
        found = [row for row in rows(result, "spearman", region="hand_knob") if row["group_b"].startswith("umn_arm")]
        self.assertEqual(len(found), 2)
        smaller, larger = sorted(found, key=lambda row: row["p"])
        self.assertAlmostEqual(smaller["p_holm"], min(1.0, 2 * smaller["p"]))
        self.assertAlmostEqual(larger["p_holm"], max(larger["p"], smaller["p_holm"]))

    def testAMissingScoreLeavesTheOthers(self):
        lines, people = cohort()
        text = "subject exam reader session target reading score\n" + "\n".join(
            f"S{i:02d} 1 A 1 hand_knob_left {VERDICTS[i < 10]} {'n/a' if i == 5 else int(i < 10)}" for i in range(24)
        )
        result = runStudy(self.data(lines, people, readings=[self.write("r.tsv", text)]), FEW)
        found = rows(result, "auc_difference", measure="sh_thk_per_mm")[0]
        self.assertEqual(found["n_a"], 23)
        self.assertIn("1 subjects have no score", found["note"])

    def testTheReadingOfTheExamThatCounts(self):
        lines, people = cohort(exams=2)
        text = "subject exam reader session target reading score\n" + "\n".join(
            f"S{i:02d} {exam} A 1 Hand_knob_left {VERDICTS[exam == 2 or i < 6]} 1" for i in range(24) for exam in (2, 1)
        )
        result = runStudy(self.data(lines, people, readings=[self.write("r.tsv", text)]), FEW)
        self.assertEqual(self.one(result, "visual_sensitivity")["estimate"], 0.5)

    def testPoorFitsAreNoZeros(self):
        lines, people = cohort()
        self.header = "subject exam target sh_thk_per_mm status\n"
        lines = [
            f"{line.rpartition(' ')[0]} n/a poor_fit" if line.startswith("S00") else f"{line} ok" for line in lines
        ]
        result = runStudy(self.data(lines, people), StudySettings(noBand="zero", resamples=100, permutations=100))
        self.assertTrue(result.exams.loc["S00"].isna().to_numpy().all())

    def testChangesAreHeldAgainstControlsNotPatients(self):
        lines, people = cohort(exams=2)
        result = runStudy(self.data(lines, people), FEW)
        (between,) = [r for r in rows(result, "repeatability", region="hand_knob") if "12 controls" in r["note"]]
        change = rows(result, "change", region="hand_knob", side="left")[0]
        self.assertIn(f"of {between['estimate']:.3g} (exams of controls)", change["note"])
        quantile = 0.5 * (change["ci_high"] - change["ci_low"]) / (between["estimate"] / 1.959964)
        self.assertAlmostEqual(quantile, stats.t.ppf(0.975, 24), places=3)  # two sides of twelve controls
        self.assertEqual(rows(result, "change", region="hand_knob", side="both"), [])

    def testFieldStrengthsThatDiffer(self):
        self.header = "subject exam target sh_thk_per_mm field_strength_t\n"
        for other, expected in (("2.5", 1), ("2.89", 0)):
            lines = [f"{line} {3 if index else other}" for index, line in enumerate(cohort()[0])]
            data = self.data(lines, cohort()[1])
            self.assertEqual(sum("field strengths" in p.text for p in audit(data.values)), expected)

    def testTwoSpellingsOfOneEchoTimeAreOne(self):
        lines, people = cohort()
        self.header = "subject exam target sh_thk_per_mm echo_time_ms\n"
        _, pages = self.pages(
            self.data([f"{line} {'19' if n % 3 else '19.0'}" for n, line in enumerate(lines)], people)
        )
        self.assertIn("of 12 controls", pages["S00_exam1_profile"])

    def testAgeIsAllowedForOnThePage(self):
        lines, people = cohort()
        result, pages = self.pages(self.data(lines, people))
        found = result.ranges[("sh_thk_per_mm", "hand_knob", "left")]
        self.assertTrue(found.usesAge)
        value = result.exams.loc[("S00", "1"), ("hand_knob", "left")]
        self.assertIn(f"{found.compare(value, 50.0).z:+.2f}", pages["S00_exam1_profile"])
        self.assertNotEqual(round(found.compare(value, 50.0).z, 2), round(found.compare(value, None).z, 2))

    def testAnExamsFolderIsNotForAStudy(self):
        out = self.folder / "P012"
        out.mkdir()
        (out / "profile_measurements.tsv").write_text("subject", encoding="utf-8")
        record = {"command": "profile", "outputs": ["profile_measurements.tsv", "provenance.json"]}
        (out / "provenance.json").write_text(json.dumps(record), encoding="utf-8")
        table = self.write("m.tsv", self.header + "\n".join(cohort()[0]))
        done = call("study", "--measurements", table, "--output", out)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        self.assertIn("holds the results of an exam", done.stderr)
        self.assertTrue((out / "profile_measurements.tsv").is_file())

    def testNumbersThereAreNot(self):
        table = self.write(
            "m.tsv", self.header.replace("\n", " rank\n") + "A 1 hand_knob_left 0.1 inf\nA 1 hand_knob_left 0.2 x"
        )
        values = readStudy([table]).values
        self.assertEqual(len(set(values["rank"])), 2)
        done = call("study", "--measurements", table, "--seed", -1, "--output", self.folder / "out")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1))
        with self.assertRaisesRegex(InputError, "no measurements"):
            readStudy([])
        ranges = self.folder / "ranges.json"
        ranges.write_text('{"ranges": 5}', encoding="utf-8")
        with self.assertRaisesRegex(InputError, "holds no reference ranges"):
            readRanges(ranges)


class PhaseTest(StudyCase):
    def table(self, sign, **columns):
        rng = np.random.default_rng(6)
        names = " ".join(columns)
        lines = [f"subject region side rank phase_rad {names}"]
        for index in range(24):
            for region, own in (("caudate_nucleus", 0.07), ("precentral_gyrus", 0.18 if index < 12 else 0.12)):
                for side in ("left", "right"):
                    value = sign * own * np.exp(0.1 * rng.normal())
                    given = " ".join(text(index) if callable(text) else text for text in columns.values())
                    lines.append(f"S{index:02d} {region} {side} 1 {value:.4f} {given}")
        return "\n".join(lines)

    def study(self, text):
        people = "subject group\n" + "\n".join(f"S{i:02d} {'als' if i < 12 else 'control'}" for i in range(24))
        data = readStudy([self.write("q.tsv", text)], self.write("people.tsv", people))
        result = runStudy(data, FEW)
        writeStudies(self.folder, [result], [], "study", lambda folder, charts: [])
        return result, pageText(self.folder / "patients" / "S00_exam1_phase.html")

    def testPositivePolarityIsTheMirrorOfNegative(self):
        negative, page = self.study(self.table(-1.0, polarity="paramagnetic_negative"))
        positive, mirrored = self.study(self.table(1.0, polarity="paramagnetic_positive"))
        where = {"measure": "phase_rad", "region": "precentral_gyrus"}
        for rule in ("paper", "symmetric"):
            found = [self.one(result, "auc_delong", rule=rule, **where)["estimate"] for result in (negative, positive)]
            self.assertAlmostEqual(*found)
            cutoffs = [self.one(result, "cutoff", rule=rule, **where)["estimate"] for result in (negative, positive)]
            self.assertAlmostEqual(cutoffs[0], -cutoffs[1], places=6)
        beyond = [re.findall(r"\d+ of 12 controls", text) for text in (page, mirrored)]
        self.assertEqual(*beyond)
        self.assertIn("12 of 12 controls", beyond[0])

    def testThePrecentralGyrusComesFirst(self):
        result, _ = self.study(self.table(-1.0, polarity="paramagnetic_negative"))
        self.assertEqual(rows(result, "auc_delong")[0]["region"], "precentral_gyrus")
        chart = next(chart for chart in result.charts if chart.name == "limbs_phase_rad")
        self.assertLess(chart.limit, -0.1)  # of the precentral gyrus, not of the caudate nucleus

    def testUnknownPolarityIsSaid(self):
        result, _ = self.study(self.table(-1.0))
        self.assertIn(
            "polarity unknown", rows(result, "auc_delong", rule="paper", region="precentral_gyrus")[0]["note"]
        )

    def testOtherFiltersAreNotCompared(self):
        filters = {"filter": lambda index: "homodyne" if index < 12 else "laplacian"}
        result, page = self.study(self.table(-1.0, **filters))
        self.assertIn("Not compared with the reference range", page)
        self.assertNotIn("of 12 controls", page)
        self.assertTrue(any("filters" in row["note"] for row in rows(result, "audit")))
        self.assertEqual(
            {each.about["filter"] for each in readRanges(self.folder / "reference_ranges.json")}, {"laplacian"}
        )

    def testNoUsefulCutoff(self):
        result, _ = self.study(self.table(-1.0, polarity="paramagnetic_positive"))
        found = self.one(result, "cutoff", measure="phase_rad", region="precentral_gyrus", rule="symmetric")
        self.assertTrue(np.isnan(found["estimate"]))
        self.assertIn("no useful cut-off", found["note"])

    def testThePaperRuleHasNoPAgainstChance(self):
        result, _ = self.study(self.table(-1.0, polarity="paramagnetic_negative"))
        where = {"measure": "phase_rad", "region": "precentral_gyrus"}
        self.assertTrue(np.isnan(self.one(result, "auc_delong", rule="paper", **where)["p"]))
        self.assertLess(self.one(result, "auc_delong", rule="symmetric", **where)["p"], 0.01)
        self.assertLess(self.one(result, "permutation_null", rule="paper", **where)["p"], 0.01)


if __name__ == "__main__":
    unittest.main()
