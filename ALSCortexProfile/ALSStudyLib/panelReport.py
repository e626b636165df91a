"""The report of the exam in the scene: what the button Report... of both panels does."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import slicer
from slicer.i18n import tr as _

from .limbs import limbsOf
from .outputFolder import outputFolder
from .panelPackages import PDF_PACKAGES, missingPackages
from .subjectNames import knownAs
from .tables import MISSING, readTable

INSTANCES_ATTRIBUTE = "DICOM.instanceUIDs"  # Slicer's DICOM module writes it


@dataclass(frozen=True)
class ReportSources:
    """What a report is held beside.

    :param participants: participants.tsv, ranges: reference_ranges.json; None for none. sideRule: of the study.
    """

    participants: Path | None = None
    ranges: Path | None = None
    sideRule: str = "opposite"


def writeExamReport(
    folder: Path,
    exam,
    draw: Callable[[Path], list[tuple[Path, str]]],
    command: str,
    inputs: Sequence[Path],
    sources: ReportSources,
    imageNodes: Sequence = (),
) -> str:
    """Write the report of one exam into a folder of its own below `folder`.

    :param exam: a measured `ProfileExam` or `PhaseExam`.
    :param draw: draws pictures into a folder and returns them with captions. command: name of the module.
    :param inputs: files that were measured. imageNodes: volumes that may have come from DICOM.
    :returns: what was written, and what was left out, in words.
    :raises InputError: no subject, or a file of the sources that cannot be used.
    """
    from .patientOutput import readRanges, writePatientReport
    from .provenance import provenance

    nodes = exam.caseNodes
    ranges = readRanges(sources.ranges) if sources.ranges is not None else []
    participant, note = participantOf(sources.participants, nodes.subject)
    rows = exam.rows()
    record = provenance(
        command, nodes.settings.toDict(), inputs, subject=nodes.subject, exam=nodes.exam, **exam.record()
    )
    missing = missingPackages(PDF_PACKAGES)
    name = re.sub(r"[^\w.-]+", "_", f"{nodes.subject}_exam{nodes.exam}_{exam.kind}_report").strip("._")
    # A folder of its own: beside exported tables it would replace them.
    target = Path(folder) / name
    with tempfile.TemporaryDirectory() as temporary, outputFolder(target) as beside:
        written = writePatientReport(
            beside,
            exam.kind,
            nodes.subject,
            nodes.exam,
            rows,
            participant,
            draw(Path(temporary)),
            record,
            ranges,
            readings=readingsOf(nodes.subject, nodes.exam),
            sourceDicom=dicomFiles(imageNodes),
            withPdf=not missing,
            limbs=limbsOf(rows, participant, nodes.subject, nodes.exam, sources.sideRule),
        )
        names = sorted(path.name for path in written)
    text = _("Report of {subject} in {folder}: {files}.").format(
        subject=nodes.subject, folder=target, files=", ".join(names)
    )
    if missing:
        text += " " + _("PDF left out: {missing}.").format(missing=missing)
    return " ".join([text, *([note] if note else [])])


def participantOf(path: Path | None, subject: str) -> tuple[dict, str]:
    """A subject's row of participants.tsv with its numbers as numbers; and a remark if there is none.

    :raises ValueError: a file that cannot be read.
    """
    if path is None:
        return {}, ""
    try:
        table = readTable(path)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(
            _("Participants '{path}' cannot be read ({reason}); choose another file under Study.").format(
                path=path, reason=error
            )
        ) from error
    byName = {row.get("subject") or row.get("participant_id") or "": row for row in reversed(table)}
    row = byName.get(knownAs(" ".join(subject.split()), byName))
    if row is not None:
        known = {name: text for name, text in row.items() if name and text and text != MISSING}
        return {name: _number(text) for name, text in known.items()}, ""
    return {}, _("{subject} is not among the participants of {file}.").format(subject=subject, file=Path(path).name)


def readingsOf(subject: str, exam: str) -> list[dict]:
    """Blind readings of an exam in the scene."""
    from .mrmlReadings import storedReadings
    from .reading import ReadingSession

    who = ReadingSession(subject, exam, "", 1, 0)  # as the table keeps them
    stored = storedReadings(slicer.mrmlScene)
    return [reading.row for reading in stored if (reading.subject, reading.exam) == (who.subject, who.exam)]


def dicomFiles(nodes: Sequence) -> list[Path]:
    """Files of the series that volumes were loaded from with the DICOM module; empty for others."""
    database = getattr(slicer, "dicomDatabase", None)
    if database is None:
        return []
    instances = [uid for node in nodes if node for uid in (node.GetAttribute(INSTANCES_ATTRIBUTE) or "").split()]
    names = [database.fileForInstance(uid) for uid in dict.fromkeys(instances)]
    return [Path(name) for name in names if name and Path(name).is_file()]


def _number(text: str):
    try:
        return float(text)
    except ValueError:
        return text
