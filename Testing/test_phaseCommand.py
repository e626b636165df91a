"""`als-motor-cortex phase` as a user types it: in a process of its own, on files, with good and bad input."""

import json
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from commandTestCases import call, run, writeImage, writeNode
from phaseTestCases import rendered
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.mrmlNodes import addVolumeNode
from ALSStudyLib.phasePhantom import storedComplex, storedPhase
from ALSStudyLib.tables import readTable
from PhaseShiftROILib import mrml
from PhaseShiftROILib.phaseTables import MEASUREMENT_COLUMNS, WIDE_COLUMNS

TABLES = ("phase_measurements", "phase_slices", "phase_regions", "phase_wide")
CONTRACT = (
    "subject exam region side rank slice phase_rad sd_rad phase_hz phase_ppb retention n_pixels area_mm2 rule flags"
).split()


class PhaseCommandCase(unittest.TestCase):
    """Files of the small head: siemens.nii.gz, mrad.nii.gz, radians.nrrd, real and imaginary, Regions.seg.nrrd."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        made = rendered()
        matrix = made.case.ijkToRAS
        real, imaginary = storedComplex(made)
        flippedReal, flippedImaginary = storedComplex(made, signFlips=True)
        files = {
            "siemens.nii.gz": storedPhase(made.phaseRad_KJI, "siemens"),
            "scaled.nii.gz": (2 * storedPhase(made.phaseRad_KJI, "siemens").astype(np.int32) - 4096).astype(np.int16),
            "mrad.nii.gz": storedPhase(made.phaseRad_KJI, "philips_mrad"),
            "radians.nrrd": made.phaseRad_KJI,
            "magnitude.nii.gz": np.rint(made.magnitude_KJI).astype(np.int16),
            "real.nii.gz": real,
            "imaginary.nii.gz": imaginary,
            "flipped_real.nii.gz": flippedReal,
            "flipped_imaginary.nii.gz": flippedImaginary,
        }
        for name, array in files.items():
            writeImage(cls.shared / name, array, matrix)
        headless = HeadlessScene()
        grid = addVolumeNode(headless.scene, made.phaseRad_KJI, matrix, "grid")
        masks = {**made.masks_KJI, "my_region": np.zeros(made.phaseRad_KJI.shape, dtype=bool)}
        writeNode(headless.scene, mrml.addRegionsNode(headless.scene, masks, grid), cls.shared / "Regions.seg.nrrd")
        coarse = matrix @ np.diag([2, 2, 1, 1])
        grid = addVolumeNode(headless.scene, made.phaseRad_KJI[:, ::2, ::2], coarse, "coarse")
        mask = {"putamen_left": made.masks_KJI["putamen_left"][:, ::2, ::2]}
        other = mrml.addRegionsNode(headless.scene, mask, grid, "Other")
        writeNode(headless.scene, other, cls.shared / "Other.seg.nrrd")

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.output = self.folder / "out"

    def arguments(self, **changes):
        """Options by name; None leaves one out, True gives it without a value."""
        options = {
            "phase": self.shared / "siemens.nii.gz",
            "encoding": "siemens",
            "magnitude": self.shared / "magnitude.nii.gz",
            "filter": "homodyne",
            "kernel_mm": 7.5,
            "echo_time_ms": 19,
            "field_strength_t": 3,
            "polarity": "paramagnetic_negative",
            "regions": self.shared / "Regions.seg.nrrd",
            "output": self.output,
            **changes,
        }
        found = []
        for name, value in options.items():
            if value is not None:
                found += [f"--{name.replace('_', '-')}", *([] if value is True else [value])]
        return found

    def phase(self, *more, **changes):
        return call("phase", *self.arguments(**changes), "--no-scene", "--no-figures", *more)

    def measured(self, *more, **changes):
        done = self.phase(*more, **changes)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return readTable(self.output / "phase_measurements.tsv")

    def assertSameTables(self, again):
        for name in TABLES:
            self.assertEqual((again / f"{name}.tsv").read_text(), (self.output / f"{name}.tsv").read_text(), name)

    def refused(self, words, *more, code=2, **changes):
        done = self.phase(*more, **changes)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, words)
        self.assertFalse(self.output.exists())
        self.assertEqual(list(self.folder.iterdir()), [])


def values(rows):
    return np.array([float(row["phase_rad"]) for row in rows if row["phase_rad"] != "n/a"])


class WholeRunTest(PhaseCommandCase):
    """One run in a process of its own, with figures and scene."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.output = cls.shared / "whole"
        cls.done = run("phase", *cls.arguments(cls), "--subject", "P012", "--exam", "2")

    def setUp(self):
        super().setUp()
        self.output = self.shared / "whole"

    def testTables(self):
        self.assertEqual((self.done.returncode, self.done.stderr), (0, ""))
        self.assertIn("P012 2 | Precentral gyrus, right: slice 12 -0.2", self.done.stdout)
        rows = readTable(self.output / "phase_measurements.tsv")
        self.assertEqual(list(rows[0]), CONTRACT)
        self.assertEqual(CONTRACT, [column.name for column in MEASUREMENT_COLUMNS])
        self.assertEqual(len(rows), 15)
        self.assertEqual((rows[0]["subject"], rows[0]["exam"], rows[0]["rule"]), ("P012", "2", "ranked"))
        self.assertEqual([row["slice"] for row in rows[:3]], ["12", "9", "11"])
        truth = rendered().truthRad
        for row in rows[:6]:
            true = truth[f"{row['region']}_{row['side']}"][int(row["slice"])]
            self.assertAlmostEqual(float(row["phase_rad"]), true * float(row["retention"]), delta=0.02)
            self.assertAlmostEqual(float(row["phase_hz"]), float(row["phase_rad"]) / (2 * np.pi * 0.019), places=5)
        blank = rows[-1]
        self.assertEqual((blank["region"], blank["phase_rad"], blank["rank"]), ("my_region", "n/a", "n/a"))
        self.assertIn("empty_region", blank["flags"])
        slices = readTable(self.output / "phase_slices.tsv")
        self.assertEqual(list(slices[0]), [*CONTRACT, "selected"])
        self.assertEqual(sum(row["selected"] == "1" for row in slices), 14)
        self.assertEqual(len(slices), sum(map(len, truth.values())) + 1)
        (wide,) = readTable(self.output / "phase_wide.tsv")
        self.assertEqual(list(wide), [column.name for column in WIDE_COLUMNS])
        self.assertEqual(wide["R1"], rows[0]["phase_rad"])
        for name in TABLES:
            dictionary = json.loads((self.output / f"{name}.json").read_text())
            self.assertEqual(list(dictionary), list(readTable(self.output / f"{name}.tsv")[0]))
        self.assertEqual(dictionary["R1"]["Units"], "rad")

    def testFiguresAreDrawn(self):
        names = {path.name for path in (self.output / "figures").iterdir()}
        structures = ("precentral_gyrus", "frontal_cortex", "caudate_nucleus", "globus_pallidus", "putamen")
        self.assertEqual(names, {f"phase_{slug}.png" for slug in (*structures, "steps", "slices")})
        for path in (self.output / "figures").iterdir():
            pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
            self.assertGreater(min(pixels.shape[:2]), 400)
            self.assertGreater(pixels[..., :3].std(), 15, f"{path.name} is nearly empty")

    def testProvenance(self):
        record = json.loads((self.output / "provenance.json").read_text())
        self.assertEqual(record["polarity"], "paramagnetic_negative")
        self.assertIn("homodyne (2D), 22.87 x 20.58 lines", record["filter"])
        self.assertEqual(record["phase"]["filter_details"]["kind"], "homodyne")
        self.assertEqual(record["settings"]["kernelMm"], 7.5)
        self.assertEqual(len(record["inputs"]), 3)
        self.assertEqual(len(record["phase"]["polarity_checks"]), 3)
        self.assertEqual(len(record["outputs"]), len(set(record["outputs"])))
        for name in record["outputs"]:
            self.assertTrue((self.output / name).is_file(), name)

    def testRerunGivesTheSameDigits(self):
        again = self.folder / "again"
        done = run("rerun", self.output / "scene.mrb", "--output", again)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertSameTables(again)


class OneExamTest(PhaseCommandCase):
    def testEveryEncodingGivesTheSameValues(self):
        expected = values(self.measured())
        for phase, encoding in (
            ("scaled.nii.gz", "siemens"),
            ("mrad.nii.gz", "philips_mrad"),
            ("radians.nrrd", "radians"),
        ):
            with self.subTest(phase=phase):
                found = values(self.measured(phase=self.shared / phase, encoding=encoding))
                np.testing.assert_allclose(found, expected, atol=1e-3)
        found = values(
            self.measured(
                phase=None, encoding=None, magnitude=None,
                real=self.shared / "real.nii.gz", imaginary=self.shared / "imaginary.nii.gz",
            )
        )  # fmt: skip
        np.testing.assert_allclose(found, expected, atol=2e-3)

    def testRerunGivesTheSameDigits(self):
        for changes in ({"filter": "laplacian", "slice_rule": "consecutive"}, {"filter": "none"}):
            with self.subTest(changes=changes):
                done = call("phase", *self.arguments(**changes), "--subject", "P 1", "--no-figures")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                again = self.folder / "again"
                done = call("rerun", self.output / "scene.mrb", "--output", again, "--no-figures")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertSameTables(again)

    def testConsecutive(self):
        rows = self.measured(slice_rule="consecutive")
        self.assertEqual(sorted(row["slice"] for row in rows[:3]), ["10", "11", "12"])
        self.assertEqual(rows[0]["rule"], "consecutive")

    def testUnknownPolarityHasNoWordOfIron(self):
        done = self.phase(polarity="unknown")
        self.assertEqual(done.returncode, 0)
        self.assertNotRegex(done.stdout, "(?i)iron")
        for path in self.output.rglob("*"):
            if path.suffix in (".tsv",):
                self.assertNotRegex(path.read_text(), "(?i)\\biron\\b", path.name)
        rows = readTable(self.output / "phase_measurements.tsv")
        self.assertTrue(all("polarity_unknown" in row["flags"] for row in rows))
        self.assertEqual(len(values(rows)), 14)

    def testAlreadyFilteredPlusFilterIsAWarningInTheTable(self):
        rows = self.measured("--already-filtered")
        self.assertTrue(all("filter_on_filtered_phase" in row["flags"] for row in rows))
        kept = self.measured("--already-filtered", filter="none")
        self.assertTrue(all("does_not_look_filtered" in row["flags"] for row in kept))
        self.assertEqual({row["retention"] for row in kept}, {"n/a"})
        kernel = self.measured("--filtered-lines", "23", filter="none")
        self.assertTrue(all(0.5 < float(row["retention"]) < 1 for row in kernel[:-1]))

    def testSignFlipsAreOfferedNotCorrected(self):
        complexFiles = {
            "phase": None,
            "encoding": None,
            "real": self.shared / "flipped_real.nii.gz",
            "imaginary": self.shared / "flipped_imaginary.nii.gz",
        }
        rows = self.measured(**complexFiles)
        self.assertTrue(all("sign_flips_found_not_corrected" in row["flags"] for row in rows))
        corrected = self.measured("--correct-sign-flips", filter="laplacian", **complexFiles)
        self.assertTrue(all("sign_flips_corrected" in row["flags"] for row in corrected))
        plain = self.measured(filter="laplacian")
        np.testing.assert_allclose(values(corrected), values(plain), atol=3e-3)

    def testPixelRules(self):
        rows = self.measured("--pixel-rule", "precentral_gyrus=22-25", "--pixel-rule", "caudate_nucleus=free")
        self.assertEqual(rows[0]["flags"], "21_pixels_outside_22-25")
        self.assertNotEqual(rows[0]["phase_rad"], "n/a")

    def testRegionsOfAnotherGrid(self):
        other = self.shared / "Other.seg.nrrd"
        self.refused("'putamen_left' is painted on another grid.*resampled", regions=other)
        (row,) = self.measured("--resample-regions", regions=other)
        self.assertIn("region_resampled", row["flags"])


class BidsTest(PhaseCommandCase):
    def sidecar(self, content, image="radians.nrrd"):
        folder = self.folder / "bids"
        folder.mkdir(exist_ok=True)
        volume = sitk.ReadImage(str(self.shared / image))
        sitk.WriteImage(volume, str(folder / "sub-01_part-phase.nii.gz"))
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / "sub-01_part-phase.json").write_text(text)
        return {"phase": folder / "sub-01_part-phase.nii.gz", "encoding": "bids"}

    def refusedSidecar(self, words, content, **more):
        done = self.phase(**{**self.sidecar(content), **more})
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, words)

    def testSidecarSaysUnitEchoTimeAndField(self):
        files = self.sidecar({"Units": "rad", "EchoTime": 0.019, "MagneticFieldStrength": 3})
        found = self.measured(**files, echo_time_ms=None, field_strength_t=None)
        expected = self.measured()
        np.testing.assert_allclose(values(found), values(expected), atol=1e-3)
        self.assertAlmostEqual(float(found[0]["phase_hz"]) / float(expected[0]["phase_hz"]), 1, delta=0.01)
        inputs = json.loads((self.output / "provenance.json").read_text())["inputs"]
        self.assertEqual(len(inputs), 3)

    def testEchoTimeOfTheSidecarServesOtherEncodingsToo(self):
        files = self.sidecar({"EchoTime": 0.019}, "siemens.nii.gz")
        rows = self.measured(**{**files, "encoding": "siemens"}, echo_time_ms=None)
        np.testing.assert_allclose(values(rows), values(self.measured()), atol=1e-9)

    def testRefusals(self):
        self.refusedSidecar("no Units", {"EchoTime": 0.019})
        self.refusedSidecar("Units 'arbitrary'", {"Units": "arbitrary"})
        self.refusedSidecar("EchoTime 19; expected seconds", {"Units": "rad", "EchoTime": 19})
        self.refusedSidecar("no echo time", {"Units": "rad"}, echo_time_ms=None)
        self.refusedSidecar("given as 19 ms, but .* says 25 ms", {"Units": "rad", "EchoTime": 0.025})
        self.refusedSidecar("is not JSON", "{")
        shutil.rmtree(self.folder / "bids")
        self.refused("no sidecar", encoding="bids")


class RefusalTest(PhaseCommandCase):
    def testNoEncodingNoValue(self):
        self.refused("without --encoding; expected radians, siemens", encoding=None)

    def testRangeThatContradictsTheEncoding(self):
        self.refused("declared radians but holds 0 to 4095", encoding="radians")
        self.refused("declared philips_mrad but holds 0 to 4095", encoding="philips_mrad")
        self.refused("declared siemens but holds -314\\d to 314\\d", phase=self.shared / "mrad.nii.gz")

    def testImagesThatDoNotBelongTogether(self):
        self.refused("--real; expected --phase", phase=None, encoding=None, real=self.shared / "real.nii.gz")
        self.refused("expected --phase", real=self.shared / "real.nii.gz", imaginary=self.shared / "imaginary.nii.gz")
        self.refused("leave it out", phase=None, real=self.shared / "r.nii", imaginary=self.shared / "i.nii")

    def testMissingAndBrokenFiles(self):
        self.refused("no such file", phase=self.shared / "nothing.nii.gz")
        self.refused("no such file", regions=self.shared / "nothing.seg.nrrd")
        self.refused("no DICOM", encoding="dicom")
        self.refused("Regions .* cannot be read", regions=Path(__file__))
        self.refused("Regions .*magnitude.nii.gz' names no segment", regions=self.shared / "magnitude.nii.gz")
        self.refused("below 0", magnitude=self.shared / "real.nii.gz")

    def testWhatIsNotAMeasurement(self):
        self.refused("no echo time", echo_time_ms=None)
        self.refused("-3 as its field strength", field_strength_t="-3")
        self.refused("argument --polarity", polarity="negative")
        self.refused("150 x 150 k-space lines", kernel_mm=None, kernel_lines=150)
        self.refused("at least 4", kernel_mm=None, kernel_lines=2)
        self.refused("Pixel rule 'x'", "--pixel-rule", "x")
        self.refused("maskPower", "--mask-power", "0")

    def testOtherOutputIsLeftAlone(self):
        self.output.mkdir()
        (self.output / "notes.txt").write_text("mine")
        done = self.phase(encoding="radians")
        self.assertEqual(done.returncode, 2)
        self.assertEqual([path.name for path in self.output.iterdir()], ["notes.txt"])

    def testSubjectStaysOnOneLine(self):
        done = self.phase("--subject", "P\t1\nq")
        self.assertTrue(all(line.startswith("P 1 q | ") for line in done.stdout.splitlines()), done.stdout)

    def testReaderOfTheLogMayGoAway(self):
        command = f"{sys.executable} -m ALSStudyLib phase " + " ".join(map(str, self.arguments()))
        command += " --no-scene --no-figures | head -n 1"
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
        self.assertEqual(done.stderr, "")
        self.assertEqual(len(done.stdout.splitlines()), 1)

    def testHelpHasAnExample(self):
        done = run("phase", "--help")
        self.assertEqual(done.returncode, 0)
        self.assertIn("--polarity paramagnetic_negative", done.stdout)


if __name__ == "__main__":
    unittest.main()
