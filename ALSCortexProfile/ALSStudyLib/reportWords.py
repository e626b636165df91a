"""Values of result tables as words of a report: numbers with intervals, statuses, names."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from .tables import MISSING

NOT_MEASURED = "not measured"
STATUS_WORDS = {
    "ok": "measured",
    "no_band": "no dark band: cortex looks flat",
    "at_edge": "band ends outside the fitted depths",
    "poor_fit": "poor fit",
    "not_converged": "fit did not settle",
    "invalid_input": "invalid input",
}
NAMES = {"hand_knob": "Hand knob", "paracentral": "Paracentral lobule"}
_SPACE = "\u00a0"  # a number is not torn from its interval
_HYPHEN_AS_MINUS = re.compile(r"(?<![\w)\].-])-(?=\.?\d)")


def number(row: Mapping, name: str) -> float:
    """A cell as a number, whether read from a file or not; NaN for what is missing."""
    value = row.get(name)
    try:
        return math.nan if value in (None, "", MISSING) else float(value)
    except (TypeError, ValueError):
        return math.nan


def text(row: Mapping, name: str) -> str:
    """A cell as text; "" for what is missing."""
    value = row.get(name)
    if value is None or value == MISSING or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return " ".join(str(value).split())


def unbroken(words: str) -> str:
    return words.replace(" ", _SPACE)


def minus(value: float, digits: int) -> str:
    """With a true minus; "" for NaN."""
    if not math.isfinite(value):
        return ""
    words = f"{value:.{digits}f}"
    return (words if float(words) else words.lstrip("-")).replace("-", "\u2212")


def realMinus(words: str) -> str:
    """Words with a true minus before negative numbers; hyphens within names, dates and ranges stay."""
    return _HYPHEN_AS_MINUS.sub("\u2212", words)


def counted(count: int, singular: str, plural: str = "") -> str:
    """1 control, 2 controls."""
    return f"{count} {singular if count == 1 else plural or singular + 's'}"


def signed(value: float, digits: int) -> str:
    """With its sign; "" for NaN."""
    words = minus(value, digits)
    return words if not words or words.startswith("\u2212") or not float(words) else f"+{words}"


def shortLimits(low: float, high: float, digits: int) -> str:
    """Limits in brackets, after a number; with a dash where no minus can be mistaken for it."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return ""
    return f" ({minus(low, digits)}{' to ' if low < 0 else chr(0x2013)}{minus(high, digits)})"


def interval(row: Mapping, name: str, digits: int, blank: str = NOT_MEASURED) -> str:
    """Value and 95 % limits of a measured column; `blank` for a blank, never a zero."""
    value, low, high = (number(row, name + end) for end in ("", "_ci_low", "_ci_high"))
    if not math.isfinite(value):
        return blank
    isKnown = math.isfinite(low) and math.isfinite(high)
    limits = f" ({minus(low, digits)} to {minus(high, digits)})" if isKnown else " (no CI)"
    return unbroken(minus(value, digits) + limits)


def statusWords(status: str) -> str:
    return STATUS_WORDS.get(status, status.replace("_", " ") or "unknown")


def named(slug: str) -> str:
    """A target or region for a person: `hand_knob_left` is "Hand knob, left"."""
    place, _underscore, side = slug.removesuffix("_both").rpartition("_")
    if side not in ("left", "right"):
        place, side = slug.removesuffix("_both"), ""
    words = NAMES.get(place, place.replace("_", " "))
    return words[:1].upper() + words[1:] + (f", {side}" if side else "")


def percentage(value: float) -> str:
    """0 to 100 with one digit; the ends are never reached."""
    return ">99.9" if value > 99.9 else "<0.1" if value < 0.1 else f"{value:.1f}"
