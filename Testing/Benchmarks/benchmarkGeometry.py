"""Normals against the truth, and the fit against closed forms and against lmfit."""

from __future__ import annotations

import numpy as np
from ALSCortexProfileLib.contour import contourNormals
from ALSCortexProfileLib.doubleSigmoid import bandShape, doubleSigmoid, fitDoubleSigmoid
from ALSStudyLib.phantom import arcCase, profileInputs, render
from benchmarkTools import NO_BOOTSTRAP, Goal, Runner, Topic
from lmfit.models import RectangleModel
from scipy.integrate import quad

# a = 1: b, w, peak, full width at 25 % (METHODS.md, with the digits printed there)
PRINTED = (
    (4.0, 1.5, 0.905148, 2.1126),
    (2.0, 1.0, 0.462117, 2.8449),
    (8.0, 2.0, 0.999329, 2.2749),
    (1.0, 0.5, 0.124353, 5.2949),
)
VOXEL_MM = 0.55
# a, b1, c1, b2, c2
SHAPES = (
    (0.25, 6.0, 1.45, 6.0, 2.95),
    (0.25, 6.0, 1.6, 6.0, 2.8),
    (0.25, 6.0, 1.8, 6.0, 2.6),
    (0.2, 4.0, 1.6, 8.0, 2.9),
    (0.12, 7.0, 1.5, 5.0, 2.7),
)


def normals(_: Runner) -> Topic:
    """H: directions of the normals of an arc."""
    arcMm = 15.0
    topic = Topic(
        "Normals",
        f"{arcMm:g} mm arcs of radius 8 to 15 mm, 5 control points on the pial surface 3.75 mm apart (the arc does not "
        "divide into 3.5 mm), 1 mm trimmed at each end; angle between each normal and the radius at its foot.",
    )
    rows, worst = [], 0.0
    for radiusMm in range(8, 16):
        case = arcCase(None, radiusMm=float(radiusMm), arcMm=arcMm, snr=None, controlSpacingMm=3.5)
        nI, nJ, nK = case.shape_IJK
        profileInput = profileInputs(render(case, np.zeros((nK, nJ, nI))))[0]
        image = profileInput.image
        whiteMatter_RAS = image.ijkToWorld(profileInput.whiteMatter.voxels_IJK)
        found = contourNormals(profileInput.contours[0], image, whiteMatter_RAS, NO_BOOTSTRAP)
        level = case.levels[0]
        inward = case.uvToRAS(np.array([level.center_uv]), level.slices[0]) - found.points_RAS
        radial = inward / np.linalg.norm(inward, axis=1, keepdims=True)
        angles = np.degrees(np.arccos(np.clip((radial * found.normals_RAS).sum(1), -1.0, 1.0)))
        high = float(np.percentile(angles, 95))
        worst = max(worst, high)
        rows.append((f"{radiusMm} mm", str(len(angles)), f"{high:.2f}", f"{angles.max():.2f}"))
    topic.add(
        Goal(
            "normals, 95th percentile of the angle to the truth, worst radius",
            f"{worst:.2f} degrees",
            "at most 1 degree",
            worst <= 1.0,
        )
    )
    topic.tables.append(("Degrees off, by radius", ("radius", "normals", "95th percentile", "largest"), rows))
    return topic


def closedForms(_: Runner) -> Topic:
    """I: shape of the curve and fit without noise."""
    topic = Topic(
        "Closed forms, and agreement with lmfit",
        "Closed forms of METHODS.md section 1 against `bandShape`; area and the average over a voxel against adaptive "
        'quadrature. `fitDoubleSigmoid` and lmfit\'s RectangleModel(form="logistic") fit the same depths (0 to 6 mm '
        f"every 0.1 mm), five shapes: F itself, and F averaged over a {VOXEL_MM:g} mm voxel, which neither can follow "
        "exactly. lmfit starts at the half-height crossings, with tolerances of 1e-12.",
    )
    errors = []
    for b, w, peak, widthMm in PRINTED:
        shape = bandShape(1.0, b, 3.0 - w / 2, b, 3.0 + w / 2)
        errors += [shape.peak[0] - np.tanh(b * w / 4), shape.peakDepthMm[0] - 3.0]
        errors += [shape.widthMm[0] - 2 / b * np.arccosh(4 + 3 * np.cosh(b * w / 2)), shape.areaMm[0] - w]
        # Half a unit of the last printed digit.
        if abs(shape.peak[0] - peak) > 5e-7 or abs(shape.widthMm[0] - widthMm) > 5e-5:
            errors.append(np.inf)
    for shape in SHAPES:
        errors.append(_integral(shape, -20.0, 25.0) - bandShape(*shape).areaMm[0])
        for x in (0.5, shape[2], 2.0, shape[4]):
            average = _integral(shape, x - VOXEL_MM / 2, x + VOXEL_MM / 2) / VOXEL_MM
            errors.append(average - float(doubleSigmoid(x, *shape, VOXEL_MM)))
    worst = float(np.abs(errors).max())
    topic.add(Goal("closed forms, largest difference", f"{worst:.1e}", "at most 1e-6", worst <= 1e-6))

    depthMm = np.arange(61) * 0.1
    for voxelWidthMm, what in ((0.0, "F itself"), (VOXEL_MM, "F averaged over a voxel")):
        worst = 0.0
        for shape in SHAPES:
            profile = doubleSigmoid(depthMm, *shape, voxelWidthMm)
            ours, theirs = fitDoubleSigmoid(depthMm, profile), _lmfitShape(depthMm, profile)
            worst = max(worst, *(abs(getattr(ours, name) / value - 1.0) for name, value in theirs.items()))
        topic.add(
            Goal(
                f"agreement with lmfit, {what}, largest relative difference of peak, width and area",
                f"{worst:.1e}",
                "at most 1e-4",
                bool(worst <= 1e-4),
            )
        )
    return topic


def _integral(shape, low, high):
    edges = [c for c in (shape[2], shape[4]) if low < c < high] or None
    return quad(doubleSigmoid, low, high, shape, points=edges, epsabs=1e-11, epsrel=1e-11, limit=200)[0]


def _lmfitShape(depthMm, profile):
    model = RectangleModel(form="logistic")
    inside = depthMm[profile > 0.5 * profile.max()]
    edge = {"value": 0.2, "min": 0.0}  # sigma is 1 / slope, in mm
    start = model.make_params(amplitude=profile.max(), center1=inside[0], center2=inside[-1], sigma1=edge, sigma2=edge)
    found = model.fit(profile, start, x=depthMm, fit_kws={"ftol": 1e-12, "xtol": 1e-12}, max_nfev=20000).best_values
    shape = bandShape(found["amplitude"], 1 / found["sigma1"], found["center1"], 1 / found["sigma2"], found["center2"])
    return {"peak": shape.peak[0], "widthMm": shape.widthMm[0], "areaMm": shape.areaMm[0]}
