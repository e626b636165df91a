"""Exams of either kind: found in a saved scene; written to a folder with figures, provenance and the scene."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from ALSCortexProfileLib import mrml as profileMrml
from PhaseShiftROILib import mrml as phaseMrml

from .errors import InputError
from .mrmlFiles import loadScene, saveScene
from .phaseExam import PhaseExam
from .profileExam import ProfileExam
from .provenance import PROVENANCE_NAME, provenance, writeJson

logger = logging.getLogger("als-motor-cortex")

SCENE_NAME = "scene.mrb"
FIGURES_NAME = "figures"
Exam = ProfileExam | PhaseExam


def measureScene(scene, path: Path, progress: Callable[[float], None] | None = None) -> list[Exam]:
    """Measure what a saved scene holds: a profile case, a phase case, or both.

    :raises InputError: no case, or one that cannot be measured.
    """
    loadScene(scene, path)
    hasProfile, hasPhase = profileMrml.hasCase(scene), phaseMrml.hasPhaseCase(scene)
    if not (hasProfile or hasPhase):
        raise InputError(
            f"The scene has neither a curve with the attribute {profileMrml.TARGET_ATTRIBUTE} nor a volume with "
            f"{phaseMrml.ROLE_ATTRIBUTE}={phaseMrml.PHASE_ROLE}; expected a case of ALS Cortex Profile or of Phase "
            "Shift ROI; assign a pial line to a target, or choose the phase image, there."
        )
    exams: list[Exam] = []
    if hasProfile:
        exams.append(ProfileExam(profileMrml.findCaseNodes(scene), progress))
    if hasPhase:
        exams.append(PhaseExam(phaseMrml.findPhaseCaseNodes(scene), progress))
    return exams


def writeExams(
    folder: Path,
    scene,
    exams: Sequence[Exam],
    command: str,
    inputs: Sequence[Path],
    withScene: bool = True,
    withFigures: bool = True,
) -> None:
    """Everything of one subject's exam into a folder: tables, figures, provenance, and the scene with its results."""
    record = {}
    for exam in exams:
        exam.writeTables(folder)
        if withFigures:
            (folder / FIGURES_NAME).mkdir(exist_ok=True)
            exam.writeFigures(folder / FIGURES_NAME)
        record |= exam.record()
    settings = {exam.kind: exam.caseNodes.settings.toDict() for exam in exams}
    written = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    written += [PROVENANCE_NAME, *([SCENE_NAME] if withScene else [])]
    record = provenance(
        command,
        settings if len(exams) > 1 else settings[exams[0].kind],
        inputs,
        subject=exams[0].caseNodes.subject,
        exam=exams[0].caseNodes.exam,
        outputs=list(dict.fromkeys(written)),
        **record,
    )
    writeJson(folder / PROVENANCE_NAME, record)
    for exam in exams:
        exam.store(scene)
    if withScene:
        saveScene(scene, folder / SCENE_NAME)


def logExams(exams: Sequence[Exam]) -> None:
    """A line per target or region."""
    for exam in exams:
        nodes = exam.caseNodes
        who = " ".join(f"{nodes.subject} {nodes.exam}".split()) or "case"
        for level, text in exam.logLines():
            logger.log(level, "%s | %s", who, text)
