"""Coded concepts of the structured report: standard codes where there are some, else this project's own (99ALSMC).

A code is (value, coding scheme, meaning). SCT: SNOMED CT; UBERON: anatomy ontology, known to DICOM (PS3.16, table 8-1),
which has the gyri that SNOMED's free subset in DICOM lacks; UCUM: units. Meanings have at most 64 characters.
"""

from __future__ import annotations

from dataclasses import dataclass

OWN = "99ALSMC"
OWN_NAME = "ALSMotorCortex measurements"
Code = tuple[str, str, str]

PRECENTRAL: Code = ("0002703", "UBERON", "Precentral gyrus")
SITES: dict[str, Code] = {
    "hand_knob": PRECENTRAL,
    "paracentral": ("0035933", "UBERON", "Paracentral lobule"),
    "precentral_gyrus": PRECENTRAL,
    "frontal_cortex": ("0001870", "UBERON", "Frontal cortex"),
    "caudate_nucleus": ("11000004", "SCT", "Caudate nucleus"),
    "globus_pallidus": ("14738005", "SCT", "Globus pallidus"),
    "putamen": ("89278009", "SCT", "Putamen"),
    "vein": ("29092000", "SCT", "Vein"),
}
OTHER_SITE: Code = ("12738006", "SCT", "Brain")  # a place of the user's own, named by the modifier
MODIFIERS: dict[str, Code] = {"hand_knob": ("HANDKNOB", OWN, "Hand knob of the precentral gyrus")}
LATERALITY: dict[str, Code] = {"left": ("7771000", "SCT", "Left"), "right": ("24028007", "SCT", "Right")}

NO_UNIT: Code = ("1", "UCUM", "no units")
MM: Code = ("mm", "UCUM", "mm")
MM2: Code = ("mm2", "UCUM", "mm2")
PER_MM: Code = ("/mm", "UCUM", "/mm")
RAD: Code = ("rad", "UCUM", "radian")
HZ: Code = ("Hz", "UCUM", "Hertz")
PPB: Code = ("[ppb]", "UCUM", "parts per billion")
DEGREE: Code = ("deg", "UCUM", "degree")
INTENSITY: Code = ("[arb'U]", "UCUM", "arbitrary unit")
NORMALS: Code = ("{normals}", "UCUM", "normals")
PIXELS: Code = ("{pixels}", "UCUM", "pixels")

MEAN: Code = ("373098007", "SCT", "Mean")
DEVIATION: Code = ("386136009", "SCT", "Standard Deviation")
PHASE_SHIFT: Code = ("PHASE", OWN, "MR phase shift")


@dataclass(frozen=True)
class Quantity:
    """One column of a result table as a coded number.

    :param derivation: how it was computed, if one concept has several numbers. hasInterval: columns _ci_low, _ci_high.
    """

    column: str
    concept: Code
    unit: Code
    derivation: Code | None = None
    hasInterval: bool = False


AREA: Code = ("42798000", "SCT", "Area")
QUANTITIES: dict[str, tuple[Quantity, ...]] = {
    "profile": (
        Quantity("sh_thk_per_mm", ("SHTHK", OWN, "Signal hypointensity over thickness"), PER_MM, hasInterval=True),
        Quantity("sh", ("SH", OWN, "Signal hypointensity of the deep cortex"), NO_UNIT, hasInterval=True),
        Quantity("thickness_mm", ("THK", OWN, "Thickness of the hypointense cortical band"), MM, hasInterval=True),
        Quantity("area_mm", ("BANDAREA", OWN, "Area under the hypointensity profile"), MM, hasInterval=True),
        Quantity("r_squared", ("126220", "DCM", "R2 Coefficient"), NO_UNIT),
        Quantity("n_normals", ("NORMALS", OWN, "Cortical normals used"), NORMALS),
        Quantity("n_excluded", ("EXCLUDED", OWN, "Cortical normals left out"), NORMALS),
        Quantity("splenium_mean", ("SPLMEAN", OWN, "Mean intensity of the splenium reference"), INTENSITY, MEAN),
        Quantity("splenium_area_mm2", ("SPLAREA", OWN, "Area of the splenium reference"), MM2),
        Quantity("white_matter_mean", ("WMMEAN", OWN, "Mean intensity of the white-matter reference"), INTENSITY, MEAN),
        Quantity("white_matter_area_mm2", ("WMAREA", OWN, "Area of the white-matter reference"), MM2),
        Quantity("tilt_deg", ("TILT", OWN, "Angle between cortex and slice normal"), DEGREE),
    ),
    "phase": (
        Quantity("phase_rad", PHASE_SHIFT, RAD, MEAN),
        Quantity("sd_rad", PHASE_SHIFT, RAD, DEVIATION),
        Quantity("phase_hz", ("FREQUENCY", OWN, "MR frequency shift"), HZ, MEAN),
        Quantity("phase_ppb", ("RELATIVE", OWN, "MR frequency shift relative to the proton frequency"), PPB, MEAN),
        Quantity("retention", ("RETENTION", OWN, "Share of a shift that the filter leaves"), NO_UNIT),
        Quantity("n_pixels", ("PIXELS", OWN, "Pixels of the region in this slice"), PIXELS),
        Quantity("area_mm2", AREA, MM2),
        Quantity("rank", ("RANK", OWN, "Rank of the slice by the slice rule"), NO_UNIT),
        Quantity("slice", ("SLICE", OWN, "Index of the slice in the image as loaded, from 0"), NO_UNIT),
    ),
}
# Numbers whose absence is told with a reason.
MAIN = {"profile": ("sh_thk_per_mm", "sh", "thickness_mm", "area_mm"), "phase": ("phase_rad",)}
UPPER_RANGE: Code = ("371886008", "SCT", "+, range of upper measurement uncertainty")
LOWER_RANGE: Code = ("371885007", "SCT", "-, range of lower measurement uncertainty")
CI_LOW: Code = ("CI95LOW", OWN, "Lower limit of the 95 % confidence interval")
CI_HIGH: Code = ("CI95HIGH", OWN, "Upper limit of the 95 % confidence interval")

STATUS: Code = ("STATUS", OWN, "Measurement status")
STATUSES: dict[str, Code] = {
    "ok": ("ok", OWN, "Measured"),
    "no_band": ("no_band", OWN, "No dark band stands out: cortex looks flat"),
    "at_edge": ("at_edge", OWN, "Not measured: band ends outside the fitted depths"),
    "poor_fit": ("poor_fit", OWN, "Not measured: poor fit"),
    "not_converged": ("not_converged", OWN, "Not measured: fit did not settle"),
    "invalid_input": ("invalid_input", OWN, "Not measured: invalid input"),
    "not_measured": ("not_measured", OWN, "Not measured"),
}
# DICOM's own reasons for a number that is not there (PS3.16 CID 42).
FAILURE: Code = ("114006", "DCM", "Measurement failure")
REASONS: dict[str, Code] = {
    "no_band": ("114011", "DCM", "Value indeterminate"),
    "invalid_input": ("114007", "DCM", "Measurement not attempted"),
}
PROCEDURE: Code = ("816077007", "SCT", "Magnetic resonance imaging of brain")
COMMENT: Code = ("121106", "DCM", "Comment")
