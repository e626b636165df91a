"""Where the phase is measured, and how many pixels a region may have (Liu et al. 2021, METHODS.md 2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from ALSStudyLib.errors import InputError

SIDES = ("left", "right")
VEIN = "vein"
EXCHANGED = "left_and_right_exchanged"


@dataclass(frozen=True)
class PixelRule:
    """How many pixels a region has in a slice; None leaves an end open."""

    minimum: int | None = None
    maximum: int | None = None

    def allows(self, nPixels: int) -> bool:
        return (self.minimum is None or nPixels >= self.minimum) and (self.maximum is None or nPixels <= self.maximum)

    @property
    def text(self) -> str:
        if self.minimum is None and self.maximum is None:
            return "free"
        return f"{self.minimum or 1}-{'' if self.maximum is None else self.maximum}"


FREE = PixelRule()


@dataclass(frozen=True)
class Structure:
    """:param slug: as in tables; label: for a person; nSlices: how many slices of it are kept.
    :param code: coding scheme, value and meaning of the segment's terminology.
    """

    slug: str
    label: str
    rule: PixelRule
    nSlices: int
    code: tuple[str, str, str] | None


# Slicer's own lists have the nuclei; cortex of the precentral gyrus and of the frontal lobe are in neither of them.
STRUCTURES = (
    Structure("precentral_gyrus", "Precentral gyrus", PixelRule(15, 25), 3, ("UBERON", "0002703", "Precentral gyrus")),
    Structure("frontal_cortex", "Frontal cortex", PixelRule(15, 25), 1, ("UBERON", "0001870", "Frontal cortex")),
    Structure("caudate_nucleus", "Caudate nucleus", PixelRule(25, 35), 1, ("SCT", "11000004", "Caudate nucleus")),
    Structure("globus_pallidus", "Globus pallidus", FREE, 1, ("SCT", "14738005", "Globus pallidus")),
    Structure("putamen", "Putamen", FREE, 1, ("SCT", "89278009", "Putamen")),
)
VEIN_STRUCTURE = Structure(VEIN, "Vein", FREE, 1, ("SCT", "29092000", "Vein"))
_KNOWN = {structure.slug: structure for structure in (*STRUCTURES, VEIN_STRUCTURE)}


@dataclass(frozen=True)
class PhaseRegion:
    """One structure on one side, on the grid of the phase image.

    :param side: "left", "right" or "". voxels_IJK: (n, 3) int. flags: how the region came about, as `resampled`.
    """

    structure: Structure
    side: str
    voxels_IJK: np.ndarray
    flags: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.structure.label}, {self.side}" if self.side else self.structure.label

    @property
    def slug(self) -> str:
        return f"{self.structure.slug}_{self.side}" if self.side else self.structure.slug


def structure(slug: str) -> Structure:
    """A known structure, or a user's own: any number of pixels, one slice kept."""
    if slug in _KNOWN:
        return _KNOWN[slug]
    words = slug.replace("_", " ")
    return Structure(slug, words[:1].upper() + words[1:], FREE, 1, None)


def structureAndSide(name: str) -> tuple[Structure, str]:
    """What a segment's name says: `precentral_gyrus_left`, `Left precentral gyrus`, `Putamen R`...

    :raises InputError: a name without letters.
    """
    words = re.sub(r"[\W_]+", " ", name.lower()).split()
    shorts = {"l": "left", "r": "right", "lh": "left", "rh": "right"}
    side = ""
    for end in (-1, 0):
        if words and shorts.get(words[end], words[end]) in SIDES:
            side = shorts.get(words[end], words[end])
            del words[end]
            break
    if not words:
        raise InputError(
            f"Segment '{name}' is no region's name; expected one like precentral_gyrus_left; rename the segment."
        )
    return structure("_".join(words)), side


def parsePixelRules(text: str) -> dict[str, PixelRule]:
    """Edited rules, as `precentral_gyrus=15-25;caudate_nucleus=free`.

    :raises InputError: what is not a rule.
    """
    rules = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        slug, separator, value = (piece.strip() for piece in part.partition("="))
        match = re.fullmatch(r"(\d+)\s*-\s*(\d*)", value)
        if not separator or not slug or not (match or value == "free"):
            raise InputError(
                f"Pixel rule '{part}' is not understood; expected region=15-25, region=15- or region=free; correct it."
            )
        slug = structureAndSide(slug)[0].slug  # as segments may be named; a rule is for both sides
        if match is None:
            rules[slug] = FREE
            continue
        minimum, maximum = int(match[1]), int(match[2]) if match[2] else None
        if minimum < 1 or (maximum is not None and maximum < minimum):
            raise InputError(f"Pixel rule '{part}' allows no region; expected 1 or more, and the larger number last.")
        rules[slug] = PixelRule(minimum, maximum)
    return rules
