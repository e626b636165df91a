"""How the cortex stands to the slice and to the main field.

An in-plane width is inflated by 1/cos(tilt): 6, 15, 41 % at 20, 30, 45 degrees (METHODS.md). The tilt shows in how
far the line moves from one slice to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from scipy.spatial import cKDTree

from .contour import ContourNormals

B0_RAS = np.array([0.0, 0.0, 1.0])  # a supine patient: the scanner's axis runs from foot to head
MAX_ALONG_MM = 0.5


def sliceTiltDeg(normals: Sequence[ContourNormals]) -> float:
    """Angle between the cortex and the slice normal, degrees, from lines on different slices; NaN if there are none.

    The median along the line of the signed offset is taken, so that jitter of the drawing cancels.
    """
    angles = []
    for first, second in _neighbors(normals):
        rise_mm = float((second.points_RAS.mean(0) - first.points_RAS.mean(0)) @ first.planeNormal_RAS)
        if abs(rise_mm) < 1e-3:
            continue
        lifted = first.points_RAS + rise_mm * first.planeNormal_RAS
        offset = second.points_RAS[cKDTree(second.points_RAS).query(lifted)[1]] - lifted
        beside = np.abs((offset * first.tangents_RAS).sum(1)) < MAX_ALONG_MM
        if beside.sum() < 5:
            continue
        shift = np.median((offset * first.normals_RAS).sum(1)[beside])
        angles.append(np.degrees(np.arctan2(abs(shift), abs(rise_mm))))
    return float(np.mean(angles)) if angles else float("nan")


def _neighbors(normals):
    """Pairs of lines on neighboring slices of one kind; both ways round, for a file may count them from either end."""
    ordered = sorted(normals, key=lambda rows: rows.slice)
    pairs = [(a, b) for a, b in pairwise(ordered) if a.planeAxis == b.planeAxis and a.slice != b.slice]
    return [*pairs, *((b, a) for a, b in pairs)]


def anglesToB0Deg(normals_RAS: np.ndarray) -> float:
    """Mean angle between the normals (n, 3) and the main field, 0-90 degrees."""
    cosine = np.clip(np.abs(normals_RAS @ B0_RAS), 0.0, 1.0)
    return float(np.degrees(np.arccos(cosine)).mean())
