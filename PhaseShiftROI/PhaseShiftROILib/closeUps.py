"""Pictures of regions on the corrected phase without a drawing library, for Slicer ships none: pixels and outlines."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import vtk
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageVolume
from vtk.util.numpy_support import numpy_to_vtk

MARGIN_MM = 12.0
DOTS_PER_MM = 14.0
LINE_DOTS = 2


def closeUp(
    image: ImageVolume,
    slice: int,
    outlines: Sequence[tuple[np.ndarray, tuple[float, float, float]]],
    limits: tuple[float, float],
) -> np.ndarray:
    """One slice around its first outline, (height, width, 3) uint8: patient's right on the left, front or top above.

    :param outlines: voxels (n, 3) and color (0 to 1) of regions; those of other slices are left out. The first is on
        the slice. limits: values that are black and white.
    """
    plane_JI = np.asarray(image.array_KJI[slice], dtype=float)
    masks = [_mask(plane_JI.shape, voxels_IJK, slice) for voxels_IJK, _color in outlines]
    rows, columns = np.nonzero(masks[0])
    spacing_JI = image.spacingMm[1], image.spacingMm[0]
    box = tuple(
        np.s_[max(int(index.min() - MARGIN_MM / spacing), 0) : int(index.max() + MARGIN_MM / spacing) + 2]
        for index, spacing in zip((rows, columns), spacing_JI, strict=True)
    )
    dots = [max(round(DOTS_PER_MM * spacing), 3) for spacing in spacing_JI]

    def enlarged(array):
        return array[box].repeat(dots[0], axis=0).repeat(dots[1], axis=1)

    low, high = limits
    gray = np.nan_to_num(np.clip((enlarged(plane_JI) - low) / (high - low), 0.0, 1.0))
    picture = np.rint(255 * gray).astype(np.uint8)[..., None].repeat(3, axis=2)
    for mask, (_voxels, color) in reversed(list(zip(masks, outlines, strict=True))):
        picture[_border(enlarged(mask))] = np.rint(255 * np.array(color))
    return _asOneLooks(picture, image.ijkToRAS[:3, :2])


def _mask(shape_JI, voxels_IJK, slice) -> np.ndarray:
    mask = np.zeros(shape_JI, dtype=bool)
    here = voxels_IJK[voxels_IJK[:, 2] == slice]
    mask[here[:, 1], here[:, 0]] = True
    return mask


def _border(mask: np.ndarray) -> np.ndarray:
    """Dots of a mask that are near to its outside."""
    inside = np.pad(mask, LINE_DOTS)
    inner = inside.copy()
    for axis in (0, 1):
        for step in range(-LINE_DOTS, LINE_DOTS + 1):
            inner &= np.roll(inside, step, axis)
    return mask & ~inner[LINE_DOTS:-LINE_DOTS, LINE_DOTS:-LINE_DOTS]


def _asOneLooks(picture: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Turned as radiologists look at it; rows are j, columns i. directions: of i and j, (3, 2)."""
    i, j = directions.T
    across = int(np.argmax(np.abs(i)))
    up = int(np.argmax(np.where(np.arange(3) == across, -1.0, np.abs(j))))
    if across > up:  # R or A goes across, A or S up
        picture, i, j, across, up = picture.transpose(1, 0, 2), j, i, up, across
    picture = picture[:, ::-1] if i[across] > 0 else picture
    return np.ascontiguousarray(picture[::-1] if j[up] > 0 else picture)


def writePng(path: Path, picture: np.ndarray) -> None:
    """:param picture: (height, width, 3) uint8. :raises InputError: it cannot be written."""
    height, width, _channels = picture.shape
    image = vtk.vtkImageData()
    image.SetDimensions(width, height, 1)
    dots = np.ascontiguousarray(picture[::-1]).reshape(-1, 3)  # VTK counts rows from below
    image.GetPointData().SetScalars(numpy_to_vtk(dots, deep=True))
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()
    if writer.GetErrorCode():  # VTK raises nothing
        raise InputError(f"Picture '{path}' could not be written; expected a writable folder with room; check it.")
