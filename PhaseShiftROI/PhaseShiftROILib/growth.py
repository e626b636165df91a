"""A compact region of a given number of pixels around one place of a slice: what one click measures."""

from __future__ import annotations

import numpy as np
from ALSStudyLib.errors import InputError

SAME_DISTANCE_MM = 1e-6  # pixels as far away as each other must not be told apart by rounding


def growRegion(center_IJ: tuple[int, int], nPixels: int, shape_IJ: tuple[int, int], edges: np.ndarray) -> np.ndarray:
    """The `nPixels` pixels nearest to one, in mm: a disk also where pixels are no squares, cut at the image's border.

    :param center_IJ: the pixel in the middle. shape_IJ: of the slice. edges: of a pixel, columns for i, j, (3, 2), mm.
    :return: (n, 2) int, the nearest first; always the same ones for the same pixel.
    :raises InputError: a place outside the slice, or a number of pixels that it does not have.
    """
    if not all(0 <= index < count for index, count in zip(center_IJ, shape_IJ, strict=True)):
        raise InputError(
            f"The place is at pixel {center_IJ[0]}, {center_IJ[1]} of a slice of {shape_IJ[0]} x {shape_IJ[1]}; "
            "expected one inside the image; click on the image."
        )
    if not 1 <= nPixels <= shape_IJ[0] * shape_IJ[1]:
        raise InputError(
            f"A region of {nPixels} pixels is asked for in a slice of {shape_IJ[0]} x {shape_IJ[1]}; expected 1 to "
            f"{shape_IJ[0] * shape_IJ[1]}; correct the number."
        )
    i, j = (axis.ravel() for axis in np.meshgrid(*(np.arange(count) for count in shape_IJ), indexing="ij"))
    steps_IJ = np.stack([i - center_IJ[0], j - center_IJ[1]], axis=1)
    distancesMm = np.rint(np.linalg.norm(steps_IJ @ np.asarray(edges, dtype=float).T, axis=1) / SAME_DISTANCE_MM)
    return np.stack([i, j], axis=1)[np.lexsort((i, j, distancesMm))[:nPixels]]
