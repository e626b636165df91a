"""Where the motor cortex is measured.

Donatelli et al., AJNR 2018;39:63, step 1: the hand knob (upper limb) and the most cranial and lateral part of the
paracentral lobule (lower limb), left and right. A user may add targets of their own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ALSStudyLib.errors import InputError

SIDES = ("left", "right")


@dataclass(frozen=True)
class Target:
    """:param slug: file and column name, as `hand_knob_left`; label: words for a person; side: left, right or ""."""

    slug: str
    label: str
    side: str


STANDARD_TARGETS = (
    Target("hand_knob_left", "Hand knob, left", "left"),
    Target("hand_knob_right", "Hand knob, right", "right"),
    Target("paracentral_left", "Paracentral lobule, left", "left"),
    Target("paracentral_right", "Paracentral lobule, right", "right"),
)


def target(slug: str) -> Target:
    """The target of a slug: a standard one, or a user's own with its side read off the ending.

    :raises InputError: a slug that is not made of lower-case letters, digits and underscores.
    """
    for known in STANDARD_TARGETS:
        if known.slug == slug:
            return known
    if not re.fullmatch(r"[a-z][a-z0-9_]*", slug):
        raise InputError(
            f"Target '{slug}' is not a name; expected {', '.join(t.slug for t in STANDARD_TARGETS)}, or lower-case "
            "letters, digits and underscores of your own; rename it."
        )
    side = next((s for s in SIDES if slug.endswith("_" + s)), "")
    words = (slug[: -len(side) - 1] if side else slug).replace("_", " ")
    label = words[:1].upper() + words[1:]
    return Target(slug, f"{label}, {side}" if side else label, side)


def oppositeSlug(slug: str) -> str:
    """The same place on the other side, or "" for a target without a side."""
    for side, other in (SIDES, SIDES[::-1]):
        if slug.endswith("_" + side):
            return slug[: -len(side)] + other
    return ""
