"""ROC of a study: the paper's rule and a symmetric one side by side, the cut-off, mimics, and the visual reading."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from . import roc, rocCutoff, rocSubjects
from .estimate import NAN, Estimate, notMeasurable
from .studyCharts import RocChart, RocLine, RocPoint
from .studyMeasurements import BOTH, PROFILE
from .studyReadings import VisualReading
from .studyRows import statisticsRow
from .studySettings import CUTOFFS, PAPER, SYMMETRIC, StudySettings
from .studyUnits import ALL, MEASURE_LABELS, basicColumns, group, groupNames, regionLabel

RULES = (PAPER, SYMMETRIC)
BAND_GRID = np.linspace(0.0, 1.0, 51)  # of 1 - specificity
_RULE_TEXT = {
    PAPER: "patients' greatest value against all values of the others: favors patients by construction",
    SYMMETRIC: "the same summary of every subject",
}
_OF_CUTOFF = ("cutoff", "sensitivity", "specificity", "ppv", "npv")


@dataclass(frozen=True)
class Scope:
    """Values of two groups at the places of one region (or of all), oriented so that larger is more diseased.

    :param values: one array per subject, without NaN. isPatient: (n,) bool. subjects: (n,) names.
    """

    measure: str
    region: str
    groups: tuple[str, str]
    values: list[np.ndarray]
    isPatient: np.ndarray
    subjects: tuple[str, ...]
    unmeasured: int
    sign: int
    isGuessed: bool = False

    @property
    def counts(self) -> list[int]:
        return [int(self.isPatient.sum()), int((~self.isPatient).sum())]


def scopes(
    kind: str, measure: str, table: pd.DataFrame, participants: pd.DataFrame, sign: int, isGuessed: bool
) -> list[Scope]:
    """What ROC curves there are: patients against controls and against mimics, in all regions and in each."""
    regions = list(dict.fromkeys(table.columns.get_level_values("region")))
    if kind == PROFILE and len(regions) > 1:
        regions.insert(0, ALL)
    names, found = groupNames(table.index, participants), []
    for pair in (("als", "control"), ("als", "mimic")):
        if not set(pair) <= set(names):
            continue
        for region in regions:
            columns = basicColumns(table, region)
            parts = [group(table, participants, name)[columns] for name in pair]
            frame = pd.concat(parts)
            isPatient = np.repeat([True, False], [len(part) for part in parts])
            arrays = [sign * row[np.isfinite(row)] for row in frame.to_numpy(float)]
            kept = np.array([len(array) > 0 for array in arrays], bool)
            found.append(
                Scope(
                    measure,
                    region,
                    pair,
                    [array for array in arrays if len(array)],
                    isPatient[kept],
                    tuple(frame.index[kept]),
                    int((~kept).sum()),
                    sign,
                    isGuessed,
                )
            )
    return found


@dataclass(frozen=True)
class RocStudy:
    """:param cutoffs: by rule, in units of the measure (not oriented); NaN where there is none."""

    rows: list[dict]
    more: list[dict]
    chart: RocChart | None
    cutoffs: dict[str, float]


def rocStudy(
    scope: Scope, main: str, settings: StudySettings, others: dict[str, Scope], visuals: list[VisualReading]
) -> RocStudy:
    """AUC by both rules with its null, and for the main measures the cut-off and what it does.

    :param others: of further groups at the same places, on which the cut-off is tried ("mimic").
    """
    rows, more, lines, nulls, cutoffs = [], [], [], [], {}
    withCutoff = scope.measure.startswith(main)
    direction = ("larger" if scope.sign > 0 else "smaller") + " = disease"
    direction += " (polarity unknown: the sign of most values)" if scope.isGuessed else ""
    for rule in RULES:
        rng = np.random.default_rng([settings.seed, len(scope.region), RULES.index(rule)])
        place = {"measure": scope.measure, "region": scope.region, "side": BOTH, "rule": rule}
        place |= {"groups": scope.groups, "n": scope.counts}
        text = _RULE_TEXT[rule] if rule == PAPER else f"{_RULE_TEXT[rule]} ({settings.summary})"
        note = f"{text}; {direction}"
        if scope.unmeasured:
            note += f"; {scope.unmeasured} subjects without any value are left out"
        reason = _unusable(scope)
        if reason:
            rows += [
                statisticsRow(name, notMeasurable(reason), note=note, **place)
                for name in ("auc_delong", "auc_cluster_bootstrap")
            ]
            continue
        patients, controls, *_ = rocSubjects.ruleScores(scope.values, scope.isPatient, rule, settings.summary)
        area = roc.delong(patients, controls)
        entries = f"{len(patients)} against {len(controls)} values"
        null = roc.permutationNull(scope.values, scope.isPatient, rule, settings.summary, rng, settings.permutations)
        nullText = f"with no disease this rule gives {null.mean:.2f} ({null.low:.2f} to {null.high:.2f})"
        nullText += f", permutation p {null.p:.3g}"
        nulls.append(f"no disease, {rule} rule: AUC {null.mean:.2f} ({null.low:.2f} to {null.high:.2f})")
        if rule == PAPER:
            # Against 0.5, and with a control's values taken as independent, p is far too small (METHODS.md 1).
            area = replace(area, p=NAN)
        rows.append(statisticsRow("auc_delong", area, note=f"{note}; {entries}; {nullText}", **place))
        boot = roc.clusterBootstrapAuc(scope.values, scope.isPatient, rule, settings.summary, rng, settings.resamples)
        rows.append(statisticsRow("auc_cluster_bootstrap", boot, note=f"{note}; {entries}", **place))
        nullEstimate = Estimate(null.mean, null.low, null.high, null.p, null.auc, null.note)
        nullNote = "AUC of shuffled groups: mean and central 95 %; statistic: AUC found; p: one-sided"
        more.append(statisticsRow("permutation_null", nullEstimate, note=nullNote, **place))
        point, cutoffText = None, ""
        if withCutoff:
            cut, cutRows, cutMore = _cutoff(scope, rule, settings, rng, others, place, area.value > 0.5)
            rows, more = rows + cutRows, more + cutMore
            cutoffs[rule] = scope.sign * cut.cutoff.value
            if np.isfinite(cut.cutoff.value):
                point = (
                    float(np.mean(controls >= cut.cutoff.value)),
                    float(np.mean(patients >= cut.cutoff.value)),
                )
                cutoffText = f"cut-off {cutoffs[rule]:.3g}"
        curve = roc.rocCurve(patients, controls)
        low, high = roc.rocBand(patients, controls, rng, min(settings.resamples, 500), 1.0 - BAND_GRID)
        lines.append(
            RocLine(
                f"{rule.capitalize()} rule",
                1.0 - curve.specificity,
                curve.sensitivity,
                BAND_GRID,
                low,
                high,
                point,
                f"AUC {area.value:.2f} ({area.ciLow:.2f} to {area.ciHigh:.2f})",
                cutoffText,
                rule == SYMMETRIC,
            )
        )
    points = []
    if lines and np.isfinite(cutoffs.get(SYMMETRIC, NAN)):
        visualRows, points = _againstVisual(scope, settings, cutoffs[SYMMETRIC], visuals)
        more += visualRows
    chart = _chart(scope, lines, points, "; ".join(nulls)) if lines else None
    return RocStudy(rows, more, chart, cutoffs)


def _unusable(scope: Scope) -> str:
    smallest = min(scope.counts)
    if smallest < 2:
        return f"a group has {smallest} subject{'' if smallest == 1 else 's'} with a value, at least 2 are needed"
    return "all values are equal" if np.ptp(np.concatenate(scope.values)) == 0.0 else ""


def _chart(scope: Scope, lines, points, note: str) -> RocChart:
    against = {"control": "controls", "mimic": "mimics"}[scope.groups[1]]
    nPatients, nOthers = scope.counts
    return RocChart(
        f"roc_{scope.measure}_{scope.region}_{scope.groups[1]}",
        f"{MEASURE_LABELS[scope.measure]}, {regionLabel(scope.region).lower()}: {nPatients} ALS, {nOthers} {against}",
        tuple(lines),
        tuple(points),
        note,
    )


def _cutoff(scope: Scope, rule: str, settings: StudySettings, rng, others, place, isUseful: bool):
    """The cut-off of one rule, its accuracy corrected for optimism, and what it does to other groups."""
    criterion = "criterion: " + CUTOFFS[settings.cutoff].format(**settings.toDict())
    if not isUseful:
        useless = notMeasurable("no useful cut-off: the AUC is not above 0.5")
        rows = [statisticsRow(name, useless, note=criterion, **place) for name in _OF_CUTOFF]
        return rocCutoff.CutoffResult(useless, useless, useless, useless, useless), rows, []
    cut = rocCutoff.studyCutoff(
        scope.values,
        scope.isPatient,
        rule,
        settings.summary,
        settings.cutoff,
        settings.minimumSensitivity,
        settings.costRatio,
        settings.prevalence,
        rng,
        settings.resamples,
    )
    criterion += "; found on a smooth model of both groups, so that the best point of this sample may differ"
    prevalence = f"at a prevalence of {settings.prevalence:g}"
    rows = [
        statisticsRow("cutoff", _turned(cut.cutoff, scope.sign), note=criterion, **place),
        statisticsRow("sensitivity", cut.sensitivity, note=_corrected(cut.apparentSensitivity), **place),
        statisticsRow("specificity", cut.specificity, note=_corrected(cut.apparentSpecificity), **place),
        statisticsRow("ppv", cut.ppv, note=prevalence, **place),
        statisticsRow("npv", cut.npv, note=prevalence, **place),
    ]
    more = [
        statisticsRow("apparent_sensitivity", Estimate(cut.apparentSensitivity), note="not corrected", **place),
        statisticsRow("apparent_specificity", Estimate(cut.apparentSpecificity), note="not corrected", **place),
    ]
    for name, other in others.items():
        # A clinic needs to know how often a mimic lies beyond a cut-off found against the healthy.
        _, controls, *_ = rocSubjects.ruleScores(other.values, other.isPatient, rule, settings.summary)
        found = rocCutoff.specificityAt(cut.cutoff.value, controls)
        given = {**place, "groups": (name, ""), "n": [len(controls)]}
        cutoff = scope.sign * cut.cutoff.value
        note = f"{name}s at the cut-off of {scope.groups[0]} against {scope.groups[1]} ({cutoff:.4g})"
        rows.append(statisticsRow("specificity", found, note=note, **given))
    return cut, rows, more


def _corrected(apparent: float) -> str:
    return f"corrected for optimism; {apparent:.3f} before"


def _turned(estimate: Estimate, sign: int) -> Estimate:
    """An oriented estimate in the units of the measure."""
    if sign > 0:
        return estimate
    return Estimate(-estimate.value, -estimate.ciHigh, -estimate.ciLow, estimate.p, estimate.statistic, estimate.note)


def _againstVisual(scope: Scope, settings: StudySettings, cutoff: float, visuals: list[VisualReading]):
    """The number against each visual reading, on the subjects that have both: McNemar and the difference of AUCs."""
    rows, points = [], []
    keep, summary = scope.sign * cutoff, (np.max if settings.summary == "greatest" else np.mean)
    numbers = dict(zip(scope.subjects, (float(summary(values)) for values in scope.values), strict=True))
    patient = dict(zip(scope.subjects, scope.isPatient, strict=True))
    for visual in visuals:
        names = [name for name in scope.subjects if name in visual.isPathologic]
        truth = np.array([patient[name] for name in names], bool)
        if not truth.any() or truth.all():
            continue
        seen = np.array([visual.isPathologic[name] for name in names], bool)
        above = np.array([numbers[name] >= keep for name in names], bool)
        place = {"measure": scope.measure, "region": scope.region, "side": BOTH, "rule": SYMMETRIC}
        place |= {"groups": ("number", visual.label), "n": (len(names), len(names))}
        pair = f"{scope.groups[0]} against {scope.groups[1]}"
        rows.append(
            statisticsRow(
                "mcnemar",
                roc.mcnemar(above == truth, seen == truth),
                note=f"{pair}: share right by the number minus share right by the eye; the number's cut-off was "
                "found on these very subjects",
                family=pair,
                **place,
            )
        )
        scores = np.array([visual.score.get(name, NAN) for name in names], float)
        scored = np.isfinite(scores)
        scores, sick = scores[scored], truth[scored]
        if len(scores):
            values = np.array([numbers[name] for name in names])[scored]
            difference = roc.delongPaired(values[sick], values[~sick], scores[sick], scores[~sick])
            visualAuc = roc.auc(scores[sick], scores[~sick])
            note = f"{pair}: AUC of the number minus AUC of the visual score ({visualAuc:.3f})"
            note += f"; {len(names) - len(scores)} subjects have no score" if len(scores) < len(names) else ""
            scoredPlace = {**place, "n": (len(scores), len(scores))}
            rows.append(statisticsRow("auc_difference", difference, note=note, family=pair, **scoredPlace))
        points.append(RocPoint(visual.label, float(np.mean(seen[~truth])), float(np.mean(seen[truth]))))
    return rows, points
