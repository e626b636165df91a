"""What the options of `profile`, `phase` and `rerun` ask for: files to load, and the settings to measure with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import InputError

# Measures one exam, telling the share that is done.
Measure = Callable[[Callable[[float], None] | None], object]


@dataclass(frozen=True)
class ExamSource:
    """
    :param openIn: loads into a scene; (kind, function that measures) of each exam that is there.
    :param inputs: all files that go in.
    """

    openIn: Callable[[object], list[tuple[str, Measure]]]
    inputs: Callable[[], Sequence[Path]]


def examSource(parsed) -> ExamSource:
    """Of the parsed options of one of the three commands, `parsed.command`.

    :raises InputError: options that do not go together.
    """
    return {"profile": _profileSource, "phase": _phaseSource, "rerun": _sceneSource}[parsed.command](parsed)


def _profileSource(parsed) -> ExamSource:
    from .profileExam import ProfileExam, ProfileFiles, loadProfileCase

    files = ProfileFiles(parsed.image, parsed.contour, parsed.references, _echoTimes(parsed.echo_times_ms))
    settings = _profileSettings(parsed)

    def measureIn(scene):
        return lambda progress: ProfileExam(
            loadProfileCase(scene, files, parsed.subject, parsed.exam, settings), progress
        )

    return ExamSource(lambda scene: [("profile", measureIn(scene))], lambda: files.all)


def _phaseSource(parsed) -> ExamSource:
    from .phaseExam import PhaseExam, loadPhaseCase

    files, declared = _phaseFiles(parsed), _declaredAcquisition(parsed)
    settings = _phaseSettings(parsed)

    def measureIn(scene):
        return lambda progress: PhaseExam(
            loadPhaseCase(scene, files, declared, parsed.subject, parsed.exam, settings), progress
        )

    return ExamSource(lambda scene: [("phase", measureIn(scene))], lambda: files.all)


def _sceneSource(parsed) -> ExamSource:
    from . import caseIO
    from .sceneFiles import sceneFiles

    def inputs():
        return [parsed.scene, *(sceneFiles(parsed.scene) if parsed.scene.suffix.lower() == ".mrml" else [])]

    return ExamSource(lambda scene: caseIO.openScene(scene, parsed.scene, parsed.subject, parsed.exam), inputs)


# Settings -------------------------------------------------------------------------------------------------------


def _echoTimes(texts: Sequence[str]) -> list[float]:
    """Echo times as numbers; commas between them are fine."""
    words = [word for text in texts for word in text.replace(",", " ").split()]
    try:
        times = [float(word) for word in words]
    except ValueError:
        times = [math.nan]
    if not all(map(math.isfinite, times)):
        raise InputError(f"Echo times are '{' '.join(words)}'; expected numbers in ms; correct --echo-times-ms.")
    return times


def _profileSettings(parsed):
    from ALSCortexProfileLib.settings import ProfileSettings

    base = (
        ProfileSettings.paper()
        if parsed.literal
        else ProfileSettings(align=parsed.align, voxelAware=parsed.voxel_aware)
    )
    return base.with_(
        interpolation=parsed.interpolation,
        echoCombination=parsed.echo_combination,
        singleEchoMs=parsed.single_echo_ms,
        resamples=parsed.resamples,
        **({"windowPolicy": parsed.window_policy} if parsed.window_policy else {}),
        **({"seed": parsed.seed} if parsed.seed is not None else {}),
    )


def _phaseFiles(parsed):
    from .phaseExam import PhaseFiles

    given = [name for name in ("phase", "real", "imaginary") if getattr(parsed, name) is not None]
    if given not in (["phase"], ["real", "imaginary"]):
        found = " and ".join(f"--{name}" for name in given) or "no image"
        raise InputError(f"Given is {found}; expected --phase with --encoding, or --real with --imaginary; give those.")
    if parsed.phase is not None and parsed.encoding is None:
        raise InputError(
            f"Phase '{parsed.phase}' is given without --encoding; expected radians, siemens, philips_mrad, bids or "
            "dicom; say how the scanner stored it: radians are never guessed from the range."
        )
    if parsed.phase is None and parsed.encoding is not None:
        raise InputError("--encoding is given for real and imaginary images, which need none; leave it out.")
    return PhaseFiles(parsed.regions, parsed.phase, parsed.real, parsed.imaginary, parsed.magnitude)


def _declaredAcquisition(parsed):
    from PhaseShiftROILib.mrml import BY_SCANNER, UNFILTERED, Acquisition

    lines = parsed.filtered_lines
    if lines is not None and lines < 4:
        raise InputError(f"--filtered-lines is {lines}; expected at least 4; correct it or leave it out.")
    return Acquisition(
        encoding=parsed.encoding or "",
        echoTimeMs=parsed.echo_time_ms,
        fieldStrengthT=parsed.field_strength_t,
        polarity=parsed.polarity,
        filter=BY_SCANNER if parsed.already_filtered or lines is not None else UNFILTERED,
        filteredLines=lines,
    )


def _phaseSettings(parsed):
    from PhaseShiftROILib.settings import PhaseSettings

    return PhaseSettings(
        filter=parsed.filter,
        kernelLines=parsed.kernel_lines,
        kernelMm=parsed.kernel_mm,
        window=parsed.window,
        highPassSigmaMm=parsed.high_pass_sigma_mm,
        correctSignFlips=parsed.correct_sign_flips,
        sliceRule=parsed.slice_rule,
        pixelRules=";".join(parsed.pixel_rule),
        resampleRegions=parsed.resample_regions,
        maskPower=parsed.mask_power,
        slabMm=parsed.slab_mm,
    )
