"""Reports of one page: what they say of a measurement, and that nothing runs off the page."""

import math
import re
import subprocess
import unittest
from dataclasses import replace

import numpy as np
from ALSStudyLib import reportHtml, reportLayout
from ALSStudyLib.errors import InputError
from ALSStudyLib.estimate import Estimate
from ALSStudyLib.patientReport import patientPage
from ALSStudyLib.provenance import DISCLAIMER
from ALSStudyLib.referenceRange import ReferenceRange, change
from ALSStudyLib.report import SIGNATURE, ReportPage, ReportTable, Section, writeHtml, writePdf
from ALSStudyLib.reportHtml import estimatedHeight
from ALSStudyLib.reportWords import counted, interval, minus, named, percentage, realMinus, signed
from ALSStudyLib.studyCharts import LimbRow
from PIL import Image

from reportTestCases import (
    CHROMIUM,
    HAS_REPORTLAB,
    ReportTestCase,
    Tags,
    allText,
    fullPhasePage,
    phaseRow,
    profileRow,
    publishedRow,
    table,
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
        self.assertEqual(named("frontal_cortex_both"), "Frontal cortex")

    def testOneKindOfMinus(self):
        self.assertEqual(realMinus("rho -0.3 (-0.67 to .2): -5"), "rho \u22120.3 (\u22120.67 to .2): \u22125")
        for name in ("sub-001", "2018-01-05", "MK-2.tsv", "T1-weighted", "3-5 mm", "a - 3"):
            self.assertEqual(realMinus(name), name)
        low = {"sh": 0.01, "sh_ci_low": -0.02, "sh_ci_high": 0.04}
        self.assertEqual(interval(low, "sh", 2).replace("\u00a0", " "), "0.01 (\u22120.02 to 0.04)")

    def testCounts(self):
        self.assertEqual([counted(n, "control") for n in (0, 1, 2)], ["0 controls", "1 control", "2 controls"])
        self.assertEqual(counted(2, "value is", "values are"), "2 values are")


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
        compared = controls.compare(0.07, 60.0)
        page = patientPage(
            "profile", "P", "", [profileRow("a_left")], {"age_years": 60}, [("SH/Thk", compared, controls)]
        )
        row = table(page, "Among this site's own controls")[0]
        low, high = controls.limits(60.0)
        limits = f"{low.value:.3f} to {high.value:.3f} at 60 years"
        self.assertGreater(0.07, high.value)
        self.assertEqual(row["Controls' central 95 %"], f"{limits}: outside")
        self.assertEqual(row["Among the controls"], f"greater than {compared.nBeyond} of 13 controls")
        self.assertIn("the larger a value, the more abnormal", allText(page))
        inside = controls.compare(0.05, 60.0, largerIsAbnormal=False)
        both = [("right", inside, controls), ("left", controls.compare(0.05, 90.0, False), controls)]
        other = patientPage("phase", "P", "", [phaseRow("putamen", "left", 1, -0.2)], {"age_years": 60}, both)
        within = table(other, "Among this site's own controls")[0]
        self.assertEqual(within["Controls' central 95 %"], limits)
        self.assertTrue(within["Among the controls"].startswith("smaller than"))
        self.assertIn("the smaller a value, the more abnormal", allText(other))
        self.assertIn("left: extrapolated", allText(other))  # of one place only
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

    def testAPublishedPhaseTableHasNoEmptyColumnsAndNoNan(self):
        rows = [publishedRow("precentral_gyrus", "right", rank, value) for rank, value in ((1, -0.2), (2, -0.283))]
        rows.append(publishedRow("frontal_cortex", "both", 1, -0.109))
        limb = LimbRow("P012", "1", "als", "precentral_gyrus", "right", -0.2, "ok", "arm_leg_left", 12.0)
        page = patientPage("phase", "P012", "1", rows, limbs=[limb])
        gyrus, frontal = table(page, "Measured")
        header = ["Region", "Mean phase, rad", "Status", "Most extreme", "Slices kept: rad", "UMN of limb"]
        self.assertEqual(list(gyrus), header)
        self.assertEqual(gyrus["Most extreme"], "\u22120.283")
        self.assertEqual(gyrus["Slices kept: rad"], "\u22120.200, \u22120.283")
        self.assertEqual(gyrus["UMN of limb"], "left arm + leg 12/16")
        self.assertEqual((frontal["Region"], frontal["UMN of limb"]), ("Frontal cortex", ""))
        for word in ("nan", "both", "Retention", "SD"):
            self.assertNotIn(word, allText(page))

    def testAPhaseTableInHertzAloneIsShownInHertz(self):
        rows = [publishedRow("precentral_gyrus", "right", rank, -1.5 - rank, "phase_hz") for rank in (1, 2)]
        rows.append(publishedRow("precentral_gyrus", "left", 1, "n/a", "phase_hz"))
        right, left = table(patientPage("phase", "P012", "1", rows), "Measured")
        self.assertEqual((right["Mean phase, Hz"], right["Status"]), ("\u22123.00", "measured"))
        self.assertEqual(right["Slices kept: Hz"], "\u22122.50, \u22123.50")
        self.assertEqual((left["Mean phase, Hz"], left["Status"]), ("not measured", "no value"))
        self.assertNotIn("Mean, Hz", right)

    def testARangeOfOneControlIsSingularAndItsNoteHasRealMinuses(self):
        controls = ReferenceRange.fromControls(np.linspace(0.02, 0.05, 12))
        compared = replace(controls.compare(0.04), n=1, nBeyond=0, note="limits from -0.1")
        page = patientPage("profile", "P", "", [profileRow("a_left")], None, [("SH", compared, controls)])
        self.assertEqual(
            table(page, "Among this site's own controls")[0]["Among the controls"], "greater than 0 of 1 control"
        )
        self.assertIn("limits from \u22120.1", allText(page))

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

    def testNumbersAreNotBrokenByABrowser(self):
        page = ReportPage(
            "T", "", (Section(table=ReportTable(("a", "b"), (("0.98\u00a0(0.95\u20131.00)", "poor fit"),))),)
        )
        text = self.write(page)
        self.assertIn('<span class="one">0.98\u00a0(0.95\u20131.00)</span>', text)
        self.assertIn(".one { white-space: nowrap; }", text)
        self.assertIn("<td>poor fit</td>", text)

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

    def testTextGivesWayToThePicturesOfAStudy(self):
        rows = tuple((f"row {i}", "1.00 (0.90 to 1.10)") for i in range(40))
        more = ReportTable(("Target", "Value"), rows, source="study_statistics.tsv")
        pictures = tuple((self.picture(f"{i}.png"), "") for i in range(2))
        page = ReportPage("T", "", (Section("More", table=more), Section("Figures", pictures=pictures)))
        for height, least in ((0.0, 20.0), (120.0, 120.0)):
            fitted, scale = reportLayout.fitted(replace(page, pictureHeight=height), estimatedHeight)
            self.assertLessEqual(estimatedHeight(fitted, scale, least), reportLayout.HEIGHT)
            kept = len(fitted.sections[0].table.rows)
            self.assertEqual(kept < 40, height > 0.0)

    def testSentencesOfEssentialTablesAreNotShortened(self):
        words = change(0.10, 0.15, 0.02).note + ", but that is known from few repeats: no change is within the interval"
        rows = (("Hand knob, left", "exam 1", words),)
        table = ReportTable(("Value", "Since", "In words"), rows, isEssential=True)
        other = ReportTable(("a", "b"), (("x", "word " * 30),))
        page = ReportPage("T", "", (Section("C", table=table), Section("L", table=other)))
        short = reportLayout._shortened(page, 100, 50)
        self.assertIn("(shortened)", short.sections[1].table.rows[0][1])
        self.assertEqual(short.sections[0].table.rows, rows)

    def testPrintIsSmallerRatherThanNumbersTorn(self):
        page = fullPhasePage()
        table = page.sections[0].table
        set_ = reportLayout.tableColumns(table, 1.0, reportHtml._width)
        self.assertLess(set_.scale, 1.0)
        self.assertFalse(set_.areFixed)
        self.assertLessEqual(sum(set_.widths), reportLayout.WIDTH + 1e-6)
        for i, cells in enumerate(zip(*table.rows, strict=True)):
            words = [word for cell in cells for word in cell.split(" ")]
            widest = max(reportHtml._width(word, reportLayout.CELL * set_.scale, i in table.strong) for word in words)
            self.assertGreaterEqual(set_.widths[i] - set_.padding, widest - 1e-6)

    def testNumbersKeepTheirWidthBesideEndlessNames(self):
        name, number = "n" * 200, "0.98\u00a0(0.95\u20131.00)"
        table = ReportTable(("Name", *"abcdef"), ((name, *[number] * 6),))
        set_ = reportLayout.tableColumns(table, 1.0, reportHtml._width)
        needed = reportHtml._width(number, reportLayout.CELL * set_.scale, False)
        self.assertGreaterEqual(min(set_.widths[1:]) - set_.padding, needed - 1e-6)

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

    def testNoNumberOrStatusIsBroken(self):
        from ALSStudyLib import reportPdf

        reportPdf.registerFonts()
        number = "0.98\u00a0(0.95\u20131.00)"
        wide = ReportTable(("ALS against", *"abcdefgh"), (("controls, symmetric", "27\u00a0v\u00a013", *[number] * 7),))
        for each in (wide, fullPhasePage().sections[0].table):
            chosen = reportLayout.tableColumns(each, 1.0, reportPdf._width)
            drawn = reportPdf._table(each, 1.0)[0]
            for row, texts in zip(drawn._cellvalues[1:], each.rows, strict=True):
                for paragraph, text, width in zip(row, texts, chosen.widths, strict=True):
                    paragraph.wrap((width - chosen.padding) / reportLayout.POINT, 1e4)
                    lines = [line.words if hasattr(line, "words") else line[1] for line in paragraph.blPara.lines]
                    found = [getattr(word, "text", word) for line in lines for word in line]
                    for word in filter(None, text.split(" ")):
                        self.assertIn(word, found)

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
