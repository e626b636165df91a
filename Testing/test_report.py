"""Reports of one page: what they say of a measurement, and that nothing runs off the page."""

import math
import re
import shutil
import subprocess
import tempfile
import unittest
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from ALSStudyLib import reportLayout
from ALSStudyLib.errors import InputError
from ALSStudyLib.estimate import Estimate
from ALSStudyLib.patientReport import patientPage
from ALSStudyLib.provenance import DISCLAIMER
from ALSStudyLib.referenceRange import ReferenceRange, change
from ALSStudyLib.report import SIGNATURE, ReportPage, ReportTable, Section, writeHtml, writePdf
from ALSStudyLib.reportHtml import estimatedHeight
from ALSStudyLib.reportWords import interval, minus, named, percentage, signed
from ALSStudyLib.studyCharts import LimbRow
from ALSStudyLib.studyPage import studyPage
from ALSStudyLib.studySettings import StudySettings
from PIL import Image

HAS_REPORTLAB = find_spec("reportlab") is not None
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def profileRow(target, status="ok", **more):
    row = {"subject": "P012", "exam": "1", "target": target, "side": target.rpartition("_")[2], "status": status}
    if status == "ok":
        row |= {"sh_thk_per_mm": 0.13715253, "sh_thk_per_mm_ci_low": 0.13277073, "sh_thk_per_mm_ci_high": 0.14125179}
        row |= {"sh": 0.25390629, "sh_ci_low": 0.24709426, "sh_ci_high": 0.26116116}
        row |= {"thickness_mm": 1.8512694, "thickness_mm_ci_low": 1.8083047, "thickness_mm_ci_high": 1.9077158}
    return {**row, **more}


def phaseRow(region, side, rank, value, **more):
    row = {"subject": "P012", "exam": "1", "region": region, "side": side, "rank": rank, "slice": 10 + rank}
    row |= {"phase_rad": value, "sd_rad": 0.02, "phase_hz": value / (2 * math.pi * 0.019), "phase_ppb": value * 65}
    return {**row, "retention": 0.85, "n_pixels": 21, "area_mm2": 6.0, "rule": "ranked", "flags": "n/a", **more}


def allText(page: ReportPage) -> str:
    parts = [page.title, page.subtitle, page.footer]
    for section in page.sections:
        parts += [section.heading, *section.paragraphs, *(text for fact in section.facts for text in fact)]
        if section.table is not None:
            parts += [*section.table.header, *(cell for row in section.table.rows for cell in row), section.table.note]
    return "\n".join(parts).replace("\u00a0", " ")


def table(page: ReportPage, heading: str) -> list[dict]:
    """Rows of a section's table by their headers."""
    found = next(section.table for section in page.sections if section.heading == heading)
    return [
        {name: cell.replace("\u00a0", " ") for name, cell in zip(found.header, row, strict=True)} for row in found.rows
    ]


class Tags(HTMLParser):
    """What an HTML file has in it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.shown = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data):
        self.shown.append(data)


class ReportTestCase(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def picture(self, name="fit.png", size=(205, 110), mode="RGBA"):
        path = self.folder / name
        rng = np.random.default_rng(1)
        Image.fromarray(rng.integers(0, 255, (size[1], size[0], len(mode)), np.uint8), mode).save(path)
        return path

    def fullest(self):
        """Six targets, six pictures, long remarks, and everything to compare with."""
        places = ("hand_knob_left", "hand_knob_right", "paracentral_left", "paracentral_right")
        rows = [profileRow(place) for place in (*places, "face_area_right")]
        rows.append(profileRow("my_own_place_left", "at_edge", flags="tilt_unknown;control_points_wider_than_3_mm"))
        ages = np.linspace(40, 75, 13)
        controls = ReferenceRange.fromControls(0.03 + 0.01 * np.sin(np.arange(13)), ages)
        readings = [
            {"subject": "P012", "exam": "1", "reader": reader, "session": 1, "target": place, "reading": "pathologic"}
            | {"score": 2, "blind": "yes"}
            for place in places
            for reader in ("MK", "AB")
        ]
        limbs = [LimbRow("P012", "1", "als", "hand_knob", "left", 0.1, "ok", "arm_right", 5.0)]
        value = 0.13715253
        comparisons = [(named(row["target"]), controls.compare(value, 63.0), controls) for row in rows]
        changes = [(named(place), "exam 0", change(0.12, value, 0.015)) for place in places]
        pictures = [(self.picture(f"{i}.png", (310, 120)), f"Figure {i}") for i in range(6)]
        inputs = [{"path": f"/data/line_{i}.mrk.json", "sha256": f"{i:064x}"} for i in range(12)]
        provenance = {"version": "0.1.0", "command": "profile", "inputs": inputs, "settings": {"resamples": 1000}}
        return patientPage(
            "profile",
            "P012",
            "1",
            rows,
            {"sex": "F", "age_years": "63"},
            comparisons,
            limbs,
            readings,
            changes,
            pictures,
            provenance,
            [f"Remark {i}: " + "the patient moved during the scan. " * 15 for i in range(4)],
        )


class WordsTest(unittest.TestCase):
    def testNumbersHaveTheirIntervalAndBlanksAreNeverZero(self):
        row = profileRow("hand_knob_left")
        self.assertEqual(interval(row, "sh_thk_per_mm", 3).replace("\u00a0", " "), "0.137 (0.133 to 0.141)")
        for missing in (None, "", "n/a", math.nan):
            self.assertEqual(interval({"sh": missing}, "sh", 3), "not measured")
        self.assertIn("no CI", interval({"sh": 0.2}, "sh", 3).replace("\u00a0", " "))

    def testMinusAndZero(self):
        self.assertEqual([signed(-0.1234, 2), signed(0.1234, 2), signed(-0.0001, 2)], ["\u22120.12", "+0.12", "0.00"])
        self.assertEqual(minus(math.nan, 2), "")

    def testPercentilesNeverReachTheEnds(self):
        self.assertEqual([percentage(99.99999), percentage(0.0), percentage(97.53)], [">99.9", "<0.1", "97.5"])

    def testNames(self):
        self.assertEqual(named("hand_knob_left"), "Hand knob, left")
        self.assertEqual(named("globus_pallidus_right"), "Globus pallidus, right")
        self.assertEqual(named("vein"), "Vein")


class PatientPageTest(ReportTestCase):
    def testNumberComesFirstWithItsIntervalAndStatusInWords(self):
        page = patientPage(
            "profile", "P012", "1", [profileRow("hand_knob_left"), profileRow("paracentral_left", "no_band")]
        )
        measured, flat = table(page, "Measured")
        self.assertEqual(list(measured)[:3], ["Target", "SH/Thk, 1/mm (95 % CI)", "Status"])
        self.assertEqual(measured["SH/Thk, 1/mm (95 % CI)"], "0.137 (0.133 to 0.141)")
        self.assertEqual(measured["Thk, mm (95 % CI)"], "1.85 (1.81 to 1.91)")
        self.assertEqual(flat["SH/Thk, 1/mm (95 % CI)"], "not measured")
        self.assertIn("looks flat", flat["Status"])
        self.assertNotIn("no_band", allText(page))

    def testColumnsOfReadingAndLimbAppearOnlyWithContent(self):
        row = profileRow("hand_knob_left")
        plain = table(patientPage("profile", "P012", "1", [row]), "Measured")[0]
        self.assertFalse({"Visual reading", "UMN of limb", "Remarks"} & set(plain))
        reading = {"subject": "P012", "exam": "1", "reader": "MK", "session": 1, "target": "hand_knob_left"}
        reading |= {"reading": "pathologic", "score": 2, "blind": "no"}
        other = {**reading, "subject": "P013", "reader": "ZZ"}
        limb = LimbRow("P012", "1", "als", "hand_knob", "left", 0.1, "ok", "arm_right", 5.0)
        page = patientPage("profile", "P012", "1", [row], limbs=[limb], readings=[reading, other])
        full = table(page, "Measured")[0]
        self.assertEqual(full["Visual reading"], "pathologic 2/2 (MK, not blind)")
        self.assertEqual(full["UMN of limb"], "right arm 5/8")

    def testComparisonSaysPercentileControlsAndAge(self):
        ages = np.linspace(40, 75, 13)
        values = 0.03 + 0.0004 * ages + 0.005 * np.sin(np.arange(13))
        controls = ReferenceRange.fromControls(values, ages)
        compared = controls.compare(0.06, 60.0)
        page = patientPage(
            "profile", "P", "", [profileRow("a_left")], {"age_years": 60}, [("SH/Thk", compared, controls)]
        )
        row = table(page, "Among this site's own controls")[0]
        low, high = controls.limits(60.0)
        self.assertEqual(row["Controls' central 95 %"], f"{low.value:.3f} to {high.value:.3f} at 60 years")
        self.assertEqual(row["Beyond"], f"{compared.nBeyond} of 13 controls")
        self.assertTrue(row["Percentile (95 % CI)"].startswith(percentage(compared.percentile.value)))
        self.assertEqual(row["z"], signed(compared.z, 2))
        self.assertIn("Age: ", "".join(f"{a}: {b}" for a, b in page.sections[0].facts))

    def testAPatientWithoutValueIsNotCompared(self):
        controls = ReferenceRange.fromControls(np.linspace(0.02, 0.05, 12))
        compared = controls.compare(math.nan)
        page = patientPage("profile", "P", "", [profileRow("a_left", "poor_fit")], None, [("SH", compared, controls)])
        row = table(page, "Among this site's own controls")[0]
        self.assertEqual(row["Percentile (95 % CI)"], "not compared")
        self.assertIn("no value", row["Controls' central 95 %"])

    def testChangeIsSaidAgainstTheRepeatabilityCoefficient(self):
        changes = [("Hand knob", "exam 1", change(0.10, 0.15, 0.02)), ("Other", "exam 1", Estimate(note="no value"))]
        page = patientPage("profile", "P", "2", [profileRow("a_left")], changes=changes)
        first, second = table(page, "Change since an earlier exam")
        self.assertTrue(first["Change (95 % CI)"].startswith("+0.050 ("))
        self.assertIn("exceeds the repeatability coefficient", first["In words"])
        self.assertEqual(second["Change (95 % CI)"], "not measured")

    def testPhaseGivesMeanBesideTheExtremeOfEachSide(self):
        rows = [
            phaseRow("precentral_gyrus", "right", rank, value) for rank, value in ((2, -0.17), (1, -0.19), (3, -0.15))
        ]
        blank = dict.fromkeys(("rank", "slice", "phase_rad", "phase_hz", "phase_ppb", "retention"), "n/a")
        rows.append({**phaseRow("precentral_gyrus", "left", 1, 0.0), **blank, "flags": "empty_region"})
        provenance = {"polarity": "unknown", "phase": {"echo_time_ms": 19.0}, "settings": {"sliceRule": "ranked"}}
        page = patientPage("phase", "P012", "1", rows, provenance=provenance)
        right, left = table(page, "Measured")
        self.assertEqual(right["Mean phase, rad"], "\u22120.170")
        self.assertEqual(right["Most extreme \u00b1 SD"], "\u22120.190 \u00b1 0.020")
        self.assertEqual(right["Slices kept: rad"], "11: \u22120.190, 12: \u22120.170, 13: \u22120.150")
        self.assertEqual(left["Mean phase, rad"], "not measured")
        self.assertIn("empty region", left["Remarks"])
        self.assertIn("cannot be read as iron", allText(page))

    def testWhatCannotBeSignedIsRefused(self):
        row = profileRow("hand_knob_left")
        for arguments, words in (
            (("profile", " ", "1", [row]), "no subject"),
            (("profile", "P", "1", []), "no measurements"),
            (("spectrum", "P", "1", [row]), "kind"),
        ):
            with self.assertRaisesRegex(InputError, words):
                patientPage(*arguments)
        with self.assertRaisesRegex(InputError, "2 cells"):
            ReportTable(("a", "b", "c"), (("1", "2"),))


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
        found = {"kind": "profile", "rows": rows, "supplement": [null], "counts": counts, "problems": [problem]}
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
        page = studyPage(self.result(), [(self.picture(f"{name}.png"), name) for name in names])
        shown = [caption for section in page.sections for _path, caption in section.pictures]
        self.assertEqual(shown, ["roc_sh_thk_per_mm_all_control", "groups_sh_thk_per_mm_hand_knob"])


class HtmlTest(ReportTestCase):
    def write(self, page):
        return writeHtml(page, self.folder / "sub" / "report.html").read_text(encoding="utf-8")

    def testSelfContainedWithoutScriptsOrNetwork(self):
        text = self.write(self.fullest())
        found = Tags(text)
        self.assertFalse({"script", "link", "iframe", "object"} & set(found.tags))
        self.assertNotIn("http", re.sub(r"base64,[^\"]*", "", text))
        sources = [value for tag, name, value in found.attributes if tag == "img" and name == "src"]
        self.assertEqual(len(sources), 6)
        self.assertTrue(all(source.startswith("data:image/png;base64,") for source in sources))
        self.assertFalse([name for _tag, name, _value in found.attributes if name.startswith("on")])

    def testTextIsEscapedAndNonLatinNamesShow(self):
        name = 'Ωμέγα <b onclick="x">&Жуков 王芳'
        text = self.write(patientPage("profile", name, "1", [profileRow("hand_knob_left")]))
        found = Tags(text)
        self.assertNotIn("b", found.tags)
        self.assertIn(f"Subject {name}, exam 1", found.shown)

    def testDisclaimerAndSignatureAreAlwaysThere(self):
        found = Tags(self.write(ReportPage("Empty", "", ())))
        self.assertEqual(found.shown.count(DISCLAIMER), 2)
        for label in SIGNATURE:
            self.assertIn(label, found.shown)

    def testEverythingIsEstimatedToFit(self):
        page, scale = reportLayout.fitted(self.fullest(), estimatedHeight)
        self.assertLessEqual(estimatedHeight(page, scale, 0.0), reportLayout.HEIGHT)

    @unittest.skipUnless(CHROMIUM, "no browser here to print with")
    def testPrintsOnOnePage(self):
        self.write(self.fullest())
        pdf = self.folder / "printed.pdf"
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={pdf}"]
        page = (self.folder / "sub" / "report.html").as_uri()
        subprocess.run([CHROMIUM, *options, page], check=True, capture_output=True, timeout=60)
        self.assertEqual(len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf.read_bytes())), 1)

    def testUnreadablePicturesAreRefusedAndNothingIsLeft(self):
        text = self.folder / "text.png"
        text.write_text("no picture", encoding="utf-8")
        cut = self.folder / "cut.png"
        cut.write_bytes(self.picture().read_bytes()[:900])
        for path, words in ((self.folder / "none.png", "missing"), (text, "not a readable"), (cut, "not a readable")):
            page = ReportPage("T", "", (Section(pictures=((path, "caption"),)),))
            with self.assertRaisesRegex(InputError, words):
                self.write(page)
        self.assertFalse(list(self.folder.glob("sub/*")))

    def testAFileInTheWayIsRefusedInOneSentence(self):
        (self.folder / "sub").write_text("a file", encoding="utf-8")
        with self.assertRaisesRegex(InputError, "cannot be written"):
            self.write(ReportPage("T", "", ()))


class LayoutTest(ReportTestCase):
    def testEssentialRowsAreCutAfterEverythingElse(self):
        rows = tuple((f"row {i}", "1.00 (0.90 to 1.10)") for i in range(20))
        essential = ReportTable(("Target", "Value"), rows, isEssential=True)
        other = ReportTable(("Target", "Value"), rows * 10, source="study_statistics.tsv")
        sections = (Section("Numbers", table=essential), Section("More", table=other, paragraphs=("Long. " * 300,) * 9))
        page, scale = reportLayout.fitted(ReportPage("T", "", sections), estimatedHeight)
        self.assertLessEqual(estimatedHeight(page, scale, 0.0), reportLayout.HEIGHT)
        self.assertEqual(len(page.sections[0].table.rows), 20)
        kept = len(page.sections[1].table.rows)
        self.assertLess(kept, 200)
        self.assertIn(f"{200 - kept} more rows in study_statistics.tsv", page.sections[1].table.note)
        self.assertIn("shortened", page.sections[1].paragraphs[0])
        self.assertIn("more remarks", page.sections[1].paragraphs[-1])

    def testWhatFitsIsLeftAsItIs(self):
        page = patientPage("profile", "P012", "1", [profileRow("hand_knob_left")], notes=["A remark."])
        self.assertEqual(reportLayout.fitted(page, estimatedHeight), (page, 1.0))

    def testPicturesAreAsLargeAsTheRoomAllows(self):
        page = ReportPage("T", "", (Section(pictures=tuple((self.picture(), "") for _i in range(4))),))
        ratios = reportLayout.aspects(page)
        wide = reportLayout.bestGrid(page, ratios, lambda columns: 230.0)
        flat = reportLayout.bestGrid(page, ratios, lambda columns: 30.0)
        self.assertLess(wide.columns, flat.columns)
        for grid, room in ((wide, 230.0), (flat, 30.0)):
            self.assertLessEqual(grid.cellHeight * reportLayout.gridRows(page, grid.columns), room + 1e-9)

    def testColumnWidthsFillTheTable(self):
        for natural in ([10.0, 20.0], [300.0, 20.0], [300.0, 900.0]):
            widths = reportLayout.columnWidths(natural, [8.0, 15.0], 180.0)
            self.assertAlmostEqual(sum(widths), 180.0)
            self.assertGreater(min(widths), 7.9)


@unittest.skipUnless(HAS_REPORTLAB, "needs reportlab")
class PdfTest(ReportTestCase):
    def pages(self, page):
        path = writePdf(page, self.folder / "report.pdf")
        content = path.read_bytes()
        self.assertTrue(content.startswith(b"%PDF"))
        return content, len(re.findall(rb"/Type\s*/Page\b(?!s)", content))

    def testTheFullestReportIsOnePageWithNothingOverTheFooter(self):
        from ALSStudyLib import reportPdf

        page = self.fullest()
        self.assertEqual(self.pages(page)[1], 1)
        fitted, scale = reportLayout.fitted(page, reportPdf.storyHeight)
        self.assertLessEqual(reportPdf.storyHeight(fitted, scale, 0.65 * 34.0 * 0.8), reportLayout.HEIGHT)
        self.assertEqual(len(fitted.sections[1].table.rows), 6)
        self.assertNotIn("shortened", "".join(cell for row in fitted.sections[1].table.rows for cell in row))

    def testFarTooMuchIsStillOnePage(self):
        from ALSStudyLib import reportPdf

        long = ReportTable(("a" * 40, "b"), tuple(("x" * 400, "word " * 200) for _i in range(300)), isEssential=True)
        sections = tuple(Section("H" * 200, (("label", "t" * 500),) * 30, long, (), ("p" * 5000,)) for _i in range(12))
        page = ReportPage("T" * 500, "s" * 900, sections, "f" * 400)
        self.assertEqual(self.pages(page)[1], 1)
        fitted, scale = reportLayout.fitted(page, reportPdf.storyHeight)
        self.assertLessEqual(reportPdf.storyHeight(fitted, scale, 0.0), reportLayout.HEIGHT)

    def testFontIsEmbeddedAndOtherScriptsAreSaid(self):
        content, count = self.pages(patientPage("profile", "Ωμέγα Жуков", "1", [profileRow("hand_knob_left")]))
        self.assertEqual(count, 1)
        self.assertIn(b"FontFile2", content)
        from ALSStudyLib import reportPdf

        reportPdf.registerFonts()
        self.assertFalse(reportPdf.lacksLetters(ReportPage("Żuk \u2212 \u00b1", "", ())))
        self.assertTrue(reportPdf.lacksLetters(ReportPage("\u05e9\u05dc\u05d5\u05dd", "", ())))
        self.assertTrue(reportPdf.lacksLetters(ReportPage("\U00012000", "", ())))

    def testMarkupInNamesIsText(self):
        self.assertEqual(self.pages(patientPage("profile", "<b>&\x07", "<", [profileRow("hand_knob_left")]))[1], 1)

    def testGrayAndJpegPictures(self):
        gray, jpeg = self.folder / "gray.png", self.folder / "photo.jpg"
        Image.fromarray(np.zeros((40, 3000), np.uint8)).save(gray)
        Image.fromarray(np.zeros((900, 60, 3), np.uint8)).save(jpeg)
        page = ReportPage("T", "", (Section(pictures=((gray, "wide"), (jpeg, "high")) * 4),))
        self.assertEqual(self.pages(page)[1], 1)


if __name__ == "__main__":
    unittest.main()
