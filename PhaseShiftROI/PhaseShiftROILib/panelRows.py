"""Regions and slices as the panel's tables show them: text, remarks, and what to do about them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from slicer.i18n import tr as _

from .panelLive import RegionState
from .regions import VEIN
from .panelTexts import flagTexts, hzText, polarityText, radText, regionText, sideText, structureText

BAR_LENGTH = 8
KEPT_BLOCK, OTHER_BLOCK = "\u2588", "\u2591"


@dataclass(frozen=True)
class RegionRow:
    """:param cells: text by column. remarks: in words, in a line; none on a region that is only not painted yet.
    :param tip: all that there is to say. advice: remarks with what to do, a line each.
    :param isOutside: the number of pixels is outside the rule.
    """

    slug: str
    cells: dict[str, str]
    remarks: str
    tip: str
    advice: str
    isOutside: bool = False


@dataclass(frozen=True)
class SliceRow:
    """:param isKept: one of the slices that the rule keeps."""

    slice: int
    cells: dict[str, str]
    tip: str
    isKept: bool
    isOutside: bool


def countText(value, rule) -> str:
    """Pixels against the rule, as "19 of 15-25"."""
    return str(value.nPixels) if rule.text == "free" else _("{n} of {rule}").format(n=value.nPixels, rule=rule.text)


def remarks(flags) -> list[str]:
    return [flagTexts(flag)[0] for flag in flags]


def advice(flags) -> str:
    """A line per remark, with what to do about it."""
    lines = []
    for flag in flags:
        words, toDo = flagTexts(flag)
        lines.append(f"{words[:1].upper()}{words[1:]}. {toDo}".strip())
    return "\n".join(lines)


def regionRow(state: RegionState, checks=(), lastSlice: int | None = None) -> RegionRow:
    """:param checks: what it says of the polarity. lastSlice: painted last; shown as long as none is kept."""
    region, chosen = state.region, state.chosen
    shown = chosen[0] if chosen else state.valueIn(lastSlice) if lastSlice is not None else None
    if shown is None and state.values:
        shown = state.values[0]
    flags = list(dict.fromkeys([*(flag for value in chosen or state.values for flag in value.flags), *state.flags]))
    if not state.values and not flags:
        flags = ["empty_region"]
    cells = {
        "region": structureText(region.structure.slug),
        "side": sideText(region.side),
        "slice": " ".join(str(value.slice) for value in (chosen or state.values)[:3]) or "-",
        "pixels": countText(shown, state.rule) if shown else f"- {_('of')} {state.rule.text}",
        "area": f"{shown.areaMm2:.1f}" if shown else "-",
        "rad": radText(shown.phaseRad) if shown else "-",
        "hz": hzText(shown.phaseHz) if shown else "-",
    }
    if not shown and state.rule.text == "free":
        cells["pixels"] = "-"
    isOutside = any(not state.rule.allows(value.nPixels) for value in (chosen or state.values))
    if isOutside:
        cells["pixels"] = f"! {cells['pixels']}"
    isVein = region.structure.slug == VEIN
    words = [_("suggests that {polarity}").format(polarity=polarityText(check.suggests)) for check in checks if isVein]
    words += [f"! {'; '.join(remarks(flags))}"] if flags and flags != ["empty_region"] else []
    return RegionRow(region.slug, cells, "; ".join(words), _tip(state, checks, flags), advice(flags), isOutside)


def _tip(state, checks, flags) -> str:
    lines = [regionText(state.region.structure.slug, state.region.side)]
    for rank, value in enumerate(state.chosen, start=1):
        numbers = [_("{rad} rad").format(rad=radText(value.phaseRad)), _("{hz} Hz").format(hz=hzText(value.phaseHz))]
        if math.isfinite(value.phasePpb):
            numbers.append(_("{ppb:+.1f} ppb").format(ppb=value.phasePpb))
        if math.isfinite(value.sdRad):
            numbers.append(_("SD {sd:.3f} rad").format(sd=value.sdRad))
        numbers.append(_("{n} pixels").format(n=value.nPixels))
        if math.isfinite(value.retention):
            numbers.append(_("the filter leaves {share:.0f} %").format(share=100 * value.retention))
        lines.append(
            _("{rank}. slice {slice}: {numbers}").format(rank=rank, slice=value.slice, numbers=", ".join(numbers))
        )
    for check in checks:
        lines.append(
            _("Polarity: {suggests} ({reason})").format(suggests=polarityText(check.suggests), reason=check.reason)
        )
    return "\n".join(filter(None, [*lines, advice(flags)]))


def readoutText(state: RegionState, slice: int) -> str:
    """One line on the region in hand in the slice that is painted."""
    value = state.valueIn(slice)
    if value is None:
        return _("Slice {slice}: nothing of the region in hand").format(slice=slice)
    text = _("Slice {slice}: {count} pixels, {area:.1f} mm²").format(
        slice=slice, count=countText(value, state.rule), area=value.areaMm2
    )
    if math.isfinite(value.phaseRad):
        text = _("{text}, {rad} rad, {hz} Hz").format(text=text, rad=radText(value.phaseRad), hz=hzText(value.phaseHz))
    return text if state.rule.allows(value.nPixels) else f"! {text}"


def sliceRows(state: RegionState) -> list[SliceRow]:
    """Every slice of a region, with a bar as long as its value; those that are kept have a rank and a full bar."""
    finite = [abs(value.phaseRad) for value in state.values if math.isfinite(value.phaseRad)]
    largest = max(finite, default=0.0)
    rows = []
    for value in state.values:
        isKept = value.slice in state.ranks
        share = abs(value.phaseRad) / largest if largest and math.isfinite(value.phaseRad) else 0.0
        cells = {
            "slice": str(value.slice),
            "rank": str(state.ranks.get(value.slice, "")),
            "rad": radText(value.phaseRad),
            "bar": (KEPT_BLOCK if isKept else OTHER_BLOCK) * round(BAR_LENGTH * share),
            "sd": f"{value.sdRad:.3f}" if math.isfinite(value.sdRad) else "-",
            "hz": hzText(value.phaseHz),
            "pixels": f"{'' if state.rule.allows(value.nPixels) else '! '}{countText(value, state.rule)}",
            "area": f"{value.areaMm2:.1f}",
        }
        rows.append(SliceRow(value.slice, cells, advice(value.flags), isKept, not state.rule.allows(value.nPixels)))
    return rows
