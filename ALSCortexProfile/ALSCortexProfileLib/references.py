"""Reference regions: the splenium that normalizes, the white matter that is the baseline.

Donatelli et al., AJNR 2018;39:63, steps 2 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError
from ALSStudyLib.image import ImageRegion, ImageVolume
from scipy.spatial import cKDTree

NEAR_LINE_MM = 3.0  # the motor cortex is thicker


@dataclass(frozen=True)
class ReferenceValue:
    """:param mean, sd: over the voxels, unit of the image; meanSe: SE of the mean; areaMm2: in the largest slice."""

    mean: float
    sd: float
    meanSe: float
    nVoxels: int
    areaMm2: float


def measureReference(image: ImageVolume, region: ImageRegion) -> ReferenceValue:
    """Mean and area of a region.

    :raises InputError: no voxel of the image in the region, or none with a finite value.
    """
    i, j, k = region.voxels_IJK.reshape(-1, 3).T
    if len(i) == 0:
        raise InputError(
            f"Reference '{region.name}' is empty on {image.name}; expected voxels inside the image; paint it again."
        )
    values = np.asarray(image.array_KJI[k, j, i], dtype=float)
    finite = np.isfinite(values)
    if not finite.all():
        raise InputError(
            f"Reference '{region.name}' holds {int((~finite).sum())} voxels of {len(values)} that are NaN or infinite; "
            "expected numbers; move the region or repair the image."
        )
    sd = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return ReferenceValue(
        mean=float(values.mean()),
        sd=sd,
        meanSe=sd / np.sqrt(len(values)),
        nVoxels=len(values),
        areaMm2=_largestAreaMm2(image, region.voxels_IJK),
    )


def _largestAreaMm2(image: ImageVolume, voxels_IJK: np.ndarray) -> float:
    """Area in the largest slice, in the direction the region was painted: that in which it has the fewest slices."""
    axis = min(image.axesBySlice, key=lambda axis: len(np.unique(voxels_IJK[:, axis])))
    across, up = (image.ijkToRAS[:3, other] for other in range(3) if other != axis)
    return float(np.bincount(voxels_IJK[:, axis]).max() * np.linalg.norm(np.cross(across, up)))


def checkSplenium(splenium: ReferenceValue, minAreaMm2: float, name: str = "Splenium") -> None:
    """:raises InputError: smaller than the paper's 5 mm2, or a mean that cannot normalize."""
    if splenium.areaMm2 < minAreaMm2 - 1e-6:
        raise InputError(
            f"Reference '{name}' covers {splenium.areaMm2:.1f} mm2 in its largest slice; "
            f"expected at least {minAreaMm2:g} mm2; paint more of it."
        )
    checkPositive(splenium, name)


def checkPositive(value: ReferenceValue, name: str) -> None:
    """:raises InputError: a mean that no tissue has."""
    if not value.mean > 0:
        raise InputError(
            f"Reference '{name}' has the mean {value.mean:.4g}; expected more than 0; "
            "is this the magnitude image, and the region in the brain?"
        )


def checkApart(image: ImageVolume, region: ImageRegion, points_RAS: np.ndarray, contourName: str) -> None:
    """:raises InputError: the region covers part of a pial line, given as points (n, 3)."""
    index = np.rint(image.rasToIJK(points_RAS)).astype(int)
    shape = np.array(image.shape_IJK)
    covered = np.isin(_flat(index, shape), _flat(region.voxels_IJK.reshape(-1, 3), shape))
    if covered.any():
        raise InputError(
            f"Reference '{region.name}' covers {int(covered.sum())} of {len(covered)} points of {contourName}; "
            "expected it apart from the pial line; erase it there."
        )


def isNearLine(image: ImageVolume, region: ImageRegion, lines_RAS: Sequence[np.ndarray]) -> bool:
    """Whether part of a region lies so near to a pial line that it is cortex, of this bank or of another.

    :param lines_RAS: control points of each line of the exam, (n, 3).
    """
    if len(region.voxels_IJK) == 0:
        return False
    points_RAS = [_between(points) for points in lines_RAS if len(points) > 1]
    if not points_RAS:
        return False
    distanceMm, _index = cKDTree(np.concatenate(points_RAS)).query(image.ijkToWorld(region.voxels_IJK))
    return bool(distanceMm.min() < NEAR_LINE_MM)


def _between(points_RAS: np.ndarray) -> np.ndarray:
    """The points, and some straight between them."""
    share = np.linspace(0.0, 1.0, 8)[:, None, None]
    return ((1.0 - share) * points_RAS[:-1] + share * points_RAS[1:]).reshape(-1, 3)


def _flat(index_IJK, shape):
    return (index_IJK[:, 2] * shape[1] + index_IJK[:, 1]) * shape[0] + index_IJK[:, 0]
