"""What the BIDS sidecar, the JSON file beside an image, says of a phase image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ALSStudyLib.errors import InputError
from ALSStudyLib.jsonText import parsedJson

from .encoding import RADIANS

BIDS_UNITS = {"rad": RADIANS, "radian": RADIANS, "radians": RADIANS}


@dataclass(frozen=True)
class Sidecar:
    """:param encoding: one of `encoding.STORED_ENCODINGS`, "" if it names no unit of phase that is known."""

    encoding: str = ""
    echoTimeMs: float | None = None
    fieldStrengthT: float | None = None


def sidecarPath(path: Path) -> Path:
    """The JSON file beside an image."""
    stem = path.name
    for ending in (".nii.gz", ".nii"):
        if stem.lower().endswith(ending):
            return path.with_name(stem[: -len(ending)] + ".json")
    return path.with_suffix(".json")


def readSidecar(path: Path, unitNeeded: bool = False) -> Sidecar:
    """Unit (rad), EchoTime (s) and MagneticFieldStrength (T) of an image's sidecar; nothing if there is none.

    :param path: the image. unitNeeded: the encoding is to come from here.
    :raises InputError: a sidecar that is no JSON; no sidecar, or none of a unit that is known, where it is needed.
    """
    sidecar = sidecarPath(path)
    if not sidecar.is_file():
        if unitNeeded:
            raise InputError(
                f"Phase '{path}' has no sidecar '{sidecar.name}'; expected one with Units for the encoding bids; "
                "declare the encoding instead."
            )
        return Sidecar()
    try:
        content = parsedJson(sidecar.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"Sidecar '{sidecar}' is not JSON; expected a BIDS sidecar; export it again.") from error
    if not isinstance(content, dict):
        raise InputError(f"Sidecar '{sidecar}' holds no fields; expected a BIDS sidecar; export it again.")
    unit = content.get("Units")
    encoding = BIDS_UNITS.get(str(unit).lower(), "")
    if unitNeeded and not encoding:
        found = "no Units" if unit is None else f"Units '{unit}'"
        raise InputError(
            f"Sidecar '{sidecar}' has {found}; expected 'rad', the unit BIDS gives to phase; "
            "declare how the scanner stored it instead."
        )
    echoTimeS, fieldStrengthT = (_number(content, name, sidecar) for name in ("EchoTime", "MagneticFieldStrength"))
    if echoTimeS is not None and echoTimeS > 1:
        raise InputError(
            f"Sidecar '{sidecar}' has the EchoTime {echoTimeS:g}; expected seconds, as 0.019; correct the sidecar, or "
            "give --echo-time-ms."
        )
    return Sidecar(encoding, None if echoTimeS is None else 1e3 * echoTimeS, fieldStrengthT)


def _number(content, name, sidecar):
    value = content.get(name)
    if value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise InputError(f"Sidecar '{sidecar}' has {name} {value!r}; expected a number; correct it.")
