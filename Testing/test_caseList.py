"""Case lists as people write them, and the arguments that a row becomes."""

import tempfile
import unittest
from pathlib import Path

from ALSStudyLib.caseArguments import argumentsOf, givenSettings, parseArguments, settingNames
from ALSStudyLib.caseList import Case, readCases, writeCases
from ALSStudyLib.commandLine import _parser
from ALSStudyLib.errors import InputError

NONE = {"profile": {}, "phase": {}}


class CaseListTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def read(self, text, encoding="utf-8"):
        path = self.folder / "cases.csv"
        path.write_bytes(text.encode(encoding))
        return readCases(path, settingNames())

    def testSeparatorsAndEncodings(self):
        """As Excel saves them in Europe, with a mark of the encoding, and as tab-separated text."""
        wanted = None
        for delimiter in ",;\t":
            for encoding, end in (("utf-8", "\n"), ("utf-8-sig", "\r\n")):
                lines = (
                    ("Subject", "EXAM", "image", "contours", "references", "echo_times_ms", ""),
                    ("Müller", "1", '"e 1.nii;e2.nii"', '"a_left=x=1.mrk.json;b=y.mrk.json"', "r.seg.nrrd", "5 10", ""),
                    ("", "", "", "", "", "", ""),
                    ("P2", "n/a", "/abs/i.nii", '"a=l.json"', "../r.seg.nrrd", "", ""),
                )
                (first, second), ignored = self.read(end.join(delimiter.join(line) for line in lines), encoding)
                self.assertEqual(ignored, [])
                self.assertEqual((first.subject, first.exam, first.source), ("Müller", "1", "line 2"))
                self.assertEqual(first.paths("image"), [self.folder / "e 1.nii", self.folder / "e2.nii"])
                self.assertEqual(
                    first.targetsAndPaths("contours"),
                    [("a_left", str(self.folder / "x=1.mrk.json")), ("b", str(self.folder / "y.mrk.json"))],
                )
                self.assertEqual((second.exam, second.source), ("", "line 4"))
                self.assertEqual(second.paths("references"), [self.folder.parent / "r.seg.nrrd"])
                self.assertEqual(second.paths("image"), [Path("/abs/i.nii")])
                wanted = wanted or (first, second)
                self.assertEqual((first, second), wanted)

    def testColumnsThatMeanNothingAreTold(self):
        cases, ignored = self.read("subject,scene,diagnosis\nP1,a.mrb,als\n")
        self.assertEqual((ignored, cases[0].problem), (["diagnosis"], ""))
        for name in ("polarty", "contour", "referencess", "subjct"):
            with self.assertRaisesRegex(InputError, "expected '.*'"):
                self.read(f"subject,scene,{name}\nP1,a.mrb,als\n")

    def testProblemsOfRows(self):
        cases, _ = self.read("subject,exam,scene\nP1,1,a.mrb,more\nP2,1,a.mrb\nP2,1,b.mrb\nP2,2,b.mrb,\n")
        for case, pattern in zip(cases, ("4 cells", "^$", "as line 3", "^$"), strict=True):
            self.assertRegex(case.problem, pattern)

    def testWrittenListIsReadAsTheSame(self):
        (self.folder / "below").mkdir()
        values = {
            "image": f"{self.folder / 'below' / 'i,1.nii'};{self.folder / 'i 2.nii'}",
            "contours": f"hand_knob_left={self.folder / 'a=1.mrk.json'};own=/elsewhere/b.mrk.json",
            "references": str(self.folder.parent / "r.seg.nrrd"),
            "echo_times_ms": "5 10.5",
        }
        cases = [
            Case("P 1", "1", values, "line 2"),
            Case("P2", "", {"scene": str(self.folder / "s.mrb")}, "line 3", "two readers; choose one"),
        ]
        path = self.folder / "written.csv"
        writeCases(path, cases)
        self.assertEqual(readCases(path, settingNames()), (cases, []))
        self.assertIn("below/i,1.nii;i 2.nii", path.read_text())

    def testNoFilterIsAFilter(self):
        cases, _ = self.read("subject,phase,filter,encoding\nP1,p.nii,None,none\nP2,p.nii,n/a,bids\n")
        self.assertEqual([case.values.get("filter") for case in cases], ["none", None])
        self.assertNotIn("encoding", cases[0].values)

    def testNoFile(self):
        for name in ("missing.csv", "."):
            with self.assertRaisesRegex(InputError, "expected a CSV file"):
                readCases(self.folder / name, ())
        with self.assertRaisesRegex(InputError, "no UTF-8"):
            self.read("subject,scene\nMüller,a.mrb\n", "latin-1")


class ArgumentsTest(unittest.TestCase):
    profile = {"image": "/i.nii", "contours": "a_left=/a.json;a_left=/b.json", "references": "/r.seg.nrrd"}
    phase = {"phase": "/p.nii", "regions": "/g.seg.nrrd", "encoding": "radians", "polarity": "unknown"}

    def given(self, *arguments):
        return givenSettings(_parser().parse_args(["batch", "c.csv", "--output", "o", *arguments]))

    def parsed(self, values, given=NONE):
        return [parseArguments(command) for command in argumentsOf(Case("-P", "", values, "line 2"), given)]

    def testARowWinsOverTheCommand(self):
        given = self.given("--no-align", "--resamples", "7", "--filter", "homodyne", "--pixel-rule", "a=1-2")
        (parsed,) = self.parsed({**self.profile, "align": "yes", "echo_times_ms": "5; 10"}, given)
        self.assertEqual((parsed.align, parsed.resamples, parsed.echo_times_ms), (True, 7, ["5,10"]))
        self.assertEqual((parsed.subject, len(parsed.contour)), ("-P", 2))
        (parsed,) = self.parsed({**self.phase, "pixel_rule": "b=3-4;c=free", "correct_sign_flips": "1"}, given)
        self.assertEqual((parsed.filter, parsed.pixel_rule), ("homodyne", ["b=3-4", "c=free"]))
        self.assertTrue(parsed.correct_sign_flips)

    def testBothKindsInOneRow(self):
        self.assertEqual(
            [parsed.command for parsed in self.parsed({**self.profile, **self.phase, "filter": "none"})],
            ["profile", "phase"],
        )

    def testRealAndImaginaryNeedNoEncoding(self):
        files = {"real": "/r.nii", "imaginary": "/i.nii", "regions": "/g.seg.nrrd", "polarity": "unknown"}
        (parsed,) = self.parsed(files, self.given("--encoding", "siemens", "--filter", "none"))
        self.assertIsNone(parsed.encoding)

    def testWhatDoesNotGoTogether(self):
        for values, pattern in (
            ({}, "names no file"),
            ({**self.profile, "scene": "/s.mrb"}, "a scene and files"),
            ({"image": "/i.nii"}, "no contours and no references"),
            ({"phase": "/p.nii"}, "no regions"),
            ({**self.phase, "filter": "x"}, "invalid choice"),
            (self.phase, "required: --filter"),
            ({**self.profile, "resamples": "many"}, "invalid int"),
            ({**self.profile, "contours": "/a.json"}, "not TARGET="),
        ):
            with self.subTest(pattern=pattern), self.assertRaisesRegex(InputError, pattern):
                self.parsed(values)


if __name__ == "__main__":
    unittest.main()
