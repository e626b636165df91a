"""From a hand-drawn pial line to even points, tangents, normals, and which of the normals to trust.

Donatelli et al., AJNR 2018;39:63, step 3 (a spline smooths the line) and the geometry of step 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import vtk
from ALSStudyLib.errors import InputError
from scipy.interpolate import make_lsq_spline
from scipy.spatial import cKDTree
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from ALSStudyLib.image import ImageVolume, planeNormal
from .settings import ProfileSettings

MIN_CONTROL_POINTS = 4
DENSE_STEP_MM = 0.05
MIN_OFFSET_MM = 0.5
KNOT_SPACING_MM = 3.0
DENSE_SPACING_MM = 1.3  # points closer than this are enough to smooth


@dataclass(frozen=True)
class PialContour:
    """A line along the pial surface, as drawn.

    :param controlPoints_RAS: shape (n, 3), world mm, only points that were really placed.
    :param closed: the last point joins the first.
    :param flip: turn the normals round after the rule that orients them.
    :param name: what to call it in messages.
    """

    controlPoints_RAS: np.ndarray
    closed: bool = False
    flip: bool = False
    name: str = "contour"


@dataclass(frozen=True)
class ContourNormals:
    """Evenly spaced normals of one contour, pointing to white matter. Arrays have one row per normal, in arc order.

    :param points_RAS: foot points on the pial line, (n, 3), mm.
    :param tangents_RAS, normals_RAS: unit vectors, (n, 3).
    :param arcMm: position along the line, (n,), mm from its first control point.
    :param usableDepthMm: beyond this depth the normal belongs to another piece of the line, (n,), mm.
    :param excluded: crosses another normal, or turns tighter than it is deep, too early to be used, (n,) bool.
    :param planeNormal_RAS: unit normal of the drawing plane, (3,).
    :param planeAxis: image axis (0, 1, 2 for i, j, k) normal to the drawing plane.
    :param slice: index of the image slice the line lies in.
    :param controlSpacingMm: distances between neighboring control points, mm.
    """

    points_RAS: np.ndarray
    tangents_RAS: np.ndarray
    normals_RAS: np.ndarray
    arcMm: np.ndarray
    usableDepthMm: np.ndarray
    excluded: np.ndarray
    planeNormal_RAS: np.ndarray
    planeAxis: int
    slice: int
    controlSpacingMm: np.ndarray


def contourNormals(
    contour: PialContour, image: ImageVolume, whiteMatterPoints_RAS: np.ndarray, settings: ProfileSettings
) -> ContourNormals:
    """Even points and in-plane normals of a pial line, oriented towards the white-matter reference.

    :param whiteMatterPoints_RAS: centers of the white-matter reference voxels, (m, 3), world mm.
    :raises InputError: too few points, out of plane, outside the image, self-crossing, too short,
        or no side of the line is clearly the white-matter side.
    """
    control_RAS = _checkedControlPoints(contour)
    planeAxis, sliceIndex = _drawingPlane(contour, control_RAS, image)
    normalToPlane = planeNormal(image.edgesNear(control_RAS.mean(0)), planeAxis)
    dense_RAS = splinePoints(_smoothed(control_RAS, contour.closed), contour.closed)
    points_RAS, tangents, arcMm, lengthMm = _evenPoints(dense_RAS, contour.closed, settings.normalSpacingMm)
    if _crossesItself(_inPlane(points_RAS, normalToPlane), contour.closed):
        raise InputError(
            f"{contour.name} crosses itself; expected a simple line along the pial surface; "
            "move the points of the loop."
        )
    if not contour.closed:
        keep = (arcMm >= settings.trimMm - 1e-9) & (arcMm <= lengthMm - settings.trimMm + 1e-9)
        points_RAS, tangents, arcMm = points_RAS[keep], tangents[keep], arcMm[keep]
    if len(points_RAS) < settings.minNormals:
        needed = settings.minNormals * settings.normalSpacingMm + (0 if contour.closed else 2 * settings.trimMm)
        raise InputError(
            f"{contour.name} is {lengthMm:.1f} mm long; expected at least {needed:.1f} mm "
            f"({settings.minNormals} normals, {settings.trimMm:g} mm trimmed at each end); draw a longer line."
        )
    normals = np.cross(normalToPlane, tangents)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    side = _whiteMatterSide(contour, points_RAS, normals, whiteMatterPoints_RAS)
    if contour.flip:
        side = -side
    normals = side * normals
    usableDepthMm = _usableDepth(points_RAS, normals, settings.maxDepthMm)
    return ContourNormals(
        points_RAS=points_RAS,
        tangents_RAS=tangents,
        normals_RAS=normals,
        arcMm=arcMm,
        usableDepthMm=usableDepthMm,
        excluded=usableDepthMm < settings.crossingDepthMm,
        planeNormal_RAS=normalToPlane,
        planeAxis=planeAxis,
        slice=sliceIndex,
        controlSpacingMm=np.linalg.norm(np.diff(control_RAS, axis=0), axis=1),
    )


def _checkedControlPoints(contour: PialContour) -> np.ndarray:
    points = np.asarray(contour.controlPoints_RAS, dtype=float).reshape(-1, 3)
    if not np.isfinite(points).all():
        raise InputError(f"{contour.name} has a control point that is not a finite number; expected mm; redraw it.")
    if len(points) > 1:
        step = np.linalg.norm(np.diff(points, axis=0), axis=1)
        points = points[np.r_[True, step > 1e-6]]
    if len(points) < MIN_CONTROL_POINTS:
        raise InputError(
            f"{contour.name} has {len(points)} defined control points at different places; "
            f"expected at least {MIN_CONTROL_POINTS}; place more points along the pial surface."
        )
    return points


def _drawingPlane(contour: PialContour, control_RAS: np.ndarray, image: ImageVolume) -> tuple[int, int]:
    """The image axis normal to the plane the line was drawn in, and the index of the slice.

    The image's own slices come first: a best-fit plane would flip on a nearly straight line.
    """
    control_IJK = image.rasToIJK(control_RAS)
    shape = np.array(image.shape_IJK)
    outside = ((control_IJK < -0.5) | (control_IJK > shape - 0.5)).any(1)
    if outside.any():
        where = ", ".join(f"{v:.0f}" for v in control_RAS[outside][0])
        every = "all" if outside.all() else f"{int(outside.sum())} of {len(outside)}"
        hint = "is it drawn on another patient or series?" if outside.all() else "move them inside."
        raise InputError(
            f"{contour.name} has {every} control points outside {image.name} (one at RAS {where} mm; "
            f"the image spans {image.boundsText()}); expected a line inside the image; {hint}"
        )
    spread = (control_IJK.max(0) - control_IJK.min(0)) * image.spacingMm
    tolerance = np.maximum(0.5 * image.spacingMm, 0.3)
    flat = spread <= tolerance
    if not flat.any():
        nearest = int(np.argmin(spread / tolerance))
        raise InputError(
            f"{contour.name} leaves its slice by {spread[nearest]:.1f} mm; expected all points within "
            f"{tolerance[nearest]:.2g} mm of one image slice; rotate the view to the volume plane and redraw it."
        )
    axis = next(axis for axis in image.axesBySlice if flat[axis])
    return axis, int(np.clip(np.rint(np.median(control_IJK[:, axis])), 0, shape[axis] - 1))


def _smoothed(control_RAS: np.ndarray, closed: bool) -> np.ndarray:
    """A densely drawn line without its tremor: points on a least-squares spline with knots every 3 mm.

    Through points half a millimeter apart, an interpolating spline would turn with every slip of the hand. Lines
    with points farther apart, and closed ones, stay as they are drawn.
    """
    chordMm = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(control_RAS, axis=0), axis=1))]
    # A trembling line is longer than what it follows: its length is taken in twelve steps, not from point to point.
    stride = max(len(control_RAS) // 12, 1)
    coarse = np.linalg.norm(np.diff(control_RAS[::stride], axis=0), axis=1).sum()
    pieces = int(coarse // KNOT_SPACING_MM)
    if closed or pieces < 2 or coarse / (len(control_RAS) - 1) > DENSE_SPACING_MM:
        return control_RAS
    parameter = np.linspace(0.0, 1.0, len(control_RAS)) if stride > 1 else chordMm / chordMm[-1]
    knots = np.r_[[0.0] * 4, np.linspace(0.0, 1.0, pieces + 1)[1:-1], [1.0] * 4]
    try:
        spline = make_lsq_spline(parameter, control_RAS, knots, k=3)
    except (ValueError, np.linalg.LinAlgError):
        return control_RAS  # points bunched together leave a piece without any
    return spline(np.linspace(0.0, 1.0, 2 * pieces + 1))


def splinePoints(controlPoints_RAS: np.ndarray, closed: bool) -> np.ndarray:
    """Dense points (n, 3) of the interpolating cardinal spline, chord-length parameter, about 0.05 mm apart.

    The ends bend as the piece next to them does: Slicer's own end condition (no bend) costs several degrees there.
    """
    points = np.vstack([controlPoints_RAS, controlPoints_RAS[:1]]) if closed else controlPoints_RAS
    if closed and np.allclose(controlPoints_RAS[0], controlPoints_RAS[-1]):
        points = controlPoints_RAS
    # Three turns of a closed line, of which the middle one is kept, make it smooth where it closes.
    if closed:
        points = np.vstack([points[:-1], points[:-1], points])
    polyData = vtk.vtkPolyData()
    vtkPoints = vtk.vtkPoints()
    vtkPoints.SetData(numpy_to_vtk(np.ascontiguousarray(points), deep=True))
    polyData.SetPoints(vtkPoints)
    line = vtk.vtkCellArray()
    line.InsertNextCell(len(points))
    for index in range(len(points)):
        line.InsertCellPoint(index)
    polyData.SetLines(line)
    spline = vtk.vtkCardinalSpline()
    spline.SetLeftConstraint(3)
    spline.SetLeftValue(1.0)
    spline.SetRightConstraint(3)
    spline.SetRightValue(1.0)
    chordMm = np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
    splineFilter = vtk.vtkSplineFilter()
    splineFilter.SetSpline(spline)
    splineFilter.SetSubdivideToSpecified()
    splineFilter.SetNumberOfSubdivisions(3 * max(int(np.ceil(chordMm / (3 * DENSE_STEP_MM))), 20))
    splineFilter.SetInputData(polyData)
    splineFilter.Update()
    dense = vtk_to_numpy(splineFilter.GetOutput().GetPoints().GetData()).astype(float)
    if closed:
        # The parameter is chord length, so a third of the points is exactly one turn.
        third = (len(dense) - 1) // 3
        dense = dense[third : 2 * third + 1]
    return dense


def _evenPoints(dense_RAS: np.ndarray, closed: bool, spacingMm: float):
    """Points every `spacingMm` of arc (centered on the line), unit tangents, their arc positions, and the length."""
    arc = np.r_[0.0, np.cumsum(np.linalg.norm(np.diff(dense_RAS, axis=0), axis=1))]
    lengthMm = float(arc[-1])
    steps = max(int(np.floor(lengthMm / spacingMm + 1e-9)), 1)
    if closed:
        even = np.arange(steps) * (lengthMm / steps)
    else:
        even = 0.5 * (lengthMm - steps * spacingMm) + np.arange(steps + 1) * spacingMm

    def at(position):
        position = np.mod(position, lengthMm) if closed else position
        return np.column_stack([np.interp(position, arc, dense_RAS[:, axis]) for axis in range(3)])

    half = 0.5 * spacingMm
    if closed:
        before, after = at(even - half), at(even + half)
    else:
        before, after = at(np.maximum(even - half, 0.0)), at(np.minimum(even + half, lengthMm))
    tangents = after - before
    tangents /= np.linalg.norm(tangents, axis=1, keepdims=True)
    return at(even), tangents, even, lengthMm


def _inPlane(points_RAS: np.ndarray, planeNormal_RAS: np.ndarray) -> np.ndarray:
    """Coordinates (n, 2) in an orthonormal frame of the plane, origin at the first point."""
    u = np.cross(planeNormal_RAS, np.eye(3)[np.argmin(np.abs(planeNormal_RAS))])
    u /= np.linalg.norm(u)
    return (points_RAS - points_RAS[0]) @ np.column_stack([u, np.cross(planeNormal_RAS, u)])


def _crossesItself(points: np.ndarray, closed: bool) -> bool:
    """Whether two pieces of a polyline (n, 2) that are no neighbors meet."""
    points = points[::2]  # a smaller loop shows in normals that are not their own
    if closed:
        points = np.vstack([points, points[:1]])
    start, step = points[:-1], np.diff(points, axis=0)
    delta = start[None, :] - start[:, None]
    cross = step[:, None, 0] * step[None, :, 1] - step[:, None, 1] * step[None, :, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        place = (delta[..., 0] * step[None, :, 1] - delta[..., 1] * step[None, :, 0]) / cross
    onFirst = (place >= 0) & (place <= 1)
    n = len(start)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    neighbors = (apart <= 1) | (closed & (apart >= n - 1))
    return bool((onFirst & onFirst.T & ~neighbors).any())


def _whiteMatterSide(contour, points_RAS, normals, whiteMatterPoints_RAS) -> float:
    """+1 or -1: which side of the line the white-matter reference is on."""
    nearest = whiteMatterPoints_RAS[cKDTree(whiteMatterPoints_RAS).query(points_RAS)[1]]
    toward = nearest - points_RAS
    toward /= np.maximum(np.linalg.norm(toward, axis=1, keepdims=True), 1e-9)
    cosine = float((toward * normals).sum(1).mean())
    if abs(cosine) < 0.1:
        raise InputError(
            f"{contour.name} has its white-matter reference neither on one side nor on the other (mean cosine "
            f"{cosine:.2f}); expected it beneath the cortex of this line; paint white matter there."
        )
    return 1.0 if cosine > 0 else -1.0


def _usableDepth(points_RAS, normals, maxDepthMm) -> np.ndarray:
    """Depth (n,) to which a point on the normal is nearest to its own foot point, at most `maxDepthMm`.

    The point at depth t is as far from another point of the line, at offset o from the foot, as from its own when
    t = |o|^2 / (2 o . normal). The smallest such t is where the normal meets the middle line between two banks, or
    another normal, or the center of curvature, whichever comes first.
    """
    centered = points_RAS - points_RAS.mean(0)
    square = (centered**2).sum(1)
    distance2 = square[:, None] + square[None, :] - 2.0 * (centered @ centered.T)
    along = normals @ centered.T - (normals * centered).sum(1)[:, None]
    # Neighbors closer than this say more about rounding than about curvature.
    relevant = (distance2 > MIN_OFFSET_MM**2) & (along > 1e-9)
    equidistant = np.where(relevant, distance2 / (2.0 * np.where(relevant, along, 1.0)), np.inf)
    return np.minimum(equidistant.min(1), maxDepthMm)
