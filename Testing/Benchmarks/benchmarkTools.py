"""What the benchmarks share: phantoms to measure, on two processes, and what becomes a line of the report."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing import get_context

import numpy as np
from ALSCortexProfileLib.measurement import ProfileMeasurement, measureProfile
from ALSCortexProfileLib.settings import ProfileSettings
from ALSStudyLib.phantom import Band, PhantomCase, noiseFreeImage, profileInputs, render

WORKERS = 2
QUANTITIES = ("SH", "Thk", "SH/Thk", "area")
SH_THK = QUANTITIES.index("SH/Thk")
NO_BOOTSTRAP = ProfileSettings(resamples=0)
DEFAULT_VARIANT = (NO_BOOTSTRAP.voxelAware, NO_BOOTSTRAP.align)


# Measuring ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Job:
    """One phantom to be measured; equal geometries are rendered once per process."""

    case: PhantomCase
    settings: ProfileSettings = NO_BOOTSTRAP
    allVariants: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a measurement made of a phantom's truth.

    :param statuses, errorsPercent: per variant (voxelAware, align): status, and the relative errors of QUANTITIES.
    :param side: per quantity, -1 or 1 if the truth lies below or above the 95 % interval, 0 inside; None without one.
    """

    status: str
    statuses: dict[tuple[bool, bool], str]
    errorsPercent: dict[tuple[bool, bool], np.ndarray]
    side: tuple[int, ...] | None = None

    def error(self, variant: tuple[bool, bool] | None = None) -> float:
        """Error of SH/Thk in percent; NaN unless the status is `ok`."""
        errors = self.errorsPercent.get(variant or DEFAULT_VARIANT)
        return float("nan") if errors is None else float(errors[SH_THK])


def truth(band: Band) -> np.ndarray:
    """The QUANTITIES of a band, (4,)."""
    return _quantities(band.sh, band.thicknessMm, band.areaMm)


def _quantities(sh: float, thicknessMm: float, areaMm: float) -> np.ndarray:
    # A fit of no width is a wrong measurement like any other: its ratio is infinite, and counts.
    with np.errstate(divide="ignore"):
        return np.array([sh, thicknessMm, np.divide(sh, thicknessMm), areaMm])


def measureCase(case: PhantomCase, settings: ProfileSettings, allVariants: bool = False) -> ProfileMeasurement:
    geometry = replace(case, seed=0, snr=None, jitterMm=0.0, controlSpacingMm=2.5)
    return measureProfile(profileInputs(render(case, _noiseFree(geometry)))[0], settings, None, allVariants)


@lru_cache(maxsize=64)
def _noiseFree(geometry: PhantomCase) -> np.ndarray:
    return noiseFreeImage(geometry)


def runJob(job: Job) -> Outcome:
    measurement = measureCase(job.case, job.settings, job.allVariants)
    band = job.case.targets[0].band
    statuses, errors = {}, {}
    for variant in measurement.variants:
        key = (variant.voxelAware, variant.align)
        statuses[key] = variant.fit.status
        if band:
            errors[key] = 100.0 * (_quantities(variant.sh, variant.thicknessMm, variant.areaMm) / truth(band) - 1.0)
    return Outcome(measurement.status, statuses, errors, _side(measurement, band))


def _side(measurement: ProfileMeasurement, band: Band | None):
    intervals = measurement.intervals
    each = (intervals.sh, intervals.thicknessMm, intervals.shThkPerMm, intervals.areaMm)
    if band is None or not np.isfinite([interval.low for interval in each]).all():
        return None
    return tuple(
        int(true > interval.high) - int(true < interval.low) for true, interval in zip(truth(band), each, strict=True)
    )


class Runner:
    """Runs jobs on worker processes with one thread each, and says how many of each to run."""

    def __init__(self, quick: bool):
        self.quick = quick
        # Read by the workers' numpy when they start.
        os.environ["OMP_NUM_THREADS"] = "1"
        self._pool = get_context("spawn").Pool(WORKERS)

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_):
        self._pool.terminate()
        self._pool.join()

    def count(self, full: int) -> int:
        return max(full // 10, 3) if self.quick else full

    def outcomes(self, jobs: Sequence[Job]) -> list[Outcome]:
        """In the order of the jobs; neighbors, which often share a geometry, stay in one process."""
        return self._pool.map(runJob, jobs, chunksize=max(len(jobs) // (2 * WORKERS), 1))

    def results(self, function, jobs: Sequence) -> list:
        """One by one, in the order of the jobs."""
        return self._pool.map(function, jobs, chunksize=1)

    def inWorker(self, function, *arguments):
        """One call, in a process with one thread while the others rest."""
        return self._pool.apply(function, arguments)


# Timing ---------------------------------------------------------------------------------------------------------


def timeInTurn(
    makers: Mapping[str, Callable[[], Callable]], repeats: int, fewer: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
    """Seconds of each repeat, by name. In turn, so that whatever else the machine does slows all alike.

    :param makers: each makes the function that is timed; what it needs first is not timed.
    :param fewer: repeats of what is slow.
    """
    seconds = {name: [] for name in makers}
    for repeat in range(repeats):
        for name, make in makers.items():
            if repeat < (fewer or {}).get(name, repeats):
                function = make()
                start = time.perf_counter()
                function()
                seconds[name].append(time.perf_counter() - start)
    return {name: np.array(values) for name, values in seconds.items()}


@dataclass(frozen=True)
class Ratio:
    """How many times as long one takes as another: median, least and most over repeats in the same turn."""

    median: float
    least: float
    most: float
    nPairs: int

    @classmethod
    def of(cls, seconds: np.ndarray, beside: np.ndarray) -> Ratio:
        nPairs = min(len(seconds), len(beside))
        ratios = seconds[:nPairs] / beside[:nPairs]
        return cls(float(np.median(ratios)), float(ratios.min()), float(ratios.max()), nPairs)

    def __str__(self):
        return f"{self.median:.3g} times ({self.least:.3g} to {self.most:.3g} in {self.nPairs} pairs)"


# Reporting ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Goal:
    """A line of the report.

    :param met: None if there is no goal.
    :param judged: missing it is an error; speed is only reported, for machines differ.
    :param statistical: too few repeats in a quick run to judge it.
    """

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None
    judged: bool = True
    statistical: bool = False


@dataclass
class Topic:
    """:param how: how it was measured; tables: caption, header, rows."""

    title: str
    how: str
    goals: list[Goal] = field(default_factory=list)
    tables: list[tuple[str, Sequence[str], list[Sequence[str]]]] = field(default_factory=list)

    def add(self, goal: Goal) -> None:
        self.goals.append(goal)
        print(
            f"  {goal.what}: {goal.measured} ({goal.goal or 'no goal'}){'  MISSED' if goal.met is False else ''}",
            flush=True,
        )


def percent(value: float, sign: bool = False) -> str:
    if np.isnan(value):
        return "-"
    return f"{value:{'+' if sign else ''}.2f} %" if abs(value) < 1000 else "over 1000 %"


def okErrors(outcomes: Sequence[Outcome], variant: tuple[bool, bool] | None = None) -> np.ndarray:
    """Errors of SH/Thk in percent, of those with status `ok`."""
    errors = np.array([outcome.error(variant) for outcome in outcomes])
    return errors[~np.isnan(errors)]


def medianError(outcomes: Sequence[Outcome], variant: tuple[bool, bool] | None = None) -> float:
    """Median |error| of SH/Thk in percent, over those that were measured; infinite if none was."""
    errors = okErrors(outcomes, variant)
    return float(np.median(np.abs(errors))) if len(errors) else float("inf")


def iqr(errors: np.ndarray) -> float:
    if not len(errors) or not np.isfinite(errors).all():
        return float("nan")
    return float(np.subtract(*np.percentile(errors, [75, 25])))


def statusText(outcomes: Sequence[Outcome], variant: tuple[bool, bool] | None = None) -> str:
    """How many are `ok`, and what became of the others."""
    found = [outcome.statuses.get(variant, outcome.status) if variant else outcome.status for outcome in outcomes]
    counts = Counter(found)
    others = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()) if status != "ok")
    return f"{counts['ok']} of {len(found)} ok" + (f" ({others})" if others else "")
