"""Results that replace earlier ones: the old or the new, never a mix, whatever happens while they are written."""

import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from ALSStudyLib.errors import InputError
from ALSStudyLib.outputFolder import checkNotReplaced, checkWritable, outputFolder
from ALSStudyLib.provenance import writeJson

try:
    import writingTestCases as cases
except ImportError:  # Windows has neither fork nor limits
    cases = None

FULL, READ_ONLY = os.strerror(errno.ENOSPC), os.strerror(errno.EROFS)


def mayMount() -> bool:
    """Whether a process may have a namespace of its own, and mount there: root, and users of most systems."""
    if shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "none", folder], capture_output=True, check=False
        )
    return done.returncode == 0


@unittest.skipIf(cases is None, "needs fork")
class WritingCase(unittest.TestCase):
    def setUp(self):
        quick = "/dev/shm"  # thousands of fsyncs take their time on a disk
        self.base = Path(tempfile.mkdtemp(dir=quick if os.access(quick, os.W_OK) else None)).resolve()
        self.addCleanup(shutil.rmtree, self.base)
        self.output = self.base / "out"

    def apart(self, *arguments, inNamespace=False):
        """A function of writingTestCases.py in a process of its own."""
        if inNamespace and not mayMount():
            self.skipTest("this system lets nobody mount in a namespace of one's own")
        name, *more = arguments
        command = ["unshare", "-rm"] if inNamespace else []
        command += [sys.executable, cases.__file__, name, str(self.base), *more]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout.splitlines()[-1])


class KilledTest(WritingCase):
    def check(self, found, isSwap):
        """Old and new are both seen; a folder that is neither has no record, and is the old one at the next look."""
        neither, old, new = found["seen"]
        self.assertEqual((found["untold"], found["left"], found["then"][0]), ([], [], 0))
        self.assertGreater(min(old, new), 9)
        self.assertEqual(sum(found["then"]), sum(found["seen"]))
        if isSwap:
            self.assertEqual(neither, 0)

    def testSwap(self):
        """No kill, at any step, leaves anything else than the old or the new folder."""
        self.check(self.apart("kill", "swap", "1"), isSwap=True)

    def testTwoRenames(self):
        """Where folders cannot change places in one step there is one moment without a folder."""
        found = self.apart("kill", "renames", "1")
        self.check(found, isSwap=False)
        self.assertEqual(found["seen"][0], 1)

    def testInside(self):
        """`--output .`: files move one by one."""
        found = self.apart("kill", "inside", "1")
        self.check(found, isSwap=False)
        self.assertGreater(found["seen"][0], 10)

    def testOnMount(self):
        self.check(self.apart("killOnMount", inNamespace=True), isSwap=False)


class FailedTest(WritingCase):
    """A step that fails is not a kill: the folder is right at once."""

    def check(self, mode):
        found = self.apart("fail", mode, "2")
        self.assertEqual((found["untold"], found["left"], found["seen"][0]), ([], [], 0))
        self.assertEqual(found["seen"], found["then"])
        self.assertGreater(min(found["seen"][1:]), 10)

    def testSwap(self):
        self.check("swap")

    def testTwoRenames(self):
        self.check("renames")

    def testInside(self):
        self.check("inside")

    def testAFileSavedMeanwhileIsKept(self):
        found = self.apart("lateFiles")
        self.assertEqual((found["lost"], found["wrong"]), ([], []))
        self.assertGreater(found["kept"], 20)


class DiskTest(WritingCase):
    def testFull(self):
        *refused, (_none, code, text, isSame) = self.apart("fullDisk", inNamespace=True)
        self.assertEqual((code, text, isSame), (0, "", False))
        for what, code, text, isSame in refused:
            with self.subTest(what=what):
                self.assertEqual((code, isSame, text.count("\n")), (2, True, 1), text)
                self.assertIn(str(self.base / "disk" / "out"), text)
                self.assertNotIn(".als-", text)
                self.assertRegex(text, f"{FULL}|could not be written")
        self.assertIn(FULL, refused[0][2])

    def testWritersThatRaiseNothing(self):
        found = self.apart("fileTooLarge")
        self.assertEqual(sorted(found), ["picture.png", "scene.mrb", "table.json"])
        for name, (text, left) in found.items():
            self.assertEqual(left, {}, name)
            self.assertIn(f"'{self.output}", text)
        self.assertIn(os.strerror(errno.EFBIG), found["table.json"][0])

    def testReadOnly(self):
        found = self.apart("readOnly", inNamespace=True)
        for name in ("both", "output"):
            *texts, run, left = found[name]
            self.assertEqual((run, left), (1, []))
            for text in texts:
                self.assertIn(f"Output '{self.output}' cannot be written ({READ_ONLY}); expected a writable", text)
        self.assertEqual(found["around"], ["", "", 2, []])

    def testOwnFilesOnOtherDisks(self):
        """What is mounted into the output is neither copied nor removed."""
        found = self.apart("mountedPart", inNamespace=True)
        for name in ("bind", "tmpfs"):
            self.assertEqual(found[name], ["mine", "run\n2\n2\n", False, []])


class FolderTest(WritingCase):
    def testOwnFilesAndModeAreKept(self):
        case = cases.Case(self.base)
        note = os.stat(self.output / "nested" / "deep" / "own.txt")
        cases.writeInto(self.output, 2)
        self.assertEqual(case.which(), 2)
        found = cases.state(self.output)
        self.assertEqual((found["link"], found["linked"], found["empty"]), ("-> notes.txt", "-> nested", "mode 40755"))
        self.assertEqual(self.output.stat().st_mode & 0o777, 0o750)
        self.assertTrue(os.path.samestat(note, os.stat(self.output / "nested" / "deep" / "own.txt")))

    def testFilesAreOfTheFoldersGroupFromTheStart(self):
        """A folder that a team shares gives its group to what is made in it."""
        cases.writeInto(self.output, 1)
        os.chmod(self.output, 0o2770)
        with outputFolder(self.output) as folder:
            self.assertEqual(folder.stat().st_mode & 0o7777, 0o2770)
            cases.writeResults(folder, 2)
        self.assertEqual(self.output.stat().st_mode & 0o7777, 0o2770)

    def testLinkedOutput(self):
        cases.writeInto(self.output, 1)
        link = self.base / "link"
        link.symlink_to("out", target_is_directory=True)
        dangling = self.base / "dangling"
        dangling.symlink_to("fresh", target_is_directory=True)
        cases.writeInto(link, 2)
        cases.writeInto(dangling, 2)
        self.assertTrue(link.is_symlink() and dangling.is_symlink())
        self.assertEqual(cases.state(self.output), cases.state(self.base / "fresh"))
        self.assertEqual(cases.hidden(self.base), [])

    def testPlacesOfTheUserStayTheSameFolder(self):
        """Documents, say, which a shell or a file manager is in."""
        self.output.mkdir()
        for number in range(9):
            (self.output / f"letter{number}").write_text("dear")
        before = self.output.stat().st_ino
        for run in (1, 2):
            cases.writeInto(self.output, run)
        self.assertEqual(self.output.stat().st_ino, before)
        self.assertEqual(len(list(self.output.glob("letter*"))), 9)
        self.assertFalse((self.output / "gone").exists())

    def testLinkInTheWay(self):
        """Results never leave the output folder by a link in it."""
        cases.writeInto(self.output, 3)
        (self.base / "far").mkdir()
        (self.output / "figures").symlink_to(self.base / "far", target_is_directory=True)
        with self.assertRaisesRegex(InputError, "figures' is a link that is in the way"):
            cases.writeInto(self.output, 1)
        self.assertEqual(list((self.base / "far").iterdir()), [])

    def testOneRunAtATime(self):
        with outputFolder(self.output) as folder:
            for write in (checkWritable, lambda output: cases.writeInto(output, 1)):
                with self.assertRaisesRegex(InputError, "being written by another run"):
                    write(self.output)
            checkWritable(self.base / "other")
            cases.writeResults(folder, 2)
        self.assertEqual(cases.state(self.output)["table.tsv"], b"run\n2\n2\n".hex())

    def testFoldersMadeForNothingGo(self):
        deep = self.base / "a" / "b" / "c"
        checkWritable(deep)
        with self.assertRaises(KeyboardInterrupt), outputFolder(deep):
            raise KeyboardInterrupt
        self.assertEqual(list(self.base.iterdir()), [])

    def testErrorsOfInputsStayTheirs(self):
        with self.assertRaises(FileNotFoundError), outputFolder(self.output):
            (self.base / "image.nii").read_text()
        with self.assertRaisesRegex(InputError, "image"), outputFolder(self.output):
            raise InputError("image")

    def testKinds(self):
        records = {"exam": {"subject": "A"}, "study": {"counts": {}}, "batch": {"cases": 3}}
        for held, record in records.items():
            output = self.base / held
            with outputFolder(output, holds=held) as folder:
                writeJson(folder / "provenance.json", {**record, "outputs": ["provenance.json"]})
            for wanted in records:
                if wanted == held:
                    checkWritable(output, holds=wanted)
                    continue
                pattern = f"holds the results of an? {held}; expected a folder of its own for an? {wanted}"
                with self.assertRaisesRegex(InputError, pattern):
                    checkWritable(output, holds=wanted)

    def testInputIsNotReplaced(self):
        cases.writeInto(self.output, 1)
        with self.assertRaisesRegex(InputError, "read now"):
            checkNotReplaced(self.output, [self.output / "table.tsv"])
        checkNotReplaced(self.output, [self.base / "table.tsv"])


if __name__ == "__main__":
    unittest.main()
