"""Who enters a ROC analysis with which value, and how subjects are resampled and their groups shuffled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .errors import InputError
from .studySettings import PAPER, SYMMETRIC

SUMMARIES = {"greatest": np.max, "mean": np.mean}


@dataclass(frozen=True)
class Entries:
    """What each subject would enter with, as a patient and as a control.

    :param asPatient: (n,) one value each. asControl: (nValues,) one or several each, in the order of the subjects.
    :param owner: (nValues,) index of the subject of each of `asControl`. isPatient: (n,) bool.
    """

    asPatient: np.ndarray
    asControl: np.ndarray
    owner: np.ndarray
    isPatient: np.ndarray

    @property
    def patients(self) -> np.ndarray:
        return self.asPatient[self.isPatient]

    @property
    def controls(self) -> np.ndarray:
        return self.asControl[~self.isPatient[self.owner]]

    @property
    def controlOwners(self) -> np.ndarray:
        return self.owner[~self.isPatient[self.owner]]

    @property
    def counts(self) -> np.ndarray:
        """(n,) values that each subject would enter with as a control."""
        return np.bincount(self.owner, minlength=len(self.isPatient))

    def problem(self) -> str:
        """Why this cannot be analyzed, or nothing."""
        nPatients, nControls = int(self.isPatient.sum()), int((~self.isPatient).sum())
        if min(nPatients, nControls) < 2:
            return f"needs 2 subjects in either group, found {nPatients} and {nControls}"
        values = np.concatenate([self.patients, self.controls])
        return "all values are equal" if np.ptp(values) == 0 else ""


def entriesByRule(valuesBySubject: Sequence[np.ndarray], isPatient: np.ndarray, rule: str, summary: str) -> Entries:
    """The entries under a rule; see `ruleScores`.

    :raises InputError: an unknown rule or summary, a subject without a value, or not as many flags as subjects.
    """
    if rule not in (PAPER, SYMMETRIC) or summary not in SUMMARIES:
        raise InputError(
            f"The rule is '{rule}' and the summary '{summary}'; expected {PAPER} or {SYMMETRIC}, and "
            f"{' or '.join(SUMMARIES)}; choose one of each."
        )
    values = [np.atleast_1d(np.asarray(v, float)) for v in valuesBySubject]
    isPatient = np.asarray(isPatient, bool)
    if len(values) != len(isPatient):
        raise InputError(f"Found values of {len(values)} subjects and groups of {len(isPatient)}; expected the same.")
    if any(v.size == 0 or not np.isfinite(v).all() for v in values):
        raise InputError("A subject has no value, or one that is not finite; expected one or more; leave it out.")
    summarize = SUMMARIES["greatest" if rule == PAPER else summary]
    asPatient = np.array([summarize(v) for v in values])
    if rule == SYMMETRIC:
        return Entries(asPatient, asPatient, np.arange(len(values)), isPatient)
    owner = np.repeat(np.arange(len(values)), [v.size for v in values])
    return Entries(asPatient, np.concatenate(values) if values else asPatient, owner, isPatient)


def ruleScores(
    valuesBySubject: Sequence[np.ndarray], isPatient: np.ndarray, rule: str, summary: str = "greatest"
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores of patients and controls, and the subject (index) of each.

    "paper" (Donatelli et al., AJNR 2018;39:63): a patient enters with the greatest value, a control with all values,
    which favors patients by construction. "symmetric": every subject enters with the summary, greatest or mean.

    :param valuesBySubject: the oriented values of each subject's regions, at least one, none NaN. isPatient: (n,) bool.
    """
    entries = entriesByRule(valuesBySubject, isPatient, rule, summary)
    return entries.patients, entries.controls, np.flatnonzero(entries.isPatient), entries.controlOwners


def superiority(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n, m): 1 where first > second, 0.5 where equal, else 0."""
    first, second = np.asarray(first, float)[:, None], np.asarray(second, float)[None]
    return (first > second) + 0.5 * (first == second)


def pairTotals(entries: Entries) -> np.ndarray:
    """(n, n): row i as a patient against the values of column j as a control, summed over these."""
    starts = np.concatenate([[0], np.cumsum(entries.counts)[:-1]])
    return np.add.reduceat(superiority(entries.asPatient, entries.asControl), starts, axis=1)


def weightedAucs(totals: np.ndarray, counts: np.ndarray, patients: np.ndarray, controls: np.ndarray) -> np.ndarray:
    """(resamples,) AUC with weights of subjects.

    :param totals: (n, m) of `pairTotals`. counts: (m,). patients: (resamples, n), controls: (resamples, m) weights.
    """
    wins = ((patients @ totals) * controls).sum(1)
    return wins / (patients.sum(1) * (controls @ counts))


def resampleWeights(rng: np.random.Generator, n: int, resamples: int) -> np.ndarray:
    """(resamples, n) how often each of n subjects is drawn, with replacement."""
    return rng.multinomial(n, np.full(n, 1.0 / n), size=resamples).astype(float)


def shuffledGroups(rng: np.random.Generator, isPatient: np.ndarray, permutations: int) -> np.ndarray:
    """(permutations, n) 1 for patient: groups of the same sizes, assigned at random."""
    return rng.permuted(np.tile(isPatient.astype(float), (permutations, 1)), axis=1)
