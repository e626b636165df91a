"""Which sign iron has in this image: declared by the user, and checked against a vein or the globus pallidus.

A globus pallidus rich in iron has the paramagnetic sign whatever its direction. Blood in a vein has it only where the
vein runs along the field: the shift inside a long cylinder goes with 3 cos^2(angle) - 1, and turns over at 55 degrees.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ALSStudyLib.image import ImageVolume
from scipy.ndimage import binary_dilation

from .regions import VEIN, PhaseRegion

NEGATIVE, POSITIVE, UNKNOWN = "paramagnetic_negative", "paramagnetic_positive", "unknown"
POLARITIES = (NEGATIVE, POSITIVE, UNKNOWN)
SIGNS = {NEGATIVE: -1, POSITIVE: 1, UNKNOWN: 0}
CHECKED = (VEIN, "globus_pallidus")
RING_PIXELS = (2, 5)
MIN_ELONGATION = 2.0
UNDECIDED_DEG = (45.0, 65.0)
MIN_SE = 3.0


@dataclass(frozen=True)
class PolarityCheck:
    """:param region: slug. contrastRad: region minus its surroundings. suggests: a polarity; UNKNOWN when undecided.
    :param reason: why it is undecided, or how it was decided.
    """

    region: str
    contrastRad: float
    suggests: str
    reason: str


def checkPolarity(correctedRad: ImageVolume, region: PhaseRegion) -> PolarityCheck:
    """What one region says about the polarity.

    :param correctedRad: filtered phase, rad. B0 is taken to be along the patient's long axis (S), lying supine.
    """
    contrast, se = _contrast(correctedRad.array_KJI, region.voxels_IJK)
    if not np.isfinite(contrast) or contrast == 0 or abs(contrast) < MIN_SE * se:
        return PolarityCheck(region.slug, contrast, UNKNOWN, "no clear contrast with its surroundings")
    inverted, how = False, "by its contrast with its surroundings"
    if region.structure.slug == VEIN:
        angleDeg = _angleToB0Deg(correctedRad, region.voxels_IJK)
        if angleDeg is None:
            return PolarityCheck(region.slug, contrast, UNKNOWN, "the vein's direction is not clear: paint more of it")
        if UNDECIDED_DEG[0] < angleDeg < UNDECIDED_DEG[1]:
            return PolarityCheck(
                region.slug, contrast, UNKNOWN, f"at {angleDeg:.0f} degrees to B0 a vein may have either sign"
            )
        inverted = angleDeg >= UNDECIDED_DEG[1]
        how = f"the vein runs at {angleDeg:.0f} degrees to B0"
    positive = (contrast > 0) != inverted
    return PolarityCheck(region.slug, contrast, POSITIVE if positive else NEGATIVE, how)


def _contrast(values_KJI, voxels_IJK):
    """Mean over the region minus mean of a ring around it in its slices, and the SE of that, rad."""
    inside, around = [], []
    for k in np.unique(voxels_IJK[:, 2]):
        i, j = voxels_IJK[voxels_IJK[:, 2] == k, :2].T
        low = np.maximum([j.min() - RING_PIXELS[1], i.min() - RING_PIXELS[1]], 0)
        high = np.array([j.max(), i.max()]) + RING_PIXELS[1] + 1
        plane = values_KJI[k, low[0] : high[0], low[1] : high[1]]
        mask = np.zeros(plane.shape, dtype=bool)
        mask[j - low[0], i - low[1]] = True
        near, far = (binary_dilation(mask, iterations=n) for n in RING_PIXELS)
        inside.append(plane[mask])
        around.append(plane[far & ~near])
    inside, around = (np.concatenate(parts) for parts in (inside, around))
    inside, around = inside[np.isfinite(inside)], around[np.isfinite(around)]
    if len(inside) < 2 or len(around) < 2:
        return float("nan"), float("nan")
    # Neighboring pixels are alike: a quarter of them count.
    se = np.sqrt(4.0 * inside.var(ddof=1) / len(inside) + 4.0 * around.var(ddof=1) / len(around))
    return float(inside.mean() - np.median(around)), float(se)


def _angleToB0Deg(image: ImageVolume, voxels_IJK) -> float | None:
    """Of the region's long axis to S, 0 to 90 degrees; None for a region that has none."""
    points_RAS = image.ijkToWorld(voxels_IJK)
    if len(points_RAS) < 3:
        return None
    _, lengths, axes = np.linalg.svd(points_RAS - points_RAS.mean(0), full_matrices=False)
    if lengths[0] < MIN_ELONGATION * max(lengths[1], 1e-9):
        return None
    return float(np.degrees(np.arccos(min(abs(axes[0, 2]), 1.0))))
