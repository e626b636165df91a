"""Where the time of one exam goes: reading, geometry, sampling, fit, bootstrap, writing; and filter and regions."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import numpy as np
from ALSCortexProfileLib import measurement as profileMeasurement
from ALSCortexProfileLib import mrml as profileMrml
from ALSCortexProfileLib import singleProfiles
from ALSStudyLib import caseIO, examOutput, phantom, phasePhantom
from ALSStudyLib.mrmlFiles import HeadlessScene, saveScene
from ALSStudyLib.phaseExam import PhaseExam
from ALSStudyLib.profileExam import ProfileExam
from benchmarkTools import Goal, Runner, Topic
from PhaseShiftROILib import measurement as phaseMeasurement
from PhaseShiftROILib import mrml as phaseMrml

REST = "everything else"
WRITING = {
    "provenance and tables": ((ProfileExam, "writeTables"), (PhaseExam, "writeTables"), (examOutput, "provenance")),
    "figures": ((ProfileExam, "writeFigures"), (PhaseExam, "writeFigures")),
    "scene with results": ((ProfileExam, "store"), (PhaseExam, "store"), (examOutput, "saveScene")),
}
STEPS = {
    "profile": {
        "reading": ((caseIO, "loadScene"), (profileMrml, "readProfileInputs")),
        "references": ((profileMeasurement, "measureReference"), (profileMeasurement, "checkApart")),
        "geometry": ((profileMeasurement, "contourNormals"),),
        "sampling": ((singleProfiles, "sampleAlongNormals"),),
        "alignment": ((singleProfiles, "alignProfiles"),),
        "fit": ((profileMeasurement, "fitVariants"),),
        "bootstrap": ((profileMeasurement, "bootstrapIntervals"),),
        **WRITING,
    },
    "phase": {
        "reading": ((caseIO, "loadScene"), (phaseMrml, "readPhaseInput")),
        "filter": ((phaseMeasurement, "preparePhase"),),
        "regions and retention": ((phaseMrml, "measurePhaseShift"),),
        **WRITING,
    },
}


def split(runner: Runner) -> Topic:
    """2: shares of one exam's time."""
    repeats = 3 if runner.quick else 9
    topic = Topic(
        "Time of one exam",
        f"The demo's patients, from a saved scene (.mrb) to a folder with tables, figures and scene, as `rerun` does "
        f"it: four targets on three slices each with 1,000 resamples, and ten regions of a 448 x 384 x 16 phase image. "
        f"In one process with one thread; medians of {repeats} exams, least and most behind. A step does not include "
        "the steps within it.",
    )
    for kind in STEPS:
        seconds = runner.inWorker(timeExam, kind, repeats)
        total = sum(seconds.values())
        bare = total - seconds["figures"]
        rows = [
            (
                step,
                f"{1e3 * np.median(each):.0f} ms ({1e3 * each.min():.0f} to {1e3 * each.max():.0f})",
                _share(each, total),
                "-" if step == "figures" else _share(each, bare),
            )
            for step, each in seconds.items()
        ]
        topic.tables.append((f"One {kind} exam", ("step", "time", "share", "share without figures"), rows))
        largest = max(seconds, key=lambda step: np.median(seconds[step]))
        topic.add(
            Goal(
                f"one {kind} exam, one thread",
                f"{np.median(total):.2f} s ({total.min():.2f} to {total.max():.2f} in {repeats} exams); most of it "
                f"{largest}, {_share(seconds[largest], total)}",
            )
        )
    return topic


def _share(seconds, total) -> str:
    return f"{np.median(seconds / total):.0%}"


class _Clock:
    """Seconds per step; a step that begins within another stops that one's clock."""

    def __init__(self):
        self.seconds: dict[str, float] = {}
        self._running = [REST]
        self._since = time.perf_counter()

    def turn(self) -> None:
        now = time.perf_counter()
        step = self._running[-1]
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._since
        self._since = now

    def timed(self, step: str, function: Callable) -> Callable:
        def call(*arguments, **keywords):
            self.turn()
            self._running.append(step)
            try:
                return function(*arguments, **keywords)
            finally:
                self.turn()
                self._running.pop()

        return call


def timeExam(kind: str, repeats: int) -> dict[str, np.ndarray]:
    """Seconds of each step in each repeat; the first exam, which loads modules, is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / examOutput.SCENE_NAME
        made = HeadlessScene()
        if kind == "profile":
            profileMrml.storeCase(made.scene, phantom.addCaseToScene(made.scene, phantom.alsLikeCase()))
        else:
            rendered = phasePhantom.renderPhase(phasePhantom.alsLikePhase())
            phaseMrml.storePhaseCase(made.scene, phasePhantom.addPhaseCaseToScene(made.scene, rendered))
        saveScene(made.scene, path)
        found = [_timeOnce(kind, path, Path(folder) / str(repeat)) for repeat in range(repeats + 1)][1:]
    return {step: np.array([seconds.get(step, 0.0) for seconds in found]) for step in (*STEPS[kind], REST)}


def _timeOnce(kind: str, path: Path, output: Path) -> dict[str, float]:
    output.mkdir()
    clock = _Clock()
    with ExitStack() as stack:
        for step, places in STEPS[kind].items():
            for place, name in places:
                stack.enter_context(mock.patch.object(place, name, clock.timed(step, getattr(place, name))))
        opened = HeadlessScene()
        exams = caseIO.measureScene(opened.scene, path)
        examOutput.writeExams(output, opened.scene, exams, "rerun", [path])
        clock.turn()
    return clock.seconds
