"""The command `batch`: its options, and what it runs."""

from __future__ import annotations

import argparse
import logging
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from .caseArguments import addSettings, chosenSettings, givenSettings, settingNames
from .caseList import Case, readCases
from .examRecord import BROKEN, FAILED, OK

logger = logging.getLogger("als-motor-cortex")

HELP = "measure many exams, listed in a CSV file, on several processes or a Dask cluster; resumes where it stopped"
EXAMPLE = "batch CASES.csv --workers 4 --output results"
LOG_EVERY_S = 30


def addArguments(command: argparse.ArgumentParser) -> None:
    """The options of `batch`, beside --output."""
    command.add_argument(
        "cases",
        type=Path,
        metavar="CASES.csv",
        help="a row per exam: subject, exam, and scene, or image, contours (TARGET=F.mrk.json, separated by ;) and "
        "references, or phase (or real, imaginary), magnitude and regions; any setting below may be a column "
        "(echo_times_ms, encoding, ...); paths are relative to the file",
    )
    addRunOptions(command)


def addRunOptions(command: argparse.ArgumentParser) -> None:
    """How cases are measured, wherever they are listed."""
    run = command.add_argument_group("run")
    where = run.add_mutually_exclusive_group()
    where.add_argument("--workers", type=_count, default=1, metavar="N", help="processes of this machine")
    where.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, as tcp://host:8786")
    run.add_argument(
        "--time-limit-min", type=_minutes, default=60.0, metavar="MIN", help="for one exam, with --workers"
    )
    run.add_argument(
        "--exam-folders", action="store_true", help="also write for each exam what the single commands write"
    )
    run.add_argument("--no-scene", dest="withScene", action="store_false", help="there, without scene.mrb")
    run.add_argument("--no-figures", dest="figures", action="store_false", help="there, without figures")
    addSettings(command)


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of processes, as 4")
    return int(text)


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of minutes, as 30")
    return value


def run(parsed) -> None:
    """Read the list, measure, gather.

    :raises InputError: a list that cannot be used, or an output that cannot be written.
    """
    cases, ignored = readCases(parsed.cases, settingNames())
    if ignored:
        logger.warning("Columns that mean nothing here: %s.", ", ".join(ignored))
    measureCases(parsed, cases, [parsed.cases])


def measureCases(parsed, cases: Sequence[Case], inputs: Sequence[Path], writeMore=None) -> None:
    """Measure cases as `addRunOptions` says.

    :param writeMore: see `batch.runBatch`.
    """
    from .batch import BatchOptions, runBatch
    from .engines import daskEngine, localEngine

    def engine():
        if parsed.scheduler:
            return daskEngine(parsed.scheduler)
        return localEngine(min(parsed.workers, len(cases)), 60.0 * parsed.time_limit_min)

    options = BatchOptions(
        givenSettings(parsed),
        chosenSettings(parsed),
        parsed.arguments,
        parsed.exam_folders,
        parsed.figures,
        parsed.withScene,
    )
    with BatchProgress() as progress:
        counts = runBatch(cases, parsed.output, options, engine, parsed.command, inputs, progress.advance, writeMore)
    logger.info(_summary(counts, parsed.output))


def _summary(counts: Counter, output: Path) -> str:
    words = [f"{counts[OK]} of {sum(counts.values())} exams measured"]
    if counts[FAILED]:
        words.append(f"{counts[FAILED]} cannot be used")
    if counts[BROKEN]:
        words.append(f"{counts[BROKEN]} were broken off and are tried again by the same command")
    why = "; the column error of cases.tsv says why" if len(words) > 1 else ""
    return f"{', '.join(words)}{why}. Tables are in {output}"


class BatchProgress:
    """Rate and remaining time: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self):
        self._bar, self._first = None, 0
        self._began = self._logged = time.monotonic()
        self._stack = ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._stack.close()

    def _start(self, done: int, total: int) -> None:
        from tqdm import tqdm
        from tqdm.contrib.logging import logging_redirect_tqdm

        self._first = done - 1
        self._bar = self._stack.enter_context(
            tqdm(total=total, initial=self._first, desc="batch", unit="exam", disable=None)
        )
        if not self._bar.disable:
            self._stack.enter_context(logging_redirect_tqdm([logger]))  # lines go above the bar

    def advance(self, done: int, failed: int, total: int) -> None:
        if self._bar is None:
            self._start(done, total)
        self._bar.set_postfix(failed=failed, refresh=False)
        self._bar.update(done - self._bar.n)
        now = time.monotonic()
        if self._bar.disable and (now - self._logged >= LOG_EVERY_S or done == total):
            self._logged = now
            logger.info(progressText(done, failed, total, (done - self._first) / max(now - self._began, 1e-9)))


def progressText(done: int, failed: int, total: int, perSecond: float) -> str:
    """A line of a log."""
    leftS = (total - done) / perSecond
    left = f"{leftS / 3600:.1f} h" if leftS > 5400 else f"{leftS / 60:.0f} min" if leftS > 90 else f"{leftS:.0f} s"
    return f"{done} of {total} exams, {failed} failed, {perSecond:.2g} per second, {left} left"
