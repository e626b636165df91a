"""Signs of the phase: slices of alternate sign, and the check of the polarity."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np
from ALSStudyLib.image import ImageVolume
from ALSStudyLib.phasePhantom import (
    BRAIN,
    PhasePhantomCase,
    RenderedPhase,
    alsLikePhase,
    controlLikePhase,
    renderPhase,
    storedComplex,
)
from benchmarkPhaseAccuracy import BOTH_FILTERS, observed, regionMeans, settingsOf, source
from benchmarkTools import Goal, Runner, Topic
from PhaseShiftROILib.angle import wrapped
from PhaseShiftROILib.encoding import phaseFromComplex
from PhaseShiftROILib.measurement import polarityChecks
from PhaseShiftROILib.polarity import CHECKED, NEGATIVE, POSITIVE, UNKNOWN
from PhaseShiftROILib.preparation import preparePhase
from PhaseShiftROILib.regions import VEIN, PhaseRegion, structureAndSide
from PhaseShiftROILib.signFlips import findSignFlips

FLIP_SHAPE_IJK = (160, 144, 16)
FLIP_TURNS = (2.0, 4.0, 6.0, 8.0, 10.0, 12.0)
FLIP_SNRS = (10.0, 20.0, 40.0)
POLARITY_SNRS = (10.0, 40.0)


def regionsOf(rendered: RenderedPhase) -> list[PhaseRegion]:
    masks = rendered.masks_KJI.items()
    return [PhaseRegion(*structureAndSide(name), np.argwhere(mask)[:, ::-1]) for name, mask in masks]


# Sign flips -------------------------------------------------------------------------------------------------------


def flips(runner: Runner) -> Topic:
    """7: slices of alternate sign."""
    seeds = 1 if runner.quick else 3
    nI, nJ, nK = FLIP_SHAPE_IJK
    topic = Topic(
        "Slices of alternate sign",
        f"Heads of {nI} x {nJ} x {nK} voxels, backgrounds of {FLIP_TURNS[0]:g} to {FLIP_TURNS[-1]:g} nominal turns, "
        f"SNR {', '.join(f'{snr:g}' for snr in FLIP_SNRS)}, {seeds} seeds, as real and imaginary int16 with and "
        "without flips. Limits: the background's mean slope along the slices (SNR 20, 2 turns), in steps of "
        "0.1 rad; beyond a quarter of a turn per slice a slope and flips look alike. Correction: the phantom of a "
        "patient (448 x 384 x 16, SNR 40) flipped and corrected, against the same without flips, after each filter; "
        "means of its regions, and single voxels with signal.",
    )
    cases = [
        PhasePhantomCase("flips", (), FLIP_SHAPE_IJK, backgroundTurns=turns, snr=snr, seed=seed, vein=False)
        for turns, snr, seed in product(FLIP_TURNS, FLIP_SNRS, range(1, seeds + 1))
    ]
    found = np.array(runner.results(flipsOf, cases))
    for column, name, wanted in ((0, "sign flips found", len(cases)), (1, "sign flips seen where there are none", 0)):
        count = int(found[:, column].sum())
        topic.add(Goal(name, f"{count} of {len(cases)}", "all" if wanted else "none", count == wanted))
    missedRad, alarmRad = runner.inWorker(flipLimits)
    topic.add(
        Goal(
            "sign flips, slope along the slices from which they are missed, and falsely seen",
            f"{missedRad:.1f} and {alarmRad:.1f} rad per slice",
        )
    )
    for kind, (perRegion, perVoxel) in zip(BOTH_FILTERS, runner.results(correctedFlips, BOTH_FILTERS), strict=True):
        topic.add(
            Goal(
                f"{kind}, flips corrected: largest difference of a region's mean from the image without flips",
                f"{perRegion:.1e} rad; of a voxel {perVoxel:.1e} rad",
                "at most 1e-3 rad",
                perRegion <= 1e-3,
            )
        )
    return topic


def flipsOf(case: PhasePhantomCase) -> tuple[bool, bool]:
    """Whether flips are found where they are, and where they are not."""
    return _flipsIn(renderPhase(case))


def _flipsIn(rendered):
    found = []
    for flipped in (True, False):
        encoded = phaseFromComplex(*storedComplex(rendered, signFlips=flipped))
        found.append(findSignFlips(encoded.phaseRad_KJI, encoded.magnitude_KJI).detected)
    return found[0], found[1]


def flipLimits() -> tuple[float, float]:
    """Steps from slice to slice, rad, from which flips are missed, and from which they are seen without being there."""
    rendered = renderPhase(PhasePhantomCase("steps", (), FLIP_SHAPE_IJK, backgroundTurns=2.0, snr=20.0, vein=False))
    ownRad = float(np.diff(rendered.background_KJI, axis=0).mean())
    limits = [float("inf"), float("inf")]
    for stepRad in np.arange(0.0, np.pi, 0.1):
        slope = stepRad * np.arange(FLIP_SHAPE_IJK[2], dtype=np.float32)[:, None, None]
        steep = replace(rendered, phaseRad_KJI=wrapped(rendered.phaseRad_KJI + slope))
        missed, alarm = np.array(_flipsIn(steep)) != (True, False)
        limits = [
            min(limit, ownRad + stepRad) if wrong else limit
            for limit, wrong in zip(limits, (missed, alarm), strict=True)
        ]
    return limits[0], limits[1]


def correctedFlips(kind: str) -> tuple[float, float]:
    """Largest difference of a region's mean, and of a voxel with signal, from the image that was never flipped."""
    rendered = renderPhase(alsLikePhase())
    regions = regionsOf(rendered)
    images = []
    for flipped in (False, True):
        encoded = phaseFromComplex(*storedComplex(rendered, signFlips=flipped))
        case = source(encoded.phaseRad_KJI, encoded.magnitude_KJI, regions)
        images.append(preparePhase(case, settingsOf(kind).with_(correctSignFlips=flipped)).corrected.array_KJI)
    perRegion = max(float(np.abs(np.subtract(*(regionMeans(image, one) for image in images))).max()) for one in regions)
    # In air, two float32 roundings of a difference may fall on either side of half a turn.
    signal = rendered.magnitude_KJI > 0.5 * BRAIN
    return perRegion, float(np.abs(wrapped(images[0] - images[1]))[signal].max())


# Polarity ---------------------------------------------------------------------------------------------------------


def polarity(runner: Runner) -> Topic:
    """8: does a vein or the globus pallidus tell the sign of iron."""
    seeds = 1 if runner.quick else 2
    topic = Topic(
        "Check of the polarity",
        "Phantoms of a patient and of a control, either polarity, SNR "
        f"{' and '.join(f'{snr:g}' for snr in POLARITY_SNRS)}, {seeds} seeds: what the globus pallidus (both sides) "
        "and a vein along the field say, after each filter. The polarity is not declared. Undecided is not right.",
    )
    jobs = list(product((alsLikePhase(), controlLikePhase()), (NEGATIVE, POSITIVE), POLARITY_SNRS, range(seeds)))
    answers = [answer for outcome in runner.results(polarityOf, jobs) for answer in outcome]
    for name in sorted({name for name, _ in answers}):
        mine = [answer for other, answer in answers if other == name]
        right = mine.count("right")
        topic.add(
            Goal(
                f"{name}: polarity told",
                f"{right} of {len(mine)} right, {mine.count('undecided')} undecided, {mine.count('wrong')} wrong",
                "all right",
                right == len(mine),
            )
        )
    return topic


def polarityOf(job: tuple[PhasePhantomCase, str, float, int]) -> list[tuple[str, str]]:
    """Filter and structure, and whether the check is right, undecided or wrong."""
    case, sign, snr, seed = job
    rendered = _noiseFree(case, sign)
    phase, magnitude = observed(rendered.magnitude_KJI, rendered.phaseRad_KJI, snr, seed)
    regions = [region for region in regionsOf(rendered) if region.structure.slug in CHECKED]
    image = replace(source(phase, magnitude, regions, polarity=UNKNOWN), phase=ImageVolume(phase, case.ijkToRAS))
    found = []
    for kind in BOTH_FILTERS:
        for check in polarityChecks(preparePhase(image, settingsOf(kind)), regions):
            answer = {sign: "right", UNKNOWN: "undecided"}.get(check.suggests, "wrong")
            found.append((f"{kind}, {'vein' if check.region == VEIN else 'globus pallidus'}", answer))
    return found


@lru_cache(maxsize=1)
def _noiseFree(case: PhasePhantomCase, sign: str) -> RenderedPhase:
    return renderPhase(replace(case, polarity=sign, snr=None))
