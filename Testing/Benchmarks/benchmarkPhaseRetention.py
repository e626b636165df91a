"""What the filters leave of a region, by kernel and size: the table for those who choose a kernel."""

from __future__ import annotations

from itertools import product

import numpy as np
from benchmarkPhaseAccuracy import (
    BOTH_FILTERS,
    PIXEL_MM,
    block,
    medianText,
    places,
    regionMeans,
    settingsOf,
    slab,
    source,
)
from benchmarkTools import Goal, Runner, Topic, percent
from PhaseShiftROILib.angle import wrapped
from PhaseShiftROILib.measurement import measurePhaseShift
from PhaseShiftROILib.preparation import preparePhase
from PhaseShiftROILib.regions import PhaseRegion, structure
from PhaseShiftROILib.settings import HOMODYNE
from scipy.ndimage import gaussian_filter

LINES = (32, 48, 64, 96, 128)
SIZES = ((2, 2), (3, 3), (4, 5), (5, 7), (8, 8), (12, 12))
TABLE_SHIFT_RAD = -0.176


def tableCell(job: tuple[str, int]) -> np.ndarray:
    """Predicted, measured and flat independent retention, (3, nSizes), at one filter and kernel."""
    kind, lines = job
    size = 448, 448, len(SIZES)
    magnitude, background = slab(*size)
    regions, shift = [], np.zeros(background.shape, dtype=np.float32)
    for k, pixels in enumerate(SIZES):
        for center in places(*size)["center"]:
            voxels = block(center, pixels, [k])
            regions.append(PhaseRegion(structure(f"{pixels[0]} x {pixels[1]}"), "", voxels))
            shift[k, voxels[:, 1], voxels[:, 0]] = TABLE_SHIFT_RAD
    settings = settingsOf(kind, lines)
    images = [source(wrapped(background + part), magnitude, regions) for part in (shift, np.zeros_like(shift))]
    prepared, without = (preparePhase(image, settings) for image in images)
    predicted, measured = [], []
    for measurement in measurePhaseShift(images[0], settings, prepared):
        (value,) = measurement.candidates
        predicted.append(value.retention)
        plain = regionMeans(without.corrected.array_KJI, measurement.region)[0]
        measured.append((value.phaseRad - plain) / TABLE_SHIFT_RAD)
    flat = [(flatRetention(kind, lines, pixels), _retentionInFlat(kind, lines, pixels)) for pixels in SIZES]
    perSize = (np.reshape(values, (len(SIZES), -1)).mean(1) for values in (predicted, measured))
    return np.array([*perSize, *np.transpose(flat)])


def flatRetention(kind: str, lines: int, pixels: tuple[int, int]) -> float:
    """Where magnitude is even and nothing turns, from numpy's and scipy's filters alone."""
    region = np.zeros((448, 448))
    i, j, _ = block((224, 224), pixels, [0]).T
    region[j, i] = 1.0
    if kind == HOMODYNE:
        line = np.abs(np.arange(448) - 224)
        window = np.where(line <= lines / 2, np.cos(np.pi * line / lines) ** 2, 0.0)
        kept = np.fft.ifft2(np.fft.fft2(region) * np.fft.ifftshift(np.outer(window, window))).real
    else:
        # Half of the amplitude is left at half of the last line's frequency, where a Hann window leaves half.
        perPixel = 0.25 * lines / 448
        kept = gaussian_filter(region, np.sqrt(np.log(2.0) / 2.0) / (np.pi * perPixel), mode="constant")
    return 1.0 - float(kept[j, i].mean())


def _retentionInFlat(kind, lines, pixels) -> float:
    # A level background of 1 rad, for an image without any phase is no phase image.
    case = source(
        np.ones((1, 448, 448), dtype=np.float32),
        np.ones((1, 448, 448), dtype=np.float32),
        [PhaseRegion(structure("box"), "", block((224, 224), pixels, [0]))],
    )
    return measurePhaseShift(case, settingsOf(kind, lines))[0].candidates[0].retention


def errorTable(runner: Runner) -> Topic:
    """4: what is left, by kernel and size of the region."""
    topic = Topic(
        "Retention by kernel and region",
        f"A shift of {TABLE_SHIFT_RAD} rad in one region per slice, three places 25 mm from the middle of the brain, "
        f"448 x 448 pixels of {PIXEL_MM} mm (240 mm), 6 turns, no noise, magnitude given. Predicted retention, and in "
        "brackets the measured one: paired contrast over shift, mean of the places. Independent: retention in an even "
        "image against numpy's FFT under a Hann window and scipy's gaussian_filter of the SD that passes one half "
        "where the window does.",
    )
    jobs = list(product(BOTH_FILTERS, LINES))
    cells = dict(zip(jobs, runner.results(tableCell, jobs), strict=True))
    for kind in BOTH_FILTERS:
        part = np.array([cells[kind, lines] for lines in LINES])
        deviation = 100.0 * (part[:, 1] / part[:, 0] - 1.0)
        at = np.unravel_index(np.argmax(np.abs(deviation)), deviation.shape)
        where = f"{LINES[at[0]]} lines, {SIZES[at[1]][0]} x {SIZES[at[1]][1]} pixels"
        topic.add(
            Goal(
                f"{kind}, table of retention: measured against predicted",
                f"{medianText(deviation)}, worst {percent(deviation[at], True)} ({where})",
            )
        )
        apart = float(np.abs(part[:, 2] - part[:, 3]).max())
        topic.add(
            Goal(
                f"{kind}: retention in an even image beside an independent filter's",
                f"{apart:.1e}",
                "at most 1e-3",
                apart <= 1e-3,
            )
        )
        rows = []
        for index, (nI, nJ) in enumerate(SIZES):
            area = f"{nI} x {nJ} ({nI * PIXEL_MM:.1f} x {nJ * PIXEL_MM:.1f} mm)"
            rows.append((area, *(f"{part[n, 0, index]:.3f} ({part[n, 1, index]:.3f})" for n in range(len(LINES)))))
        header = ("pixels", *(f"{lines} lines, {2 * 240 / lines:.3g} mm" for lines in LINES))
        topic.tables.append((f"Retention of {kind}: predicted (measured)", header, rows))
    return topic
