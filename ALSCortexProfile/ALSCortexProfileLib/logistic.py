"""The logistic edge, sharp or seen through a voxel."""

from __future__ import annotations

import numpy as np
from scipy.special import expit


def boxLogistic(x, b, c, widthMm=0.0):
    """The logistic 1 / (1 + exp(-b (x - c))) averaged over [x - width/2, x + width/2], and its slopes in c and b.

    The average of a logistic over a box is a difference of softplus functions, so it stays closed-form.

    :param x, c, widthMm: mm; b: 1/mm. Arrays broadcast; `widthMm` is one number, 0 for the plain logistic.
    :return: value, d value / d c (1/mm), d value / d b (mm).
    """
    if widthMm == 0.0:
        value = expit(b * (x - c))
        bell = value * (1.0 - value)
        return value, -b * bell, (x - c) * bell
    upper, lower = x - c + 0.5 * widthMm, x - c - 0.5 * widthMm
    softUpper, logisticUpper = _softplusAndLogistic(b * upper)
    softLower, logisticLower = _softplusAndLogistic(b * lower)
    value = (softUpper - softLower) / (b * widthMm)
    byCenter = (logisticLower - logisticUpper) / widthMm
    bySlope = (upper * logisticUpper - lower * logisticLower) / (b * widthMm) - value / b
    return value, byCenter, bySlope


def _softplusAndLogistic(z):
    decay = np.exp(-np.abs(z))
    return np.maximum(z, 0.0) + np.log1p(decay), np.where(z >= 0, 1.0, decay) / (1.0 + decay)
