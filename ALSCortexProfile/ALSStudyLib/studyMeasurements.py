"""A table of measurements of either kind, as one row per value, each checked."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import InputError
from .patientOutput import acquisitionOf, acquisitionsOf
from .provenance import readRecord
from .studyFiles import column, declaredUnit, listed, numbers, readText
from .studyParticipants import groupOf
from .studyProblems import REFUSED, Problem

PROFILE, PHASE = "profile", "phase"
BOTH = "both"
FIRST_MADE_RANK = 1000  # of values whose rank is no number: none is taken for another
# By kind: the measures with their units, and the column that names the place.
MEASURES = {
    PROFILE: {"sh_thk_per_mm": "1/mm", "sh": "", "thickness_mm": "mm"},
    PHASE: {"phase_rad": "rad", "phase_hz": "Hz", "phase_ppb": "ppb"},
}
_PLACE = {PROFILE: "target", PHASE: "region"}
_OTHER_UNITS = ("phase_mrad", "phase_deg", "phase_degrees", "thickness_um", "thickness_cm", "sh_thk_per_cm")
ACQUISITION = ("filter", "polarity", "echo_combination", "echo_time_ms", "field_strength_t", "interpolation")
GYROMAGNETIC_HZ_PER_T = 42.577478518e6


def _kindOf(frame: pd.DataFrame, name: str) -> str:
    for kind, place in _PLACE.items():
        if {"subject", place} <= set(frame.columns) and any(m in frame for m in MEASURES[kind]):
            return kind
    other = next((name_ for name_ in frame.columns if name_ in _OTHER_UNITS), None)
    if other:
        raise InputError(
            f"File '{name}' has its values in column {other}; expected phase_rad in rad, thickness_mm in mm or "
            "sh_thk_per_mm in 1/mm; convert the unit and rename the column: the file is left out."
        )
    raise InputError(
        f"File '{name}' has columns {', '.join(frame.columns[:8])}; expected subject, target and sh_thk_per_mm "
        "(profile) or subject, region and phase_rad (phase); choose a table of measurements: the file is left out."
    )


def readMeasurements(path: Path, name: str) -> tuple[pd.DataFrame, list[Problem]]:
    """A table of either kind as one row per value (see `StudyData`).

    :param name: what the file is called in messages. :raises InputError: a table that cannot be used as a whole.
    """
    table = readText(path)
    kind = _kindOf(table, name)
    if table.empty:
        raise InputError(f"File '{name}' has no rows; expected measurements; choose another: the file is left out.")
    for measure, unit in MEASURES[kind].items():
        said = declaredUnit(path, measure) if measure in table else ""
        if said and unit and said != unit:
            raise InputError(
                f"File '{name}' says that {measure} is in {said}; expected {unit}; convert it, and correct the data "
                "dictionary beside it: the file is left out."
            )
    problems: list[Problem] = []
    nameless = (table["subject"] == "") | (table[_PLACE[kind]] == "")
    if nameless.all():
        raise InputError(
            f"File '{name}' has no row with a subject and a {_PLACE[kind]}; expected both in each; fill them in: the "
            "file is left out."
        )
    if nameless.any():
        line = int(np.flatnonzero(nameless)[0]) + 2
        problems.append(
            Problem(
                REFUSED,
                f"{int(nameless.sum())} rows of {name} have no subject or {_PLACE[kind]} (the first is line {line}); "
                "expected both; fill them in: the rows are left out.",
            )
        )
    ranks = np.ones(len(table))
    if "rank" in table:
        ranks, found = numbers(table, "rank", name)
        problems += found
        ranks = np.where(np.isfinite(ranks), ranks, np.arange(len(table)) + FIRST_MADE_RANK if found else 1.0)
    base = pd.DataFrame(
        {
            "kind": kind,
            "subject": table["subject"],
            "exam": column(table, "exam", "1").replace("", "1"),
            "reader": column(table, "reader", ""),
            "session": column(table, "session", ""),
            "rank": ranks,
            "status": column(table, "status", ""),
            "flags": column(table, "flags", ""),
            "source": name,
            "line": np.arange(len(table)),
        }
    )
    places = [_place(slug, side) for slug, side in zip(table[_PLACE[kind]], column(table, "side", ""), strict=True)]
    base["region"], base["side"] = [place[0] for place in places], [place[1] for place in places]
    for own in ("group", "sex"):
        base[f"own_{own}"] = column(table, own, "")
    words = column(table, "group", "")
    unknown = {word for word in words if groupOf(word) is None}
    if unknown:
        problems.append(
            Problem(
                REFUSED,
                f"group {listed(unknown)} in {name} is unknown; expected als, control or mimic; correct it: these "
                "subjects have no group from there.",
            )
        )
    beside = readRecord(path.parent)
    known, ofExams = acquisitionOf(kind, beside), acquisitionsOf(kind, beside)
    ways = [ofExams.get(key, known) for key in zip(base["subject"], base["exam"], strict=True)]
    for how in ACQUISITION:
        said = column(table, how, "")
        base[how] = said.where(said != "", [way.get(how, "") for way in ways])
    ages, found = numbers(table, "age_years", name) if "age_years" in table else (math.nan, [])
    base["own_age_years"] = ages
    problems += found
    frames = []
    for measure in MEASURES[kind]:
        if measure in table:
            numbers_, found = numbers(table, measure, name)
            problems += found
            _checkScale(kind, measure, numbers_, name)
            frames.append(base.assign(measure=measure, value=numbers_)[~nameless])
    frame = pd.concat(frames, ignore_index=True)
    blank = frame["status"] == ""
    frame.loc[blank, "status"] = np.where(frame.loc[blank, "value"].notna(), "ok", "not_measured")
    frame.loc[(frame["status"] == "ok") & frame["value"].isna(), "status"] = "not_measured"
    # A status other than ok gives no number, whatever stands in the cell.
    frame.loc[frame["status"] != "ok", "value"] = np.nan
    return _withRatios(frame), problems


def _place(slug: str, side: str) -> tuple[str, str]:
    """Region and side of a row: of a profile's target from its ending, if the side is not given."""
    side = {"l": "left", "r": "right"}.get(side.casefold(), side.casefold())
    slug = slug.casefold().replace(" ", "_")
    for known in ("left", "right"):
        if slug.endswith("_" + known):
            return slug[: -len(known) - 1], known
    return slug, side if side in ("left", "right") else BOTH


def _checkScale(kind, measure, values, name):
    """:raises InputError: values that no unit of the contract explains."""
    typical = np.nanmedian(np.abs(values)) if np.isfinite(values).any() else 0.0
    largest = {"phase_rad": math.pi, "thickness_mm": 20.0}.get(measure, math.inf)
    if typical > largest:
        raise InputError(
            f"File '{name}' has {measure} of {typical:.4g} (median); expected at most {largest:.3g} "
            f"{MEASURES[kind][measure]}, so it is in another unit; convert it: the file is left out."
        )


def _withRatios(frame: pd.DataFrame) -> pd.DataFrame:
    """Echo time and field strength that no one stated, from the ratio of an exam's values in radians, Hz and ppb."""
    key = ["subject", "exam"]
    wide = frame.pivot_table(index=[*key, "region", "side", "rank"], columns="measure", values="value")
    ratios = {}
    if {"phase_rad", "phase_hz"} <= set(wide):
        ratios["echo_time_ms"] = 1e3 * wide["phase_rad"] / (2.0 * math.pi * wide["phase_hz"])
    if {"phase_hz", "phase_ppb"} <= set(wide):
        ratios["field_strength_t"] = 1e9 * wide["phase_hz"] / (GYROMAGNETIC_HZ_PER_T * wide["phase_ppb"])
    for name, ratio in ratios.items():
        found = ratio[np.isfinite(ratio)].groupby(key).median().round(1).map("{:g}".format)
        each = frame[key].apply(tuple, axis=1).map(found).fillna("")
        frame[name] = frame[name].where(frame[name] != "", each)
    return frame
