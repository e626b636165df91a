"""An image as the science sees it: an array, and where its voxels are in the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])
THICK = 1.45  # times the shortest voxel edge: slices, whichever axis a file stores them along


@dataclass(frozen=True)
class ImageVolume:
    """A scalar volume that is looked at, never copied.

    :param array_KJI: voxel values, shape (nK, nJ, nI), any real type. Kept as given, often a view of VTK's memory.
    :param ijkToRAS: shape (4, 4), voxel index (i, j, k) to world millimeters, linear parent transforms included.
    :param worldToLocal, localToWorld: map points (n, 3) between world RAS and RAS before a non-linear parent
        transform; both None if there is none.
    :param name: what to call the image in messages.
    :param darkIsHigh: dark cortex has high values, as in R2*.
    """

    array_KJI: np.ndarray
    ijkToRAS: np.ndarray
    worldToLocal: Callable[[np.ndarray], np.ndarray] | None = None
    localToWorld: Callable[[np.ndarray], np.ndarray] | None = None
    name: str = "image"
    darkIsHigh: bool = False

    @property
    def shape_IJK(self) -> tuple[int, int, int]:
        nK, nJ, nI = self.array_KJI.shape
        return nI, nJ, nK

    @cached_property
    def spacingMm(self) -> np.ndarray:
        """Voxel edge lengths along i, j, k, shape (3,), mm."""
        return np.linalg.norm(self.ijkToRAS[:3, :3], axis=0)

    @cached_property
    def axesBySlice(self) -> list[int]:
        """Axes 0, 1, 2 for i, j, k, the likeliest of the slices first: far longer edges, then k before j before i."""
        thick = self.spacingMm > THICK * self.spacingMm.min()
        return sorted((2, 1, 0), key=lambda axis: not thick[axis])

    def rasToIJK(self, points_RAS: np.ndarray) -> np.ndarray:
        """World points (..., 3) in mm to continuous voxel indices (..., 3) in i, j, k order."""
        points = np.asarray(points_RAS, dtype=float)
        if self.worldToLocal is not None:
            points = self.worldToLocal(points.reshape(-1, 3)).reshape(points.shape)
        inverse = self._rasToIJK
        return points @ inverse[:3, :3].T + inverse[:3, 3]

    def ijkToWorld(self, points_IJK: np.ndarray) -> np.ndarray:
        """Voxel indices (n, 3) in i, j, k order to world points (n, 3) in mm."""
        points = np.asarray(points_IJK, dtype=float) @ self.ijkToRAS[:3, :3].T + self.ijkToRAS[:3, 3]
        return points if self.localToWorld is None else self.localToWorld(points)

    def edgesNear(self, point_RAS: np.ndarray) -> np.ndarray:
        """Edges of a voxel at a world point, as columns for i, j, k, (3, 3), mm."""
        if self.worldToLocal is None:
            return self.ijkToRAS[:3, :3]
        step = 0.01
        at = np.asarray(point_RAS, dtype=float) + step * np.vstack([np.eye(3), -np.eye(3)])
        ijk = self.rasToIJK(at)
        return np.linalg.inv((ijk[:3] - ijk[3:]).T / (2 * step))

    @cached_property
    def _rasToIJK(self) -> np.ndarray:
        return np.linalg.inv(self.ijkToRAS)

    def boundsText(self) -> str:
        """The box of voxel centers in world RAS, as words for a message."""
        nI, nJ, nK = self.shape_IJK
        corners = np.array([[i, j, k] for i in (0, nI - 1) for j in (0, nJ - 1) for k in (0, nK - 1)])
        corners_RAS = self.ijkToWorld(corners)
        low, high = corners_RAS.min(0), corners_RAS.max(0)
        return ", ".join(f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in zip("RAS", low, high, strict=True)) + " mm"


@dataclass(frozen=True)
class ImageRegion:
    """A region on the image's own grid.

    :param name: as in the segmentation, for messages.
    :param voxels_IJK: indices of the image voxels whose centers lie in the region, (n, 3) int.
    """

    name: str
    voxels_IJK: np.ndarray


def planeNormal(edges: np.ndarray, axis: int) -> np.ndarray:
    """Unit normal of the plane of constant i, j or k; not the edge itself where the volume is sheared."""
    row = np.linalg.inv(edges)[axis]
    return row / np.linalg.norm(row)


def voxelWidthMm(edges: np.ndarray, directions_RAS: np.ndarray) -> np.ndarray:
    """Width of the one box that blurs a line as much as the voxel does along it.

    A voxel seen along a unit vector is the convolution of one box per edge; a single box of the same variance has
    the width sqrt(sum (edge . direction)^2).

    :param edges: columns, (3, 3), mm; directions_RAS: unit vectors (n, 3).
    :return: (n,), mm.
    """
    return np.linalg.norm(np.asarray(directions_RAS) @ edges, axis=1)
