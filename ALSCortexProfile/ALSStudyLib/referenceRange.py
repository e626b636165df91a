"""A site's own controls as a reference: limits, a patient's percentile, and change over time.

Controls, or their logarithms, are taken as normal around a mean, or around a straight line of age. Every interval
allows for the few controls: Crawford & Howell, Clin Neuropsychol 1998;12:482 (z and p), Crawford & Garthwaite,
Neuropsychologia 2002;40:1196 (percentile) and Neuropsychology 2006;20:259 and 2007;21:611 (around a regression).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from scipy import optimize, special, stats

from .agreement import NORMAL_QUANTILE, normalQuantileInterval
from .errors import InputError
from .estimate import LEVEL, NAN, Estimate, notMeasurable

_HIGH = 0.5 + LEVEL / 2
_LOW = 1.0 - _HIGH
LINEAR, LOG = "linear", "log"
FORMAT, FORMAT_VERSION = "ALSMotorCortex reference range", 1
_MOST_VALUE, _MOST_YEARS = 1e6, 150  # of what a file may hold
_LEAST_AGE_SPAN_YEARS = 1.0
_NORMALITY_P = 0.05
_WIDEST_SPREAD, _PLACES = 8.0, 600


@dataclass(frozen=True)
class PatientComparison:
    """One value beside the controls.

    :param z: value minus predicted, over the SD of a new control (residual SD x sqrt(1 + leverage)).
    :param percentile: 0-100, share of the control population below the value, with its interval; p: as below.
    :param p: one-sided, of a control being so extreme in the abnormal direction.
    :param nBeyond: how many of the n controls the value exceeds in that direction; beyond: the same in words.
    :param predicted: what a control of that age is expected to have; usesAge: age was allowed for.
    """

    z: float
    percentile: Estimate
    p: float
    nBeyond: int
    n: int
    beyond: str
    predicted: float
    usesAge: bool
    note: str = ""


@dataclass(frozen=True)
class _Model:
    """Controls around a mean or a line.

    :param predicted: at the age in question; sd: residual, with df; leverage: of that age (1/n without age).
    """

    predicted: float
    sd: float
    df: int
    leverage: float
    residuals: np.ndarray


@dataclass(frozen=True)
class ReferenceRange:
    """Controls of one measure in one region, as measured in one way.

    :param values, agesYears: (n,) of the controls; None for an unknown age. ids: (n,) or empty.
    :param n: controls with a value; nAged: of these, with an age; usesAge: limits and percentiles allow for age.
    :param slopePerYear: of the value, p of none; NaN without age. residualSd: about the line, or the mean.
    :param shapiroP: of the residuals being normal (Shapiro-Wilk).
    :param scale: "linear", or "log" if logarithms are taken: slope and residual SD are then theirs, limits are not.
    :param about: what the range is of (measure, region, filter, settings, version): text and numbers for JSON.
    """

    values: tuple[float, ...] = field(repr=False)
    agesYears: tuple[float | None, ...] = field(repr=False)
    ids: tuple[str, ...] = field(repr=False)
    n: int
    nAged: int
    usesAge: bool
    slopePerYear: Estimate
    residualSd: float
    shapiroP: float
    note: str = ""
    about: dict = field(default_factory=dict)
    scale: str = LINEAR

    @staticmethod
    def fromControls(
        values,
        agesYears=None,
        minimum: int = 10,
        ids: Sequence[str] | None = None,
        about: Mapping | None = None,
        scale: str = LINEAR,
    ) -> ReferenceRange:
        """A range from controls, one value each.

        :param values: (n,), NaN where not measured: left out and counted. agesYears: (n,), NaN where unknown.
        :param minimum: fewer controls with a value are refused.
        :param ids: (n,) whose values they are.
        :param scale: "log" suits skewed values above 0. It must be chosen, since few controls cannot tell (Shapiro-Wilk
            saw 44 % of lognormal sets of 13 with the profile paper's mean and SD, 0.03 and 0.02).
        :raises InputError: control set too small, all values equal, a control twice, or different lengths.
        """
        values, ages, ids = _controls(values, agesYears, ids)
        notes = []
        measured = np.isfinite(values)
        if not measured.all():
            left = int(np.sum(~measured))
            notes.append(f"{left} control{'' if left == 1 else 's'} without a value left out")
        values, ages, ids = (
            values[measured],
            ages[measured],
            tuple(np.array(ids, dtype=object)[measured]) if ids else (),
        )
        n = len(values)
        if n < max(minimum, 3):
            raise InputError(
                f"control set too small: {n} controls with a value; expected at least {max(minimum, 3)}; measure more."
            )
        if np.ptp(values) <= 1e-12 * np.abs(values).max():
            raise InputError(f"All {n} controls have the value {values[0]:g}; expected values that differ; check them.")
        aged = np.isfinite(ages)
        usesAge, reason = _ageUse(ages[aged], n)
        notes.append(reason)
        scaled = _scaled(values, scale)
        model = _fit(scaled, ages if usesAge else None)
        if model.sd <= 1e-9 * np.ptp(scaled):
            raise InputError(f"The values of all {n} controls lie on one line; expected some spread; check them.")
        shapiroP = float(stats.shapiro(model.residuals).pvalue)
        # Altman & Bland, BMJ 1996;313:1200: what cannot be negative and has a mean below 2 SD is skewed.
        skewed = scale == LINEAR and values.min() >= 0 and values.mean() < 2 * model.sd
        if shapiroP < _NORMALITY_P or skewed:
            notes.append("controls do not look normal: trust the count of controls exceeded more than the percentile")
        return ReferenceRange(
            tuple(map(float, values)),
            tuple(float(age) if known else None for age, known in zip(ages, aged, strict=True)),
            tuple(map(str, ids)),
            n,
            int(np.sum(aged)),
            usesAge,
            _slope(scaled, ages) if usesAge else notMeasurable(reason),
            model.sd,
            shapiroP,
            "; ".join(filter(None, notes)),
            dict(about or {}),
            scale,
        )

    # Asking -----------------------------------------------------------------------------------------------------

    def limits(self, ageYears: float | None = None) -> tuple[Estimate, Estimate]:
        """Central 95 % reference limits for an age, low and high.

        Each value is the limit that one new control in 40 passes (prediction interval), so that a patient on it is at
        the 2.5th or 97.5th percentile of `compare`; its interval is the exact one of the population's limit.
        """
        model, note = self._at(ageYears)
        half = float(stats.t.ppf(_HIGH, model.df)) * model.sd * math.sqrt(1 + model.leverage)
        low, high = normalQuantileInterval(NORMAL_QUANTILE, model.predicted, model.sd, model.df, model.leverage)
        below = (model.predicted - half, 2 * model.predicted - high, 2 * model.predicted - low)
        above = (model.predicted + half, low, high)
        below, above = (tuple(map(self._unscaled, ends)) for ends in (below, above))
        return Estimate(*below, note=note), Estimate(*above, note=note)

    def compare(self, value: float, ageYears: float | None = None, largerIsAbnormal: bool = True) -> PatientComparison:
        """A patient's value among the controls; an age outside theirs, or none, is noted and still answered."""
        model, note = self._at(ageYears)
        predicted, reason = self._unscaled(model.predicted), ""
        if value is None or not math.isfinite(value):
            reason = "the patient has no value"
        elif self.scale == LOG and value <= 0:
            reason = "the patient's value is not above 0 and has no place on a logarithmic scale"
        if reason:
            return PatientComparison(NAN, notMeasurable(reason), NAN, 0, self.n, "", predicted, False, reason)
        usesAge = self.usesAge and _isAge(ageYears)
        deviation = (math.log(value) if self.scale == LOG else float(value)) - model.predicted
        z = deviation / (model.sd * math.sqrt(1 + model.leverage))
        sign = 1.0 if largerIsAbnormal else -1.0
        p = float(stats.t.sf(sign * z, model.df))
        low, high = _percentileInterval(deviation / model.sd, model.df, model.leverage)
        nBeyond = int(np.sum(sign * deviation > sign * model.residuals))
        word = "greater" if largerIsAbnormal else "smaller"
        beyond = f"{word} than {nBeyond} of {self.n} controls" + (", age allowed for" if usesAge else "")
        percentile = Estimate(100 * float(stats.t.cdf(z, model.df)), low, high, p, z, note)
        return PatientComparison(z, percentile, p, nBeyond, self.n, beyond, predicted, usesAge, note)

    def _at(self, ageYears: float | None) -> tuple[_Model, str]:
        values = _scaled(np.array(self.values), self.scale)
        if not self.usesAge:
            return _fit(values, None), "not adjusted for age"
        if not _isAge(ageYears):
            return _fit(values, None), "age unknown: compared without age"
        low, high = min(self.agesYears), max(self.agesYears)
        note = "" if low <= ageYears <= high else f"extrapolated: controls are {low:g} to {high:g} years old"
        return _fit(values, np.array(self.agesYears), float(ageYears)), note

    def _unscaled(self, value: float) -> float:
        return math.exp(value) if self.scale == LOG else float(value)

    # Keeping ----------------------------------------------------------------------------------------------------

    def toDict(self) -> dict:
        """For JSON: the controls and what they are of; the rest follows from them."""
        return {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "about": dict(self.about),
            "scale": self.scale,
            "values": list(self.values),
            "ages_years": list(self.agesYears),
            "ids": list(self.ids),
            "n": self.n,
            "note": self.note,
        }

    @staticmethod
    def fromDict(stored: Mapping) -> ReferenceRange:
        """:raises InputError: not what `toDict` made, or of a later version."""
        try:
            if stored["format"] != FORMAT or stored["version"] > FORMAT_VERSION:
                raise KeyError("version")
            for name, most in (("values", _MOST_VALUE), ("ages_years", _MOST_YEARS)):
                if not all(number is None or abs(number) <= most for number in stored[name] or ()):
                    raise ValueError(f"{name} beyond {most:g}")
            made = ReferenceRange.fromControls(
                stored["values"], stored["ages_years"], 3, stored["ids"] or None, stored["about"], stored["scale"]
            )
            return replace(made, note=str(stored["note"]))  # it may tell of controls that were left out
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise InputError(
                f"The stored reference range cannot be read ({error}); expected one made by this program, version "
                f"{FORMAT_VERSION} or before; make it anew from the controls."
            ) from error


def change(firstValue: float, secondValue: float, coefficient, df: float | None = None, of: str = "") -> Estimate:
    """Change of one patient between two exams, against the repeatability coefficient.

    :param coefficient: 2.77 Sw (`agreement.repeatability`), in the unit of the values, a number or its Estimate.
    :param df: degrees of freedom of the coefficient, which widen the interval; None takes it as known.
    :param of: what the coefficient was found on, in words.
    :return: second minus first, with the interval of the true change; the note says whether it exceeds the coefficient.
    """
    limit = coefficient.value if isinstance(coefficient, Estimate) else float(coefficient)
    if not (math.isfinite(firstValue) and math.isfinite(secondValue)):
        return notMeasurable("one of the two exams has no value")
    difference = float(secondValue) - float(firstValue)
    if not (math.isfinite(limit) and limit > 0):
        return Estimate(difference, note="no repeatability coefficient to compare with")
    standardError = limit / NORMAL_QUANTILE
    t = difference / standardError
    spread = stats.norm() if df is None else stats.t(df)
    half = float(spread.ppf(_HIGH)) * standardError
    word = "exceeds" if abs(difference) > limit else "does not exceed"
    note = f"{word} the repeatability coefficient of {limit:.3g}" + (f" ({of})" if of else "")
    if half >= abs(difference) > limit:
        note += ", but that is known from few repeats: no change is within the interval"
    return Estimate(difference, difference - half, difference + half, float(2 * spread.sf(abs(t))), t, note)


# Parts ----------------------------------------------------------------------------------------------------------


def _isAge(ageYears: float | None) -> bool:
    return ageYears is not None and math.isfinite(ageYears)


def _controls(values, agesYears, ids) -> tuple[np.ndarray, np.ndarray, tuple]:
    values = np.asarray(values, dtype=float).ravel()
    ages = np.full(len(values), NAN) if agesYears is None else np.asarray(agesYears, dtype=float).ravel()
    ids = tuple(ids) if ids is not None else ()
    if len(ages) != len(values) or (ids and len(ids) != len(values)):
        raise InputError(
            f"There are {len(values)} controls' values, {len(ages)} ages and {len(ids)} names; expected one each; "
            "give them in the same order."
        )
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise InputError(f"Control '{twice}' is there twice; expected one value per control; choose one exam.")
    return values, ages, ids


def _scaled(values: np.ndarray, scale: str) -> np.ndarray:
    if scale not in (LINEAR, LOG):
        raise InputError(f"The reference range's scale is '{scale}'; expected linear or log; choose one.")
    if scale == LINEAR:
        return values
    if values.min() <= 0:
        raise InputError(
            f"A control has the value {values.min():g}; expected values above 0 for logarithms; take linear."
        )
    return np.log(values)


def _ageUse(ages: np.ndarray, n: int) -> tuple[bool, str]:
    """Whether age is allowed for, and if not, why."""
    if not len(ages):
        return False, "not adjusted for age: ages unknown"
    if len(ages) < n:
        return False, f"not adjusted for age: known of {len(ages)} of {n} controls"
    if np.ptp(ages) < _LEAST_AGE_SPAN_YEARS:
        return False, "not adjusted for age: all controls are of one age"
    return True, ""


def _fit(values: np.ndarray, ages: np.ndarray | None, ageYears: float | None = None) -> _Model:
    n, mean = len(values), float(values.mean())
    if ages is None:
        residuals = values - mean
        return _Model(mean, float(np.sqrt(np.sum(residuals**2) / (n - 1))), n - 1, 1 / n, residuals)
    centered = ages - ages.mean()
    square = float(centered @ centered)
    slope = float(centered @ values) / square
    residuals = values - mean - slope * centered
    away = 0.0 if ageYears is None else ageYears - float(ages.mean())
    sd = float(np.sqrt(np.sum(residuals**2) / (n - 2)))
    return _Model(mean + slope * away, sd, n - 2, 1 / n + away**2 / square, residuals)


def _slope(values: np.ndarray, ages: np.ndarray) -> Estimate:
    fit = stats.linregress(ages, values)
    half = stats.t.ppf(_HIGH, len(values) - 2) * fit.stderr
    return Estimate(
        float(fit.slope),
        float(fit.slope - half),
        float(fit.slope + half),
        float(fit.pvalue),
        float(fit.slope / fit.stderr),
    )


@lru_cache(maxsize=64)
def _sdRatios(df: int) -> tuple[np.ndarray, np.ndarray]:
    """Even places and weights for averages over S = SD / sigma, whose df S^2 is chi-square."""
    spread = _WIDEST_SPREAD / math.sqrt(2 * df)
    ratios = np.linspace(max(1 - spread, 0.0), 1 + spread, _PLACES)
    weights = ratios * stats.chi2.pdf(df * ratios**2, df)
    return ratios, weights / weights.sum()


def _percentileInterval(c: float, df: int, leverage: float) -> tuple[float, float]:
    """Interval of the percentile (0-100) of a value c residual SDs above the mean (Crawford & Garthwaite 2002)."""
    # The noncentral t, P(T <= t) = E Phi(t S - delta), by a sum over S = SD / sigma: scipy's fails far out.
    ratios, weights = _sdRatios(df)
    root = math.sqrt(leverage)
    t = c / root
    ends = sorted((t * ratios[0], t * ratios[-1]))

    def limit(probability: float) -> float:
        delta = optimize.brentq(
            lambda d: weights @ special.ndtr(t * ratios - d) - probability, ends[0] - 8.0, ends[1] + 8.0
        )
        return 100 * float(special.ndtr(delta * root))

    return limit(_HIGH), limit(_LOW)
