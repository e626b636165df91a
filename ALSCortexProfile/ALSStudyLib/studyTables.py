"""The tables of a study - measurements of either kind, participants, readings - gathered, checked and joined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .errors import InputError
from .patientOutput import OLDEST_YEARS
from .studyFiles import MOST_SENTENCES, checkFile, listed, naturally, places
from .studyMeasurements import PHASE, PROFILE, readMeasurements
from .studyParticipants import (
    dropImpossible,
    groupOf,
    noParticipants,
    noReadings,
    readParticipants,
    readReadings,
)
from .studyProblems import REFUSED, SUSPECT, UNKNOWN_GROUP, Problem
from .subjectNames import knownAs, plainExam, plainId

# Regions come in this order, whatever the order of the rows; others follow by name.
REGION_ORDER = ("hand_knob", "paracentral", "precentral_gyrus", "frontal_cortex", "caudate_nucleus")
SIDE_ORDER = {"left": 0, "right": 1, "both": 2}
OTHER_AGE_YEARS = 10.0


@dataclass(frozen=True)
class StudyData:
    """The input of a study.

    :param values: one row per value: kind, subject, exam, reader, region, side (left, right, both), rank, measure,
        value, status, flags, source, line, group, age_years, and how it came about (`ACQUISITION`); in an order of its
        own: subjects, exams, files as they were given. participants: by subject.
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

    :raises InputError: a file that is not there, or no table of measurements that can be used.
    """
    if not measurements:
        raise InputError("The study has no measurements; expected at least one table; choose one.")
    problems: list[Problem] = []
    sources = _named(measurements, problems)
    for path in (*sources.values(), *([participants] if participants else []), *readings):
        checkFile(Path(path))
    frames = _readEach(sources, lambda name: readMeasurements(sources[name], name), problems)
    if not frames:
        raise InputError(next(problem.sentence for problem in problems if problem.kind == REFUSED))
    people = noParticipants()
    if participants is not None:
        people = (_readEach([participants], lambda path: readParticipants(Path(path)), problems) or [people])[0]
    read = _readEach(readings, lambda path: readReadings(Path(path)), problems)
    gathered = pd.concat(read, ignore_index=True) if read else noReadings()
    values, people = _joined(pd.concat(frames, ignore_index=True), people, participants is not None, problems)
    # Of the names of one exam, that of the measurements, whatever the order of rows.
    exams = {plainExam(exam): exam for exam in sorted(set(values["exam"]), reverse=True)}
    for table in (values, gathered):
        table["exam"] = [exams.get(plainExam(exam), exam) for exam in table["exam"]]
    gathered = _sortedReadings(gathered, people)
    return StudyData(_sorted(values, sources), people, gathered, problems, sources)


def _readEach(items, read, problems: list[Problem]) -> list[pd.DataFrame]:
    frames = []
    for item in items:
        try:
            frame, found = read(item)
        except InputError as error:
            problems.append(Problem(REFUSED, str(error)))
            continue
        frames.append(frame)
        problems += found
    return frames


def _named(paths: Sequence[Path], problems: list[Problem]) -> dict[str, Path]:
    """Files by a name of their own: as much of the path as tells them apart."""
    found: dict[Path, Path] = {}
    for path in map(Path, paths):
        if path.resolve() in found:
            problems.append(
                Problem(SUSPECT, f"File '{path}' is given twice; expected once; leave one out: it is read once.")
            )
        found.setdefault(path.resolve(), path)
    depth, names = 1, []
    while not names or len(set(names)) < len(names):
        names = ["/".join(path.parts[-depth:]) for path in found]
        depth += 1
    # A name that is unique by itself needs no folder.
    short = [path.name for path in found]
    names = [own if short.count(own) == 1 else name for own, name in zip(short, names, strict=True)]
    return dict(zip(names, found.values(), strict=True))


def _sorted(values: pd.DataFrame, sources: dict[str, Path]) -> pd.DataFrame:
    """An order of its own, so that no number hangs on the order of rows."""
    order = {name: index for index, name in enumerate(REGION_ORDER)}
    given = {name: index for index, name in enumerate(sources)}
    keys = pd.DataFrame(
        {
            "subject": values["subject"].map(places(values["subject"])),
            "exam": values["exam"].map(places(values["exam"])),
            "source": values["source"].map(given),
            "reader": values["reader"].map(places(values["reader"])),
            "session": values["session"].map(places(values["session"])),
            "region": values["region"].map(lambda name: (order.get(name, len(order)), name)),
            "side": values["side"].map(SIDE_ORDER),
            "rank": values["rank"],
        }
    )
    return values.loc[keys.sort_values(list(keys), kind="stable").index].reset_index(drop=True)


def _sortedReadings(readings: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    readings = readings.assign(subject=[knownAs(subject, people.index) for subject in readings["subject"]])
    keys = pd.DataFrame({name: readings[name].map(places(readings[name])) for name in ("subject", "exam")})
    return readings.loc[keys.sort_values(list(keys), kind="stable").index].reset_index(drop=True)


# Joined ---------------------------------------------------------------------------------------------------------


def _joined(values: pd.DataFrame, people: pd.DataFrame, isGiven: bool, problems: list[Problem]):
    """Group and age of each row; the measurements' own columns serve subjects that no participants table has."""
    _checkTwins(people, problems)
    known = people.index if isGiven else pd.Index(sorted(set(values["subject"]), key=naturally))
    values = values.assign(given_subject=values["subject"])
    values["subject"] = [knownAs(subject, known if isGiven else known[:0]) for subject in values["subject"]]
    if not isGiven:
        first: dict[str, str] = {}
        values["subject"] = [first.setdefault(plainId(subject), subject) for subject in values["subject"]]
    own = values[["subject", "own_group", "own_sex", "own_age_years"]].replace("", None)
    own = own.groupby("subject", sort=False).first().fillna({"own_group": "", "own_sex": ""})
    new = [subject for subject in own.index if subject not in people.index]
    if isGiven:
        _tellUnknown(new, people, problems)
        _tellOthers(own, people, problems)
    if new:
        # Of a table of participants, those it does not name are in no group.
        groups = ["" if isGiven else groupOf(own.loc[subject, "own_group"]) or "" for subject in new]
        ages = own.loc[new, "own_age_years"].to_numpy(float)
        added = pd.DataFrame({"group": groups, "sex": own.loc[new, "own_sex"].to_numpy(), "age_years": ages}, index=new)
        problems += dropImpossible(added, "age_years", "the measurements")
        added = added.reindex(columns=people.columns)
        people = added if people.empty else pd.concat([people, added])
        people.index.name = "subject"
    joined = values.join(people[["group", "age_years"]], on="subject")
    at = joined["own_age_years"].notna() & (joined["own_age_years"] > 0) & (joined["own_age_years"] <= OLDEST_YEARS)
    joined.loc[at, "age_years"] = joined.loc[at, "own_age_years"]  # the age at that exam
    joined["group"] = joined["group"].fillna("")
    return joined.drop(columns=["own_group", "own_sex", "own_age_years"]), people


def _checkTwins(people: pd.DataFrame, problems: list[Problem]) -> None:
    plain = pd.Series([plainId(name) for name in people.index], dtype=object)
    for twin in plain[plain.duplicated()].unique():
        names = " and ".join(name for name in people.index if plainId(name) == twin)
        problems.append(
            Problem(
                SUSPECT,
                f"participants {names} differ by no more than 'sub-' or capitals; expected one name per person; "
                "correct it: they are taken as different persons.",
            )
        )


def _tellUnknown(new: list[str], people: pd.DataFrame, problems: list[Problem]) -> None:
    """Subjects that no participant is, and participants without a measurement."""
    stripped = {name.lstrip("0") for name in people.index}
    hint = " (were leading zeros lost?)" if any(name.lstrip("0") in stripped for name in new) else ""
    what = "not among the participants; expected a row there"
    if len(new) > MOST_SENTENCES:
        sentence = f"{len(new)} subjects ({listed(new)}) are {what}{hint}; add them: they are in no comparison."
        problems.append(Problem(REFUSED, sentence))
        return
    problems += [
        Problem(REFUSED, f"the subject is {what}{hint}; add it: the subject is in no comparison.", subject=subject)
        for subject in new
    ]


def _persons(names) -> str:
    one = len(names) == 1
    return f"{len(names)} participant{'' if one else 's'} ({listed(names)}) {'has' if one else 'have'}"


def _tellOthers(own: pd.DataFrame, people: pd.DataFrame, problems: list[Problem]) -> None:
    """Participants without measurement or group, and what the measurements' own columns say otherwise."""
    unmeasured = [name for name in people.index if name not in own.index]
    if unmeasured:
        sentence = f"{_persons(unmeasured)} no measurement; expected one each; "
        problems.append(Problem(SUSPECT, sentence + "add their tables: they count nowhere."))
    blank = [name for name in people.index if not people.loc[name, "group"] and name in own.index]
    told = {problem.subject for problem in problems if problem.cause == UNKNOWN_GROUP}
    if set(blank) - told:
        sentence = f"{_persons(set(blank) - told)} no group; "
        problems.append(
            Problem(REFUSED, sentence + "expected als, control or mimic; fill it in: they are in no comparison.")
        )
    for name in own.index.intersection(people.index):
        group, other = people.loc[name, "group"], groupOf(own.loc[name, "own_group"])
        if other and group and other != group:
            problems.append(
                Problem(
                    SUSPECT,
                    f"the measurements say group {other}, the participants {group}; expected the same; correct one: "
                    "the participants count.",
                    subject=name,
                )
            )
        age, here = people.loc[name, "age_years"], own.loc[name, "own_age_years"]
        if abs(age - here) > OTHER_AGE_YEARS:
            problems.append(
                Problem(
                    SUSPECT,
                    f"the measurements say {here:g} years, the participants {age:g}; expected about the same; correct "
                    "one: the age beside the measurement is used.",
                    subject=name,
                )
            )
