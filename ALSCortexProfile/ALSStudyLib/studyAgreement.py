"""Agreement of repeated measurements: readers, sessions, or files with the same places, and exams of controls."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from . import agreement
from .studyCharts import DifferenceChart
from .studyMeasurements import BOTH
from .studyRows import statisticsRow
from .studyUnits import ALL, MEASURE_LABELS, basicColumns, group

MOST_FILES = 4
PLACE = ["subject", "exam", "region", "side", "rank"]


def repeatedMeasurements(values: pd.DataFrame, measure: str) -> pd.DataFrame:
    """Places x who measured them: a reader and session where named, else the first, second, ... file with it."""
    rows = values[(values["measure"] == measure) & values["value"].notna()]
    perFile = rows.drop_duplicates([*PLACE, "reader", "session", "source"])  # as everywhere, the first counts
    nth = perFile.groupby([*PLACE, "reader", "session"], sort=False).cumcount() + 1
    # A few files of many places are told apart by their names; files of one exam each by their order.
    repeated = perFile.loc[perFile.duplicated([*PLACE, "reader", "session"], keep=False), "source"]
    isNamed = repeated.nunique() <= MOST_FILES
    labels = []
    columns = zip(perFile["reader"], perFile["session"], perFile["source"], nth, strict=True)
    for reader, session, source, number in columns:
        named = ", ".join(filter(None, (reader, f"session {session}" if session else "")))
        which = source.removesuffix(".tsv") if isNamed else f"measurement {number}"
        needed = not named or (named and number > 1)
        labels.append(" ".join(filter(None, (named, which if needed else ""))))
    table = perFile.assign(by=labels).pivot(index=PLACE, columns="by", values="value")
    return table.loc[table.notna().sum(axis=1) > 1].dropna(axis=1, how="all")


def agreementRows(
    values: pd.DataFrame, measure: str
) -> tuple[list[dict], list[DifferenceChart], dict[str, agreement.Repeatability]]:
    """ICC, Bland-Altman and repeatability of each pair that measured the same places; repeatability by region."""
    table = repeatedMeasurements(values, measure)
    rows, charts = [], []
    if table.shape[1] < 2:
        return rows, charts, {}
    for first, second in combinations(table.columns, 2):
        pair = table[[first, second]].dropna()
        if len(pair) < 2:
            continue
        a, b = pair.to_numpy(float).T
        subjects = pair.index.get_level_values("subject").nunique()
        what = f"{len(pair)} places of {subjects} subjects, taken as independent"
        place = {
            "measure": measure,
            "region": ALL,
            "side": BOTH,
            "groups": (first, second),
            "n": (len(pair), len(pair)),
        }
        both = agreement.icc(pair.to_numpy(float))
        rows.append(statisticsRow("icc_a1", both.a1, note=f"absolute agreement; {what}", **place))
        rows.append(statisticsRow("icc_c1", both.c1, note=f"consistency; {what}", **place))
        limits = agreement.blandAltman(a, b)
        for name, estimate in (
            ("bias, first minus second", limits.bias),
            ("lower limit of agreement", limits.lowerLimit),
            ("upper limit of agreement", limits.upperLimit),
        ):
            rows.append(statisticsRow("bland_altman", estimate, note=f"{name}; {what}", family=name, **place))
        pairRepeat = agreement.repeatability(pair.to_numpy(float))
        rows.append(
            statisticsRow(
                "repeatability",
                pairRepeat.coefficient,
                note=f"2.77 Sw; Sw {pairRepeat.swithin.value:.4g}; {what}",
                **place,
            )
        )
        shown = tuple(label.replace("_", " ") for label in (first, second))  # names of files, too
        charts.append(
            DifferenceChart(
                f"agreement_{measure}_{len(charts) + 1}",
                f"{MEASURE_LABELS[measure]}: {shown[0]} and {shown[1]}",
                MEASURE_LABELS[measure],
                limits,
                shown,
                note=f"ICC(A,1) {both.a1.value:.2f} ({both.a1.ciLow:.2f} to {both.a1.ciHigh:.2f}); {what}",
            )
        )
    regions = table.index.get_level_values("region")
    byRegion = {
        name: agreement.repeatability(table[regions == name].to_numpy(float)) for name in dict.fromkeys(regions)
    }
    return rows, charts, byRegion if charts else {}


def retestRows(
    measure: str, exams: pd.DataFrame, participants: pd.DataFrame
) -> tuple[list[dict], dict[str, agreement.Repeatability]]:
    """Repeatability of each region between the exams of controls: what differs without disease, time included."""
    controls = group(exams, participants, "control")
    repeated = controls[controls.index.get_level_values("subject").duplicated(keep=False)]
    rows, byRegion = [], {}
    if repeated.empty:
        return rows, byRegion
    subjects = repeated.index.get_level_values("subject").nunique()
    whose = f"{subjects} control{'' if subjects == 1 else 's'}"
    for region in dict.fromkeys(repeated.columns.get_level_values("region")):
        repeats = []
        for _, each in repeated[basicColumns(repeated, region)].groupby(level="subject", sort=False):
            repeats += list(each.to_numpy(float).T)
        longest = max(len(values) for values in repeats)
        padded = [np.pad(values, (0, longest - len(values)), constant_values=np.nan) for values in repeats]
        found = byRegion[region] = agreement.repeatability(np.array(padded))
        note = f"between exams of {whose}: 2.77 Sw; Sw {found.swithin.value:.4g}; {found.n} places"
        given = {"groups": ["control exams"], "n": [found.n], "note": note, "family": "exams"}
        rows.append(statisticsRow("repeatability", found.coefficient, measure, region, BOTH, **given))
    return rows, byRegion
