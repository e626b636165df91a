"""What the property-based tests share: repeatable settings of hypothesis, and the same voxels stored in another way."""

import os
import tempfile

import numpy as np
from hypothesis import HealthCheck, Phase, settings
from hypothesis.configuration import set_hypothesis_home_dir

set_hypothesis_home_dir(os.path.join(tempfile.gettempdir(), "hypothesis"))  # not in the folder of the sources

MANY = int(os.environ.get("ALS_EXAMPLES", "0"))  # of each property, by hand


def examples(count: int):
    """The same examples in every run, `count` of them, or as many as ALS_EXAMPLES says."""
    return settings(
        max_examples=MANY or count,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate, *([Phase.shrink] if MANY else [])),  # shrinking may take minutes
        suppress_health_check=list(HealthCheck),
    )


def storedOtherwise(array_KJI, ijkToRAS, axes, flips):
    """Array and matrix of the same voxels with exchanged axes, some of them counted backwards.

    :param axes: of i, j, k, in the new order. flips: of the new axes, True to count backwards.
    """
    array_IJK = np.transpose(np.asarray(array_KJI).T, axes)
    matrix = ijkToRAS[:, [*axes, 3]].copy()
    for axis in np.flatnonzero(flips):
        array_IJK = np.flip(array_IJK, axis)
        matrix[:3, 3] += (array_IJK.shape[axis] - 1) * matrix[:3, axis]
        matrix[:3, axis] *= -1.0
    return np.ascontiguousarray(array_IJK.T), matrix
