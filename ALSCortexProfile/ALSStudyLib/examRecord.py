"""One case measured in a process of its own: a record of plain values, whatever happens."""

from __future__ import annotations

import errno
import glob
import hashlib
import json
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from .caseArguments import FILE_OPTIONS, argumentsOf, kindsOf, parseArguments, settingNames
from .caseList import FILES, Case
from .errors import InputError, sentenceOf
from .provenance import VERSION, fileEntries
from .recordFile import recordLine
from .subjectNames import plainExam, plainId
from .threads import oneThread

# "failed": the input cannot be used; "broken": the machine failed, and the next run tries again.
OK, FAILED, BROKEN = "ok", "failed", "broken"
DETACHED = (".nhdr", ".mhd", ".hdr")  # headers whose data are in another file
_MACHINE_ERRORS = ("ENOSPC", "EDQUOT", "EIO", "ENOMEM", "EMFILE", "ESTALE", "ETIMEDOUT")
MACHINE_ERRORS = [getattr(errno, name) for name in _MACHINE_ERRORS if hasattr(errno, name)]  # some are not Windows'
_measuring = threading.Lock()  # a process has one MRML at a time; a Dask worker may have several threads


@dataclass(frozen=True)
class Job:
    """A case, the commands that measure it alone, and what changes when it has to be measured again.

    :param examFolder: where all that a single command writes goes; "" for nowhere.
    """

    case: Case
    commands: tuple[tuple[str, ...], ...]
    key: str
    problem: str = ""
    examFolder: str = ""
    withFigures: bool = False
    withScene: bool = False


def jobOf(case: Case, given: Mapping, examFolder: str = "", withFigures: bool = False, withScene: bool = False) -> Job:
    """:param given: settings of the whole batch, see `caseArguments.givenSettings`."""
    try:
        commands, problem = tuple(argumentsOf(case, given)), ""
    except InputError as error:
        commands, problem = (), str(error)
    job = Job(case, commands, "", problem, examFolder, withFigures, withScene)
    return replace(job, key=_keyOf(job))


def _keyOf(job: Job) -> str:
    case = job.case
    named = [case.subject, case.exam, dict(case.values), case.place]  # not its line in the list, which may move
    written = [job.examFolder, job.withFigures, job.withScene]
    what = [VERSION, named, job.commands, job.problem, written, _fingerprint(case)]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()


def _fingerprint(case: Case) -> list:
    """Size and time of every file of a case, and of those that belong to them."""
    found = []
    for path in (path for column in FILES for path in case.paths(column)):
        for file in _filesOf(path):
            try:
                state = file.stat()
            except (OSError, ValueError):
                continue
            found.append([str(file), state.st_size, state.st_mtime_ns])
    return found


def _filesOf(path: Path) -> list[Path]:
    """A file with its sidecar, or with the data that lie beside a header; all of a folder; all that a scene names."""
    from PhaseShiftROILib.sidecar import sidecarPath

    from .sceneFiles import sceneFiles

    try:
        if path.is_dir():
            return sorted(path.rglob("*"))
        if path.suffix.lower() in DETACHED:
            return sorted(path.parent.glob(f"{glob.escape(path.stem)}.*"))
        if path.suffix.lower() == ".mrml":
            return [path, *sceneFiles(path)]
    except (OSError, ValueError):  # the measurement says what is wrong with it
        return [path]
    return [path, sidecarPath(path)]


def measureJob(job: Job) -> dict:
    """The record of a job: JSON values. Bad input, and whatever else happens, is its `error`."""
    began = time.monotonic()
    with _measuring, oneThread():
        record = _measured(job)
    if record["status"] == FAILED and _keyOf(job) != job.key:
        record["status"] = BROKEN  # files came or went meanwhile, as on a network drive
    record["seconds"] = round(time.monotonic() - began, 3)
    try:
        recordLine(record)
    except ValueError as error:
        return {**unmeasured(job, BROKEN, sentenceOf(error)[0]), "seconds": record["seconds"]}
    return record


def unmeasured(job: Job, status: str, error: str) -> dict:
    """The record of a case that could not be measured at all."""
    failures = [(kind, error) for kind in kindsOf(job.case)] or [("", error)]
    return _record(job, [], failures, [], status)


def _measured(job: Job) -> dict:
    from .mrmlFiles import quietVtk

    if job.problem:
        return unmeasured(job, FAILED, job.problem)
    case, exams, failures, inputs, notes, status = job.case, [], [], [], [], OK
    quietVtk()
    headless = _emptyScene()
    for command in job.commands:
        kind = command[0] if command[0] in FILE_OPTIONS else ""  # a scene says it itself
        try:
            source = _sourceOf(command)
            opened = source.openIn(headless.scene)
            inputs += [path for path in source.inputs() if path.is_file()]
            notes += _notesOfScene(command, case, headless.scene)
        except Exception as error:
            opened, status = [], _worse(status, error)
            failures.append((kind, sentenceOf(error)[0]))
        for kind, measure in opened:
            try:
                exams.append(measure(None))
            except Exception as error:
                status = _worse(status, error)
                failures.append((kind, sentenceOf(error)[0]))
    try:
        if exams and job.examFolder:
            _writeFolder(job, headless.scene, exams, inputs)
        return _record(job, exams, failures, inputs, status, notes)
    except Exception as error:
        return unmeasured(job, BROKEN, sentenceOf(error)[0])


def _notesOfScene(command: Sequence[str], case: Case, scene) -> list[str]:
    """What a scene calls its exam, where the list calls it otherwise: is it the right one? And settings not used."""
    if command[0] in FILE_OPTIONS:
        return []
    from .caseIO import storedNames

    notes = []
    for subject, exam in storedNames(scene):
        if subject and case.subject and plainId(subject) != plainId(case.subject):
            notes.append(f"the scene names the subject '{subject}'")
        if exam and case.exam and plainExam(exam) != plainExam(case.exam):
            notes.append(f"the scene names the exam '{exam}'")
    unused = sorted(set(settingNames()) & set(case.values))
    notes += [f"{', '.join(unused)} not used: a scene has its own settings"] if unused else []
    return list(dict.fromkeys(notes))


@cache
def _theScene():
    from .mrmlFiles import HeadlessScene

    return HeadlessScene()


def _emptyScene():
    """The one scene of this process: making one costs more with every one made before."""
    headless = _theScene()
    headless.clear()
    return headless


def _sourceOf(command: Sequence[str]):
    from .examSources import examSource

    return examSource(parseArguments(command))


def _worse(status: str, error: Exception) -> str:
    """A sentence about a disk or memory that is full is the machine's failure, whoever said it."""
    cause = error.__cause__
    isMachines = isinstance(cause, MemoryError) or (isinstance(cause, OSError) and cause.errno in MACHINE_ERRORS)
    return BROKEN if status == BROKEN or not isinstance(error, InputError) or isMachines else FAILED


def _writeFolder(job: Job, scene, exams, inputs) -> None:
    from .examOutput import writeExams
    from .outputFolder import outputFolder

    with outputFolder(Path(job.examFolder)) as folder:
        arguments = [argument for command in job.commands for argument in command]
        writeExams(folder, scene, exams, "batch", inputs, job.withScene, job.withFigures, arguments=arguments)


def _record(job: Job, exams, failures, inputs, status, notes=()) -> dict:
    """:param failures: (kind, reason) of what could not be measured; kind "" where that is not known."""
    case = job.case
    who = exams[0].caseNodes if exams else case
    subject, exam = case.subject or who.subject, case.exam or who.exam
    tables: dict[str, list[list[str]]] = {}
    for measured in exams:
        for name, rows in measured.tables().items():
            tables.setdefault(name, []).extend(_cells(name, rows))
    for kind, reason in failures:
        for name, rows in unmeasuredRows(kind, case, subject, exam, reason).items():
            tables.setdefault(name, []).extend(_cells(name, rows))
    return {
        "key": job.key,
        "version": VERSION,
        "subject": subject,
        "exam": exam,
        "kind": "+".join(sorted({measured.kind for measured in exams} | {kind for kind, _ in failures if kind})),
        "status": status,
        "error": " ".join(dict.fromkeys(reason for _, reason in failures)),
        "note": "; ".join(notes),
        "place": case.place,
        "tables": tables,
        "inputs": fileEntries(inputs),
        "settings": {measured.kind: measured.caseNodes.settings.toDict() for measured in exams},
        "provenance": {measured.kind: measured.record() for measured in exams},
        "arguments": [list(command) for command in job.commands],
    }


def unmeasuredRows(kind: str, case: Case, subject: str, exam: str, reason: str) -> dict[str, list[dict]]:
    """Rows that say so, by table; none where the kind is not known."""
    from ALSCortexProfileLib import profileTables
    from PhaseShiftROILib import phaseTables

    if kind == "profile":
        slugs = dict.fromkeys(target for target, _ in case.targetsAndPaths("contours")) or [""]
        return {"profile_measurements": [profileTables.unmeasuredRow(subject, exam, slug, reason) for slug in slugs]}
    return {"phase_measurements": [phaseTables.unmeasuredRow(subject, exam, reason)]} if kind == "phase" else {}


def columnsOf(name: str):
    """The columns of a table of exams."""
    return _columns()[name]


def tableNames() -> list[str]:
    return list(_columns())


def _columns() -> dict:
    from . import phaseExam, profileExam

    return profileExam.COLUMNS | phaseExam.COLUMNS


def _cells(name: str, rows) -> list[list[str]]:
    columns = columnsOf(name)
    return [[column.text(row) for column in columns] for row in rows]
