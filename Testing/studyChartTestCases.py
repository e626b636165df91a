"""Charts of a made study (27 ALS, 13 controls, 10 mimics), for the tests of figures and plot nodes."""

import math

import numpy as np
from ALSStudyLib import agreement
from ALSStudyLib.referenceRange import ReferenceRange
from ALSStudyLib.studyCharts import (
    BoxChart,
    DifferenceChart,
    LimbChart,
    LimbRow,
    RangeChart,
    RocChart,
    RocLine,
    RocPoint,
    ScatterChart,
)

SIZES = {"als": 27, "control": 13, "mimic": 10}
SPREADS = {"als": (0.11, 0.09), "control": (0.03, 0.02), "mimic": (0.045, 0.03)}  # SH/Thk, mean and SD
TARGETS = (("hand_knob", "right"), ("hand_knob", "left"), ("paracentral", "right"), ("paracentral", "left"))
OPPOSITE = {"left": "right", "right": "left"}


def limbRows(seed: int = 5) -> tuple[LimbRow, ...]:
    """Four values per subject; ALS values go with the UMN score of the opposite limb, a few are missing."""
    rng = np.random.default_rng(seed)
    rows = []
    for group, size in SIZES.items():
        mean, sd = SPREADS[group]
        for number in range(1, size + 1):
            subject = f"{group[0].upper()}{number:02d}"
            burden = rng.normal()
            for region, side in TARGETS:
                z = 0.7 * burden + 0.7 * rng.normal()
                # Log-normal: values are skewed and positive.
                spread = math.sqrt(math.log(1 + (sd / mean) ** 2))
                value = math.exp(math.log(mean) - 0.5 * spread**2 + spread * z)
                score = 3.2 + 2.0 * (0.6 * z + 0.8 * rng.normal()) if group == "als" else rng.poisson(0.2)
                umn = float(np.clip(round(score), 0, 8))
                status = "ok"
                if rng.random() < (0.25 if group == "control" else 0.04):
                    value, status = math.nan, "no_band"
                elif rng.random() < 0.02:
                    value, status = math.nan, "not_converged"
                limb = f"{'arm' if region == 'hand_knob' else 'leg'}_{OPPOSITE[side]}"
                rows.append(LimbRow(subject, "1", group, region, side, value, status, limb, umn))
    return tuple(rows)


def greatest(rows, group) -> tuple[np.ndarray, tuple[str, ...]]:
    """Each subject's greatest value, NaN where none was measured, and the subjects."""
    subjects = tuple(dict.fromkeys(row.subject for row in rows if row.group == group))
    values = []
    for subject in subjects:
        own = [row.value for row in rows if row.subject == subject and math.isfinite(row.value)]
        values.append(max(own, default=math.nan))
    return np.array(values), subjects


def boxChart(rows=None) -> BoxChart:
    rows = rows or limbRows()
    found = [greatest(rows, group) for group in SIZES]
    return BoxChart(
        "shthk_by_group",
        "SH/Thk, greatest of each subject's four targets",
        "SH/Thk [1/mm]",
        tuple(SIZES),
        tuple(values for values, _ in found),
        tuple(subjects for _, subjects in found),
        "Mann-Whitney, ALS v controls: U = 302, p < 0.001, Cliff's delta 0.74 (95 % CI 0.49 to 0.91); "
        "ALS v mimics: p = 0.002 (Holm over regions).",
        0.064,
        "cut-off 0.064",
    )


def scatterChart(rows=None) -> ScatterChart:
    rows = [row for row in rows or limbRows() if row.group == "als"]
    return ScatterChart(
        "shthk_umn",
        "SH/Thk and the UMN score of the opposite limb",
        "UMN score of the limb (0-8)",
        "SH/Thk [1/mm]",
        np.array([row.umn for row in rows]),
        np.array([row.value for row in rows]),
        tuple(row.group for row in rows),
        tuple(row.subject for row in rows),
        "Spearman's rho 0.57 (95 % CI 0.42 to 0.69), subjects resampled; side rule: opposite limb.",
    )


def rocLine(patients, controls, label, isSymmetric, rng) -> RocLine:
    def curve(a, b):
        cutoffs = np.r_[np.inf, np.sort(np.r_[a, b])[::-1]]
        return (np.array([np.mean(group >= cut) for cut in cutoffs]) for group in (b, a))

    def auc(a, b):
        return float(np.mean((a[:, None] > b) + 0.5 * (a[:, None] == b)))

    x, y = curve(patients, controls)
    grid = np.linspace(0, 1, 51)
    draws, aucs = [], []
    for _ in range(200):
        a, b = rng.choice(patients, len(patients)), rng.choice(controls, len(controls))
        xs, ys = curve(a, b)
        draws.append([ys[xs <= g + 1e-9].max() for g in grid])
        aucs.append(auc(a, b))
    low, high = np.percentile(draws, [2.5, 97.5], axis=0)
    best = int(np.argmax(y - x))
    ends = np.percentile(aucs, [2.5, 97.5])
    return RocLine(
        label,
        x,
        y,
        grid,
        low,
        high,
        (float(x[best]), float(y[best])),
        f"AUC {auc(patients, controls):.2f} ({ends[0]:.2f} to {ends[1]:.2f})",
        f"cut-off 0.064, {label}: sensitivity {y[best]:.2f}, specificity {1 - x[best]:.2f}",
        isSymmetric,
    )


def rocChart(rows=None) -> RocChart:
    rows, rng = rows or limbRows(), np.random.default_rng(8)
    patients, controls = (v[np.isfinite(v)] for v in (greatest(rows, "als")[0], greatest(rows, "control")[0]))
    every = np.array([row.value for row in rows if row.group == "control" and math.isfinite(row.value)])
    return RocChart(
        "roc_shthk",
        "ROC of SH/Thk, ALS v controls",
        (
            rocLine(patients, controls, "symmetric rule", True, rng),
            rocLine(patients, every, "paper rule", False, rng),
        ),
        (
            RocPoint("visual reading A (15/27, 12/13)", 1 / 13, 15 / 27),
            RocPoint("visual reading B (17/27, 11/13)", 2 / 13, 17 / 27),
        ),
        "27 ALS, 13 controls. With no disease the paper rule gives AUC 0.80 for 4 regions, the symmetric rule 0.50. "
        "Bands: 95 %, subjects resampled.",
    )  # fmt: skip


def limbChart(rows=None) -> LimbChart:
    return LimbChart(
        "limbs_shthk",
        "SH/Thk of each hemisphere beside the UMN score of its limb",
        "SH/Thk [1/mm]",
        rows or limbRows(),
        "opposite",
        0.064,
        "the cut-off",
    )


def blandAltman(n: int = 40, seed: int = 11):
    """Two readers of the same targets."""
    rng = np.random.default_rng(seed)
    truth = np.exp(rng.normal(-2.6, 0.7, n))
    return agreement.blandAltman(truth + rng.normal(0, 0.012, n), truth + rng.normal(0.004, 0.012, n))


def differenceChart() -> DifferenceChart:
    return DifferenceChart(
        "agreement_shthk",
        "SH/Thk, reader A and reader B",
        "SH/Thk [1/mm]",
        blandAltman(),
        ("reader A", "reader B"),
        ("als",) * 27 + ("control",) * 13,
        "ICC(A,1) 0.94 (95 % CI 0.89 to 0.97). Bands: 95 % CI of bias and limits of agreement.",
    )


def referenceRange(isAged: bool = True) -> ReferenceRange:
    """Twenty controls of 35 to 74 years, whose values rise with age."""
    rng = np.random.default_rng(4)
    ages = rng.uniform(35, 74, 20)
    values = 0.005 + 0.0006 * ages + rng.normal(0, 0.011, 20)
    return ReferenceRange.fromControls(values, ages if isAged else None)


def rangeOf(isAged: bool = True, patientAge: float = 61.0, patientValue: float = 0.118) -> RangeChart:
    reference = referenceRange(isAged)
    compared = reference.compare(patientValue, patientAge)
    note = (
        f"{reference.n} controls. Patient: z {compared.z:.1f}, percentile {compared.percentile.value:.1f} (95 % CI "
        f"{compared.percentile.ciLow:.1f} to {compared.percentile.ciHigh:.1f}). {compared.percentile.note}"
    )
    ages = np.array(reference.agesYears) if isAged else np.full(reference.n, np.nan)
    grid = np.linspace(35, 75, 41) if isAged else np.array([20.0, 80.0])
    limits = [reference.limits(float(age)) for age in grid]
    low, high = (np.array([pair[end].value for pair in limits]) for end in (0, 1))
    lowCi, highCi = (np.array([(pair[end].ciLow, pair[end].ciHigh) for pair in limits]) for end in (0, 1))
    return RangeChart(
        "range_hand_knob_left",
        "Reference range of SH/Thk, left hand knob",
        "SH/Thk [1/mm]",
        ages,
        np.array(reference.values),
        grid,
        low,
        0.5 * (low + high),
        high,
        patientAge,
        patientValue,
        "A07, exam 1",
        note,
        lowCi,
        highCi,
        tuple(limit.value for limit in reference.limits(None)) if isAged else (),
    )


def allCharts() -> list:
    rows = limbRows()
    limbs = limbChart(rows)
    return [
        boxChart(rows),
        scatterChart(rows),
        rocChart(rows),
        limbs,
        limbs.ofExam("A07", "1", "limbs_A07", "SH/Thk of A07, exam 1"),
        differenceChart(),
        rangeOf(),
    ]
