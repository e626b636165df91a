"""Single profiles: intensity and hypointensity along every normal that can be used, as drawn and aligned.

Donatelli et al., AJNR 2018;39:63, step 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError

from .alignment import Alignment, alignProfiles
from .contour import ContourNormals
from .hypointensity import hypointensity
from ALSStudyLib.image import ImageVolume
from .references import ReferenceValue
from .sampling import sampleAlongNormals
from .settings import ProfileSettings

MIN_SAMPLED_SHARE = 0.5  # of the depths down to `crossingDepthMm`; a normal with fewer is not used


@dataclass(frozen=True)
class SampledProfiles:
    """Single profiles of all contours of a target, one row per normal that is used.

    :param intensity, hypointensity: where the line was drawn, (nNormals, nDepths).
    :param alignedHypointensity: after alignment; the same array if alignment is off.
    :param contour: index of the contour of each normal; arcMm: its place on it.
    :param used: one mask over `ContourNormals` rows per contour: the normals that are here.
    """

    depthMm: np.ndarray
    intensity: np.ndarray
    hypointensity: np.ndarray
    alignedHypointensity: np.ndarray
    contour: np.ndarray
    arcMm: np.ndarray
    alignment: Alignment
    used: tuple[np.ndarray, ...]

    def hypointensityOf(self, align: bool) -> np.ndarray:
        return self.alignedHypointensity if align else self.hypointensity


def sampleProfiles(
    image: ImageVolume,
    normals: Sequence[ContourNormals],
    splenium: ReferenceValue,
    whiteMatter: ReferenceValue,
    settings: ProfileSettings,
) -> tuple[SampledProfiles, list[str]]:
    """Sample every normal, drop those that cannot be used, and align the rest.

    :return: the profiles, and remarks on them.
    :raises InputError: fewer usable normals than `minNormals`.
    """
    nDepths = round((settings.maxDepthMm - settings.minDepthMm) / settings.depthStepMm) + 1
    depthMm = settings.minDepthMm + settings.depthStepMm * np.arange(nDepths)

    def sample(rows, used, depths):
        values = sampleAlongNormals(
            image, rows.points_RAS[used], rows.normals_RAS[used], depths, settings.interpolation
        )
        values[np.broadcast_to(depths, values.shape) > rows.usableDepthMm[used, None]] = np.nan
        return values

    needed = (depthMm >= 0) & (depthMm <= settings.crossingDepthMm)
    intensities, masks, missing = [], [], 0
    for rows in normals:
        candidates = ~rows.excluded
        values = sample(rows, candidates, depthMm)
        sampled = np.isfinite(values[:, needed]).mean(1) > MIN_SAMPLED_SHARE
        missing += int((~sampled).sum())
        used = candidates.copy()
        used[candidates] = sampled
        intensities.append(values[sampled])
        masks.append(used)
    intensity = np.concatenate(intensities)
    if len(intensity) < settings.minNormals:
        crossing = int(sum(rows.excluded.sum() for rows in normals))
        total = sum(len(rows.arcMm) for rows in normals)
        raise InputError(
            f"Only {len(intensity)} of {total} normals can be used ({crossing} cross another within "
            f"{settings.crossingDepthMm:g} mm, {missing} leave the image or meet voxels that are not numbers); "
            f"expected at least {settings.minNormals}; draw a longer or smoother line."
        )

    def toD(values):
        return hypointensity(values, whiteMatter.mean, splenium.mean, image.darkIsHigh)

    contour = np.concatenate([np.full(int(used.sum()), index) for index, used in enumerate(masks)])
    arcMm = np.concatenate([rows.arcMm[used] for rows, used in zip(normals, masks, strict=True)])
    spacingMm = np.array([np.median(rows.controlSpacingMm) for rows in normals])
    d = toD(intensity)
    alignment = alignProfiles(depthMm, d, contour, arcMm, spacingMm, settings)
    # Sampled again, not interpolated from the samples: another interpolation would blur the band.
    depths = alignment.depthsMm(depthMm)
    aligned = np.concatenate(
        [
            sample(rows, used, depths[contour == index])
            for index, (rows, used) in enumerate(zip(normals, masks, strict=True))
        ]
    )
    flags = []
    if missing:
        flags.append(f"{missing}_normals_not_sampled")
    if settings.align and np.abs(alignment.shiftMm).max() > 0.99 * settings.maxShiftMm:
        flags.append("shift_at_limit")
    profiles = SampledProfiles(depthMm, intensity, d, toD(aligned), contour, arcMm, alignment, tuple(masks))
    return profiles, flags
