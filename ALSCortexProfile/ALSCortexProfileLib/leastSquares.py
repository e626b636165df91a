"""Least squares of many small problems at once: Levenberg-Marquardt with one damping per problem.

The bootstrap refits one model a thousand times; a loop over a scalar solver would spend its time in the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

MAX_SMALL_GAINS = 4
EXACT = 1e-18  # of the cost of no model at all: a fit to rounding
MAX_FREE = 8.0  # bounded parameters enter through a logistic; here they are within 0.04 % of their bound


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
) -> Solution:
    """Minimize sum of weights * (target - rows)^2 for each problem.

    :param start: free parameters, (n, nParameters).
    :param target, weights: (n, nRows); weight 0 leaves a row out.
    :param tolerance: relative gain of a step at which a problem is done.
    """
    free = start.copy()
    nProblems, nParameters = free.shape
    converged = np.zeros(nProblems, bool)
    damping = np.full(nProblems, 1e-3)
    smallGains = np.zeros(nProblems, int)
    zeroCost = np.maximum((weights * target**2).sum(1), 1e-300)
    identity = np.eye(nParameters)
    bounded = ~model.linear
    rows, jacobian = model.rowsAndJacobian(free)
    cost = (weights * (target - rows) ** 2).sum(1)
    active = np.arange(nProblems)
    for _ in range(maxIterations):
        weighted = weights[active, :, None] * jacobian
        gradient = (weighted * (target[active] - rows)[..., None]).sum(1)
        normal = np.swapaxes(jacobian, 1, 2) @ weighted
        # A parameter that is pushed against its bound stays there, or it would spoil the step of the others.
        pinned = bounded & (np.abs(free[active]) >= MAX_FREE) & (gradient * free[active] > 0)
        if pinned.any():
            gradient[pinned] = 0.0
            normal *= ~(pinned[:, :, None] | pinned[:, None, :])
        diagonal = np.einsum("npp->np", normal)
        floor = 1e-12 * diagonal.max(1, keepdims=True) + 1e-300
        damped = normal + (damping[active, None] * diagonal + floor)[:, :, None] * identity
        step = np.linalg.solve(damped, gradient[..., None])[..., 0]
        step[:, bounded] = np.clip(step[:, bounded], -2.0, 2.0)
        trial = free[active] + step
        trial[:, bounded] = np.clip(trial[:, bounded], -MAX_FREE, MAX_FREE)
        trialRows, trialJacobian = model.rowsAndJacobian(trial)
        trialCost = (weights[active] * (target[active] - trialRows) ** 2).sum(1)
        better = trialCost <= cost[active]
        gain = cost[active] - trialCost
        # Judged by cost alone: along a direction that the data leave open, steps need not become small.
        # A step that was damped much may gain little far from the end, so it takes several of those.
        small = better & (gain <= tolerance * trialCost)
        smallGains[active] += small
        done = small & ((damping[active] < 1.0) | (smallGains[active] >= MAX_SMALL_GAINS))
        done |= trialCost <= EXACT * zeroCost[active]
        accepted = active[better]
        free[accepted], cost[accepted] = trial[better], trialCost[better]
        damping[active] = np.clip(np.where(better, 0.2, 4.0) * damping[active], 1e-12, 1e12)
        done |= ~better & (damping[active] >= 1e9)
        converged[active[done]] = True
        rows = np.where(better[:, None], trialRows, rows)[~done]
        jacobian = np.where(better[:, None, None], trialJacobian, jacobian)[~done]
        active = active[~done]
        if len(active) == 0:
            break
    return Solution(free, cost, converged)
