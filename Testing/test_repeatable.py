"""The same input gives the same digits: from the record of a run, and whatever the number of threads."""

import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

import numpy as np
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.phasePhantom import addPhaseCaseToScene, storedPhase
from ALSStudyLib.provenance import sha256
from commandTestCases import CommandCase, call, writeImage, writeNode
from phaseTestCases import rendered

BOTH = """
import sys
from ALSStudyLib.commandLine import main
sys.exit(max(main(sys.argv[1:at]) or main(sys.argv[at:]) for at in [sys.argv.index("phase")]))
"""
ONE_CORE = "import os; hasattr(os, 'sched_setaffinity') and os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "VTK_SMP_MAX_THREADS"),
)


def tables(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*.tsv")}


class RepeatableTest(CommandCase):
    runner = staticmethod(call)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = rendered(shape_IJK=(80, 72, 14))
        writeImage(cls.shared / "phase.nii.gz", storedPhase(made.phaseRad_KJI, "siemens"), made.case.ijkToRAS)
        writeImage(cls.shared / "magnitude.nrrd", np.rint(made.magnitude_KJI).astype(np.int16), made.case.ijkToRAS)
        scene = HeadlessScene().scene
        writeNode(scene, addPhaseCaseToScene(scene, made).regions, cls.shared / "regions.seg.nrrd")
        cls.profileArguments = (
            *("profile", "--image", cls.shared / "image.nii.gz", "--references", cls.shared / "references.seg.nrrd"),
            *(f"--contour=hand_knob_left={cls.shared}/line{index}.mrk.json" for index in (2, 3)),
            *("--resamples", 60, "--seed", 7, "--window-policy", "zero_crossing", "--subject", "P1", "--no-figures"),
        )
        cls.phaseArguments = (
            *("phase", "--phase", cls.shared / "phase.nii.gz", "--encoding", "siemens", "--filter", "laplacian"),
            *("--magnitude", cls.shared / "magnitude.nrrd", "--regions", cls.shared / "regions.seg.nrrd"),
            *("--polarity", "paramagnetic_negative", "--echo-time-ms", 19.125, "--field-strength-t", 2.9),
            *("--kernel-lines", 18, "--slice-rule", "consecutive", "--pixel-rule=putamen=free", "--no-figures"),
        )

    def ran(self, *arguments, output):
        done = call(*arguments, "--output", output, "--no-scene")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return tables(output)

    def testRecordIsEnoughToRepeatARun(self):
        """Arguments, seed and the sums of all inputs."""
        for given, nInputs in ((self.profileArguments, 4), (self.phaseArguments, 3)):
            with self.subTest(command=given[0]):
                first = self.ran(*given, output=self.folder / given[0])
                record = json.loads((self.folder / given[0] / "provenance.json").read_text(encoding="utf-8"))
                self.assertEqual(len(record["inputs"]), nInputs)
                for entry in record["inputs"]:
                    self.assertEqual(sha256(entry["path"]), entry["sha256"])
                if given[0] == "profile":
                    self.assertEqual((record["seed"], record["settings"]["seed"]), (7, 7))
                again = list(record["arguments"])
                at = again.index("--output")
                again[at + 1] = str(self.folder / "again" / given[0])
                done = call(*again)
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(tables(Path(again[at + 1])), first)
                self.assertGreaterEqual(len(first), 3)

    def testAnotherSeedGivesOtherLimitsAndTheSameValues(self):
        one, other = (
            self.ran(*self.profileArguments, f"--seed={seed}", output=self.folder / str(seed)) for seed in (7, 8)
        )
        self.assertNotEqual(one["profile_measurements.tsv"], other["profile_measurements.tsv"])
        self.assertEqual(one["profile_variants.tsv"], other["profile_variants.tsv"])

    def testOneThreadOrMany(self):
        """Of BLAS, OpenMP, ITK and VTK, and one core or all: a process of one thread finds the digits of this one."""
        expected, words = {}, []
        for arguments in (self.profileArguments, self.phaseArguments):
            expected |= self.ran(*arguments, output=self.folder / arguments[0])
            words += map(str, (*arguments, "--output", self.folder / f"{arguments[0]}1", "--no-scene"))
        done = subprocess.run(
            [sys.executable, "-c", ONE_CORE + BOTH, *words],
            env={**os.environ, **dict.fromkeys(THREADS, "1")},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(expected), 7)
        found = tables(self.folder / "profile1") | tables(self.folder / "phase1")
        for name, content in expected.items():
            self.assertEqual(found[name], content, name)


if __name__ == "__main__":
    unittest.main()
