"""Accuracy of the phase shift: encodings, means of regions, and the contrast that the filters leave of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
from ALSStudyLib.image import ImageVolume
from ALSStudyLib.phasePhantom import (
    BRAIN,
    PhasePhantomCase,
    RenderedPhase,
    renderPhase,
    storedComplex,
    storedPhase,
)
from benchmarkTools import Goal, Runner, Topic, percent
from PhaseShiftROILib.angle import wrapped
from PhaseShiftROILib.encoding import PHILIPS_MRAD, RADIANS, SIEMENS, phaseFromComplex, phaseFromStored
from PhaseShiftROILib.measurement import LOW_RETENTION, circularMean, measurePhaseShift
from PhaseShiftROILib.polarity import NEGATIVE, RING_PIXELS
from PhaseShiftROILib.preparation import PhaseInput, preparePhase
from PhaseShiftROILib.regions import PhaseRegion, structure
from PhaseShiftROILib.settings import HOMODYNE, LAPLACIAN, NONE, PhaseSettings
from scipy.ndimage import binary_dilation, distance_transform_edt, label
from scipy.stats import circmean

BOTH_FILTERS = (HOMODYNE, LAPLACIAN)
PIXEL_MM, SLICE_MM = 0.536, 2.0
TURNS = (2.0, 6.0, 12.0)
SHIFTS_RAD = tuple(sign * size for size in (0.05, 0.12, 0.176, 0.35) for sign in (-1.0, 1.0))
SNR = 40.0
SEEDS = 3
# Degrees around the brain's middle; 40 degrees are 50 mm at its edge, too far for one region to touch another.
PLACES = {"center": (20, 140, 260), "10 mm": (0, 120, 240), "6 mm": (40, 160, 280), "3 mm": (80, 200, 320)}
CENTER_MM = 25.0
WITHIN_PERCENT = 5.0


# A head, and regions in it ----------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def slab(nI: int, nJ: int, nSlices: int, turns: float = 6.0) -> tuple[np.ndarray, np.ndarray]:
    """The middle slices of a head of 56: magnitude and background, rad, (nK, nJ, nI)."""
    case = PhasePhantomCase("head", (), (nI, nJ, 56), backgroundTurns=turns, snr=None, vein=False)
    rendered = renderPhase(case)
    middle = slice(28 - nSlices // 2, 28 - nSlices // 2 + nSlices)
    return rendered.magnitude_KJI[middle].copy(), rendered.background_KJI[middle].copy()


def observed(magnitude_KJI, phaseRad_KJI, snr: float | None, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Wrapped phase and magnitude of a signal with complex noise, float32."""
    if snr is None:
        return wrapped(phaseRad_KJI).astype(np.float32), magnitude_KJI
    rng = np.random.default_rng(seed)
    signal = magnitude_KJI * np.exp(1j * phaseRad_KJI)
    sd = BRAIN / snr
    signal += rng.normal(0.0, sd, signal.shape) + 1j * rng.normal(0.0, sd, signal.shape)
    return np.angle(signal).astype(np.float32), np.abs(signal).astype(np.float32)


@lru_cache(maxsize=2)
def places(nI: int, nJ: int, nSlices: int) -> dict[str, list[tuple[int, int]]]:
    """Pixels (i, j) in the brain by their distance to its edge."""
    magnitude = slab(nI, nJ, nSlices)[0][0]
    # Scalp is as bright as brain but not connected with it.
    labels, _ = label((magnitude > 0.5 * BRAIN) & (magnitude < 1.15 * BRAIN))
    distanceMm = PIXEL_MM * distance_transform_edt(labels == labels[nJ // 2, nI // 2])
    found = {}
    for name, anglesDeg in PLACES.items():
        found[name] = []
        for angleDeg in anglesDeg:
            radii = np.arange(0, min(nI, nJ) // 2)
            i = np.rint(nI // 2 + radii * np.cos(np.radians(angleDeg))).astype(int)
            j = np.rint(nJ // 2 + radii * np.sin(np.radians(angleDeg))).astype(int)
            if name == "center":
                at = int(np.argmin(np.abs(radii * PIXEL_MM - CENTER_MM)))
            else:
                along = np.where(distanceMm[j, i] > 0, distanceMm[j, i], np.inf)
                at = int(np.argmin(np.abs(along - float(name.split()[0]))))
            found[name].append((int(i[at]), int(j[at])))
    return found


def block(center: tuple[int, int], size: tuple[int, int], slices: Sequence[int]) -> np.ndarray:
    """Voxels (n, 3) of a rectangle around a pixel, in each of the slices."""
    i, j = (np.arange(n) - n // 2 + middle for n, middle in zip(size, center, strict=True))
    return np.array(list(product(i, j, slices)))


def source(phaseRad_KJI, magnitude_KJI, regions=(), **changes) -> PhaseInput:
    image = ImageVolume(phaseRad_KJI, np.diag([PIXEL_MM, PIXEL_MM, SLICE_MM, 1.0]), name="phase")
    return PhaseInput(image, magnitude_KJI, tuple(regions), 19.0, 3.0, **{"polarity": NEGATIVE} | changes)


def settingsOf(kind: str, lines: int = 64) -> PhaseSettings:
    return PhaseSettings(filter=kind, kernelLines=lines)


def regionMeans(corrected_KJI, region: PhaseRegion) -> np.ndarray:
    """Of the region by slice, (nSlices,)."""
    i, j, k = region.voxels_IJK.T
    return np.array([corrected_KJI[k[k == n], j[k == n], i[k == n]].mean(dtype=float) for n in np.unique(k)])


def _ringMeans(corrected_KJI, region: PhaseRegion) -> np.ndarray:
    """Of the pixels around the region, where the check of the polarity looks, by slice."""
    i, j, k = region.voxels_IJK.T
    mask = np.zeros(corrected_KJI.shape[1:], dtype=bool)
    mask[j, i] = True
    near, far = (binary_dilation(mask, iterations=n) for n in RING_PIXELS)
    return np.array([corrected_KJI[n][far & ~near].mean(dtype=float) for n in np.unique(k)])


# Encodings and means ----------------------------------------------------------------------------------------------


def encodings(runner: Runner) -> Topic:
    """1: the same data, stored in five ways."""
    topic = Topic(
        "Phase encodings",
        "One noisy head (SNR 40, four slices, 6 turns) stored as radians, Siemens without and with slope and "
        "intercept, Philips milliradians, and real and imaginary int16 with amplitudes of 1,000 to 4,000 and with a "
        "brain of about 1,000. Read again and compared with the phase that was stored, modulo 2 pi; of the complex "
        "images, voxels from an amplitude of 1,000. Half a step of Siemens is 7.7e-4 rad, and rounding of int16 at "
        "amplitude 1,000 is up to 7.1e-4, so two encodings that each keep the goal may differ by more.",
    )
    magnitude, background = slab(448, 384, 4)
    phase, magnitude = observed(magnitude, background, SNR, 5)
    siemens = storedPhase(phase, SIEMENS)
    read = {
        "radians": phaseFromStored(storedPhase(phase, RADIANS), RADIANS),
        "Siemens, 0 to 4095": phaseFromStored(siemens, SIEMENS),
        "Siemens, -4096 to 4094": phaseFromStored(2 * siemens.astype(np.int16) - 4096, SIEMENS),
        "Philips, milliradians": phaseFromStored(storedPhase(phase, PHILIPS_MRAD), PHILIPS_MRAD),
    }
    good = {name: np.ones(phase.shape, dtype=bool) for name in read}
    spread = magnitude * np.random.default_rng(6).uniform(0.25, 1.0, phase.shape).astype(np.float32)
    for name, scaled in (("1,000 to 4,000", spread), ("a brain of about 1,000", 0.25 * magnitude)):
        case = RenderedPhase(PhasePhantomCase("stored", ()), phase, scaled, {}, {}, background)
        name = f"real and imaginary, {name}"
        read[name] = phaseFromComplex(*storedComplex(case))
        good[name] = 4.0 * scaled >= 1000.0
    for name, encoded in read.items():
        difference = np.abs(wrapped(encoded.phaseRad_KJI.astype(float) - phase))[good[name]]
        largest = float(difference.max())
        topic.add(
            Goal(
                f"{name}: largest difference from the phase stored",
                f"{largest:.1e} rad ({difference.size:,} voxels)",
                "at most 1e-3 rad",
                largest <= 1e-3,
            )
        )
    both = [read[name].phaseRad_KJI for name in ("Siemens, 0 to 4095", "Siemens, -4096 to 4094")]
    topic.add(
        Goal(
            "Siemens with and without slope and intercept, largest difference", f"{np.ptp(both, axis=0).max():.1e} rad"
        )
    )
    return topic


def means(runner: Runner) -> Topic:
    """2: circular where phase wraps, arithmetic where it was filtered."""
    topic = Topic(
        "Means of regions",
        "1,000 regions of 20 pixels with SD 0.05 to 0.6 rad around a direction, half of these within 0.3 rad of pi. "
        "`circularMean` against scipy.stats.circmean and against the angle of a sum of complex numbers; and "
        "`measurePhaseShift` of the same values, unfiltered and as filtered by the scanner. Without a filter its means "
        "must be the circular ones, after a filter the arithmetic ones: skewed values keep the two apart.",
    )
    rng = np.random.default_rng(2)
    directions = np.where(np.arange(1000) % 2, rng.uniform(-0.3, 0.3, 1000) + np.pi, rng.uniform(-np.pi, np.pi, 1000))
    noise = rng.gamma(1.0, 1.0, (1000, 20)) - 1.0
    values = wrapped(directions[:, None] + rng.uniform(0.05, 0.6, (1000, 1)) * noise).astype(np.float32)
    ours = np.array([circularMean(row) for row in values.astype(float)])
    others = {
        "scipy.stats.circmean": circmean(values.astype(float), high=np.pi, low=-np.pi, axis=1),
        "the angle of a complex sum": np.angle(np.exp(1j * values.astype(float)).sum(1)),
    }
    for name, other in others.items():
        _meanGoal(topic, f"circular mean beside {name}", wrapped(ours - other))
    array_KJI = values.reshape(1000, 5, 4)
    region = PhaseRegion(structure("box"), "", np.array(list(product(range(4), range(5), range(1000)))))
    for filteredBefore in (False, True):
        case = source(array_KJI, None, [region], alreadyFiltered=filteredBefore)
        (measurement,) = measurePhaseShift(case, PhaseSettings(filter=NONE))
        found = np.array([value.phaseRad for value in measurement.candidates])
        if filteredBefore:
            _meanGoal(topic, "measured mean of filtered phase beside the arithmetic one", found - values.mean(1, float))
        else:
            differences = wrapped(found - others["scipy.stats.circmean"])
            _meanGoal(topic, "measured mean of wrapped phase beside the circular one", differences)
    apart = np.abs(values.mean(1, float) - ours)
    topic.add(
        Goal(
            "arithmetic and circular mean differ in these regions by",
            f"median {np.median(apart):.1e} rad, largest {apart.max():.2f} rad",
        )
    )
    return topic


def _meanGoal(topic, name, differences):
    largest = float(np.abs(differences).max())
    topic.add(Goal(name, f"{largest:.1e} rad", "at most 1e-6 rad", largest <= 1e-6))


# Contrast that is left --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ContrastJob:
    turns: float
    magnitudeGiven: bool
    snr: float | None
    seed: int


def contrastOf(job: ContrastJob) -> dict[str, np.ndarray]:
    """By filter: paired, plain, ring's, predicted contrast, and plain value of no region, (5, nPlaces, nShifts)."""
    size = 448, 384, len(SHIFTS_RAD)
    magnitude, background = slab(*size, job.turns)
    regions, shift = [], np.zeros(background.shape, dtype=np.float32)
    for name, centers in places(*size).items():
        for center in centers:
            voxels = block(center, (4, 5), range(len(SHIFTS_RAD)))
            regions.append(PhaseRegion(structure(f"at {name}"), "", voxels))
            i, j, k = voxels.T
            shift[k, j, i] = np.array(SHIFTS_RAD)[k]
    images = {}
    for name, phase in (("with", background + shift), ("without", background)):
        wrappedRad, noisy = observed(magnitude, phase, job.snr, job.seed)
        images[name] = source(wrappedRad, noisy if job.magnitudeGiven else None, regions)
    found = {}
    for kind in BOTH_FILTERS:
        settings = settingsOf(kind)
        prepared = preparePhase(images["with"], settings)
        without = preparePhase(images["without"], settings).corrected.array_KJI
        rows = []
        for measurement in measurePhaseShift(images["with"], settings, prepared):
            plain = np.array([value.phaseRad for value in measurement.candidates])
            predicted = np.array([value.retention for value in measurement.candidates]) * SHIFTS_RAD
            bias = regionMeans(without, measurement.region)
            ring = plain - _ringMeans(prepared.corrected.array_KJI, measurement.region)
            rows.append((plain - bias, plain, ring, predicted, bias))
        found[kind] = np.array(rows).transpose(1, 0, 2)
    return found


def contrast(runner: Runner) -> Topic:
    """3: polarity and contrast of a small region after the background is gone."""
    seeds = 2 if runner.quick else SEEDS
    wraps = []
    for turns in TURNS:
        magnitude, background = slab(448, 384, len(SHIFTS_RAD), turns)
        wraps.append(f"{turns:g} ({np.ptp(background[magnitude > 0.5 * BRAIN]) / (2 * np.pi):.1f})")
    topic = Topic(
        "Contrast that the filters leave",
        f"Regions of 4 x 5 pixels in eight slices from the middle of a head (448 x 384 x 56, {PIXEL_MM} x {PIXEL_MM} x "
        f"{SLICE_MM:g} mm), 64 lines. Background of nominal turns (and true turns across brain, CSF and scalp of these "
        f"slices): {', '.join(wraps)}. Twelve places: three {CENTER_MM:g} mm from the middle, three each with their "
        "middle 10, 6 and 3 mm from the brain's edge. Shifts of 0.05, 0.12, 0.176 and 0.35 rad of either sign. Without "
        "noise, where phase "
        f"goes on outside the head, and at SNR {SNR:g} ({seeds} seeds, mean), where there is noise outside; with and "
        "without magnitude. Predicted: shift times `retention` of `measurePhaseShift`. Paired: its mean minus the "
        "filtered mean of the same image, same noise, without the regions. Plain: its mean alone. Ring: its mean minus "
        "the mean 2 to 5 pixels around it; the filter's undershoot around a region adds to it, and both hold the "
        "background that the filter left. Deviations are relative to the predicted contrast. Every cell (background, "
        "place, shift) counts once.",
    )
    jobs, cells = [], list(product(TURNS, (True, False), (None, SNR)))
    for turns, given, snr in cells:
        jobs += [ContrastJob(turns, given, snr, seed) for seed in range(1 if snr is None else seeds)]
    outcomes = runner.results(contrastOf, jobs)
    found = {}
    for kind, (turns, given, snr) in product(BOTH_FILTERS, cells):
        cell = ContrastJob(turns, given, snr, 0)
        same = [outcome[kind] for job, outcome in zip(jobs, outcomes, strict=True) if replace(job, seed=0) == cell]
        found[kind, turns, given, snr] = np.mean(same, axis=0)
    for kind, snr, several in product(BOTH_FILTERS, (None, SNR), (TURNS[:-1], TURNS[-1:])):
        _contrastGoals(topic, kind, snr, several, found)
    topic.tables.append(_slopeTable(found))
    topic.tables.append(_shiftTable(found))
    topic.tables.append(_biasTable(found))
    return topic


def _contrastGoals(topic, kind, snr, several, found):
    conditions = list(product(several, (True, False)))
    cells = np.array([found[kind, turns, given, snr] for turns, given in conditions])
    paired, plain, ring, predicted, _ = cells.transpose(1, 0, 2, 3)
    deviation = 100.0 * (paired / predicted - 1.0)
    at = np.unravel_index(np.argmax(np.abs(deviation)), deviation.shape)
    turns, given = conditions[at[0]]
    where = f"{turns:g} turns, {_placeNames()[at[1]]}, {SHIFTS_RAD[at[2]]:+g} rad{'' if given else ', no magnitude'}"
    nominal = " and ".join(f"{turns:g}" for turns in several)
    name = f"{kind}, {f'SNR {snr:g}' if snr else 'noise-free'}, {nominal} turns"
    within = np.abs(deviation) <= WITHIN_PERCENT
    retention = predicted / SHIFTS_RAD
    flagged = retention < LOW_RETENTION
    # Where the measurement itself says that its filter fails, what it does not say that of is judged.
    judged = not flagged.any()
    topic.add(
        Goal(
            f"{name}: paired contrast against the predicted one",
            f"{medianText(deviation)}, worst {percent(deviation[at], True)} ({where}); "
            f"{within.sum()} of {within.size} within {WITHIN_PERCENT:g} %",
            f"within {WITHIN_PERCENT:g} %",
            bool(within.all()),
            judged,
        )
    )
    signs = np.sign(SHIFTS_RAD)
    kept = np.sign(paired) == signs
    topic.add(
        Goal(
            f"{name}: polarity kept",
            f"paired {kept.sum()} of {kept.size}, plain {np.sum(np.sign(plain) == signs)}, "
            f"ring {np.sum(np.sign(ring) == signs)}",
            "all, paired",
            bool(kept.all()),
            judged,
        )
    )
    if flagged.any():
        rest = np.abs(deviation[~flagged]).max()
        topic.add(
            Goal(
                f"{name}: regions that are not flagged low_retention",
                f"{(~flagged).sum()} of {flagged.size}: worst {percent(float(rest))}, "
                f"polarity kept in {kept[~flagged].sum()}; flagged: {within[flagged].sum()} of {flagged.sum()} within "
                f"{WITHIN_PERCENT:g} %, retention from {retention.min():.2f}",
                f"within {WITHIN_PERCENT:g} %, polarity kept, at most a quarter flagged",
                bool(within[~flagged].all() and kept[~flagged].all() and flagged.mean() <= 0.25),
            )
        )


def _placeNames() -> list[str]:
    return [name for name, angles in PLACES.items() for _ in angles]


def _slopeTable(found):
    """How steep the background is where a homodyne filter fails."""
    size = 448, 384, len(SHIFTS_RAD)
    centers = [center for several in places(*size).values() for center in several]
    steepest = np.pi * 64 / 448  # of the last line kept
    cells = []
    for turns in TURNS:
        background = slab(*size, turns)[1][len(SHIFTS_RAD) // 2]
        slopes = [np.hypot(*(part[j, i] for part in np.gradient(background))) for i, j in centers]
        paired, _, _, predicted, bias = found[HOMODYNE, turns, True, None]
        cells += list(zip(slopes, paired / predicted - 1.0, predicted / SHIFTS_RAD, bias, strict=True))
    rows = []
    for low, high in ((0.0, 0.25), (0.25, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 1.5)):
        part = [cell[1:] for cell in cells if low <= cell[0] / steepest < high]
        if part:
            deviation, retention, bias = np.abs(np.array(part)).transpose(1, 0, 2)
            rows.append(
                (
                    f"{low * steepest:.2f} to {high * steepest:.2f} ({low:.0%} to {high:.0%})",
                    str(len(part)),
                    percent(100.0 * float(deviation.max())),
                    f"{retention.min():.3f} to {retention.max():.3f}",
                    f"{bias.max():.4f}",
                )
            )
    caption = (
        "Homodyne by slope of the background in the plane, rad per pixel (share of the slope of the last of 64 lines); "
        "noise-free, magnitude given"
    )
    return caption, ("slope", "places", "paired, worst", "size of retention", "value without a shift, worst rad"), rows


def medianText(deviationPercent) -> str:
    return f"median {percent(float(np.median(np.abs(deviationPercent))))}"


def _shiftTable(found):
    rows = []
    for kind, given, size in product(BOTH_FILTERS, (True, False), sorted({abs(shift) for shift in SHIFTS_RAD})):
        columns = np.isclose(np.abs(SHIFTS_RAD), size)
        signs = np.sign(SHIFTS_RAD)[columns]
        part = np.array([found[kind, turns, given, SNR][:, :, columns] for turns in TURNS])
        _, plain, ring, predicted, _ = part.transpose(1, 0, 2, 3)
        texts = []
        for values in (plain, ring):
            deviation = np.abs(100.0 * (values / predicted - 1.0))
            texts += [
                f"{percent(float(np.median(deviation)))}, {percent(float(deviation.max()))}",
                f"{np.mean(np.sign(values) == signs):.0%}",
            ]
        rows.append((kind, "given" if given else "not given", f"{size:g} rad", *texts))
    header = ("filter", "magnitude", "shift", "plain: median, worst", "right sign", "ring: median, worst", "right sign")
    return (
        f"Plain and ring values against the predicted contrast, SNR {SNR:g}, all backgrounds and places",
        header,
        rows,
    )


def _biasTable(found):
    rows, first = [], 0
    for name, angles in PLACES.items():
        part = slice(first, first + len(angles))
        first += len(angles)
        for turns, snr in product(TURNS, (None, SNR)):
            texts = []
            for given, kind in product((True, False), BOTH_FILTERS):
                bias = found[kind, turns, given, snr][4, part]
                worst = bias.flat[np.argmax(np.abs(bias))]
                texts.append(f"{np.median(np.abs(bias)):.4f}, {worst:+.4f}")
            rows.append((name, f"{turns:g}", f"{snr:g}" if snr else "-", *texts))
    header = (
        "to the edge",
        "turns",
        "SNR",
        "homodyne",
        "laplacian",
        "homodyne, no magnitude",
        "laplacian, no magnitude",
    )
    return "Filtered mean of a region without any shift, rad: median size, worst", header, rows
