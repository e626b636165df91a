"""Exams of either kind, found in a saved scene and measured."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ALSCortexProfileLib import mrml as profileMrml
from PhaseShiftROILib import mrml as phaseMrml

from .errors import InputError
from .mrmlFiles import loadScene
from .phaseExam import PhaseExam
from .profileExam import ProfileExam

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
