"""Speed of one measurement and of a thousand fits, and the memory that a measurement takes."""

from __future__ import annotations

import time
import tracemalloc
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import replace
from statistics import median
from unittest import mock

import numpy as np
from ALSCortexProfileLib import bootstrap, measurement, singleProfiles, variants
from ALSCortexProfileLib.doubleSigmoid import bandShape, doubleSigmoid, fitManyDoubleSigmoids
from ALSStudyLib.image import ImageVolume
from ALSCortexProfileLib.measurement import ProfileInput, measureProfile
from ALSCortexProfileLib.settings import ProfileSettings
from ALSStudyLib.phantom import Band, arcCase, profileInputs, render
from benchmarkTools import NO_BOOTSTRAP, Goal, Ratio, Runner, Topic, timeInTurn
from lmfit.models import RectangleModel
from scipy.optimize import curve_fit
from scipy.special import expit

PROFILES = 1000
LMFIT_FITS = 40
SCIPY_FITS = 200
STEPS = {
    "contour": (measurement, "contourNormals"),
    "sampling": (singleProfiles, "sampleAlongNormals"),
    "alignment": (singleProfiles, "alignProfiles"),
    "fit": (variants, "fitManyDoubleSigmoids"),
}
VOLUME_KJI = (60, 512, 512)


def speed(runner: Runner) -> Topic:
    """J: milliseconds of one target, and of a thousand fits beside lmfit and scipy."""
    topic = Topic(
        "Speed",
        "In one process with one thread, medians over repeats that take turns; behind a ratio its range over pairs of "
        "the same turn. One target: one contour of 51 mm, `resamples=0`, "
        "`allVariants=False`, the path that follows a line while it is dragged. Fits: 1,000 block-bootstrap mean "
        "profiles of one phantom (1.2 mm band, SNR 25, two slices, window zero_crossing), all starting at the fit of "
        f"the mean profile; lmfit is timed on {LMFIT_FITS} of them and scipy's curve_fit on {SCIPY_FITS}, and scaled "
        "to 1,000. lmfit has no voxel-aware model, so both ratios are given against its plain one. The full model is "
        "the one of a measurement: voxel, interpolation and bright superficial layers.",
    )
    repeats = 10 if runner.quick else 60
    ms, nNormals, shares = runner.inWorker(timeOneTarget, repeats)
    topic.add(Goal(f"one target, {nNormals} normals", f"{ms:.1f} ms", "at most 16 ms", ms <= 16.0, judged=False))
    topic.tables.append(("Share of one target's time", ("step", "share"), [(k, f"{v:.0%}") for k, v in shares.items()]))
    times, difference = runner.inWorker(timeFits, 3 if runner.quick else 7)
    for other, goal in (("lmfit, plain", 25.0), ("scipy, plain", 4.0)):
        ratio = Ratio.of(times[other], times["plain, warm start"])
        topic.add(
            Goal(
                f"1,000 plain fits, faster than {other.split(',')[0]}",
                str(ratio),
                f"at least {goal:g} times",
                ratio.median >= goal,
                judged=False,
            )
        )
    for other in ("lmfit, plain", "scipy, plain", "scipy, voxel-aware"):
        ratio = Ratio.of(times[other], times["voxel-aware, warm start"])
        topic.add(Goal(f"1,000 voxel-aware fits, faster than {other}", str(ratio), judged=False))
    topic.add(
        Goal(
            "plain warm fits beside scipy's, relative difference of SH/Thk",
            f"median {np.nanmedian(difference):.1e}, 95th percentile {np.nanpercentile(difference, 95):.1e}",
        )
    )
    rows = [(name, f"{1000 * np.median(seconds):.0f} ms") for name, seconds in times.items()]
    topic.tables.append(("Time of 1,000 fits", ("fit", "time"), rows))
    return topic


def timeOneTarget(repeats: int):
    """Median ms, number of normals, and share of each step."""
    case = arcCase(Band.symmetric(0.25, 1.2), arcMm=51.0, radiusMm=12.0)
    profileInput = profileInputs(render(case))[0]
    spent = defaultdict(list)

    def timed(step, function):
        def call(*arguments, **keywords):
            start = time.perf_counter()
            value = function(*arguments, **keywords)
            spent[step].append(time.perf_counter() - start)
            return value

        return call

    def measure():
        return measureProfile(profileInput, NO_BOOTSTRAP, allVariants=False)

    found = measure()
    total = _medianSeconds(measure, repeats)
    with ExitStack() as stack:
        for step, (module, name) in STEPS.items():
            stack.enter_context(mock.patch.object(module, name, timed(step, getattr(module, name))))
        whole = sum(_seconds(measure) for _ in range(repeats))
    shares = {step: sum(spent[step]) / whole for step in STEPS}
    shares["rest (references, mean, window, tilt)"] = 1.0 - sum(shares.values())
    return 1000 * total, found.nNormals, shares


def timeFits(repeats: int):
    """Seconds of PROFILES fits by each method, of each repeat, and how plain fits agree with scipy's."""
    profileInput = profileInputs(render(arcCase(Band.symmetric(0.25, 1.2), nSlices=2)))[0]
    plain = ProfileSettings(windowPolicy="zero_crossing", voxelAware=False, resamples=PROFILES)
    models = {
        "plain": plain,
        "voxel-aware": plain.with_(voxelAware=True),
        "full": plain.with_(voxelAware=True, windowPolicy="superficial"),
    }
    makers, starts, asked, scale = {}, {}, {}, {}

    def add(name, function, *arguments, share=1.0, **keywords):
        makers[name] = lambda: lambda: function(*arguments, **keywords)
        scale[name] = 1.0 / share

    for name, settings in models.items():
        depthMm, profiles, warm = asked[name] = _bootstrapFits(profileInput, settings)
        cold = {key: value for key, value in warm.items() if key not in ("start", "judge")}
        add(f"{name}, warm start", fitManyDoubleSigmoids, depthMm, profiles, **warm)
        add(f"{name}, cold start", fitManyDoubleSigmoids, depthMm, profiles, **cold)
        starts[name] = fitManyDoubleSigmoids(depthMm, profiles.mean(0), **cold).parameters[0]
    for name in ("plain", "voxel-aware"):
        depthMm, profiles, warm = asked[name]
        arguments = depthMm, profiles[:SCIPY_FITS], starts[name], warm["voxelWidthMm"]
        add(f"scipy, {name}", _scipyFits, *arguments, share=SCIPY_FITS / PROFILES)
    depthMm, profiles, warm = asked["plain"]
    add("lmfit, plain", _lmfitFits, depthMm, profiles[:LMFIT_FITS], starts["plain"], share=LMFIT_FITS / PROFILES)
    times = {name: scale[name] * seconds for name, seconds in timeInTurn(makers, repeats).items()}
    ours = fitManyDoubleSigmoids(depthMm, profiles[:SCIPY_FITS], **warm).shape
    theirs = bandShape(*_scipyFits(depthMm, profiles[:SCIPY_FITS], starts["plain"], 0.0).T)
    return times, np.abs(ours.peak / ours.widthMm / (theirs.peak / theirs.widthMm) - 1.0)


def _bootstrapFits(profileInput: ProfileInput, settings: ProfileSettings):
    """What the bootstrap of a measurement asks `fitManyDoubleSigmoids`: depths, PROFILES profiles, keywords."""
    calls = []

    def recorded(depthMm, profiles, **keywords):
        calls.append((depthMm, profiles, keywords))
        return fitManyDoubleSigmoids(depthMm, profiles, **keywords)

    with mock.patch.object(bootstrap, "fitManyDoubleSigmoids", recorded):
        measureProfile(profileInput, settings, allVariants=False)
    depthMm, _, keywords = calls[0]
    return depthMm, np.concatenate([profiles for _, profiles, _ in calls]), keywords


def _lmfitFits(depthMm, profiles, start):
    model = RectangleModel(form="logistic")
    a, b1, c1, b2, c2 = start
    guess = model.make_params(
        amplitude=a, center1=c1, center2=c2, sigma1={"value": 1 / b1, "min": 0}, sigma2={"value": 1 / b2, "min": 0}
    )
    for profile in profiles:
        model.fit(profile, guess, x=depthMm)


def _scipyFits(depthMm, profiles, start, voxelWidthMm):
    """Parameters a, b1, c1, b2, c2 of each profile; NaN where curve_fit gives up."""
    if voxelWidthMm == 0.0:

        def function(x, a, b1, c1, b2, c2):
            return a * (expit(b1 * (x - c1)) - expit(b2 * (x - c2)))
    else:

        def function(x, *parameters):
            return doubleSigmoid(x, *parameters, voxelWidthMm)

    found = np.full((len(profiles), 5), np.nan)
    for row, profile in enumerate(profiles):
        try:
            found[row] = curve_fit(function, depthMm, profile, start)[0]
        except RuntimeError:
            continue
    return found


def _seconds(function, *arguments, **keywords) -> float:
    start = time.perf_counter()
    function(*arguments, **keywords)
    return time.perf_counter() - start


def _medianSeconds(function, repeats, *arguments, **keywords) -> float:
    return median(_seconds(function, *arguments, **keywords) for _ in range(repeats))


def memory(runner: Runner) -> Topic:
    """J: extra memory of one measurement in a whole volume."""
    nK, nJ, nI = VOLUME_KJI
    topic = Topic(
        "Memory",
        f"Peak of what Python and numpy allocate (tracemalloc, so not VTK's own) during one measurement of an arc on "
        f"two slices inside a {nI} x {nJ} x {nK} int16 volume, against the size of that volume.",
    )
    volumeBytes, peaks = runner.inWorker(peakBytes)
    for name, peak in peaks.items():
        topic.add(
            Goal(
                f"extra memory of one measurement, {name}",
                f"{peak / 2**20:.1f} MiB, {peak / volumeBytes:.3f} of the volume's {volumeBytes / 2**20:.0f} MiB",
                "less than one copy",
                peak < volumeBytes,
                judged=False,
            )
        )
    return topic


def peakBytes():
    """Bytes of the volume, and peak of extra bytes by kind of measurement."""
    profileInput = _inWholeVolume(profileInputs(render(arcCase(Band.symmetric(0.25, 1.2), nSlices=2)))[0])
    peaks = {}
    for name, settings in {"without bootstrap": NO_BOOTSTRAP, "1,000 resamples": ProfileSettings()}.items():
        tracemalloc.start()
        found = measureProfile(profileInput, settings)
        peaks[name] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        if found.status != "ok":
            raise RuntimeError(f"Status in the whole volume is {found.status}: {found.reason}")
    return profileInput.image.array_KJI.nbytes, peaks


def _inWholeVolume(profileInput: ProfileInput) -> ProfileInput:
    """The same target at the same place in the world, in the middle of a volume of VOLUME_KJI."""
    small = profileInput.image
    first_KJI = (np.array(VOLUME_KJI) - small.array_KJI.shape) // 2
    array_KJI = np.zeros(VOLUME_KJI, np.int16)
    array_KJI[tuple(slice(a, a + n) for a, n in zip(first_KJI, small.array_KJI.shape, strict=True))] = small.array_KJI
    first_IJK = first_KJI[::-1]
    ijkToRAS = small.ijkToRAS.copy()
    ijkToRAS[:3, 3] -= ijkToRAS[:3, :3] @ first_IJK

    def moved(region):
        return replace(region, voxels_IJK=region.voxels_IJK + first_IJK)

    return replace(
        profileInput,
        image=ImageVolume(array_KJI, ijkToRAS, name="whole volume"),
        splenium=moved(profileInput.splenium),
        whiteMatter=moved(profileInput.whiteMatter),
    )
