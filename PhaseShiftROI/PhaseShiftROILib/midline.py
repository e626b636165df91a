"""Whether a region lies on the side that its name says: a slip that no number would show."""

from __future__ import annotations

import numpy as np
from ALSStudyLib.image import ImageVolume

WHOLE_HEAD_MM = 110.0  # signal that is less wide may be half a head, whose middle is not the midline
ACROSS_MM = 5.0  # as for the lines of the cortex profile
EDGE_SHARE = 0.1  # of the fullest plane: less is noise


def midline_R(image: ImageVolume, magnitude_KJI: np.ndarray | None) -> float | None:
    """Right-left coordinate of the middle of the signal, mm; None without magnitude, or of less than a head.

    :param magnitude_KJI: (nK, nJ, nI), on the image's grid.
    """
    if magnitude_KJI is None:
        return None
    signal = magnitude_KJI > np.nanmean(magnitude_KJI)
    counts_IJK = [signal.sum(axis=axes) for axes in ((0, 1), (0, 2), (1, 2))]
    across = int(np.argmax(np.abs(image.ijkToRAS[0, :3])))
    planes = np.flatnonzero(counts_IJK[across] > EDGE_SHARE * counts_IJK[across].max())
    if len(planes) == 0 or np.ptp(planes) * image.spacingMm[across] < WHOLE_HEAD_MM:
        return None
    center_IJK = [np.average(np.arange(len(counts)), weights=counts) for counts in counts_IJK]
    return float(image.ijkToWorld(np.array([center_IJK]))[0, 0])


def isAcross(side: str, voxels_IJK: np.ndarray, image: ImageVolume, middle_R: float | None) -> bool:
    """Whether a left region lies clearly to the right of the middle, or a right one to the left.

    :param voxels_IJK: (n, 3).
    """
    if middle_R is None or not side or len(voxels_IJK) == 0:
        return False
    beyond = float(image.ijkToWorld(voxels_IJK.mean(0)[None])[0, 0]) - middle_R
    return beyond > ACROSS_MM if side == "left" else beyond < -ACROSS_MM
