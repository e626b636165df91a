"""Tables, pictures and provenance of what the panel shows, into a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import slicer
from ALSStudyLib import panelViews
from ALSStudyLib.examOutput import writeExams
from ALSStudyLib.outputFolder import outputFolder
from ALSStudyLib.panelReport import ReportSources, writeExamReport
from ALSStudyLib.phaseExam import PhaseExam
from slicer.i18n import tr as _

from .mrmlPictures import inputFiles, writePictures
from .mrmlResults import writeSlicesChart
from .panelTexts import regionText

COMMAND = "Phase Shift ROI"


class PanelExam(PhaseExam):
    """An exam of the panel: Slicer has no matplotlib, so its figures are pixels, and what Slicer's views show."""

    def writeFigures(self, folder: Path) -> None:
        writePictures(folder, self.measurements)
        if slicer.app.layoutManager() is None:
            return
        with panelViews.Pictures() as pictures:
            for measurement in self.measurements:
                region = measurement.region
                for rank, value in enumerate(measurement.chosen, start=1):
                    here_IJK = region.voxels_IJK[region.voxels_IJK[:, 2] == value.slice]
                    center_RAS = measurement.prepared.corrected.ijkToWorld(here_IJK).mean(0)
                    pictures.slice(center_RAS, folder / f"{region.slug}_rank{rank}_slice{value.slice}_view.png")
                if measurement.candidates:
                    chart, _nodes = writeSlicesChart(slicer.mrmlScene, self.caseNodes, measurement)
                    pictures.chart(chart, folder / f"{region.slug}_chart.png")

    def drawPictures(self, folder: Path) -> list[tuple[Path, str]]:
        """For the report: each region in its most extreme slice, with captions."""
        writePictures(folder, self.measurements)
        found = []
        for measurement in self.measurements:
            region = measurement.region
            for rank, value in enumerate(measurement.chosen[:1], start=1):
                caption = _("{region}, slice {slice}").format(
                    region=regionText(region.structure.slug, region.side), slice=value.slice
                )
                found.append((folder / f"{region.slug}_rank{rank}_slice{value.slice}.png", caption))
        return [(path, caption) for path, caption in found if path.is_file()]


def exportExam(folder: str | Path, caseNodes, measurements: Sequence, withFigures: bool = True) -> list[Path]:
    """
    Write one exam; the folder never holds half of it.

    :return: the files, relative to the folder.
    :raises ValueError: if the folder cannot be written.
    """
    exam = PanelExam(caseNodes, measurements=measurements)
    with outputFolder(Path(folder)) as beside:
        inputs = inputFiles(caseNodes, getattr(slicer, "dicomDatabase", None))
        writeExams(beside, slicer.mrmlScene, [exam], COMMAND, inputs, withScene=False, withFigures=withFigures)
        return sorted(path.relative_to(beside) for path in beside.rglob("*") if path.is_file())


def reportExam(folder: str | Path, caseNodes, measurements: Sequence, sources: ReportSources) -> str:
    """
    Write the report of one exam; returns what was written, in words.

    :raises ValueError: no subject, or a file that cannot be read or written.
    """
    exam = PanelExam(caseNodes, measurements=measurements)
    inputs = inputFiles(caseNodes, getattr(slicer, "dicomDatabase", None))
    return writeExamReport(
        Path(folder), exam, exam.drawPictures, COMMAND, inputs, sources, imageNodes=(caseNodes.declared,)
    )
