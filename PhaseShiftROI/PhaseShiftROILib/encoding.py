"""Stored values to radians, from what is declared and never by stretching the range (METHODS.md 2, "scaling").

Range is looked at for one purpose only: to refuse an image that contradicts what is declared of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError

from .angle import wrapped

RADIANS, SIEMENS, PHILIPS_MRAD, COMPLEX = "radians", "siemens", "philips_mrad", "complex"
STORED_ENCODINGS = (RADIANS, SIEMENS, PHILIPS_MRAD)
SIEMENS_LEVELS = 4096
MRAD_LIMIT = 3150.0  # 1000 pi and rounding
RADIAN_LIMIT = 1.01 * np.pi
FULL_TURN_LIMIT = 2.01 * np.pi
SMALLEST_SPAN_RAD = 0.02


@dataclass(frozen=True)
class EncodedPhase:
    """:param phaseRad_KJI: float32, (nK, nJ, nI), rad, in [-pi, pi]; NaN where the stored value was not finite.
    :param magnitude_KJI: of complex images, float32; else None.
    :param description: how the stored values were read, for the provenance.
    """

    phaseRad_KJI: np.ndarray
    description: str
    magnitude_KJI: np.ndarray | None = None


def phaseFromStored(stored_KJI: np.ndarray, encoding: str, name: str = "phase") -> EncodedPhase:
    """Radians from one image of stored values (after the file's own slope and intercept).

    :param stored_KJI: any real type, (nK, nJ, nI). encoding: one of `STORED_ENCODINGS`. name: for messages.
    :raises InputError: no or an unknown encoding, or values that contradict it.
    """
    if encoding not in STORED_ENCODINGS:
        found = f"'{encoding}'" if encoding else "no encoding"
        raise InputError(
            f"Phase '{name}' has {found} declared; expected one of {', '.join(STORED_ENCODINGS)}; "
            "say how the scanner stored it: radians are never guessed from the range."
        )
    low, high = _range(stored_KJI, name)
    if encoding == RADIANS:
        return _fromRadians(stored_KJI, low, high, name)
    if encoding == SIEMENS:
        return _fromSiemens(stored_KJI, low, high, name)
    return _fromMilliradians(stored_KJI, low, high, name)


def phaseFromComplex(real_KJI: np.ndarray, imaginary_KJI: np.ndarray, name: str = "complex image") -> EncodedPhase:
    """Phase angle(real + i imaginary) and magnitude, as from the real and imaginary images GE stores.

    :raises InputError: images of different shapes, or without negative values, which no real part has.
    """
    if real_KJI.shape != imaginary_KJI.shape:
        raise InputError(
            f"Real and imaginary of '{name}' have {_sizeText(real_KJI)} and {_sizeText(imaginary_KJI)} voxels; "
            "expected two images of one acquisition; choose them again."
        )
    if np.array_equal(real_KJI, imaginary_KJI):
        raise InputError(
            f"Real and imaginary of '{name}' are the same image; expected two; choose the imaginary one again."
        )
    for array, part in ((real_KJI, "Real"), (imaginary_KJI, "Imaginary")):
        low, high = _range(array, name)
        if low >= 0 or high <= 0:
            raise InputError(
                f"{part} image of '{name}' holds {low:g} to {high:g}; expected positive and negative values; "
                "is it a magnitude, or was its offset lost?"
            )
    real, imaginary = np.asarray(real_KJI, dtype=np.float32), np.asarray(imaginary_KJI, dtype=np.float32)
    return EncodedPhase(np.arctan2(imaginary, real), "angle(real + i imaginary)", np.hypot(real, imaginary))


def _fromRadians(stored, low, high, name):
    largest = max(-low, high)
    fullTurn = low >= -0.01 and high > RADIAN_LIMIT
    if largest > (FULL_TURN_LIMIT if fullTurn else RADIAN_LIMIT):
        raise _contradiction(name, RADIANS, low, high, "-pi to pi (or 0 to 2 pi)")
    if not np.any(np.mod(stored, 1)):
        raise _contradiction(name, RADIANS, low, high, "fractions, not whole numbers alone")
    if high - low < SMALLEST_SPAN_RAD:
        raise _contradiction(name, RADIANS, low, high, f"phase that spans more than {SMALLEST_SPAN_RAD:g} rad")
    if fullTurn:
        return EncodedPhase(wrapped(np.asarray(stored, dtype=np.float64)).astype(np.float32), "radians, 0 to 2 pi")
    return EncodedPhase(np.clip(np.asarray(stored, dtype=np.float32), -np.pi, np.pi), "radians")


def _fromSiemens(stored, low, high, name):
    expected = "-4096 to 4095, or 0 to 4095 where slope and intercept were not applied"
    _refuseOtherUnits(SIEMENS, low, high, name, expected)
    if low < -SIEMENS_LEVELS or high > SIEMENS_LEVELS:
        raise _contradiction(name, SIEMENS, low, high, expected)
    if min(-low, high) > 3130 and max(-low, high) < MRAD_LIMIT:
        raise _contradiction(name, SIEMENS, low, high, expected + " (this is the range of milliradians)")
    scale = np.float32(np.pi / SIEMENS_LEVELS)
    if low < 0:
        return EncodedPhase(np.asarray(stored, dtype=np.float32) * scale, "Siemens, -4096 to 4095: x pi / 4096")
    if not np.any(np.mod(stored, 2)):
        # The even half of -4096..4094 and a thinned 0..4095 look alike.
        raise InputError(
            f"Phase '{name}' is declared siemens and holds only even values from {low:g} to {high:g}; expected "
            "negative values (slope and intercept applied) or odd ones (not applied); export it with its header."
        )
    values = np.asarray(stored, dtype=np.float32)
    return EncodedPhase((2 * values - SIEMENS_LEVELS) * scale, "Siemens, 0 to 4095: (2 x - 4096) pi / 4096")


def _fromMilliradians(stored, low, high, name):
    expected = "milliradians, -3142 to 3142"
    _refuseOtherUnits(PHILIPS_MRAD, low, high, name, expected)
    if low < -MRAD_LIMIT or high > MRAD_LIMIT:
        raise _contradiction(name, PHILIPS_MRAD, low, high, expected)
    return EncodedPhase(
        np.clip(np.asarray(stored, dtype=np.float32) * np.float32(1e-3), -np.pi, np.pi), "milliradians / 1000"
    )


def _refuseOtherUnits(encoding, low, high, name, expected):
    if max(-low, high) < FULL_TURN_LIMIT:
        raise _contradiction(name, encoding, low, high, f"{expected} (these look like radians)")


def _contradiction(name, encoding, low, high, expected):
    return InputError(
        f"Phase '{name}' is declared {encoding} but holds {low:g} to {high:g}; expected {expected}; "
        "declare the encoding it has."
    )


def _range(array, name) -> tuple[float, float]:
    """Smallest and largest finite value."""
    low, high = float(np.min(array)), float(np.max(array))
    if not np.isfinite([low, high]).all():
        finite = array[np.isfinite(array)]
        if len(finite) == 0:
            raise InputError(f"Image '{name}' holds no finite value; expected phase; export it again.")
        low, high = float(finite.min()), float(finite.max())
    if low == high:
        raise InputError(f"Image '{name}' holds {low:g} everywhere; expected phase; choose another image.")
    return low, high


def _sizeText(array) -> str:
    return " x ".join(str(n) for n in array.shape[::-1])
