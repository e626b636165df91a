"""Accuracy and speed beside peers on the same inputs: sampling along lines, fits of mean profiles, unwrapping."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import vtk
from ALSCortexProfileLib.contour import contourNormals
from ALSCortexProfileLib.doubleSigmoid import bandShape, doubleSigmoid, fitDoubleSigmoid
from ALSCortexProfileLib.sampling import sampleAlongNormals
from ALSStudyLib.image import ImageVolume
from ALSStudyLib.phantom import Band, arcCase, depthBelow, outline, profileInputs, render
from ALSStudyLib.phasePhantom import PhasePhantomCase, renderPhase
from benchmarkTools import NO_BOOTSTRAP, Goal, Ratio, Runner, Topic, measureCase, percent, timeInTurn
from lmfit.models import RectangleModel
from PhaseShiftROILib.angle import wrapped
from PhaseShiftROILib.gaussianHighPass import gaussianHighPass, sigmaForCutoff
from PhaseShiftROILib.laplacian import unwrapLaplacian
from scipy.optimize import curve_fit
from scipy.signal import find_peaks, peak_widths, resample
from scipy.special import expit
from skimage.measure import profile_line
from skimage.restoration import unwrap_phase
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

BAND = Band.symmetric(0.25, 1.2)
ARC = arcCase(BAND, nSlices=1, snr=None)
LINE_RESOLUTION = 100  # Line Profile's own number of samples
UPSAMPLING = 10  # and how it prepares them for peaks
MIN_WIDTH_MM = 0.3
FROM_MM = 0.5
HALF_WIDTH_MM = 2.0 / BAND.b1 * float(np.arccosh(2.0 + np.cosh(0.5 * BAND.b1 * (BAND.c2 - BAND.c1))))  # METHODS.md
OURS, OURS_LINEAR = "sampleAlongNormals, cubic", "sampleAlongNormals, linear"
LINE_PROFILE = "Line Profile (vtkProbeFilter)"
HEAD_IJK = (224, 192, 16)
BRAIN_SHARE = 0.8  # of the head's half axes: away from its border
CUTOFF_MM = 7.5


# Sampling ---------------------------------------------------------------------------------------------------------


def lines(runner: Runner) -> Topic:
    """3: sampling along normals beside skimage's profile_line and Slicer's Line Profile."""
    topic = Topic(
        "Lines beside peers",
        "One noise-free arc of cortex (1.2 mm band, 0.39 mm voxels), the same normals for all, from -1 to 6 mm, in one "
        "thread. skimage's profile_line is given the slice; it samples once per pixel, and prepares the whole slice "
        "anew for each line of order 3. Line Profile, a module of the Sandbox extension of Slicer, is what it asks of "
        "vtk and scipy: vtkProbeFilter at 100 points of each line, then resample to ten times as many, find_peaks and "
        "peak_widths at half height, its default, here from 0.5 mm on: resample takes a line to be periodic, so bright "
        "CSF at one end would spoil the other (as it is, widths at 25 % are lost). RMS is of intensity against the "
        "phantom's closed form, in percent of the splenium, from 0.3 to 5 mm, and holds the voxel's own blur, which "
        "all share. Widths and SH/Thk: peak_widths of what each has sampled, and the measurement itself. Ratios are "
        "medians with their range over repeats that take turns.",
    )
    errors, shapes, ours, seconds = runner.inWorker(compareLines, 5 if runner.quick else 15)
    least = min(error for name, error in errors.items() if name != OURS)
    topic.add(
        Goal(
            "sampling, RMS error of intensity",
            "; ".join(f"{name} {percent(error)}" for name, error in errors.items()),
            "ours at most 1.1 times the least of any peer",
            errors[OURS] <= 1.1 * least,
        )
    )
    topic.add(
        Goal(
            "SH/Thk of the same cortex, measured; height over half-height width by peak_widths of the mean",
            f"{percent(ours, True)}; "
            + ", ".join(f"{name} {percent(error, True)}" for name, (_, error, _, _) in shapes.items()),
            "measured: at most 1 %",
            abs(ours) <= 1.0,
        )
    )
    for name in seconds:
        if name != OURS:
            ratio = Ratio.of(seconds[name], seconds[OURS])
            topic.add(Goal(f"sampling, time of {name} beside ours", str(ratio), judged=False))
    topic.tables.append(
        (
            "Errors by peak_widths",
            ("sampled by", "width, mean profile", "height over width", "width, single lines", "lines with a peak"),
            [
                (name, percent(width, True), percent(ratio, True), f"{percent(single, True)} (median)", f"{share:.0%}")
                for name, (width, ratio, single, share) in shapes.items()
            ],
        )
    )
    return topic


def compareLines(repeats: int):
    """RMS errors of intensity, errors by peak_widths, error of the measurement (percent), and seconds, by sampler."""
    profileInput = profileInputs(render(ARC))[0]
    image = profileInput.image
    whiteMatter_RAS = image.ijkToWorld(profileInput.whiteMatter.voxels_IJK)
    normals = contourNormals(profileInput.contours[0], image, whiteMatter_RAS, NO_BOOTSTRAP)
    start_RAS, direction_RAS = normals.points_RAS[~normals.excluded], normals.normals_RAS[~normals.excluded]
    low, high = NO_BOOTSTRAP.minDepthMm, NO_BOOTSTRAP.maxDepthMm
    makers, depths = samplers(image, start_RAS, direction_RAS, low, high)
    errors, shapes = {}, {}
    for name, sample in makers.items():
        values, x = sample(), depths[name]
        errors[name] = _rmsPercent(values, x, image, start_RAS, direction_RAS)
        shapes[name] = _shapeErrors(x, values)
    found = measureCase(ARC, NO_BOOTSTRAP).selected
    ours = 100.0 * (found.shThkPerMm / BAND.shThkPerMm - 1.0)
    return errors, shapes, ours, timeInTurn({name: (lambda f=f: f) for name, f in makers.items()}, repeats)


def samplers(image: ImageVolume, start_RAS, direction_RAS, low: float, high: float):
    """By name: functions that sample all lines (nLines, nDepths), and their depths."""
    step = NO_BOOTSTRAP.depthStepMm
    ours = low + step * np.arange(round((high - low) / step) + 1)
    ends = [image.rasToIJK(start_RAS + depth * direction_RAS) for depth in (low, high)]
    slice_JI = image.array_KJI[round(float(ends[0][0, 2]))].astype(float)
    makers: dict[str, Callable] = {
        OURS: lambda: sampleAlongNormals(image, start_RAS, direction_RAS, ours, "cubic"),
        OURS_LINEAR: lambda: sampleAlongNormals(image, start_RAS, direction_RAS, ours, "linear"),
    }
    depths = {OURS: ours, OURS_LINEAR: ours}
    for order in (1, 3):
        name = f"skimage profile_line, order {order}"
        makers[name] = lambda order=order: np.array(
            [profile_line(slice_JI, a[1::-1], b[1::-1], order=order) for a, b in zip(*ends, strict=True)]
        )
        depths[name] = np.linspace(low, high, makers[name]().shape[1])
    probe = _vtkProbe(image)
    shares = np.linspace(0.0, 1.0, LINE_RESOLUTION)[:, None]
    makers[LINE_PROFILE] = lambda: np.array([probe(a + shares * (b - a)) for a, b in zip(*ends, strict=True)])
    depths[LINE_PROFILE] = np.linspace(low, high, LINE_RESOLUTION)
    return makers, depths


def _vtkProbe(image: ImageVolume) -> Callable:
    """A function of points (n, 3), in voxels, that asks vtkProbeFilter: linear, rounded to the image's type."""
    grid = vtk.vtkImageData()
    grid.SetDimensions(*image.shape_IJK)
    grid.GetPointData().SetScalars(numpy_to_vtk(np.ascontiguousarray(image.array_KJI).ravel(), deep=True))

    def probe(points_IJK):
        points = vtk.vtkPoints()
        points.SetData(numpy_to_vtk(np.ascontiguousarray(points_IJK), deep=True))
        line = vtk.vtkPolyData()
        line.SetPoints(points)
        probing = vtk.vtkProbeFilter()
        probing.SetInputData(line)
        probing.SetSourceData(grid)
        probing.ComputeToleranceOff()
        probing.Update()
        return vtk_to_numpy(probing.GetOutput().GetPointData().GetScalars()).astype(float)

    return probe


def _rmsPercent(values, x, image, start_RAS, direction_RAS) -> float:
    """Of intensity against the phantom's closed form, percent of the splenium, within the cortex."""
    points_IJK = image.rasToIJK(start_RAS[:, None] + x[:, None] * direction_RAS[:, None])
    center = (np.array(image.shape_IJK[:2]) - 1) / 2.0
    points_uv = (points_IJK[..., :2] - center) * ARC.spacingMm[:2]
    depthMm = depthBelow(points_uv.reshape(-1, 2), outline(ARC.levels[0]))[0].reshape(values.shape)
    true = ARC.tissue.withoutBand(depthMm) - ARC.tissue.splenium * doubleSigmoid(depthMm, *BAND.parameters)
    within = (depthMm > 0.3) & (depthMm < 5.0)
    return 100.0 * float(np.sqrt(((values - true)[within] ** 2).mean())) / ARC.tissue.splenium


def _shapeErrors(x, values):
    """Errors in percent by peak_widths: width and SH/Thk of the mean, median width of single lines, and their share."""
    width, height = _peak(x, values.mean(0))
    singles = np.array([_peak(x, row)[0] for row in values])
    ratio = height / ARC.tissue.splenium / width
    return (
        100.0 * (width / HALF_WIDTH_MM - 1.0),
        100.0 * (ratio * HALF_WIDTH_MM / BAND.sh - 1.0),
        100.0 * (float(np.nanmedian(singles)) / HALF_WIDTH_MM - 1.0),
        float(np.isfinite(singles).mean()),
    )


def _peak(x, intensity) -> tuple[float, float]:
    """Width in mm at half height, and height, of the darkest peak in the cortex; NaN if there is none."""
    inside = x >= FROM_MM
    fine, fineX = resample(intensity[inside], UPSAMPLING * int(inside.sum()), x[inside])
    stepMm = fineX[1] - fineX[0]
    peaks, found = find_peaks(-fine, width=MIN_WIDTH_MM / stepMm)
    inCortex = (fineX[peaks] > 0.3) & (fineX[peaks] < NO_BOOTSTRAP.maxBandDepthMm)
    if not inCortex.any():
        return float("nan"), float("nan")
    peaks, heights = peaks[inCortex], found["prominences"][inCortex]
    best = int(np.argmax(heights))
    return float(peak_widths(-fine, peaks[best : best + 1], rel_height=0.5)[0][0] * stepMm), float(heights[best])


# Fits -------------------------------------------------------------------------------------------------------------


def fits(runner: Runner) -> Topic:
    """3: fits of the same mean profiles, from the same first guess."""
    count = runner.count(200)
    topic = Topic(
        "Fits beside peers",
        f"The mean profiles of {count} phantoms (1.2 mm band, SNR 25, two slices, line off by 0.1 mm, not aligned, "
        "window zero_crossing). lmfit's RectangleModel and scipy's curve_fit of the same F start at the half-height "
        "crossings; ours finds its own start. Converged: the fit says so and its SH/Thk is within a factor of two.",
    )
    seeds = list(range(count))
    found = np.array(runner.results(fitOnce, seeds))  # (seed, FITTERS)
    for index, name in enumerate(FITTERS):
        errors = 100.0 * (found[:, index] / BAND.shThkPerMm - 1.0)
        sound = np.abs(errors) < 50.0
        text = f"median |error| {percent(float(np.median(np.abs(errors[sound]))))}, bias "
        text += f"{percent(float(np.median(errors[sound])), True)}; {sound.mean():.1%} converged"
        isOurs = index < 2
        topic.add(
            Goal(f"{name}, SH/Thk", text, "all converged" if isOurs else "", bool(sound.all()) if isOurs else None)
        )
    same = np.abs(found[:, 0] / found[:, 2] - 1.0)
    topic.add(
        Goal(
            "our plain fit beside lmfit's, difference of SH/Thk",
            f"median {np.nanmedian(same):.1e}, 95th percentile {np.nanpercentile(same, 95):.1e}",
            "median at most 1e-3",
            bool(np.nanmedian(same) <= 1e-3),
        )
    )
    return topic


def fitOnce(seed: int) -> list[float]:
    """SH/Thk of one mean profile by each of FITTERS; NaN where it did not converge."""
    case = replace(arcCase(BAND, nSlices=2, jitterMm=0.1), seed=seed)
    settings = NO_BOOTSTRAP.with_(windowPolicy="zero_crossing", voxelAware=False, align=False)
    measured = measureCase(case, settings)
    x, d = measured.mean.depthMm[measured.window.slice], measured.mean.hypointensity[measured.window.slice]
    return [fit(x, d, measured.voxelWidthMm) for fit in FITTERS.values()]


def _ratio(fit) -> float:
    return fit.peak / fit.widthMm


def _guess(x, d):
    top = int(np.argmax(d))
    above = np.flatnonzero(d >= 0.5 * d[top])
    width = max(x[above[-1]] - x[above[0]], 0.2)
    return d[top], 6.0 / width, x[above[0]], 6.0 / width, x[above[-1]]


def _byLmfit(x, d, _voxelWidthMm) -> float:
    a, b1, c1, b2, c2 = _guess(x, d)
    model = RectangleModel(form="logistic")
    sigmas = {name: {"value": 1 / b, "min": 1e-3} for name, b in (("sigma1", b1), ("sigma2", b2))}
    guess = model.make_params(amplitude=a, center1=c1, center2=c2, **sigmas)
    found = model.fit(d, guess, x=x)
    v = found.best_values
    if not found.success:
        return float("nan")
    return _ofParameters(v["amplitude"], 1 / v["sigma1"], v["center1"], 1 / v["sigma2"], v["center2"])


def _byScipy(x, d, _voxelWidthMm) -> float:
    def function(x, a, b1, c1, b2, c2):
        return a * (expit(b1 * (x - c1)) - expit(b2 * (x - c2)))

    try:
        return _ofParameters(*curve_fit(function, x, d, _guess(x, d))[0])
    except RuntimeError:
        return float("nan")


def _ofParameters(a, b1, c1, b2, c2) -> float:
    if not (b1 > 0 and b2 > 0 and c2 > c1):
        return float("nan")
    shape = bandShape(a, b1, c1, b2, c2)
    return float(shape.peak[0] / shape.widthMm[0])


FITTERS = {
    "ours, plain": lambda x, d, voxelWidthMm: _ratio(fitDoubleSigmoid(x, d)),
    "ours, voxel-aware": lambda x, d, voxelWidthMm: _ratio(fitDoubleSigmoid(x, d, voxelWidthMm)),
    "lmfit RectangleModel": _byLmfit,
    "scipy curve_fit": _byScipy,
}


# Unwrapping -------------------------------------------------------------------------------------------------------


def unwrapping(runner: Runner) -> Topic:
    """3: unwrapped phase of a head beside the phase it was made of."""
    topic = Topic(
        "Unwrapping beside peers",
        f"A head of {' x '.join(map(str, HEAD_IJK))} voxels whose background spans 2 and 6 turns, noise-free and at "
        "SNR 40, wrapped; the truth is the background with the same noise, never wrapped. Difference from it in the "
        "brain after the best common offset, before the high-pass and after it (gaussianHighPass of both, cut-off "
        f"{CUTOFF_MM:g} mm). Laplacian unwrapping is wrong by smooth waves, which the high-pass takes away; what is "
        "left is what a value feels. numpy.unwrap goes along one axis after the other. Ratios are medians with their "
        "range.",
    )
    for turns in (2.0, 6.0):
        for snr in (None, 40.0):
            errors, seconds = runner.inWorker(compareUnwrapping, turns, snr, 3)
            where = f"unwrapping, {turns:g} turns, " + (f"SNR {snr:g}" if snr else "noise-free")
            topic.add(
                Goal(
                    f"{where}: RMS error unwrapped, and after the high-pass",
                    "; ".join(f"{name} {raw:.3f} and {left:.4f} rad" for name, (raw, left) in errors.items()),
                    "ours after the high-pass at most 0.02 rad",
                    errors["ours"][1] <= 0.02,
                )
            )
            for name in seconds:
                if name != "ours":
                    ratio = Ratio.of(seconds[name], seconds["ours"])
                    topic.add(Goal(f"{where}: time of {name} beside ours", str(ratio), judged=False))
    return topic


def compareUnwrapping(turns: float, snr: float | None, repeats: int):
    """RMS errors in rad, (unwrapped, after the high-pass), and seconds, by unwrapper."""
    case = PhasePhantomCase("head", (), HEAD_IJK, backgroundTurns=turns, snr=snr, vein=False)
    rendered = renderPhase(case)
    phase, magnitude = rendered.phaseRad_KJI, rendered.magnitude_KJI
    spacingMm = np.array(case.spacingMm)
    makers = {
        "ours": lambda: unwrapLaplacian(phase, spacingMm, magnitude),
        "skimage unwrap_phase": lambda: unwrap_phase(phase, rng=1),
        "numpy unwrap": lambda: np.unwrap(np.unwrap(np.unwrap(phase, axis=2), axis=1), axis=0),
    }
    nI, nJ, _ = HEAD_IJK
    j, i = np.mgrid[:nJ, :nI]
    brain = np.hypot((i - (nI - 1) / 2) / (0.42 * nI), (j - (nJ - 1) / 2) / (0.47 * nJ)) < BRAIN_SHARE
    truth = (rendered.background_KJI + wrapped(phase - rendered.background_KJI)).astype(np.float32)

    def highPassed(values):
        return gaussianHighPass(phase, values.copy(), magnitude, sigmaForCutoff(CUTOFF_MM), spacingMm)

    def rms(values, beside):
        difference = (values - beside)[:, brain].astype(float)
        return float(np.sqrt(((difference - np.median(difference)) ** 2).mean()))

    filtered, errors = highPassed(truth), {}
    for name, unwrap in makers.items():
        values = unwrap().astype(np.float32)
        errors[name] = rms(values, truth), rms(highPassed(values), filtered)
    return errors, timeInTurn({name: (lambda f=f: f) for name, f in makers.items()}, repeats)
