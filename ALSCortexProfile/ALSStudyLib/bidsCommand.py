"""The command `bids`: which exams of a BIDS dataset are measured."""

from __future__ import annotations

import argparse
import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .batchCommand import addRunOptions, measureCases
from .bidsCases import PREFERRED_ECHO_MS, readDataset
from .bidsFiles import DESCRIPTION_NAME
from .bidsOutput import checkOutput, writeDerivatives
from .caseList import Case, writeCases
from .outputFolder import checkWritable

logger = logging.getLogger("als-motor-cortex")

HELP = "measure every exam of a BIDS dataset that has contours or regions in its derivatives"
EXAMPLE = (
    "bids study --derivatives study/derivatives/manual --output study/derivatives/als-motor-cortex \\\n"
    "    --polarity paramagnetic_negative --filter homodyne"
)
LIST_NAME = "CASES.csv"


def addArguments(command: argparse.ArgumentParser) -> None:
    """The options of `bids`, beside --output."""
    command.add_argument("dataset", type=Path, metavar="DATASET", help="folder with dataset_description.json")
    command.add_argument(
        "--derivatives",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        metavar="DIR",
        help="derivatives with the drawings (all in DATASET/derivatives)",
    )
    command.add_argument(
        "--participant-label", nargs="+", action="extend", default=[], metavar="LABEL", help="only these subjects"
    )
    command.add_argument(
        "--session-label", nargs="+", action="extend", default=[], metavar="LABEL", help="only these sessions"
    )
    command.add_argument(
        "--image-suffix",
        nargs="+",
        action="extend",
        default=[],
        metavar="SUFFIX",
        help="only these images (MEGRE, T2starw, T2star, GRE, swi, SWI); of several phase echoes the one nearest to "
        f"{PREFERRED_ECHO_MS:g} ms is measured, or that of the regions' name",
    )
    command.add_argument("--list-only", action="store_true", help=f"write {LIST_NAME} for batch, and measure nothing")
    addRunOptions(command)


def run(parsed) -> None:
    """List, measure, gather; or only list.

    :raises InputError: a dataset that cannot be used, or an output that cannot be written.
    """
    if parsed.list_only:
        writeList(parsed.output, casesOf(parsed))
        return
    checkOutput(parsed.output)

    def writeMore(folder, records):
        writeDerivatives(folder, records(), parsed.dataset)

    measureCases(parsed, casesOf(parsed), [parsed.dataset / DESCRIPTION_NAME], writeMore)


def casesOf(parsed) -> list[Case]:
    """The exams that the options ask for. An encoding given on the command line replaces that of the sidecars.

    :raises InputError: see `readDataset`.
    """
    cases = readDataset(
        parsed.dataset, parsed.derivatives, parsed.participant_label, parsed.session_label, parsed.image_suffix
    )
    for case in cases:
        if case.problem:
            logger.warning("%s | %s", case.name, case.problem)
    if parsed.encoding is None:
        return cases
    return [replace(case, values={k: text for k, text in case.values.items() if k != "encoding"}) for case in cases]


def writeList(output: Path, cases: Sequence[Case]) -> Path:
    """CASES.csv in `output`, which `batch` reads; other files there stay.

    :raises InputError: a folder that cannot be written to.
    """
    checkWritable(output, "batch")
    output.mkdir(parents=True, exist_ok=True)
    path, beside = output / LIST_NAME, output / f".{LIST_NAME}.new"
    writeCases(beside, cases)
    os.replace(beside, path)
    logger.info("%d exams are listed in %s", len(cases), path)
    return path
