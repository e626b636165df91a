"""One exam of the profile: files or a saved scene in; tables, figures, provenance and scene out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ALSCortexProfileLib import mrml, mrmlResults
from ALSCortexProfileLib.doubleSigmoid import INVALID_INPUT
from ALSCortexProfileLib.measurement import ProfileMeasurement
from ALSCortexProfileLib.profileTables import (
    MEASUREMENT_COLUMNS,
    PROFILE_COLUMNS,
    VARIANT_COLUMNS,
    allRows,
    details,
    measurementRow,
    profileRows,
    summary,
    variantRows,
)
from ALSCortexProfileLib.settings import ProfileSettings

from .mrmlFiles import loadCurve, loadScene, loadSegmentation, loadVolumes, saveScene
from .provenance import PROVENANCE_NAME, provenance, writeJson
from .tables import writeTable

logger = logging.getLogger("als-motor-cortex")

SCENE_NAME = "scene.mrb"
FIGURES_NAME = "figures"


@dataclass(frozen=True)
class ProfileFiles:
    """:param images: one file, or one per echo. contours: (target slug, path), repeated for several slices."""

    images: Sequence[Path]
    contours: Sequence[tuple[str, Path]]
    references: Path
    echoTimesMs: Sequence[float] = ()

    @property
    def all(self) -> list[Path]:
        return [*self.images, *(path for _, path in self.contours), self.references]


def loadProfileCase(scene, files: ProfileFiles, subject: str, exam: str, settings: ProfileSettings) -> mrml.CaseNodes:
    """Load an exam's files into the scene.

    :raises InputError: any file that cannot be used.
    """
    images = tuple(loadVolumes(scene, files.images, files.echoTimesMs))
    contours = []
    for slug, path in files.contours:
        node = loadCurve(scene, path)
        mrml.assignTarget(node, slug)
        contours.append(node)
    references = loadSegmentation(scene, files.references)
    return mrml.CaseNodes(images, tuple(contours), references, subject, exam, settings)


def openProfileCase(scene, path: Path) -> mrml.CaseNodes:
    """The exam in a saved scene."""
    loadScene(scene, path)
    return mrml.findCaseNodes(scene)


def writeCase(
    folder: Path,
    scene,
    caseNodes: mrml.CaseNodes,
    measurements: Sequence[ProfileMeasurement],
    command: str,
    inputs: Sequence[Path],
    withScene: bool = True,
    more: Mapping | None = None,
) -> None:
    """Everything of one exam into a folder: tables, figures, provenance, and the scene with its results."""
    from ALSCortexProfileLib.figures import writeFigures

    writeTable(folder / "profile_measurements.tsv", MEASUREMENT_COLUMNS, [measurementRow(m) for m in measurements])
    writeTable(folder / "profiles.tsv", PROFILE_COLUMNS, allRows(measurements, profileRows))
    writeTable(folder / "profile_variants.tsv", VARIANT_COLUMNS, allRows(measurements, variantRows))
    figures = folder / FIGURES_NAME
    figures.mkdir()
    writeFigures(figures, measurements)
    times = mrml.echoTimesMs(caseNodes)
    settings = caseNodes.settings
    written = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()]
    record = provenance(
        command,
        settings.toDict(),
        inputs,
        subject=caseNodes.subject,
        exam=caseNodes.exam,
        echoes={"times_ms": times, "combination": settings.echoCombination if times else None},
        targets={m.input.target.slug: details(m) for m in measurements},
        outputs=[*written, PROVENANCE_NAME, *([SCENE_NAME] if withScene else [])],
        **(more or {}),
    )
    writeJson(folder / PROVENANCE_NAME, record)
    mrml.storeCase(scene, caseNodes)
    mrmlResults.writeResults(scene, caseNodes, measurements)
    if withScene:
        saveScene(scene, folder / SCENE_NAME)


def logCase(caseNodes: mrml.CaseNodes, measurements: Sequence[ProfileMeasurement]) -> None:
    """A line per target."""
    who = " ".join(part for part in (caseNodes.subject, caseNodes.exam) if part) or "case"
    for measurement in measurements:
        level = logging.WARNING if measurement.status == INVALID_INPUT else logging.INFO
        logger.log(level, "%s | %s", who, summary(measurement))
