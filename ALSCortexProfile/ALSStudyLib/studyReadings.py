"""Visual readings by subject, and their agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pandas as pd

from . import agreement
from .reading import PATHOLOGIC
from .studyRows import statisticsRow


@dataclass(frozen=True)
class VisualReading:
    """One reader's session by subject: pathologic if any target is, and the sum of the scores.

    :param score: NaN where a score is missing.
    """

    reader: str
    session: int
    isPathologic: Mapping[str, bool] = field(repr=False)
    score: Mapping[str, float] = field(repr=False)

    @property
    def label(self) -> str:
        return f"reading of {self.reader or 'reader'}, session {self.session}"


def _ofExams(readings: pd.DataFrame, exams: Mapping[str, str]) -> pd.DataFrame:
    """Readings of the exam that counts; of a subject without one, of the first that was read."""
    first = readings.groupby("subject", sort=False)["exam"].transform("first")
    return readings[readings["exam"] == readings["subject"].map(exams).fillna(first)]


def visualReadings(readings: pd.DataFrame, exams: Mapping[str, str]) -> list[VisualReading]:
    """By reader and session.

    :param exams: of each subject, the exam whose number counts.
    """
    found = []
    for (reader, session), group in _ofExams(readings, exams).groupby(["reader", "session"], sort=True):
        bySubject = group.groupby("subject", sort=False)
        positive = bySubject["reading"].agg(lambda column: bool((column == PATHOLOGIC).any()))
        score = bySubject["score"].agg(lambda column: column.sum(skipna=False))
        found.append(VisualReading(str(reader), int(session), positive.to_dict(), score.to_dict()))
    return found


def visualAccuracyRows(visuals: list[VisualReading], groups: Mapping[str, str]) -> list[dict]:
    """Accuracy of each reader and session by subject, against controls and against mimics."""
    rows = []
    for visual in visuals:
        for other in ("control", "mimic"):
            names = [name for name in visual.isPathologic if groups.get(name) in ("als", other)]
            truth = np.array([groups[name] == "als" for name in names], bool)
            if len(names) == 0 or truth.all() or not truth.any():
                continue
            counts = agreement.accuracyCounts(np.array([visual.isPathologic[name] for name in names], bool), truth)
            for analysis in ("sensitivity", "specificity", "accuracy"):
                rows.append(
                    statisticsRow(
                        f"visual_{analysis}",
                        getattr(counts, analysis),
                        "reading",
                        groups=["als", other],
                        n=[int(truth.sum()), int((~truth).sum())],
                        note=f"{visual.label}; a subject is pathologic if any target is",
                        family=visual.label,
                    )
                )
    return rows


def kappaRows(readings: pd.DataFrame, seed: int, resamples: int) -> list[dict]:
    """Cohen's kappa within each reader (session 1 and 2) and between readers (same session), over all targets."""
    rows, key = [], ["subject", "exam", "target"]
    sessions = {pair: group.set_index(key) for pair, group in readings.groupby(["reader", "session"], sort=True)}
    for (a, first), (b, second) in combinations(sessions.items(), 2):
        isIntra, isInter = a[0] == b[0], a[1] == b[1]
        if not (isIntra or isInter):
            continue
        both = pd.merge(first, second, left_index=True, right_index=True, suffixes=("_a", "_b"))
        if both.empty:
            continue
        subjects = both.index.get_level_values("subject").to_numpy()
        what = "within the reader" if isIntra else "between readers"
        for measure, weights in (("reading", None), ("score", "linear")):
            pair = both[[f"{measure}_a", f"{measure}_b"]].dropna()
            if pair.empty:
                continue
            rng = np.random.default_rng(seed)
            estimate = agreement.clusteredKappa(
                pair.iloc[:, 0].to_numpy(),
                pair.iloc[:, 1].to_numpy(),
                subjects[both.index.isin(pair.index)],
                rng,
                resamples,
                weights,
            )
            weighting = f"{weights} weights; " if weights else ""
            labels = [f"{reader or 'reader'}, session {session}" for reader, session in (a, b)]
            note = f"{what}; {weighting}{len(pair)} targets of {len(set(subjects))} subjects"
            rows.append(
                statisticsRow(
                    "kappa", estimate, measure, groups=labels, n=[len(pair), len(pair)], note=note, family=what
                )
            )
    return rows
