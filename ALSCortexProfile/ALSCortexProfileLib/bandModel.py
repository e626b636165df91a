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
    _memory: list = field(default_factory=list, init=False, repr=False, compare=False)

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
        return self._naturalAndSlopes(free)[0]

    def _naturalAndSlopes(self, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Natural parameters, and the derivative of each by its free one; both (n, nParameters)."""
        low, high = self._bounds
        share = 1.0 / (1.0 + np.exp(-free[:, 1:]))
        natural, slopes = free.copy(), np.ones_like(free)
        natural[:, 1:] = low + (high - low) * share
        slopes[:, 1:] = (high - low) * share * (1.0 - share)
        return natural, slopes

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
        step = (self.depthMm[-1] - self.depthMm[0]) / (len(self.depthMm) - 1)
        beyond = step * np.arange(1, half + 1)
        return np.concatenate([self.depthMm[0] - beyond[::-1], self.depthMm, self.depthMm[-1] + beyond])

    @cached_property
    def _responseMatrix(self) -> np.ndarray:
        """From the wide grid to the rows that are compared; those of priors are left 0."""
        n, m = len(self.depthMm), len(self.response)
        matrix = np.zeros((n + m - 1, n + self.nPriorRows))
        for row in range(n):
            matrix[row : row + m, row] = self.response
        return matrix

    @cached_property
    def _places(self) -> np.ndarray:
        """The wide grid, and with priors the crossing."""
        return np.append(self._wideDepthMm, [self.superficial.crossingMm] if self.superficial else [])

    def _scratch(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Memory for n problems, kept from call to call: for value and derivatives, and for `boxLogistic`."""
        nEdges, nPlaces = 3 if self.superficial else 2, len(self._places)
        sizes = n * (1 + self.nParameters) * nPlaces, 6 * nEdges * n * nPlaces
        if not self._memory or len(self._memory[0]) < sizes[0]:
            self._memory[:] = [np.empty(size) for size in sizes]
        wide, edges = self._memory
        return wide[: sizes[0]].reshape(n, -1, nPlaces), edges[: sizes[1]].reshape(6, nEdges, n, nPlaces)

    def rowsAndJacobian(self, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Blurred d at each depth, then one row per prior, each in units of its SD; and their derivatives."""
        natural, chain = self._naturalAndSlopes(free)
        shape = self._shapeOf(natural)
        slopes, centers = [shape[1], shape[3]], [shape[2], shape[4]]
        if self.superficial:
            slopes.append(np.exp(natural[:, 7]))
            centers.append(natural[:, 6])
        # Value first, then the derivatives; parameters before depths, so that each is one contiguous block.
        wide, scratch = self._scratch(len(free))
        # All edges at once, (edge, n, depth): these arrays are small, and it is calls that cost.
        slopes, centers = np.array(slopes)[..., None], np.array(centers)[..., None]
        edges, byCenter, bySlope = boxLogistic(self._places, slopes, centers, self.voxelWidthMm, scratch)
        _bandAndSlopes(shape, edges, byCenter, bySlope, wide)
        if self.superficial:
            height = np.exp(natural[:, 5, None])
            value, minusFlank = wide[:, 0], wide[:, 6]
            np.subtract(edges[2], 1.0, out=minusFlank)
            minusFlank *= height
            value += minusFlank
            np.multiply(byCenter[2], height, out=wide[:, 7])
            np.multiply(bySlope[2], height * slopes[2], out=wide[:, 8])
        rows = self._onGrid(wide)
        if self.superficial:
            self._addPriors(natural, wide[:, 6:, -1], rows[..., len(self.depthMm) :])
        value, jacobian = rows[:, 0], rows[:, 1:]
        jacobian *= chain[:, :, None]
        return value, np.swapaxes(jacobian, 1, 2)

    def _onGrid(self, wide: np.ndarray) -> np.ndarray:
        """From `_places` (n, k, nPlaces), blurred by the response, to rows (n, k, nRows); those of priors are 0."""
        matrix = self._responseMatrix
        if len(self.response) > 1:
            # One product per problem: all in one would be faster, but its digits depend on how many problems there are.
            return wide[..., : len(matrix)] @ matrix
        rows = np.zeros((*wide.shape[:2], matrix.shape[1]))
        rows[..., : len(matrix)] = wide[..., : len(matrix)]
        return rows

    def _addPriors(self, natural, atCrossing, found):
        """Rows (n, 4) and derivatives: slope ratio, leak at the crossing, slope, height.

        :param atCrossing: derivatives of d there by N's parameters, (n, 3).
        :param found: zeros (n, 1 + nParameters, 4) to write into, rows first.
        """
        prior = self.superficial
        found[:, 0, 0] = natural[:, 4] / prior.RATIO_SD
        found[:, 0, 1] = -atCrossing[:, 0] / prior.leak
        found[:, 0, 2] = (natural[:, 7] - np.log(prior.SLOPE_PER_MM)) / prior.SLOPE_SD
        found[:, 0, 3] = (natural[:, 5] - np.log(prior.level)) / prior.LEVEL_SD
        found[:, 5, 0] = 1.0 / prior.RATIO_SD
        found[:, 6:, 1] = -atCrossing / prior.leak
        found[:, 8, 2] = 1.0 / prior.SLOPE_SD
        found[:, 6, 3] = 1.0 / prior.LEVEL_SD

    def peakGradient(self, free: np.ndarray, peakDepthMm: np.ndarray) -> np.ndarray:
        """Derivatives (n, nParameters) of the height of F at its peak; there, F has no slope in depth."""
        natural, chain = self._naturalAndSlopes(free)
        shape = self._shapeOf(natural)
        slopes, centers = np.array([shape[1], shape[3]]), np.array([shape[2], shape[4]])
        edges = boxLogistic(peakDepthMm[:, None], slopes[..., None], centers[..., None])
        found = np.zeros((len(free), 1 + self.nParameters, 1))
        _bandAndSlopes(shape, *edges, found)
        return found[:, 1:, 0] * chain

    def bandCurve(self, free: np.ndarray) -> np.ndarray:
        """F seen through the voxel, without N and without priors, (n, nDepths)."""
        a, b1, c1, b2, c2 = (p[:, None] for p in self.shape(free))
        x, voxel = self._places, self.voxelWidthMm
        value = a * (boxLogistic(x, b1, c1, voxel)[0] - boxLogistic(x, b2, c2, voxel)[0])
        return self._onGrid(value[:, None])[:, 0, : len(self.depthMm)]


def _bandAndSlopes(shape, edges, byCenter, bySlope, found):
    """F and its five derivatives, into `found` (n, >= 6, nDepths), from its two edges, first axis of the arrays."""
    a, b1, c1, b2, c2 = (parameter[:, None] for parameter in shape)
    width = c2 - c1
    value, byArea, byMidpoint, byLogWidth, byLogSlope, byRatio = (found[:, index] for index in range(6))
    np.subtract(edges[0], edges[1], out=byArea)
    np.multiply(byArea, a, out=value)
    byArea /= width
    np.subtract(byCenter[0], byCenter[1], out=byMidpoint)
    byMidpoint *= a
    np.add(byCenter[0], byCenter[1], out=byLogWidth)
    byLogWidth *= -0.5 * a * width
    byLogWidth -= value
    bySlope[0] *= a * b1
    bySlope[1] *= a * b2
    np.subtract(bySlope[0], bySlope[1], out=byLogSlope)
    np.add(bySlope[0], bySlope[1], out=byRatio)
