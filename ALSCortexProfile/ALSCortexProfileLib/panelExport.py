"""Tables, figures and provenance of what the panel shows, into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import slicer
from ALSStudyLib import panelViews
from ALSStudyLib.examOutput import writeExams
from ALSStudyLib.mrmlReadings import storedReadings
from ALSStudyLib.outputFolder import outputFolder
from ALSStudyLib.profileExam import ProfileExam
from ALSStudyLib.reading import READING_COLUMNS, ReadingSession
from ALSStudyLib.tables import writeTable

from .mrmlResults import writeChart

READINGS_FILE = "readings.tsv"


class PanelExam(ProfileExam):
    """An exam of the panel: its figures are what Slicer's views show, for Slicer has no matplotlib."""

    def writeTables(self, folder: Path) -> None:
        super().writeTables(folder)
        who = ReadingSession(self.caseNodes.subject, self.caseNodes.exam, "", 1, 0)
        stored = storedReadings(slicer.mrmlScene)
        readings = [reading for reading in stored if (reading.subject, reading.exam) == (who.subject, who.exam)]
        if readings:
            writeTable(folder / READINGS_FILE, READING_COLUMNS, [reading.row for reading in readings])

    def writeFigures(self, folder: Path) -> None:
        with panelViews.Pictures() as pictures:
            for measurement in self.measurements:
                if measurement.mean is None:
                    continue
                slug = measurement.input.target.slug
                for rows in measurement.normals:
                    pictures.slice(rows.points_RAS.mean(0), folder / f"{slug}_slice{rows.slice}.png")
                chart = writeChart(slicer.mrmlScene, self.caseNodes, measurement)
                pictures.chart(chart, folder / f"{slug}_profile.png")
            source = self.measurements[0].input
            for region in (source.splenium, source.whiteMatter):
                if len(region.voxels_IJK):
                    center_RAS = source.image.ijkToWorld(region.voxels_IJK).mean(0)
                    name = "_".join(region.name.lower().split())
                    pictures.slice(center_RAS, folder / f"reference_{name}.png")


def exportExam(folder: str, caseNodes, measurements: Sequence) -> None:
    """
    Write one exam; the folder never holds half of it.

    :raises ValueError: if the folder cannot be written.
    """
    exam = PanelExam(caseNodes, measurements=measurements)
    with outputFolder(Path(folder)) as beside:
        writeExams(beside, slicer.mrmlScene, [exam], "ALS Cortex Profile", _inputFiles(caseNodes), withScene=False)


def _inputFiles(caseNodes) -> list[Path]:
    """Files that hold what was measured: a node that was changed since has none."""
    nodes = [*caseNodes.images, *caseNodes.contours, caseNodes.references]
    unchanged = [node for node in nodes if node.GetStorageNode() is not None and not node.GetModifiedSinceRead()]
    names = [node.GetStorageNode().GetFullNameFromFileName() for node in unchanged]
    return [Path(name) for name in names if name and Path(name).is_file()]
