"""Many exams: each row of a case list measured on its own, every record kept at once, all gathered at the end."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from .caseList import Case
from .engines import Engine, completed
from .errors import InputError
from .examRecord import BROKEN, OK, Job, columnsOf, jobOf, tableNames, unmeasuredRows
from .outputFolder import checkWritable, outputFolder
from .patientOutput import groupedAcquisitions
from .provenance import PROVENANCE_NAME, provenance, writeJson
from .recordFile import RECORDS_NAME, RecordFile
from .subjectNames import fileStem, plainExam, plainId
from .tables import Column, openTable

logger = logging.getLogger("als-motor-cortex")
CASES_NAME, EXAMS_NAME = "cases.tsv", "exams"
CASE_COLUMNS = (
    Column("subject", "Subject identifier", isText=True),
    Column("exam", "Exam of the subject", isText=True),
    Column("kind", "profile, phase, or phase+profile", isText=True),
    Column("status", "ok; failed: the input cannot be used; broken: tried again by the next run", isText=True),
    Column("error", "What was found, what was expected, what to do; n/a if nothing is wrong", isText=True),
    Column("note", "What should be looked at", isText=True),
    Column("n_rows", "Rows of this exam in profile_measurements.tsv and phase_measurements.tsv"),
    Column("source", "Where the exam is listed", isText=True),
)
MEASUREMENTS = ("profile_measurements", "phase_measurements")


@dataclass(frozen=True)
class BatchOptions:
    """
    :param given: settings for exams that do not give their own, see `caseArguments.givenSettings`.
    :param settings, arguments: for provenance: those settings by kind, and what was typed.
    :param examFolders: also write for each exam what the single commands write.
    """

    given: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=lambda: {"profile": {}, "phase": {}})
    settings: Mapping[str, Mapping] = field(default_factory=dict)
    arguments: Sequence[str] = ()
    examFolders: bool = False
    withFigures: bool = False
    withScene: bool = False


# Called inside the folder that will be the output: (folder, function that gives the records in the order of the cases).
WriteMore = Callable[[Path, Callable[[], Iterator[dict]]], None]


def runBatch(
    cases: Sequence[Case],
    output: Path,
    options: BatchOptions,
    engine: Callable[[], AbstractContextManager[Engine]],
    command: str,
    inputs: Sequence[Path],
    progress: Callable[[int, int, int], None] | None = None,
    writeMore: WriteMore | None = None,
) -> Counter:
    """Measure all cases into `output`; those that it holds already, unchanged, are not measured again.

    :param inputs: what the cases were listed from. progress: called with (measured, failed among them, all).
    :param writeMore: writes more of the records when all are there.
    :return: how many have which status.
    :raises InputError: an output that cannot be written, that another batch is writing, or that holds the list.
    """
    output = Path(output)
    checkWritable(output, holds="batch")
    _checkNotInTheWay(output, inputs)
    output.mkdir(parents=True, exist_ok=True)
    jobs = _jobs(cases, output, options)
    with RecordFile(output / RECORDS_NAME) as records:
        try:
            _measure(jobs, records, engine, progress)
        except KeyboardInterrupt:
            kept = sum(not _isToDo(job, records) for job in jobs)
            raise KeyboardInterrupt(f"interrupted; {kept} of {len(jobs)} exams are kept, the same command goes on.")
    with outputFolder(output, holds="batch") as folder, RecordFile(output / RECORDS_NAME) as records:
        return _gather(folder, jobs, records, command, options, inputs, writeMore)


def _checkNotInTheWay(output: Path, inputs: Sequence[Path]) -> None:
    """:raises InputError: a list with the name of a result."""
    names = {CASES_NAME, RECORDS_NAME, PROVENANCE_NAME, *(f"{name}.tsv" for name in tableNames())}
    lost = next((path for path in inputs if path.name in names and path.resolve().parent == output.resolve()), None)
    if lost is not None:
        raise InputError(
            f"Output '{output}' would replace the list '{lost.name}', which is read now; expected another folder or "
            "another name; choose one."
        )


def _measure(jobs: Sequence[Job], records: RecordFile, engine, progress) -> None:
    """Measure what has no record yet."""
    todo = [job for job in jobs if _isToDo(job, records)]
    done, failed = len(jobs) - len(todo), 0
    if done:
        logger.info("%d of %d exams were done before; %d are left.", done, len(jobs), len(todo))
    if not todo:
        return
    with engine() as started:
        for job, record in completed(todo, started):
            records.append({**record, "key": job.key})
            done += 1
            if record["status"] == OK:
                logger.info("%s | %s, %d rows", job.case.name, record["kind"], _rowCount(record))
            else:
                failed += 1
                logger.warning("%s | %s", job.case.name, record["error"])
            if progress is not None:
                progress(done, failed, len(jobs))


def _jobs(cases: Sequence[Case], output: Path, options: BatchOptions) -> list[Job]:
    taken: set[str] = set()
    jobs = []
    for case in cases:
        folder = str((output / EXAMS_NAME / _folderName(case, taken)).absolute()) if options.examFolders else ""
        jobs.append(jobOf(case, options.given, folder, options.withFigures, options.withScene))
    return jobs


def _folderName(case: Case, taken: set[str]) -> str:
    wanted = case.name if case.subject else Path(case.values.get("scene", "exam")).stem
    return fileStem(wanted, "exam", taken)


def _isToDo(job: Job, records: RecordFile) -> bool:
    if job.key not in records:
        return True
    record = records.read(job.key)
    isFolderDue = bool(job.examFolder and record["settings"])  # nothing is written of what was not measured
    return record["status"] == BROKEN or (isFolderDue and not (Path(job.examFolder) / PROVENANCE_NAME).is_file())


def _rowCount(record: Mapping) -> int:
    return sum(len(record["tables"].get(name, [])) for name in MEASUREMENTS)


# Gathered -------------------------------------------------------------------------------------------------------


def _gather(folder: Path, jobs, records: RecordFile, command, options, inputs, writeMore) -> Counter:
    """All tables, in the order of the cases."""
    counts, repeats = Counter(), _Repeats()
    files: dict[str, dict] = {}
    kinds = {name for job in jobs for name in records.read(job.key)["tables"]}
    unknownKind = "phase" if kinds and all(name.startswith("phase") for name in kinds) else "profile"

    def ordered() -> Iterator[dict]:
        for job in jobs:
            yield _withRows(job, records.read(job.key), unknownKind)

    with ExitStack() as stack, open(folder / RECORDS_NAME, "wb") as kept:
        writeCase = stack.enter_context(openTable(folder / CASES_NAME, CASE_COLUMNS))
        writers: dict[str, Callable] = {}
        for job, record in zip(jobs, ordered(), strict=True):
            for name, rows in record["tables"].items():
                if name not in writers:
                    writers[name] = stack.enter_context(openTable(folder / f"{name}.tsv", columnsOf(name)))
                for row in rows:
                    writers[name](row)
            note = "; ".join(filter(None, (record["note"], repeats.note(job, record))))
            row = {**record, "note": note, "n_rows": _rowCount(record)}
            writeCase([column.text(row) for column in CASE_COLUMNS])
            counts[record["status"]] += 1
            files |= {entry["path"]: entry for entry in record["inputs"]}
            kept.write(records.line(job.key))
        listed = {job.key for job in jobs}
        for key in records:
            if key not in listed:  # measured is measured
                kept.write(records.line(key))
    if writeMore is not None:
        writeMore(folder, ordered)
    written = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    record = provenance(
        command,
        options.settings,
        inputs,
        list(files.values()),
        arguments=list(options.arguments),
        cases=dict(counts),
        acquisitions=groupedAcquisitions(ordered()),
        outputs=[*written, PROVENANCE_NAME],
    )
    writeJson(folder / PROVENANCE_NAME, record)
    return counts


class _Repeats:
    """The same exam in two scenes that name it themselves."""

    def __init__(self):
        self._sources: dict[tuple, str] = {}

    def note(self, job: Job, record: Mapping) -> str:
        who = plainId(record["subject"]), plainExam(record["exam"])
        keys = [(*who, kind) for kind in record["settings"]] if record["subject"] else []
        earlier = next((self._sources[key] for key in keys if key in self._sources), "")
        for key in keys:
            self._sources.setdefault(key, job.case.source)
        return f"the same subject and exam as {earlier}" if earlier else ""


def _withRows(job: Job, record: dict, unknownKind: str) -> dict:
    """With a row for a case of unknown kind, and where the list of today has it."""
    record = {**record, "source": job.case.source}
    if record["tables"]:
        return record
    rows = unmeasuredRows(unknownKind, job.case, record["subject"], record["exam"], record["error"])
    tables = {name: [[c.text(row) for c in columnsOf(name)] for row in found] for name, found in rows.items()}
    return {**record, "tables": tables}
