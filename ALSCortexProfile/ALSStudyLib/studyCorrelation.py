"""Measurements against the limb that each hemisphere moves, and against clinical scores: patients only."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from .correlation import clusteredSpearman, spearman
from .estimate import Estimate, notMeasurable
from .limbs import limbOf, limbScore
from .studyCharts import LimbRow, ScatterChart
from .studyMeasurements import BOTH
from .studyParticipants import CLINICAL, SCORES
from .studyRows import statisticsRow
from .studySettings import PAPER, SYMMETRIC, StudySettings
from .studyUnits import ALL, MEASURE_LABELS, basicColumns, greatest, group


def limbRows(
    exams: pd.DataFrame, statuses: pd.Series, participants: pd.DataFrame, settings: StudySettings
) -> list[LimbRow]:
    """A row per exam and place that goes with a limb.

    :param statuses: by (subject, exam, region, side).
    """
    rows, seen = [], set()
    for (subject, exam), values in exams.iterrows():
        person = participants.loc[subject] if subject in participants.index else None
        isFirst = subject not in seen
        seen.add(subject)
        for (region, side), value in values.items():
            limb = limbOf(region, side, settings.sideRule)
            if limb:
                # A score is of the time of the first exam.
                score = limbScore(person, limb) if isFirst else np.nan
                status = str(statuses.get((subject, exam, region, side), "not_measured"))
                given = "" if person is None else person["group"]
                rows.append(LimbRow(subject, exam, given, region, side, value, status, limb, score))
    return rows


def correlationRows(
    measure: str, subjects: pd.DataFrame, participants: pd.DataFrame, settings: StudySettings, sign: int
) -> tuple[list[dict], list[ScatterChart], list[str]]:
    """Spearman's rho with the limbs' UMN scores and with the clinical columns, scatter charts, and what is left out."""
    patients = group(subjects, participants, "als")
    if patients.empty:
        return [], [], ["correlation: no patient (group als) has a value"]
    people = participants.reindex(patients.index)
    rows, charts, notes = [], [], []
    if people[list(SCORES)].notna().to_numpy().any():
        found, chart = _limbs(measure, patients, people, settings)
        rows += found
        charts += chart
    else:
        notes.append("correlation with the limbs' UMN scores: no participant has umn_arm_left ... umn_leg_right")
    for name in CLINICAL:
        if people[name].isna().all():
            notes.append(f"correlation with {name}: no participant has it")
            continue
        for region, values in _summaries(patients, settings, sign).items():
            how = settings.summary if region == ALL else "mean of the sides"
            pair = pd.concat([values, people[name]], axis=1).dropna().to_numpy(float)
            rows.append(
                statisticsRow(
                    "spearman",
                    spearman(pair[:, 0], pair[:, 1]),
                    measure,
                    region,
                    BOTH,
                    SYMMETRIC,
                    ["als", name],
                    [len(pair), len(pair)],
                    f"with {name}; one value per patient ({how})",
                    family=name,
                )
            )
    return rows, charts, notes


def _summaries(patients: pd.DataFrame, settings: StudySettings, sign: int) -> dict[str, pd.Series]:
    """One value per patient: of all places together, and of each region."""
    regions = list(dict.fromkeys(patients.columns.get_level_values("region")))
    found = {region: patients[(region, BOTH)] for region in regions if (region, BOTH) in patients.columns}
    if set(regions) & {"hand_knob", "paracentral"} and len(regions) > 1:
        places = patients[basicColumns(patients)]
        found = {ALL: greatest(places, sign) if settings.summary == "greatest" else places.mean(axis=1), **found}
    return found


def _limbs(measure, patients, people, settings):
    rows, points = [], []
    rule = f"hemisphere with the {settings.sideRule} side's limbs"
    columns = [column for column in patients.columns if limbOf(*column, settings.sideRule)]
    for region, side in columns:
        limb = limbOf(region, side, settings.sideRule)
        scores = np.array([limbScore(people.loc[name], limb) for name in patients.index])
        values = patients[(region, side)].to_numpy(float)
        known = np.isfinite(values) & np.isfinite(scores)
        points += [(values[i], scores[i], patients.index[i]) for i in np.flatnonzero(known)]
        rows.append(
            statisticsRow(
                "spearman",
                spearman(values[known], scores[known]),
                measure,
                region,
                side,
                SYMMETRIC,
                ["als", f"umn_{limb}"],
                [int(known.sum())] * 2,
                f"with umn_{limb}; {rule}",
                family="limbs",
            )
        )
    x, y = (np.array([point[i] for point in points], float) for i in (0, 1))
    owners = np.array([point[2] for point in points], dtype=object)
    names = list(dict.fromkeys(owners))
    naive = spearman(x, y)
    rng = np.random.default_rng(settings.seed)
    each = [owners == name for name in names]
    clustered = clusteredSpearman([x[at] for at in each], [y[at] for at in each], rng, settings.resamples)
    if len(columns) < 2:
        clustered = notMeasurable("one place only: see its own row") if not columns else naive
    for name, estimate, note in (
        (PAPER, naive, "all values, taken as independent as in the paper"),
        (SYMMETRIC, clustered, "all values; interval and p allow for several values of a patient"),
    ):
        counts = [len(x), len(names)]
        text = f"with the limb's UMN score; {rule}; {note}; n_a: values, n_b: patients"
        rows.append(
            statisticsRow(
                "spearman", estimate, measure, ALL, BOTH, name, ["als", "umn_limb"], counts, text, family="limb"
            )
        )
    chart = ScatterChart(
        f"umn_{measure}",
        f"{MEASURE_LABELS[measure]} and UMN score of the {settings.sideRule} limb",
        "UMN score of the limb",
        MEASURE_LABELS[measure],
        y,
        x,
        ("als",) * len(x),
        tuple(map(str, owners)),
        f"{_rhoText(clustered)}; {len(x)} values of {len(names)} patients",
    )
    return rows, [chart] if len(x) else []


def _rhoText(rho: Estimate) -> str:
    if not math.isfinite(rho.value):
        return "rho not computed"
    interval = f" ({rho.ciLow:.2f} to {rho.ciHigh:.2f})" if math.isfinite(rho.ciLow) else ", no interval"
    return f"rho {rho.value:.2f}{interval}"
