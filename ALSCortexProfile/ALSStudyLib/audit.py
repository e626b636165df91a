"""Values of a study that look like slips; nothing is changed, each is one sentence (METHODS.md section 3).

Sign slips and factor-ten slips are robust comparisons with the other values of the same region: in the same exam or,
where these are fewer than three, in all exams. The published table of the phase paper (Liu et al. 2021) has one each.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from .patientOutput import alikeText
from .studyMeasurements import ACQUISITION, BOTH, MEASURES, PHASE, PROFILE
from .studyProblems import SIGN_SLIP, SUSPECT, Problem

SAME_SIGN = 0.8  # share of the others with the other sign
TEN_FOLD = 0.2  # |value| below this share of the others' median, or above its inverse
FEWEST = 3
FAR = 4.0  # robust standard deviations of the logarithm
SAME_RATIO = 0.02
_IMPOSSIBLE = {"thickness_mm": (0.0, 10.0), "phase_rad": (-np.pi, np.pi)}
_AS_IT_STANDS = "check the source: it is used as it stands."
_MAIN = {PROFILE: "sh_thk_per_mm", PHASE: "phase_rad"}
_POOLED = {
    "filter": "filters",
    "echo_combination": "echo combinations",
    "echo_time_ms": "echo times (ms)",
    "field_strength_t": "field strengths (T)",
    "interpolation": "interpolations",
    "polarity": "polarities",
}


def audit(values: pd.DataFrame) -> list[Problem]:
    """All that looks like a slip.

    :param values: as `StudyData.values`.
    """
    problems = []
    for measure, group in values.dropna(subset=["value"]).groupby("measure", sort=False):
        # Hz and ppb are the same values in another unit.
        if measure in ("phase_hz", "phase_ppb") and (values["measure"] == "phase_rad").any():
            continue
        problems += _signs(group) + _tenFold(group) + _impossible(group, measure)
    return [
        *problems,
        *_inconsistent(values),
        *_duplicates(values),
        *_copies(values),
        *_oneSided(values),
        *_pooled(values),
        *_scales(values),
    ]


def turnedSigns(values: pd.DataFrame, problems: list[Problem]) -> pd.DataFrame:
    """A copy in which the values flagged as sign slips have the other sign: to show what the slips do."""
    rows = [problem.row for problem in problems if problem.cause == SIGN_SLIP]
    turned = values.copy()
    turned.loc[rows, "value"] *= -1.0
    return turned


def _problem(row, index, sentence, cause="") -> Problem:
    rank = f" (rank {row['rank']})" if row["kind"] == PHASE else ""
    return Problem(
        SUSPECT,
        sentence.format(rank=rank),
        row["subject"],
        row["exam"],
        row["region"],
        row["side"],
        row["measure"],
        index,
        cause,
    )


def _withPeers(group: pd.DataFrame):
    """(index, row, values of the same region at other places, where from): of the same exam if there are enough,
    else of all exams.
    """
    for _, region in group.groupby("region", sort=False):
        values = region["value"].to_numpy(float)
        exams = region.groupby(["subject", "exam", "reader", "session", "source"], sort=False).ngroup().to_numpy()
        # A second reader's value of the same place says nothing new.
        places = region.groupby(["subject", "exam", "side", "rank"], sort=False).ngroup().to_numpy()
        for place, (index, row) in enumerate(region.iterrows()):
            isOther = places != places[place]
            inExam = isOther & (exams == exams[place])
            if inExam.sum() >= FEWEST:
                yield index, row, values[inExam], "of this exam"
            elif isOther.sum() >= FEWEST:
                yield index, row, values[isOther], "of all exams"


def _signs(group: pd.DataFrame) -> list[Problem]:
    problems = []
    for index, row, others, where in _withPeers(group[group["value"] != 0]):
        if np.mean(np.sign(others) == -np.sign(row["value"])) >= SAME_SIGN:
            found = f"{row['measure']} is {row['value']:+.4g}{{rank}}, which has the other sign than the other values"
            typical = f"{where} (median {np.median(others):+.4g})"
            sentence = f"{found} {typical}; expected the same sign; {_AS_IT_STANDS}"
            problems.append(_problem(row, index, sentence, SIGN_SLIP))
    return problems


def _tenFold(group: pd.DataFrame) -> list[Problem]:
    problems = []
    for index, row, others, where in _withPeers(group[group["value"] != 0]):
        typical = np.median(np.abs(others))
        share = abs(row["value"]) / typical if typical else 1.0
        if TEN_FOLD < share < 1.0 / TEN_FOLD or abs(np.log(share)) < FAR * _logSpread(others):
            continue
        factor = 10.0 if share < 1.0 else 0.1
        # A slip of a digit, if ten times as much would be an ordinary value.
        least, most = np.min(np.abs(others)) * 0.8, np.max(np.abs(others)) * 1.25
        isDigit = least <= abs(row["value"]) * factor <= most
        guess = f": {row['value'] * factor:+.4g} would fit, a digit may have slipped" if isDigit else ""
        found = f"{row['measure']} is {row['value']:+.4g}{{rank}}, {share:.2g} times the other values {where}"
        middle = f"(median {np.median(others):+.4g}){guess}"
        problems.append(_problem(row, index, f"{found} {middle}; expected a like value; {_AS_IT_STANDS}"))
    return problems


def _logSpread(others: np.ndarray) -> float:
    """Robust SD of the logarithms: SH/Thk is spread over a factor of ten by itself."""
    logs = np.log(np.abs(others[others != 0.0]))
    return 1.4826 * float(np.median(np.abs(logs - np.median(logs)))) if len(logs) else 0.0


def _inconsistent(values: pd.DataFrame) -> list[Problem]:
    """SH/Thk that is not SH over Thk: one of the three was changed or mistyped."""
    names = ["sh_thk_per_mm", "sh", "thickness_mm"]
    main = values[values["measure"].isin(names) & values["value"].notna()]
    key = ["subject", "exam", "reader", "session", "source", "region", "side"]
    main = main[~main.duplicated([*key, "measure"])].reset_index(names="row")
    wide = main.set_index([*key, "measure"])["value"].unstack("measure")
    if not set(names) <= set(wide):
        return []
    expected = wide["sh"] / wide["thickness_mm"]
    bad = (wide["sh_thk_per_mm"] - expected).abs() > SAME_RATIO * expected.abs()
    rows = main[main["measure"] == "sh_thk_per_mm"].set_index(key)
    return [
        _problem(
            {"kind": PROFILE, "measure": "sh_thk_per_mm", **dict(zip(key, place, strict=True))},
            int(rows.loc[place, "row"]),
            f"sh_thk_per_mm is {wide.loc[place, 'sh_thk_per_mm']:.4g}, but sh over thickness_mm is "
            f"{expected[place]:.4g}; expected the same; {_AS_IT_STANDS}",
        )
        for place in wide.index[bad]
    ]


def _impossible(group: pd.DataFrame, measure: str) -> list[Problem]:
    if measure not in _IMPOSSIBLE:
        return []
    low, high = _IMPOSSIBLE[measure]
    bad = group[(group["value"] < low) | (group["value"] > high)]
    return [
        _problem(
            row,
            index,
            f"{measure} is {row['value']:.4g}{{rank}}; expected {low:.3g} to {high:.3g}; {_AS_IT_STANDS}",
        )
        for index, row in bad.iterrows()
    ]


def _duplicates(values: pd.DataFrame) -> list[Problem]:
    """The same place of the same exam twice in a file; or in two files, unless the values differ: a repeated
    measurement.
    """
    main = values[values["measure"].isin(_MAIN.values())]
    key = ["kind", "subject", "exam", "reader", "session", "region", "side", "rank", "measure"]
    isWithin = main.duplicated([*key, "source"])
    isAcross = main.duplicated([*key, "value"]) & main["value"].notna() & ~isWithin
    each = main.groupby([*key, "source"], sort=False)["value"]
    problems = []
    for index, row in pd.concat([main[isWithin], main[isAcross]]).iterrows():
        where = f"in {row['source']}"
        if isAcross[index]:
            where += " and, with the same value, in another file"
        else:
            given = each.get_group(tuple(row[[*key, "source"]])).dropna().unique()
            where += f" with other values ({', '.join(f'{value:.4g}' for value in given)})" if len(given) > 1 else ""
        problems.append(
            _problem(
                row,
                index,
                f"this value{{rank}} is there more than once {where}; expected one row; remove the others: the "
                "first is used.",
            )
        )
    return problems


def _copies(values: pd.DataFrame) -> list[Problem]:
    """Exams of different subjects with the very same values in two regions or more: a row may have been copied."""
    main = values[(values["measure"] == "phase_rad") & values["value"].notna()]
    single = main[~main.duplicated(["subject", "exam", "region", "side"], keep=False)]
    table = single.pivot_table(index=["subject", "exam"], columns=["region", "side"], values="value", aggfunc="first")
    problems, array = [], table.to_numpy(float)
    for second in range(len(table)):
        for first in range(second):
            same = np.flatnonzero(array[first] == array[second])
            if table.index[first][0] != table.index[second][0] and len(same) >= 2:
                regions = " and ".join(table.columns[column][0] for column in same)
                subject, exam = table.index[second]
                problems.append(
                    Problem(
                        SUSPECT,
                        f"{regions} have the same values as subject {table.index[first][0]}, exam "
                        f"{table.index[first][1]}; expected different ones; check that no row was "
                        "copied: they are used as they stand.",
                        str(subject),
                        str(exam),
                    )
                )
    return problems


def _oneSided(values: pd.DataFrame) -> list[Problem]:
    """Regions that are measured on one side only."""
    main = values[values["measure"].isin(_MAIN.values())]
    problems = []
    for (subject, exam, region), group in main.groupby(["subject", "exam", "region"], sort=False):
        sides = set(group.loc[group["side"] != BOTH, "side"])
        if len(sides) == 1:
            missing = "right" if "left" in sides else "left"
            problems.append(
                Problem(
                    SUSPECT,
                    f"the {missing} side is missing; expected both sides; measure it, or read left-right comparisons "
                    "without this subject.",
                    subject,
                    exam,
                    region,
                    missing,
                )
            )
    return problems


def _pooled(values: pd.DataFrame) -> list[Problem]:
    """Values that came about in different ways and should not be pooled."""
    problems = []
    for kind, group in values.groupby("kind", sort=False):
        for name in ACQUISITION:
            found = group[["subject", "exam", name]].drop_duplicates()
            counts = mergedCounts(found.loc[found[name] != "", name].value_counts())
            if counts and (found[name] == "").any():
                counts["not stated"] = int((found[name] == "").sum())
            if len(counts) > 1:
                each = ", ".join(f"{value} ({count})" for value, count in counts.items())
                problems.append(
                    Problem(
                        SUSPECT,
                        f"the {kind} values pool different {_POOLED[name]}: {each} exams; expected one; study them "
                        "apart: they are pooled as given.",
                    )
                )
    return problems


def mergedCounts(counts: pd.Series) -> dict[str, int]:
    """Counts by value, where numbers that differ by less than 5 % are one: a 3 T magnet is one of 2.89 T."""
    merged: dict[str, int] = {}
    for text, count in counts.items():
        alike = next((known for known in merged if alikeText(known, text)), text)
        merged[alike] = merged.get(alike, 0) + int(count)
    return merged


def _scales(values: pd.DataFrame) -> list[Problem]:
    """Files whose typical value differs so much that one may be in another unit."""
    problems = []
    for measure in (name for kind in MEASURES.values() for name in kind):
        main = values[(values["measure"] == measure) & values["value"].notna()]
        typical = (
            main.assign(value=main["value"].abs()).groupby(["source", "region"])["value"].median().unstack("source")
        )
        if typical.shape[1] < 2:
            continue
        # Region by region, against the file with the smallest values.
        shares = typical.div(typical.min(axis=1), axis=0).median()
        largest, smallest = shares.idxmax(), shares.idxmin()
        ratio = float((typical[largest] / typical[smallest]).median())
        if np.isfinite(ratio) and ratio > 1.0 / TEN_FOLD:
            unit = MEASURES[main["kind"].iloc[0]][measure] or "the same unit"
            problems.append(
                Problem(
                    SUSPECT,
                    f"{measure} in {largest} is typically {ratio:.2g} times that in {smallest}; expected {unit} in "
                    "both; check the units: the values are used as they stand.",
                    measure=measure,
                )
            )
    return problems
