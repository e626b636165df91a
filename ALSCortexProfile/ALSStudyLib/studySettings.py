"""What a study is asked to do, with the defaults of METHODS.md section 3."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from .errors import InputError

PAPER, SYMMETRIC = "paper", "symmetric"
CUTOFFS = {
    "youden": "Youden's index",
    "sensitivity": "sensitivity of at least {minimumSensitivity:g}",
    "cost": "a missed patient costs {costRatio:g} false alarms",
}
_CHOICES = {
    "sideRule": ("opposite", "same"),
    "examRule": ("first", "mean", "mixed"),
    "summary": ("greatest", "mean"),
    "noBand": ("blank", "zero"),
    "cutoff": ("youden", "sensitivity", "cost"),
}


@dataclass(frozen=True)
class StudySettings:
    """Settings of one study.

    :param sideRule: whose limb a hemisphere's value goes with: the opposite side's (the pyramidal tract
        crosses) or the same side's.
    :param examRule: which exams of a subject count: the first, their mean, or the first and a mixed model of
        all beside.
    :param summary: a subject's value over regions in the symmetric rule: the greatest or the mean.
    :param noBand: a target without a band counts as not measured, or as SH = 0 and SH/Thk = 0 (declared policy).
    :param cutoff: criterion; minimumSensitivity (0-1) and costRatio (a missed patient costs this many false alarms) are
        for "sensitivity" and "cost".
    :param prevalence: 0-1, of the disease where the cut-off is to be used; for PPV and NPV.
    :param minimumControls: a reference range is refused below this number.
    :raises InputError: a value there is not.
    """

    sideRule: str = "opposite"
    examRule: str = "first"
    summary: str = "greatest"
    noBand: str = "blank"
    cutoff: str = "youden"
    minimumSensitivity: float = 0.9
    costRatio: float = 1.0
    prevalence: float = 0.5
    minimumControls: int = 10
    resamples: int = 1000
    permutations: int = 1000
    seed: int = 20180101

    def __post_init__(self):
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise InputError(f"The study's {name} is '{value}'; expected {' or '.join(choices)}; choose one.")
        for name, low, high in (
            ("minimumSensitivity", 0.0, 1.0),
            ("prevalence", 0.0, 1.0),
            ("costRatio", 0.0, float("inf")),
        ):
            if not low < getattr(self, name) < high:
                raise InputError(
                    f"The study's {name} is {getattr(self, name)}; expected more than {low:g} and less than {high:g}; "
                    "correct it."
                )
        for name, least in (("seed", 0), ("minimumControls", 3), ("resamples", 100), ("permutations", 100)):
            if getattr(self, name) < least:
                raise InputError(f"The study's {name} is {getattr(self, name)}; expected at least {least}; correct it.")

    def toDict(self) -> dict:
        return asdict(self)
