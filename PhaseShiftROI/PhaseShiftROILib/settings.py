"""Every choice of the phase measurement, in one place: what is not here is not a choice."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from ALSStudyLib.errors import InputError
from ALSStudyLib.storedSettings import checkChoices, settingsFromDict

from .homodyne import WINDOWS
from .regions import parsePixelRules
from .slices import SLICE_RULES

NONE, HOMODYNE, LAPLACIAN = "none", "homodyne", "laplacian"
FILTERS = (NONE, HOMODYNE, LAPLACIAN)
CHOICES = {"filter": FILTERS, "window": WINDOWS, "sliceRule": SLICE_RULES}


@dataclass(frozen=True)
class PhaseSettings:
    """Defaults are METHODS.md "open points, settled"; every field is stored with each result.

    :param filter: "homodyne" (2D, slice by slice), "laplacian" (3D unwrapping, then a Gaussian high-pass), or "none".
    :param kernelLines: central k-space lines, in both directions, of the low-pass that is divided out; for the
        Gaussian, its SD is such that it passes one half where a Hann window of these lines does.
    :param kernelMm: instead of `kernelLines`, the wavelength of the cut-off, mm: the same in both directions.
    :param window: of the lines; "hann", "hamming" or "rectangle". highPassSigmaMm: SD of the Gaussian, mm, instead.
    :param correctSignFlips: add pi to every second slice (GE).
    :param sliceRule: "ranked" or "consecutive". pixelRules: edited rules, as "precentral_gyrus=15-25;putamen=free".
    :param resampleRegions: accept regions painted on another grid.
    :param maskPower: of the SWI's phase mask. slabMm: thickness of its minimum intensity projection, mm.
    """

    filter: str = HOMODYNE
    kernelLines: int = 64
    kernelMm: float | None = None
    window: str = "hann"
    highPassSigmaMm: float | None = None
    correctSignFlips: bool = False
    sliceRule: str = "ranked"
    pixelRules: str = ""
    resampleRegions: bool = False
    maskPower: float = 4.0
    slabMm: float = 8.0

    def __post_init__(self):
        checkChoices(self, CHOICES)
        if self.kernelLines < 4:
            raise InputError(f"Kernel of {self.kernelLines} lines; expected at least 4; correct it.")
        for name in ("kernelMm", "highPassSigmaMm", "maskPower", "slabMm"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1000:
                raise InputError(f"Setting {name} is {value}; expected more than 0 and less than 1000; correct it.")
        parsePixelRules(self.pixelRules)

    def with_(self, **changes) -> PhaseSettings:
        return replace(self, **changes)

    def toDict(self) -> dict:
        return asdict(self)

    @classmethod
    def fromDict(cls, values: dict) -> PhaseSettings:
        """:raises InputError: a name that is no setting, as from a newer version."""
        return settingsFromDict(cls, values)
