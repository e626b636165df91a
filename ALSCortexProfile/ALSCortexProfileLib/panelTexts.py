"""What the panel says of a measurement, in the user's words: status, advice, remarks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from slicer.i18n import tr as _


def targetText(slug: str) -> str:
    """Name of a target in the user's language; a place of the user's own keeps its name."""
    known = {
        "hand_knob_left": _("Hand knob, left"),
        "hand_knob_right": _("Hand knob, right"),
        "paracentral_left": _("Paracentral lobule, left"),
        "paracentral_right": _("Paracentral lobule, right"),
    }
    if slug in known:
        return known[slug]
    from .targets import target

    return target(slug).label


def statusText(status: str) -> str:
    """The status as words in the row."""
    return {
        "ok": _("ok"),
        "no_band": _("no band: cortex looks flat"),
        "at_edge": _("band reaches the end of the window"),
        "poor_fit": _("poor fit"),
        "not_converged": _("fit did not settle"),
        "invalid_input": _("cannot be measured"),
    }.get(status, status)


def adviceText(status: str, flags: Sequence[str] = ()) -> str:
    """What to do about a status; "" if nothing."""
    if status == "no_band" and "normals_flipped_by_user" in flags:
        return _(
            "The normals were flipped by hand and may point away from the cortex: then this is no finding. Press Flip "
            "normals again."
        )
    return {
        "no_band": _(
            "No dark band stands out below the line. Check that the line follows the surface of the cortex, and that "
            "the normals run into it, not into fluid or across a sulcus: then it is a finding, as in many healthy "
            "cortices. SH, Thk and SH/Thk stay blank."
        ),
        "at_edge": _(
            "An edge of the band lies where the fit no longer looks. Draw the line nearer to the surface, or set the "
            "window by hand under Advanced."
        ),
        "poor_fit": _(
            "The profile is not that of one band. Check the line and the excluded normals; a vessel or a second bank "
            "may lie in the way."
        ),
        "not_converged": _("The fit found no stable curve. Check the line and the references."),
    }.get(status, "")


def flagText(flag: str) -> str:
    """A remark as words; one that has none is shown as the tables have it."""
    number, _separator, rest = flag.partition("_")
    if rest == "normals_not_sampled":
        return _("{number} normals meet the border of the image or missing voxels").format(number=number)
    return {
        "closed_contour": _("the line is closed"),
        "normals_flipped_by_user": _("normals flipped by hand"),
        "control_points_wider_than_3_mm": _("points more than 3 mm apart: place more"),
        "many_normals_excluded": _("more than a quarter of the normals left out"),
        "side_against_splenium": _("the line lies on the other side of the splenium than its name says"),
        "white_matter_near_line": _("white matter is painted within 3 mm of a line, which is cortex: paint it deeper"),
        "tilt_unknown": _("tilt of the cortex unknown: one slice only"),
        "steep_tilt": _("the cortex is steep against the slice: thickness is overestimated"),
        "no_bright_edge_above_band": _("no bright layer above the band"),
        "shift_at_limit": _("single profiles lie more than 0.6 mm apart: draw the line more closely to the surface"),
        "interval_unstable": _("confidence interval unstable: a longer line helps"),
    }.get(flag, flag.replace("_", " "))


def numberText(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if math.isfinite(value) else "-"


def intervalText(low: float, high: float, digits: int) -> str:
    return f"({low:.{digits}f}-{high:.{digits}f})" if math.isfinite(low) and math.isfinite(high) else ""


def referenceText(state, minimumMm2: float = 0.0) -> str:
    """Area and mean of a reference while it is painted, and whether it is large enough."""
    if state.value is None:
        return _("not painted") if state.problem == "not painted" else state.problem
    text = _("{area:.0f} mm2, mean {mean:.4g}").format(area=state.value.areaMm2, mean=state.value.mean)
    if not minimumMm2:
        return text
    if state.value.areaMm2 < minimumMm2 - 1e-6:
        return _("{text}: too small, paint at least {minimum:g} mm2").format(text=text, minimum=minimumMm2)
    return _("{text}: ok (at least {minimum:g} mm2)").format(text=text, minimum=minimumMm2)
