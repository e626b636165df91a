"""Statistics: do the 95 % intervals hold what they say, and how often is a band seen where there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ALSCortexProfileLib.settings import ProfileSettings
from ALSStudyLib.phantom import Band, arcCase
from benchmarkTools import QUANTITIES, Goal, Job, Runner, Topic, okErrors, iqr, percent, statusText

SNR = 25.0
SEED = 20180163
GEOMETRIES = 12


def coverage(runner: Runner) -> Topic:
    """F: coverage of the bootstrap intervals."""
    count = runner.count(300)
    topic = Topic(
        "Coverage of the 95 % intervals",
        f"{count} phantoms, SNR {SNR:g}, 1,000 resamples: {GEOMETRIES} geometries drawn at random (amplitude "
        "0.12-0.28, width 1.2-1.6 mm, slope 5-7 per mm, 1-3 slices, superficial layers +0 to +60 units, radius "
        "10-15 mm, 16-20 mm arc), each with fresh noise and control points off by 0 to 0.15 mm (1 SD). Phantoms "
        "without an interval are counted and left out. Chance alone moves a coverage near 0.92 by 0.016 (1 SE) in 300 "
        "phantoms.",
    )
    jobs = _coverageJobs(count)
    outcomes = runner.outcomes(jobs)
    sides = np.array([outcome.side for outcome in outcomes if outcome.side is not None])
    for index, name in enumerate(QUANTITIES):
        side = sides[:, index]
        inside = float((side == 0).mean())
        below, above = int((side < 0).sum()), int((side > 0).sum())
        topic.add(
            Goal(
                f"coverage of the 95 % interval of {name}",
                f"{inside:.3f} ({len(side)} intervals; truth below {below}, above {above})",
                "0.90 to 0.98",
                0.90 <= inside <= 0.98,
                statistical=True,
            )
        )
    topic.tables.append(_coverageTable(jobs, outcomes))
    return topic


def _coverageJobs(count: int) -> list[Job]:
    rng = np.random.default_rng(SEED)
    cases = [
        arcCase(
            Band.symmetric(rng.uniform(0.12, 0.28), rng.uniform(1.2, 1.6), slopePerMm=rng.uniform(5.0, 7.0)),
            radiusMm=float(rng.uniform(10.0, 15.0)),
            arcMm=float(rng.uniform(16.0, 20.0)),
            nSlices=1 + index % 3,
            superficialUnits=float(rng.uniform(0.0, 60.0)),
            snr=SNR,
        )
        for index in range(GEOMETRIES)
    ]
    settings = ProfileSettings()
    return [
        Job(replace(cases[index % GEOMETRIES], jitterMm=float(rng.uniform(0.0, 0.15)), seed=1000 + index), settings)
        for index in range(count)
    ]


def _coverageTable(jobs, outcomes):
    rows = []
    groups = {
        f"{n} slice{'s' if n > 1 else ''}": (lambda case, n=n: len(case.targets[0].slices) == n) for n in (1, 2, 3)
    }
    groups["jitter below 0.075 mm"] = lambda case: case.jitterMm < 0.075
    groups["jitter from 0.075 mm"] = lambda case: case.jitterMm >= 0.075
    groups["amplitude below 0.2"] = lambda case: case.targets[0].band.a < 0.2
    groups["amplitude from 0.2"] = lambda case: case.targets[0].band.a >= 0.2
    groups["all"] = lambda case: True
    for name, belongs in groups.items():
        part = [outcome for job, outcome in zip(jobs, outcomes, strict=True) if belongs(job.case)]
        sides = np.array([outcome.side for outcome in part if outcome.side is not None]).reshape(-1, len(QUANTITIES))
        errors = okErrors(part)
        rows.append(
            (
                name,
                *(f"{value:.3f}" for value in (sides == 0).mean(0)),
                percent(np.median(errors), True),
                percent(iqr(errors)),
                f"{len(sides)} intervals, {statusText(part)}",
            )
        )
    header = ("phantoms", *QUANTITIES, "bias of SH/Thk", "IQR of SH/Thk", "status")
    return "Coverage by kind of phantom", header, rows


def falseBands(runner: Runner) -> Topic:
    """G: bands where there is none."""
    count = runner.count(300)
    topic = Topic(
        "False bands",
        f"Cortex without a band, SNR {SNR:g}, control points off by 0.1 mm (1 SD), half of the {count} phantoms of "
        "each kind with one slice, half with two. A false band is a measurement with status ok.",
    )
    for units in (0.0, 60.0, 120.0):
        jobs = [
            Job(replace(arcCase(None, nSlices=1 + seed % 2, superficialUnits=units, snr=SNR, jitterMm=0.1), seed=seed))
            for seed in range(count)
        ]
        outcomes = runner.outcomes(jobs)
        bands = sum(outcome.status == "ok" for outcome in outcomes)
        topic.add(
            Goal(
                f"false bands, superficial layers +{units:g} units",
                f"{100 * bands / count:.1f} % ({statusText(outcomes)})",
                "at most 2 %",
                bands <= 0.02 * count,
                statistical=True,
            )
        )
    return topic
