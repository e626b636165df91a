"""Tables, figures and provenance of what the panel shows, into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import slicer
from ALSStudyLib import panelViews
from ALSStudyLib.examOutput import writeExams
from ALSStudyLib.outputFolder import outputFolder
from ALSStudyLib.panelReport import ReportSources, readingsOf, writeExamReport
from ALSStudyLib.profileExam import ProfileExam
from ALSStudyLib.reading import READING_COLUMNS
from ALSStudyLib.tables import writeTable
from slicer.i18n import tr as _

from .mrmlResults import writeChart
from .panelTexts import targetText

READINGS_FILE = "readings.tsv"
COMMAND = "ALS Cortex Profile"


class PanelExam(ProfileExam):
    """An exam of the panel: its figures are what Slicer's views show, for Slicer has no matplotlib."""

    def writeTables(self, folder: Path) -> None:
        super().writeTables(folder)
        readings = readingsOf(self.caseNodes.subject, self.caseNodes.exam)
        if readings:
            writeTable(folder / READINGS_FILE, READING_COLUMNS, readings)

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

    def drawPictures(self, folder: Path) -> list[tuple[Path, str]]:
        """For the report: of each target its chart, and a slice with the line and the band; with captions."""
        shown = [measurement for measurement in self.measurements if measurement.mean is not None]
        found = []
        with panelViews.Pictures() as pictures:
            for measurement in shown:  # all charts first: another kind of view takes a moment
                slug = measurement.input.target.slug
                chart = writeChart(slicer.mrmlScene, self.caseNodes, measurement)
                pictures.chart(chart, folder / f"{slug}_profile.png")
            for measurement in shown:
                slug = measurement.input.target.slug
                rows = measurement.normals[len(measurement.normals) // 2]
                pictures.slice(rows.points_RAS.mean(0), folder / f"{slug}_slice.png")
                caption = _("{target}: profile and fit").format(target=targetText(slug))
                found.append((folder / f"{slug}_profile.png", caption))
                caption = _("{target}: line, normals and band, slice {slice}")
                found.append((folder / f"{slug}_slice.png", caption.format(target=targetText(slug), slice=rows.slice)))
        return [(path, caption) for path, caption in found if path.is_file()]


def exportExam(folder: str | Path, caseNodes, measurements: Sequence, withFigures: bool = True) -> None:
    """
    Write one exam; the folder never holds half of it.

    :raises ValueError: if the folder cannot be written.
    """
    exam, inputs = PanelExam(caseNodes, measurements=measurements), _inputFiles(caseNodes)
    with outputFolder(Path(folder)) as beside:
        writeExams(beside, slicer.mrmlScene, [exam], COMMAND, inputs, withScene=False, withFigures=withFigures)


def reportExam(folder: str | Path, caseNodes, measurements: Sequence, sources: ReportSources) -> str:
    """
    Write the report of one exam; returns what was written, in words.

    :raises ValueError: no subject, or a file that cannot be read or written.
    """
    exam, inputs = PanelExam(caseNodes, measurements=measurements), _inputFiles(caseNodes)
    return writeExamReport(Path(folder), exam, exam.drawPictures, COMMAND, inputs, sources, imageNodes=caseNodes.images)


def _inputFiles(caseNodes) -> list[Path]:
    """Files that hold what was measured: a node that was changed since has none."""
    nodes = [*caseNodes.images, *caseNodes.contours, caseNodes.references]
    unchanged = [node for node in nodes if node.GetStorageNode() is not None and not node.GetModifiedSinceRead()]
    names = [node.GetStorageNode().GetFullNameFromFileName() for node in unchanged]
    return [Path(name) for name in names if name and Path(name).is_file()]
