"""Least squares of many small problems at once: Levenberg-Marquardt with one damping per problem.

The bootstrap refits one model a thousand times; a loop over a scalar solver would spend its time in the loop.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

MAX_SMALL_GAINS = 4
EXACT = 1e-18  # of the cost of no model at all: a fit to rounding
MAX_FREE = 8.0  # bounded parameters enter through a logistic; here they are within 0.04 % of their bound
TOGETHER = 192  # problems worked on at a time: their derivatives still fit into a processor's cache
CLOSE = 0.3  # a step that gained what the linear model promised, within this share, says that the model holds
SHORT = 0.1  # of a step in free parameters: a longer one goes where the model was not tried
MAX_STEPS_TO_TRUST = 3  # a problem that takes more is too bent


class Model(Protocol):
    """Maps free parameters to rows that are compared with a target."""

    linear: np.ndarray  # (nParameters,) bool: enters linearly and unbounded

    def rowsAndJacobian(self, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(n, nParameters) to rows (n, nRows) and their derivatives (n, nRows, nParameters)."""
        ...


@dataclass(frozen=True)
class Solution:
    """:param free: (n, nParameters); cost: weighted sum of squares (n,); converged: (n,) bool."""

    free: np.ndarray
    cost: np.ndarray
    converged: np.ndarray


def solveMany(
    model: Model,
    start: np.ndarray,
    target: np.ndarray,
    weights: np.ndarray,
    tolerance: float = 1e-6,
    maxIterations: int = 600,
    trustModel: bool = False,
    progress: Callable[[float], bool] | None = None,
) -> Solution:
    """Minimize sum of weights * (target - rows)^2 for each problem.

    `TOGETHER` problems are worked on at a time; as some are done, the next take their places, so that a few slow
    ones do not hold up the others.

    :param start: free parameters, (n, nParameters); (1, nParameters) if all start from one place.
    :param target, weights: (n, nRows); weight 0 leaves a row out.
    :param tolerance: relative gain of a step at which a problem is done.
    :param trustModel: a step that promises no more than that gain is taken untried; for starts near the end, where
        trying it would be every third evaluation.
    :param progress: called with the share done, 0-1; returning False leaves the rest as not converged.
    """
    nProblems, nParameters = len(target), start.shape[1]
    free = np.array(np.broadcast_to(start, (nProblems, nParameters)))
    cost, converged = np.zeros(nProblems), np.zeros(nProblems, bool)
    damping = np.full(nProblems, 1e-3)
    smallGains, nSteps = np.zeros((2, nProblems), int)
    keepsPromises = np.zeros(nProblems, bool)
    zeroCost = np.maximum((weights * target**2).sum(1), 1e-300)
    scale = np.sqrt(weights)
    bounded = ~model.linear
    limit = np.where(bounded, MAX_FREE, np.inf)
    atStart = model.rowsAndJacobian(start) if len(start) == 1 else None

    def compared(problems, rows, jacobian):
        """Scaled residuals (n, nRows) and derivatives (n, nParameters, nRows), and cost (n,)."""
        residual = scale[problems] * (target[problems] - rows)
        slopes = np.swapaxes(jacobian, 1, 2)
        if len(slopes) == len(problems):
            slopes *= scale[problems, None]
        else:
            slopes = slopes * scale[problems, None]
        return residual, slopes, np.einsum("nr,nr->n", residual, residual)

    active, nEntered = np.zeros(0, int), 0
    residual, slopes = np.zeros((0, target.shape[1])), np.zeros((0, nParameters, target.shape[1]))
    while nEntered < nProblems or len(active):
        if progress is not None and not progress((nEntered - len(active)) / nProblems):
            break
        if nEntered < nProblems and len(active) <= 0.75 * TOGETHER:
            new = np.arange(nEntered, min(nEntered + TOGETHER - len(active), nProblems))
            nEntered += len(new)
            newResidual, newSlopes, cost[new] = compared(new, *(atStart or model.rowsAndJacobian(free[new])))
            active, residual = np.concatenate([active, new]), np.concatenate([residual, newResidual])
            slopes = np.concatenate([slopes, newSlopes])
        gradient = (slopes @ residual[..., None])[..., 0]
        step = _dampedStep(gradient, slopes, damping[active], bounded, free[active])
        trial = np.minimum(np.maximum(free[active] + step, -limit), limit)
        promised = np.einsum("np,np->n", gradient, step)
        if trustModel:
            short = (np.abs(step[:, bounded]) <= SHORT).all(1)
            sure = keepsPromises[active] & short & (promised <= tolerance * cost[active])
            if sure.any():
                free[active[sure]], converged[active[sure]] = trial[sure], True
                active, trial, residual, slopes, promised = (
                    values[~sure] for values in (active, trial, residual, slopes, promised)
                )
            if not len(active):
                continue
        trialResidual, trialSlopes, trialCost = compared(active, *model.rowsAndJacobian(trial))
        gain = cost[active] - trialCost
        better = gain >= 0
        keepsPromises[active] = (nSteps[active] < MAX_STEPS_TO_TRUST) & (np.abs(gain - promised) <= CLOSE * promised)
        # Judged by cost alone: along a direction that the data leave open, steps need not become small.
        # A step that was damped much may gain little far from the end, so it takes several of those.
        small = better & (gain <= tolerance * trialCost)
        smallGains[active] += small
        done = small & ((damping[active] < 1.0) | (smallGains[active] >= MAX_SMALL_GAINS))
        done |= trialCost <= EXACT * zeroCost[active]
        free[active[better]], cost[active[better]] = trial[better], trialCost[better]
        damping[active] = np.maximum(np.where(better, 0.2, 4.0) * damping[active], 1e-12)
        done |= ~better & (damping[active] >= 1e9)
        converged[active[done]] = True
        nSteps[active] += 1
        if not better.all():
            trialResidual[~better], trialSlopes[~better] = residual[~better], slopes[~better]
        residual, slopes = trialResidual, trialSlopes
        going = ~done & (nSteps[active] < maxIterations)
        if not going.all():
            active, residual, slopes = active[going], residual[going], slopes[going]
    return Solution(free, cost, converged)


def _dampedStep(gradient, slopes, damping, bounded, free) -> np.ndarray:
    """Steps (n, nParameters) of the damped normal equations; zeroes the gradient of what is held at its bound."""
    normal = slopes @ np.swapaxes(slopes, 1, 2)
    # A parameter that is pushed against its bound stays there, or it would spoil the step of the others.
    pinned = bounded & (np.abs(free) >= MAX_FREE) & (gradient * free > 0)
    if pinned.any():
        gradient[pinned] = 0.0
        normal *= ~(pinned[:, :, None] | pinned[:, None, :])
    diagonal = np.einsum("npp->np", normal)
    floor = 1e-12 * diagonal.max(1, keepdims=True) + 1e-300
    damped = normal + (damping[:, None] * diagonal + floor)[:, :, None] * np.eye(len(bounded))
    step = np.linalg.solve(damped, gradient[..., None])[..., 0]
    largest = np.where(bounded, 2.0, np.inf)
    return np.minimum(np.maximum(step, -largest), largest)
