"""Reports of measured exams, as the commands write them: what a person is compared with comes from a study's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError
from .limbs import OPPOSITE, limbsOf
from .patientOutput import picturesIn, readRanges, writePatientReport
from .referenceRange import ReferenceRange
from .subjectNames import knownAs, plainExam


@dataclass(frozen=True)
class ReportContext:
    """What a report says beside the exam's own numbers.

    :param participant: columns of participants.tsv. readings: rows of the readings table. sourceDicom: image files.
    """

    participant: Mapping | None = None
    ranges: Sequence[ReferenceRange] = ()
    readings: Sequence[Mapping] = ()
    sourceDicom: Sequence[Path] = ()
    notes: Sequence[str] = ()


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
    person, read, notes = {}, [], []
    if participants is not None or readings:
        from .studyParticipants import readParticipants, readReadings

        if participants is not None:
            people, found = readParticipants(Path(participants))
            name = knownAs(subject, people.index)
            if name in people.index:
                person = people.loc[name].dropna().to_dict()
                notes += [problem.text for problem in found if problem.subject == name]
            else:
                notes.append(f"Subject '{subject}' is not in {Path(participants).name}: age and scores are not known.")
        for path in readings:
            table, found = readReadings(Path(path))
            names = [knownAs(other, [subject]) for other in table["subject"]]
            ofExam = table["exam"].map(plainExam) == plainExam(exam or "1")
            mine = table[[name == subject for name in names] & ofExam]
            read += mine.to_dict("records")
            notes += [problem.text for problem in found if knownAs(problem.subject, [subject]) == subject]
    found = readRanges(ranges) if ranges is not None else ()
    return ReportContext(person, found, read, filesOf(sourceDicom), tuple(notes))


def checkFiles(participants: Path | None, ranges: Path | None, readings: Sequence[Path], sourceDicom: Sequence[Path]):
    """What a report needs, before the exam is measured.

    :raises InputError: a file that is not there, or ranges that are none.
    """
    filesOf([path for path in (participants, ranges, *readings, *sourceDicom) if path is not None])
    if ranges is not None:
        readRanges(ranges)


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
        limbs=limbsOf(exam.rows(), context.participant or {}, nodes.subject, nodes.exam, OPPOSITE),
        notes=context.notes,
        stem=stem,
    )
