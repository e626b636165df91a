"""The tables of a study - measurements of either kind, participants, readings - gathered, checked and joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import InputError
from .studyMeasurements import PHASE, PROFILE, readMeasurements
from .studyParticipants import groupOf, noParticipants, noReadings, dropImpossible, readParticipants, readReadings
from .studyProblems import REFUSED, Problem


@dataclass(frozen=True)
class StudyData:
    """The input of a study.

    :param values: one row per value: kind, subject, exam, reader, region, side (left, right, both), rank, measure,
        value, status, flags, source, group, age_years, and how it came about (`ACQUISITION`). participants: by subject.
    :param readings: subject, exam, reader, session, target, reading, score. sources: files by the name in `source`.
    """

    values: pd.DataFrame
    participants: pd.DataFrame
    readings: pd.DataFrame
    problems: list[Problem]
    sources: dict[str, Path]

    @property
    def kinds(self) -> list[str]:
        return [kind for kind in (PROFILE, PHASE) if (self.values["kind"] == kind).any()]


def readStudy(
    measurements: Sequence[Path], participants: Path | None = None, readings: Sequence[Path] = ()
) -> StudyData:
    """Read and join all tables; what cannot be used is left out and becomes a problem.

    :raises InputError: no table of measurements can be used.
    """
    problems: list[Problem] = []
    frames: list[pd.DataFrame] = []
    names = _sourceNames(measurements)
    for path, name in zip(measurements, names, strict=True):
        try:
            frame, found = readMeasurements(Path(path), name)
        except InputError as error:
            problems.append(Problem(REFUSED, str(error)))
            continue
        frames.append(frame)
        problems += found
    if not frames:
        raise InputError(problems[0].sentence if problems else "The study has no measurements; expected a table.")
    values = pd.concat(frames, ignore_index=True)
    people = noParticipants()
    if participants is not None:
        try:
            people, found = readParticipants(Path(participants))
            problems += found
        except InputError as error:
            problems.append(Problem(REFUSED, str(error)))
    values, people = _joined(values, people, problems)
    read = []
    for path in readings:
        try:
            frame, found = readReadings(Path(path))
            read.append(frame)
            problems += found
        except InputError as error:
            problems.append(Problem(REFUSED, str(error)))
    gathered = pd.concat(read, ignore_index=True) if read else noReadings()
    return StudyData(values, people, gathered, problems, dict(zip(names, map(Path, measurements), strict=True)))


def _sourceNames(paths):
    """File names, with their folder where two are alike."""
    names = [Path(path).name for path in paths]
    return [
        name if names.count(name) == 1 else f"{Path(path).parent.name}/{name}"
        for name, path in zip(names, paths, strict=True)
    ]


def _joined(values: pd.DataFrame, people: pd.DataFrame, problems: list[Problem]):
    """Group and age of each row; the measurements' own columns serve subjects that no participants table has."""
    plain = {_plainId(subject): subject for subject in people.index}
    values = values.assign(given_subject=values["subject"])
    values["subject"] = [plain.get(_plainId(subject), subject) for subject in values["subject"]]
    own = values.groupby("subject", sort=False)[["own_group", "own_sex", "own_age_years"]].first()
    new = [subject for subject in own.index if subject not in people.index]
    if new and len(people):
        problems += [
            Problem(
                REFUSED,
                "the subject is not among the participants; expected a row there; add it: the subject "
                "is in no comparison.",
                subject=subject,
            )
            for subject in new
        ]
    if new:
        groups = [groupOf(own.loc[subject, "own_group"]) or "" for subject in new]
        ages = own.loc[new, "own_age_years"].to_numpy(float)
        added = pd.DataFrame({"group": groups, "sex": own.loc[new, "own_sex"].to_numpy(), "age_years": ages}, index=new)
        problems += dropImpossible(added, "age_years", "the measurements")
        added = added.reindex(columns=people.columns)
        people = added if people.empty else pd.concat([people, added])
        people.index.name = "subject"
    joined = values.join(people[["group", "age_years"]], on="subject")
    at = joined["own_age_years"].notna() & (joined["own_age_years"] > 0) & (joined["own_age_years"] <= 110)
    joined.loc[at, "age_years"] = joined.loc[at, "own_age_years"]  # the age at that exam
    joined["group"] = joined["group"].fillna("")
    return joined.drop(columns=["own_group", "own_sex", "own_age_years"]), people


def _plainId(subject: str) -> str:
    return subject.casefold().removeprefix("sub-")
