"""Reports of measured exams, as the commands write them: what a person is compared with comes from a study's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .patientOutput import picturesIn, readRanges, writePatientReport
from .referenceRange import ReferenceRange


@dataclass(frozen=True)
class ReportContext:
    """What a report says beside the exam's own numbers.

    :param participant: columns of participants.tsv. readings: rows of the readings table. sourceDicom: image files.
    """

    participant: Mapping | None = None
    ranges: Sequence[ReferenceRange] = ()
    readings: Sequence[Mapping] = ()
    sourceDicom: Sequence[Path] = ()


def readContext(
    subject: str,
    exam: str,
    participants: Path | None = None,
    ranges: Path | None = None,
    readings: Sequence[Path] = (),
    sourceDicom: Sequence[Path] = (),
) -> ReportContext:
    """The context of one exam from files.

    :raises InputError: a file that cannot be used.
    """
    person, read = {}, []
    if participants is not None:
        from .studyParticipants import readParticipants

        people, _ = readParticipants(Path(participants))
        if subject in people.index:
            person = people.loc[subject].dropna().to_dict()
    if readings:
        from .studyParticipants import readReadings

        for path in readings:
            table, _ = readReadings(Path(path))
            mine = table[(table["subject"] == subject) & (table["exam"] == (exam or "1"))]
            read += mine.to_dict("records")
    return ReportContext(person, readRanges(ranges) if ranges is not None else (), read, filesOf(sourceDicom))


def filesOf(paths: Sequence[Path]) -> list[Path]:
    """Files, and all files in folders.

    :raises InputError: what does not exist.
    """
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        raise InputError(f"File '{missing}' was not found; expected a file or folder; check the name.")
    files = [file for path in paths for file in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return [file for file in files if file.is_file()]


def writeExamReport(folder: Path, exam, record: Mapping, context: ReportContext, figures: Path, stem: str) -> None:
    """The report of one measured exam (`ProfileExam` or `PhaseExam`), with the pictures that were drawn of it."""
    nodes = exam.caseNodes
    writePatientReport(
        folder,
        exam.kind,
        nodes.subject or "case",
        nodes.exam,
        exam.rows(),
        context.participant,
        picturesIn(figures, exam.kind),
        record,
        context.ranges,
        context.readings,
        context.sourceDicom,
        stem=stem,
    )
