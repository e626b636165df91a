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
from ALSStudyLib.reading import READING_COLUMNS
from ALSStudyLib.tables import writeTable

from .mrmlResults import writeChart

READINGS_FILE = "readings.tsv"


class PanelExam(ProfileExam):
    """An exam of the panel: its figures are what Slicer's views show, for Slicer has no matplotlib."""

    def writeTables(self, folder: Path) -> None:
        super().writeTables(folder)
        readings = storedReadings(slicer.mrmlScene)
        if readings:
            writeTable(folder / READINGS_FILE, READING_COLUMNS, [reading.row for reading in readings])

    def writeFigures(self, folder: Path) -> None:
        manager = slicer.app.layoutManager()
        if manager is None:
            return
        layout = manager.layout
        try:
            for measurement in self.measurements:
                if measurement.mean is not None:
                    self._capture(manager, folder, measurement)
        finally:
            manager.setLayout(layout)

    def _capture(self, manager, folder, measurement) -> None:
        slug = measurement.input.target.slug
        for rows in measurement.normals:
            panelViews.jumpTo(rows.points_RAS.mean(0))
            panelViews.captureView(manager.sliceWidget("Red").sliceView(), folder / f"{slug}_slice{rows.slice}.png")
        panelViews.showChart(writeChart(slicer.mrmlScene, self.caseNodes, measurement), mayChangeLayout=True)
        if manager.plotViewCount:
            panelViews.captureView(manager.plotWidget(0).plotView(), folder / f"{slug}_profile.png")


def exportExam(folder: str, caseNodes, measurements: Sequence) -> None:
    """
    Write one exam; the folder never holds half of it.

    :raises ValueError: if the folder cannot be written.
    """
    exam = PanelExam(caseNodes, measurements=measurements)
    with outputFolder(Path(folder)) as beside:
        writeExams(beside, slicer.mrmlScene, [exam], "ALS Cortex Profile", _inputFiles(caseNodes), withScene=False)


def _inputFiles(caseNodes) -> list[Path]:
    """Files that the nodes were loaded from or saved to."""
    nodes = [*caseNodes.images, *caseNodes.contours, caseNodes.references]
    storages = [node.GetStorageNode() for node in nodes]
    names = [storage.GetFullNameFromFileName() for storage in storages if storage is not None]
    return [Path(name) for name in names if name and Path(name).is_file()]
