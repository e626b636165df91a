"""The command line as a user types it: in a process of its own, on files in Slicer's formats."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from alsTestCases import BAND
from commandTestCases import CommandCase, call, run, writeImage, writeNode
from ALSCortexProfileLib import mrml
from ALSCortexProfileLib.profileTables import MEASUREMENT_COLUMNS, PROFILE_COLUMNS
from ALSCortexProfileLib.settings import ProfileSettings
from ALSStudyLib.mrmlFiles import HeadlessScene, saveScene
from ALSStudyLib.mrmlNodes import addVolumeNode
from ALSStudyLib.mrmlSegments import addSegmentationNode
from ALSStudyLib.studySettings import StudySettings
from ALSStudyLib.tables import readTable


class ProfileTest(CommandCase):
    def testOneExam(self):
        both = ("hand_knob_left=line2.mrk.json", "hand_knob_left=line3.mrk.json")
        done = self.profile("--subject", "P012", "--exam", "2", contours=both)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"^P012 2 \| Hand knob, left: SH 0\.2\d\d, .* ok\n$")
        (row,) = readTable(self.output / "profile_measurements.tsv")
        self.assertEqual(list(row), [column.name for column in MEASUREMENT_COLUMNS])
        self.assertEqual(
            (row["subject"], row["exam"], row["target"], row["side"]), ("P012", "2", "hand_knob_left", "left")
        )
        self.assertEqual((row["status"], row["slices"]), ("ok", "2,3"))
        self.assertAlmostEqual(float(row["sh_thk_per_mm"]) / BAND.shThkPerMm, 1, delta=0.05)
        self.assertLess(float(row["sh_ci_low"]), float(row["sh"]))
        profiles = readTable(self.output / "profiles.tsv")
        self.assertEqual(list(profiles[0]), [column.name for column in PROFILE_COLUMNS])
        self.assertEqual([float(r["depth_mm"]) for r in profiles[:3]], [-1.0, -0.9, -0.8])
        dictionary = json.loads((self.output / "profile_measurements.json").read_text())
        self.assertEqual(list(dictionary), list(row))
        self.assertEqual(dictionary["thickness_mm"]["Units"], "mm")

    def testEveryStepIsPictured(self):
        self.profile(figures=True)
        names = {path.name for path in (self.output / "figures").iterdir()}
        expected = {f"hand_knob_left_{kind}.png" for kind in ("contour", "profiles", "fit")} | {"references.png"}
        self.assertEqual(names, expected)
        for path in (self.output / "figures").iterdir():
            pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
            self.assertGreater(min(pixels.shape[:2]), 400)
            self.assertGreater(pixels[..., :3].std(), 15, f"{path.name} is nearly empty")

    def testProvenance(self):
        self.profile("--interpolation", "linear", "--no-align")
        record = json.loads((self.output / "provenance.json").read_text())
        self.assertEqual((record["settings"]["interpolation"], record["settings"]["align"]), ("linear", False))
        self.assertEqual(len(record["inputs"]), 3)
        for entry in record["inputs"]:
            self.assertRegex(entry["sha256"], "^[0-9a-f]{64}$")
        for key in ("version", "command", "seed", "polarity", "filter", "echoes", "software"):
            self.assertIn(key, record)

    def testRerunGivesTheSameDigits(self):
        self.profile()
        again = self.folder / "again"
        done = run("rerun", self.output / "scene.mrb", "--output", again, "--no-figures")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for name in ("profile_measurements.tsv", "profiles.tsv", "profile_variants.tsv"):
            self.assertEqual((again / name).read_text(), (self.output / name).read_text(), name)

    def testRerunOfAnUnpackedScene(self):
        self.profile()
        shutil.unpack_archive(self.output / "scene.mrb", self.folder / "unpacked", "zip")
        (scene,) = (self.folder / "unpacked").rglob("*.mrml")
        done = run("rerun", scene, "--output", self.folder / "again", "--no-figures")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        tables = [folder / "profile_measurements.tsv" for folder in (self.output, self.folder / "again")]
        self.assertEqual(*(table.read_text() for table in tables))

    def testEchoes(self):
        array = self.rendered.array_KJI
        echoes = [(array * factor).astype(np.int16) for factor in (1.2, 1.0, 0.8)]
        writeImage(self.folder / "echoes.nii.gz", echoes, self.rendered.ijkToRAS)
        done = self.profile("--echo-times-ms", "10", "20", "30", image=self.folder / "echoes.nii.gz")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        record = json.loads((self.output / "provenance.json").read_text())
        self.assertEqual(record["echoes"], {"times_ms": [10.0, 20.0, 30.0], "combination": "mean"})
        (row,) = readTable(self.output / "profile_measurements.tsv")
        done = run("rerun", self.output / "scene.mrb", "--output", self.folder / "again", "--no-figures")
        self.assertEqual(done.returncode, 0, done.stderr)
        (again,) = readTable(self.folder / "again" / "profile_measurements.tsv")
        self.assertEqual(row, again)

    def testEchoesAsFiles(self):
        paths = []
        for index in range(2):
            paths.append(self.folder / f"echo{index}.nrrd")
            writeImage(paths[-1], self.rendered.array_KJI, self.rendered.ijkToRAS)
        echoes = ["--echo-times-ms", "10,20", "--echo-combination", "single", "--single-echo-ms", "20"]
        line, references = self.shared / "line2.mrk.json", self.shared / "references.seg.nrrd"
        files = ["--image", *paths, "--contour", f"mine={line}", "--references", references]
        done = run("profile", *files, "--output", self.output, "--resamples", "0", *echoes)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        (row,) = readTable(self.output / "profile_measurements.tsv")
        self.assertEqual((row["target"], row["side"], row["status"], row["sh_ci_low"]), ("mine", "n/a", "ok", "n/a"))

    def testRelativePathsAndSecondRuns(self):
        """The example of --help, typed twice in the folder of the exam; leftovers of the first run go."""
        self.assertEqual(self.profile(figures=True).returncode, 0)
        for _ in range(2):
            done = run("rerun", "out/scene.mrb", "--output", "again", "--no-figures", cwd=self.folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
        other = self.profile("--no-scene", contours=("mine=line2.mrk.json",), figures=True)
        self.assertEqual((other.returncode, other.stderr), (0, ""))
        names = {path.name for path in self.output.rglob("*")}
        self.assertIn("mine_fit.png", names)
        self.assertEqual(names & {"scene.mrb", "hand_knob_left_fit.png"}, set())

    def testResultsReplaceOlderOnesAndLeaveOtherFiles(self):
        self.output.mkdir()
        (self.output / "notes.txt").write_text("mine")
        (self.output / "profiles.tsv").write_text("old")
        self.assertEqual(self.profile("--no-scene").returncode, 0)
        self.assertEqual((self.output / "notes.txt").read_text(), "mine")
        self.assertNotEqual((self.output / "profiles.tsv").read_text(), "old")
        self.assertFalse((self.output / "scene.mrb").exists())
        self.assertEqual([path.name for path in self.folder.iterdir()], ["out"])


class HelpTest(unittest.TestCase):
    def testEveryCommandShowsAnExample(self):
        for command in ("demo", "profile", "rerun"):
            done = run(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(f"als-motor-cortex {command}", done.stdout.split("example:")[1])
            self.assertIn("not diagnostic", done.stdout)

    def testHelpNamesTheSeedThatIsUsed(self):
        for command, seed in (("profile", ProfileSettings().seed), ("study", StudySettings().seed)):
            self.assertRegex(" ".join(run(command, "--help").stdout.split()), rf"--seed SEED [\w ]+\({seed}\)")


class RefusalTest(CommandCase):
    """Exit 2, one line that says what was found, expected, and to do; nothing written."""

    runner = staticmethod(call)

    def assertRefused(self, done, pattern):
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        self.assertRegex(done.stderr, pattern)
        self.assertIn("expected", done.stderr)
        self.assertFalse(self.output.exists())
        self.assertEqual([path for path in self.folder.iterdir() if path.name.startswith(".")], [])

    def writeCurve(self, points, name="bad.mrk.json"):
        headless = HeadlessScene()
        node = mrml.addCurveNode(headless.scene, points, "bad", "hand_knob_left")
        writeNode(headless.scene, node, self.folder / name)
        return f"hand_knob_left={self.folder / name}"

    def testImages(self):
        text = self.folder / "image.nii.gz"
        text.write_text("this is no image")
        color = self.folder / "color.nrrd"
        sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5, 6, 3), np.uint8), isVector=True), str(color))
        four = self.folder / "four.nii.gz"
        writeImage(four, [self.rendered.array_KJI] * 3, self.rendered.ijkToRAS)
        for image, more, pattern in (
            ("missing.nii.gz", (), "no such file"),
            (self.shared, (), "a folder"),
            (text, (), "cannot be read as an image"),
            (color, (), "3 numbers per voxel"),
            (four, (), "4D with 3 volumes"),
            (four, ("--echo-times-ms", "10", "20"), "2 echo times given for 3 echoes"),
            ("image.nii.gz", ("--echo-times-ms", "10", "20"), "2 echo times given for 1 echoes"),
            (four, ("--echo-times-ms", "10", "x", "30"), "expected numbers in ms"),
            (four, ("--echo-times-ms", "10", "10", "30"), "all different"),
        ):
            with self.subTest(pattern=pattern):
                self.assertRefused(self.profile(*more, image=image), pattern)

    def testDamagedFiles(self):
        self.runner = run  # Slicer's reader may end the whole process
        whole = (self.shared / "image.nii.gz").read_bytes()
        broken = self.folder / "broken.nii.gz"
        broken.write_bytes(whole[: len(whole) // 2])
        self.assertRefused(self.profile(image=broken), "broken off")
        short = self.folder / "short.nii"
        writeImage(short, self.rendered.array_KJI, self.rendered.ijkToRAS)
        short.write_bytes(short.read_bytes()[:-1000])
        self.assertRefused(self.profile(image=short), "broken off|cannot be read")
        references = (self.shared / "references.seg.nrrd").read_bytes()
        half = self.folder / "half.seg.nrrd"
        half.write_bytes(references[:-40])
        self.assertRefused(self.profile(references=half), "broken off")

    def testNotANumberInNifti(self):
        """ITK's NIfTI reader makes 0 of them without a word."""
        array = self.rendered.array_KJI.astype(np.float32)
        for value in (np.nan, np.inf):
            array[2, 30, 30] = value
            path = self.folder / "values.nii.gz"
            writeImage(path, array, self.rendered.ijkToRAS)
            self.assertRefused(self.profile(image=path), "1 voxels that are NaN or infinite")

    def testCombinationWithoutEchoes(self):
        self.assertRefused(self.profile("--echo-combination", "r2star"), "r2star was asked of one image")

    def testContours(self):
        good = self.rendered.contours[0][2]
        noise = self.folder / "noise.mrk.json"
        noise.write_text("{}")
        for contour, pattern in (
            ("hand_knob_left=missing.mrk.json", "no such file"),
            (f"hand_knob_left={noise}", "not a markups file"),
            (f"hand_knob_left={self.shared / 'image.nii.gz'}", "not a markups file"),
            ("Hand Knob=line2.mrk.json", "is not a name"),
            (self.writeCurve(good[:3], "three.mrk.json"), "3 defined control points"),
            (self.writeCurve(good[:4] * 0.2 + good[0] * 0.8, "short.mrk.json"), "mm long"),
            (self.writeCurve(good + [300, 0, 0], "away.mrk.json"), "all control points outside"),
            (
                self.writeCurve(good + np.linspace(-1, 1, len(good))[:, None] * [0, 0, 1.4], "plane.mrk.json"),
                "leaves its",
            ),
        ):
            with self.subTest(pattern=pattern):
                self.assertRefused(self.profile(contours=(contour,)), pattern)

    def testReferences(self):
        text = self.folder / "text.seg.nrrd"
        text.write_text("no segmentation")
        self.assertRefused(self.profile(references=self.folder / "missing.seg.nrrd"), "no such file")
        self.assertRefused(self.profile(references=text), "cannot be read")
        headless = HeadlessScene()
        image = addVolumeNode(headless.scene, self.rendered.array_KJI, self.rendered.ijkToRAS, "image")
        masks = self.rendered.referenceMasks
        small = np.zeros_like(masks["Splenium"])
        small[tuple(np.argwhere(masks["Splenium"])[:10].T)] = True
        for name, found, pattern in (
            ("only", {"White matter": masks["White matter"]}, "expected a segment 'Splenium'"),
            ("half", {"Splenium": masks["Splenium"]}, "expected a segment 'White matter'"),
            ("small", {**masks, "Splenium": small}, r"covers 1\.5 mm2"),
            ("empty", {**masks, "Splenium": np.zeros_like(small)}, "is empty|expected a segment 'Splenium'"),
        ):
            with self.subTest(name=name):
                node = addSegmentationNode(headless.scene, found, image, name)
                path = self.folder / f"{name}.seg.nrrd"
                writeNode(headless.scene, node, path)
                self.assertRefused(self.profile(references=path), pattern)

    def testTargetsOnTwoSides(self):
        same = ("hand_knob_left=line2.mrk.json", "hand_knob_right=line2.mrk.json")
        self.assertRefused(self.profile(contours=same), "in the same place")

    def testValuesOfTheImage(self):
        for value, pattern in ((0, "has the mean 0"), (np.nan, "NaN or infinite")):
            array = self.rendered.array_KJI.astype(np.float32)
            array[0] = value
            path = self.folder / "values.nrrd"
            writeImage(path, array, self.rendered.ijkToRAS)
            self.assertRefused(self.profile(image=path), pattern)

    def testOutput(self):
        occupied = self.folder / "file"
        occupied.write_text("")
        for output in (occupied, occupied / "below"):
            self.output = output
            done = self.profile()
            self.assertEqual(done.returncode, 2)
            self.assertRegex(done.stderr, "expected a folder")
            self.assertEqual(occupied.read_text(), "")

    def testNothingIsReplacedWhereSomethingIsInTheWay(self):
        (self.output / "profiles.tsv").mkdir(parents=True)
        (self.output / "profile_measurements.tsv").write_text("old")
        done = self.profile()
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "is a folder that is in the way")
        self.assertEqual((self.output / "profile_measurements.tsv").read_text(), "old")

    def testDamagedScenes(self):
        headless = HeadlessScene()
        image = addVolumeNode(headless.scene, self.rendered.array_KJI, self.rendered.ijkToRAS, "image")
        line = mrml.addCurveNode(headless.scene, self.rendered.contours[0][2], "line", "hand_knob_left")
        references = addSegmentationNode(headless.scene, self.rendered.referenceMasks, image, "References")
        mrml.storeCase(headless.scene, mrml.CaseNodes((image,), (line,), references))
        whole = self.folder / "whole.mrb"
        saveScene(headless.scene, whole)
        broken = self.folder / "broken.mrb"
        broken.write_bytes(whole.read_bytes()[:-2000])
        self.assertRefused(run("rerun", broken, "--output", self.output), "expected a whole .mrb")
        shutil.unpack_archive(whole, self.folder / "unpacked", "zip")
        (scene,) = (self.folder / "unpacked").rglob("*.mrml")
        (segmentation,) = (self.folder / "unpacked").rglob("*.seg.nrrd")
        kept = segmentation.read_bytes()
        segmentation.write_bytes(kept[: len(kept) // 2])
        self.assertRefused(run("rerun", scene, "--output", self.output), "broken off")
        segmentation.write_bytes(kept)
        text = scene.read_text()
        for wrong, pattern in (
            ("seed &quot;: ", "settings stored in the scene"),
            ("&quot;seed&quot;: &quot;x", "setting seed"),
        ):
            changed = text.replace("&quot;seed&quot;: 20180163", wrong if "x" not in wrong else wrong + "&quot;")
            self.assertNotEqual(changed, text)
            scene.write_text(changed)
            self.assertRefused(run("rerun", scene, "--output", self.output), pattern)

    def testScenes(self):
        text = self.folder / "text.mrb"
        text.write_text("no scene")
        for scene, pattern in (
            (self.folder / "missing.mrb", "no such file"),
            (self.shared / "image.nii.gz", "expected .mrb or .mrml"),
            (text, "could not be read"),
        ):
            with self.subTest(pattern=pattern):
                self.assertRefused(call("rerun", scene, "--output", self.output), pattern)

    def testArguments(self):
        for arguments in ((), ("profile",), ("profile", "--contour", "x", "--output", "o"), ("nothing",)):
            done = run(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


class NamesTest(CommandCase):
    def testAnyTextIsAName(self):
        self.output = self.folder / "spa ce ünï 患者"
        done = self.profile("--subject", r"Müller $\foo$ 患者")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        (row,) = readTable(self.output / "profile_measurements.tsv")
        self.assertEqual(row["subject"], r"Müller $\foo$ 患者")
        again = self.folder / "again"
        done = run("rerun", self.output / "scene.mrb", "--output", again, "--no-figures")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(readTable(again / "profile_measurements.tsv"), [row])


class SingleSliceTest(CommandCase):
    def testSingleSliceVolume(self):
        """One slice can be measured where references lie in it too."""
        matrix = self.rendered.ijkToRAS.copy()
        matrix[:3, 3] += 2 * matrix[:3, 2]
        writeImage(self.folder / "single.nrrd", self.rendered.array_KJI[2:3], matrix)
        headless = HeadlessScene()
        image = addVolumeNode(headless.scene, self.rendered.array_KJI[2:3], matrix, "image")
        whiteMatter = self.rendered.referenceMasks["White matter"][2:3]
        masks = {"Splenium": np.roll(whiteMatter, -3, axis=1), "White matter": whiteMatter}
        node = addSegmentationNode(headless.scene, masks, image, "References")
        writeNode(headless.scene, node, self.folder / "single.seg.nrrd")
        done = self.profile(image=self.folder / "single.nrrd", references=self.folder / "single.seg.nrrd")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        (row,) = readTable(self.output / "profile_measurements.tsv")
        self.assertEqual(row["status"], "ok")


class DemoTest(unittest.TestCase):
    def testDemo(self):
        """The README's first command: both cases, measured from their saved scenes, beside the truth."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder) / "demo"
            done = run("demo", "--output", output)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("(true)", done.stdout)
            rows = readTable(output / "measured_vs_true.tsv")
            self.assertEqual(len(rows), 8)
            for row in rows:
                if row["sh_true"] == "n/a":
                    self.assertEqual((row["status"], row["sh"]), ("no_band", "n/a"))
                else:
                    self.assertEqual(row["status"], "ok")
                    limit = 6.0 if row["subject"] == "phantom-als" else 30.0
                    self.assertLess(abs(float(row["error_percent"])), limit)
            als, control = (
                min(float(r["sh_thk_per_mm"]) for r in rows if r["subject"] == "phantom-als"),
                max(float(r["sh_thk_per_mm"]) for r in rows if r["subject"] != "phantom-als" and r["sh"] != "n/a"),
            )
            self.assertGreater(als, 1.5 * control)
            for subject in ("phantom-als", "phantom-control"):
                self.assertTrue((output / subject / "scene.mrb").is_file())
                self.assertEqual(len(list((output / subject / "figures").glob("*.png"))), 13)
            phaseRows = readTable(output / "phase_measured_vs_true.tsv")
            self.assertEqual(len(phaseRows), 28)
            for row in phaseRows:
                # Noise, and what homodyne leaves of the background.
                self.assertLess(abs(float(row["difference_rad"])), 0.03)
                self.assertLess(float(row["phase_rad"]), 0)
            als, control = (
                [float(r["phase_rad"]) for r in phaseRows if (r["subject"], r["region"]) == (s, "precentral_gyrus")]
                for s in ("phantom-als-phase", "phantom-control-phase")
            )
            self.assertLess(max(als), min(control))
            for subject in ("phantom-als-phase", "phantom-control-phase"):
                self.assertTrue((output / subject / "scene.mrb").is_file())
                self.assertEqual(len(list((output / subject / "figures").glob("*.png"))), 7)
            for subject in {row["subject"] for row in (*rows, *phaseRows)}:
                self.assertMeasuredAgain(output / subject)

    def assertMeasuredAgain(self, folder):
        """`rerun` of the scene that was saved with the results gives every table again, byte for byte."""
        again = folder.parent / f"{folder.name}-again"
        done = call("rerun", folder / "scene.mrb", "--output", again, "--no-figures")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        names = sorted(path.name for path in folder.glob("*.tsv"))
        self.assertGreaterEqual(len(names), 3)
        for name in names:
            self.assertEqual((again / name).read_bytes(), (folder / name).read_bytes(), f"{folder.name}/{name}")


if __name__ == "__main__":
    unittest.main()
