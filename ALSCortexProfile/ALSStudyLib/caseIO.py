"""Exams of either kind, found in a saved scene and measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ALSCortexProfileLib import mrml as profileMrml
from PhaseShiftROILib import mrml as phaseMrml

from .errors import InputError
from .examSources import Measure
from .mrmlFiles import loadScene
from .phaseExam import PhaseExam
from .profileExam import ProfileExam

Exam = ProfileExam | PhaseExam


def openScene(scene, path: Path, subject: str = "", exam: str = "") -> list[tuple[str, Measure]]:
    """Load a saved scene: its profile case, its phase case, or both, each as (kind, function that measures it).

    :param subject, exam: instead of those in the scene. :raises InputError: no case.
    """
    loadScene(scene, path)
    named = {name: text for name, text in (("subject", subject), ("exam", exam)) if text}
    found: list[tuple[str, Measure]] = []
    if profileMrml.hasCase(scene):
        found.append(
            ("profile", lambda progress: ProfileExam(replace(profileMrml.findCaseNodes(scene), **named), progress))
        )
    if phaseMrml.hasPhaseCase(scene):
        found.append(
            ("phase", lambda progress: PhaseExam(replace(phaseMrml.findPhaseCaseNodes(scene), **named), progress))
        )
    if not found:
        raise InputError(
            f"The scene has neither a curve with the attribute {profileMrml.TARGET_ATTRIBUTE} nor a volume with "
            f"{phaseMrml.ROLE_ATTRIBUTE}={phaseMrml.PHASE_ROLE}; expected a case of ALS Cortex Profile or of Phase "
            "Shift ROI; assign a pial line to a target, or choose the phase image, there."
        )
    return found


def storedNames(scene) -> list[tuple[str, str]]:
    """(subject, exam) as the cases in a scene name themselves."""
    found = [profileMrml.findCaseNodes(scene)] if profileMrml.hasCase(scene) else []
    found += [phaseMrml.findPhaseCaseNodes(scene)] if phaseMrml.hasPhaseCase(scene) else []
    return [(nodes.subject, nodes.exam) for nodes in found]


def measureScene(scene, path: Path, progress: Callable[[float], None] | None = None) -> list[Exam]:
    """Measure what a saved scene holds: a profile case, a phase case, or both.

    :raises InputError: no case, or one that cannot be measured.
    """
    return [measure(progress) for _, measure in openScene(scene, path)]
