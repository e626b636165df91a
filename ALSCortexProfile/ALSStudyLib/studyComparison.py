"""Groups and sides compared: the papers' tests, beside what they should have printed."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from . import groupComparison as tests
from .estimate import Estimate, notMeasurable
from .studyMeasurements import BOTH
from .studyRows import statisticsRow
from .studySettings import PAPER, SYMMETRIC
from .studyUnits import ALL, LEFT, RIGHT, countsText, group, groupNames

PAIRS = (("als", "control"), ("als", "mimic"), ("mimic", "control"))


def _clean(column: pd.Series) -> np.ndarray:
    return column.dropna().to_numpy(dtype=float)


def describeRows(
    measure: str, exams: pd.DataFrame, subjects: pd.DataFrame, participants: pd.DataFrame, variant: str = ""
) -> list[dict]:
    """Mean and spread of each place by group: over exams (as the phase paper counts) and over subjects.

    :param variant: how the values differ from those given, in words.
    """
    rows = []
    first = exams[~exams.index.get_level_values("subject").duplicated()].droplevel("exam")
    repeated = len(first) < len(exams)
    units = [(PAPER, "exams", exams)] if repeated else []
    units.append((SYMMETRIC, "subjects", subjects))
    if repeated:
        mean = exams.groupby(level="subject", sort=False).mean()
        other = mean if subjects.equals(first) else first
        units.append((SYMMETRIC, "subjects, mean of their exams" if other is mean else "subjects, first exam", other))
    for name in groupNames(exams.index.get_level_values("subject"), participants):
        for rule, unit, table in units:
            part = group(table, participants, name)
            for region, side in table.columns:
                values = _clean(part[(region, side)])
                if len(values) or not variant:
                    note = "; ".join(
                        filter(None, (variant, f"unit: {unit}", countsText(part, (region, side)), "statistic: SD"))
                    )
                    rows.append(
                        statisticsRow(
                            "describe", tests.describe(values), measure, region, side, rule, [name], [len(values)], note
                        )
                    )
    return rows


def comparisonRows(measure: str, subjects: pd.DataFrame, participants: pd.DataFrame) -> tuple[list[dict], list[dict]]:
    """Tests between groups in every place, the subject as the unit; and assumptions and effect size beside them."""
    names = groupNames(subjects.index, participants)
    rows, more = [], []
    for region, side in subjects.columns:
        values = {name: _clean(group(subjects, participants, name)[(region, side)]) for name in names}
        for name, array in values.items():
            more.append(
                statisticsRow(
                    "shapiro_wilk", tests.shapiro(array), measure, region, side, SYMMETRIC, [name], [len(array)]
                )
            )
        for first, second in PAIRS:
            if first not in values or second not in values:
                continue
            a, b = values[first], values[second]
            choice = _assumptions(a, b)
            for analysis, estimate, note, target in (
                ("mann_whitney", tests.mannWhitney(a, b), choice, rows),
                ("welch_t", tests.welchT(a, b), choice, rows),
                ("levene", tests.levene([a, b]), "", more),
                ("standardized_difference", tests.standardizedDifference(a, b), "", more),
            ):
                target.append(
                    statisticsRow(
                        analysis, estimate, measure, region, side, SYMMETRIC, [first, second], [len(a), len(b)], note
                    )
                )
        if len(values) > 1:
            estimate = tests.anova(list(values.values()))
            note = "groups: " + ", ".join(f"{name} {len(array)}" for name, array in values.items())
            pair = list(values)[:2]
            rows.append(
                statisticsRow(
                    "anova",
                    estimate,
                    measure,
                    region,
                    side,
                    SYMMETRIC,
                    [pair[0], pair[1] if len(values) == 2 else "all groups"],
                    [len(values[pair[0]]), sum(len(values[name]) for name in list(values)[1:])],
                    note,
                )
            )
    return rows, more


def _assumptions(first: np.ndarray, second: np.ndarray) -> str:
    """Shapiro-Wilk and Levene in words, beside the choice they speak for."""
    normal = [tests.shapiro(values).p for values in (first, second)]
    equal = tests.levene([first, second]).p
    if not np.isfinite([*normal, equal]).all():
        return ""
    speaks = "Mann-Whitney" if min(normal) < 0.05 else "Welch t"
    return (
        f"Shapiro-Wilk p {normal[0]:.3g} and {normal[1]:.3g}, Levene p {equal:.3g}: these speak for {speaks}; both are "
        "printed"
    )


def friedmanRows(measure: str, subjects: pd.DataFrame, participants: pd.DataFrame) -> list[dict]:
    """Friedman's test over the regions, within each group, and over the groups' complete subjects."""
    columns = [column for column in subjects.columns if column[1] == BOTH]
    sided = [column for column in subjects.columns if column[1] != BOTH]
    if len(columns) < 3 and len(sided) >= 3:
        columns = sided
    rows = []
    for name in groupNames(subjects.index, participants):
        complete = group(subjects, participants, name)[columns].dropna()
        note = "over " + ", ".join(" ".join(filter(None, (r, s if s != BOTH else ""))) for r, s in columns)
        estimate = tests.friedman(complete.to_numpy(float))
        rows.append(statisticsRow("friedman", estimate, measure, ALL, BOTH, SYMMETRIC, [name], [len(complete)], note))
    return rows


def leftRightRows(
    measure: str, exams: pd.DataFrame, subjects: pd.DataFrame, participants: pd.DataFrame, variant: str = ""
) -> list[dict]:
    """Right against left, over exams (as the phase paper pairs) and over subjects."""
    rows = []
    regions = [r for r in dict.fromkeys(c[0] for c in subjects.columns) if {(r, LEFT), (r, RIGHT)} <= set(subjects)]
    units = [(SYMMETRIC, "subjects", subjects)]
    if len(exams) > len(subjects):
        units.insert(0, (PAPER, "exams", exams))
    for region, name, (rule, unit, table) in itertools.product(
        regions, groupNames(subjects.index, participants), units
    ):
        part = group(table, participants, name)
        pairs = part[[(region, RIGHT), (region, LEFT)]].dropna()
        right, left = pairs.to_numpy(float).T if len(pairs) else (np.empty(0), np.empty(0))
        dropped = len(part) - len(pairs)
        note = "; ".join(
            filter(
                None, (variant, f"right minus left; unit: {unit}", f"{dropped} without both sides" if dropped else "")
            )
        )
        for analysis, test in (("left_right_paired_t", tests.pairedT), ("left_right_wilcoxon", tests.wilcoxon)):
            rows.append(
                statisticsRow(
                    analysis,
                    test(right, left),
                    measure,
                    region,
                    BOTH,
                    rule,
                    [f"{name} right", f"{name} left"],
                    [len(pairs), len(pairs)],
                    note,
                    family=variant,
                )
            )
    return rows


def repeatedRows(measure: str, exams: pd.DataFrame, participants: pd.DataFrame) -> list[dict]:
    """Wilcoxon's test of the last against the first exam of the same subjects."""
    subjects = exams.index.get_level_values("subject")
    repeated = exams[subjects.duplicated(keep=False)]
    if repeated.empty:
        return []
    bySubject = repeated.groupby(level="subject", sort=False)
    first, last = bySubject.head(1).droplevel("exam"), bySubject.tail(1).droplevel("exam")
    rows = []
    for name in groupNames(first.index, participants):
        for column in [column for column in exams.columns if column[1] == BOTH]:
            pairs = pd.concat(
                [group(last, participants, name)[column], group(first, participants, name)[column]], axis=1
            )
            a, b = pairs.dropna().to_numpy(float).T if len(pairs.dropna()) else (np.empty(0), np.empty(0))
            rows.append(
                statisticsRow(
                    "wilcoxon",
                    tests.wilcoxon(a, b),
                    measure,
                    *column,
                    SYMMETRIC,
                    [f"{name} last exam", f"{name} first exam"],
                    [len(a), len(a)],
                    "subjects with several exams, last minus first",
                )
            )
    return rows


def mixedModelRows(measure: str, exams: pd.DataFrame, participants: pd.DataFrame, ages: pd.Series) -> list[dict]:
    """Patients against controls over all exams: group and age as fixed effects, the subject as a random intercept.

    :param ages: by (subject, exam).
    """
    import warnings

    import statsmodels.formula.api as formulas

    rows = []
    names = groupNames(exams.index.get_level_values("subject"), participants)
    for first, second in PAIRS:
        if first not in names or second not in names:
            continue
        for column in [column for column in exams.columns if column[1] == BOTH]:
            parts = [group(exams, participants, name)[column] for name in (first, second)]
            isFirst = np.repeat([1.0, 0.0], [len(part) for part in parts])
            frame = pd.concat(parts).to_frame("value").assign(als=isFirst)
            frame["age"] = ages.reindex(frame.index)
            frame = frame.reset_index().dropna(subset=["value"])
            formula = "value ~ als + age" if frame["age"].notna().all() else "value ~ als"
            counts = [int(frame.loc[frame["als"] == is_, "subject"].nunique()) for is_ in (1.0, 0.0)]
            note = f"{formula.replace('als', 'group')}, random intercept of {frame['subject'].nunique()} subjects"
            note += f", {len(frame)} exams"
            if min(counts) < 3:
                estimate = notMeasurable(f"a group has {min(counts)} subjects, at least 3 are needed")
            else:
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        fit = formulas.mixedlm(formula, frame, groups=frame["subject"]).fit(reml=True)
                    low, high = fit.conf_int().loc["als"]
                    estimate = Estimate(
                        float(fit.params["als"]),
                        float(low),
                        float(high),
                        float(fit.pvalues["als"]),
                        float(fit.tvalues["als"]),
                        "estimate: difference of groups" + ("" if fit.converged else "; the fit did not converge"),
                    )
                except (np.linalg.LinAlgError, ValueError) as error:
                    estimate = notMeasurable(f"the model cannot be fitted ({str(error)[:60]})")
            rows.append(
                statisticsRow("mixed_model", estimate, measure, *column, SYMMETRIC, [first, second], counts, note)
            )
    return rows
