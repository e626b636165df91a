"""The double sigmoid: its values, its shape in numbers, and its fit to one or many profiles.

Donatelli et al., AJNR 2018;39:63, step 6: `F(x) = a [f(x; b1, c1) - f(x; b2, c2)]`,
`f(x; b, c) = 1 / (1 + exp(-b (x - c)))`. Peak, full width at 25 % and area are reported, never `a` or `c2 - c1`:
those two trade against each other when slope times width is below about 4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError

from .bandModel import BAND_PARAMETERS, NO_RESPONSE, BandModel, SuperficialPrior
from .leastSquares import Solution, solveMany
from .logistic import boxLogistic, logistic

WIDTH_FRACTION = 0.25
START_SHARPNESS = (3.0, 12.0)  # slope times width of the two first guesses: a bell and a plateau
MANY = 16  # from here on, profiles are expected to be alike
LIKE_MEAN_R_SQUARED = 0.9
MIN_R_SQUARED = 0.8
MIN_PEAK_SE = 3.0
MAX_DELTA_AICC = -10.0

OK = "ok"
NO_BAND = "no_band"
AT_EDGE = "at_edge"
POOR_FIT = "poor_fit"
NOT_CONVERGED = "not_converged"
INVALID_INPUT = "invalid_input"


def doubleSigmoid(depthMm, a, b1, c1, b2, c2, voxelWidthMm=0.0):
    """F(x), or its average over a voxel of the given width (mm).

    Arguments broadcast. Slopes b in 1/mm, positions c in mm; the unit of F is that of a.
    """
    return a * (boxLogistic(depthMm, b1, c1, voxelWidthMm)[0] - boxLogistic(depthMm, b2, c2, voxelWidthMm)[0])


# Shape ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BandShape:
    """What is reported of a band; every field has shape (n,). Heights have the unit of F."""

    peak: np.ndarray
    peakDepthMm: np.ndarray
    widthMm: np.ndarray  # full width at 25 % of the peak
    startMm: np.ndarray  # the two crossings of 25 % of the peak
    endMm: np.ndarray
    areaMm: np.ndarray  # integral of F, unit of F times mm


def bandShape(a, b1, c1, b2, c2) -> BandShape:
    """Peak, width at 25 % and area of F, to about 1e-10.

    :param a, b1, c1, b2, c2: shape (n,) or scalar; a of either sign, slopes b positive, c2 > c1.
    """
    a, b1, c1, b2, c2 = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (a, b1, c1, b2, c2)))
    edges = np.array([b1, c1, b2, c2])

    def bandAndSlope(x, edges):
        b1, c1, b2, c2 = edges
        f1, f2 = logistic(b1 * (x - c1)), logistic(b2 * (x - c2))
        return f1 - f2, b1 * f1 * (1.0 - f1) - b2 * f2 * (1.0 - f2)

    def slopeAndBend(x, edges):
        b1, c1, b2, c2 = edges
        f1, f2 = logistic(b1 * (x - c1)), logistic(b2 * (x - c2))
        g1, g2 = b1 * f1 * (1.0 - f1), b2 * f2 * (1.0 - f2)
        return g1 - g2, b1 * g1 * (1.0 - 2.0 * f1) - b2 * g2 * (1.0 - 2.0 * f2)

    reach = 12.0 / np.minimum(b1, b2)
    low, high = c1 - reach / 3, c2 + reach / 3
    step = (high - low) / 64
    candidates = low + np.arange(65)[:, None] * step
    band = logistic(b1 * (candidates - c1)) - logistic(b2 * (candidates - c2))
    coarse = candidates[np.argmax(band, axis=0), np.arange(len(a))]
    peakDepthMm = _root(slopeAndBend, coarse, coarse + step, coarse - step, edges)
    unitPeak = bandAndSlope(peakDepthMm, edges)[0]

    def aboveLevel(x, edgesAndLevel):
        value, slope = bandAndSlope(x, edgesAndLevel[:4])
        return value - edgesAndLevel[4], slope

    # Both crossings in one pass, first the starts, then the ends.
    below = np.concatenate([np.minimum(c1, peakDepthMm) - reach, np.maximum(c2, peakDepthMm) + reach])
    top = np.tile(peakDepthMm, 2)
    # A narrow band of unequal slopes may peak beyond its own edges.
    centers = np.concatenate([c1, c2])
    guess = np.where((centers - below) * (centers - top) < 0, centers, 0.5 * (below + top))
    edgesAndLevel = np.tile(np.vstack([edges, WIDTH_FRACTION * unitPeak]), 2)
    startMm, endMm = _root(aboveLevel, guess, below, top, edgesAndLevel).reshape(2, -1)
    return BandShape(a * unitPeak, peakDepthMm, endMm - startMm, startMm, endMm, a * (c2 - c1))


def _root(valueAndSlope, guess, negative, positive, parameters, tolerance=1e-11, maxSteps=60):
    """Root of each of n functions between a place of negative and one of positive value: Newton, else bisection.

    :param valueAndSlope: called with places (m,) and the parameters (..., m) of those that are still open.
    """
    roots = guess.copy()
    still, x = np.arange(len(guess)), guess
    for _ in range(maxSteps):
        value, slope = valueAndSlope(x, parameters)
        negative, positive = np.where(value < 0, x, negative), np.where(value < 0, positive, x)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = x - value / slope
        inside = (newton - negative) * (newton - positive) < 0
        following = np.where(inside, newton, 0.5 * (negative + positive))
        roots[still] = following
        wide = ~(np.abs(following - x) < tolerance)
        still, x, negative, positive = still[wide], following[wide], negative[wide], positive[wide]
        parameters = parameters[:, wide]
        if len(still) == 0:
            break
    return roots


# Fit ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BandFits:
    """Fits of n profiles. Arrays have n rows; peak, widthMm and areaMm are NaN where status is not `ok`.

    :param shape: the fitted curve's shape whatever the status, for drawing and for the bootstrap.
    :param curve: the fitted band as seen through the voxel, at the fit's depths, (n, nDepths).
    :param total: the whole model including bright superficial layers, (n, nDepths).
    :param deltaAicc: AICc of the double sigmoid less that of the best of flat and single edge.
    :param free: free parameters, a start for neighboring fits.
    """

    status: np.ndarray
    peak: np.ndarray
    widthMm: np.ndarray
    areaMm: np.ndarray
    shape: BandShape
    parameters: np.ndarray  # (n, 5): a, b1, c1, b2, c2
    peakSe: np.ndarray
    rSquared: np.ndarray
    deltaAicc: np.ndarray
    converged: np.ndarray
    curve: np.ndarray
    total: np.ndarray
    free: np.ndarray


@dataclass(frozen=True)
class BandFit:
    """One fit: the fields of `BandFits` as numbers."""

    status: str
    peak: float
    widthMm: float
    areaMm: float
    peakDepthMm: float
    startMm: float
    endMm: float
    a: float
    b1: float
    c1: float
    b2: float
    c2: float
    peakSe: float
    rSquared: float
    deltaAicc: float


def fitDoubleSigmoid(depthMm, hypointensity, voxelWidthMm: float = 0.0) -> BandFit:
    """Fit F to one hypointensity profile (positive = darker than white matter).

    :param depthMm: shape (nDepths,), evenly spaced, increasing.
    :param hypointensity: shape (nDepths,); NaN is left out.
    :param voxelWidthMm: width of the voxel along the normal, to be taken out of the band; 0 fits F itself.
    :raises InputError: shapes that do not match, or depths that are not increasing and even.
    """
    fits = fitManyDoubleSigmoids(depthMm, np.atleast_2d(np.asarray(hypointensity, float)), voxelWidthMm)
    return singleFit(fits, 0)


def singleFit(fits: BandFits, row: int) -> BandFit:
    a, b1, c1, b2, c2 = (float(v) for v in fits.parameters[row])
    return BandFit(
        status=str(fits.status[row]),
        peak=float(fits.peak[row]),
        widthMm=float(fits.widthMm[row]),
        areaMm=float(fits.areaMm[row]),
        peakDepthMm=float(fits.shape.peakDepthMm[row]),
        startMm=float(fits.shape.startMm[row]),
        endMm=float(fits.shape.endMm[row]),
        a=a,
        b1=b1,
        c1=c1,
        b2=b2,
        c2=c2,
        peakSe=float(fits.peakSe[row]),
        rSquared=float(fits.rSquared[row]),
        deltaAicc=float(fits.deltaAicc[row]),
    )


def fitManyDoubleSigmoids(
    depthMm,
    profiles,
    voxelWidthMm: float = 0.0,
    *,
    response: np.ndarray = NO_RESPONSE,
    superficial: SuperficialPrior | None = None,
    noiseSd: float | None = None,
    correlationMm: float | None = None,
    start: np.ndarray | None = None,
    judge: bool = True,
    progress: Callable[[float], bool] | None = None,
) -> BandFits:
    """Fit F to many profiles on the same depths, all at once: the fast path of the bootstrap.

    :param depthMm: shape (nDepths,), evenly spaced, increasing.
    :param profiles: shape (nProfiles, nDepths); NaN is left out.
    :param voxelWidthMm, response, superficial: see `BandModel`.
    :param noiseSd: SD to give each depth so that all of them together carry no more information than the independent
        ones do; it sets how far the priors bind. Needed with `superficial`.
    :param correlationMm: depths closer than this are not independent; None estimates it from the residuals.
    :param start: free parameters of a neighboring fit, shape (nParameters,): skips the first guesses.
    :param judge: compare with flat and single edge, and tell statuses apart; off, every converged fit is `ok`.
    :param progress: with `start`, called with the share done, 0-1; returning False leaves the rest not converged.
    :raises InputError: shapes that do not match, or depths that are not increasing and even.
    """
    depthMm, profiles = _checkedProfiles(depthMm, profiles)
    model = BandModel(depthMm, voxelWidthMm, response, superficial)
    finite = np.isfinite(profiles)
    target = np.where(finite, profiles, 0.0)
    usable = finite.sum(1) > model.nParameters + 1
    weights = finite.astype(float)
    if superficial:
        if noiseSd is None:
            raise InputError("A fit with superficial layers got no noise SD; expected one; pass noiseSd.")
        weights /= noiseSd**2
        target = np.pad(target, ((0, 0), (0, model.nPriorRows)))
        weights = np.pad(weights, ((0, 0), (0, model.nPriorRows)), constant_values=1.0)
    if start is not None:
        solution = solveMany(model, start[None], target, weights, tolerance=1e-4, trustModel=True, progress=progress)
    elif len(target) >= MANY:
        solution = _solveLikeTheirMean(model, target, weights)
    else:
        solution = _solveFromGuesses(model, target, weights)
    return _evaluated(model, solution, depthMm, profiles, finite, usable, weights, noiseSd, correlationMm, judge)


def _solveFromGuesses(model: BandModel, target, weights) -> Solution:
    """Each profile from its own two first guesses, the better fit of the two."""
    guesses = [_firstGuess(model, target, weights > 0, sharpness) for sharpness in START_SHARPNESS]
    both = solveMany(model, np.concatenate(guesses), np.tile(target, (2, 1)), np.tile(weights, (2, 1)))
    # Of two equally good fits the converged one.
    score = np.where(both.converged, both.cost, both.cost * (1 + 1e-6) + 1e-300).reshape(2, -1)
    best = np.argmin(score, axis=0) * len(target) + np.arange(len(target))
    return Solution(both.free[best], both.cost[best], both.converged[best])


def _solveLikeTheirMean(model: BandModel, target, weights) -> Solution:
    """Many profiles, likely to be alike: all from the fit of their mean, and those that are not from their own."""
    total = weights.sum(0)
    mean = (weights * target).sum(0) / np.where(total > 0, total, 1.0)
    start = _solveFromGuesses(model, mean[None], (total > 0)[None] * weights.max()).free
    solution = solveMany(model, start, target, weights, tolerance=1e-5, trustModel=True)
    weightedMean = (weights * target).sum(1, keepdims=True) / np.maximum(weights.sum(1, keepdims=True), 1e-300)
    spread = (weights * (target - weightedMean) ** 2).sum(1)
    unlike = ~solution.converged | ~(solution.cost < (1.0 - LIKE_MEAN_R_SQUARED) * spread)
    if unlike.any():
        own = _solveFromGuesses(model, target[unlike], weights[unlike])
        solution.free[unlike], solution.cost[unlike] = own.free, own.cost
        solution.converged[unlike] = own.converged
    return solution


def _checkedProfiles(depthMm, profiles):
    depthMm, profiles = np.asarray(depthMm, float), np.atleast_2d(np.asarray(profiles, float))
    if depthMm.ndim != 1 or profiles.ndim != 2 or profiles.shape[1] != len(depthMm) or len(depthMm) < 3:
        raise InputError(
            f"Depths have shape {depthMm.shape} and profiles {profiles.shape}; "
            "expected (nDepths,) with at least 3 depths and (nProfiles, nDepths); pass matching arrays."
        )
    step = np.diff(depthMm)
    if not np.isfinite(depthMm).all() or step.min() <= 0 or np.ptp(step) > 1e-3 * step.mean():
        raise InputError(
            "Depths are not finite, increasing and evenly spaced; expected a regular grid in mm; resample."
        )
    return depthMm, profiles


def _firstGuess(model: BandModel, profiles, finite, sharpness) -> np.ndarray:
    """Free parameters from the peak and its half-height crossings, one row per profile."""
    x = model.depthMm
    profiles, finite = profiles[:, : len(x)], finite[:, : len(x)]  # without the rows of priors
    filled = np.where(finite, profiles, -np.inf)
    padded = np.pad(profiles, ((0, 0), (1, 1)), mode="edge")
    smooth = (padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]) / 3.0
    top = np.argmax(np.where(finite, smooth, -np.inf), axis=1)
    rows = np.arange(len(profiles))
    peak = np.where(np.isfinite(filled[rows, top]), filled[rows, top], 0.0)
    below = filled < 0.5 * peak[:, None]
    index = np.arange(len(x))
    left = np.where(below & (index < top[:, None]), index, -1).max(1)
    right = np.where(below & (index > top[:, None]), index, len(x)).min(1)
    leftMm, rightMm = x[np.maximum(left, 0)], x[np.minimum(right, len(x) - 1)]
    width = np.maximum(rightMm - leftMm, 2 * (x[1] - x[0]))
    columns = [peak * width, 0.5 * (leftMm + rightMm), np.log(width), np.log(sharpness / width), np.zeros(len(peak))]
    if model.superficial:
        prior = model.superficial
        for value in (np.log(prior.level), prior.crossingMm - 0.2, np.log(prior.SLOPE_PER_MM)):
            columns.append(np.full(len(peak), value))
    return model.free(np.column_stack(columns))


def _evaluated(model, solution, depthMm, profiles, finite, usable, weights, noiseSd, correlationMm, judge) -> BandFits:
    parameters = np.column_stack(model.shape(solution.free))
    shape = bandShape(*parameters.T)
    n = len(profiles)
    status = np.full(n, OK, dtype="<U16")
    peakSe, rSquared, deltaAicc = np.full((3, n), np.nan)
    total = np.full(profiles.shape, np.nan)
    if judge:
        rows, jacobian = model.rowsAndJacobian(solution.free)
        total = rows[:, : len(depthMm)]
        residual = np.where(finite, profiles - total, 0.0)
        rss = (residual**2).sum(1)
        count = np.maximum(finite.sum(1), 1)
        independent = _independentDepths(depthMm, residual, count, correlationMm)
        inflation = count / independent
        variance = rss / np.maximum(count - model.nParameters, 1) * inflation
        if noiseSd is not None:
            variance = np.maximum(variance, noiseSd**2)
        rowWeights = np.where(weights > 0, 1.0, 0.0)
        rowWeights[:, : len(depthMm)] /= np.maximum(variance, 1e-300)[:, None]
        covariance, freedom = _covariance(jacobian, rowWeights, len(depthMm))
        gradient = model.peakGradient(solution.free, shape.peakDepthMm)
        peakSe = np.sqrt(np.maximum(np.einsum("np,npq,nq->n", gradient, covariance, gradient), 0.0))
        rSquared = _rSquared(profiles, finite, rss, count)
        deltaAicc = _deltaAicc(depthMm, profiles, finite, rss, count, independent, model, freedom)
        noise = _roughness(profiles, finite) if noiseSd is None else noiseSd / np.sqrt(inflation)
        inWindow = (shape.startMm >= depthMm[0] - 1e-9) & (shape.endMm <= depthMm[-1] + 1e-9)
        # The fit always comes back to zero; whether the profile itself does is another question.
        inWindow &= _lastDepths(profiles, finite) < WIDTH_FRACTION * np.abs(shape.peak) + noise
        # Each later finding outweighs the earlier ones; written so that a NaN counts as no band.
        status[rSquared < MIN_R_SQUARED] = POOR_FIT
        status[~inWindow] = AT_EDGE
        evidence = (deltaAicc < MAX_DELTA_AICC) & (shape.peak > MIN_PEAK_SE * peakSe) & (shape.peak > 0)
        status[~evidence] = NO_BAND
    status[~solution.converged] = NOT_CONVERGED
    status[~usable] = INVALID_INPUT
    good = status == OK
    return BandFits(
        status=status,
        peak=np.where(good, shape.peak, np.nan),
        widthMm=np.where(good, shape.widthMm, np.nan),
        areaMm=np.where(good, shape.areaMm, np.nan),
        shape=shape,
        parameters=parameters,
        peakSe=peakSe,
        rSquared=rSquared,
        deltaAicc=deltaAicc,
        converged=solution.converged,
        curve=model.bandCurve(solution.free) if judge else total,
        total=total,
        free=solution.free,
    )


def _rSquared(profiles, finite, rss, count):
    mean = np.where(finite, profiles, 0.0).sum(1) / count
    spread = np.where(finite, (profiles - mean[:, None]) ** 2, 0.0).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, 1.0 - rss / spread, np.nan)


def _lastDepths(profiles, finite, count=5):
    """Mean over the deepest sampled depths of each profile, (n,)."""
    order = np.cumsum(finite[:, ::-1], axis=1)[:, ::-1]
    last = finite & (order <= count)
    return np.where(last, profiles, 0.0).sum(1) / np.maximum(last.sum(1), 1)


def _roughness(profiles, finite):
    """Noise SD of each profile from the differences of neighboring depths, (n,)."""
    both = finite[:, 1:] & finite[:, :-1]
    difference = np.where(both, profiles[:, 1:] - profiles[:, :-1], 0.0)
    return np.sqrt(0.5 * (difference**2).sum(1) / np.maximum(both.sum(1), 1))


def _independentDepths(depthMm, residual, count, correlationMm):
    """How many independent depths a profile stands for, (n,)."""
    if correlationMm is not None:
        step = depthMm[1] - depthMm[0]
        return count / max(1.0, correlationMm / step)
    energy = np.maximum((residual**2).sum(1), 1e-300)
    rho = np.clip((residual[:, 1:] * residual[:, :-1]).sum(1) / energy, 0.0, 0.99)
    return np.maximum(count * (1.0 - rho) / (1.0 + rho), np.minimum(count, 12))


def _covariance(jacobian, rowWeights, nDepths):
    """Covariance of the free parameters (n, p, p), and how many of them the data, not the priors, decide (n,)."""
    weighted = rowWeights[..., None] * jacobian
    normal = np.swapaxes(jacobian, 1, 2) @ weighted
    diagonal = np.einsum("npp->np", normal)
    normal += (1e-10 * diagonal.max(1, keepdims=True) + 1e-300)[..., None] * np.eye(normal.shape[1])
    covariance = np.linalg.inv(normal)
    ofData = np.swapaxes(jacobian[:, :nDepths], 1, 2) @ weighted[:, :nDepths]
    freedom = np.einsum("npq,nqp->n", covariance, ofData)
    return covariance, np.clip(freedom, min(BAND_PARAMETERS, normal.shape[1]), normal.shape[1])


def _deltaAicc(depthMm, profiles, finite, rss, count, independent, model, freedom):
    """AICc of the double sigmoid less the better of flat and single edge, both of free levels, (n,)."""
    data = np.where(finite, profiles, 0.0)
    valid = finite.astype(float)
    slopes = np.geomspace(1.0, 20.0, 8)
    centers = np.linspace(depthMm[0], depthMm[-1], 48)
    edges = boxLogistic(depthMm[:, None, None], slopes[:, None], centers, model.voxelWidthMm)[0].reshape(
        len(depthMm), -1
    )
    s0, s1, s2 = valid.sum(1)[:, None], valid @ edges, valid @ edges**2
    t0, t1 = data.sum(1)[:, None], data @ edges
    flatRss = (data**2).sum(1) - t0[:, 0] ** 2 / np.maximum(s0[:, 0], 1)
    edgeSpread = s2 - s1**2 / np.maximum(s0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(edgeSpread > 1e-9, (t1 - s1 * t0 / np.maximum(s0, 1)) ** 2 / edgeSpread, 0.0).max(1)
    edgeRss = np.maximum(flatRss - explained, 0.0)

    def aicc(sumOfSquares, k):
        k = k + 1  # the noise variance is a parameter too
        # Below rounding of the data, no model is better than another.
        floor = 1e-14 * (data**2).sum(1) + 1e-200
        logLikelihood = independent * np.log(np.maximum(sumOfSquares, floor) / count)
        return logLikelihood + 2 * k + 2 * k * (k + 1) / np.maximum(count - k - 1, 1)

    return aicc(rss, freedom) - np.minimum(aicc(flatRss, 1), aicc(edgeRss, 4))
