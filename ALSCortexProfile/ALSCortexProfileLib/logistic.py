"""The logistic edge, sharp or seen through a voxel."""

from __future__ import annotations

import numpy as np


def logistic(z):
    """1 / (1 + exp(-z)), to rounding for every z; several times as fast as `scipy.special.expit`."""
    with np.errstate(over="ignore"):  # exp of a large -z is infinite, and the logistic then 0
        return 1.0 / (1.0 + np.exp(-z))


def boxLogistic(x, b, c, widthMm=0.0, scratch=None):
    """The logistic 1 / (1 + exp(-b (x - c))) averaged over [x - width/2, x + width/2], and its slopes in c and b.

    The average of a logistic over a box is a difference of softplus functions, so it stays closed-form: with
    d = exp(-b |x - c|), k = exp(-b width/2) and t = log((1 + d k) / (d + k)) / (b width), it is 1/2 + t to the right
    of c and 1/2 - t to the left. One exponential and one logarithm give value and slopes, and none can overflow.

    :param x, c, widthMm: mm; b: 1/mm, positive. Arrays broadcast; `widthMm` is one number, 0 for the plain logistic.
    :param scratch: array (6, *shape) to work in, for calls in a loop: new memory costs as much as the arithmetic.
    :return: value, d value / d c (1/mm), d value / d b (mm); parts of `scratch`.
    """
    if scratch is None:
        scratch = np.empty((6, *np.broadcast_shapes(np.shape(x), np.shape(b), np.shape(c))))
    value, byCenter, bySlope, offset, far, per = (scratch[index, ...] for index in range(6))
    np.subtract(x, c, out=offset)
    if widthMm == 0.0:
        value[...] = logistic(b * offset)
        np.subtract(1.0, value, out=bySlope)
        bySlope *= value
        np.multiply(bySlope, -b, out=byCenter)
        bySlope *= offset
        return value, byCenter, bySlope
    k = np.maximum(np.exp(-0.5 * widthMm * b), 1e-300)
    np.abs(offset, out=far)
    d = np.exp(np.multiply(far, -b, out=bySlope), out=bySlope)
    left = np.add(d, k, out=byCenter)
    right = np.multiply(d, k, out=per)
    right += 1.0
    np.divide(right, left, out=value)
    np.log(value, out=value)
    value *= 1.0 / (b * widthMm)  # t
    per *= left
    np.divide(d, per, out=byCenter)
    byCenter *= (1.0 - k * k) / widthMm
    # (k/2 (1 - d d) / per - t + far byCenter) / b
    bySlope *= d
    np.subtract(1.0, bySlope, out=bySlope)
    bySlope *= 0.5 * k
    bySlope /= per
    bySlope -= value
    far *= byCenter
    bySlope += far
    bySlope *= 1.0 / b
    np.negative(byCenter, out=byCenter)
    np.copysign(bySlope, offset, out=bySlope)
    np.copysign(value, offset, out=value)
    value += 0.5
    return value, byCenter, bySlope
