"""One exam of the phase shift: files or a scene in; tables, figures, and results in the scene out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PhaseShiftROILib import mrml, mrmlResults
from PhaseShiftROILib.dicomFiles import chooseVolume, declaredEncoding, isDicom, readDicom
from PhaseShiftROILib.encoding import COMPLEX
from PhaseShiftROILib.measurement import PhaseMeasurement
from PhaseShiftROILib.phaseTables import (
    MEASUREMENT_COLUMNS,
    REGION_COLUMNS,
    SLICE_COLUMNS,
    WIDE_COLUMNS,
    details,
    measurementRows,
    regionRow,
    sliceRows,
    summary,
    wideRow,
)
from PhaseShiftROILib.settings import PhaseSettings
from PhaseShiftROILib.sidecar import readSidecar, sidecarPath

from .errors import InputError
from .mrmlFiles import loadSegmentation, loadVolume
from .mrmlNodes import addVolumeNode
from .tables import allRows, writeTable

# The tables of an exam, and their columns.
COLUMNS = {
    "phase_measurements": MEASUREMENT_COLUMNS,
    "phase_slices": SLICE_COLUMNS,
    "phase_regions": REGION_COLUMNS,
    "phase_wide": WIDE_COLUMNS,
}
BIDS, DICOM = "bids", "dicom"
SAME_SHARE = 0.05  # a 3 T magnet is one of 2.89 T


@dataclass(frozen=True)
class PhaseFiles:
    """:param phase: or real and imaginary; a file, or DICOM (a file or a folder)."""

    regions: Path
    phase: Path | None = None
    real: Path | None = None
    imaginary: Path | None = None
    magnitude: Path | None = None

    @property
    def images(self) -> dict[str, Path]:
        """By component, those that are given."""
        components = ("phase", "real", "imaginary", "magnitude")
        return {name: getattr(self, name) for name in components if getattr(self, name) is not None}

    @property
    def all(self) -> list[Path]:
        """Every file that goes in, those of DICOM folders and BIDS sidecars too."""
        found = []
        for path in (*self.images.values(), self.regions):
            if path.is_dir():
                found += sorted(file for file in path.rglob("*") if file.is_file())
            else:
                found += [path, *(sidecar for sidecar in (sidecarPath(path),) if sidecar.is_file())]
        return found


def loadPhaseCase(
    scene, files: PhaseFiles, declared: mrml.Acquisition, subject: str, exam: str, settings: PhaseSettings
) -> mrml.PhaseCaseNodes:
    """Load an exam's files into the scene; what is not declared is taken from DICOM headers or a BIDS sidecar.

    :param declared: `encoding` may be "bids" or "dicom": as sidecar or header say.
    :raises InputError: any file that cannot be used.
    """
    nodes, found = {}, []
    for component, path in files.images.items():
        nodes[component], acquisition = _loadComponent(scene, path, component, declared)
        if component != "magnitude":
            found.append(acquisition)
    declared = _completed(declared, found[0])
    if files.phase is None:
        declared = replace(declared, encoding=COMPLEX)
    mrml.declareAcquisition(nodes["phase" if files.phase is not None else "real"], declared)
    regions = loadSegmentation(scene, files.regions, "Regions")
    return mrml.PhaseCaseNodes(
        regions, *(nodes.get(name) for name in ("phase", "real", "imaginary", "magnitude")), subject, exam, settings
    )


def _loadComponent(scene, path: Path, component: str, declared: mrml.Acquisition):
    """A volume node of one image, and what its file declares."""
    if path.exists() and isDicom(path):
        volume = chooseVolume(readDicom(path), component, declared.echoTimeMs)
        node = addVolumeNode(scene, volume.values_KJI, volume.ijkToRAS, component)
        encoding = declaredEncoding(volume) if component == "phase" and declared.encoding == DICOM else ""
        return node, mrml.Acquisition(encoding, volume.echoTimeMs, volume.fieldStrengthT)
    if component == "phase" and declared.encoding == DICOM:
        raise InputError(
            f"Phase '{path}' is no DICOM file or folder; expected DICOM for the encoding dicom; declare the encoding."
        )
    node = loadVolume(scene, path, component.capitalize())
    if component == "magnitude":
        return node, mrml.Acquisition()
    unitNeeded = declared.encoding == BIDS and component == "phase"
    said = readSidecar(path, unitNeeded)
    return node, mrml.Acquisition(said.encoding if unitNeeded else "", said.echoTimeMs, said.fieldStrengthT)


def _completed(declared: mrml.Acquisition, found: mrml.Acquisition) -> mrml.Acquisition:
    """What is not declared, as the files say it.

    :raises InputError: an echo time or field strength that the file contradicts.
    """
    for given, said, what, unit in (
        (declared.echoTimeMs, found.echoTimeMs, "Echo time", "ms"),
        (declared.fieldStrengthT, found.fieldStrengthT, "Field strength", "T"),
    ):
        if given is not None and said is not None and abs(given - said) > SAME_SHARE * said:
            raise InputError(
                f"{what} is given as {given:g} {unit}, but the file's header or sidecar says {said:g} {unit}; expected "
                "one value; leave the option out, or correct the sidecar."
            )
    return replace(
        declared,
        encoding=declared.encoding if declared.encoding not in (BIDS, DICOM) else found.encoding,
        echoTimeMs=found.echoTimeMs if declared.echoTimeMs is None else declared.echoTimeMs,
        fieldStrengthT=found.fieldStrengthT if declared.fieldStrengthT is None else declared.fieldStrengthT,
    )


# Measured -------------------------------------------------------------------------------------------------------


class PhaseExam:
    """One exam, measured."""

    kind = "phase"

    def __init__(
        self,
        caseNodes: mrml.PhaseCaseNodes,
        progress: Callable[[float], None] | None = None,
        measurements: Sequence[PhaseMeasurement] | None = None,
    ):
        """
        :param progress: called with the share that is done. measurements: of these nodes, if there are any already.

        :raises InputError: an exam that cannot be measured.
        """
        self.caseNodes = caseNodes
        self.measurements = mrml.measurePhaseCase(caseNodes) if measurements is None else measurements
        if progress is not None:
            progress(1.0)

    def rows(self) -> list[dict]:
        """Rows of phase_measurements.tsv."""
        return allRows(self.measurements, measurementRows)

    def tables(self) -> dict[str, list[dict]]:
        """Rows of each of `COLUMNS`."""
        return {
            "phase_measurements": self.rows(),
            "phase_slices": allRows(self.measurements, sliceRows),
            "phase_regions": [regionRow(measurement) for measurement in self.measurements],
            "phase_wide": [wideRow(self.measurements)],
        }

    def writeTables(self, folder: Path) -> None:
        for name, rows in self.tables().items():
            writeTable(folder / f"{name}.tsv", COLUMNS[name], rows)

    def writeFigures(self, folder: Path) -> None:
        from PhaseShiftROILib.phaseFigures import writePhaseFigures

        writePhaseFigures(folder, self.measurements)

    def record(self) -> dict:
        """What provenance.json says of it."""
        prepared = self.measurements[0].prepared
        return {
            "polarity": prepared.source.polarity,
            "filter": prepared.filter.text,
            "phase": details(self.measurements),
        }

    def store(self, scene) -> None:
        """Case and results into its scene."""
        mrml.storePhaseCase(scene, self.caseNodes)
        mrmlResults.writePhaseResults(scene, self.caseNodes, self.measurements)

    def logLines(self) -> list[tuple[int, str]]:
        """(level, text): a line per region, and what the polarity check says."""
        lines = [(logging.INFO, summary(measurement)) for measurement in self.measurements]
        for check in self.measurements[0].polarityChecks:
            lines.append((logging.INFO, f"polarity by {check.region}: {check.suggests} ({check.reason})"))
        return lines
