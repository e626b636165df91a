"""A BIDS dataset as a case list, and measured exams as a BIDS derivative: pybids and real files."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from testPackages import needs

needs("bids", "pandas")

from ALSStudyLib.bidsCases import readDataset
from ALSStudyLib.bidsCommand import casesOf
from ALSStudyLib.bidsOutput import DESCS, writeDerivatives
from ALSStudyLib.caseList import readCases
from ALSStudyLib.commandLine import _parser
from ALSStudyLib.errors import InputError
from ALSStudyLib.tables import readTable
from commandTestCases import call
from bidsTestCases import MANUAL, BidsCase, Tree, phantomDataset

WHO = "sub-01_ses-1"
REGIONS = f"{WHO}_desc-regions"


class ProfileCasesTest(BidsCase):
    def testEchoesInOrderWithInheritedMetadata(self):
        self.tree.megre(WHO, range(3, 14))
        self.tree.drawn(f"{WHO}_hemi-R_label-paracentral", f"{WHO}_desc-references")
        self.tree.drawn(*(f"{WHO}_hemi-{h}_label-handKnob_desc-slice{s}" for h in "RL" for s in (42, 7)))
        case = self.theCase()
        self.assertEqual((case.subject, case.exam, case.problem, case.source), ("01", "1", "", "sub-01/ses-1"))
        self.assertEqual(case.place, "sub-01/ses-1/anat/sub-01_ses-1")
        self.assertEqual(self.names(case, "image")[9:], [f"{WHO}_echo-{e}_MEGRE.nii.gz" for e in (10, 11)])
        self.assertEqual(case.values["echo_times_ms"], "3 4 5 6 7 8 9 10 11 12 13")
        slugs = [slug for slug, _ in case.targetsAndPaths("contours")]
        self.assertEqual(slugs, ["hand_knob_left"] * 2 + ["hand_knob_right"] * 2 + ["paracentral_right"])
        self.assertTrue(
            all(path.is_file() for name in ("image", "contours", "references") for path in case.paths(name))
        )
        self.assertIn("exams with drawings: 1; images without: 0", self.log.output[-1])

    def testWithoutSessionAndPartAndOneEcho(self):
        self.tree.add("sub-7_T2starw.nii")
        self.tree.add("sub-8_T2starw.nii")
        self.tree.contoured("sub-7")
        case = self.theCase()
        self.assertEqual((case.subject, case.exam, case.place), ("7", "1", "sub-7/anat/sub-7"))
        self.assertNotIn("echo_times_ms", case.values)
        self.assertIn("images without: 1", self.log.output[-1])

    def testFourDimensionalFileWithItsEchoTimes(self):
        self.tree.add(f"{WHO}_T2starw.nii.gz", {"EchoTime": [0.013, 0.0186]})
        self.tree.contoured(WHO)
        self.assertEqual(self.theCase().values["echo_times_ms"], "13 18.6")

    def testPhaseIsNoMagnitude(self):
        self.tree.megre(WHO, part="mag")
        self.tree.megre(WHO, part="phase")
        self.tree.contoured(WHO)
        self.assertEqual(len(self.theCase().paths("image")), 2)

    def testTargetOfOnesOwn(self):
        self.tree.megre(WHO)
        self.tree.contoured(WHO)
        self.tree.drawn(f"{WHO}_hemi-R_label-footArea2", f"{WHO}_label-SMA")
        slugs = [slug for slug, _ in self.theCase().targetsAndPaths("contours")]
        self.assertEqual(slugs, ["hand_knob_left", "foot_area2_right", "sma"])

    def testRunsAndAcquisitions(self):
        for run in ("run-01", "run-02"):
            self.tree.megre(f"{WHO}_acq-hi_{run}")
            self.tree.contoured(f"{WHO}_acq-hi_{run}")
        one, two = self.cases()
        self.assertEqual((one.exam, two.exam), ("1_run-01", "1_run-02"))
        self.assertEqual(two.place, "sub-01/ses-1/anat/sub-01_ses-1_acq-hi_run-02")
        for case, run in ((one, "run-01"), (two, "run-02")):
            for column in ("image", "contours", "references"):
                self.assertTrue(all(run in name for name in self.names(case, column)), column)

    def testRunTellsSlicesApartWhereImagesHaveNone(self):
        self.tree.megre(WHO)
        self.tree.contoured(WHO)
        self.tree.drawn(f"{WHO}_run-1_hemi-L_label-handKnob", f"{WHO}_run-2_hemi-L_label-handKnob")
        self.assertEqual(len(self.theCase().paths("contours")), 3)

    def testOnlyNamedSubjectsSessionsAndSuffixes(self):
        for who in ("sub-01_ses-1", "sub-01_ses-2", "sub-02_ses-1", "sub-10_ses-1"):
            self.tree.megre(who)
            self.tree.contoured(who)
        self.tree.add("sub-10_ses-1_T2starw.nii.gz")
        everyone = [(case.subject, case.exam, bool(case.problem)) for case in self.cases()]
        self.assertEqual(everyone, [("01", "1", 0), ("01", "2", 0), ("02", "1", 0), ("10", "1", 1)])
        found = self.cases(subjects=["sub-01", "10"], sessions=["1"], suffixes=["MEGRE"])
        self.assertEqual(
            [(case.subject, case.exam, case.problem) for case in found], [("01", "1", ""), ("10", "1", "")]
        )

    def testManySubjectsAreReadInParts(self):
        for number in range(30):
            self.tree.megre(f"sub-{number}", (number + 1,), TaskName="x")
            self.tree.contoured(f"sub-{number}")
        found = [(case.subject, case.values["echo_times_ms"]) for case in self.cases()]
        self.assertEqual(found, [(str(number), str(number + 1)) for number in range(30)])

    def testDerivativesThatAreNamed(self):
        for below in (MANUAL, "derivatives/other"):
            self.tree.json(f"{below}/dataset_description.json", {"Name": "x", "BIDSVersion": "1.10.0"})
            self.tree.drawn(f"{WHO}_hemi-L_label-handKnob", f"{WHO}_desc-references", below=below)
        self.tree.megre(WHO)
        self.assertRegex(self.theCase().problem, "are both there; expected the contours of an exam in one derivative")
        case = self.theCase(derivatives=[self.tree.folder / "derivatives/other"])
        self.assertEqual(case.problem, "")
        self.assertIn("derivatives/other", case.values["references"])
        moved = self.folder / "readers"
        shutil.move(self.tree.folder / MANUAL, moved / "first")
        self.assertIn("readers/first", self.theCase(derivatives=[moved]).values["contours"])

    def testProblems(self):
        def ambiguous(tree, who):
            tree.megre(f"{who}_run-1")
            tree.megre(f"{who}_run-2")
            tree.contoured(who)

        def ambiguousReferences(tree, who):
            tree.megre(f"{who}_run-1")
            tree.megre(f"{who}_run-2")
            tree.drawn(f"{who}_run-2_hemi-L_label-handKnob", f"{who}_desc-references")

        def wrongRun(tree, who):
            tree.megre(f"{who}_run-1")
            tree.contoured(f"{who}_run-2")

        def noEchoTime(tree, who):
            tree.megre(who)
            (tree.folder / f"{tree.of(who)}/{who}_echo-2_MEGRE.json").unlink()
            tree.contoured(who)

        def milliseconds(tree, who):
            tree.megre(who, (5000, 10000))
            tree.contoured(who)

        def words(tree, who):
            tree.megre(who, EchoTime="long")
            tree.contoured(who)

        def notFetched(tree, who):
            tree.megre(who)
            path = tree.folder / f"{tree.of(who)}/{who}_echo-2_MEGRE.nii.gz"
            path.unlink()
            path.symlink_to("../../../.git/annex/objects/gone")
            tree.contoured(who)

        def drawingNotFetched(tree, who):
            tree.megre(who)
            tree.contoured(who)
            path = tree.folder / MANUAL / f"{tree.of(who)}/{who}_hemi-L_label-handKnob_contour.mrk.json"
            path.unlink()
            path.symlink_to("gone")

        def noImage(tree, who):
            tree.contoured(who)

        def otherSpace(tree, who):
            tree.megre(who)
            tree.contoured(f"{who}_space-MNI152")

        def noReferences(tree, who):
            tree.megre(who)
            tree.drawn(f"{who}_hemi-L_label-handKnob")

        def noContours(tree, who):
            tree.megre(who)
            tree.drawn(f"{who}_desc-references")

        def noSide(tree, who):
            tree.megre(who)
            tree.contoured(who)
            tree.drawn(f"{who}_label-handKnob")

        def noLabel(tree, who):
            tree.megre(who)
            tree.contoured(who)
            tree.drawn(f"{who}_hemi-L")

        def noName(tree, who):
            tree.megre(who)
            tree.contoured(who)
            tree.drawn(f"{who}_hemi-L_label-4")

        def twice(tree, who):
            tree.megre(who)
            tree.add(f"{who}_echo-2_MEGRE.nii")
            tree.contoured(who)

        expected = (
            (ambiguous, r"fits 2 images \(.*run-1.*run-2.*\); expected one; add acq or run"),
            (ambiguousReferences, "desc-references_dseg.seg.nrrd' fits 2 images"),
            (wrongRun, "is drawn, but the dataset has no image for it"),
            (noEchoTime, "echo-2_MEGRE.nii.gz' has no EchoTime; expected one for each of 2 echoes"),
            (milliseconds, "has the EchoTime 5; expected seconds"),
            (words, "has EchoTime 'long'; expected a number"),
            (notFetched, "echo-2_MEGRE.nii.gz' is not fetched"),
            (drawingNotFetched, "contour.mrk.json' is not fetched"),
            (noImage, "is drawn, but the dataset has no image for it"),
            (otherSpace, "is drawn, but the dataset has no image for it"),
            (noReferences, "has no references beside it; expected .*desc-references"),
            (noContours, "has no contours beside it"),
            (noSide, "names no target; expected hemi and label"),
            (noLabel, "names no target; expected hemi and label"),
            (noName, "Target '4_left' is not a name"),
            (twice, "are both there; expected one image of an echo"),
        )
        self.assertProblems(expected, {"contours", "references"})

    def testBadSidecarStopsItsOwnImagesOnly(self):
        for who in (WHO, "sub-02_ses-1"):
            self.tree.megre(who)
            self.tree.contoured(who)
        for content in ("{", "[1]"):
            self.tree.json(f"sub-01/ses-1/anat/{WHO}_echo-2_MEGRE.json", content)
            bad, good = self.cases()
            self.assertRegex(bad.problem, "Sidecar '.*echo-2_MEGRE.json' is not JSON")
            self.assertEqual((good.problem, good.values["echo_times_ms"]), ("", "5 20"))

    def testSpaceOrigIsTheImages(self):
        self.tree.megre(WHO)
        self.tree.contoured(f"{WHO}_space-orig")
        self.assertEqual(self.theCase().problem, "")


class PhaseCasesTest(BidsCase):
    def testEchoNearestTo20Ms(self):
        for part in ("phase", "mag"):
            self.tree.megre(WHO, (9, 18, 27), part, Units="rad", MagneticFieldStrength=2.9)
        self.tree.drawn(REGIONS)
        case = self.theCase()
        self.assertEqual(self.names(case, "phase"), [f"{WHO}_echo-2_part-phase_MEGRE.nii.gz"])
        self.assertEqual(self.names(case, "magnitude"), [f"{WHO}_echo-2_part-mag_MEGRE.nii.gz"])
        settings = {name: case.values[name] for name in ("encoding", "echo_time_ms", "field_strength_t")}
        self.assertEqual(settings, {"encoding": "radians", "echo_time_ms": "18", "field_strength_t": "2.9"})
        self.assertEqual((case.problem, case.exam, case.place), ("", "1", "sub-01/ses-1/anat/sub-01_ses-1"))

    def testEchoThatTheRegionsName(self):
        self.tree.megre(WHO, (9, 18, 27), "phase")
        self.tree.drawn(f"{WHO}_echo-3_desc-regions")
        case = self.theCase()
        self.assertEqual((case.values["echo_time_ms"], case.exam), ("27", "1"))
        self.assertTrue(case.place.endswith("sub-01_ses-1_echo-3"))
        self.tree.drawn(f"{WHO}_echo-1_desc-regions", f"{WHO}_echo-4_desc-regions")
        first, third, fourth = self.cases()
        self.assertEqual([case.exam for case in (first, third, fourth)], ["1_echo-1", "1_echo-3", "1_echo-4"])
        self.assertRegex(fourth.problem, "regions are of echo 4, the phase images have 1, 2, 3")

    def testUnitThatIsNotKnownIsLeftToTheCommand(self):
        self.tree.add(f"{WHO}_part-phase_GRE.nii.gz", {"Units": "arbitrary"}, datatype="swi")
        self.tree.drawn(REGIONS)
        case = self.theCase()
        self.assertEqual((case.problem, set(case.values)), ("", {"phase", "regions"}))

    def testRealAndImaginary(self):
        for part in ("real", "imag", "mag"):
            self.tree.megre(WHO, (19,), part, Units="rad")
        self.tree.drawn(REGIONS)
        case = self.theCase()
        self.assertEqual(set(case.values), {"real", "imaginary", "magnitude", "regions", "echo_time_ms"})

    def testProfileAndPhaseOfOneExam(self):
        for part in ("phase", "mag"):
            self.tree.megre(WHO, part=part)
        self.tree.contoured(WHO)
        self.tree.drawn(REGIONS)
        one, two = self.cases()
        self.assertEqual((one.exam, two.exam, one.place), ("1", "1", two.place))
        self.assertIn("image", one.values)
        self.assertIn("phase", two.values)

    def testProblems(self):
        def noEchoTimes(tree, who):
            tree.megre(who, part="phase", EchoTime=None)
            tree.drawn(f"{who}_desc-regions")

        def realAlone(tree, who):
            tree.megre(who, part="real")
            tree.drawn(f"{who}_desc-regions")

        def twoSides(tree, who):
            tree.megre(who, part="phase")
            tree.drawn(f"{who}_hemi-L_desc-regions", f"{who}_hemi-R_desc-regions")

        def magnitudeOnly(tree, who):
            tree.megre(who, part="mag")
            tree.drawn(f"{who}_desc-regions")

        expected = (
            (noEchoTimes, "has no EchoTime; expected one to choose among 2 echoes"),
            (realAlone, "has real or imaginary images alone"),
            (twoSides, "expected one segmentation of regions, of both sides"),
            (magnitudeOnly, "is drawn, but the dataset has no image for it"),
        )
        self.assertProblems(expected, {"regions"})


class RefusedTest(BidsCase):
    def testDatasets(self):
        def noDescription(tree):
            (tree.folder / "dataset_description.json").unlink()

        def brokenDescription(tree):
            tree.json("dataset_description.json", "[")

        def nothingDrawn(tree):
            tree.megre(WHO)
            tree.json("derivatives/mine/x.json", {})

        def empty(tree):
            shutil.rmtree(tree.folder / "derivatives")

        def unknownSubject(tree):
            tree.megre("sub-02")

        for make, options, words in (
            (noDescription, {}, "has no dataset_description.json; expected the top folder of a BIDS dataset"),
            (brokenDescription, {}, "is not JSON with fields"),
            (
                nothingDrawn,
                {},
                "has 2 gradient-echo images, but no drawings of them, and 1 derivatives without dataset_d",
            ),
            (empty, {}, "has no images; expected MEGRE"),
            (unknownSubject, {"subjects": ["01"]}, "has no images or drawings of sub-01"),
            (unknownSubject, {"sessions": ["9"]}, "has no images or drawings of ses-9"),
            (empty, {"derivatives": [Path("/nowhere")]}, "Derivative '/nowhere': found no such folder"),
            (empty, {"derivatives": [Path(__file__).parent]}, "Derivative '.*' has no dataset_description.json"),
        ):
            with self.subTest(make.__name__, **options):
                tree = Tree(self.folder / "tree" / "of" / f"{make.__name__}")
                make(tree)
                self.assertRaisesRegex(InputError, words, readDataset, tree.folder, **options)
                shutil.rmtree(tree.folder)
        self.assertRaisesRegex(InputError, "found no such folder", readDataset, self.folder / "none")

    def testDerivativeWithoutDescriptionIsNamed(self):
        self.tree.megre(WHO)
        self.tree.contoured(WHO)
        self.tree.drawn(f"{WHO}_hemi-R_label-handKnob", below="derivatives/mine")
        self.assertEqual(len(self.theCase().paths("contours")), 1)
        self.assertRegex(self.log.output[0], "derivatives/mine' has no dataset_description.json and was left out")

    def testFolderNameThatReadsAsAnEcho(self):
        self.tree = Tree(self.folder / "echo-1" / "study")
        self.tree.megre(WHO)
        self.tree.contoured(WHO)
        self.assertRaisesRegex(InputError, "reads as echo '1' of BIDS", readDataset, self.tree.folder)
        link = self.folder / "link"
        link.symlink_to(self.tree.folder)
        self.tree.folder = link
        self.assertEqual(self.theCase().values["echo_times_ms"], "5 20")

    def testFolderNameThatReadsAsASubject(self):
        self.tree = Tree(self.folder / "sub-project" / "anat")
        self.tree.megre(WHO)
        self.tree.contoured(WHO)
        case = self.theCase()
        self.assertEqual((case.subject, case.problem, case.values["echo_times_ms"]), ("01", "", "5 20"))

    def testWithoutPybids(self):
        with mock.patch.dict(sys.modules, {"bids": None, "bids.layout": None}):
            self.assertRaisesRegex(InputError, "pip install pybids", readDataset, self.tree.folder)


def listed(dataset, *arguments):
    """The cases that the command would measure."""
    return casesOf(_parser().parse_args(["bids", str(dataset), "--output", "unused", *arguments]))


class ListTest(BidsCase):
    def testListIsReadByBatch(self):
        self.tree.megre(WHO, part="phase", Units="rad")
        self.tree.drawn(REGIONS)
        self.tree.megre("sub-02_ses-2")
        self.tree.contoured("sub-02_ses-2")
        self.tree.contoured("sub-03")
        done = call("bids", self.tree.folder, "--list-only", "--output", self.tree.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"03 1 \| '.*' is drawn, but")
        path = self.tree.folder / "CASES.csv"
        settings = ("echo_times_ms", "encoding", "echo_time_ms", "field_strength_t")
        found, unknown = readCases(path, settings)
        self.assertEqual(unknown, [])
        said = [(case.subject, case.exam, dict(case.values)) for case in listed(self.tree.folder)]
        self.assertEqual([(case.subject, case.exam, dict(case.values)) for case in found], said)
        self.assertNotIn(str(self.tree.folder), path.read_text())

    def testEncodingOfTheCommandLineWins(self):
        self.tree.megre(WHO, part="phase", Units="rad")
        self.tree.drawn(REGIONS)
        chosen = (self.tree.folder, "--participant-label", "01", "--session-label", "1")
        self.assertEqual([case.values["encoding"] for case in listed(*chosen)], ["radians"])
        (case,) = listed(*chosen, "--encoding", "siemens")
        self.assertNotIn("encoding", case.values)


class DerivativesTest(BidsCase):
    """The phantoms from the dataset through the measurement to the derivative."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.dataset = phantomDataset(cls.shared / "my study")
        cls.output = cls.dataset / "derivatives/als-motor-cortex"
        settings = ("--filter=homodyne", "--kernel-mm=7.5", "--polarity=paramagnetic_negative", "--resamples=40")
        done = call("bids", cls.dataset, "--output", cls.output, *settings)
        if done.returncode or done.stderr:
            raise AssertionError(done.stderr)

    def testEveryExamIsMeasured(self):
        rows = readTable(self.output / "cases.tsv")
        self.assertEqual(
            [(row["subject"], row["exam"], row["status"]) for row in rows],
            [
                ("01", "1", "ok"),
                ("01", "2", "ok"),
                ("02", "1", "ok"),
                ("02", "1", "ok"),
            ],
        )

    def testTablesOfAnExam(self):
        beginning = self.output / "sub-02/ses-1/anat/sub-02_ses-1_acq-"
        (row,) = readTable(Path(f"{beginning}t2s_desc-profile_measures.tsv"))
        self.assertEqual((row["participant_id"], row["exam"], row["status"]), ("sub-02", "1", "ok"))
        self.assertAlmostEqual(float(row["sh"]), 0.25, delta=0.03)
        self.assertEqual(row["slices"].count(","), 1)
        rows = readTable(Path(f"{beginning}qsm_desc-phase_measures.tsv"))
        self.assertEqual(len(rows), 14)
        self.assertEqual(len(list(self.output.rglob("*_measures.tsv"))), 3 * 3 + 4)

    def testTablesAreThoseGatheredExamByExam(self):
        for name, (desc, _) in DESCS.items():
            gathered = [line.split("\t") for line in (self.output / f"{name}.tsv").read_text("utf-8").splitlines()]
            header = ["participant_id", *gathered[0][1:]]
            found = []
            for path in sorted(self.output.rglob(f"*_desc-{desc}_measures.tsv")):
                first, *cells = [line.split("\t") for line in path.read_text("utf-8").splitlines()]
                self.assertEqual((first, list(json.loads(path.with_suffix(".json").read_text()))), (header, header))
                found += cells
            self.assertEqual(found, [[f"sub-{row[0]}", *row[1:]] for row in gathered[1:]], name)

    def testPybidsFindsThem(self):
        from bids.layout import BIDSLayout

        layout = BIDSLayout(str(self.dataset), validate=False, derivatives=[str(self.output)])
        found = layout.get(scope="derivatives", subject="01", session="2", desc="profile", extension=".tsv")
        self.assertEqual([file.filename for file in found], ["sub-01_ses-2_desc-profile_measures.tsv"])

    def testDescription(self):
        description = json.loads((self.output / "dataset_description.json").read_text())
        self.assertEqual(description["DatasetType"], "derivative")
        self.assertEqual(description["GeneratedBy"][0]["Name"], "ALSMotorCortex")
        (source,) = description["SourceDatasets"]
        self.assertEqual((source["DOI"], source["URL"]), ("doi:10.5281/zenodo.1", self.dataset.as_uri()))

    def testResultsAreNoDrawings(self):
        self.assertEqual(len(readDataset(self.dataset)), 4)

    def testOnlyMeasuredExamsHaveTables(self):
        record = {"place": "sub-1/anat/sub-1", "tables": {"profiles": [["1"] * 9]}}
        records = [{**record, "status": "failed"}, {**record, "status": "ok", "place": ""}]
        writeDerivatives(self.folder, records, self.dataset)
        self.assertEqual(list(self.folder.rglob("sub-*")), [])

    def testNoDatasetIsReplaced(self):
        for output in (self.dataset, self.dataset / MANUAL):
            before = (output / "dataset_description.json").read_text()
            done = call("bids", self.dataset, "--output", output)
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, "is a BIDS dataset itself")
            self.assertEqual((output / "dataset_description.json").read_text(), before)

    def testValidator(self):
        validator = shutil.which("bids-validator-deno") or str(Path(sys.executable).with_name("bids-validator-deno"))
        if not Path(validator).is_file():
            self.skipTest("bids-validator-deno is not installed")
        done = subprocess.run(
            [validator, "--format", "json", self.output], capture_output=True, text=True, timeout=60, check=False
        )
        issues = json.loads(done.stdout)["issues"]["issues"]
        self.assertEqual([issue for issue in issues if issue["severity"] == "error"], [])
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()
