"""A made cohort of known truth for demo, tests and tutorial: 27 patients, 13 controls, 10 mimics.

Nobody was measured: values are drawn from log-normal (profile) and normal (phase) distributions whose means and spreads
are near those of Donatelli et al. 2018 (3 T) and Liu et al. 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .tables import Column, writeTable

SIZES = {"als": 27, "control": 13, "mimic": 10}
TARGETS = ("hand_knob_left", "hand_knob_right", "paracentral_left", "paracentral_right")
LIMB_OF = {  # the opposite side's
    "hand_knob_left": "umn_arm_right",
    "hand_knob_right": "umn_arm_left",
    "paracentral_left": "umn_leg_right",
    "paracentral_right": "umn_leg_left",
}
READERS = ("A", "B")
PARTICIPANT_COLUMNS = (
    Column("participant_id", "Subject identifier", isText=True),
    Column("group", "als, control or mimic", isText=True),
    Column("age_years", "Age at the first exam", "year"),
    Column("sex", "F or M", isText=True),
    *(
        Column(f"umn_{limb}_{side}", "Upper motor neuron score of the limb, 0-8")
        for limb in ("arm", "leg")
        for side in ("left", "right")
    ),
    Column("umn_total", "Upper motor neuron score, 0-33"),
    Column("duration_months", "Since the first symptom", "month"),
    Column("norris", "Modified Norris score"),
    Column("alsfrs", "ALS functional rating scale"),
)


@dataclass(frozen=True)
class CohortTruth:
    """What the made values come from.

    :param medians: of SH/Thk (1/mm) by group, before age. subjectSd, placeSd: of the logarithm, between subjects and
        between places of a subject. agePerYear: of the logarithm. retestSd: of the logarithm, between exams.
    :param rho: correlation of the logarithm with the limb's UMN score, before rounding.
    """

    medians: tuple[tuple[str, float], ...] = (("als", 0.060), ("control", 0.024), ("mimic", 0.031))
    subjectSd: float = 0.45
    placeSd: float = 0.45
    agePerYear: float = 0.008
    retestSd: float = 0.10
    rho: float = 0.65

    def median(self, group: str) -> float:
        return dict(self.medians)[group]

    def logValues(self, group: str, n: int, rng: np.random.Generator, ages: np.ndarray) -> np.ndarray:
        """Logarithms of SH/Thk, (n, 4)."""
        mean = np.log(self.median(group)) + self.agePerYear * (ages - 60.0)
        between = self.subjectSd * rng.standard_normal(n)
        return (mean + between)[:, None] + self.placeSd * rng.standard_normal((n, len(TARGETS)))

    def auc(self, others: str, n: int = 20000) -> float:
        """AUC of patients' against others' greatest values, drawn without end: the truth of the symmetric rule."""
        rng = np.random.default_rng(0)
        greatest = [self.logValues(name, n, rng, self.ages(n, rng)).max(axis=1) for name in ("als", others)]
        return float(np.mean(np.searchsorted(np.sort(greatest[1]), greatest[0]) / n))

    @property
    def spearman(self) -> float:
        """Rank correlation of a value with its limb's score, before the score is rounded."""
        return float(6.0 / np.pi * np.arcsin(self.rho / 2.0))

    @staticmethod
    def ages(n: int, rng: np.random.Generator) -> np.ndarray:
        return np.clip(np.round(rng.normal(61.0, 9.0, n)), 35, 82)


@dataclass(frozen=True)
class Cohort:
    """Rows of the tables of a study."""

    participants: list[dict]
    profile: list[dict]
    profileSecondReader: list[dict]
    phase: list[dict]
    readings: list[dict]


def makeCohort(seed: int = 1, truth: CohortTruth | None = None, sizes: dict | None = None) -> Cohort:
    """The cohort of a seed; seed 1 is that of the demo."""
    rng, truth = np.random.default_rng(seed), truth or CohortTruth()
    cohort = Cohort([], [], [], [], [])
    for group, n in (sizes or SIZES).items():
        ages = truth.ages(n, rng)
        logs = truth.logValues(group, n, rng, ages)
        for index in range(n):
            subject = f"{group.upper()}{index + 1:02d}"
            _person(cohort, rng, truth, group, subject, ages[index], logs[index])
            exams = 2 if (group == "als" and index < 6) or (group == "control" and index < 5) else 1
            for exam in range(1, exams + 1):
                drift = 0.15 * (exam - 1) if group == "als" else 0.0
                values = np.exp(logs[index] + drift + truth.retestSd * rng.standard_normal(len(TARGETS)))
                _profile(cohort, rng, group, subject, exam, values)
            _phase(cohort, rng, group, subject)
            _read(cohort, rng, subject, np.exp(logs[index]))
    return cohort


def _person(cohort, rng, truth, group, subject, age, logs):
    row = {"participant_id": subject, "group": group, "age_years": age, "sex": "FM"[int(rng.random() < 0.6)]}
    if group == "als":
        spread = np.hypot(truth.subjectSd, truth.placeSd)
        standard = (logs - np.log(truth.median("als"))) / spread
        noise = rng.standard_normal(len(TARGETS))
        scores = np.clip(np.round(4.0 + 2.2 * (truth.rho * standard + np.sqrt(1.0 - truth.rho**2) * noise)), 0, 8)
        row |= {LIMB_OF[target]: score for target, score in zip(TARGETS, scores, strict=True)}
        row["umn_total"] = min(33.0, scores.sum() + rng.integers(0, 2))
        duration = float(np.round(np.exp(rng.normal(np.log(18.0), 0.6))))
        row |= {
            "duration_months": duration,
            "norris": float(np.clip(np.round(95.0 - duration + rng.normal(0, 8)), 20, 100)),
        }
        row["alsfrs"] = float(np.clip(np.round(44.0 - 0.4 * duration + rng.normal(0, 3)), 8, 48))
    cohort.participants.append(row)


def _profile(cohort, rng, group, subject, exam, values):
    for target, value in zip(TARGETS, values, strict=True):
        base = {"subject": subject, "exam": str(exam), "target": target, "side": target.rpartition("_")[2]}
        # A cortex this bright shows no band.
        if value < 0.009 or (group == "control" and rng.random() < 0.03):
            cohort.profile.append({**base, "status": "no_band", "flags": "no band: cortex looks flat"})
            continue
        thickness = float(np.clip(rng.normal(1.9, 0.25), 1.1, 3.0))
        for rows, noise in ((cohort.profile, 0.0), (cohort.profileSecondReader, 0.08)):
            if noise and (exam > 1 or int(subject[-2:]) % 2):
                continue
            seen, wide = (
                value * np.exp(noise * rng.standard_normal()),
                thickness * np.exp(0.5 * noise * rng.standard_normal()),
            )
            row = {**base, "status": "ok", "sh": seen * wide, "thickness_mm": wide, "sh_thk_per_mm": seen}
            row |= {"sh_thk_per_mm_ci_low": 0.9 * seen, "sh_thk_per_mm_ci_high": 1.1 * seen}
            rows.append(row)


def _phase(cohort, rng, group, subject):
    mean, sd = {"als": (-0.176, 0.045), "control": (-0.119, 0.016), "mimic": (-0.128, 0.022)}[group]
    own = rng.normal(mean, sd)
    base = {"subject": subject, "exam": "1", "rule": "ranked"}
    for side in ("left", "right"):
        values = np.sort(own + rng.normal(0.0, 0.012) + rng.normal(0.0, 0.015, 3))
        for rank, value in enumerate(values, start=1):
            row = {**base, "region": "precentral_gyrus", "side": side, "rank": rank, "slice": 40 + rank}
            cohort.phase.append({**row, "phase_rad": value, "n_pixels": 20})
    for region, centre, spread in (
        ("frontal_cortex", -0.089, 0.020),
        ("caudate_nucleus", -0.072, 0.016),
        ("globus_pallidus", -0.330, 0.09),
        ("putamen", -0.228, 0.06),
    ):
        for side in ("left", "right"):
            row = {**base, "region": region, "side": side, "rank": 1, "slice": 25, "n_pixels": 20}
            cohort.phase.append(
                {**row, "phase_rad": float(np.clip(rng.normal(centre, spread), 1.8 * centre, 0.4 * centre))}
            )


def _read(cohort, rng, subject, values):
    for reader in READERS:
        for target, value in zip(TARGETS, values, strict=True):
            looks = np.log(value / 0.085) + rng.normal(0.0, 0.35)
            for session in (1, 2):
                seen = looks + rng.normal(0.0, 0.25)
                score = int(seen > 0.0) + int(seen > 0.7)
                reading = "pathologic" if score else "nonpathologic"
                row = {"subject": subject, "exam": "1", "reader": reader, "session": session, "target": target}
                cohort.readings.append({**row, "reading": reading, "score": score})


def writeCohort(folder: Path, cohort: Cohort) -> dict[str, Path]:
    """The cohort's tables into a folder, as the commands `profile`, `phase` and the panels write them."""
    from ALSCortexProfileLib.profileTables import MEASUREMENT_COLUMNS
    from PhaseShiftROILib.phaseTables import MEASUREMENT_COLUMNS as PHASE_COLUMNS

    from .reading import READING_COLUMNS

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for name, columns, rows in (
        ("participants", PARTICIPANT_COLUMNS, cohort.participants),
        ("profile_measurements", MEASUREMENT_COLUMNS, cohort.profile),
        ("profile_measurements_second_reader", MEASUREMENT_COLUMNS, cohort.profileSecondReader),
        ("phase_measurements", PHASE_COLUMNS, cohort.phase),
        ("readings", READING_COLUMNS, cohort.readings),
    ):
        paths[name] = folder / f"{name}.tsv"
        writeTable(paths[name], columns, rows)
    return paths
