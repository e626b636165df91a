"""What several phase tests share: a small head phantom, made once, as science, nodes or files."""

from dataclasses import replace
from functools import cache

import numpy as np
from ALSStudyLib import phasePhantom
from ALSStudyLib.image import ImageVolume
from PhaseShiftROILib.polarity import NEGATIVE
from PhaseShiftROILib.preparation import PhaseInput
from PhaseShiftROILib.regions import PhaseRegion, structureAndSide
from PhaseShiftROILib.settings import PhaseSettings

# A third of the usual head: the same kernel in mm.
SMALL = PhaseSettings(kernelMm=7.5)


def smallCase(**changes) -> phasePhantom.PhasePhantomCase:
    case = phasePhantom.alsLikePhase()
    return replace(case, **{"shape_IJK": (160, 144, 14), "backgroundTurns": 1.0, **changes})


@cache
def rendered(**changes) -> phasePhantom.RenderedPhase:
    """`smallCase`, made once."""
    return phasePhantom.renderPhase(smallCase(**changes))


def regionsOf(made: phasePhantom.RenderedPhase) -> tuple[PhaseRegion, ...]:
    return tuple(region(name, mask) for name, mask in made.masks_KJI.items())


def region(name: str, mask_KJI: np.ndarray) -> PhaseRegion:
    return PhaseRegion(*structureAndSide(name), np.argwhere(mask_KJI)[:, ::-1])


def phaseInput(made: phasePhantom.RenderedPhase | None = None, **changes) -> PhaseInput:
    """The phantom as the science takes it."""
    made = made or rendered()
    source = PhaseInput(
        phase=ImageVolume(made.phaseRad_KJI, made.case.ijkToRAS, name="phase"),
        magnitude_KJI=made.magnitude_KJI,
        regions=regionsOf(made),
        echoTimeMs=made.case.echoTimeMs,
        fieldStrengthT=made.case.fieldStrengthT,
        polarity=NEGATIVE,
        subject="P1",
        exam="1",
    )
    return replace(source, **changes)
