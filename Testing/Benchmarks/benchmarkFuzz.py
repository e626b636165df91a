"""Damaged files of every format that the commands read: each is measured, or refused in one sentence."""

from __future__ import annotations

import random
import sys
import tempfile
from collections import Counter
from pathlib import Path

from benchmarkTools import WORKERS, Goal, Runner, Topic

sys.path.append(str(Path(__file__).resolve().parents[1]))
from damageTestCases import GOOD, OUTCOMES, Job, Original, damagePool, drawnChanges, makeOriginals

INPUTS = 10_000
SEED = 20180163
STUDY_SHARE = 0.03  # a study takes five times as long as an exam
MOST_SHOWN = 5


def damagedFiles(runner: Runner) -> Topic:
    """What becomes of mutated inputs, by format."""
    count = runner.count(INPUTS)
    topic = Topic(
        "Damaged files",
        f"{count} inputs, each a small file of a phantom exam or study with one to three random changes (seed {SEED}): "
        "truncated, bits flipped, bytes overwritten, cut, repeated, moved or erased, or a field of the header or text "
        "replaced by an impossible one (huge, negative, NaN, of another kind), inside of compression too. Each goes "
        "through the command that reads it, in a child process that may take 2 GB more and 10 s. Measured: exit code "
        "0, and results; refused: exit code 2, one sentence, nothing written. See Testing/damageTestCases.py.",
    )
    with tempfile.TemporaryDirectory(prefix="alsOriginals") as made, damagePool(WORKERS) as outcomes:
        originals = makeOriginals(Path(made))
        jobs = _jobs(made, originals, count)
        found = outcomes(jobs)
    counts = Counter((job.original.format, outcome) for job, (outcome, _said) in zip(jobs, found, strict=True))
    formats = list(dict.fromkeys(original.format for original in originals))
    rows = [(format, *(str(counts[format, outcome]) for outcome in OUTCOMES)) for format in (*formats,)]
    total = Counter(outcome for outcome, _said in found)
    rows.append(("all", *(str(total[outcome]) for outcome in OUTCOMES)))
    topic.tables.append(("Outcomes by format", ("format", *OUTCOMES), rows))
    for outcome in OUTCOMES:
        isGood = outcome in GOOD
        topic.add(
            Goal(
                f"damaged inputs: {outcome}",
                f"{total[outcome]} of {count}",
                "" if isGood else "0",
                None if isGood else not total[outcome],
            )
        )
    bad = [(job, *each) for job, each in zip(jobs, found, strict=True) if each[0] not in GOOD]
    for job, outcome, said in bad[:MOST_SHOWN]:
        print(f"  {job.original.format}: {outcome}: {job.changes} {said[-200:]}", flush=True)
    return topic


def _jobs(folder: str, originals: list[Original], count: int) -> list[Job]:
    rng = random.Random(SEED)
    studies = [original for original in originals if original.arguments[0] == "study"]
    exams = [original for original in originals if original not in studies]
    jobs = []
    for index in range(count):
        among = studies if rng.random() < STUDY_SHARE else exams
        original = among[index % len(among)]
        jobs.append(Job(folder, original, drawnChanges(rng, original.damaged)))
    return jobs
