"""What a mean profile should look like: a dark band, seen through voxels, beside bright superficial layers.

`d(x) = blur[F(x) - N(x)]`. F is the double sigmoid of the paper. N, beyond the paper, is the flank of whatever is
brighter than white matter above the band (superficial layers, CSF): `N(x) = h [1 - f(x; bn, cn)]`. Without it that
flank eats into the band and SH/Thk is 2-5 % high where superficial layers are bright; with it free, noise makes it
eat the band itself. So N is held by priors that bind only as far as noise leaves it open.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy.special import expit

from .logistic import boxLogistic

MAX_SLOPE_RATIO = 4.0  # beyond this F dips visibly below zero beside the band
MIN_WIDTH_MM = 0.05
SLOPE_RANGE_PER_MM = (0.6, 40.0)
BAND_PARAMETERS = 5
NO_RESPONSE = np.ones(1)


@dataclass(frozen=True)
class SuperficialPrior:
    """What is known of the bright flank N before the fit.

    :param crossingMm: where the mean profile rises through zero.
    :param leak: SD of N at that place, unit of d: N may overlap the band this much.
    :param level: expected height of N, unit of d, within a factor of exp(LEVEL_SD).
    """

    crossingMm: float
    leak: float
    level: float

    LEVEL_SD = 0.7
    SLOPE_PER_MM = 6.0
    SLOPE_SD = 0.4  # of the log slope: one voxel's width and one millimeter are both about 2 SD away
    RATIO_SD = 0.3  # of half the log ratio of the band's own slopes, which trade against N's


@dataclass(frozen=True)
class BandModel:
    """The model on one grid of depths.

    :param depthMm: evenly spaced, shape (nDepths,).
    :param voxelWidthMm: width of the box that stands for the voxel along the normals; 0 for none.
    :param response: what remains of voxel and interpolation besides that box: an odd, symmetric kernel on the
        depth grid that sums to 1 (`sampling.residualResponse`).
    :param superficial: model the bright flank, with this prior; None fits F alone.

    Free parameters: area, midpoint, log width, mean log slope, half log slope ratio of F; log height, position,
    log slope of N. All but the area enter through a logistic that keeps them in bounds.
    """

    depthMm: np.ndarray
    voxelWidthMm: float = 0.0
    response: np.ndarray = field(default_factory=lambda: NO_RESPONSE)
    superficial: SuperficialPrior | None = None

    @property
    def nParameters(self) -> int:
        return BAND_PARAMETERS + (3 if self.superficial else 0)

    @property
    def nPriorRows(self) -> int:
        return 4 if self.superficial else 0

    @cached_property
    def linear(self) -> np.ndarray:
        return np.arange(self.nParameters) == 0

    @cached_property
    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        first, last = float(self.depthMm[0]), float(self.depthMm[-1])
        halfRatio = 0.5 * np.log(MAX_SLOPE_RATIO)
        slopes = np.log(SLOPE_RANGE_PER_MM)
        low = [first - 0.5, np.log(MIN_WIDTH_MM), slopes[0], -halfRatio]
        high = [last + 0.5, np.log(1.5 * (last - first)), slopes[1], halfRatio]
        if self.superficial:
            low += [np.log(1e-4), self.superficial.crossingMm - 1.5, np.log(1.5)]
            high += [np.log(5.0), self.superficial.crossingMm + 0.4, np.log(30.0)]
        return np.array(low), np.array(high)

    def natural(self, free: np.ndarray) -> np.ndarray:
        """Free parameters (n, nParameters) to those named above."""
        low, high = self._bounds
        natural = np.empty_like(free)
        natural[:, 0] = free[:, 0]
        natural[:, 1:] = low + (high - low) * expit(free[:, 1:])
        return natural

    def free(self, natural: np.ndarray) -> np.ndarray:
        low, high = self._bounds
        unit = np.clip((natural[:, 1:] - low) / (high - low), 2e-3, 1.0 - 2e-3)
        return np.column_stack([natural[:, 0], np.log(unit / (1.0 - unit))])

    def shape(self, free: np.ndarray) -> tuple[np.ndarray, ...]:
        """(a, b1, c1, b2, c2) of F, each (n,)."""
        return self._shapeOf(self.natural(free))

    def _shapeOf(self, natural: np.ndarray) -> tuple[np.ndarray, ...]:
        area, midpoint, logWidth, logSlope, halfRatio = natural.T[:BAND_PARAMETERS]
        width = np.exp(logWidth)
        return (
            area / width,
            np.exp(logSlope + halfRatio),
            midpoint - 0.5 * width,
            np.exp(logSlope - halfRatio),
            midpoint + 0.5 * width,
        )

    @cached_property
    def _wideDepthMm(self) -> np.ndarray:
        """The grid with what the response reaches on either side."""
        half = len(self.response) // 2
        if half == 0:
            return self.depthMm
        step = (self.depthMm[-1] - self.depthMm[0]) / (len(self.depthMm) - 1)
        beyond = step * np.arange(1, half + 1)
        return np.concatenate([self.depthMm[0] - beyond[::-1], self.depthMm, self.depthMm[-1] + beyond])

    @cached_property
    def _responseMatrix(self) -> np.ndarray:
        n, m = len(self.depthMm), len(self.response)
        matrix = np.zeros((n, n + m - 1))
        for row in range(n):
            matrix[row, row : row + m] = self.response
        return matrix

    def rowsAndJacobian(self, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Blurred d at each depth, then one row per prior, each in units of its SD; and their derivatives."""
        low, high = self._bounds
        natural = self.natural(free)
        chain = np.ones_like(free)
        chain[:, 1:] = (natural[:, 1:] - low) * (high - natural[:, 1:]) / (high - low)
        a, b1, c1, b2, c2 = self._shapeOf(natural)
        slopes, centers = [b1, b2], [c1, c2]
        x = self._wideDepthMm
        prior = self.superficial
        if prior:
            slopes.append(np.exp(natural[:, 7]))
            centers.append(natural[:, 6])
            x = np.append(x, prior.crossingMm)
        # All edges at once, (edge, n, depth): these arrays are small, and it is calls that cost.
        edges, byCenter, bySlope = boxLogistic(
            x, np.array(slopes)[..., None], np.array(centers)[..., None], self.voxelWidthMm
        )
        # Parameters before depths: each derivative is then one contiguous block.
        jacobian = np.empty((len(free), self.nParameters, len(x)))
        value = _bandAndSlopes((a, b1, c1, b2, c2), edges, byCenter, bySlope, jacobian)
        if prior:
            height = np.exp(natural[:, 5, None])
            flank = height * (1.0 - edges[2])
            value = value - flank
            jacobian[:, 5] = -flank
            jacobian[:, 6] = height * byCenter[2]
            jacobian[:, 7] = (height * slopes[2][:, None]) * bySlope[2]
            priorValue, priorJacobian = self._priorRows(natural, flank[:, -1], jacobian[:, 5:, -1])
            value, jacobian = value[:, :-1], jacobian[:, :, :-1]
        if len(self.response) > 1:
            value = value @ self._responseMatrix.T
            jacobian = jacobian @ self._responseMatrix.T
        if prior:
            value = np.concatenate([value, priorValue], axis=1)
            jacobian = np.concatenate([jacobian, priorJacobian], axis=2)
        return value, np.swapaxes(jacobian * chain[:, :, None], 1, 2)

    def _priorRows(self, natural, flank, minusFlankSlopes):
        """Rows (n, 4) and derivatives (n, nParameters, 4): slope ratio, leak at the crossing, slope, height."""
        prior = self.superficial
        value = np.empty((len(natural), 4))
        value[:, 0] = natural[:, 4] / prior.RATIO_SD
        value[:, 1] = flank / prior.leak
        value[:, 2] = (natural[:, 7] - np.log(prior.SLOPE_PER_MM)) / prior.SLOPE_SD
        value[:, 3] = (natural[:, 5] - np.log(prior.level)) / prior.LEVEL_SD
        jacobian = np.zeros((len(natural), self.nParameters, 4))
        jacobian[:, 4, 0] = 1.0 / prior.RATIO_SD
        jacobian[:, 5:, 1] = -minusFlankSlopes / prior.leak
        jacobian[:, 7, 2] = 1.0 / prior.SLOPE_SD
        jacobian[:, 5, 3] = 1.0 / prior.LEVEL_SD
        return value, jacobian

    def peakGradient(self, free: np.ndarray, peakDepthMm: np.ndarray) -> np.ndarray:
        """Derivatives (n, nParameters) of the height of F at its peak; there, F has no slope in depth."""
        low, high = self._bounds
        natural = self.natural(free)
        shape = self._shapeOf(natural)
        slopes, centers = np.array([shape[1], shape[3]]), np.array([shape[2], shape[4]])
        edges = boxLogistic(peakDepthMm[:, None], slopes[..., None], centers[..., None])
        gradient = np.zeros((len(free), self.nParameters, 1))
        _bandAndSlopes(shape, *edges, gradient)
        gradient[:, 1:, 0] *= (natural[:, 1:] - low) * (high - natural[:, 1:]) / (high - low)
        return gradient[..., 0]

    def bandCurve(self, free: np.ndarray) -> np.ndarray:
        """F seen through the voxel, without N and without priors, (n, nDepths)."""
        a, b1, c1, b2, c2 = (p[:, None] for p in self.shape(free))
        x, voxel = self._wideDepthMm, self.voxelWidthMm
        value = a * (boxLogistic(x, b1, c1, voxel)[0] - boxLogistic(x, b2, c2, voxel)[0])
        return value @ self._responseMatrix.T if len(self.response) > 1 else value


def _bandAndSlopes(shape, edges, byCenter, bySlope, jacobian):
    """F (n, nDepths) from its two edges, first axis of the arrays; its five derivatives go into `jacobian`."""
    a, b1, c1, b2, c2 = (parameter[:, None] for parameter in shape)
    unit = edges[0] - edges[1]
    width = c2 - c1
    value = a * unit
    byLogSlope1, byLogSlope2 = a * b1 * bySlope[0], a * b2 * bySlope[1]
    jacobian[:, 0] = unit / width
    jacobian[:, 1] = a * (byCenter[0] - byCenter[1])
    jacobian[:, 2] = -value - (0.5 * a * width) * (byCenter[0] + byCenter[1])
    jacobian[:, 3] = byLogSlope1 - byLogSlope2
    jacobian[:, 4] = byLogSlope1 + byLogSlope2
    return value
