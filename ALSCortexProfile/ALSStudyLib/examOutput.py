"""Measured exams of either kind, `ProfileExam` and `PhaseExam`: into a folder, and into the log."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from .examReport import ReportContext, writeExamReport
from .mrmlFiles import saveScene
from .provenance import PROVENANCE_NAME, provenance, writeJson

logger = logging.getLogger("als-motor-cortex")

SCENE_NAME = "scene.mrb"
FIGURES_NAME = "figures"


def writeExams(
    folder: Path,
    scene,
    exams: Sequence,
    command: str,
    inputs: Sequence[Path],
    withScene: bool = True,
    withFigures: bool = True,
    report: ReportContext | None = None,
    arguments: Sequence[str] = (),
) -> None:
    """Everything of one subject's exam into a folder: tables, figures, provenance, and the scene with its results.

    :param report: what the report says beside the numbers; None for no report.
    :param arguments: of the command line, with which the same can be measured again.
    """
    record = {}
    for exam in exams:
        exam.writeTables(folder)
        if withFigures:
            (folder / FIGURES_NAME).mkdir(exist_ok=True)
            exam.writeFigures(folder / FIGURES_NAME)
        record |= exam.record()
    settings = {exam.kind: exam.caseNodes.settings.toDict() for exam in exams}
    record = provenance(
        command,
        settings if len(exams) > 1 else settings[exams[0].kind],
        inputs,
        subject=exams[0].caseNodes.subject,
        exam=exams[0].caseNodes.exam,
        arguments=list(arguments),
        **record,
    )
    if report is not None:
        for exam in exams:
            stem = "report" if len(exams) == 1 else f"report_{exam.kind}"
            beside = folder if len(exams) == 1 else folder / exam.kind
            beside.mkdir(exist_ok=True)
            writeExamReport(beside, exam, record, report, folder / FIGURES_NAME, stem)
    written = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    written += [PROVENANCE_NAME, *([SCENE_NAME] if withScene else [])]
    record["outputs"] = list(dict.fromkeys(written))
    writeJson(folder / PROVENANCE_NAME, record)
    for exam in exams:
        exam.store(scene)
    if withScene:
        saveScene(scene, folder / SCENE_NAME)


def logExams(exams: Sequence) -> None:
    """A line per target or region."""
    for exam in exams:
        nodes = exam.caseNodes
        who = " ".join(f"{nodes.subject} {nodes.exam}".split()) or "case"
        for level, text in exam.logLines():
            logger.log(level, "%s | %s", who, text)
