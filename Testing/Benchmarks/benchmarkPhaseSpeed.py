"""Speed and memory of the phase filters, beside the transforms they need and beside another unwrapper."""

from __future__ import annotations

import tempfile
import tracemalloc
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import scipy.fft
from ALSStudyLib.phasePhantom import PhasePhantomCase, renderPhase, storedPhase
from benchmarkPhaseAccuracy import PIXEL_MM, SLICE_MM, SNR, settingsOf, source
from benchmarkTools import Goal, Ratio, Runner, Topic, timeInTurn
from PhaseShiftROILib.encoding import PHILIPS_MRAD, RADIANS, SIEMENS, phaseFromComplex, phaseFromStored
from PhaseShiftROILib.gaussianHighPass import gaussianHighPass, sigmaForCutoff
from PhaseShiftROILib.homodyne import cutoffMm, homodyne
from PhaseShiftROILib.laplacian import unwrapLaplacian
from PhaseShiftROILib.parallel import coreCount
from PhaseShiftROILib.preparation import preparePhase
from PhaseShiftROILib.settings import LAPLACIAN
from skimage.restoration import unwrap_phase

VOLUME_IJK = (448, 384, 56)
QUICK_IJK = (448, 384, 12)
LINES = 64
SPACING_MM = np.array([PIXEL_MM, PIXEL_MM, SLICE_MM])
STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


def _headLike(shape_IJK):
    """Wrapped phase and magnitude of a noisy head, float32."""
    rendered = renderPhase(PhasePhantomCase("head", (), shape_IJK, snr=SNR, vein=False))
    return rendered.phaseRad_KJI, rendered.magnitude_KJI


def laplacianFilter(phaseRad_KJI, magnitude_KJI):
    sigmaMm = sigmaForCutoff(cutoffMm(phaseRad_KJI.shape[2], PIXEL_MM, LINES))
    unwrapped = unwrapLaplacian(phaseRad_KJI, SPACING_MM, magnitude_KJI)
    return gaussianHighPass(phaseRad_KJI, unwrapped, magnitude_KJI, sigmaMm, SPACING_MM)


# Speed ------------------------------------------------------------------------------------------------------------


def speed(runner: Runner) -> Topic:
    """5: filters against their own transforms, and against skimage."""
    shape_IJK = QUICK_IJK if runner.quick else VOLUME_IJK
    topic = Topic(
        "Speed of the phase filters",
        f"A noisy head (SNR {SNR:g}) of {' x '.join(map(str, shape_IJK))} voxels on all {coreCount()} cores; "
        "repeats take turns, and behind a ratio is its range over pairs of the same turn. Bare: scipy.fft.fft2 and "
        "ifft2 of complex64, dctn and idctn of float32, workers = cores, each into a new array; in place: on copies "
        "that are not timed, which saves the pages of those arrays. The whole laplacian filter is unwrapping and the "
        "Gaussian high-pass.",
    )
    seconds = runner.inWorker(timeFilters, shape_IJK, 2 if runner.quick else 5)
    for what, name, beside, most in (
        ("homodyne", "homodyne", "bare FFTs", 2.0),
        ("homodyne", "homodyne", "bare FFTs, in place", None),
        ("Laplacian unwrapping", "unwrapLaplacian", "bare cosine transforms", 2.5),
        ("Laplacian unwrapping", "unwrapLaplacian", "bare cosine transforms, in place", None),
        ("whole laplacian filter", "laplacian filter", "bare cosine transforms", None),
        ("whole laplacian filter", "laplacian filter", "homodyne", None),
    ):
        ratio = Ratio.of(seconds[name], seconds[beside])
        goal = f"at most {most:g} times" if most else ""
        met = ratio.median <= most if most else None
        topic.add(Goal(f"{what}, time beside {beside}", str(ratio), goal, met, judged=False))
    faster = Ratio.of(seconds["skimage unwrap_phase"], seconds["unwrapLaplacian"])
    topic.add(
        Goal(
            "Laplacian unwrapping, faster than skimage's unwrap_phase",
            str(faster),
            "at least 10 times",
            faster.median >= 10.0,
            judged=False,
        )
    )
    faster = Ratio.of(seconds["skimage unwrap_phase"], seconds["laplacian filter"])
    topic.add(Goal("whole laplacian filter, faster than skimage's unwrap_phase alone", str(faster)))
    rows = [(name, f"{1000 * values.min():.0f} ms") for name, values in seconds.items()]
    topic.tables.append(("Shortest time", ("what", "time"), rows))
    return topic


def timeFilters(shape_IJK, repeats: int) -> dict[str, np.ndarray]:
    """Seconds of each repeat, by name."""
    phase, magnitude = _headLike(shape_IJK)
    signal = magnitude * np.exp(1j * phase).astype(np.complex64)
    stored = {encoding: storedPhase(phase, encoding) for encoding in (RADIANS, SIEMENS, PHILIPS_MRAD)}
    real, imaginary = (np.rint(4 * part).astype(np.int16) for part in (signal.real, signal.imag))
    workers = coreCount()

    def inPlace(forward, backward, values):
        copy = values.copy()
        return lambda: backward(forward(copy, workers=workers, overwrite_x=True), workers=workers, overwrite_x=True)

    makers = {
        "homodyne": lambda: lambda: homodyne(phase, magnitude, (LINES, LINES)),
        "bare FFTs": lambda: lambda: scipy.fft.ifft2(scipy.fft.fft2(signal, workers=workers), workers=workers),
        "bare FFTs, in place": lambda: inPlace(scipy.fft.fft2, scipy.fft.ifft2, signal),
        "unwrapLaplacian": lambda: lambda: unwrapLaplacian(phase, SPACING_MM, magnitude),
        "bare cosine transforms": lambda: (
            lambda: scipy.fft.idctn(scipy.fft.dctn(phase, workers=workers), workers=workers)
        ),
        "bare cosine transforms, in place": lambda: inPlace(scipy.fft.dctn, scipy.fft.idctn, phase),
        "encoding: radians": lambda: lambda: phaseFromStored(stored[RADIANS], RADIANS),
        "encoding: Siemens": lambda: lambda: phaseFromStored(stored[SIEMENS], SIEMENS),
        "encoding: Philips": lambda: lambda: phaseFromStored(stored[PHILIPS_MRAD], PHILIPS_MRAD),
        "encoding: real and imaginary": lambda: lambda: phaseFromComplex(real, imaginary),
        "laplacian filter": lambda: lambda: laplacianFilter(phase, magnitude),
        "skimage unwrap_phase": lambda: lambda: unwrap_phase(phase, rng=1),
    }
    return timeInTurn(makers, repeats, {"laplacian filter": 3, "skimage unwrap_phase": 3})


# Memory -----------------------------------------------------------------------------------------------------------


def memory(runner: Runner) -> Topic:
    """5: memory of the same, against the complex volume."""
    shape_IJK = QUICK_IJK if runner.quick else VOLUME_IJK
    complexBytes = 8 * int(np.prod(shape_IJK))
    topic = Topic(
        "Memory of the phase filters",
        f"The same head, each filter in a process of its own, against the {complexBytes / 2**20:.0f} MiB of a "
        "complex64 volume. Traced: peak of what Python and numpy allocate (tracemalloc). Resident: how far the process "
        "grew (Linux: peak resident set, reset before the call). Inputs are phase and magnitude, float32, together as "
        "large as the complex volume; the goal is judged with them and on the larger of the two. The chain is "
        "`preparePhase`: sign flips, whether it looks filtered, filter.",
    )
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder) / name) for name in ("phase.npy", "magnitude.npy")]
        for file, array in zip(files, _headLike(shape_IJK), strict=True):
            np.save(file, array)
        # Fresh processes, which the runner's own may not start.
        with get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
            for name in PEAKS:
                traced, resident = pool.apply(peakBytes, (name, *files))
                peak = max(traced, resident or 0)
                grown = f", resident {resident / complexBytes:.2f}" if resident is not None else ""
                topic.add(
                    Goal(
                        f"{name}, peak memory in complex volumes",
                        f"traced {traced / complexBytes:.2f}{grown}; with inputs {peak / complexBytes + 1.0:.2f}",
                        "less than 4, inputs included",
                        peak / complexBytes + 1.0 < 4.0,
                        judged=False,
                    )
                )
    return topic


PEAKS = {
    "homodyne": lambda phase, magnitude: homodyne(phase, magnitude, (LINES, LINES)),
    "Laplacian unwrapping": lambda phase, magnitude: unwrapLaplacian(phase, SPACING_MM, magnitude),
    "chain with whole laplacian filter": lambda phase, magnitude: preparePhase(
        source(phase, magnitude), settingsOf(LAPLACIAN)
    ),
}


def peakBytes(name: str, phaseFile: str, magnitudeFile: str) -> tuple[int, int | None]:
    """Peak of traced bytes, and growth of the resident set (None where the system does not tell)."""
    phase, magnitude = np.load(phaseFile), np.load(magnitudeFile)
    resident = None
    if RESET.exists():
        RESET.write_text("5", encoding="ascii")
        before = _status("VmRSS")
        PEAKS[name](phase, magnitude)
        resident = _status("VmHWM") - before
    tracemalloc.start()
    PEAKS[name](phase, magnitude)
    traced = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return traced, resident


def _status(field: str) -> int:
    """Bytes."""
    (line,) = [line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith(field + ":")]
    return 1024 * int(line.split()[1])
