"""Measurements as rows: the columns of the contract (DESIGN.md), their units and descriptions."""

from __future__ import annotations


import numpy as np
from ALSStudyLib.tables import Column, asFlag

from .bootstrap import Interval
from .doubleSigmoid import INVALID_INPUT
from .measurement import ProfileMeasurement
from .targets import SIDES
from .variants import Variant

_WHO = (
    Column("subject", "Subject identifier", isText=True),
    Column("exam", "Exam of the subject", isText=True),
    Column("target", "Place in the motor cortex: hand_knob_left, ..., or the user's own", isText=True),
)
_VALUES = (
    Column("sh", "Signal hypointensity: peak of the fitted band over the splenium mean, positive = dark"),
    Column("thickness_mm", "Full width of the fitted band at 25 % of its peak", "mm"),
    Column("sh_thk_per_mm", "Signal hypointensity over thickness", "1/mm"),
    Column("area_mm", "Area of the fitted band", "mm"),
)
_LIMITS = tuple(
    Column(f"{column.name}_ci_{end}", f"95 % confidence limit ({end}) of {column.name}", column.unit)
    for column in _VALUES
    for end in ("low", "high")
)
_STATUS = Column(
    "status", "ok, no_band, at_edge, poor_fit, not_converged or invalid_input; no number unless ok", isText=True
)

MEASUREMENT_COLUMNS = (
    *_WHO,
    Column("side", "left, right, or n/a", isText=True),
    _STATUS,
    *_VALUES,
    *_LIMITS,
    Column("n_normals", "Normals used"),
    Column("n_excluded", "Normals left out: crossing another, too tightly curved, or not sampled"),
    Column("r_squared", "Share of the mean profile's variance in the window that the fit explains"),
    Column("splenium_mean", "Mean intensity of the splenium reference", "intensity"),
    Column("splenium_area_mm2", "Area of the splenium reference in its largest slice", "mm2"),
    Column("white_matter_mean", "Mean intensity of the white-matter reference", "intensity"),
    Column("white_matter_area_mm2", "Area of the white-matter reference in its largest slice", "mm2"),
    Column(
        "slices",
        "Slices of the contours as Slicer counts them, from 0; a file may count from the other end",
        isText=True,
    ),
    Column("tilt_deg", "Angle between cortex and slice normal, from contours on neighboring slices", "deg"),
    Column("flags", "Remarks, separated by semicolons; of a target that is not measured, the reason", isText=True),
)

PROFILE_COLUMNS = (
    *_WHO,
    Column("depth_mm", "Depth below the pial line, positive into white matter", "mm"),
    Column("mean_intensity", "Mean over normals", "intensity"),
    Column("sd_intensity", "Standard deviation over normals", "intensity"),
    Column("n", "Normals with a value at this depth"),
    Column("hypointensity", "Mean hypointensity, (WM - I) / splenium, after alignment if that is on"),
    Column("fit", "Fitted band as seen through the voxel; n/a outside the window"),
)

VARIANT_COLUMNS = (
    *_WHO,
    Column("variant", "Which steps beyond the paper are on", isText=True),
    Column("selected", "1 for the variant in profile_measurements.tsv"),
    _STATUS,
    *_VALUES,
    Column("r_squared", "Share of the mean profile's variance in the window that the fit explains"),
)


def _who(measurement: ProfileMeasurement) -> dict:
    source = measurement.input
    return {"subject": source.subject, "exam": source.exam, "target": source.target.slug}


def _interval(name: str, interval: Interval) -> dict:
    return {f"{name}_ci_low": interval.low, f"{name}_ci_high": interval.high}


def _values(variant: Variant) -> dict:
    return {
        "sh": variant.sh,
        "thickness_mm": variant.thicknessMm,
        "sh_thk_per_mm": variant.shThkPerMm,
        "area_mm": variant.areaMm,
        "r_squared": variant.fit.rSquared,
    }


def measurementRow(measurement: ProfileMeasurement) -> dict:
    """One row of profile_measurements.tsv."""
    row = {**_who(measurement), "side": measurement.input.target.side, "status": measurement.status}
    reason = [asFlag(measurement.reason)] if measurement.reason else []
    row["flags"] = ";".join([*measurement.flags, *reason])
    if measurement.selected is None:
        return row
    intervals = measurement.intervals
    return {
        **row,
        **_values(measurement.selected),
        **_interval("sh", intervals.sh),
        **_interval("thickness_mm", intervals.thicknessMm),
        **_interval("sh_thk_per_mm", intervals.shThkPerMm),
        **_interval("area_mm", intervals.areaMm),
        "n_normals": measurement.nNormals,
        "n_excluded": measurement.nExcluded,
        "splenium_mean": measurement.splenium.mean,
        "splenium_area_mm2": measurement.splenium.areaMm2,
        "white_matter_mean": measurement.whiteMatter.mean,
        "white_matter_area_mm2": measurement.whiteMatter.areaMm2,
        "slices": ",".join(str(index) for index in sorted({rows.slice for rows in measurement.normals})),
        "tilt_deg": measurement.tiltDeg,
    }


def unmeasuredRow(subject: str, exam: str, slug: str, reason: str) -> dict:
    """The row of a target whose exam could not be measured.

    :param slug: as it was asked for; "" if that is not known.
    """
    side = next((side for side in SIDES if slug.endswith("_" + side)), "")
    row = {"subject": subject, "exam": exam, "target": slug, "side": side}
    return {**row, "status": INVALID_INPUT, "flags": asFlag(reason)}


def profileRows(measurement: ProfileMeasurement) -> list[dict]:
    """Rows of profiles.tsv, one per depth; none for a target without a profile."""
    mean = measurement.mean
    if mean is None:
        return []
    sign = -1.0 if measurement.settings.convention == "literal" else 1.0
    columns = zip(
        mean.depthMm,
        mean.meanIntensity,
        mean.sdIntensity,
        mean.n,
        sign * mean.hypointensity,
        sign * measurement.bandCurve,
        strict=True,
    )
    names = [column.name for column in PROFILE_COLUMNS[len(_WHO) :]]
    who = _who(measurement)
    # Depths are made by counting steps: ten digits are exact, and free of 0.30000000000000004.
    return [
        {**who, **dict(zip(names, values, strict=True)), "depth_mm": round(float(values[0]), 10)} for values in columns
    ]


def variantRows(measurement: ProfileMeasurement) -> list[dict]:
    """Rows of profile_variants.tsv: the measurement with and without each step beyond the paper."""
    return [
        {
            **_who(measurement),
            "variant": variantName(variant),
            "selected": int(variant is measurement.selected),
            "status": variant.fit.status,
            **_values(variant),
        }
        for variant in measurement.variants
    ]


def variantName(variant: Variant) -> str:
    steps = [name for name, on in (("voxel_aware", variant.voxelAware), ("aligned", variant.align)) if on]
    return "+".join(steps) or "plain"


def details(measurement: ProfileMeasurement) -> dict:
    """What of a measurement belongs into provenance.json: how it came about, not what came out."""
    if measurement.selected is None:
        return {"status": measurement.status, "reason": measurement.reason}
    window, depth = measurement.window, measurement.mean.depthMm
    shift = measurement.profiles.alignment.shiftMm
    fit = measurement.selected.fit
    found = {
        "status": measurement.status,
        "window_mm": [float(depth[window.first]), float(depth[window.last])],
        "superficial_layers_modeled": window.superficial is not None,
        "voxel_width_mm": measurement.voxelWidthMm,
        "angle_of_normals_to_b0_deg": measurement.normalsToB0Deg,
        "tilt_deg": measurement.tiltDeg,
        "alignment_shift_sd_mm": float(np.std(shift)),
        "alignment_shift_max_mm": float(np.abs(shift).max()),
        "delta_aicc": fit.deltaAicc,
        "peak_depth_mm": fit.peakDepthMm,
        "bootstrap_resamples": measurement.intervals.resamples,
        "bootstrap_failed": measurement.intervals.failed,
    }
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in found.items()
    }


def summary(measurement: ProfileMeasurement) -> str:
    """One line for a log."""
    label = measurement.input.target.label
    if measurement.status != "ok":
        return f"{label}: {measurement.status}" + (f" - {measurement.reason}" if measurement.reason else "")
    found, ci = measurement.selected, measurement.intervals.shThkPerMm
    interval = f" (95 % CI {ci.low:.3f}-{ci.high:.3f})" if np.isfinite(ci.low) else ""
    numbers = f"SH {found.sh:.3f}, Thk {found.thicknessMm:.2f} mm, SH/Thk {found.shThkPerMm:.3f}/mm{interval}"
    return f"{label}: {numbers}, ok" + (f" ({', '.join(measurement.flags)})" if measurement.flags else "")
