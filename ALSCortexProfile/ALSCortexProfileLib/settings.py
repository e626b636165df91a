"""Every choice of the profile measurement, in one place: what is not here is not a choice."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from ALSStudyLib.errors import InputError
from ALSStudyLib.storedSettings import checkChoices, settingsFromDict

MIN_RESAMPLES = 40  # below this, the 2.5th percentile is the smallest resample
CHOICES = {
    "interpolation": ("cubic", "linear"),
    "windowPolicy": ("superficial", "zero_crossing", "whole"),
    "convention": ("signed", "literal"),
    "echoCombination": ("mean", "rss", "single", "r2star"),
}


@dataclass(frozen=True)
class ProfileSettings:
    """Defaults are METHODS.md "open points, settled"; every field is stored with each result.

    :param interpolation: "cubic" (B-spline, in float) or "linear".
    :param voxelAware: model the voxel inside the fit; off fits F to the blurred profile, as the paper does.
    :param align: align single profiles before averaging; off averages them where the line was drawn.
    :param windowPolicy: "superficial" models bright superficial layers from just above the band's upper zero
        crossing; "zero_crossing" fits F from that crossing; "whole" fits F to all depths below the pia.
    :param windowStartMm, windowEndMm: fixed window, mm; None chooses by policy.
    :param convention: "signed": d = (WM - I) / S; "literal": the paper's wording, I - WM fitted as it is and its
        depth divided by S afterwards. The numbers agree; the sign of the stored profile differs.
    :param echoCombination: what one image is made from several echoes: mean, root of summed squares, a single
        echo (`singleEchoMs`), or R2*.
    :param normalSpacingMm: distance between normals along the line, mm.
    :param minNormals: fewer than this many usable normals are not measured.
    :param trimMm: left out at each end of an open line, mm.
    :param crossingDepthMm: normals that meet another, or curve together, above this depth are left out, mm.
    :param minDepthMm, maxDepthMm, depthStepMm: sampled depths, mm, positive into white matter.
    :param maxBandDepthMm: the band's center is looked for above this depth, mm.
    :param alignmentSdMm, maxShiftMm: expected and largest shift of a single profile, mm.
    :param superficialLeak: how far superficial layers may overlap the band's upper crossing, fraction of the peak.
    :param superficialReachMm: how far above that crossing the window starts, mm.
    :param minSpleniumMm2: smallest accepted splenium region, mm2.
    :param blockMm: length of contour that is resampled as one piece, mm; with 1.0 the intervals of SH/Thk covered the
        truth in 0.90 of phantoms, with 1.5 in 0.92, for neighboring pieces still share voxels.
    :param resamples: bootstrap resamples for the 95 % CI; 0 gives none.
    :param seed: of the bootstrap.
    """

    interpolation: str = "cubic"
    voxelAware: bool = True
    align: bool = True
    windowPolicy: str = "superficial"
    windowStartMm: float | None = None
    windowEndMm: float | None = None
    convention: str = "signed"
    echoCombination: str = "mean"
    singleEchoMs: float | None = None
    normalSpacingMm: float = 0.25
    minNormals: int = 20
    trimMm: float = 1.0
    crossingDepthMm: float = 3.0
    minDepthMm: float = -1.0
    maxDepthMm: float = 6.0
    depthStepMm: float = 0.1
    maxBandDepthMm: float = 4.5
    alignmentSdMm: float = 0.25
    maxShiftMm: float = 0.6
    superficialLeak: float = 0.12
    superficialReachMm: float = 0.4
    minSpleniumMm2: float = 5.0
    blockMm: float = 1.5
    resamples: int = 1000
    seed: int = 20180163

    def __post_init__(self):
        checkChoices(self, CHOICES)
        for name in ("normalSpacingMm", "depthStepMm", "blockMm", "alignmentSdMm", "superficialLeak"):
            if not getattr(self, name) > 0:
                raise InputError(f"Setting {name} is {getattr(self, name)}; expected more than 0; correct it.")
        if not self.minDepthMm <= 0 < self.crossingDepthMm <= self.maxDepthMm:
            raise InputError(
                f"Depths are {self.minDepthMm:g} to {self.maxDepthMm:g} mm with crossings up to "
                f"{self.crossingDepthMm:g} mm; expected minDepthMm <= 0 < crossingDepthMm <= maxDepthMm; correct them."
            )
        if self.resamples != 0 and self.resamples < MIN_RESAMPLES:
            raise InputError(
                f"Setting resamples is {self.resamples}; "
                f"expected 0 for no intervals, or at least {MIN_RESAMPLES}; correct it."
            )
        if self.minNormals < 4 or self.seed < 0:
            raise InputError(
                f"Settings are {self.minNormals} normals and seed {self.seed}; expected at least 4 and 0; correct them."
            )

    @classmethod
    def paper(cls) -> ProfileSettings:
        """The paper's own procedure: nothing but spline, mean profile and F, in its wording."""
        return cls(voxelAware=False, align=False, windowPolicy="zero_crossing", convention="literal")

    def with_(self, **changes) -> ProfileSettings:
        return replace(self, **changes)

    def toDict(self) -> dict:
        return asdict(self)

    @classmethod
    def fromDict(cls, values: dict) -> ProfileSettings:
        """:raises InputError: a name that is no setting, as from a newer version."""
        return settingsFromDict(cls, values)
