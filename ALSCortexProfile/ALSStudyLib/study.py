"""The study: every statistic of METHODS.md section 3 from tidy tables, in one function per kind of measurement."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .audit import audit, mergedCounts, turnedSigns
from .estimate import Estimate
from .patientOutput import MAIN_MEASURES
from .referenceRange import ReferenceRange
from .studyAgreement import agreementRows, retestRows
from .studyCharts import BoxChart, Chart, LimbChart, LimbRow
from .studyComparison import (
    comparisonRows,
    describeRows,
    friedmanRows,
    leftRightRows,
    mixedModelRows,
    repeatedRows,
)
from .studyCorrelation import correlationRows, limbRows
from .studyMeasurements import ACQUISITION, BOTH
from .studyParticipants import GROUPS
from .studyProblems import Problem
from .studyRange import Change, Key, changes, patientRows, rangeChart, referenceRanges
from .studyReadings import kappaRows, visualAccuracyRows, visualReadings
from .studyRoc import rocStudy, scopes
from .studyRows import CONTRACT_ANALYSES, statisticsRow, withHolm
from .studySettings import SYMMETRIC, StudySettings
from .studyTables import StudyData
from .studyUnits import (
    MEASURE_LABELS,
    examTable,
    firstReader,
    groupNames,
    groupsOf,
    isOrientationGuessed,
    measuresOf,
    orientation,
    regionLabel,
    subjectTable,
)

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class StudyResult:
    """One kind of measurement, studied.

    :param rows: of study_statistics.tsv. supplement: the same columns, analyses beyond the contract.
    :param ranges: by (measure, region, side). limbs: of the main measure. changes: of subjects with several
        exams. counts: subjects by group, exams, values.
    :param notes: what was left out, and why. problems: of input and audit.
    :param main: the measure that pages are about. exams: its values, (subject, exam) x (region, side). sign: +1 where
        larger is more diseased.
    """

    kind: str
    data: StudyData
    settings: StudySettings
    rows: list[dict]
    supplement: list[dict]
    charts: list[Chart]
    ranges: dict[Key, ReferenceRange]
    limbs: list[LimbRow]
    changes: list[Change]
    notes: list[str]
    counts: dict
    problems: list[Problem]
    main: str
    exams: pd.DataFrame
    sign: int


def runStudies(
    data: StudyData, settings: StudySettings | None = None, progress: Progress | None = None
) -> list[StudyResult]:
    """A result for each kind of measurement in the data."""
    return [runStudy(data, settings, progress, kind) for kind in data.kinds]


def runStudy(
    data: StudyData, settings: StudySettings | None = None, progress: Progress | None = None, kind: str = ""
) -> StudyResult:
    """Every statistic of one kind of measurement.

    :param progress: called with what is being done and the share that is done. kind: "" for the first there is.
    """
    settings, kind = settings or StudySettings(), kind or data.kinds[0]
    study = _Study(data, settings, kind)
    measures = study.measures
    study.readings()
    for number, measure in enumerate(measures):
        if progress is not None:
            progress(f"{kind} study: {measure}", number / len(measures))
        study.measure(measure)
    study.audit()
    if progress is not None:
        progress(f"{kind} study", 1.0)
    return study.result()


class _Study:
    """Gathers rows, charts and notes, measure by measure."""

    def __init__(self, data: StudyData, settings: StudySettings, kind: str):
        self.data, self.settings, self.kind = data, settings, kind
        self.values = data.values[data.values["kind"] == kind]
        self.people = data.participants
        self.measures = measuresOf(self.values, kind)
        self.main = MAIN_MEASURES[kind] if MAIN_MEASURES[kind] in self.measures else self.measures[0]
        self.exams = pd.DataFrame()
        self.problems = [*data.problems, *audit(self.values)]
        self.turned = turnedSigns(self.values, self.problems)
        self.hasTurned = not self.turned["value"].equals(self.values["value"])
        self.rows, self.charts, self.notes, self.limbs, self.changes = [], [], [], [], []
        self.ranges: dict[Key, ReferenceRange] = {}
        # The age at the first exam; of someone without measurement, that of the participants table.
        first = self.values[self.values["age_years"].notna()].groupby("subject", sort=False)["age_years"].first()
        self.ages = first.combine_first(self.people["age_years"].astype(float)).astype(float)
        self.visuals = []

    # Without measurements ---------------------------------------------------------------------------------------

    def readings(self) -> None:
        readings = self.data.readings
        if readings.empty:
            self.notes.append("agreement of visual readings: no table of readings was given")
            return
        self.visuals = visualReadings(readings, self.values.groupby("subject", sort=False)["exam"].first().to_dict())
        groups = self.people["group"].to_dict()
        self.rows += visualAccuracyRows(self.visuals, groups)
        kappas = kappaRows(readings, self.settings.seed, self.settings.resamples)
        if not kappas:
            self.notes.append("kappa: no two readers or sessions have targets in common")
        self.rows += kappas

    def audit(self) -> None:
        for problem in self.problems:
            self.rows.append(
                statisticsRow(
                    "audit",
                    Estimate(),
                    problem.measure,
                    problem.region,
                    problem.side,
                    note=f"{problem.kind}: {problem.text}",
                )
            )

    # One measure ------------------------------------------------------------------------------------------------

    def measure(self, measure: str) -> None:
        isMain = measure == self.main
        exams = examTable(self.values, self.kind, measure, self.settings)
        if isMain:
            self.exams = exams
        subjects = subjectTable(exams, self.settings.examRule)
        self._compare(measure, exams, subjects)
        sign = orientation(self.values, measure)
        cutoff = self._roc(measure, subjects, sign, isMain)
        found, charts, notes = correlationRows(measure, subjects, self.people, self.settings, sign)
        self.rows += found
        self.charts += charts if isMain else []
        self.notes += notes if isMain else []
        repeat = self._agreement(measure, exams, isMain)
        self._ranges(measure, exams, subjects, sign, repeat, isMain)
        self._boxes(measure, subjects)
        if isMain:
            self._limbs(measure, exams, sign, cutoff)

    def _compare(self, measure, exams, subjects) -> None:
        people = self.people
        self.rows += describeRows(measure, exams, subjects, people)
        self.rows += leftRightRows(measure, exams, subjects, people)
        if self.hasTurned:
            turned = examTable(self.turned, self.kind, measure, self.settings)
            bySubject = subjectTable(turned, self.settings.examRule)
            words = "with the flagged sign slips turned"
            regions = {
                region for region, side in exams.columns if not turned[(region, side)].equals(exams[(region, side)])
            }
            changed = [column for column in exams.columns if column[0] in regions]
            if changed:
                self.rows += describeRows(measure, turned[changed], bySubject[changed], people, words)
                self.rows += leftRightRows(measure, turned[changed], bySubject[changed], people, words)
        rows, more = comparisonRows(measure, subjects, people)
        self.rows += rows + more
        self.rows += friedmanRows(measure, subjects, people)
        self.rows += repeatedRows(measure, exams, people)
        if self.settings.examRule == "mixed":
            ages = self.values.groupby(["subject", "exam"])["age_years"].first()
            self.rows += mixedModelRows(measure, exams, people, ages)
        if measure == self.measures[0]:
            names = groupNames(subjects.index, people)
            missing = [name for name in ("als", "control") if name not in names]
            if missing:
                which = " or ".join(missing)
                hint = "" if set(names) & set(GROUPS) else ", nor any group: give a table of participants"
                self.notes.append(f"comparison of groups and ROC: no subject of group {which}{hint}")

    def _roc(self, measure, subjects, sign, isMain) -> float:
        """:returns: the symmetric rule's cut-off against controls in the first scope: all places, or a region."""
        every = scopes(self.kind, measure, subjects, self.people, sign, isOrientationGuessed(self.values, measure))
        mimics = {scope.region: scope for scope in every if scope.groups[1] == "mimic"}
        cutoff = np.nan
        for scope in every:
            isControl = scope.groups[1] == "control"
            others = {"mimic": mimics[scope.region]} if isControl and scope.region in mimics else {}
            # A reader judges the patient: one verdict, which stands beside one number, that of the first scope.
            visuals = self.visuals if scope.region == every[0].region else []
            found = rocStudy(scope, self.main, self.settings, others, visuals)
            self.rows += found.rows + found.more
            if found.chart is not None and isMain:
                self.charts.append(found.chart)
            if isControl and scope is every[0]:
                cutoff = found.cutoffs.get(SYMMETRIC, np.nan)
        return cutoff

    def _agreement(self, measure, exams, isMain):
        rows, charts, repeat = agreementRows(self.values, measure)
        retest, between = retestRows(measure, exams, self.people)
        self.rows += rows + retest
        self.charts += charts
        if isMain and not repeat and not between:
            self.notes.append("agreement and repeatability: no place was measured twice")
        # Between exams is what a change has to be held against; within an exam, only drawing differs.
        if between:
            return between, "exams of controls"
        return repeat, "repeated measurements of the same exams"

    def _ranges(self, measure, exams, subjects, sign, repeat, isMain) -> None:
        controls = self.values[self.values["group"] == "control"]
        how = {
            name: ", ".join(mergedCounts(controls[name].value_counts().drop("", errors="ignore")))
            for name in ACQUISITION
        }
        ranges, rows = referenceRanges(
            self.kind,
            measure,
            subjects,
            self.people,
            self.ages,
            self.settings,
            {name: text for name, text in how.items() if text},
        )
        self.ranges |= ranges
        self.rows += rows
        self.rows += patientRows(ranges, measure, subjects, self.people, self.ages, sign)
        found = changes(measure, exams, self.people, *repeat)
        self.changes += found
        self.rows += [each.row for each in found]
        if isMain:
            self.charts += [rangeChart(found) for (_, _, side), found in ranges.items() if side == BOTH]

    def _boxes(self, measure, subjects) -> None:
        names, groups = groupNames(subjects.index, self.people), groupsOf(subjects.index, self.people)
        for region, side in subjects.columns:
            if side != BOTH:
                continue
            parts = [subjects.loc[groups == name, (region, side)].dropna() for name in names]
            if not sum(map(len, parts)):
                continue
            self.charts.append(
                BoxChart(
                    f"groups_{measure}_{region}",
                    f"{MEASURE_LABELS[measure]}, {regionLabel(region).lower()}",
                    MEASURE_LABELS[measure],
                    tuple(names),
                    tuple(part.to_numpy(float) for part in parts),
                    tuple(tuple(map(str, part.index)) for part in parts),
                    "one value per subject: mean of the sides",
                )
            )

    def _limbs(self, measure, exams, sign, cutoff) -> None:
        key = ["subject", "exam", "region", "side"]
        rows = firstReader(self.values[self.values["measure"] == measure.removesuffix("_extreme")])
        self.limbs = limbRows(exams, rows.groupby(key, sort=False)["status"].first(), self.people, self.settings)
        if self.limbs:
            self.charts.append(
                LimbChart(
                    f"limbs_{measure}",
                    f"{MEASURE_LABELS[measure]} beside the UMN score of the {self.settings.sideRule} limb",
                    MEASURE_LABELS[measure],
                    tuple(self.limbs),
                    self.settings.sideRule,
                    cutoff,
                    "cut-off of the symmetric rule" if np.isfinite(cutoff) else "",
                    sign > 0,
                )
            )

    # Result -----------------------------------------------------------------------------------------------------

    def result(self) -> StudyResult:
        rows = withHolm(self.rows)
        contract = [row for row in rows if row["analysis"] in CONTRACT_ANALYSES]
        order = {name: index for index, name in enumerate(CONTRACT_ANALYSES)}
        contract.sort(key=lambda row: order[row["analysis"]])
        return StudyResult(
            self.kind,
            self.data,
            self.settings,
            contract,
            [row for row in rows if row["analysis"] not in CONTRACT_ANALYSES],
            self.charts,
            self.ranges,
            self.limbs,
            self.changes,
            self.notes,
            self._counts(),
            self.problems,
            self.main,
            self.exams,
            orientation(self.values, self.main),
        )

    def _counts(self) -> dict:
        main = firstReader(self.values[self.values["measure"] == self.main])
        subjects = pd.Index(main["subject"].unique(), name="subject")
        groups = groupsOf(subjects, self.people)
        # A place is measured if any of its slices is.
        places = main.sort_values("value", na_position="last").drop_duplicates(["subject", "exam", "region", "side"])
        return {
            "subjects": len(subjects),
            "exams": len(main[["subject", "exam"]].drop_duplicates()),
            "regions": len(places),
            "not_measured": int(places["value"].isna().sum()),
            "by_group": {name: int((groups == name).sum()) for name in groupNames(subjects, self.people)},
            "by_status": {str(name): int(count) for name, count in places["status"].value_counts().items()},
        }


def rowsOf(result: StudyResult, analysis: str, **where) -> Sequence[dict]:
    """Rows of one analysis, by further columns: `rowsOf(result, "kappa", measure="reading")`."""
    found = [*result.rows, *result.supplement]
    return [
        row for row in found if row["analysis"] == analysis and all(row[name] == value for name, value in where.items())
    ]
