"""One exam of the profile: files or a scene in; tables, figures, and results in the scene out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ALSCortexProfileLib import mrml, mrmlResults
from ALSCortexProfileLib.doubleSigmoid import INVALID_INPUT
from ALSCortexProfileLib.measurement import ProfileMeasurement
from ALSCortexProfileLib.profileTables import (
    MEASUREMENT_COLUMNS,
    PROFILE_COLUMNS,
    VARIANT_COLUMNS,
    details,
    measurementRow,
    profileRows,
    summary,
    variantRows,
)
from ALSCortexProfileLib.settings import ProfileSettings

from .mrmlFiles import loadCurve, loadSegmentation, loadVolumes
from .tables import allRows, writeTable


# The tables of an exam, and their columns.
COLUMNS = {
    "profile_measurements": MEASUREMENT_COLUMNS,
    "profiles": PROFILE_COLUMNS,
    "profile_variants": VARIANT_COLUMNS,
}


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


class ProfileExam:
    """One exam, measured."""

    kind = "profile"

    def __init__(
        self,
        caseNodes: mrml.CaseNodes,
        progress: Callable[[float], None] | None = None,
        measurements: Sequence[ProfileMeasurement] | None = None,
    ):
        """
        :param progress: called with the share that is done. measurements: what was measured of it already.
        :raises InputError: an exam that cannot be measured.
        """
        self.caseNodes = caseNodes

        def step(index, count, share):
            if progress is not None:
                progress((index + share) / count)

        self.measurements = mrml.measureCase(caseNodes, step) if measurements is None else list(measurements)

    def rows(self) -> list[dict]:
        """Rows of profile_measurements.tsv."""
        return [measurementRow(measurement) for measurement in self.measurements]

    def tables(self) -> dict[str, list[dict]]:
        """Rows of each of `COLUMNS`."""
        return {
            "profile_measurements": self.rows(),
            "profiles": allRows(self.measurements, profileRows),
            "profile_variants": allRows(self.measurements, variantRows),
        }

    def writeTables(self, folder: Path) -> None:
        for name, rows in self.tables().items():
            writeTable(folder / f"{name}.tsv", COLUMNS[name], rows)

    def writeFigures(self, folder: Path) -> None:
        from ALSCortexProfileLib.figures import writeFigures

        writeFigures(folder, self.measurements)

    def record(self) -> dict:
        """What provenance.json says of it."""
        times, settings = mrml.echoTimesMs(self.caseNodes), self.caseNodes.settings
        return {
            "echoes": {"times_ms": times, "combination": settings.echoCombination if times else None},
            "targets": {m.input.target.slug: details(m) for m in self.measurements},
        }

    def store(self, scene) -> None:
        """Case and results into its scene."""
        mrml.storeCase(scene, self.caseNodes)
        mrmlResults.writeResults(scene, self.caseNodes, self.measurements)

    def logLines(self) -> list[tuple[int, str]]:
        """(level, text), a line per target."""
        return [
            (logging.WARNING if measurement.status == INVALID_INPUT else logging.INFO, summary(measurement))
            for measurement in self.measurements
        ]
