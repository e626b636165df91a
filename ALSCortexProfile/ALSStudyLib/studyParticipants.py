"""Tables of participants and of visual readings, each checked."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError
from .patientOutput import OLDEST_YEARS
from .reading import VERDICTS
from .studyFiles import column, listed, numbers, readText
from .studyProblems import REFUSED, SUSPECT, UNKNOWN_GROUP, Problem

GROUPS = ("als", "control", "mimic")
_GROUP_WORDS = {
    "als": ("als", "patient", "patients", "mnd"),
    "control": ("control", "controls", "healthy", "hc", "healthy_control"),
    "mimic": ("mimic", "mimics", "als_mimic"),
}
SCORES = ("umn_arm_left", "umn_arm_right", "umn_leg_left", "umn_leg_right")
CLINICAL = ("umn_total", "duration_months", "norris", "alsfrs")
_LIMITS = {
    **dict.fromkeys(SCORES, (0, 8)),
    "umn_total": (0, 33),
    "duration_months": (0, 600),
    "age_years": (0, OLDEST_YEARS),
}


def noParticipants() -> pd.DataFrame:
    return pd.DataFrame(columns=["group", "sex", "age_years", *SCORES, *CLINICAL], index=pd.Index([], name="subject"))


def noReadings() -> pd.DataFrame:
    return pd.DataFrame(columns=["subject", "exam", "reader", "session", "target", "reading", "score"])


def readParticipants(path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Participants by subject; what is impossible or unknown is left out and said.

    :raises InputError: no table, or one without subjects.
    """
    table = readText(path).rename(columns={"participant_id": "subject"})
    if table.columns.has_duplicates or "subject" not in table:
        raise InputError(
            f"File '{path.name}' has no single column subject or participant_id; expected one; rename it: the study "
            "runs without participants."
        )
    problems, index = [], pd.Index(table["subject"], name="subject")
    groups = [groupOf(text) for text in column(table, "group", "")]
    for row in [row for row, group in enumerate(groups) if group is None]:
        problems.append(
            Problem(
                REFUSED,
                f"group '{table['group'].iloc[row]}' in {path.name}, line {row + 2}, is unknown; expected als, control "
                "or mimic; correct it: the subject is in no comparison.",
                subject=index[row],
                cause=UNKNOWN_GROUP,
            )
        )
    sex = column(table, "sex", "").to_numpy()
    frame = pd.DataFrame({"group": [group or "" for group in groups], "sex": sex}, index=index)
    for name in ("age_years", *SCORES, *CLINICAL):
        values, found = numbers(table, name, path.name) if name in table else (math.nan, [])
        frame[name] = values
        problems += [*found, *dropImpossible(frame, name, path.name)]
    twice = index.duplicated()
    if twice.any():
        names = index[twice].unique()
        problems.append(
            Problem(
                SUSPECT,
                f"{path.name} has more than one row of {listed(names)}; expected one per subject; remove the others: "
                "the first is used.",
                subject=names[0] if len(names) == 1 else "",
            )
        )
    return frame[~twice & (index != "")], problems


def groupOf(text: str) -> str | None:
    """The group a word means: "" for none, None for a word that is no group."""
    word = text.casefold().replace(" ", "_")
    if not word:
        return ""
    return next((group for group, words in _GROUP_WORDS.items() if word in words), None)


def dropImpossible(frame: pd.DataFrame, name: str, source: str) -> list[Problem]:
    """Blank the values of a column of `frame` (by subject) that cannot be, and say so of each."""
    if name not in _LIMITS:
        return []
    low, high = _LIMITS[name]
    values = frame[name].astype(float)
    bad = (values < low) | (values > high) | ((values == 0) & (name == "age_years"))
    frame[name] = values.mask(bad)
    return [
        Problem(
            REFUSED,
            f"{name} is {value:g} in {source}; expected {low} to {high}; correct it: the value is left out.",
            subject=str(subject),
        )
        for subject, value in values[bad].items()
    ]


def readReadings(path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """Visual readings, one row per reader, session and target.

    :raises InputError: no table, or not one of readings.
    """
    table = readText(path)
    missing = [name for name in ("subject", "target", "reading") if name not in table]
    if missing:
        raise InputError(
            f"File '{path.name}' has no column {missing[0]}; expected subject, exam, reader, session, target, reading "
            "and score; choose a table of readings: it is left out."
        )
    frame = pd.DataFrame({name: table[name] for name in ("subject", "target", "reading")})
    frame["exam"] = column(table, "exam", "1").replace("", "1")
    frame["reader"] = column(table, "reader", "")
    frame["reading"] = frame["reading"].str.casefold()
    frame["target"] = frame["target"].str.casefold().str.replace(r"\W+", "_", regex=True)
    problems = []
    for name, default in (("session", 1.0), ("score", math.nan)):
        values, found = numbers(table, name, path.name) if name in table else (np.full(len(table), default), [])
        frame[name] = values
        problems += found
    frame["session"] = frame["session"].fillna(1).astype(int)
    unknown = ~frame["reading"].isin(VERDICTS)
    for row in np.flatnonzero(unknown):
        problems.append(
            Problem(
                REFUSED,
                f"reading '{table['reading'].iloc[row]}' in {path.name}, line {row + 2}, is unknown; expected "
                f"{' or '.join(VERDICTS)}; correct it: the row is left out.",
                subject=frame["subject"].iloc[row],
                exam=frame["exam"].iloc[row],
            )
        )
    frame = frame[~unknown]
    key = ["subject", "exam", "reader", "session", "target"]
    for row in frame.index[frame.duplicated(key)]:
        problems.append(
            Problem(
                SUSPECT,
                f"target {frame.loc[row, 'target']} is read twice by {frame.loc[row, 'reader']} in session "
                f"{frame.loc[row, 'session']} ({path.name}); expected once; remove one: the first is used.",
                subject=frame.loc[row, "subject"],
                exam=frame.loc[row, "exam"],
            )
        )
    return frame.drop_duplicates(key), problems
