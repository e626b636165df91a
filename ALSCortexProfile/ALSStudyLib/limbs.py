"""Which limb a hemisphere's region moves, and its clinical score; needs neither pandas nor the scene."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .studyCharts import LEFT, RIGHT, LimbRow

OPPOSITE, SAME = "opposite", "same"
# Donatelli et al. 2018: the hand knob goes with the arm, the paracentral lobule with the leg.
LIMBS = {"hand_knob": ("arm",), "paracentral": ("leg",), "precentral_gyrus": ("arm", "leg")}


def limbOf(region: str, side: str, sideRule: str) -> str:
    """The limb (or both limbs of a body side) that a hemisphere's region moves, as `arm_left`; "" for none."""
    if region not in LIMBS or side not in (LEFT, RIGHT):
        return ""
    other = {LEFT: RIGHT, RIGHT: LEFT}[side] if sideRule == OPPOSITE else side
    return "_".join((*LIMBS[region], other))


def limbScore(participant: Mapping | None, limb: str) -> float:
    """UMN score of a limb, or the sum over both limbs of a side; NaN if unknown.

    :param participant: columns of participants.tsv.
    """
    if participant is None or not limb:
        return math.nan
    *names, side = limb.split("_")
    try:
        return float(sum(float(participant.get(f"umn_{name}_{side}", math.nan)) for name in names))
    except (TypeError, ValueError):
        return math.nan


def limbsOf(rows: Sequence[Mapping], participant: Mapping, subject: str, exam: str, sideRule: str) -> list[LimbRow]:
    """`LimbRow` of each row of profile_measurements.tsv whose limb has a score."""
    found = []
    for row in rows:
        side = str(row.get("side") or "")
        region = str(row.get("target") or "").removesuffix(f"_{side}")
        limb = limbOf(region, side, sideRule)
        score = limbScore(participant, limb)
        if math.isfinite(score):
            value = row.get("sh_thk_per_mm")
            value = math.nan if value is None else float(value)
            group, status = str(participant.get("group") or ""), str(row.get("status") or "")
            found.append(LimbRow(subject, exam, group, region, side, value, status, limb, score))
    return found
