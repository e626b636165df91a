"""Phase phantoms with known truth: a head-like gradient-echo image with a smooth background of several turns.

Ten regions (five structures, two sides) carry known local shifts, one per slice, and a vein along the field carries
blood. Complex noise is added before magnitude and phase are taken, and phase is stored as a scanner stores it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PhaseShiftROILib.encoding import PHILIPS_MRAD, RADIANS, SIEMENS
from PhaseShiftROILib.polarity import NEGATIVE, SIGNS
from PhaseShiftROILib.regions import VEIN
from scipy.spatial.transform import Rotation

BRAIN = 1000.0
CSF, SCALP, BONE = 1250.0, 800.0, 40.0
# Of the head's half axes: where the brain, the CSF around it and the bone end.
BRAIN_END, CSF_END, BONE_END = 0.86, 0.89, 0.95


@dataclass(frozen=True)
class PhantomRegion:
    """:param center: in half axes of the head, to the right and to the front. radiiPixels: of the ellipse.
    :param slices: indices. shiftsRad: size of the paramagnetic shift in each of them, positive.
    """

    slug: str
    center: tuple[float, float]
    radiiPixels: tuple[float, float]
    slices: tuple[int, ...]
    shiftsRad: tuple[float, ...]


@dataclass(frozen=True)
class PhasePhantomCase:
    """:param backgroundTurns: background across the head, in turns of 2 pi. snr: brain over noise SD; None: no noise.
    :param polarity: sign of iron in the stored phase.
    """

    subject: str
    regions: tuple[PhantomRegion, ...]
    shape_IJK: tuple[int, int, int] = (448, 384, 16)
    spacingMm: tuple[float, float, float] = (0.536, 0.536, 2.0)
    echoTimeMs: float = 19.0
    fieldStrengthT: float = 3.0
    backgroundTurns: float = 6.0
    snr: float | None = 40.0
    polarity: str = NEGATIVE
    rotationDeg: tuple[float, float, float] = (6.0, -3.0, 2.0)
    exam: str = "1"
    seed: int = 1
    vein: bool = True

    @property
    def ijkToRAS(self) -> np.ndarray:
        rotation = Rotation.from_euler("xyz", self.rotationDeg, degrees=True).as_matrix()
        matrix = np.eye(4)
        matrix[:3, :3] = rotation @ np.diag(self.spacingMm)
        matrix[:3, 3] = np.array([0.0, -10.0, 40.0]) - matrix[:3, :3] @ ((np.array(self.shape_IJK) - 1) / 2.0)
        return matrix


@dataclass(frozen=True)
class RenderedPhase:
    """:param phaseRad_KJI: wrapped, float32. magnitude_KJI: float32. masks_KJI: by segment name.
    :param truthRad: by region slug and slice, signed, as in the image before noise and filter.
    :param background_KJI: what a perfect filter would take away, rad, not wrapped.
    """

    case: PhasePhantomCase
    phaseRad_KJI: np.ndarray
    magnitude_KJI: np.ndarray
    masks_KJI: dict[str, np.ndarray]
    truthRad: dict[str, dict[int, float]]
    background_KJI: np.ndarray = field(repr=False)


# Cases ----------------------------------------------------------------------------------------------------------


def alsLikePhase(seed: int = 21) -> PhasePhantomCase:
    """Precentral shifts as the paper's patients have them, other regions as everybody's."""
    return _headCase("phantom-als-phase", (0.20, 0.19), seed)


def controlLikePhase(seed: int = 22) -> PhasePhantomCase:
    """Precentral shifts as the paper's controls have them."""
    return _headCase("phantom-control-phase", (0.125, 0.12), seed)


def _headCase(subject, precentralRad, seed) -> PhasePhantomCase:
    basal, vertex = (2, 3, 4, 5), (8, 9, 10, 11, 12, 13)
    # One slice is the most extreme, its neighbors less so: ranked and consecutive differ.
    overSlices = np.array([0.80, 1.05, 0.90, 1.00, 1.10, 0.70])
    structures = (
        ("precentral_gyrus", (0.52, 0.30), (2.3, 2.9), vertex, None),
        ("frontal_cortex", (0.30, 0.66), (2.6, 2.6), (7, 8, 9), (0.075, 0.088, 0.080)),
        ("caudate_nucleus", (0.13, 0.18), (2.8, 3.4), basal, (0.055, 0.065, 0.060, 0.050)),
        ("globus_pallidus", (0.21, 0.03), (2.9, 4.6), basal, (0.300, 0.330, 0.310, 0.280)),
        ("putamen", (0.31, 0.06), (3.1, 7.2), basal, (0.200, 0.220, 0.230, 0.190)),
    )
    regions = []
    for slug, (right, front), radii, slices, shifts in structures:
        for side, sign, precentral in (("right", 1.0, precentralRad[0]), ("left", -1.0, precentralRad[1])):
            perSlice = precentral * overSlices if shifts is None else np.array(shifts) * (1.0 if sign > 0 else 0.97)
            regions.append(
                PhantomRegion(f"{slug}_{side}", (sign * right, front), radii, slices, tuple(float(v) for v in perSlice))
            )
    return PhasePhantomCase(subject, tuple(regions), seed=seed)


# Image ----------------------------------------------------------------------------------------------------------


def renderPhase(case: PhasePhantomCase) -> RenderedPhase:
    """The case as magnitude and wrapped phase, with its regions and their truth."""
    rng = np.random.default_rng(case.seed)
    nI, nJ, nK = case.shape_IJK
    u, v = _headCoordinates(case)
    magnitude = np.broadcast_to(_magnitude(u, v).astype(np.float32), (nK, nJ, nI)).copy()
    background = _background(case, u, v)
    shift = np.zeros((nK, nJ, nI), dtype=np.float32)
    sign = SIGNS[case.polarity] or -1
    masks, truth = {}, {}
    for region in case.regions:
        pixels = _ellipse(case, region)
        mask = np.zeros((nK, nJ, nI), dtype=bool)
        for slice, sizeRad in zip(region.slices, region.shiftsRad, strict=True):
            mask[slice] = pixels
            shift[slice][pixels] = sign * sizeRad
        masks[region.slug] = mask
        truth[region.slug] = {k: sign * sizeRad for k, sizeRad in zip(region.slices, region.shiftsRad, strict=True)}
    if case.vein:
        masks[VEIN] = _addVein(case, shift, magnitude, sign)
    signal = magnitude * np.exp(1j * (background + shift))
    if case.snr:
        sd = BRAIN / case.snr
        signal += rng.normal(0.0, sd, signal.shape) + 1j * rng.normal(0.0, sd, signal.shape)
    return RenderedPhase(
        case, np.angle(signal).astype(np.float32), np.abs(signal).astype(np.float32), masks, truth, background
    )


def _headCoordinates(case):
    """To the right and to the front, (nJ, nI), in half axes of the head."""
    nI, nJ, _ = case.shape_IJK
    u = (np.arange(nI) - (nI - 1) / 2.0) / (0.42 * nI)
    v = (np.arange(nJ) - (nJ - 1) / 2.0) / (0.47 * nJ)
    return np.meshgrid(u, v)


def _magnitude(u, v):
    radius = np.hypot(u, v)
    image = np.where(radius < BRAIN_END, BRAIN, np.where(radius < CSF_END, CSF, BONE))
    image = np.where(radius > BONE_END, SCALP, image)
    image = np.where(radius > 1.0, 0.0, image)
    # Coils are nearer to the surface.
    return image * (0.85 + 0.25 * radius**2)


def _background(case, u, v):
    """Shim-like polynomials and the field of an air cavity below the front of the head; (nK, nJ, nI), rad."""
    nK = case.shape_IJK[2]
    w = (np.arange(nK) - (nK - 1) / 2.0)[:, None, None] / max(nK, 2)
    smooth = 0.42 * u**2 - 0.30 * v**2 + 0.25 * u * v + 0.20 * u - 0.15 * v + 0.12 * u**3 + 0.2 * w * v
    du, dv, dw = u, v - 1.15, w + 1.2
    cavity = 0.12 * (2 * dw**2 - du**2 - dv**2) / (du**2 + dv**2 + dw**2) ** 2.5
    return (2 * np.pi * (case.backgroundTurns * (smooth + cavity) + w)).astype(np.float32)


def _ellipse(case, region):
    """Pixels of the region, (nJ, nI) bool; its center is moved to a pixel's."""
    nI, nJ, _ = case.shape_IJK
    i, j = np.rint([region.center[0] * 0.42 * nI + (nI - 1) / 2.0, region.center[1] * 0.47 * nJ + (nJ - 1) / 2.0])
    columns, rows = np.meshgrid(np.arange(nI) - i, np.arange(nJ) - j)
    return (columns / region.radiiPixels[0]) ** 2 + (rows / region.radiiPixels[1]) ** 2 <= 1.0


def _addVein(case, shift, magnitude, sign):
    """A vein along the slice axis, close to B0: darker, with the shift of deoxygenated blood. Its mask."""
    nI, nJ, nK = case.shape_IJK
    i, j = round(0.20 * 0.42 * nI + nI / 2), round(-0.45 * 0.47 * nJ + nJ / 2)
    columns, rows = np.meshgrid(np.arange(nI) - i, np.arange(nJ) - j)
    inside = np.broadcast_to(columns**2 + rows**2 <= 2.3**2, (nK, nJ, nI))
    shift[inside] = sign * 0.9
    magnitude[inside] *= 0.6
    return inside.copy()


# As a scanner stores it -----------------------------------------------------------------------------------------


def storedPhase(phaseRad_KJI: np.ndarray, encoding: str) -> np.ndarray:
    """Wrapped phase as stored values; Siemens without slope and intercept (0 to 4095)."""
    if encoding == SIEMENS:
        return (np.rint((phaseRad_KJI / np.pi + 1.0) * 2048.0).astype(np.int32) % 4096).astype(np.uint16)
    if encoding == PHILIPS_MRAD:
        return np.rint(1e3 * phaseRad_KJI).astype(np.int16)
    if encoding == RADIANS:
        return np.asarray(phaseRad_KJI, dtype=np.float32)
    raise ValueError(f"No stored form of '{encoding}'.")


def storedComplex(rendered: RenderedPhase, signFlips: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Real and imaginary image, int16, as GE stores them; with the sign of every second slice turned if asked."""
    signal = 4.0 * rendered.magnitude_KJI * np.exp(1j * rendered.phaseRad_KJI)
    if signFlips:
        signal[1::2] *= -1
    return np.rint(signal.real).astype(np.int16), np.rint(signal.imag).astype(np.int16)


def addPhaseCaseToScene(scene, rendered: RenderedPhase):
    """The case as Slicer nodes: phase stored as Siemens stores it, magnitude, segmentation `Regions`.

    :return: `PhaseShiftROILib.mrml.PhaseCaseNodes`.
    """
    from PhaseShiftROILib import mrml

    from .mrmlNodes import addVolumeNode

    case = rendered.case
    phase = addVolumeNode(scene, storedPhase(rendered.phaseRad_KJI, SIEMENS), case.ijkToRAS, f"{case.subject}_phase")
    magnitude = np.rint(rendered.magnitude_KJI).astype(np.int16)
    magnitudeNode = addVolumeNode(scene, magnitude, case.ijkToRAS, f"{case.subject}_magnitude")
    mrml.declareAcquisition(phase, mrml.Acquisition(SIEMENS, case.echoTimeMs, case.fieldStrengthT, case.polarity))
    regions = mrml.addRegionsNode(scene, rendered.masks_KJI, phase)
    return mrml.PhaseCaseNodes(regions, phase=phase, magnitude=magnitudeNode, subject=case.subject, exam=case.exam)
