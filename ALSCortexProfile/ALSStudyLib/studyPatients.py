"""The pages of a study's patients: each exam's numbers among the study's controls, its change and its limbs."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from .estimate import Estimate
from .patientOutput import MOST_PICTURES, picturesIn, writePatientReport
from .provenance import readRecord
from .study import StudyResult
from .studyCharts import Chart, LimbChart
from .studyFiles import numbers, readText
from .studyMeasurements import ACQUISITION, BOTH, MEASURES
from .studyRange import rangeChart
from .studyUnits import firstReader, regionLabel
from .subjectNames import fileStem, knownAs

_TEXT = ("subject", "exam", "target", "region", "side", "status", "slices", "flags", "rule")

DrawCharts = Callable[[Path, Sequence[Chart]], list[Path]]


def measurementRows(result: StudyResult) -> pd.DataFrame:
    """The rows of the measurement tables that the study used, as they were given, but with the names, places and sides
    that the study read in them, numbers as numbers, and no number where the status has none.
    """
    used = firstReader(result.data.values[result.data.values["kind"] == result.kind])
    frames = []
    for source, values in used.groupby("source", sort=False):
        path = result.data.sources[source]
        table = readText(path)
        for name in set(table.columns) - set(_TEXT):
            table[name] = numbers(table, name, source)[0]
        lines = values.drop_duplicates("line").set_index("line")
        table = table.loc[lines.index].assign(_path=path)
        for name in ("subject", "exam", "status", "side", "rank"):
            table[name] = lines[name]
        table["region"] = lines["region"]
        table["target"] = [_slug(region, side) for region, side in zip(lines["region"], lines["side"], strict=True)]
        table["side"] = table["side"].replace(BOTH, "")
        table.loc[table["status"] != "ok", list(MEASURES[result.kind])] = np.nan
        frames.append(table)
    rows = pd.concat(frames, ignore_index=True)
    return rows.drop(columns="target" if result.kind == "phase" else ["region", "rank"])


def _slug(region: str, side: str) -> str:
    return region if side == BOTH else f"{region}_{side}"


def writePatientPages(
    folder: Path, result: StudyResult, drawCharts: DrawCharts, progress=None, only: Collection[str] | None = None
) -> None:
    """A page for each exam of patients and mimics, and of subjects whose group is unknown.

    :param drawCharts: draws charts as PNG into a folder and returns the files. progress: called with words and share.
    :param only: of these subjects.
    """
    exams = list(measurementRows(result).groupby(["subject", "exam"], sort=False))
    people = result.data.participants
    folder.mkdir(exist_ok=True)
    stems: set[str] = set()
    for number, ((subject, exam), given) in enumerate(exams):
        if progress is not None:
            progress(f"{result.kind} reports", number / len(exams))
        person = people.loc[subject].dropna().to_dict() if subject in people.index else {}
        isWanted = person.get("group") != "control" if only is None else subject in only
        if not isWanted:
            continue
        if subject in result.exams.index and exam != result.exams.loc[subject].index[0]:
            # Scores and duration are those of the time of the first exam.
            person = {name: person[name] for name in ("group", "sex") if name in person}
        person["age_years"] = _ageAt(result, subject, exam)
        values = result.exams.loc[(subject, exam)] if (subject, exam) in result.exams.index else pd.Series(dtype=float)
        stem = fileStem(f"{subject}_exam{exam}_{result.kind}", result.kind, stems)
        path, record = _record(given, subject, exam)
        pictures = picturesIn(path.parent / "figures", result.kind) if record.get("subject") else []
        drawn = drawCharts(folder, _charts(result, subject, exam, values, person["age_years"], stem))
        pictures = [*((each, "") for each in drawn), *pictures][:MOST_PICTURES]
        readings = result.data.readings
        writePatientReport(
            folder,
            result.kind,
            subject,
            exam,
            given.drop(columns="_path").to_dict("records"),
            person,
            pictures,
            record,
            list(result.ranges.values()),
            readings[(readings["subject"] == subject) & (readings["exam"] == exam)].to_dict("records"),
            withStructuredReport=False,
            limbs=[row for row in result.limbs if (row.subject, row.exam) == (subject, exam)],
            changes=_changes(result, subject, exam),
            stem=stem,
            values=values.dropna().to_dict(),
            isLargerAbnormal=result.sign > 0,
            how=_howOf(result, subject, exam),
            measure=result.main,
            notes=_notes(result, subject, exam),
        )


def _record(given: pd.DataFrame, subject: str, exam: str) -> tuple[Path, dict]:
    """The file a page's rows are from, and its provenance: of this very exam, or only how its values came about."""
    path = given["_path"].iloc[0]
    record = readRecord(path.parent)
    isSame = knownAs(str(record.get("subject")), [subject]) == subject and (record.get("exam") or "1") == exam
    if given["_path"].nunique() == 1 and isSame:
        return path, record
    return path, {key: record[key] for key in ("version", "filter", "polarity", "echoes") if key in record}


def _ageAt(result: StudyResult, subject: str, exam: str) -> float:
    values = result.data.values
    ages = values.loc[(values["subject"] == subject) & (values["exam"] == exam), "age_years"].dropna()
    return float(ages.iloc[0]) if len(ages) else math.nan


def _charts(result: StudyResult, subject: str, exam: str, values: pd.Series, age: float, stem: str) -> list[Chart]:
    """The exam's left-right table, and its most abnormal place among the controls."""
    charts: list[Chart] = []
    whole = next((chart for chart in result.charts if isinstance(chart, LimbChart)), None)
    if whole is not None and any((row.subject, row.exam) == (subject, exam) for row in whole.rows):
        charts.append(whole.ofExam(subject, exam, f"{stem}_limbs", whole.title))
    worst = (-math.inf, None)
    for (region, side), value in values.items():
        found = result.ranges.get((result.main, region, side))
        if found is not None and np.isfinite(value) and (side != BOTH or (region, "left") not in values.index):
            z = result.sign * found.compare(float(value), age).z
            worst = max(worst, (z, (found, float(value))), key=lambda pair: pair[0])
    if worst[1] is not None:
        found, value = worst[1]
        note = f"the exam's most abnormal place: z {result.sign * worst[0]:+.2f}"
        chart = rangeChart(found, (subject, age, value))
        charts.append(replace(chart, name=f"{stem}_range", note="; ".join(filter(None, (note, chart.note)))))
    return charts


def _howOf(result: StudyResult, subject: str, exam: str) -> dict[str, str]:
    """How the exam's values came about, as far as tables or provenance say it."""
    values = result.data.values
    mine = values[(values["kind"] == result.kind) & (values["subject"] == subject) & (values["exam"] == exam)]
    return {name: text for name in ACQUISITION for text in mine[name].head(1) if text}


def _notes(result: StudyResult, subject: str, exam: str) -> list[str]:
    """What the audit says of this exam, and why there is no range."""
    found = [
        problem.sentence[:1].upper() + problem.sentence[1:]
        if not problem.region
        else f"{regionLabel(problem.region, problem.side)}: {problem.sentence}"
        for problem in result.problems
        if problem.subject == subject and problem.exam in ("", exam)
    ]
    refused = [row["note"] for row in result.supplement if row["analysis"] == "reference_range"]
    if refused and not result.ranges:
        found.append(f"No reference range: {refused[0]}")
    return found


def _changes(result: StudyResult, subject: str, exam: str) -> list[tuple[str, str, Estimate]]:
    """The subject's change, in the report of the last exam."""
    return [
        (regionLabel(change.region, change.side), f"exam\u00a0{change.firstExam}", change.estimate)
        for change in result.changes
        if (change.subject, change.lastExam, change.measure) == (subject, exam, result.main)
    ]
