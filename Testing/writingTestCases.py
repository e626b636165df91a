"""What goes wrong while results are written, made in processes of their own: `python writingTestCases.py NAME FOLDER`.

Each function prints one JSON value for test_outputFolder.py. Faults come from the system itself: a signal that cannot
be caught, a disk that is full, a file system that is mounted read-only.
"""

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from ALSStudyLib.errors import InputError
from ALSStudyLib.outputFolder import checkWritable, outputFolder
from ALSStudyLib.provenance import PROVENANCE_NAME, writeJson
from ALSStudyLib.tables import Column, writeTable

OWN = {"notes.txt": "mine", "nested/deep/own.txt": "mine, too"}
RESULTS = {1: ("figures/a.png", "figures/old.png", "gone/deep/x.txt"), 2: ("figures/a.png", "more/deep/y.txt"), 3: ()}
STEPS = ("os.", "open", "shutil.", "ctypes.dlsym", "fcntl.")  # of the events that CPython reports before it does them
LAST_STEP = 2000


def writeResults(folder: Path, run: int) -> None:
    """A table, its dictionary, more files, and the record of them: other bytes and other names in every run."""
    writeTable(folder / "table.tsv", [Column("run", "number")], [{"run": run}] * run)
    for name in RESULTS[run]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} of {run}")
    outputs = ["table.tsv", "table.json", *RESULTS[run], PROVENANCE_NAME]
    writeJson(folder / PROVENANCE_NAME, {"run": run, "outputs": outputs})


def writeInto(output: Path, run: int) -> None:
    with outputFolder(output) as folder:
        writeResults(folder, run)


def addOwn(output: Path) -> None:
    for name, text in OWN.items():
        (output / name).parent.mkdir(parents=True, exist_ok=True)
        (output / name).write_text(text)
    (output / "link").symlink_to("notes.txt")
    (output / "linked").symlink_to("nested", target_is_directory=True)
    (output / "empty").mkdir()


def state(folder: Path) -> dict:
    """Everything below a folder: text of files, targets of links, modes of folders; None if there is none."""
    if not folder.exists():
        return None
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {os.readlink(path)}"
        else:
            found[name] = f"mode {path.stat().st_mode:o}" if path.is_dir() else path.read_bytes().hex()
    return found


def hidden(base: Path) -> list[str]:
    return sorted(path.relative_to(base).as_posix() for path in base.rglob(".als-*"))


class Case:
    """A folder with results and the user's own files, as often as wanted, and what it is after run 1 and 2."""

    def __init__(self, base: Path):
        self.base, self.output = base, base / "out"
        self.output.mkdir(exist_ok=True)
        os.chmod(self.output, 0o750)
        addOwn(self.output)
        self.states = {}
        for run in (3, 2, 1):
            writeInto(self.output, run)
            self.states[run] = state(self.output)
        self.template = base / "template"
        shutil.copytree(self.output, self.template, symlinks=True)

    def reset(self) -> None:
        for path in self.base.glob(".als-*"):
            shutil.rmtree(path)
        self.output.mkdir(exist_ok=True)
        for path in self.output.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        shutil.copytree(self.template, self.output, symlinks=True, dirs_exist_ok=True)

    def which(self) -> int:
        """The run that the folder has the results of, with everything of it and nothing else; 0: of none."""
        found = state(self.output) or {}
        found = {name: value for name, value in found.items() if not name.startswith(".als-")}
        return next((run for run, expected in self.states.items() if found == expected), 0)


def _interrupted(case: Case, step: int, mode: str, fault) -> tuple[bool, str]:
    """Run 2 in a process of its own, with a fault before that step: whether it came to it, and the run's own error."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        count = 0

        def onEvent(name, arguments):
            nonlocal count
            if not name.startswith(STEPS):
                return
            if mode == "renames" and name == "ctypes.dlsym":
                raise AttributeError(arguments[1])  # as with a C library that has no such function
            count += 1
            if count == step:
                os.write(writing, b"!")
                fault(case.output)

        try:
            if mode == "inside":
                os.chdir(case.output)
            sys.addaudithook(onEvent)
            writeInto(case.output, 2)
        except (InputError, OSError) as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as file:
        text = file.read()
    os.waitpid(child, 0)
    return text.startswith("!"), text[1:]


def _kill(_output: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _fail(_output: Path) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def _saveOther(output: Path) -> None:
    """Somebody saves a file there at that moment."""
    with suppress(FileNotFoundError):  # between two renames there is no folder
        (output / "late.txt").write_text("late")


def atEveryStep(base: Path, mode: str, fault, apart: int = 1) -> dict:
    """Run 2 over run 1 with a fault before its first step, before its second (or further apart), to its last.

    seen: how often the folder then was that of run 1, 2 or neither (0); untold: steps where it was neither and had a
    record nevertheless. then: the same after the next look at it; left: steps after which something stayed.
    """
    case, seen, then, untold, left = Case(base), [], [], [], []
    for step in range(1, LAST_STEP, apart):
        case.reset()
        isFaulty, _text = _interrupted(case, step, mode, fault)
        if not isFaulty:
            break
        seen.append(case.which())
        if not seen[-1] and (case.output / PROVENANCE_NAME).exists():
            untold.append(step)
        checkWritable(case.output)
        then.append(case.which())
        writeInto(case.output, 3)
        if case.which() != 3 or hidden(base):
            left.append(step)
    return {
        "seen": [seen.count(run) for run in range(3)],
        "then": [then.count(run) for run in range(3)],
        "untold": untold,
        "left": left,
    }


def lateFiles(base: Path) -> dict:
    """Somebody saves a file at every third step of run 2: how often it was there, and the steps where it was lost."""
    case, kept, lost, wrong = Case(base), 0, [], []
    for step in range(1, LAST_STEP, 3):
        case.reset()
        isFaulty, text = _interrupted(case, step, "swap", _saveOther)
        if not isFaulty:
            break
        late = case.output / "late.txt"
        if late.exists():
            kept += 1
            late.unlink()
        else:
            lost.append(step)
        if case.which() != 2 or text:
            wrong.append([step, case.which(), text])
    return {"kept": kept, "lost": lost, "wrong": wrong}


def fileTooLarge(base: Path) -> dict:
    """Writers of C++ that stop at a size: whether each says so."""
    import numpy as np
    from ALSStudyLib.mrmlFiles import HeadlessScene, quietVtk, saveScene
    from ALSStudyLib.mrmlNodes import addVolumeNode
    from PhaseShiftROILib.closeUps import writePng

    quietVtk()
    headless, noise = HeadlessScene(), np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    addVolumeNode(headless.scene, noise, np.eye(4), "image")
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    found = {}
    for name, write in (
        ("picture.png", lambda path: writePng(path, noise)),
        ("scene.mrb", lambda path: saveScene(headless.scene, path)),
        ("table.json", lambda path: writeJson(path, "x" * 9000)),
    ):
        try:
            with outputFolder(base / "out") as folder:
                write(folder / name)
        except InputError as error:
            found[name] = [str(error), state(base)]
    return found


# Of a namespace of one's own, in which everybody may mount -------------------------------------------------------


def _mount(*arguments) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def killOnMount(base: Path) -> dict:
    """As `atEveryStep`, where the output is a mounted folder, which nothing can take the place of."""
    (base / "elsewhere").mkdir()
    (base / "out").mkdir()
    _mount("--bind", base / "elsewhere", base / "out")
    return atEveryStep(base, "swap", _kill, 3)


def mountedPart(base: Path) -> dict:
    """The user's own files in the output are on other disks: of the same file system, and of another."""
    case, found = Case(base), {}
    for name, arguments in (("bind", ["--bind", base / "bind"]), ("tmpfs", ["-t", "tmpfs", "none"])):
        case.reset()
        (base / name).mkdir()
        (case.output / "data").mkdir()
        _mount(*arguments, case.output / "data")
        (case.output / "data" / "image.nii").write_text("mine")
        writeInto(case.output, 2)
        found[name] = [(case.output / "data" / "image.nii").read_text(), (case.output / "table.tsv").read_text()]
        found[name] += [os.path.lexists(case.output / "gone"), hidden(base)]
        subprocess.run(["umount", case.output / "data"], check=True)
        (case.output / "data").rmdir()
    return found


def readOnly(base: Path) -> dict:
    """Both read-only, the output only, the folder around it only: what is said before and at a run, and which
    results are there.
    """
    case, found = Case(base), {}
    for name in ("both", "output", "around"):
        case.reset()
        mounted = [case.output] if name == "output" else [base, *([case.output] if name == "around" else [])]
        for folder in mounted:
            _mount("--bind", folder, folder)
        _mount("-o", "remount,bind,ro", mounted[0])
        texts = []
        for write in (checkWritable, lambda output: writeInto(output, 2)):
            try:
                write(case.output)
                texts.append("")
            except InputError as error:
                texts.append(str(error))
        found[name] = [*texts, case.which(), hidden(base)]
        for folder in reversed(mounted):
            subprocess.run(["umount", folder], check=True)
    return found


def fullDisk(base: Path) -> list:
    """The command `profile` on a disk with less and less room left by another file, then a limit of a file's size.

    :returns: for each, room in KB or limit, exit code, stderr, whether everything is as before; at last without one.
    """
    from commandTestCases import CommandCase, call

    disk = base / "disk"
    disk.mkdir()
    _mount("-t", "tmpfs", "-o", "size=8m", "none", disk)
    CommandCase.setUpClass()
    command = CommandCase("profile")
    command.runner, command.output = call, disk / "out"
    assert command.profile("--report").returncode == 0
    addOwn(command.output)
    found = []

    def run(what):
        before = state(disk)
        done = command.profile("--report", "--subject", "other")
        found.append([what, done.returncode, done.stderr, state(disk) == before])

    filler = disk / "filler"
    for room in (0, 16, 128, 256):
        filler.write_bytes(bytes(shutil.disk_usage(disk).free - 1024 * room))
        run(room)
        filler.unlink()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    run("limit")
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run("none")
    CommandCase.doClassCleanups()
    return found


if __name__ == "__main__":
    name, place = sys.argv[1], Path(sys.argv[2])
    faults = {"kill": _kill, "fail": _fail}
    if name in faults:
        result = atEveryStep(place, sys.argv[3], faults[name], int(sys.argv[4]))
    else:
        result = globals()[name](place)
    print(json.dumps(result))
