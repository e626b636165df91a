"""`als-motor-cortex batch` as a registry uses it: many exams, bad ones among them, kills and full disks between."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

from testPackages import needs

needs("distributed", "pebble", "psutil")

import psutil
from ALSStudyLib.batchCommand import progressText
from ALSStudyLib.caseList import Case
from ALSStudyLib.engines import completed, localEngine
from ALSStudyLib.errors import InputError
from ALSStudyLib.examRecord import jobOf
from ALSStudyLib.recordFile import RECORDS_NAME, RecordFile
from ALSStudyLib.tables import readTable
from batchTestCases import PHASE_SETTINGS, TABLES, BatchCase, childrenOf, isRunning, lineCount, tablesIn, until
from commandTestCases import call, run

FAST = ("--resamples", 60)


def limitFiles():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


class ResultsTest(BatchCase):
    def testRowsAreThoseOfTheSingleCommands(self):
        rows = [
            self.profileRow("P1"),
            self.phaseRow("P2"),
            {"subject": "P3", "exam": "2", "scene": self.shared / "scene.mrb", "align": "no"},
            self.profileRow("P4", resamples="80", align="no", literal="no"),
            {**self.phaseRow("P5"), **self.profileRow("P5")},
        ]
        done = run("batch", self.writeCases(rows), "--output", self.output, *FAST, "--workers", 2)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, "5 of 5 exams measured")
        singles = self.singleRuns()
        for name in TABLES:
            wanted = [row for folder in singles for row in readTable(folder / f"{name}.tsv")]
            self.assertEqual(readTable(self.output / f"{name}.tsv"), wanted, name)
            self.assertTrue((self.output / f"{name}.json").is_file())
        cases = readTable(self.output / "cases.tsv")
        self.assertEqual([row["kind"] for row in cases], ["profile", "phase", "profile", "profile", "phase+profile"])
        self.assertEqual({(row["status"], row["error"]) for row in cases}, {("ok", "n/a")})
        names = "the scene names the subject 'arc'; the scene names the exam '1'"
        self.assertEqual(cases[2]["note"], f"{names}; align not used: a scene has its own settings")
        record = json.loads((self.output / "provenance.json").read_text())
        self.assertEqual(len(record["inputs"]), 7)
        self.assertEqual(record["cases"], {"ok": 5})
        self.assertEqual(record["settings"]["profile"]["resamples"], 60)
        self.assertEqual(record["arguments"][-2:], ["--workers", "2"])

    def singleRuns(self):
        """Folders of `profile`, `phase` and `rerun`, those of profiles and phases in the order of the rows."""
        files, found = self.shared, []
        phase = ["--phase", files / "phase.nii.gz", "--regions", files / "Regions.seg.nrrd"]
        profile = ["--image", files / "image.nii.gz", "--contour", f"hand_knob_left={files / 'line2.mrk.json'}"]
        profile += ["--references", files / "references.seg.nrrd"]
        settings = [f"--{name.replace('_', '-')}={value}" for name, value in PHASE_SETTINGS.items()]
        for subject, arguments in (
            ("P1", ["profile", *profile, *FAST]),
            ("P2", ["phase", *phase, *settings]),
            ("P3", ["rerun", files / "scene.mrb", "--exam", "2"]),
            ("P4", ["profile", *profile, "--resamples", 80, "--no-align"]),
            ("P5", ["phase", *phase, *settings]),
            ("P5", ["profile", *profile, *FAST]),
        ):
            folder = self.folder / f"single{len(found)}"
            more = ["--exam", "1"] if arguments[0] != "rerun" else []
            done = call(*arguments, "--subject", subject, *more, "--output", folder, "--no-figures")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            for name in TABLES:
                if not (folder / f"{name}.tsv").is_file():
                    shutil.copy(self.emptyTable(name), folder / f"{name}.tsv")
            found.append(folder)
        return found

    def emptyTable(self, name):
        path = self.folder / f"{name}.tsv"
        path.write_text("subject\n")
        return path

    def testBadRowsNeverStopTheRest(self):
        rows = [
            self.profileRow("P1"),
            self.profileRow("P2", image=self.shared / "missing.nii.gz"),
            self.profileRow("P3", references=""),
            self.profileRow("P4", interpolation="wrong"),
            self.profileRow("P5", align="perhaps"),
            self.profileRow("", exam="1"),
            self.profileRow("P7", scene=self.shared / "scene.mrb"),
            {"subject": "P8", "exam": "1"},
            self.profileRow("P1"),
            self.phaseRow("P10", polarity=""),
            self.phaseRow("P11", regions=self.shared / "references.seg.nrrd"),
            {"subject": "P12", "scene": self.shared / "gone.mrb"},
            self.profileRow("P13", contours=f"hand_knob_left={self.shared / 'references.seg.nrrd'}"),
            self.profileRow("P14", single_echo_ms="nan"),
        ]
        done = call("batch", self.writeCases(rows), "--output", self.output, *FAST)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "2 of 14 exams measured, 12 cannot be used")
        cases = readTable(self.output / "cases.tsv")
        self.assertEqual([row["status"] for row in cases], ["ok", *["failed"] * 12, "ok"])
        for row, pattern in zip(
            cases[1:13],
            (
                "no such file", "has no references", "invalid choice: 'wrong'", "expected yes or no", "no subject",
                "a scene and files", "names no file", "as line 2; expected one", "polarity", "grid|segment|region",
                "no such file", "not a markups file",
            ),
            strict=True,
        ):  # fmt: skip
            self.assertRegex(row["error"], pattern)
            self.assertRegex(row["error"], "expected")
        table = readTable(self.output / "profile_measurements.tsv")
        phase = readTable(self.output / "phase_measurements.tsv")
        self.assertEqual(len(table) + len(phase), 14)
        for row in table:
            self.assertEqual(
                row["status"], "ok" if row["subject"] in ("P1", "P14") and row["sh"] != "n/a" else "invalid_input"
            )
        broken = next(row for row in table if row["subject"] == "P2")
        self.assertEqual((broken["target"], broken["side"], broken["sh"]), ("hand_knob_left", "left", "n/a"))
        self.assertRegex(broken["flags"], "no such file")
        self.assertTrue(phase[0]["flags"].startswith("invalid_input;"))
        self.assertEqual(phase[0]["phase_rad"], "n/a")
        again = call("study", "--measurements", self.output / "profile_measurements.tsv", "--output", self.folder / "s")
        self.assertEqual(again.returncode, 0, again.stderr)  # it is read as a table of measurements

    def testAStudyOfABatchKnowsHowEachExamWasAcquired(self):
        from ALSStudyLib.studyTables import readStudy

        rows = [
            self.phaseRow("P1"),
            self.phaseRow("P2", filter="laplacian", high_pass_sigma_mm="5"),
            self.profileRow("P3"),
        ]
        call("batch", self.writeCases(rows), "--output", self.output, *FAST)
        frame = readStudy([self.output / "phase_measurements.tsv"]).values
        found = {subject: set(frame[frame["subject"] == subject]["filter"]) for subject in ("P1", "P2")}
        for subject, pattern in (("P1", "homodyne"), ("P2", "aplacian")):
            (text,) = found[subject]
            self.assertRegex(text, pattern)
        self.assertEqual(set(frame["echo_time_ms"]), {"19"})

    def testTheListIsNotReplaced(self):
        path = self.folder / "cases.tsv"
        path.write_text("subject\tscene\nP1\ta.mrb\n")
        done = call("batch", path, "--output", self.folder)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "would replace the list")

    def testNamesThatAreNoText(self):
        folder = self.folder / os.fsdecode(b"M\xfcller")
        folder.mkdir()
        (folder / "CASES.csv").write_text("subject,scene,single_echo_ms\nP1,gone.mrb,nan\n")
        done = call("batch", folder / "CASES.csv", "--output", self.output)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(readTable(self.output / "cases.tsv")[0]["error"], "no such file")

    def testListsThatCannotBeUsed(self):
        for text, pattern in (
            ("", "is empty"),
            ("subject,exam\nP1,1\n", "expected subject, exam, and scene"),
            ("subject,exam,scene\n", "has no rows"),
            ("subject,scene,polarty\nP1,a.mrb,x\n", "expected 'polarity'"),
            ("subject,scene,scene\nP1,a.mrb,x\n", "twice"),
        ):
            path = self.folder / "list.csv"
            path.write_text(text)
            done = call("batch", path, "--output", self.output)
            self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
            self.assertRegex(done.stderr, pattern)
            self.assertFalse(self.output.exists())

    def testExamFolders(self):
        path = self.writeCases(
            [
                self.profileRow("P/1"),
                self.profileRow("P?1"),
                {"scene": self.shared / "scene.mrb"},
                self.profileRow("P3", image=self.shared / "gone.nii"),
            ]
        )
        done = call("batch", path, "--output", self.output, *FAST, "--exam-folders", "--no-figures")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        folders = sorted(self.output.glob("exams/*"))
        self.assertEqual([folder.name for folder in folders], ["P_1_1", "P_1_1_2", "scene"])
        for folder in folders:
            self.assertTrue((folder / "scene.mrb").is_file() and (folder / "provenance.json").is_file())
        shutil.rmtree(folders[1])
        done = call("batch", path, "--output", self.output, *FAST, "--exam-folders", "--no-figures")
        self.assertRegex(done.stdout, "3 of 4 exams were done before; 1 are left")
        self.assertTrue(folders[1].is_dir())


class FaultsTest(BatchCase):
    _wanted = None

    def setUp(self):
        super().setUp()
        self.rows = [self.profileRow(f"P{n}", seed=str(n), resamples="1500") for n in range(8)]
        self.cases = self.writeCases(self.rows)
        self.command = ("batch", self.cases, "--output", self.output)
        self.records = self.output / RECORDS_NAME

    def wanted(self):
        """What an uninterrupted run of one process gives."""
        if FaultsTest._wanted is None:
            folder = self.folder / "wanted"
            done = call("batch", self.cases, "--output", folder)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            FaultsTest._wanted = tablesIn(folder)
        return FaultsTest._wanted

    def testKilledAndResumed(self):
        """Twice, with one worker and with two: nothing repeated, nothing lost, the same bytes."""
        for workers in (1, 2):
            self.killAfterTwoMore(workers)
            self.assertFalse((self.output / "cases.tsv").exists())
        with open(self.records, "ab") as file:
            file.write(b'{"key": "half a li')  # a kill in the middle of a line
        kept = self.records.read_bytes().splitlines()[:-1]
        self.assertTrue(4 <= len(kept) < len(self.rows), len(kept))
        done = call(*self.command)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, f"{len(kept)} of 8 exams were done before")
        lines = self.records.read_bytes().splitlines()
        self.assertEqual(len(lines), len(self.rows))
        self.assertLessEqual(set(kept), set(lines))  # the same records, with the seconds they took
        self.assertEqual([json.loads(line)["subject"] for line in lines], [row["subject"] for row in self.rows])
        self.assertEqual(tablesIn(self.output), self.wanted())

    def killAfterTwoMore(self, workers):
        process = self.start(*self.command, "--workers", workers)
        before = lineCount(self.records)
        until(lambda: lineCount(self.records) > before + 1)
        process.send_signal(signal.SIGSTOP)  # nothing more happens while its processes are looked for
        children = childrenOf(process)
        process.kill()
        process.wait()
        until(lambda: not any(isRunning(child) for child in children))  # they end when their parent is gone

    def testDeadWorkerIsItsOwnRowAlone(self):
        process = self.start(*self.command)
        until(lambda: lineCount(self.records) > 1)
        childrenOf(process)[0].kill()
        _, stderr = process.communicate(timeout=120)
        self.assertEqual((process.returncode, stderr), (0, b""))
        statuses = [row["status"] for row in readTable(self.output / "cases.tsv")]
        self.assertEqual(sorted(statuses), ["broken"] + ["ok"] * 7)
        broken = readTable(self.output / "profile_measurements.tsv")[statuses.index("broken")]
        self.assertRegex(broken["flags"], r"ended \(SIGKILL\)")
        done = call(*self.command)
        self.assertRegex(done.stdout, "7 of 8 exams were done before")
        self.assertEqual(tablesIn(self.output), self.wanted())

    def testTimeLimit(self):
        done = call("batch", self.writeCases(self.rows[:2]), "--output", self.output, "--time-limit-min", 1e-4)
        self.assertEqual(done.returncode, 0)
        self.assertRegex(readTable(self.output / "cases.tsv")[0]["error"], "time limit")

    def testFullDisk(self):
        """A limit on the size of files stands for it: the write fails in the middle of a line."""
        code = "import sys; from ALSStudyLib.commandLine import main; sys.exit(main(sys.argv[1:]))"
        limited = subprocess.run(
            [sys.executable, "-c", code, *map(str, self.command)],
            capture_output=True,
            text=True,
            check=False,
            preexec_fn=limitFiles,
        )
        self.assertEqual(limited.returncode, 2, limited.stderr)
        self.assertRegex(limited.stderr, "expected a disk with space; make some and run the same command again")
        self.assertEqual(len(limited.stderr.splitlines()), 1)
        self.assertTrue(self.records.read_bytes().endswith(b"\n"))
        count = lineCount(self.records)
        self.assertTrue(0 < count < 8, count)
        done = call(*self.command)
        self.assertRegex(done.stdout, f"{count} of 8 exams were done before")
        self.assertEqual(tablesIn(self.output), self.wanted())

    def testInterrupted(self):
        process = self.start(*self.command)
        until(lambda: lineCount(self.records) > 0)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to its processes, too
        _, stderr = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130)
        self.assertRegex(stderr, rb"^[^\n]*interrupted; [1-7] of 8 exams are kept, the same command goes on.\n$")

    def testOneAtATime(self):
        self.output.mkdir()
        with RecordFile(self.records):
            done = run(*self.command)
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "is being written by another batch")

    def testChangedInputIsMeasuredAgain(self):
        cases, image = self.writeCases(self.rows[:2]), self.folder / "image.nii.gz"
        shutil.copy(self.shared / "image.nii.gz", image)
        rows = [self.rows[0], {**self.rows[1], "image": image}]
        cases = self.writeCases(rows)
        call("batch", cases, "--output", self.output)
        os.utime(image, (time.time() + 5, time.time() + 5))
        self.writeCases([self.rows[2], *rows])  # and a row moved down is not
        done = call("batch", cases, "--output", self.output)
        self.assertRegex(done.stdout, "1 of 3 exams were done before; 2 are left")
        self.assertEqual([row["subject"] for row in readTable(self.output / "cases.tsv")], ["P2", "P0", "P1"])

    def testAnotherListLeavesWhatIsMeasured(self):
        call("batch", self.writeCases(self.rows[:2]), "--output", self.output)
        call("batch", self.writeCases(self.rows[2:3]), "--output", self.output)
        self.assertEqual([row["subject"] for row in readTable(self.output / "cases.tsv")], ["P2"])
        done = call("batch", self.writeCases(self.rows[:3]), "--output", self.output)
        self.assertRegex(done.stdout, "3 of 3 exams were done before")

    def testProcessThatEndsBetweenTwoJobs(self):
        """Pebble then gives up the whole pool."""
        job = jobOf(Case("P1", "1", problem="not measured"), {})
        with localEngine(1, 60.0) as engine:
            for _ in range(2):
                ((_, record),) = completed([job], engine)
                self.assertEqual((record["status"], record["error"]), ("failed", "not measured"))
                for child in childrenOf(psutil.Process()):
                    child.kill()
                time.sleep(0.3)


class ClusterTest(BatchCase):
    def testLostScheduler(self):
        from distributed import LocalCluster

        cases = self.writeCases([self.profileRow(f"P{n}", seed=str(n), resamples="4000") for n in range(30)])
        with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, silence_logs=50) as cluster:
            process = self.start("batch", cases, "--output", self.output, "--scheduler", cluster.scheduler_address)
            until(lambda: lineCount(self.output / RECORDS_NAME) > 0)
        _, stderr = process.communicate(timeout=120)
        self.assertEqual((process.returncode, len(stderr.splitlines())), (2, 1), stderr)
        self.assertRegex(stderr, b"was lost; expected it running; start it and run the same command again")
        self.assertGreater(lineCount(self.output / RECORDS_NAME), 0)

    def testDaskGivesTheSameBytes(self):
        from distributed import LocalCluster

        cases = self.writeCases(
            [
                *(self.profileRow(f"P{n}", seed=str(n)) for n in range(4)),
                self.profileRow("P5", image=self.shared / "missing.nii.gz"),
                self.phaseRow("P6"),
            ]
        )
        call("batch", cases, "--output", self.folder / "serial", *FAST)
        with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None, silence_logs=50) as cluster:
            address = cluster.scheduler_address
            done = call("batch", cases, "--output", self.output, *FAST, "--scheduler", address)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, "5 of 6 exams measured, 1 cannot be used")
        self.assertEqual(tablesIn(self.output), tablesIn(self.folder / "serial"))

    def testNoScheduler(self):
        from unittest import mock

        from ALSStudyLib import engines

        with mock.patch.object(engines, "CONNECT_S", 1):
            done = call(
                "batch",
                self.writeCases([self.profileRow("P1")]),
                "--output",
                self.output,
                "--scheduler",
                "tcp://127.0.0.1:9",
            )
        self.assertEqual(done.returncode, 2)
        self.assertRegex(done.stderr, "does not answer")
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


class RecordFileTest(BatchCase):
    def testBrokenLinesAreCutAway(self):
        path = self.folder / RECORDS_NAME
        with RecordFile(path) as records:
            records.append({"key": "a", "n": 1})
            records.append({"key": "b", "n": 2})
            records.append({"key": "a", "n": 3})
        whole = path.read_bytes()
        for cut in range(1, len(whole)):
            path.write_bytes(whole[:cut])
            with RecordFile(path) as records:
                records.append({"key": "c", "n": 4})
                self.assertEqual(records.read("c"), {"key": "c", "n": 4})
            with RecordFile(path) as records:
                self.assertIn("c", records)
                self.assertEqual("b" in records, cut >= whole.index(b"\n", whole.index(b"\n") + 1) + 1)
        path.write_bytes(whole)
        with RecordFile(path) as records:
            self.assertEqual((len(records), records.read("a")["n"]), (2, 3))

    def testWhatIsNoRecordIsLeftAlone(self):
        path = self.folder / RECORDS_NAME
        line = b'{"key": "a", "n": 1}\n'
        for content in (b'{"name": "mine"}\n', b"notes", line + b"x" + line + line, line + b"[]\n"):
            path.write_bytes(content)
            with self.assertRaisesRegex(InputError, "something else than a record"):
                RecordFile(path)
            self.assertEqual(path.read_bytes(), content)
        path.write_bytes(line + bytes(100))  # as some file systems leave it after a power cut
        with RecordFile(path):
            self.assertEqual(path.read_bytes(), line)

    def testProgressText(self):
        self.assertEqual(progressText(500, 3, 2000, 2.5), "500 of 2000 exams, 3 failed, 2.5 per second, 10 min left")
        self.assertRegex(progressText(1, 0, 2000, 0.01), r"55\.5 h left")


if __name__ == "__main__":
    unittest.main()
