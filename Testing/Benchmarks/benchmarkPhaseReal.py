"""Phase of real images: Laplacian unwrapping beside skimage's, and one filter beside the other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from benchmarkTools import Goal, Runner, Topic
from PhaseShiftROILib.angle import wrapped
from PhaseShiftROILib.encoding import RADIANS, SIEMENS, phaseFromStored
from PhaseShiftROILib.gaussianHighPass import gaussianHighPass, sigmaForCutoff
from PhaseShiftROILib.homodyne import homodyne
from PhaseShiftROILib.laplacian import unwrapLaplacian
from scipy.ndimage import binary_erosion
from skimage.restoration import unwrap_phase

REPOSITORY = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("ALS_SHARED_DATA", REPOSITORY.parent / "shared" / "data")) / "real"
CUTOFF_MM = 7.5
EROSION_VOXELS = 2
MIN_MAGNITUDE = 0.3  # of its 95th percentile
LIMITS_RAD = (0.1, 0.3, 1.0)
ARBITRARY_HALF_TURN = 0.0036744  # of multi_echo_gre, as its README declares
IMAGES = {
    "gre_epi_7t": ("magnitude.nii.gz", "phase_siemens.nii.gz", SIEMENS, None),
    "multi_echo_gre": ("magnitude.nii.gz", "phase_arbitrary.nii.gz", RADIANS, 2),
    "simulated_colin27": ("mag.nii.gz", "phase_siemens_0_4095.nii.gz", SIEMENS, None),
}


@dataclass(frozen=True)
class Comparison:
    """Shares are of voxels in the eroded mask.

    :param within: share by limit. congruent: of Laplacian unwrapping, and of skimage's.
    :param filteredRms: rad, in the mask and eroded: the same high-pass of both unwrapped phases.
    :param largestFiltered: of that, 99th percentile of the size in the eroded mask. filteredSd: of the phase there.
    :param crossRms, correlation: homodyne beside laplacian, in the mask, eroded and inner.
    """

    nVoxels: tuple[int, int]
    turns: float
    within: tuple[float, ...]
    congruent: tuple[float, float]
    filteredRms: tuple[float, float]
    largestFiltered: float
    filteredSd: float
    crossRms: tuple[float, ...]
    correlation: tuple[float, ...]


def realImages(runner: Runner) -> Topic:
    """6: unwrapping and filters on the project's shared images, where they are."""
    topic = Topic(
        "Phase of real images",
        "The project's shared images (`simulated_colin27` is a simulation on real anatomy; `multi_echo_gre` is its "
        "third echo); rows are missing where the images are. Mask: magnitude above "
        f"{MIN_MAGNITUDE:g} of its 95th percentile; eroded: by {EROSION_VOXELS} voxels, also from the image's border; "
        f"inner: eroded, and {CUTOFF_MM:g} mm from the border in the plane, for these are cut-outs, and a homodyne "
        "filter goes round from one border to the other. Unwrapping: `unwrapLaplacian` minus skimage's 3D "
        "`unwrap_phase` after the best common offset, shares of voxels of the eroded mask. Congruent: within 0.1 "
        "rad of the wrapped phase modulo 2 pi after the best offset; skimage's always is. What matters for a value is "
        f"what the high-pass leaves of the difference: the same `gaussianHighPass` (cut-off {CUTOFF_MM:g} mm) of both. "
        "Homodyne is of the same cut-off.",
    )
    present = [name for name in IMAGES if (REAL / name).is_dir()]
    if not present:
        print("  no shared images")
    for name, found in zip(present, runner.results(compare, present), strict=True):
        limits = zip(LIMITS_RAD, found.within, strict=True)
        shares = ", ".join(f"{share:.1%} within {limit:g}" for limit, share in limits)
        topic.add(
            Goal(
                f"{name}: Laplacian unwrapping beside skimage's",
                f"{shares} rad; congruent {found.congruent[0]:.1%} (skimage {found.congruent[1]:.1%}); phase spans "
                f"{found.turns:.1f} turns",
            )
        )
        topic.add(
            Goal(
                f"{name}: laplacian filter beside the same high-pass of skimage's unwrapped phase",
                f"RMS {found.filteredRms[0]:.4f} rad in the mask ({found.nVoxels[0]:,} voxels), "
                f"{found.filteredRms[1]:.4f} eroded ({found.nVoxels[1]:,}), 99 % there below "
                f"{found.largestFiltered:.4f}; SD of the filtered phase there {found.filteredSd:.3f}",
            )
        )
        topic.add(
            Goal(
                f"{name}: homodyne beside laplacian",
                "; ".join(
                    f"{where}: RMS {rms:.4f} rad, correlation {correlation:.3f}"
                    for where, rms, correlation in zip(
                        ("mask", "eroded", "inner"), found.crossRms, found.correlation, strict=True
                    )
                ),
            )
        )
    return topic


def load(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Wrapped phase in rad and magnitude, (nK, nJ, nI), and spacing along i, j, k, mm."""
    magnitudeFile, phaseFile, encoding, echo = IMAGES[name]
    image = nibabel.load(REAL / name / phaseFile)
    arrays = []
    for file in (phaseFile, magnitudeFile):
        array = np.asanyarray(nibabel.load(REAL / name / file).dataobj)
        arrays.append(np.ascontiguousarray((array if echo is None else array[..., echo]).transpose(2, 1, 0)))
    stored, magnitude = arrays
    if encoding == RADIANS:
        stored = np.clip(stored * (np.pi / ARBITRARY_HALF_TURN), -np.pi, np.pi)
    spacingMm = np.array(image.header.get_zooms()[:3], dtype=float)
    return phaseFromStored(stored, encoding, name).phaseRad_KJI, magnitude.astype(np.float32), spacingMm


def masksOf(magnitude_KJI, spacingMm) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mask, eroded, inner."""
    mask = magnitude_KJI > MIN_MAGNITUDE * np.percentile(magnitude_KJI, 95)
    eroded = binary_erosion(mask, iterations=EROSION_VOXELS)
    inner = np.zeros_like(eroded)
    i, j = (int(np.ceil(CUTOFF_MM / spacing)) for spacing in spacingMm[:2])
    inner[:, j:-j, i:-i] = eroded[:, j:-j, i:-i]
    return mask, eroded, inner


def compare(name: str) -> Comparison:
    phase, magnitude, spacingMm = load(name)
    masks = masksOf(magnitude, spacingMm)
    mask, eroded, _ = masks
    unwrapped = unwrapLaplacian(phase, spacingMm, magnitude)
    other = unwrap_phase(phase, rng=1).astype(np.float32)
    difference = (unwrapped - other)[eroded]
    difference -= np.median(difference)
    sigmaMm = sigmaForCutoff(CUTOFF_MM)
    ours, theirs = (
        gaussianHighPass(phase, values.copy(), magnitude, sigmaMm, spacingMm) for values in (unwrapped, other)
    )
    _, nJ, nI = phase.shape
    lines = tuple(2.0 * n * spacing / CUTOFF_MM for n, spacing in zip((nI, nJ), spacingMm[:2], strict=True))
    divided = homodyne(phase, magnitude, lines)
    return Comparison(
        nVoxels=(int(mask.sum()), int(eroded.sum())),
        turns=float(np.ptp(other[eroded]) / (2 * np.pi)),
        within=tuple(float((np.abs(difference) < limit).mean()) for limit in LIMITS_RAD),
        congruent=(_congruent(unwrapped - phase, eroded), _congruent(other - phase, eroded)),
        filteredRms=(_rms(ours - theirs, mask), _rms(ours - theirs, eroded)),
        largestFiltered=float(np.percentile(np.abs(ours - theirs)[eroded], 99)),
        filteredSd=float(theirs[eroded].std()),
        crossRms=tuple(_rms(divided - ours, part) for part in masks),
        correlation=tuple(float(np.corrcoef(divided[part], ours[part])[0, 1]) for part in masks),
    )


def _congruent(difference, part) -> float:
    values = difference[part].astype(float)
    offset = np.angle(np.exp(1j * values).sum())
    return float((np.abs(wrapped(values - offset)) < LIMITS_RAD[0]).mean())


def _rms(difference, part) -> float:
    return float(np.sqrt(np.mean(difference[part].astype(float) ** 2)))
