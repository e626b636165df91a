"""Reference ranges from a study's own controls, and its patients among them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .agreement import Repeatability
from .errors import InputError
from .estimate import Estimate, notMeasurable
from .provenance import VERSION
from .referenceRange import ReferenceRange, change
from .studyCharts import RangeChart
from .studyRows import statisticsRow
from .studySettings import StudySettings
from .studyUnits import MEASURE_LABELS, basicColumns, group, regionLabel

Key = tuple[str, str, str]  # measure, region, side


def scaleOf(measure: str, values: pd.Series, settings: StudySettings) -> str:
    """SH and SH/Thk are positive and skewed: their limits are sought on a log scale, unless no band counts as 0."""
    isSkewed = measure in ("sh", "sh_thk_per_mm") and settings.noBand != "zero" and (values.dropna() > 0.0).all()
    return "log" if isSkewed else "linear"


def referenceRanges(
    kind: str,
    measure: str,
    subjects: pd.DataFrame,
    participants: pd.DataFrame,
    ages: pd.Series,
    settings: StudySettings,
    how: dict,
) -> tuple[dict[Key, ReferenceRange], list[dict]]:
    """A range of each place with enough controls; a row says why there is none.

    :param ages: years by subject. how: how the values came about, kept with the range.
    """
    controls, ranges, rows = group(subjects, participants, "control"), {}, []
    if controls.empty:
        return ranges, rows
    for region, side in subjects.columns:
        column = controls[(region, side)]
        about = {"kind": kind, "measure": measure, "region": region, "side": side, "software": VERSION, **how}
        about["no_band"] = settings.noBand
        place = {"measure": measure, "region": region, "side": side, "groups": ["control"]}
        try:
            found = ReferenceRange.fromControls(
                column.to_numpy(float),
                ages.reindex(column.index).to_numpy(float),
                settings.minimumControls,
                [str(name) for name in column.index],
                about,
                scaleOf(measure, column, settings),
            )
        except InputError as error:
            n = [int(column.notna().sum())]
            rows.append(statisticsRow("reference_range", notMeasurable(str(error)), n=n, **place))
            continue
        ranges[(measure, region, side)] = found
        age = float(np.mean(found.agesYears)) if found.usesAge else None
        for name, limit in zip(("lower", "upper"), found.limits(age), strict=True):
            at = f" at the controls' mean age of {age:.0f}" if age is not None else ""
            text = f"{name} reference limit{at}; Shapiro-Wilk p {found.shapiroP:.3g}; {found.note}"
            rows.append(statisticsRow("reference_limit", limit, n=[found.n], note=text, family=name, **place))
        if found.usesAge:
            rows.append(
                statisticsRow(
                    "age_slope",
                    found.slopePerYear,
                    n=[found.n],
                    note="change per year of age" + (", of the logarithm" if found.scale == "log" else ""),
                    **place,
                )
            )
    return ranges, rows


def patientRows(
    ranges: dict[Key, ReferenceRange],
    measure: str,
    subjects: pd.DataFrame,
    participants: pd.DataFrame,
    ages: pd.Series,
    sign: int,
) -> list[dict]:
    """Percentile and z of each patient and mimic in each place."""
    rows = []
    for name in ("als", "mimic"):
        for subject, values in group(subjects, participants, name).iterrows():
            for (region, side), value in values.items():
                found = ranges.get((measure, region, side))
                if found is None or not np.isfinite(value):
                    continue
                compared = found.compare(float(value), float(ages.get(subject, np.nan)), sign > 0)
                rows.append(
                    statisticsRow(
                        "percentile",
                        compared.percentile,
                        measure,
                        region,
                        side,
                        "",
                        [name, "control"],
                        [1, found.n],
                        f"subject {subject}: {value:.4g}; statistic: z; {compared.beyond}",
                        family=str(subject),
                    )
                )
    return rows


@dataclass(frozen=True)
class Change:
    """Last minus first exam of a subject in one place, held against the repeatability coefficient."""

    subject: str
    group: str
    measure: str
    region: str
    side: str
    firstExam: str
    lastExam: str
    estimate: Estimate

    @property
    def row(self) -> dict:
        """Of study_supplement.tsv."""
        place = {"measure": self.measure, "region": self.region, "side": self.side}
        note = f"subject {self.subject}: exam {self.lastExam} minus exam {self.firstExam}"
        return statisticsRow(
            "change", self.estimate, groups=[self.group], n=[1], note=note, family=self.subject, **place
        )


def changes(
    measure: str, exams: pd.DataFrame, participants: pd.DataFrame, byRegion: dict[str, Repeatability], of: str
) -> list[Change]:
    """Of every subject with several exams.

    :param byRegion: repeatability of each region; of: what it was found on, in words.
    """
    found = []
    for subject, each in exams.groupby(level="subject", sort=False):
        if len(each) < 2:
            continue
        group = participants["group"].get(subject, "")
        names = each.index.get_level_values("exam")
        for region, side in basicColumns(exams):
            repeat = byRegion.get(region)
            coefficient, df = (repeat.coefficient, repeat.df) if repeat is not None else (Estimate(), None)
            first, last = each[(region, side)].iloc[0], each[(region, side)].iloc[-1]
            if np.isfinite(first) and np.isfinite(last):
                estimate = change(float(first), float(last), coefficient, df, of)
                found.append(Change(str(subject), group, measure, region, side, names[0], names[-1], estimate))
    return found


def rangeChart(found: ReferenceRange, patient: tuple[str, float, float] | None = None) -> RangeChart:
    """The range over age.

    :param patient: name, age in years (NaN if unknown), value.
    """
    about = found.about
    ages = np.array(found.agesYears, float) if found.agesYears else np.full(found.n, np.nan)
    known = ages[np.isfinite(ages)]
    shown = np.append(known, patient[1]) if patient is not None and np.isfinite(patient[1]) else known
    grid = np.linspace(shown.min(), shown.max(), 60) if len(known) and np.ptp(known) else np.array([20.0, 80.0])
    limits = [found.limits(float(age) if found.usesAge else None) for age in grid]
    low, high = (np.array([pair[index].value for pair in limits]) for index in (0, 1))
    ci = [np.array([[pair[index].ciLow, pair[index].ciHigh] for pair in limits]) for index in (0, 1)]
    label = MEASURE_LABELS[about["measure"]]
    name, age, value = patient if patient is not None else ("", np.nan, np.nan)
    return RangeChart(
        "_".join(["range", about["measure"], about["region"], about["side"]]),
        f"{label}, {regionLabel(about['region'], about['side']).lower()}: {found.n} controls",
        label,
        ages,
        np.array(found.values, float),
        grid,
        low,
        np.sqrt(low * high) if found.scale == "log" else 0.5 * (low + high),
        high,
        age,
        value,
        name,
        found.note,
        ci[0],
        ci[1],
        tuple(limit.value for limit in found.limits(None)) if found.usesAge else (),
    )
