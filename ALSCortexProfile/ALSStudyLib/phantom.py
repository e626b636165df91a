"""Phantoms with known truth: a cortex whose intensity is a closed-form function of depth.

The image is averaged over each voxel, tilted in space, given Rician noise and stored as int16, as a scanner would.
The source of the demo, the tests, the benchmarks and Slicer's Sample Data.

In-plane coordinates are u (to the patient's right) and v (to the front), in mm, before the image is tilted.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from ALSCortexProfileLib.doubleSigmoid import bandShape, doubleSigmoid
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from scipy.special import expit

CURVE_STEP_MM = 0.02
FADE_MM = 3.0  # a band fades out over this length beyond its stretch of cortex
REFERENCE_DEPTH_MM = 9.5
REFERENCE_RADIUS_MM = 2.2
SPLENIUM_RADIUS_MM = 4.0


@dataclass(frozen=True)
class Band:
    """A dark band in the deep cortex: F(x) in units of the splenium mean, x in mm below the pia."""

    a: float
    b1: float
    c1: float
    b2: float
    c2: float

    @classmethod
    def symmetric(cls, a: float, widthMm: float, depthMm: float = 2.2, slopePerMm: float = 6.0) -> Band:
        """A band of equal slopes, `widthMm` between its two half-height edges, centered at `depthMm`."""
        return cls(a, slopePerMm, depthMm - 0.5 * widthMm, slopePerMm, depthMm + 0.5 * widthMm)

    @property
    def parameters(self):
        return self.a, self.b1, self.c1, self.b2, self.c2

    @property
    def sh(self) -> float:
        return float(bandShape(*self.parameters).peak[0])

    @property
    def thicknessMm(self) -> float:
        return float(bandShape(*self.parameters).widthMm[0])

    @property
    def shThkPerMm(self) -> float:
        return self.sh / self.thicknessMm

    @property
    def areaMm(self) -> float:
        return self.a * (self.c2 - self.c1)


@dataclass(frozen=True)
class Tissue:
    """Intensities, and how the cortex is layered from outside in."""

    whiteMatter: float = 500.0
    splenium: float = 520.0
    csf: float = 800.0
    skull: float = 60.0
    pialSlopePerMm: float = 10.0
    superficialUnits: float = 60.0  # how much brighter the superficial layers are than white matter
    superficialEndMm: float = 0.8
    superficialSlopePerMm: float = 6.0

    def withoutBand(self, depthMm):
        """Intensity at a depth below the pia (negative: outside the brain)."""
        outside = 1.0 - expit(self.pialSlopePerMm * depthMm)
        superficial = (1.0 - outside) * (1.0 - expit(self.superficialSlopePerMm * (depthMm - self.superficialEndMm)))
        return self.whiteMatter + (self.csf - self.whiteMatter) * outside + self.superficialUnits * superficial


@dataclass(frozen=True)
class PhantomTarget:
    """A stretch of cortex to measure.

    :param center_uv: the place on the outline nearest to here is the middle of the stretch.
    :param band: None for a healthy cortex without a band.
    :param slices: indices of the slices a contour is drawn on.
    """

    slug: str
    center_uv: tuple[float, float]
    arcMm: float
    band: Band | None
    slices: tuple[int, ...]


@dataclass(frozen=True)
class PhantomLevel:
    """Slices that show one outline.

    :param outline: "circle" of `radiusMm`, or "brain": hand knobs on both sides and a fissure in front.
    :param skullRadiusMm: where CSF ends, from the center.
    :param slopePerMm: in-plane drift of the outline along v per mm of slice position (tangent of the tilt).
    """

    slices: tuple[int, ...]
    outline: str
    radiusMm: float
    skullRadiusMm: float
    center_uv: tuple[float, float] = (0.0, 0.0)
    slopePerMm: float = 0.0


@dataclass(frozen=True)
class PhantomCase:
    """One exam: an image, lines, references, and what is true of them.

    :param snr: white matter mean over noise SD; None for no noise.
    :param jitterMm: SD of the placement of control points, in plane; 0 places them on the outline.
    :param rotationDeg: the image's tilt against RAS, about R, A and S.
    """

    subject: str
    levels: tuple[PhantomLevel, ...]
    targets: tuple[PhantomTarget, ...]
    shape_IJK: tuple[int, int, int]
    spacingMm: tuple[float, float, float] = (0.39, 0.39, 1.0)
    tissue: Tissue = field(default_factory=Tissue)
    snr: float | None = 25.0
    controlSpacingMm: float = 2.5
    jitterMm: float = 0.0
    rotationDeg: tuple[float, float, float] = (12.0, -8.0, 5.0)
    spleniumSlice: int = 1
    spleniumCenter_uv: tuple[float, float] = (0.0, 0.0)
    oversampling: int = 4
    seed: int = 1
    exam: str = "1"

    @property
    def ijkToRAS(self) -> np.ndarray:
        rotation = Rotation.from_euler("xyz", self.rotationDeg, degrees=True).as_matrix()
        matrix = np.eye(4)
        matrix[:3, :3] = rotation @ np.diag(self.spacingMm)
        center = (np.array(self.shape_IJK) - 1) / 2.0
        matrix[:3, 3] = -matrix[:3, :3] @ center + np.array([0.0, 10.0, 60.0])
        return matrix

    def uvToIJK(self, points_uv: np.ndarray, slice: int) -> np.ndarray:
        points_uv = np.asarray(points_uv, dtype=float)
        center = (np.array(self.shape_IJK[:2]) - 1) / 2.0
        return np.column_stack([points_uv / self.spacingMm[:2] + center, np.full(len(points_uv), float(slice))])

    def uvToRAS(self, points_uv: np.ndarray, slice: int) -> np.ndarray:
        return self.uvToIJK(points_uv, slice) @ self.ijkToRAS[:3, :3].T + self.ijkToRAS[:3, 3]

    def level(self, slice: int) -> PhantomLevel:
        return next(level for level in self.levels if slice in level.slices)


# Cases ----------------------------------------------------------------------------------------------------------


def arcCase(
    band: Band | None,
    spacingMm: float = 0.39,
    radiusMm: float = 12.0,
    arcMm: float = 18.0,
    nSlices: int = 1,
    superficialUnits: float = 60.0,
    tiltDeg: float = 0.0,
    **changes,
) -> PhantomCase:
    """The smallest measurable case: one arc of cortex on `nSlices` slices, and a slice with the splenium."""
    nPixels = int(np.ceil((2 * radiusMm + 6.0) / spacingMm))
    slices = tuple(range(2, 2 + nSlices))
    case = PhantomCase(
        subject="arc",
        levels=(
            PhantomLevel(slices, "circle", radiusMm, radiusMm + 6.0, (0.13, -1.57), float(np.tan(np.radians(tiltDeg)))),
        ),
        targets=(PhantomTarget("hand_knob_left", (0.13, radiusMm), arcMm, band, slices),),
        shape_IJK=(nPixels, nPixels, nSlices + 3),
        spacingMm=(spacingMm, spacingMm, 1.0),
        tissue=Tissue(superficialUnits=superficialUnits),
        spleniumSlice=0,
    )
    return replace(case, **changes)


def alsLikeCase(seed: int = 11) -> PhantomCase:
    """Dark bands in all four targets, as in upper-motor-neuron disease."""
    bands = (
        Band.symmetric(0.26, 1.5),
        Band.symmetric(0.22, 1.3),
        Band.symmetric(0.20, 1.2),
        Band(0.24, 5.0, 1.45, 8.0, 3.05),
    )
    return _brainCase("phantom-als", bands, seed)


def controlLikeCase(seed: int = 14) -> PhantomCase:
    """Faint bands, and one target with none.

    The seed is a choice, not a draw: of the seeds 12 to 23, 12 and 22 gave faint bands 23 and 31 % off, with intervals
    that miss the truth; 14 is an ordinary one. Testing/Benchmarks, not the demo, says how well faint bands come out.
    """
    bands = (
        Band.symmetric(0.07, 1.3),
        Band.symmetric(0.06, 1.4),
        None,
        Band.symmetric(0.08, 1.5),
    )
    return _brainCase("phantom-control", bands, seed)


def _brainCase(subject, bands, seed):
    handSlices, paracentralSlices = (4, 5, 6), (8, 9, 10)
    places = (
        ("hand_knob_left", (-22.0, 18.5), 17.0, handSlices),
        ("hand_knob_right", (22.0, 18.5), 17.0, handSlices),
        ("paracentral_left", (-8.5, 25.5), 14.0, paracentralSlices),
        ("paracentral_right", (8.5, 25.5), 14.0, paracentralSlices),
    )
    return PhantomCase(
        subject=subject,
        levels=(
            PhantomLevel(tuple(range(0, 8)), "brain", 25.0, 32.0),
            PhantomLevel(tuple(range(8, 12)), "brain", 24.0, 31.5),
        ),
        targets=tuple(
            PhantomTarget(slug, center, arcMm, band, slices)
            for (slug, center, arcMm, slices), band in zip(places, bands, strict=True)
        ),
        shape_IJK=(180, 176, 12),
        spleniumCenter_uv=(0.0, -6.0),
        jitterMm=0.08,
        seed=seed,
    )


# Geometry -------------------------------------------------------------------------------------------------------


def outline(level: PhantomLevel) -> np.ndarray:
    """Dense points (n, 2) of the pial outline, counterclockwise, evenly spaced; its inside is the brain."""
    angle = np.linspace(0.0, 2 * np.pi, 40001)
    radius = np.full(len(angle), level.radiusMm)
    if level.outline == "brain":

        def bump(centerDeg, heightMm, widthMm):
            away = np.angle(np.exp(1j * (angle - np.radians(centerDeg)))) * level.radiusMm
            return heightMm * np.exp(-0.5 * (away / widthMm) ** 2)

        radius = radius * (1.0 + 0.05 * np.cos(2 * angle))
        radius += bump(40.0, 4.5, 4.5) + bump(140.0, 4.5, 4.5) - bump(90.0, 7.0, 2.2) - bump(270.0, 5.0, 2.5)
    points = np.asarray(level.center_uv) + radius[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))]
    even = np.linspace(0.0, arc[-1], int(arc[-1] / CURVE_STEP_MM) + 1)[:-1]
    return np.column_stack([np.interp(even, arc, points[:, axis]) for axis in range(2)])


def depthBelow(points_uv: np.ndarray, curve_uv: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signed distance (n,) in mm to a dense closed counterclockwise curve, positive inside, and the nearest index."""
    index = cKDTree(curve_uv).query(points_uv, workers=-1)[1]
    tangent = curve_uv[(index + 1) % len(curve_uv)] - curve_uv[index - 1]
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    offset = points_uv - curve_uv[index]
    return tangent[:, 0] * offset[:, 1] - tangent[:, 1] * offset[:, 0], index


def contourPoints_uv(case: PhantomCase, target: PhantomTarget, slice: int, rng=None) -> np.ndarray:
    """Control points (n, 2) along the target's stretch, as a reader would place them."""
    level = case.level(slice)
    curve = outline(level)
    middle = int(cKDTree(curve).query(np.asarray(target.center_uv))[1])
    count = max(round(target.arcMm / case.controlSpacingMm), 3) + 1
    offsets = np.linspace(-0.5, 0.5, count) * target.arcMm
    points = curve[(middle + np.rint(offsets / CURVE_STEP_MM).astype(int)) % len(curve)]
    points = points + np.array([0.0, _drift(case, level, slice)])
    return points if rng is None else points + rng.normal(0.0, case.jitterMm, points.shape)


def _drift(case, level, slice, within=0.0):
    return level.slopePerMm * (slice + within - level.slices[0]) * case.spacingMm[2]


# Image ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RenderedCase:
    """:param array_KJI: int16; contours: (target slug, slice, control points RAS (n, 3)).
    :param referenceMasks: name to bool array (nK, nJ, nI).
    """

    case: PhantomCase
    array_KJI: np.ndarray
    ijkToRAS: np.ndarray
    contours: tuple[tuple[str, int, np.ndarray], ...]
    referenceMasks: dict[str, np.ndarray]


def render(case: PhantomCase, noiseFree: np.ndarray | None = None) -> RenderedCase:
    """The case as an image with lines and references.

    :param noiseFree: from `noiseFreeImage`, to draw several noise realizations of one geometry.
    """
    rng = np.random.default_rng(case.seed)
    image = noiseFreeImage(case) if noiseFree is None else noiseFree
    if case.snr:
        noiseSd = case.tissue.whiteMatter / case.snr
        image = np.hypot(image + rng.normal(0, noiseSd, image.shape), rng.normal(0, noiseSd, image.shape))
    contours = []
    for target in case.targets:
        for slice in target.slices:
            points_uv = contourPoints_uv(case, target, slice, rng if case.jitterMm else None)
            contours.append((target.slug, slice, case.uvToRAS(points_uv, slice)))
    return RenderedCase(case, np.rint(image).astype(np.int16), case.ijkToRAS, tuple(contours), _referenceMasks(case))


def noiseFreeImage(case: PhantomCase) -> np.ndarray:
    """Voxel averages (nK, nJ, nI), float."""
    nI, nJ, nK = case.shape_IJK
    image = np.full((nK, nJ, nI), case.tissue.whiteMatter)
    for level in case.levels:
        if level.slopePerMm == 0.0:
            image[list(level.slices)] = _sliceAverage(case, level, level.slices[0])
        else:
            for slice in level.slices:
                image[slice] = _sliceAverage(case, level, slice)
    image[case.spleniumSlice][_disc(case, case.spleniumCenter_uv, SPLENIUM_RADIUS_MM)] = case.tissue.splenium
    return image


def _sliceAverage(case, level, slice):
    """Averages over the voxels of one slice (nJ, nI), by Gauss-Legendre points within the voxel."""
    curve = outline(level)
    grid = _grid(case)
    bands = [
        (target.band, _stretch(curve, target))
        for target in case.targets
        if target.band and set(target.slices) & set(level.slices)
    ]
    nodes, weights = np.polynomial.legendre.leggauss(case.oversampling)
    nodes, weights = 0.5 * nodes, 0.5 * weights
    through = [(0.0, 1.0)] if level.slopePerMm == 0.0 else list(zip(nodes, weights, strict=True))
    total = np.zeros(grid.shape[:2])
    for within, weightK in through:
        drift = np.array([0.0, _drift(case, level, slice, within)])
        for i, weightI in zip(nodes, weights, strict=True):
            for j, weightJ in zip(nodes, weights, strict=True):
                points = grid + np.array([i * case.spacingMm[0], j * case.spacingMm[1]]) - drift
                depthMm, index = depthBelow(points.reshape(-1, 2), curve)
                value = case.tissue.withoutBand(depthMm)
                for band, share in bands:
                    value -= case.tissue.splenium * share[index] * doubleSigmoid(depthMm, *band.parameters)
                beyondCsf = expit(3.0 * (np.linalg.norm(points - level.center_uv, axis=-1) - level.skullRadiusMm))
                value = value.reshape(total.shape)
                total += weightI * weightJ * weightK * (value + (case.tissue.skull - value) * beyondCsf)
    return total


def _stretch(curve, target):
    """How much of the target's band each point of the curve has: 1 on its stretch, fading to 0 beside it."""
    middle = int(cKDTree(curve).query(np.asarray(target.center_uv))[1])
    n = len(curve)
    steps = np.abs((np.arange(n) - middle + n // 2) % n - n // 2)
    beyondMm = steps * CURVE_STEP_MM - 0.5 * target.arcMm - 1.0
    return np.clip(1.0 - beyondMm / FADE_MM, 0.0, 1.0)


def _grid(case):
    nI, nJ, _ = case.shape_IJK
    u = (np.arange(nI) - (nI - 1) / 2.0) * case.spacingMm[0]
    v = (np.arange(nJ) - (nJ - 1) / 2.0) * case.spacingMm[1]
    return np.stack(np.meshgrid(u, v), axis=-1)


def _disc(case, center_uv, radiusMm):
    return np.linalg.norm(_grid(case) - np.asarray(center_uv), axis=-1) <= radiusMm


def _referenceMasks(case):
    """`Splenium`, and `White matter` beneath every target."""
    nI, nJ, nK = case.shape_IJK
    splenium = np.zeros((nK, nJ, nI), dtype=bool)
    splenium[case.spleniumSlice] = _disc(case, case.spleniumCenter_uv, SPLENIUM_RADIUS_MM - 1.0)
    whiteMatter = np.zeros_like(splenium)
    for target in case.targets:
        for slice in target.slices:
            level = case.level(slice)
            curve = outline(level)
            middle = int(cKDTree(curve).query(np.asarray(target.center_uv))[1])
            tangent = curve[(middle + 50) % len(curve)] - curve[middle - 50]
            inward = np.array([-tangent[1], tangent[0]]) / np.linalg.norm(tangent)
            center = curve[middle] + REFERENCE_DEPTH_MM * inward + np.array([0.0, _drift(case, level, slice)])
            whiteMatter[slice] |= _disc(case, center, REFERENCE_RADIUS_MM)
    return {"Splenium": splenium, "White matter": whiteMatter}


def profileInputs(rendered: RenderedCase):
    """The case as the science takes it, without a scene: a list of `ProfileInput`, one per target."""
    from ALSCortexProfileLib.contour import PialContour
    from .image import ImageRegion, ImageVolume
    from ALSCortexProfileLib.measurement import ProfileInput
    from ALSCortexProfileLib.targets import target

    image = ImageVolume(rendered.array_KJI, rendered.ijkToRAS, name="phantom")
    regions = {name: ImageRegion(name, np.argwhere(mask)[:, ::-1]) for name, mask in rendered.referenceMasks.items()}
    return [
        ProfileInput(
            target=target(wanted.slug),
            image=image,
            contours=tuple(
                PialContour(points_RAS, name=f"{slug} slice {slice}")
                for slug, slice, points_RAS in rendered.contours
                if slug == wanted.slug
            ),
            splenium=regions["Splenium"],
            whiteMatter=regions["White matter"],
            subject=rendered.case.subject,
            exam=rendered.case.exam,
        )
        for wanted in rendered.case.targets
    ]


def addCaseToScene(scene, case: PhantomCase, rendered: RenderedCase | None = None):
    """The case as Slicer nodes: volume, curves with their target, segmentation `References`.

    :param rendered: the same case rendered before.
    :return: `ALSCortexProfileLib.mrml.CaseNodes`.
    """
    from ALSCortexProfileLib import mrml

    rendered = rendered or render(case)
    image = mrml.addVolumeNode(scene, rendered.array_KJI, rendered.ijkToRAS, f"{case.subject}_T2star")
    contours = tuple(
        mrml.addCurveNode(scene, points_RAS, f"{slug}_slice{slice}", slug)
        for slug, slice, points_RAS in rendered.contours
    )
    references = mrml.addSegmentationNode(scene, rendered.referenceMasks, image, "References")
    return mrml.CaseNodes((image,), contours, references, case.subject, case.exam)
