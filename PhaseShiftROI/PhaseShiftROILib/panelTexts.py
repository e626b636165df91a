"""What the panel says of a measurement, in the user's words: remarks, what to do about them, numbers."""

from __future__ import annotations

import math
import re

from slicer.i18n import tr as _


def structureText(slug: str) -> str:
    """Name of a structure in the user's language; a region of the user's own keeps its name."""
    known = {
        "precentral_gyrus": _("Precentral gyrus"),
        "frontal_cortex": _("Frontal cortex"),
        "caudate_nucleus": _("Caudate nucleus"),
        "globus_pallidus": _("Globus pallidus"),
        "putamen": _("Putamen"),
        "vein": _("Vein"),
    }
    if slug in known:
        return known[slug]
    words = slug.replace("_", " ")
    return words[:1].upper() + words[1:]


def sideText(side: str) -> str:
    return {"left": _("left"), "right": _("right")}.get(side, "")


def regionText(slug: str, side: str) -> str:
    if not side:
        return structureText(slug)
    return _("{structure}, {side}").format(structure=structureText(slug), side=sideText(side))


def polarityText(polarity: str) -> str:
    return {
        "paramagnetic_negative": _("iron is negative"),
        "paramagnetic_positive": _("iron is positive"),
    }.get(polarity, _("undecided"))


def radText(value: float) -> str:
    return f"{value:+.3f}" if math.isfinite(value) else "-"


def hzText(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else "-"


def flagTexts(flag: str) -> tuple[str, str]:
    """A remark of the measurement as words, and what to do about it ("" if nothing)."""
    if flag in _plainFlags():
        return _plainFlags()[flag]
    for pattern, words, advice in _countedFlags():
        match = re.fullmatch(pattern, flag)
        if match:
            return words.format(*match.groups()), advice
    if flag.startswith("polarity_contradicted_by_"):
        structure = flag.removeprefix("polarity_contradicted_by_")
        slug, _underscore, side = structure.rpartition("_")
        name = regionText(slug, side) if side in ("left", "right") else structureText(structure)
        return _("{region} contradicts the polarity").format(region=name), _(
            "Check the polarity against the scanner's documentation, and look at another vein or the globus pallidus."
        )
    return flag.replace("_", " "), ""


def _plainFlags() -> dict[str, tuple[str, str]]:
    return {
        "empty_region": (_("not painted"), _("Place or paint the region.")),
        "left_and_right_exchanged": (
            _("left and right exchanged"),
            _("The left region lies to the right of the right one: paint each on its side. Until then, no value."),
        ),
        "side_against_midline": (
            _("on the other side"),
            _("The region lies on the other side of the head than its name says: paint it on its own side."),
        ),
        "not_finite": (_("pixels without a number"), _("Move the region to where the image has values.")),
        "no_slice_measured": (_("no slice measured"), _("Move the region to where the image has signal.")),
        "sign_against_polarity": (
            _("sign against the polarity"),
            _("The value has the sign that iron does not have: check where the region lies, and the polarity."),
        ),
        "no_side": (_("no side"), _("Add left or right to the name of the segment.")),
        "low_retention": (
            _("filter leaves less than half"),
            _("The filter takes most of a shift of this size: use fewer lines, or a smaller region."),
        ),
        "steep_background": (
            _("steep background"),
            _("Leftover background may pass for shift here: use the Laplacian filter."),
        ),
        "near_image_border": (
            _("near the image's border"),
            _("The homodyne filter mixes it with the opposite border: use the Laplacian filter."),
        ),
        "polarity_unknown": (
            _("polarity unknown"),
            _("Say which sign iron has; until then the slices of largest size are kept, and there is no SWI."),
        ),
        "filter_on_filtered_phase": (
            _("filtered twice"),
            _("The scanner has filtered this phase already: choose the filter None."),
        ),
        "looks_already_filtered": (
            _("looks filtered already"),
            _("The image has hardly any background. If the scanner filtered it, say so and choose the filter None."),
        ),
        "does_not_look_filtered": (
            _("does not look filtered"),
            _("The image still has a background: check that the scanner has filtered it."),
        ),
        "not_filtered": (
            _("not filtered"),
            _("The values hold the background too: choose a filter."),
        ),
        "slices_not_along_the_thick_axis": (
            _("slices of another plane"),
            _("The file was turned after the scan, so the filter works across its slices: use the image as acquired."),
        ),
        "sign_flips_found_not_corrected": (
            _("every second slice has the opposite sign"),
            _("Turn on the correction of sign flips, and prepare again."),
        ),
        "sign_flips_corrected": (_("sign flips corrected"), ""),
        "sign_flips_not_found_but_corrected": (
            _("sign flips corrected that were not found"),
            _("Turn off the correction of sign flips, unless you know better."),
        ),
        "filtered_without_magnitude": (
            _("filtered without magnitude"),
            _("Choose the magnitude image: noise outside the head then stays outside."),
        ),
        "region_resampled": (_("painted on another grid"), _("Paint it on the image's own pixels.")),
        "wraps_in_region": (_("wraps inside the region"), _("The phase jumps inside the region: filter it.")),
    }


def _countedFlags() -> tuple[tuple[str, str, str], ...]:
    """(pattern, words for its groups, what to do)."""
    return (
        (
            r"(\d+)_pixels_outside_([\d-]+)",
            _("{0} pixels, rule {1}"),
            _("Place it again with a number within the rule, or paint and erase. The value stays, with this remark."),
        ),
        (r"(\d+)_of_(\d+)_slices", _("{0} of {1} slices"), _("Place or paint the region in more slices.")),
        (
            r"no_(\d+)_adjacent_slices",
            _("no {0} adjacent slices"),
            _("Place the region in adjacent slices, or choose the ranked slice rule."),
        ),
        (
            r"no_signal_in_(\d+)_of_(\d+)_pixels",
            _("no signal in {0} of {1} pixels"),
            _("Move the region to where the magnitude has signal."),
        ),
        (
            r"(\d+)_of_(\d+)_slices_not_measured",
            _("{0} of {1} slices without a value"),
            _("The list of slices says which, and why."),
        ),
        (
            r"kernel_cuts_at_([\d.]+)_mm",
            _("filter cuts at {0} mm"),
            _("So narrow a filter takes cortex away: use fewer lines."),
        ),
    )
