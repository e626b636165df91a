"""Measure accuracy, statistics and speed of both measurements and of the study, on known truth: `make benchmark`.

A full run writes RESULTS.md beside this file. Exit code 1 if a goal of accuracy or statistics is missed.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from datetime import date
from importlib import metadata
from pathlib import Path

import benchmarkAccuracy
import benchmarkBatch
import benchmarkFuzz
import benchmarkGeometry
import benchmarkPeers
import benchmarkPhaseAccuracy
import benchmarkPhaseReal
import benchmarkPhaseRetention
import benchmarkPhaseSigns
import benchmarkPhaseSpeed
import benchmarkSpeed
import benchmarkSplit
import benchmarkStatistics
import benchmarkStudy
from ALSStudyLib.provenance import softwareVersions
from benchmarkTools import Goal, Runner, Topic

RESULTS = Path(__file__).with_name("RESULTS.md")
TOPICS = {
    "noise_free": benchmarkAccuracy.noiseFree,
    "noise": benchmarkAccuracy.noise,
    "jitter": benchmarkAccuracy.jitter,
    "bright_layers": benchmarkAccuracy.brightLayers,
    "coarse_voxels": benchmarkAccuracy.coarseVoxels,
    "coverage": benchmarkStatistics.coverage,
    "false_bands": benchmarkStatistics.falseBands,
    "normals": benchmarkGeometry.normals,
    "closed_forms": benchmarkGeometry.closedForms,
    "speed": benchmarkSpeed.speed,
    "memory": benchmarkSpeed.memory,
    "split": benchmarkSplit.split,
    "peer_lines": benchmarkPeers.lines,
    "peer_fits": benchmarkPeers.fits,
    "peer_unwrapping": benchmarkPeers.unwrapping,
    "phase_encodings": benchmarkPhaseAccuracy.encodings,
    "phase_means": benchmarkPhaseAccuracy.means,
    "phase_contrast": benchmarkPhaseAccuracy.contrast,
    "phase_retention": benchmarkPhaseRetention.errorTable,
    "phase_flips": benchmarkPhaseSigns.flips,
    "phase_polarity": benchmarkPhaseSigns.polarity,
    "phase_real": benchmarkPhaseReal.realImages,
    "phase_speed": benchmarkPhaseSpeed.speed,
    "phase_memory": benchmarkPhaseSpeed.memory,
    "batch": benchmarkBatch.batch,
    "damaged_files": benchmarkFuzz.damagedFiles,
    "study_coverage": benchmarkStudy.coverage,
    "study_false_positives": benchmarkStudy.falsePositives,
}


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a tenth of the repeats; too few to judge statistics by")
    parser.add_argument("--only", choices=TOPICS, metavar="NAME", help=f"one of {', '.join(TOPICS)}")
    options = parser.parse_args(arguments)
    wanted = {options.only: TOPICS[options.only]} if options.only else TOPICS
    began = time.monotonic()
    topics = []
    with Runner(options.quick) as runner:
        for name, measure in wanted.items():
            start = time.monotonic()
            print(f"{name} ...", flush=True)
            topics.append(measure(runner))
            print(f"{name}: {time.monotonic() - start:.0f} s", flush=True)
    text = report(topics, time.monotonic() - began)
    if options.quick or options.only:
        print(text)
        print("RESULTS.md is left as it is: it holds full runs only.")
    else:
        RESULTS.write_text(text, encoding="utf-8")
        print(f"Written: {RESULTS.name}")
    goals = [goal for topic in topics for goal in topic.goals]
    missed = [goal for goal in goals if goal.met is False and goal.judged and not (options.quick and goal.statistical)]
    for goal in missed:
        print(f"Missed: {goal.what}: {goal.measured}; expected {goal.goal}", file=sys.stderr)
    return 1 if missed else 0


def report(topics: list[Topic], seconds: float) -> str:
    versions = softwareVersions() | {name: metadata.version(name) for name in ("lmfit", "scikit-image")}
    introduction = (
        f"Written by `make benchmark` on {date.today().isoformat()}, in {seconds / 60:.0f} minutes. Phantoms have a "
        "closed-form cortex or regions of known phase, so every error is against a known truth; errors are relative. "
        "Goals of accuracy and statistics are judged; goals of speed and memory are only reported, for machines differ."
    )
    lines = [
        "# Benchmark of the cortex profile, the phase shift and the study",
        "",
        introduction,
        "",
        *table(("what", "measured", "goal", "met"), [_goalRow(goal) for topic in topics for goal in topic.goals]),
        "",
        "## How it was measured",
    ]
    for topic in topics:
        lines += ["", f"### {topic.title}", "", topic.how]
        for caption, header, rows in topic.tables:
            lines += ["", f"{caption}:", "", *table(header, rows)]
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    lines += ["", "## Machine and software", "", f"{machine}; {software}."]
    return "\n".join(lines) + "\n"


def _goalRow(goal: Goal):
    met = "-" if goal.met is None else "yes" if goal.met else "no"
    return goal.what, goal.measured, goal.goal or "-", met


def table(header, rows) -> list[str]:
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (header, ["---"] * len(header), *rows)]
    return [f"| {' | '.join(row)} |" for row in cells]


if __name__ == "__main__":
    sys.exit(main())
