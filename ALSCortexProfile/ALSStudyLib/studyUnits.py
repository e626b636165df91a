"""From values to units: one value per region, side and exam, then one per subject."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .studyMeasurements import BOTH, PHASE, PROFILE
from .studyParticipants import GROUPS
from .studySettings import StudySettings

LEFT, RIGHT, ALL = "left", "right", "all"
EXTREME = "phase_rad_extreme"  # the most extreme slice instead of the mean of those kept
_DARK = {"sh_thk_per_mm": "SH/Thk (1/mm)", "sh": "SH", "thickness_mm": "Thickness (mm)"}
_PHASE = {
    "phase_rad": "Phase shift (rad)",
    EXTREME: "Phase shift, most extreme slice (rad)",
    "phase_hz": "Phase shift (Hz)",
    "phase_ppb": "Phase shift (ppb)",
}
MEASURE_LABELS = {**_DARK, **_PHASE}
_REGION_LABELS = {"hand_knob": "Hand knob", "paracentral": "Paracentral lobule", ALL: "All regions"}


def regionLabel(region: str, side: str = BOTH) -> str:
    """A region's name for a person."""
    label = _REGION_LABELS.get(region, region.replace("_", " ").capitalize())
    return label if side == BOTH or not side else f"{label}, {side}"


def measuresOf(values: pd.DataFrame, kind: str) -> list[str]:
    """The measures a study of this kind looks at; Hz and ppb only where echo time or field strength differ."""
    there = list(dict.fromkeys(values.loc[values["kind"] == kind, "measure"]))
    if kind == PROFILE:
        return [name for name in _DARK if name in there]
    measures = ["phase_rad", EXTREME] if "phase_rad" in there else []
    for name, how in (("phase_hz", "echo_time_ms"), ("phase_ppb", "field_strength_t")):
        told = set(values.loc[values["kind"] == kind, how]) - {""}
        if name in there and (len(told) > 1 or not measures):
            measures.append(name)
    return measures


def orientation(values: pd.DataFrame, measure: str) -> int:
    """+1 where larger is more diseased, -1 where smaller is: darker, thinner, more iron.

    More iron is the sign of a paramagnetic shift as declared; undeclared, the sign that most values have.
    """
    if measure in ("sh", "sh_thk_per_mm"):
        return 1
    if measure == "thickness_mm":
        return -1
    declared = _polarities(values)
    if len(declared) == 1:
        return -1 if declared == {"paramagnetic_negative"} else 1
    kind = values[values["kind"] == PHASE]
    return -1 if kind.loc[kind["measure"] == measure.removesuffix("_extreme"), "value"].median() < 0 else 1


def _polarities(values: pd.DataFrame) -> set[str]:
    """What the phase values declare; what declares nothing goes with the others."""
    return {text for text in values.loc[values["kind"] == PHASE, "polarity"] if text.startswith("paramagnetic")}


def isOrientationGuessed(values: pd.DataFrame, measure: str) -> bool:
    """Whether `orientation` had to look at the values."""
    return measure.startswith("phase") and len(_polarities(values)) != 1


def firstReader(values: pd.DataFrame) -> pd.DataFrame:
    """One measurement of each place: of the reader, session and file that come first; the others are for agreement."""
    key = ["kind", "subject", "exam", "region", "side", "rank", "measure"]
    return values[~values.duplicated(key)]


def examTable(values: pd.DataFrame, kind: str, measure: str, settings: StudySettings) -> pd.DataFrame:
    """(subject, exam) x (region, side): the mean over the slices kept, or the most extreme one.

    "both" is the mean of the sides.

    NaN: not measured. A target without a band is 0 if the settings declare that policy.
    """
    name = "phase_rad" if measure == EXTREME else measure
    rows = firstReader(values[(values["kind"] == kind) & (values["measure"] == name)])
    if settings.noBand == "zero" and measure in ("sh", "sh_thk_per_mm"):
        rows = rows.assign(value=rows["value"].where(rows["status"] != "no_band", 0.0))
    sign = orientation(values, measure)
    reduce = (lambda column: column.mean()) if measure != EXTREME else (lambda column: sign * (sign * column).max())
    groups = rows.groupby(["subject", "exam", "region", "side"], sort=False)["value"]
    # Sorted, then in the order of the rows: pandas 2 mixes up the cells of an unsorted unstack.
    table = groups.apply(reduce).unstack(["region", "side"])
    index, columns = (
        pd.MultiIndex.from_frame(rows[names].drop_duplicates()) for names in (["subject", "exam"], ["region", "side"])
    )
    ordered = table.reindex(index=index, columns=columns)
    for region in dict.fromkeys(ordered.columns.get_level_values("region")):
        sides = [column for column in ordered.columns if column[0] == region and column[1] in (LEFT, RIGHT)]
        if sides:
            mean = ordered[sides].mean(axis=1, skipna=True)
            both = (region, BOTH)
            ordered[both] = mean if both not in ordered else ordered[both].fillna(mean)
    return ordered


def subjectTable(exams: pd.DataFrame, examRule: str) -> pd.DataFrame:
    """subject x (region, side): the first exam's values, or the mean of the exams'."""
    bySubject = exams.groupby(level="subject", sort=False)
    if examRule == "mean":
        return bySubject.mean()
    return exams[~exams.index.get_level_values("subject").duplicated()].droplevel("exam")


def basicColumns(table: pd.DataFrame, region: str = ALL) -> list[tuple[str, str]]:
    """The columns that are measured places: left and right, or both sides for a region that has no sides."""
    columns = []
    for name in dict.fromkeys(table.columns.get_level_values("region")):
        if region in (ALL, name):
            sides = [(name, side) for side in (RIGHT, LEFT) if (name, side) in table.columns]
            columns += sides or [(name, BOTH)]
    return columns


def groupsOf(index: pd.Index, participants: pd.DataFrame) -> np.ndarray:
    """Group of each subject; "all" for all, where no subject has one."""
    known = participants["group"].reindex(index).fillna("").to_numpy(dtype=object)
    return known if (known != "").any() else np.full(len(index), ALL, dtype=object)


def group(table: pd.DataFrame, participants: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of one group."""
    return table[groupsOf(table.index.get_level_values("subject"), participants) == name]


def groupNames(index: pd.Index, participants: pd.DataFrame) -> list[str]:
    """The groups there are, in the order als, control, mimic."""
    found = set(groupsOf(index, participants)) - {""}
    return [name for name in (*GROUPS, ALL) if name in found]


def greatest(places: pd.DataFrame, sign: int) -> pd.Series:
    """The most diseased value of each row."""
    return sign * (sign * places).max(axis=1)


def oneSided(table: pd.DataFrame, region: str) -> int:
    """How many rows have only one side of a region: their "both" is that side's value."""
    sides = [column for column in ((region, LEFT), (region, RIGHT)) if column in table.columns]
    return int((table[sides].notna().sum(axis=1) == 1).sum()) if len(sides) == 2 else 0


def countsText(table: pd.DataFrame, column: tuple[str, str]) -> str:
    """How much a number is made of: subjects, exams, regions, and what was not measured."""
    part = table[[column]]
    failed = int(part.isna().to_numpy().sum())
    subjects = table.index.get_level_values("subject").nunique()
    exams = f", {len(table)} exams" if table.index.nlevels > 1 else ""
    sides = oneSided(table, column[0]) if column[1] == BOTH else 0
    only = f", {sides} with one side only" if sides else ""
    return f"{subjects} subjects{exams}, {part.size - failed} regions, {failed} not measured{only}"
