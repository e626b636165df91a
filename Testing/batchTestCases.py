"""Exams on the disk, as files of both kinds and as a scene, and case lists of them."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import psutil
from ALSCortexProfileLib import mrml as profileMrml
from ALSStudyLib import phantom
from ALSStudyLib.mrmlFiles import HeadlessScene, saveScene
from ALSStudyLib.mrmlNodes import addVolumeNode
from ALSStudyLib.phasePhantom import storedPhase
from alsTestCases import QUICK, renderedArc
from commandTestCases import CommandCase, writeImage, writeNode
from phaseTestCases import rendered
from PhaseShiftROILib import mrml as phaseMrml

PHASE_SETTINGS = {
    "encoding": "siemens",
    "filter": "homodyne",
    "kernel_mm": "7.5",
    "echo_time_ms": "19",
    "field_strength_t": "3",
    "polarity": "paramagnetic_negative",
}
TABLES = (
    "profile_measurements", "profiles", "profile_variants", "phase_measurements", "phase_slices", "phase_regions",
    "phase_wide",
)  # fmt: skip


class BatchCase(CommandCase):
    """`CommandCase` with phase.nii.gz, Regions.seg.nrrd and scene.mrb beside its files."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = rendered()
        writeImage(cls.shared / "phase.nii.gz", storedPhase(made.phaseRad_KJI, "siemens"), made.case.ijkToRAS)
        headless = HeadlessScene()
        grid = addVolumeNode(headless.scene, made.phaseRad_KJI, made.case.ijkToRAS, "grid")
        regions = phaseMrml.addRegionsNode(headless.scene, made.masks_KJI, grid)
        writeNode(headless.scene, regions, cls.shared / "Regions.seg.nrrd")
        headless = HeadlessScene()
        made = renderedArc(snr=40.0, seed=3)
        nodes = phantom.addCaseToScene(headless.scene, made.case, made)
        profileMrml.storeCase(headless.scene, replace(nodes, settings=QUICK))
        saveScene(headless.scene, cls.shared / "scene.mrb")

    def profileRow(self, subject, **more):
        return {
            "subject": subject,
            "exam": "1",
            "image": self.shared / "image.nii.gz",
            "contours": f"hand_knob_left={self.shared / 'line2.mrk.json'}",
            "references": self.shared / "references.seg.nrrd",
            **more,
        }

    def phaseRow(self, subject, **more):
        files = {"phase": self.shared / "phase.nii.gz", "regions": self.shared / "Regions.seg.nrrd"}
        return {"subject": subject, "exam": "1", **files, **PHASE_SETTINGS, **more}

    def writeCases(self, rows, name="CASES.csv"):
        """A case list with paths relative to it."""
        path = self.folder / name
        with open(path, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), restval="")
            writer.writeheader()
            for row in rows:
                writer.writerow({name: self.relative(cell) for name, cell in row.items()})
        return path

    def relative(self, cell):
        target, equals, path = str(cell).rpartition("=")
        return f"{target}{equals}{os.path.relpath(path, self.folder)}" if os.path.isabs(path) else cell

    def start(self, *arguments):
        """The command in a process of its own, which is killed at the end of the test at the latest."""
        process = subprocess.Popen(
            [sys.executable, "-m", "ALSStudyLib", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=interruptible,  # noqa: PLW1509  (no other thread is under way)
        )
        self.addCleanup(self.end, process)
        return process

    @staticmethod
    def end(process):
        process.kill()
        process.communicate()


def interruptible():
    """As from a terminal: what runs in the background ignores Ctrl-C, and hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(condition, seconds=60.0):
    """Wait for what another process does."""
    last = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > last:
            raise TimeoutError("what was waited for did not happen")
        time.sleep(0.02)


def childrenOf(process):
    """Processes that measure."""
    children = psutil.Process(process.pid).children(recursive=True)
    return [child for child in children if "spawn_main" in str(child.cmdline())]


def isRunning(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def tablesIn(folder):
    """Name to bytes of every table of a batch."""
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.tsv"))}


def lineCount(path):
    return path.read_bytes().count(b"\n") if path.is_file() else 0
