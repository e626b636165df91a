"""Many exams: cost and memory per exam from ten to two thousand, and what a second process gives."""

from __future__ import annotations

import csv
import os
import tempfile
import time
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from statistics import median

import numpy as np
import psutil
from ALSCortexProfileLib import mrml
from ALSStudyLib.batch import BatchOptions, runBatch
from ALSStudyLib.caseList import readCases
from ALSStudyLib.engines import localEngine
from ALSStudyLib.mrmlFiles import HeadlessScene
from ALSStudyLib.phantom import Band, addCaseToScene, arcCase, noiseFreeImage, render
from benchmarkTools import Goal, Runner, Topic

SIZES = (10, 200, 2000)
PAIRED, REPEATS = 200, 3
EDGE = 0.05  # share of the exams at either end that is compared


@dataclass(frozen=True)
class Run:
    """:param seconds: from the first result to the last, and to gather all. memories: MiB at the edges."""

    count: int
    perExamS: float
    edgesS: tuple[float, float]
    gatherS: float
    memoriesMiB: tuple[float, float]
    workerMiB: tuple[float, float]


def batch(runner: Runner) -> Topic:
    """Cost and memory per exam, and two processes beside one."""
    sizes = tuple(max(size // 10, 10) for size in SIZES) if runner.quick else SIZES
    paired = PAIRED // (10 if runner.quick else 1)
    topic = Topic(
        "Many exams",
        f"`batch` on phantom exams made on the fly (image with its own noise, one line, references; 1,000 resamples), "
        f"one process, {', '.join(f'{size:,}' for size in sizes)} exams. Cost: time from the first result to the last "
        f"over their number, so without the start of the process. Two processes beside one: the same {paired} exams, "
        f"{REPEATS} times, alternating; the ratio of these times. Memory is resident, of the parent, which keeps the "
        "records, and of the process that measures, at the first and the last twentieth of the exams.",
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases = makeExams(folder, max(sizes))
        runs = [measured(folder, cases[:size], 1) for size in sizes]
        ratios = []
        for _ in range(REPEATS):
            one, two = (measured(folder, cases[:paired], workers) for workers in (1, 2))
            ratios.append(one.perExamS / two.perExamS)
    first, last = runs[0], runs[-1]
    change = last.perExamS / first.perExamS
    topic.add(
        Goal(
            f"cost of an exam, {last.count:,} exams beside {first.count}",
            f"{1000 * last.perExamS:.0f} ms beside {1000 * first.perExamS:.0f} ms, {change:.2f} times",
            "0.8 to 1.25 times",
            0.8 <= change <= 1.25,
            judged=False,
        )
    )
    within = last.edgesS[1] / last.edgesS[0]
    topic.add(
        Goal(
            f"cost of the last twentieth of {last.count:,} exams beside the first",
            f"{within:.2f} times",
            "0.8 to 1.25 times",
            0.8 <= within <= 1.25,
            judged=False,
        )
    )
    for what, (before, after) in (("parent", last.memoriesMiB), ("measuring process", last.workerMiB)):
        topic.add(
            Goal(
                f"memory over {last.count:,} exams, {what}",
                f"{before:.0f} MiB, then {after:.0f} MiB",
                "at most 5 % more",
                after <= 1.05 * before,
                judged=False,
            )
        )
    topic.add(
        Goal(
            "two processes, faster than one",
            f"{median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})",
            "at least 1.8 times",
            median(ratios) >= 1.8,
            judged=False,
        )
    )
    rows = [
        (f"{run.count:,}", f"{1000 * run.perExamS:.0f} ms", f"{1000 * run.gatherS / run.count:.1f} ms") for run in runs
    ]
    topic.tables.append(("Time of an exam", ("exams", "measured and kept", "gathered"), rows))
    return topic


def makeExams(folder: Path, count: int):
    """`count` exams on the disk, and their case list."""
    from commandTestCases import writeImage, writeNode

    case = arcCase(Band.symmetric(0.25, 1.2), snr=25.0)
    noiseFree = noiseFreeImage(replaced(case, snr=None, jitterMm=0.0, seed=0))
    headless = HeadlessScene()
    nodes = addCaseToScene(headless.scene, case, render(case, noiseFree))
    writeNode(headless.scene, nodes.contours[0], folder / "line.mrk.json")
    writeNode(headless.scene, nodes.references, folder / "references.seg.nrrd")
    slug = nodes.contours[0].GetAttribute(mrml.TARGET_ATTRIBUTE)
    with open(folder / "CASES.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["subject", "exam", "image", "contours", "references"])
        for number in range(count):
            rendered = render(replaced(case, seed=number), noiseFree)
            image = np.rint(rendered.array_KJI).astype(np.int16)
            writeImage(folder / f"{number}.nii", image, rendered.ijkToRAS)
            writer.writerow([f"P{number}", 1, f"{number}.nii", f"{slug}=line.mrk.json", "references.seg.nrrd"])
    return readCases(folder / "CASES.csv", ())[0]


def measured(folder: Path, cases, workers: int) -> Run:
    """One batch, watched."""
    times: list[float] = []
    memory: list[tuple[float, float]] = []
    parent = psutil.Process(os.getpid())
    others = {child.pid for child in parent.children(recursive=True)}  # of the benchmark itself

    def watch(*unused):
        times.append(time.perf_counter())
        workersMiB = [_mib(child) for child in parent.children(recursive=True) if child.pid not in others]
        memory.append((_mib(parent), max(workersMiB, default=float("nan"))))

    with tempfile.TemporaryDirectory(dir=folder) as output:
        counts = runBatch(
            cases, Path(output) / "out", BatchOptions(), lambda: localEngine(workers, 600.0), "batch", [], watch
        )
        ended = time.perf_counter()
    if counts["ok"] != len(cases):
        raise RuntimeError(f"Only {counts['ok']} of {len(cases)} exams were measured")
    edge = max(round(EDGE * len(times)), 3)
    steps = np.diff(times)
    first, last = memory[edge - 1], memory[-1]
    return Run(
        len(cases),
        float(steps.mean()),
        (float(steps[:edge].mean()), float(steps[-edge:].mean())),
        ended - times[-1],
        (first[0], last[0]),
        (first[1], last[1]),
    )


def _mib(process) -> float:
    try:
        return process.memory_info().rss / 2**20
    except psutil.Error:
        return float("nan")
