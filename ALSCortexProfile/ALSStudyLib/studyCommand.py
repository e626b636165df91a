"""The command `study`: its options, and what it runs."""

from __future__ import annotations

import argparse
import logging
import math
from pathlib import Path

logger = logging.getLogger("als-motor-cortex")

EXAMPLE = (
    "study --measurements profile_measurements.tsv --participants participants.tsv \\\n"
    "    --readings readings.tsv --prevalence 0.4 --output study"
)
HELP = "compare groups, ROC, correlation, agreement, reference range and report, from tables of measurements"


def addArguments(command: argparse.ArgumentParser) -> None:
    """The options of `study`, beside --output."""
    command.add_argument(
        "--measurements",
        required=True,
        nargs="+",
        action="extend",
        type=Path,
        metavar="F.tsv",
        help="profile_measurements.tsv or phase_measurements.tsv, one or several; the same places in two files are "
        "repeated measurements",
    )
    command.add_argument(
        "--participants",
        type=Path,
        metavar="F.tsv",
        help="subject (or participant_id), group (als, control, mimic), age_years, sex, umn_arm_left, ..., alsfrs",
    )
    command.add_argument(
        "--readings", nargs="+", action="extend", default=[], type=Path, metavar="F.tsv", help="visual readings"
    )
    rules = command.add_argument_group("rules")
    rules.add_argument(
        "--side-rule",
        default="opposite",
        choices=("opposite", "same"),
        help="limb that a hemisphere's value goes with: of the opposite side, or of the same",
    )
    rules.add_argument(
        "--exam-rule",
        default="first",
        choices=("first", "mean", "mixed"),
        help="of subjects with several exams: the first, their mean, or the first and a mixed model of all beside",
    )
    rules.add_argument(
        "--summary",
        default="greatest",
        choices=("greatest", "mean"),
        help="a subject's value over its regions in the symmetric ROC rule",
    )
    rules.add_argument(
        "--no-band",
        default="blank",
        choices=("blank", "zero"),
        help="a target without a band is not measured, or its SH and SH/Thk are 0",
    )
    cutoff = command.add_argument_group("cut-off")
    cutoff.add_argument("--cutoff", default="youden", choices=("youden", "sensitivity", "cost"), help="criterion")
    cutoff.add_argument("--minimum-sensitivity", type=float, default=0.9, metavar="S", help="for --cutoff sensitivity")
    cutoff.add_argument(
        "--cost-ratio", type=float, default=1.0, metavar="R", help="false alarms that a missed patient costs"
    )
    cutoff.add_argument(
        "--prevalence", type=float, default=0.5, metavar="P", help="of ALS where the cut-off is to be used"
    )
    command.add_argument(
        "--minimum-controls", type=int, default=10, metavar="N", help="a reference range is refused below this"
    )
    command.add_argument("--resamples", type=int, default=1000, metavar="N", help="of every bootstrap")
    command.add_argument("--permutations", type=int, default=1000, metavar="N", help="of the null of each ROC rule")
    command.add_argument("--seed", type=int, default=None, help="of bootstrap and permutations (20180101)")
    command.add_argument("--no-figures", dest="figures", action="store_false", help="do not draw figures")
    command.add_argument(
        "--no-patients", dest="patients", action="store_false", help="no page for each patient, only that of the study"
    )


def settingsOf(parsed):
    """:raises InputError: a number that cannot be."""
    from .studySettings import StudySettings

    return StudySettings(
        sideRule=parsed.side_rule,
        examRule=parsed.exam_rule,
        summary=parsed.summary,
        noBand=parsed.no_band,
        cutoff=parsed.cutoff,
        minimumSensitivity=parsed.minimum_sensitivity,
        costRatio=parsed.cost_ratio,
        prevalence=parsed.prevalence,
        minimumControls=parsed.minimum_controls,
        resamples=parsed.resamples,
        permutations=parsed.permutations,
        **({"seed": parsed.seed} if parsed.seed is not None else {}),
    )


def run(parsed, progress) -> None:
    """Read, study, write.

    :param progress: called with what is done and the share. :raises InputError: nothing can be studied.
    """
    from .outputFolder import checkNotReplaced, checkWritable, outputFolder
    from .study import runStudies
    from .studyOutput import writeStudies
    from .studyTables import readStudy

    checkWritable(parsed.output, holds="study")
    inputs = [*parsed.measurements, *([parsed.participants] if parsed.participants else []), *parsed.readings]
    checkNotReplaced(parsed.output, inputs)
    settings = settingsOf(parsed)
    data = readStudy(parsed.measurements, parsed.participants, parsed.readings)
    results = runStudies(data, settings, progress)
    with outputFolder(parsed.output, holds="study") as folder:
        writeStudies(
            folder,
            results,
            inputs,
            "study",
            _drawer(parsed.figures),
            parsed.patients,
            progress,
        )
    logStudies(results)
    logger.info("Statistics, figures and reports are in %s", parsed.output)


def _drawer(withFigures: bool):
    if not withFigures:
        return lambda folder, charts: []
    from .studyFigures import writeFigures

    return writeFigures


def logStudies(results) -> None:
    """What was studied, what was found wrong with the input, and the numbers asked for most."""
    for problem in results[0].data.problems:
        logger.warning("%s", problem.text)
    for result in results:
        given = set(map(id, result.data.problems))
        for problem in result.problems:
            if id(problem) not in given:
                logger.warning("audit | %s", problem.text)
        counts = result.counts
        groups = ", ".join(f"{count} {name}" for name, count in counts["by_group"].items())
        logger.info(
            "%s | %d subjects (%s), %d exams, %d regions, %d not measured",
            result.kind,
            counts["subjects"],
            groups,
            counts["exams"],
            counts["regions"],
            counts["not_measured"],
        )
        first = [row["region"] for row in result.rows if row["analysis"] == "auc_delong"]
        for row in result.rows:
            if row["analysis"] == "auc_delong" and row["measure"] == result.main and row["region"] == first[0]:
                if not math.isfinite(row["estimate"]):
                    logger.info("%s | no AUC: %s", result.kind, row["note"].rpartition("; ")[2])
                    continue
                logger.info(
                    "%s | AUC %.2f (%.2f to %.2f) %s %s, %s against %s, %s rule",
                    result.kind,
                    row["estimate"],
                    row["ci_low"],
                    row["ci_high"],
                    row["measure"],
                    row["region"],
                    row["group_a"],
                    row["group_b"],
                    row["rule"],
                )
        for note in result.notes:
            logger.info("%s | left out: %s", result.kind, note)
