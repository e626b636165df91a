"""`PhaseMeasurement` to rows of result tables; the columns are a contract (DESIGN.md)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ALSStudyLib.tables import Column, asFlag

from .measurement import PhaseMeasurement, SliceValue, inHz
from .regions import STRUCTURES

_WHO = (
    Column("subject", "Subject identifier", isText=True),
    Column("exam", "Exam of the subject", isText=True),
)
_REGION = (
    Column("region", "Structure", isText=True),
    Column("side", "left, right, or n/a", isText=True),
)
MEASUREMENT_COLUMNS = (
    *_WHO,
    *_REGION,
    Column("rank", "1 is the most extreme of the slices that the slice rule keeps; n/a: not kept"),
    Column("slice", "Index of the slice (k) in the phase image as Slicer loads it, from 0"),
    Column("phase_rad", "Mean phase shift over the region; its sign is that of the image (see polarity)", "rad"),
    Column("sd_rad", "Standard deviation over the pixels", "rad"),
    Column("phase_hz", "Frequency shift, phase / (2 pi TE)", "Hz"),
    Column("phase_ppb", "Frequency shift relative to the proton frequency", "ppb"),
    Column(
        "retention",
        "Share of a shift that the filter leaves, predicted for a shift of exactly this region; less is left of a "
        "structure that reaches beyond it",
    ),
    Column("n_pixels", "Pixels of the region in this slice, on the image's own grid"),
    Column("area_mm2", "Area of these pixels", "mm2"),
    Column("rule", "Slice rule: ranked or consecutive", isText=True),
    Column("flags", "Remarks, separated by semicolons; of a blank row, the reason", isText=True),
)
SLICE_COLUMNS = (*MEASUREMENT_COLUMNS, Column("selected", "1 if the slice rule keeps this slice, else 0"))
REGION_COLUMNS = (
    *_WHO,
    *_REGION,
    Column("n_slices", "Slices the region was painted on and measured in"),
    Column("extreme_rad", "Most extreme slice; biased away from zero, as every extreme of several values", "rad"),
    Column("mean_selected_rad", "Mean of the slices kept", "rad"),
    Column("mean_all_rad", "Mean of all slices, weighted by pixels; not biased by choosing", "rad"),
    Column("extreme_hz", "Most extreme slice", "Hz"),
    Column("mean_all_hz", "Mean of all slices, weighted by pixels", "Hz"),
    Column("mean_retention", "Mean predicted retention of the slices kept"),
    Column("polarity", "Sign of a paramagnetic shift in this image, as declared", isText=True),
    Column("filter", "High-pass filter, with its kernel in lines and mm", isText=True),
    Column("echo_time_ms", "Echo time", "ms"),
    Column("field_strength_t", "Field strength", "T"),
    Column("flags", "Remarks, separated by semicolons", isText=True),
)
INVALID_INPUT = "invalid_input"
PRECENTRAL = STRUCTURES[0].slug
WIDE_NAMES = {"caudate_nucleus": "caudate", "globus_pallidus": "pallidum", "frontal_cortex": "frontal"}
WIDE_COLUMNS = (
    *_WHO,
    *(
        Column(f"{side[0].upper()}{rank}", f"Precentral gyrus, {side}, slice of rank {rank}", "rad")
        for rank in (1, 2, 3)
        for side in ("right", "left")
    ),
    *(
        Column(WIDE_NAMES.get(s.slug, s.slug), f"{s.label}, the most extreme slice of both sides", "rad")
        for s in STRUCTURES[1:]
    ),
)


def _who(measurement: PhaseMeasurement) -> dict:
    source = measurement.prepared.source
    return {"subject": source.subject, "exam": source.exam}


def _region(measurement: PhaseMeasurement) -> dict:
    return {**_who(measurement), "region": measurement.region.structure.slug, "side": measurement.region.side}


def _row(measurement: PhaseMeasurement, value: SliceValue | None, rank: int | None) -> dict:
    row = {**_region(measurement), "rank": rank, "rule": measurement.prepared.settings.sliceRule}
    if value is None:
        return {**row, "flags": ";".join(measurement.flags)}
    return {
        **row,
        "slice": value.slice,
        "phase_rad": value.phaseRad,
        "sd_rad": value.sdRad,
        "phase_hz": value.phaseHz,
        "phase_ppb": value.phasePpb,
        "retention": value.retention,
        "n_pixels": value.nPixels,
        "area_mm2": value.areaMm2,
        "flags": ";".join(dict.fromkeys([*value.flags, *measurement.flags])),
    }


def measurementRows(measurement: PhaseMeasurement) -> list[dict]:
    """Rows of phase_measurements.tsv: the slices kept, or one blank row that says why there is none."""
    rows = [_row(measurement, value, rank) for rank, value in enumerate(measurement.chosen, start=1)]
    if rows:
        return rows
    reasons = [flag for value in measurement.candidates for flag in value.flags]
    blank = _row(measurement, None, None)
    return [{**blank, "flags": ";".join(dict.fromkeys([*reasons, *measurement.flags]))}]


def unmeasuredRow(subject: str, exam: str, reason: str) -> dict:
    """The row of an exam that could not be measured."""
    return {"subject": subject, "exam": exam, "flags": f"{INVALID_INPUT};{asFlag(reason)}"}


def sliceRows(measurement: PhaseMeasurement) -> list[dict]:
    """Rows of phase_slices.tsv: every candidate; a region without any keeps its blank row."""
    if not measurement.candidates:
        return [{**_row(measurement, None, None), "selected": 0}]
    ranks = {position: rank for rank, position in enumerate(measurement.selected, start=1)}
    return [
        {**_row(measurement, value, ranks.get(position)), "selected": int(position in ranks)}
        for position, value in enumerate(measurement.candidates)
    ]


def regionRow(measurement: PhaseMeasurement) -> dict:
    """One row of phase_regions.tsv: the extreme beside the mean of all slices."""
    source, chosen = measurement.prepared.source, measurement.chosen
    row = {
        **_region(measurement),
        "n_slices": sum(np.isfinite(value.phaseRad) for value in measurement.candidates),
        "polarity": source.polarity,
        "filter": measurement.prepared.filter.text,
        "echo_time_ms": source.echoTimeMs,
        "field_strength_t": source.fieldStrengthT,
        "flags": ";".join(measurement.flags),
    }
    measured = [value for value in measurement.candidates if np.isfinite(value.phaseRad)]
    if measured:
        mean = float(np.average([v.phaseRad for v in measured], weights=[v.nPixels for v in measured]))
        row |= {"mean_all_rad": mean, "mean_all_hz": inHz(mean, source.echoTimeMs)}
    if chosen:
        row |= {
            "extreme_rad": chosen[0].phaseRad,
            "extreme_hz": chosen[0].phaseHz,
            "mean_selected_rad": float(np.mean([value.phaseRad for value in chosen])),
            "mean_retention": float(np.mean([value.retention for value in chosen])),
        }
    return row


def wideRow(measurements: Sequence[PhaseMeasurement]) -> dict:
    """The row of one exam as in Tables 2 and 3 of Liu et al. 2021: R1 L1 R2 L2 R3 L3, then the other structures."""
    row = dict(_who(measurements[0]))
    extremes: dict[str, list[float]] = {}
    for measurement in measurements:
        slug, side = measurement.region.structure.slug, measurement.region.side
        if slug == PRECENTRAL and side:
            for rank, value in enumerate(measurement.chosen, start=1):
                row[f"{side[0].upper()}{rank}"] = value.phaseRad
        elif measurement.chosen:
            extremes.setdefault(WIDE_NAMES.get(slug, slug), []).append(measurement.chosen[0].phaseRad)
    sign = measurements[0].prepared.source.paramagneticSign
    for name, values in extremes.items():
        row[name] = max(values, key=lambda value: sign * value if sign else abs(value))
    return row


def details(measurements: Sequence[PhaseMeasurement]) -> dict:
    """What of an exam belongs into provenance.json: how the values came about."""
    prepared = measurements[0].prepared
    source, record, flips = prepared.source, prepared.filter, prepared.signFlips
    slices = sorted({value.slice for measurement in measurements for value in measurement.candidates})
    nI, nJ, _ = prepared.corrected.shape_IJK
    middle = np.array([[0.5 * (nI - 1), 0.5 * (nJ - 1), k] for k in slices]).reshape(-1, 3)
    return {
        "encoding": source.encoding,
        "echo_time_ms": source.echoTimeMs,
        "field_strength_t": source.fieldStrengthT,
        "already_filtered": source.alreadyFiltered,
        "sign_flips": {"found": flips.detected, "share": flips.share, "corrected": prepared.settings.correctSignFlips},
        "polarity_checks": [
            {
                "region": check.region,
                "contrast_rad": check.contrastRad if np.isfinite(check.contrastRad) else None,
                "suggests": check.suggests,
                "reason": check.reason,
            }
            for check in measurements[0].polarityChecks
        ],
        "flags": list(prepared.flags),
        "slice_centers_RAS_mm": {
            str(k): [round(float(mm), 3) for mm in center]
            for k, center in zip(slices, prepared.corrected.ijkToWorld(middle), strict=True)
        },
        "filter_details": filterDict(record),
    }


def filterDict(record) -> dict:
    """A filter as JSON."""
    return {
        "kind": record.kind,
        "text": record.text,
        "kernel_lines": None if record.nLines_IJ is None else list(record.nLines_IJ),
        "kernel_mm": None if record.cutoffMm_IJ is None else list(record.cutoffMm_IJ),
        "window": record.window or None,
        "gaussian_sd_mm": record.sigmaMm,
    }


def summary(measurement: PhaseMeasurement) -> str:
    """One line for a log."""
    if not measurement.chosen:
        return f"{measurement.region.label}: no value ({', '.join(measurement.flags) or 'not measured'})"
    values = ", ".join(
        f"slice {value.slice} {value.phaseRad:+.3f} rad = {value.phaseHz:+.2f} Hz ({value.nPixels} pixels)"
        for value in measurement.chosen
    )
    flags = dict.fromkeys([*(flag for value in measurement.chosen for flag in value.flags), *measurement.flags])
    return f"{measurement.region.label}: {values}" + (f" ({', '.join(flags)})" if flags else "")
